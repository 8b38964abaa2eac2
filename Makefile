# The front door. `make run` and `make test` are all that a newcomer needs.

SHELL := /bin/bash
PRESET ?= release
BUILD := build/$(PRESET)
JOBS ?= $(shell nproc)
PACKAGES := $(shell sed -e 's/#.*//' -e '/\[check\]/d' -e 's/\[.*//' packages.txt)
CHECK_PACKAGES := $(shell sed -n 's/ *\[check\]$$//p' packages.txt)
# For PRESET=tsan; ignored by the other builds.
export TSAN_OPTIONS ?= suppressions=$(CURDIR)/tests/tsan.supp
SECONDS_OF_ATTACK ?= 60
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: all run test hostile demo bench docs format check packages check-packages configure clean

all: configure
	@cmake --build $(BUILD) -j $(JOBS)

# The daemon with its embedded defaults, data in ./data.
run: configure
	@cmake --build $(BUILD) -j $(JOBS) --target immudb immuclient
	@$(BUILD)/bin/immudb --dir ./data

test: all
	@ctest --test-dir $(BUILD) --output-on-failure --timeout 600 -j $(JOBS)

# All attacks at once for a minute, on a machine that does nothing else: the times are judged too.
hostile: configure
	@cmake --build $(BUILD) -j $(JOBS) --target immudb e2e_stubs
	@IMMUDB_BINARY=$(CURDIR)/$(BUILD)/bin/immudb IMMUDB_E2E_STUBS=$(CURDIR)/$(BUILD)/tests/e2e/stubs \
	  /usr/bin/python3 tests/hostile/all_at_once.py --seconds $(SECONDS_OF_ATTACK) --judge

# Stores the machine's package database, crashes the daemon half-way, proves every record afterwards.
demo: configure
	@cmake --build $(BUILD) -j $(JOBS) --target immudb immudb_demo
	@$(BUILD)/bin/immudb_demo --server $(BUILD)/bin/immudb

bench: configure
	@cmake --build $(BUILD) -j $(JOBS) --target immudb immubench
	@$(BUILD)/bin/immubench --server $(BUILD)/bin/immudb

SOURCES = git ls-files -co --exclude-standard -- '*.h' '*.cc'

# Writes the tables of docs/ that the programs print.
docs: all
	@python3 tests/docs/tables.py $(BUILD)/bin

format: check-packages
	@$(SOURCES) | xargs clang-format -i

check: check-packages configure
	@$(SOURCES) | xargs clang-format --dry-run -Werror
	@cmake --build $(BUILD) -j $(JOBS) --target immudb_proto
	@$(SOURCES) '*.cc' | grep '\.cc$$' | xargs -P $(JOBS) -n 4 clang-tidy --quiet -p $(BUILD)

# Installs what packages.txt names and the machine lacks; needs no network when nothing is missing.
packages:
	@$(call install,$(PACKAGES))

check-packages:
	@$(call install,$(CHECK_PACKAGES))

define install
missing=$$(for p in $(1); do \
    dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
if [ -n "$$missing" ]; then \
    echo "installing" $$missing; \
    $(SUDO) apt-get update -qq && \
    $(SUDO) env DEBIAN_FRONTEND=noninteractive sh -c '$(install_unstarted)' sh $$missing; \
fi
endef

# Prometheus is for the tests: as a service it is started neither now nor with the machine.
define install_unstarted
policy=/usr/sbin/policy-rc.d; \
[ -e $$policy ] || { trap "rm -f $$policy" EXIT INT TERM; \
    printf "#!/bin/sh\nexit 101\n" > $$policy; chmod 755 $$policy; }; \
apt-get install -y -qq --no-install-recommends "$$@" && \
case " $$* " in *" prometheus "*) update-rc.d prometheus disable;; esac
endef

configure: packages
	@[ -f $(BUILD)/build.ninja ] || cmake --preset $(PRESET)

clean:
	@rm -rf build

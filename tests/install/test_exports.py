# SPDX-License-Identifier: Apache-2.0
"""The shared libraries show what the public headers declare: all of it and nothing else."""
import re

import pytest
from public_api import HEADERS, NOTHING_TO_LINK, declared, dynamic, exported

RUNTIME = {"libstdc++.so", "libm.so", "libgcc_s.so", "libc.so"}


@pytest.fixture(params=HEADERS)
def name(request):
    return request.param


@pytest.fixture
def library(libdir, name):
    return libdir / f"libimmudb_{name}.so"


def needed(path):
    return {re.sub(r"\.so\..*", ".so", entry) for entry in dynamic(path, "NEEDED")}


def test_exactly_the_public_interface_is_exported(prefix, soversion, name, library):
    expected = set()
    for header in HEADERS[name]:
        names, unmarked = declared((prefix / "include/immudb" / header).read_text())
        assert unmarked == set(), f"{header}: not marked IMMUDB_EXPORT"
        expected |= names
    assert len(expected) >= 15
    names, others = exported(library, f"IMMUDB_{soversion}")
    assert others == []
    assert names == expected


def test_every_header_belongs_to_a_library(root):
    known = set().union(*HEADERS.values()) | NOTHING_TO_LINK
    assert {path.name for path in (root / "include/immudb").iterdir()} == known
    for header in NOTHING_TO_LINK:
        assert declared((root / "include/immudb" / header).read_text())[0] == set()


def test_libraries_are_versioned_and_find_each_other(version, soversion, library):
    soname = f"{library.name}.{soversion}"
    assert dynamic(library, "SONAME") == [soname]
    assert library.resolve().name == f"{library.name}.{version}"
    assert (library.parent / soname).resolve() == library.resolve()
    assert dynamic(library, "RUNPATH") + dynamic(library, "RPATH") == ["$ORIGIN"]


def test_the_verifier_needs_libcrypto_and_nothing_else(libdir):
    links = needed(libdir / "libimmudb_verify.so")
    assert "libcrypto.so" in links
    assert links <= RUNTIME | {"libcrypto.so"}


def test_the_store_needs_no_network_and_the_client_no_store(libdir):
    store, client = (needed(libdir / f"libimmudb_{name}.so") for name in ("store", "client"))
    assert "libimmudb_verify.so" in store and "libimmudb_verify.so" in client
    assert not any(re.match("lib(grpc|protobuf|ssl|immudb_client)", link) for link in store)
    assert not any(re.match("lib(rocksdb|immudb_store)", link) for link in client)


def test_undeclared_and_unmarked_names_would_be_seen():
    header = """
    #pragma once
    namespace immudb {
    class Later;
    using Visitor = std::function<bool(int)>;
    inline constexpr size_t kLimit = size_t{3} << 4;
    struct Options { std::chrono::seconds pause{std::chrono::minutes(1)}; size_t n = size_t{1} << 2;
      friend bool operator==(const Options&, const Options&) = default; bool ok() const { return n; }
      Status Check(int a) const; };
    constexpr int Twice(int a) { return 2 * a; }
    IMMUDB_EXPORT Result<std::vector<int>> Marked(const Options& options = {});
    int Unmarked();  // IMMUDB_EXPORT
    class [[nodiscard]] IMMUDB_EXPORT Shown {
     public:
      Shown() : n_{1}, f_(2) { }
      ~Shown();
      Shown& operator=(Shown&&) noexcept;
      Shown(const Shown&) = delete;
      int Take(std::span<const int> values = {}) &&;
     private:
      IMMUDB_LOCAL explicit Shown(int n);
      class IMMUDB_LOCAL Impl;
      int n_ = 0;
    };
    }  // namespace immudb
    """
    assert declared(header) == (
        {"Options::Check", "Marked", "Unmarked", "Shown::~Shown", "Shown::operator=",
         "Shown::Take"},
        {"Options::Check", "Unmarked"})

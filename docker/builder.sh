#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The steps of the builder stage, which the image files share; run in the source directory.
set -eu

# What compiles the programs: the lines of packages.txt without a mark.
packages() {
  apt-get update -q
  # shellcheck disable=SC2046
  apt-get install -yq --no-install-recommends $(sed -e 's/#.*//' -e '/\[/d' packages.txt)
  apt-get clean
  rm -rf /var/lib/apt/lists/*
}

# The folder is named as `make` names it: so the objects that ccache knows from there are found.
compile() {
  if [ -d /ccache ]; then
    export CCACHE_DIR=/ccache CCACHE_MAXSIZE=0  # whose cache it is sets its limit
  fi
  export CCACHE_STATSLOG=/tmp/ccache.log  # of this build alone
  cmake --preset release -DIMMUDB_BUILD_TESTS=OFF -DIMMUDB_COMMIT="${COMMIT:-}"
  cmake --build build/release -j "${JOBS:-$(nproc)}" --target immudb immuclient immuadmin
  ccache --show-log-stats
}

# The packages whose libraries a program names; what these need in turn, apt knows.
library_packages() {
  objdump -p "$1" | sed -n 's/^ *NEEDED *//p' | while read -r library; do
    path=$(ldd "$1" | sed -n "s|^\t$library => \(/[^ ]*\) .*|\1|p")
    [ -n "$path" ] || continue  # the loader itself
    # dpkg knows a file by one of its names before and after the merge of /lib into /usr/lib.
    path=$(readlink -f "$path")
    dpkg-query -S "$path" "${path#/usr}" 2>/dev/null | cut -d: -f1 | grep . || {
      echo "no package has $path" >&2
      exit 1
    }
  done
}

# What a program calls: the lines of packages.txt that are marked so.
called_packages() {
  sed -n "s/ *\[run: $1\]\$//p" packages.txt
}

# image NAME PROGRAM...: the files of an image with these programs, in /image/NAME.
image() {
  root=/image/$1
  shared=$root/usr/share/$1
  shift
  mkdir -p "$root/usr/local/bin" "$shared"
  cp LICENSE "$shared/"
  for program in "$@"; do
    strip -o "$root/usr/local/bin/$program" "build/release/bin/$program"
    library_packages "build/release/bin/$program"
    called_packages "$program"
  done > "$shared/packages.all"
  sort -u "$shared/packages.all" > "$shared/packages"
  rm "$shared/packages.all"
}

programs() {
  compile
  image immudb immudb immuadmin immuclient
  image immuclient immuclient
  image immuadmin immuadmin
}

case $1 in
  packages | programs) "$1" ;;
  *) echo "unknown step $1" >&2; exit 2 ;;
esac

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# run.sh PYTHON WORK: the tests of the images, with all that they need in the folder WORK.
#
# They run in a mount and a process namespace of their own. However they end, even by SIGKILL,
# nothing stays mounted and no process is left.
set -euo pipefail
python=$1
work=$2
tests=$(cd "$(dirname "$0")" && pwd)

skip() {
  echo "images: not tested: $1"
  exit 77
}

[[ $(id -u) = 0 ]] || skip "building images without an engine needs root"
for program in buildah mmdebstrap unshare; do
  command -v "$program" > /dev/null || skip "$program is not installed (make packages)"
done
namespaces=(unshare --mount --pid --fork --kill-child --mount-proc)
"${namespaces[@]}" true || skip "no mount and process namespaces can be made here"
unshare --net true || skip "no network namespace can be made here"

mkdir -p "$work"
free=$(df --output=avail --block-size=1M "$work" | tail -1)
[[ $free -ge 6000 ]] || skip "$work needs 6000 MB of free space, there are $free"

# The mirrors of the base system: those of this machine.
sources=$work/base.sources.new
# shellcheck disable=SC2016
apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
  grep -E ' bookworm(-updates|-security)? main$' > "$sources" ||
  skip "apt knows no mirror of Debian 12 here"
mirror=$(sed -n 's/^deb \(.*\) bookworm main$/\1/p' "$sources" | head -1)
probe=$work/InRelease
trap 'rm -f "$probe"' EXIT
/usr/lib/apt/apt-helper -o APT::Sandbox::User=root download-file \
  "${mirror%/}/dists/bookworm/InRelease" "$probe" > /dev/null ||
  skip "the package mirror $mirror cannot be reached"
rm -f "$probe"

IMMUDB_IMAGES_WORK=$work PYTHONDONTWRITEBYTECODE=1 exec "${namespaces[@]}" \
  "$python" -m pytest -q -rs -p no:cacheprovider --tb=short --durations=5 \
  --basetemp="$work/tmp" "$tests"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'USAGE'
Usage: docker/build.sh [IMAGE ...]

Builds the images immudb, immuclient and immuadmin, or those that are named, from this source
tree. They are tagged with the version of the project, and as latest.

Environment:
  BUILDER   docker, podman or buildah (default: the first of them that works)
  BASE      what the images are made from (default: debian:bookworm-slim)
  PREFIX    comes before the names of the images, such as registry.example/team/
  TAG       one tag, instead of the two
  JOBS      compilers at a time (default: one a core)
  CCACHE    podman, buildah: a folder of ccache to use and to fill (docker keeps one by itself)
USAGE
}

fail() {
  echo "build.sh: $1" >&2
  exit 1
}

find_builder() {
  if docker info > /dev/null 2>&1; then
    echo docker
  else
    command -v podman || command -v buildah ||
      fail "no docker with a running engine, no podman, no buildah"
  fi
}

case ${1:-} in
  -h | --help) usage; exit ;;
esac
images=("$@")
[[ $# -gt 0 ]] || images=(immudb immuclient immuadmin)

builder=${BUILDER:-$(find_builder)}
prefix=${PREFIX:-}
version=$(sed -n 's/^project(immudb VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
commit=$(git rev-parse HEAD 2> /dev/null || true)
tags=("${TAG:-$version}")
[[ -n ${TAG:-} ]] || tags+=(latest)

options=(--build-arg "COMMIT=$commit" --build-arg "JOBS=${JOBS:-}")
[[ -z ${BASE:-} ]] || options+=(--build-arg "BASE=$BASE")
labels=(
  --label org.opencontainers.image.version="$version"
  --label org.opencontainers.image.revision="$commit"
  --label org.opencontainers.image.licenses=Apache-2.0
)

case ${builder##*/} in
  docker) ;;
  podman | buildah)
    options+=(--format docker)  # the other format has no HEALTHCHECK
    if [[ -n ${CCACHE:-} ]]; then
      mkdir -p "$CCACHE"
      options+=(--volume "$(realpath "$CCACHE"):/ccache")
    fi
    ;;
  *) fail "BUILDER must be docker, podman or buildah" ;;
esac

# Docker and podman find the layers of the first stages again. Buildah would keep a copy of the
# whole file system for each of them: it is given what these stages make.
if [[ ${builder##*/} = buildah ]]; then
  programs=localhost/immudb-programs:${tags[0]}
  "$builder" build "${options[@]}" --target programs --tag "$programs" --file docker/Dockerfile .
  trap '"$builder" rmi "$programs" > /dev/null' EXIT
  options+=(--build-context "programs=docker-image://$programs")
fi

for image in "${images[@]}"; do
  case $image in
    immudb) file=docker/Dockerfile ;;
    immuclient | immuadmin) file=docker/Dockerfile.$image ;;
    *) fail "no image $image" ;;
  esac
  names=()
  for tag in "${tags[@]}"; do names+=(--tag "$prefix$image:$tag"); done
  "$builder" build "${options[@]}" "${labels[@]}" "${names[@]}" --file "$file" .
done

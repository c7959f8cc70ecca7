#!/bin/sh
# Writes the path of the registry that tests push to: TUTTI_REGISTRY, docker-registry in PATH, or Debian's in a cache folder. Fails, with a line that
# says why, where it can be had from none of these.
set -eu

dir=${XDG_CACHE_HOME:-$HOME/.cache}/tutti-tests/docker-registry

for bin in ${TUTTI_REGISTRY:-} docker-registry "$dir/usr/bin/docker-registry"; do
  if command -v "$bin"; then
    exit
  fi
done
"$(dirname "$0")/debian.sh" bookworm "$dir" docker-registry
echo "$dir/usr/bin/docker-registry"

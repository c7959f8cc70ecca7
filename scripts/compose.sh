#!/bin/sh
# Writes the path of Docker Compose 2.40, for the tests that compare tutti with it: TUTTI_COMPOSE, docker-compose in PATH, or Debian's, with its buildx,
# in a cache folder. Fails, with a line that says why, where it can be had from none of these.
set -eu

dir=${XDG_CACHE_HOME:-$HOME/.cache}/tutti-tests/compose-2.40
unpacked=$dir/usr/libexec/docker/cli-plugins/docker-compose
suite=forky # the Debian that has it

fits() { case $("$1" version --short 2>/dev/null) in 2.40.* | v2.40.*) ;; *) return 1 ;; esac }

for bin in ${TUTTI_COMPOSE:-} docker-compose "$unpacked"; do
  if fits "$bin"; then
    command -v "$bin"
    exit
  fi
done
"$(dirname "$0")/debian.sh" "$suite" "$dir" docker-compose docker-buildx
if ! fits "$unpacked"; then
  echo "compose: Debian $suite has another version by now" >&2
  exit 1
fi
echo "$unpacked"

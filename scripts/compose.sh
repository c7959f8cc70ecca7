#!/bin/sh
# Writes the path of Docker Compose 2.40, for the tests that compare tutti with it: TUTTI_COMPOSE, docker-compose in PATH, or Debian's packages of it
# and of buildx, which are unpacked in a cache folder and not installed. Fails, with a line that says why, where it can be had from none of these.
set -eu

dir=${XDG_CACHE_HOME:-$HOME/.cache}/tutti-tests/compose-2.40
suite=forky # the Debian that has it

say() { echo "compose: $*" >&2; }
fits() { case $("$1" version --short 2>/dev/null) in 2.40.* | v2.40.*) ;; *) return 1 ;; esac }

for bin in ${TUTTI_COMPOSE:-} docker-compose "$dir/usr/libexec/docker/cli-plugins/docker-compose"; do
  if fits "$bin"; then
    command -v "$bin"
    exit
  fi
done
if [ -n "${TUTTI_NO_INSTALL:-}" ] || ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  say "no Docker Compose 2.40 here"
  exit 1
fi
# The mirror is the one that this machine's apt has for its own suite.
own=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mirror=$(apt-get update --print-uris 2>/dev/null | sed -n "s|^'\(.*\)/dists/$own/InRelease'.*|\1|p" | head -n 1)
if [ -z "$own" ] || [ -z "$mirror" ]; then
  say "no Debian mirror to get it from"
  exit 1
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/lists/partial" "$tmp/archives/partial" "$tmp/none"
: >"$tmp/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$tmp/sources.list"
apt() {
  (cd "$tmp" && timeout 90 apt-get -q -o Dir::Etc::sourcelist="$tmp/sources.list" -o Dir::Etc::sourceparts="$tmp/none" -o Dir::Etc::preferencesparts="$tmp/none" \
    -o Dir::State="$tmp" -o Dir::State::lists="$tmp/lists" -o Dir::State::status="$tmp/status" -o Dir::Cache="$tmp" -o Dir::Cache::archives="$tmp/archives" \
    -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
    -o APT::Update::Post-Invoke::= -o APT::Update::Post-Invoke-Success::= "$@") >>"$tmp/log" 2>&1
}
if ! apt update || ! apt download docker-compose docker-buildx; then
  say "cannot get it from Debian $suite: $(tail -n 1 "$tmp/log")"
  exit 1
fi
rm -rf "$dir"
mkdir -p "$dir"
for deb in "$tmp"/*.deb; do dpkg-deb -x "$deb" "$dir"; done
bin=$dir/usr/libexec/docker/cli-plugins/docker-compose
if ! fits "$bin"; then
  say "Debian $suite has another version by now"
  exit 1
fi
echo "$bin"

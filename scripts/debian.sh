#!/bin/sh
# debian.sh SUITE DIR PACKAGE...: unpacks packages of a Debian into DIR, and installs nothing. Needs apt on this machine, whose mirror it asks; fails,
# with a line that says why, where that has none.
set -eu

suite=$1 dir=$2
shift 2

say() { echo "debian: $*" >&2; }

if [ -n "${TUTTI_NO_INSTALL:-}" ] || ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  say "no $* here, and no apt that may fetch it"
  exit 1
fi
# The mirror is the one that this machine's apt has for its own suite.
own=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mirror=$(apt-get update --print-uris 2>/dev/null | sed -n "s|^'\(.*\)/dists/$own/InRelease'.*|\1|p" | head -n 1)
if [ -z "$own" ] || [ -z "$mirror" ]; then
  say "no Debian mirror to get $* from"
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
if ! apt update || ! apt download "$@"; then
  say "cannot get $* from Debian $suite: $(tail -n 1 "$tmp/log")"
  exit 1
fi
rm -rf "$dir"
mkdir -p "$dir"
for deb in "$tmp"/*.deb; do dpkg-deb -x "$deb" "$dir"; done

#!/bin/sh
# Writes the directory of the BuildKit that e2e builds with beside the engine's own: buildkitd and buildctl of the version that tutti speaks to, made
# from its module, in a cache folder. Takes minutes the first time; make test does without.
set -eu
cd "$(dirname "$0")/.."

module=github.com/moby/buildkit
version=$(go list -m -f '{{.Version}}' $module)
dir=${XDG_CACHE_HOME:-$HOME/.cache}/tutti-tests/buildkit-$version

if [ ! -x "$dir/buildctl" ]; then
  tmp=$(mktemp -d)
  trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
  cp -R "$(go list -m -f '{{.Dir}}' $module)" "$tmp/src"
  chmod -R u+w "$tmp/src"
  mkdir -p "$dir"
  # Not by go install: it has replacements.
  (cd "$tmp/src" && GOWORK=off GOFLAGS=-mod=mod CGO_ENABLED=0 go build -o "$dir/" ./cmd/buildkitd ./cmd/buildctl) >&2
fi
echo "$dir"

#!/bin/sh
# Runs the tests: "unit", "e2e", or both. What they need they make themselves; an engine is installed where that is allowed (engine.sh).
set -eu
cd "$(dirname "$0")/.."

what=${1:-all}
failed=

race=-race
if [ "$(go env CGO_ENABLED)" != 1 ] || ! command -v "$(go env CC)" >/dev/null; then
  race=
  echo "test: no C compiler here, so without the race detector" >&2
fi

if [ "$what" != unit ]; then
  scripts/engine.sh
  export TUTTI_REQUIRE_ENGINE=1
fi

if [ "$what" != e2e ]; then
  go vet ./... || failed=1
  # shellcheck disable=SC2046 # a list of packages
  go test $race -timeout 12m $(go list ./... | grep -v '/e2e\($\|/\)') || failed=1
fi

if [ "$what" != unit ]; then
  # The real ones, where they can be had: otherwise the stub serves images, and nothing is compared with Docker Compose.
  case ${DOCKER_HOST:-unix://} in # it listens on this machine only
  unix://*) TUTTI_REGISTRY=$(scripts/registry.sh) && export TUTTI_REGISTRY ;;
  esac
  TUTTI_COMPOSE=$(scripts/compose.sh) && export TUTTI_COMPOSE
  CGO_ENABLED=0 GOOS=linux go build -trimpath -buildvcs=false -ldflags '-s -w' -o examples/app/app ./examples/app
  go test -count=1 -parallel "${TUTTI_E2E_PARALLEL:-6}" -timeout 60m ./e2e/... || failed=1
fi

[ -z "$failed" ]

#!/bin/sh
# Succeeds once a container engine answers. Installs and starts Debian's docker.io if there is none and this may: as root, on a
# machine with apt, with no DOCKER_HOST set, and unless TUTTI_NO_INSTALL is. Otherwise says in one line what to do.
set -eu

say() { echo "engine: $*" >&2; }

cd "$(dirname "$0")/.."
ping=$(mktemp)
trap 'rm -f "$ping"' EXIT
go build -o "$ping" ./e2e/internal/ping

answers() {
  case ${DOCKER_HOST:-} in
  ssh://*) docker version >/dev/null 2>&1 ;;
  *) "$ping" 2>/dev/null ;;
  esac
}

wait_for_it() {
  i=0
  while [ $i -lt 60 ]; do
    answers && return
    i=$((i + 1))
    sleep 0.5
  done
  return 1
}

start() {
  if [ -d /run/systemd/system ]; then
    systemctl start docker
  elif ! service docker start >/dev/null 2>&1; then
    setsid dockerd >/var/log/dockerd.log 2>&1 </dev/null &
  fi
}

answers && exit 0
if [ -n "${DOCKER_HOST:-}" ]; then
  say "nothing answers at DOCKER_HOST=$DOCKER_HOST; start that engine, or unset DOCKER_HOST"
  exit 1
fi
if [ "$(id -u)" != 0 ]; then
  say "no engine answers; start Docker (sudo systemctl start docker), or install it (sudo apt-get install docker.io), or set DOCKER_HOST"
  exit 1
fi
if ! command -v dockerd >/dev/null; then
  if [ -n "${TUTTI_NO_INSTALL:-}" ] || ! command -v apt-get >/dev/null; then
    say "no engine is installed; install Docker's (Debian: apt-get install docker.io) or set DOCKER_HOST"
    exit 1
  fi
  say "none installed: installing Debian's docker.io"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq docker.io >/dev/null
fi
answers && exit 0 # installing may have started it
say "starting it"
start
if ! wait_for_it; then
  say "it was started but does not answer; see its log (journalctl -u docker, or /var/log/docker*.log)"
  exit 1
fi

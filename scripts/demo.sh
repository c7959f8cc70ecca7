#!/bin/sh
# Brings the counter example up and looks at it. Can be run again at any time.
set -eu
cd "$(dirname "$0")/.."

root=$PWD
tutti=$root/bin/tutti
export COUNTER_PORT="${COUNTER_PORT:-18080}"
address=http://localhost:$COUNTER_PORT/

# show a command, then run it
run() {
  printf '\n\033[1m$ %s\033[0m\n' "$*" | if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then cat; else sed 's/\x1b\[[0-9;]*m//g'; fi
  shift
  "$tutti" "$@"
}

scripts/engine.sh

cd examples/counter
run tutti plan
run tutti up --wait
run tutti ps
echo
"$root/examples/app/app" probe "$address"
cat <<END

The counter is at $address and counts on.
A change:  cd examples/counter && GREETING=Hi $tutti plan
To stop:   cd examples/counter && $tutti down      (with -v it forgets the count)
END

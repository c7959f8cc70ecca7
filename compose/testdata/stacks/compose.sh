#!/bin/sh
# Writes want/config.yaml and want/all.yaml of each stack: what docker-compose (2.40.3, in PATH) prints.
cd "$(dirname "$0")" || exit 1
print() {
	(cd "$dir" && env -i PATH="$PATH" HOME=/home/demo PWD="$dir" LOGSTASH_PASSWORD=l0gstash SLACK_URL=https://hooks.example.org/x \
		MONITORING_DB_PASSWORD=m0n STRIPE_KEY=sk_test LITELLM_MASTER_KEY=sk-1 docker-compose "$@" config) | sed "s|$dir|/stack|g"
}
for dir in */; do
	dir=$PWD/${dir%/}
	mkdir -p "$dir/want"
	print >"$dir/want/config.yaml"
	print --profile '*' >"$dir/want/all.yaml"
done

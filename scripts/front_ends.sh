#!/bin/sh
# usage: scripts/front_ends.sh FOLDER
#
# Sees that nginx, HAProxy and Node are there, and installs Node's `ws` into FOLDER. What is missing is
# installed when we are root on a Debian system, and else named: the tests that need it are skipped.
set -eu

folder=$1
here=$(cd "$(dirname "$0")" && pwd)
wanted=$here/../tests/integration/node
PATH=$PATH:/usr/sbin:/usr/local/sbin

say() { printf 'front_ends: %s\n' "$*" >&2; }

missing() {
    for program in nginx haproxy node npm; do
        command -v "$program" >/dev/null || printf '%s ' "$program"
    done
}

lacks=$(missing)
if [ -n "$lacks" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing $lacks"
    packages=$(printf '%s' "$lacks" | sed 's/\bnode\b/nodejs/')
    # A service that starts with its installation would take a port of this machine.
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    # shellcheck disable=SC2086
    { apt-get update -qq && apt-get install -qq -y --no-install-recommends $packages >/dev/null; } \
        || say "that did not work"
    lacks=$(missing)
fi
[ -z "$lacks" ] || say "not here: ${lacks% }; tests that need them are skipped"

case " $lacks" in *" node "* | *" npm "*) exit 0 ;; esac
if cmp -s "$wanted/package-lock.json" "$folder/package-lock.json" \
    && [ -d "$folder/node_modules/ws" ]; then
    exit 0
fi
mkdir -p "$folder"
cp "$wanted/package.json" "$wanted/package-lock.json" "$folder"
if ! npm ci --prefix "$folder" --silent --no-audit --no-fund; then
    rm -f "$folder/package-lock.json"
    say "npm cannot install ws; tests that need it are skipped"
fi

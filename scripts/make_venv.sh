#!/bin/sh
# usage: scripts/make_venv.sh FOLDER
#
# Makes a virtual environment with a current pip in FOLDER, from the first Python that is 3.11 or
# newer and has venv, headers and a C compiler: $PYTHON if set, else the first fit one of the list
# below. What is missing is installed when we are root on a Debian system, and else named.
set -eu

folder=$1
here=$(dirname "$0")
candidates=${PYTHON:-python3.13 python3.12 python3.11 python3 /usr/bin/python3}

say() { printf 'make_venv: %s\n' "$*" >&2; }

# Prints what candidate $1 lacks, one line; "absent" where it does not run at all.
lacks() {
    words=$("$1" "$here/check_python.py" 2>/dev/null) || { echo absent; return; }
    printf '%s' "$words" | tr '\n' ' '
}

choose() {
    for candidate in $candidates; do
        if [ -z "$(lacks "$candidate")" ]; then
            echo "$candidate"
            return
        fi
    done
}

python=$(choose)
if [ -z "$python" ] && [ -z "${PYTHON:-}" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
then
    say "no fit Python yet; installing python3-venv, python3-dev, gcc, zlib1g-dev and libssl-dev"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
        python3-venv python3-dev gcc libc6-dev zlib1g-dev libssl-dev >/dev/null
    python=$(choose)
fi
if [ -z "$python" ]; then
    say "no Python here can build Surgewire; it needs Python 3.11 or newer with venv and headers,"
    say "a C compiler and the headers of zlib and OpenSSL. Found:"
    for candidate in $candidates; do
        say "  $candidate: lacks $(lacks "$candidate" | sed 's/absent/everything (it does not run)/')"
    done
    say "On Debian or Ubuntu: apt-get install python3 python3-venv python3-dev gcc zlib1g-dev libssl-dev"
    say "On Fedora: dnf install python3-devel gcc zlib-devel openssl-devel"
    say "On macOS: xcode-select --install, and OpenSSL (brew install openssl) where the compiler finds it"
    say "or name another interpreter: make PYTHON=/path/to/python3.12 …"
    exit 1
fi

say "$("$python" --version) ($python) into $folder"
rm -rf "$folder"
"$python" -m venv "$folder"
"$folder/bin/python" -m pip install -q --upgrade 'pip>=25.1'

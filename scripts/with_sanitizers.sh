#!/bin/sh
# usage: scripts/with_sanitizers.sh COMMAND …
#
# Runs COMMAND with the sanitizers' runtimes loaded and the core of build/sanitize/lib ahead of any
# other; the first finding ends the process. Leaks are not looked for, because the interpreter
# itself keeps memory until its end. Python's small objects come from malloc, or the arenas they
# lie in would hide an overrun.
set -eu

compiler=${CC:-cc}
preload=
for name in libasan.so libubsan.so; do
    path=$("$compiler" -print-file-name="$name")
    if [ ! -e "$path" ]; then
        echo "with_sanitizers: $compiler has no $name; on Debian it comes with gcc" >&2
        exit 1
    fi
    preload="$preload${preload:+ }$(readlink -f "$path")"
done

export PYTHONPATH="$PWD/build/sanitize/lib${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONMALLOC=malloc
export ASAN_OPTIONS=detect_leaks=0:halt_on_error=1:abort_on_error=0
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
exec env LD_PRELOAD="$preload" "$@"

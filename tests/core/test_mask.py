"""Masking against a plain loop; keys that differ between processes and survive a failing kernel."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgewire._core import mask
from surgewire._core.build_info import PROFILE

POOL_KEYS = mask.POOL_BYTES // 4


def by_hand(data: bytes, key: bytes, phase: int) -> bytes:
    return bytes(byte ^ key[(phase + i) % 4] for i, byte in enumerate(data))


def test_the_example_of_rfc_6455_5_7() -> None:
    assert mask.apply(b"Hello", bytes.fromhex("37fa213d")) == bytes.fromhex("7f9f4d5158")


@pytest.mark.parametrize("phase", [0, 1, 2, 3])
def test_every_length_across_the_wide_path(phase: int) -> None:
    key = b"\x01\x80\xff\x5a"
    for length in range(70):
        data = bytes(range(length))
        assert mask.apply(data, key, phase) == by_hand(data, key, phase)


@settings(max_examples=100)
@given(st.binary(max_size=200), st.binary(min_size=4, max_size=4), st.data())
def test_pieces_with_the_right_phase_make_the_whole(
    data: bytes, key: bytes, draw: st.DataObject
) -> None:
    cut = draw.draw(st.integers(0, len(data)))
    whole = mask.apply(data, key)
    assert mask.apply(data[:cut], key) + mask.apply(data[cut:], key, cut) == whole
    assert mask.apply(whole, key) == data


@pytest.mark.parametrize("key", [b"", b"abc", b"abcde"])
def test_a_key_of_another_length_is_refused_in_words(key: bytes) -> None:
    with pytest.raises(ValueError, match=f"a masking key has 4 bytes, not {len(key)}"):
        mask.apply(b"data", key)


def test_a_negative_phase_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="phase -1 is negative"):
        mask.apply(b"data", b"abcd", -1)


def test_keys_do_not_repeat_over_several_pools() -> None:
    # 5,000 draws out of 2**32 collide once in 344 runs, 4 times in 3e11.
    keys = [mask.next_key() for _ in range(5000)]
    assert len(set(keys)) > len(keys) - 4
    assert all(len(key) == 4 for key in keys)


def test_every_bit_of_a_key_is_used() -> None:
    # Of 4,096 draws a fair bit is set between 1,728 and 2,368 times: ten standard deviations.
    numbers = [int.from_bytes(mask.next_key(), "big") for _ in range(4096)]
    for bit in range(32):
        assert 1728 < sum(number >> bit & 1 for number in numbers) < 2368


def keys_of_child() -> bytes:
    """Fork, and return a pool's worth of keys that the child draws."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(readable)
        os.write(writable, b"".join(mask.next_key() for _ in range(POOL_KEYS)))
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        keys = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    return keys


def as_set(keys: bytes) -> set[bytes]:
    return {keys[i : i + 4] for i in range(0, len(keys), 4)}


def test_forked_children_share_no_keys_with_each_other_or_with_the_parent() -> None:
    mask.next_key()  # the parent's pool is filled and only just begun
    children = [as_set(keys_of_child()) for _ in range(2)]
    parent = as_set(b"".join(mask.next_key() for _ in range(POOL_KEYS)))
    assert all(len(keys) > POOL_KEYS - 4 for keys in (*children, parent))
    # An inherited pool would give a thousand in common; chance gives hardly ever more than one.
    assert len(children[0] & children[1]) < 4
    assert len(children[0] & parent) < 4
    assert len(children[1] & parent) < 4


def test_threads_share_no_keys() -> None:
    drawn: list[set[bytes]] = []

    def draw() -> None:
        drawn.append({mask.next_key() for _ in range(POOL_KEYS)})

    threads = [threading.Thread(target=draw) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(drawn) == 2
    assert len(drawn[0] & drawn[1]) < 4


BROKEN_KERNEL = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/types.h>

int refuse_getrandom, refuse_urandom;

ssize_t getrandom(void *out, size_t length, unsigned flags) {
    ssize_t (*real)(void *, size_t, unsigned) = dlsym(RTLD_NEXT, "getrandom");
    if (refuse_getrandom) { errno = ENOSYS; return -1; }
    return real(out, length > 100 ? 100 : length, flags);
}

#define OPEN(name) int name(const char *path, int flags, ...) { \\
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, #name); \\
    va_list rest; \\
    va_start(rest, flags); \\
    int mode = va_arg(rest, int); \\
    va_end(rest); \\
    if (refuse_urandom && strcmp(path, "/dev/urandom") == 0) { errno = EMFILE; return -1; } \\
    return real(path, flags, mode); \\
}

OPEN(open)
OPEN(open64)
"""

DRAW_KEYS = """
import ctypes, sys
from surgewire._core import mask
kernel = ctypes.CDLL(sys.argv[1])
for name in sys.argv[2:]:
    ctypes.c_int.in_dll(kernel, name).value = 1
keys = [mask.next_key() for _ in range(3000)]
print(len(set(keys)))
"""


@pytest.fixture(scope="module")
def broken_kernel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that gives random bytes in small pieces, and on request none at all."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("needs Linux and a C compiler")
    if PROFILE == "sanitize":
        pytest.skip("a second preloaded library comes before the sanitizer's runtime")
    folder = tmp_path_factory.mktemp("kernel")
    library = folder / "kernel.so"
    (folder / "kernel.c").write_text(BROKEN_KERNEL)
    command = [compiler, "-shared", "-fPIC", "-o", library, folder / "kernel.c", "-ldl"]
    subprocess.run(command, check=True)
    return library


def draw_with(library: Path, *refused: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", DRAW_KEYS, str(library), *refused],
        env={**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("refused", [[], ["refuse_getrandom"]], ids=["short reads", "urandom"])
def test_keys_are_random_with_short_reads_and_without_getrandom(
    broken_kernel: Path, refused: list[str]
) -> None:
    outcome = draw_with(broken_kernel, *refused)
    assert outcome.returncode == 0, outcome.stderr
    assert int(outcome.stdout) > 2996


def test_without_any_random_bytes_the_process_stops_rather_than_be_predictable(
    broken_kernel: Path,
) -> None:
    outcome = draw_with(broken_kernel, "refuse_getrandom", "refuse_urandom")
    assert outcome.returncode == -signal.SIGABRT
    assert outcome.stdout == ""
    assert "no random bytes for masking keys" in outcome.stderr

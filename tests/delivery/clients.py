"""Clients of the `websockets` library that talk in a room and write down what they hear."""

import asyncio
import contextlib
import json

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.delivery.record import Deed
from tests.fuzz.marker_oracle import COUNTS, DIGITS, check_of, find_all

USERS = 4
MESSAGES = 40
QUIET_S = 0.4

Heard = dict[int, list[str]]


def text(sequence: int) -> str:
    """A message with a sound marker."""
    fields = zip((7, 3, 1, sequence, 1_000_000 + sequence, 0), COUNTS, strict=True)
    body = "".join(digits(value, count) for value, count in fields)
    return f"<SWX1{body}{digits(check_of(body.encode()), 6)}>"


def digits(value: int, count: int) -> str:
    return "".join(chr(DIGITS[value >> 5 * place & 31]) for place in reversed(range(count)))


async def converse(url: str, *, joining: bool, cut: bool = False) -> Heard:
    """Let users of one room speak in turn; return what each heard, in its order."""
    room = "" if joining else "&room=3"
    users = [await connect(f"{url}?user={u}{room}", compression=None) for u in range(USERS)]
    if joining:
        for user in users:
            await user.send(json.dumps({"type": "join", "room": "3"}))
            assert json.loads(await user.recv()) == {"type": "joined", "room": "3"}
    heard: Heard = {u: [] for u in range(USERS)}
    listening = [asyncio.create_task(listen(users[u], heard[u])) for u in range(USERS)]
    for number in range(1, MESSAGES + 1):
        try:
            await users[number % USERS].send(text(number))
        except ConnectionClosed:
            assert cut
        await asyncio.sleep(0.002)
    await asyncio.sleep(QUIET_S)
    for user in users:
        await user.close()
    await asyncio.gather(*listening)
    return heard


async def listen(user: ClientConnection, heard: list[str]) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            heard.append(str(await user.recv()))


def of_user(deeds: list[Deed], user: int, *events: str) -> list[Deed]:
    return [deed for deed in deeds if deed.user == str(user) and deed.event in events]


def numbers(deeds: list[Deed]) -> list[int]:
    return [deed.token.sequence for deed in deeds if deed.token is not None]


def check_heard(heard: list[str], wire: list[Deed]) -> None:
    """Check that a user heard exactly what a record says was written to it."""
    assert len(heard) == len(wire)
    damaged = False
    for message, deed in zip(heard, wire, strict=True):
        assert deed.token is not None
        # The extra copy of a damaged message is damaged like the first.
        damaged = deed.event == "damaged" or (damaged and deed.event == "duplicated")
        if damaged:
            assert message != text(deed.token.sequence)
            assert find_all(message.encode()) == [(1, None)]
        else:
            assert message == text(deed.token.sequence)

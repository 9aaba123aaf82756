import asyncio
import socket
from typing import Any

import pytest

from surgewire.engine.way.resolver import Resolver
from surgewire.plan.target import parse_target

V4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 80))
V6 = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::7", 80, 0, 0))


class Lookups:
    """A loop's `getaddrinfo` in a test's hand."""

    def __init__(self, *answers: list[Any] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int, int]] = []

    def create_task(self, work: Any) -> "asyncio.Task[Any]":
        return asyncio.get_running_loop().create_task(work)

    async def getaddrinfo(self, host: str, port: int, *, family: int, type: int) -> list[Any]:
        assert type == socket.SOCK_STREAM
        self.asked.append((host, port, family))
        await asyncio.sleep(0.001)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def resolver(lookups: Lookups, url: str, *, cached: bool) -> Resolver:
    return Resolver(lookups, parse_target(url), cached=cached)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "address"),
    [("ws://192.0.2.1:81/", "192.0.2.1"), ("ws://[2001:db8::1]/", "2001:db8::1")],
)
def test_an_address_needs_no_lookup(url: str, address: str) -> None:
    lookups = Lookups()
    for cached in (True, False):
        found = asyncio.run(resolver(lookups, url, cached=cached).resolve())
        assert found == ((address,), False)
    assert lookups.asked == []


def test_each_attempt_looks_up_anew() -> None:
    lookups = Lookups([V6, V4, V4], [V4])
    names = resolver(lookups, "ws://chat.example:81/", cached=False)
    assert asyncio.run(names.resolve()) == (("2001:db8::7", "192.0.2.7"), True)
    assert asyncio.run(names.resolve(socket.AF_INET))[0] == ("192.0.2.7",)
    assert lookups.asked == [("chat.example", 81, 0), ("chat.example", 81, socket.AF_INET)]


def test_one_lookup_serves_all_and_those_that_come_later_need_not_wait() -> None:
    lookups = Lookups([V4])
    names = resolver(lookups, "wss://chat.example/", cached=True)

    async def together() -> list[tuple[Any, bool]]:
        first = list(await asyncio.gather(*(names.resolve() for _ in range(5))))
        return [*first, await names.resolve()]

    found = asyncio.run(together())
    assert {addresses for addresses, _ in found} == {("192.0.2.7",)}
    assert [waited for _, waited in found] == [True, True, True, True, True, False]
    assert lookups.asked == [("chat.example", 443, 0)]


def test_a_lookup_that_fails_fails_all() -> None:
    lookups = Lookups(socket.gaierror(socket.EAI_NONAME, "no such name"))
    names = resolver(lookups, "ws://chat.example/", cached=True)

    async def together() -> list[Any]:
        return list(
            await asyncio.gather(*(names.resolve() for _ in range(3)), return_exceptions=True)
        )

    assert [type(error) for error in asyncio.run(together())] == [socket.gaierror] * 3
    assert len(lookups.asked) == 1


def test_an_attempt_that_is_given_up_leaves_the_lookup_to_the_others() -> None:
    lookups = Lookups([V4])
    names = resolver(lookups, "ws://chat.example/", cached=True)

    async def together() -> Any:
        first = asyncio.create_task(names.resolve())
        second = asyncio.create_task(names.resolve())
        await asyncio.sleep(0)
        first.cancel()
        return (await second)[0]

    assert asyncio.run(together()) == ("192.0.2.7",)


def test_what_is_forgotten_is_looked_up_anew() -> None:
    async def test() -> None:
        lookups = Lookups([V6], socket.gaierror("gone"), [V4])
        names = resolver(lookups, "ws://chat.example/", cached=True)
        names.forget()
        assert (await names.resolve())[0] == ("2001:db8::7",)
        assert (await names.resolve())[0] == ("2001:db8::7",)
        names.forget()
        with pytest.raises(socket.gaierror):
            await names.resolve()
        with pytest.raises(socket.gaierror):
            await names.resolve()
        assert len(lookups.asked) == 2
        names.forget()
        assert (await names.resolve())[0] == ("192.0.2.7",)
        assert (await names.resolve())[0] == ("192.0.2.7",)

    asyncio.run(test())


def test_a_lookup_under_way_is_not_forgotten() -> None:
    async def test() -> None:
        lookups = Lookups([V4])
        names = resolver(lookups, "ws://chat.example/", cached=True)
        waiting = asyncio.ensure_future(names.resolve())
        await asyncio.sleep(0)
        names.forget()
        assert await names.resolve() == await waiting
        assert len(lookups.asked) == 1

    asyncio.run(test())


def test_an_address_cannot_be_forgotten() -> None:
    names = resolver(Lookups(), "ws://192.0.2.1/", cached=True)
    names.forget()
    assert asyncio.run(names.resolve())[1] is False

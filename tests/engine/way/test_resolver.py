import asyncio
import socket
from typing import Any

import pytest

from surgewire.engine.way.resolver import Addresses, Resolver
from surgewire.plan.way.resolve import parse_resolution

V4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 80))
OTHER_V4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.8", 80))
V6 = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::7", 80, 0, 0))
CHAT = ("chat.example", 81)


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


def resolver(lookups: Lookups, *, cached: bool, **given: Any) -> Resolver:
    return Resolver(lookups, cached=cached, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_an_address_needs_no_lookup(address: str) -> None:
    lookups = Lookups()
    for cached in (True, False):
        names = resolver(lookups, cached=cached)
        assert asyncio.run(names.resolve(address, 81)) == (Addresses((address,)), False)
        assert not names.is_name(address, 81)
        names.forget()
        assert asyncio.run(names.resolve(address, 81)) == (Addresses((address,)), False)
    assert lookups.asked == []


def test_a_name_with_given_addresses_needs_no_lookup() -> None:
    lookups = Lookups([V4])
    given = (parse_resolution("chat.example:81:192.0.2.2,2001:db8::2"),)
    names = resolver(lookups, cached=False, given=given)
    # In the order in which they were written, both families.
    assert asyncio.run(names.resolve(*CHAT)) == (Addresses(("192.0.2.2", "2001:db8::2")), False)
    assert names.is_name(*CHAT)
    only_6 = resolver(lookups, cached=True, given=given, version=6)
    assert asyncio.run(only_6.resolve(*CHAT)) == (Addresses(("2001:db8::2",)), False)
    assert lookups.asked == []
    # It is about this port alone.
    assert asyncio.run(names.resolve("chat.example", 82))[1]


def test_each_attempt_looks_up_anew() -> None:
    lookups = Lookups([V6, V4, V4], [V4])
    names = resolver(lookups, cached=False)
    both = Addresses(("2001:db8::7",), ("192.0.2.7",))
    assert asyncio.run(names.resolve(*CHAT)) == (both, True)
    assert asyncio.run(names.resolve(*CHAT))[0] == Addresses(("192.0.2.7",))
    assert lookups.asked == [(*CHAT, 0)] * 2


@pytest.mark.parametrize(("version", "family"), [(4, socket.AF_INET), (6, socket.AF_INET6)])
def test_only_addresses_of_the_family_are_asked_for(version: int, family: int) -> None:
    lookups = Lookups([V4])
    asyncio.run(resolver(lookups, cached=True, version=version).resolve(*CHAT))
    assert lookups.asked == [(*CHAT, family)]


def test_one_lookup_serves_all_and_those_that_come_later_need_not_wait() -> None:
    lookups = Lookups([V4], [OTHER_V4])
    names = resolver(lookups, cached=True)

    async def together() -> list[tuple[Any, bool]]:
        first = list(await asyncio.gather(*(names.resolve(*CHAT) for _ in range(5))))
        return [*first, await names.resolve(*CHAT)]

    found = asyncio.run(together())
    assert {addresses for addresses, _ in found} == {Addresses(("192.0.2.7",))}
    assert [waited for _, waited in found] == [True, True, True, True, True, False]
    assert lookups.asked == [(*CHAT, 0)]
    # Another host, as of a proxy, is another matter.
    assert asyncio.run(names.resolve("proxy.example", 81))[0] == Addresses(("192.0.2.8",))


def test_a_lookup_that_fails_fails_all() -> None:
    lookups = Lookups(socket.gaierror(socket.EAI_NONAME, "no such name"))
    names = resolver(lookups, cached=True)

    async def together() -> list[Any]:
        return list(
            await asyncio.gather(*(names.resolve(*CHAT) for _ in range(3)), return_exceptions=True)
        )

    assert [type(error) for error in asyncio.run(together())] == [socket.gaierror] * 3
    assert len(lookups.asked) == 1


def test_an_attempt_that_is_given_up_leaves_the_lookup_to_the_others() -> None:
    lookups = Lookups([V4])
    names = resolver(lookups, cached=True)

    async def together() -> Any:
        first = asyncio.create_task(names.resolve(*CHAT))
        second = asyncio.create_task(names.resolve(*CHAT))
        await asyncio.sleep(0)
        first.cancel()
        return (await second)[0]

    assert asyncio.run(together()) == Addresses(("192.0.2.7",))


def test_what_is_forgotten_is_looked_up_anew() -> None:
    async def test() -> None:
        lookups = Lookups([V6], socket.gaierror("gone"), [V4])
        names = resolver(lookups, cached=True)
        names.forget()
        assert (await names.resolve(*CHAT))[0].first == ("2001:db8::7",)
        assert (await names.resolve(*CHAT))[0].first == ("2001:db8::7",)
        names.forget()
        with pytest.raises(socket.gaierror):
            await names.resolve(*CHAT)
        with pytest.raises(socket.gaierror):
            await names.resolve(*CHAT)
        assert len(lookups.asked) == 2
        names.forget()
        assert (await names.resolve(*CHAT))[0].first == ("192.0.2.7",)
        assert (await names.resolve(*CHAT))[0].first == ("192.0.2.7",)

    asyncio.run(test())


def test_a_lookup_under_way_is_not_forgotten() -> None:
    async def test() -> None:
        lookups = Lookups([V4])
        names = resolver(lookups, cached=True)
        waiting = asyncio.ensure_future(names.resolve(*CHAT))
        await asyncio.sleep(0)
        names.forget()
        assert await names.resolve(*CHAT) == await waiting
        assert len(lookups.asked) == 1

    asyncio.run(test())


def test_users_take_the_addresses_in_turn() -> None:
    three = Addresses(("a1", "a2", "a3"))
    assert [three.for_turn(user)[0] for user in range(5)] == ["a1", "a2", "a3", "a1", "a2"]
    # Where the first does not answer, the others follow.
    assert three.for_turn(1) == ("a2", "a3", "a1")


def test_those_of_the_family_that_the_system_prefers_come_first() -> None:
    found = Addresses.found(("::1", "127.0.0.1", "::2", "127.0.0.2"))
    assert found == Addresses(("::1", "::2"), ("127.0.0.1", "127.0.0.2"))
    assert found.for_turn(1) == ("::2", "::1", "127.0.0.1", "127.0.0.2")


def test_a_source_needs_addresses_of_its_version() -> None:
    found = Addresses(("::1", "::2"), ("127.0.0.1", "127.0.0.2"))
    assert found.for_turn(1, 4) == ("127.0.0.2", "127.0.0.1")
    assert found.for_turn(2, 6) == ("::1", "::2")
    with pytest.raises(socket.gaierror):
        Addresses(("127.0.0.1",)).for_turn(0, 6)

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest

from exporter.probes.base import Address, ProbeFailed
from exporter.probes.hosts_file import HostsFile
from exporter.probes.lookups import Found
from exporter.probes.resolver import CachingResolver
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.fakes import FakeClock

ONE = Address(socket.AF_INET, "192.0.2.1")
TWO = Address(socket.AF_INET, "192.0.2.2")
SIX = Address(socket.AF_INET6, "2001:db8::1")
GONE = ProbeFailed(Reason.NOT_RESOLVED, "it does not exist")


class Scripted:
    """Answers name by name; what is a number makes it wait for so many seconds."""

    def __init__(self, **answers: list[Any]) -> None:
        self.answers = {name.replace("_", "."): list(x) for name, x in answers.items()}
        self.asked: list[tuple[str, tuple[int, ...]]] = []

    async def __call__(self, name: str, families: tuple[int, ...]) -> Found:
        self.asked.append((name, families))
        answer = self.answers[name].pop(0)
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            answer = self.answers[name].pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Found)
        return answer


def found(*addresses: Address, ttl: float = 60) -> Found:
    return Found(addresses, ttl)


@pytest.fixture
def hosts(tmp_path: Path) -> HostsFile:
    return HostsFile(tmp_path / "hosts")


def ips(addresses: Sequence[Address]) -> list[str]:
    return [one.ip for one in addresses]


@pytest.mark.parametrize(
    ("host", "family", "expected"),
    [
        ("192.0.2.1", "auto", ONE),
        ("192.0.2.1", "ipv4", ONE),
        ("2001:db8::1", "ipv6", SIX),
        ("fe80::1%lo", "auto", Address(socket.AF_INET6, "fe80::1%lo")),
    ],
)
def test_addresses_are_themselves(
    host: str, family: str, expected: Address, clock: FakeClock, hosts: HostsFile
) -> None:
    resolver = CachingResolver(clock, Scripted(), hosts)
    assert asyncio.run(resolver.resolve(host, family)) == [expected]


@pytest.mark.parametrize(
    ("host", "family"), [("192.0.2.1", "ipv6"), ("2001:db8::1", "ipv4")]
)
def test_an_address_of_another_family_is_none(
    host: str, family: str, clock: FakeClock, hosts: HostsFile
) -> None:
    resolver = CachingResolver(clock, Scripted(), hosts)
    with pytest.raises(ProbeFailed) as raised:
        asyncio.run(resolver.resolve(host, family))
    assert raised.value.reason is Reason.NO_ADDRESS


def test_answers_are_kept_as_long_as_they_are_good(
    clock: FakeClock, hosts: HostsFile
) -> None:
    lookup = Scripted(a_test=[found(SIX, ONE), found(ONE, SIX), found(TWO, ttl=0)])

    async def scenario() -> None:
        resolver = CachingResolver(clock, lookup, hosts)
        assert await resolver.resolve("a.test", "auto") == (SIX, ONE)
        clock.advance(59)
        await resolver.resolve("A.test.", "auto")
        assert len(lookup.asked) == 1
        clock.advance(1)
        await resolver.resolve("a.test", "auto")
        assert (len(lookup.asked), resolver.changes) == (2, 0)
        clock.advance(60)
        assert ips(await resolver.resolve("a.test", "auto")) == ["192.0.2.2"]
        assert resolver.changes == 1
        await resolver.resolve("a.test", "auto")  # not at once again, even with TTL 0
        assert (len(lookup.asked), resolver.failures) == (3, 0)

    asyncio.run(scenario())


def test_a_name_that_no_longer_resolves_keeps_its_last_address(
    clock: FakeClock, hosts: HostsFile
) -> None:
    lookup = Scripted(a_test=[found(ONE), GONE, GONE, found(TWO)])

    async def scenario() -> None:
        resolver = CachingResolver(clock, lookup, hosts)
        (fresh,) = await resolver.resolve("a.test", "ipv4")
        assert not fresh.stale
        for failures in (1, 2):
            clock.advance(60)
            (kept,) = await resolver.resolve("a.test", "ipv4")
            assert (kept, kept.stale) == (ONE, True)
            assert (resolver.failures, resolver.kept) == (failures, failures)
        clock.advance(5)
        (changed,) = await resolver.resolve("a.test", "ipv4")
        assert (changed, changed.stale, resolver.changes) == (TWO, False, 1)

    asyncio.run(scenario())


def test_a_name_that_never_resolved_is_asked_for_again_after_a_while(
    clock: FakeClock, hosts: HostsFile
) -> None:
    lookup = Scripted(a_test=[GONE, found(ONE)])

    async def scenario() -> None:
        resolver = CachingResolver(clock, lookup, hosts)
        for _ in range(3):
            with pytest.raises(ProbeFailed, match="does not exist"):
                await resolver.resolve("a.test", "auto")
        assert (len(lookup.asked), resolver.failures) == (1, 1)
        clock.advance(5)
        assert await resolver.resolve("a.test", "auto") == (ONE,)

    asyncio.run(scenario())


def test_one_question_is_asked_for_many_and_holds_nobody_else_up(
    clock: FakeClock, hosts: HostsFile
) -> None:
    lookup = Scripted(slow_test=[0.2, found(ONE)], fast_test=[found(TWO)])

    async def scenario() -> None:
        resolver = CachingResolver(clock, lookup, hosts)
        waiting = [
            asyncio.create_task(resolver.resolve("slow.test", "auto")) for _ in range(3)
        ]
        await asyncio.sleep(0)
        assert await resolver.resolve("fast.test", "auto") == (TWO,)
        waiting[0].cancel()
        assert await asyncio.gather(*waiting[1:]) == [(ONE,), (ONE,)]
        assert [name for name, _ in lookup.asked] == ["slow.test", "fast.test"]

    asyncio.run(scenario())


def test_an_old_answer_is_used_where_a_new_one_takes_long(
    clock: FakeClock, hosts: HostsFile
) -> None:
    lookup = Scripted(a_test=[found(ONE), 30.0])

    async def scenario() -> None:
        resolver = CachingResolver(clock, lookup, hosts)
        await resolver.resolve("a.test", "auto")
        clock.advance(60)
        (kept,) = await resolver.resolve("a.test", "auto")
        assert (kept.ip, kept.stale, resolver.kept) == ("192.0.2.1", True, 1)
        await resolver.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())


def test_what_breaks_within_a_lookup_is_a_failure_of_the_name(
    clock: FakeClock, hosts: HostsFile
) -> None:
    resolver = CachingResolver(clock, Scripted(a_test=[KeyError("x")]), hosts)
    with pytest.raises(ProbeFailed, match="could not be resolved: KeyError"):
        asyncio.run(resolver.resolve("a.test", "auto"))


def test_names_beyond_ascii_are_asked_for_in_their_form(
    clock: FakeClock, hosts: HostsFile
) -> None:
    lookup = Scripted(**{"xn--strae-oqa_test": [found(ONE)]})
    resolver = CachingResolver(clock, lookup, hosts)
    assert asyncio.run(resolver.resolve("straße.test", "auto")) == (ONE,)


def test_the_hosts_file_goes_first(clock: FakeClock, tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text(
        "192.0.2.1 a.test b.test # c.test\n2001:db8::1\tA.TEST\n\nrubbish\n"
    )
    resolver = CachingResolver(clock, Scripted(c_test=[GONE]), HostsFile(path))

    async def resolved(host: str, family: str) -> list[str]:
        return ips(await resolver.resolve(host, family))

    async def scenario() -> None:
        assert await resolved("a.test", "auto") == ["2001:db8::1", "192.0.2.1"]
        assert await resolved("a.test", "ipv4") == ["192.0.2.1"]
        with pytest.raises(ProbeFailed, match="no IPv6 address"):
            await resolved("b.test", "ipv6")
        with pytest.raises(ProbeFailed, match="does not exist"):
            await resolved("c.test", "auto")
        assert await resolved("localhost", "ipv4") == ["127.0.0.1"]
        path.write_text("192.0.2.2 a.test localhost\n")
        assert await resolved("a.test", "auto") == ["192.0.2.2"]
        assert await resolved("localhost", "auto") == ["192.0.2.2"]
        path.unlink()
        assert await resolved("x.localhost", "ipv6") == ["::1"]

    asyncio.run(scenario())

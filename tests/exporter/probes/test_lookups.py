from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from exporter.probes.base import ProbeFailed
from exporter.probes.lookups import Found, NameServers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.exporter.probes.peers import Peers

BOTH = (socket.AF_INET6, socket.AF_INET)
RECORDS = {
    ("both.test.", "A"): [(50, "192.0.2.1"), (50, "192.0.2.2")],
    ("both.test.", "AAAA"): [(20, "2001:db8::1")],
    ("four.test.", "A"): [(300, "192.0.2.4")],
    ("here.domain.test.", "A"): [(300, "192.0.2.5")],
}


def answer(wire: bytes) -> list[bytes]:
    query = dns.message.from_wire(wire)
    reply = dns.message.make_response(query)
    question = query.question[0]
    name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
    for ttl, ip in RECORDS.get((name, kind), []):
        reply.answer.append(dns.rrset.from_text(name, ttl, "IN", kind, ip))
    if name == "deaf.test." or (name == "four.test." and kind == "AAAA"):
        return [] if name == "deaf.test." else [reply.to_wire()]
    if not any(known == name for known, _ in RECORDS) and name != "empty.test.":
        reply.set_rcode(dns.rcode.NXDOMAIN)
    if name == "broken.test.":
        reply.set_rcode(dns.rcode.SERVFAIL)
    return [reply.to_wire()]


@pytest.fixture
def looked_up(peers: Peers, tmp_path: Path) -> Callable[..., Found]:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 127.0.0.1\nsearch domain.test\n")
    port = peers.datagrams(answer)

    def look_up(name: str, families: tuple[int, ...] = BOTH) -> Found:
        async def scenario() -> Found:
            return await NameServers(path, lifetime=0.3, port=port)(name, families)

        return asyncio.run(scenario())

    return look_up


def test_both_families_are_asked_for_and_the_shorter_life_counts(
    looked_up: Callable[..., Found],
) -> None:
    found = looked_up("both.test")
    ips = [one.ip for one in found.addresses]
    assert ips == ["2001:db8::1", "192.0.2.1", "192.0.2.2"]
    assert found.ttl == 20
    assert looked_up("both.test", (socket.AF_INET,)).ttl == 50


def test_one_family_is_enough(looked_up: Callable[..., Found]) -> None:
    found = looked_up("four.test")
    assert [one.ip for one in found.addresses] == ["192.0.2.4"]
    assert found.ttl == 300


def test_short_names_are_completed(looked_up: Callable[..., Found]) -> None:
    assert [one.ip for one in looked_up("here").addresses] == ["192.0.2.5"]


@pytest.mark.parametrize(
    ("name", "families", "reason", "words"),
    [
        ("missing.test", BOTH, "not_resolved", "does not exist"),
        ("deaf.test", BOTH, "not_resolved", "no name server answered"),
        ("broken.test", BOTH, "not_resolved", "could not be resolved"),
        ("a" * 64 + ".test", BOTH, "not_resolved", "could not be resolved"),
        ("empty.test", BOTH, "no_address", "no AAAA or A record"),
        ("four.test", BOTH[:1], "no_address", "no AAAA record"),
    ],
)
def test_names_that_do_not_resolve_say_why(
    name: str,
    families: tuple[int, ...],
    reason: str,
    words: str,
    looked_up: Callable[..., Found],
) -> None:
    with pytest.raises(ProbeFailed, match=words) as raised:
        looked_up(name, families)
    assert raised.value.reason == reason


def test_the_file_is_read_again_when_it_changes(peers: Peers, tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    port = peers.datagrams(answer)

    async def scenario() -> None:
        servers = NameServers(path, lifetime=0.3, port=port)
        with pytest.raises(ProbeFailed, match="names no server to ask"):
            await servers("both.test", BOTH)
        path.write_text("nameserver 127.0.0.1\n")
        assert (await servers("both.test", BOTH)).ttl == 20

    asyncio.run(scenario())

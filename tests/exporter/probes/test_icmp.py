"""The probe of kind icmp: what each of its settings does, and how it fails."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING, Any

import pytest

from exporter.prober.board import Board
from exporter.probes.base import Target
from exporter.probes.engine import Engine
from exporter.probes.icmp import IcmpEcho
from runtime.probing.reasons import Reason
from tests.exporter.probes.responder import LOSS, Action, Responder
from tests.exporter.probes.trying import Names, Noting, tools
from tests.exporter.probes.volleying import KINDS, fire, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.probes.base import Tools
    from runtime.probing.probes import IcmpProbe
    from runtime.probing.wire import Result
    from tests.exporter.probes.responder import Answered

V4, V6 = "127.4.0.1", "fd00:7::41"


def probe(
    host: str, settings: IcmpProbe, with_tools: Tools | None = None, **engine: Any
) -> Result:
    async def go() -> Result:
        made = Engine(Board.create(1), **engine)
        try:
            trying = IcmpEcho(made)
            return await trying(Target("dest", host), settings, with_tools or tools())
        finally:
            made.close()

    return asyncio.run(go())


def answered(ip: str, kind: str = "raw", **some: Any) -> list[Answered]:
    """Return what a responder saw of requests with these settings."""
    with Responder({"*": [Action()]}) as responder:
        fire([ip], settings(namespace=responder.namespace, **some), sockets=kind)
        return responder.stop()


@pytest.fixture(scope="module")
def loopback() -> Iterator[Responder]:
    """A namespace whose kernel answers by itself."""
    with Responder() as responder:
        yield responder


@pytest.mark.setting("probes.modules.icmp.kind")
@pytest.mark.setting("probes.modules.icmp.name")
@pytest.mark.setting("probes.modules.icmp.namespace")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ip", ["127.0.0.1", "::1"])
def test_a_destination_that_answers_is_a_success(
    ip: str, kind: str, loopback: Responder
) -> None:
    result = probe(ip, settings(namespace=loopback.namespace), sockets=kind)
    assert (result.probe, result.kind, result.destination) == ("ping", "icmp", "dest")
    assert (result.reason, result.message) == (Reason.NONE, "")
    assert (result.sent, result.received, result.address) == (1, 1, ip)
    assert result.facts == {"ttl": 64}
    assert set(result.phases) == {"resolve", "rtt"}
    (rtt,) = result.rtts
    assert rtt is not None
    assert 0 < rtt < result.seconds


@pytest.mark.setting("probes.modules.icmp.count")
@pytest.mark.setting("probes.modules.icmp.spacing")
def test_so_many_requests_leave_so_far_apart(loopback: Responder) -> None:
    began = time.monotonic()
    some = settings(count=4, spacing="50ms", namespace=loopback.namespace)
    result = probe("127.0.0.1", some)
    assert time.monotonic() - began >= 0.15
    assert (result.sent, result.received, len(result.rtts)) == (4, 4, 4)
    assert set(result.facts["percentiles"]) == {"50", "90", "95", "99"}
    rtts = [rtt for rtt in result.rtts if rtt is not None]
    steps = [abs(b - a) for a, b in itertools.pairwise(rtts)]
    assert result.facts["jitter"] == pytest.approx(sum(steps) / 3)


@pytest.mark.setting("probes.modules.icmp.timeout")
@pytest.mark.parametrize(("timeout", "received"), [("50ms", 0), ("1s", 1)])
def test_a_reply_after_the_timeout_is_none(timeout: str, received: int) -> None:
    with Responder({V4: [Action(0.1)]}) as responder:
        some = settings(timeout=timeout, namespace=responder.namespace)
        result = probe(V4, some)
    assert result.received == received
    assert result.reason == ("" if received else Reason.TIMEOUT)


@pytest.mark.setting("probes.modules.icmp.family")
@pytest.mark.parametrize(
    ("family", "ip"),
    [("auto", "::1"), ("ipv6", "::1"), ("ipv4", "127.0.0.1")],
)
def test_the_family_chooses_the_address(
    family: str, ip: str, loopback: Responder
) -> None:
    names = Names(both_test=("127.0.0.1", "::1"))
    some = settings(family=family, namespace=loopback.namespace)
    assert probe("both.test", some, tools(names)).address == ip


@pytest.mark.setting("probes.modules.icmp.source")
@pytest.mark.parametrize("kind", KINDS)
def test_requests_leave_from_the_source(kind: str) -> None:
    (seen,) = answered(V4, kind, source="127.5.0.1")
    assert seen.source == "127.5.0.1"
    (seen,) = answered(V4, kind)
    assert seen.source != "127.5.0.1"


@pytest.mark.setting("probes.modules.icmp.interface")
@pytest.mark.parametrize("kind", KINDS)
def test_requests_leave_through_the_interface(kind: str, loopback: Responder) -> None:
    some = {"timeout": "100ms", "namespace": loopback.namespace}
    through = settings(interface="lo", **some)
    assert probe("127.0.0.1", through, sockets=kind).reason == ""
    missing = probe("127.0.0.1", settings(interface="eth9", **some), sockets=kind)
    assert missing.reason == Reason.WRONG_SETTINGS
    assert "'eth9'" in missing.message


@pytest.mark.setting("probes.modules.icmp.size")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ip", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("size", [24, 25, 56, 1472, 65507])
def test_requests_of_all_sizes_are_answered(
    size: int, ip: str, kind: str, loopback: Responder
) -> None:
    some = settings(size=size, namespace=loopback.namespace)
    result = probe(ip, some, sockets=kind)
    assert (result.reason, result.received) == ("", 1)


@pytest.mark.setting("probes.modules.icmp.ttl")
@pytest.mark.setting("probes.modules.icmp.dscp")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ip", [V4, V6])
def test_requests_carry_ttl_and_dscp(ip: str, kind: str) -> None:
    (seen,) = answered(ip, kind, ttl=7, dscp=46)
    assert (seen.ttl, seen.tos) == (7, 46 << 2)
    (seen,) = answered(ip, kind)
    assert (seen.ttl, seen.tos) == (64, 0)


@pytest.mark.setting("probes.modules.icmp.dont_fragment")
@pytest.mark.parametrize("kind", KINDS)
def test_requests_may_be_divided_unless_that_is_forbidden(kind: str) -> None:
    (seen,) = answered(V4, kind)
    assert seen.fragmentable
    (seen,) = answered(V4, kind, dont_fragment=True)
    assert not seen.fragmentable


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ip", ["127.0.0.1", "::1"])
def test_what_does_not_fit_undivided_is_too_big(ip: str, kind: str) -> None:
    with Responder() as responder:
        responder.run("ip", "link", "set", "lo", "mtu", "1500")
        some = {"size": 1600, "namespace": responder.namespace, "timeout": "200ms"}
        assert probe(ip, settings(**some), sockets=kind).reason == ""
        undivided = settings(dont_fragment=True, **some)
        assert probe(ip, undivided, sockets=kind).reason == Reason.TOO_BIG


def test_all_requests_have_one_checksum() -> None:
    seen = answered(V4, count=8, spacing="10ms")
    assert len({one.checksum for one in seen}) == 1
    assert [one.sequence for one in seen] == list(range(8))


def test_what_the_guard_refuses_is_not_asked() -> None:
    result = probe("127.0.0.1", settings(), tools(guard=Noting("127.0.0.1")))
    assert (result.reason, result.sent) == (Reason.NOT_ALLOWED, 0)


def test_a_host_without_a_namespace_of_that_name_says_so() -> None:
    result = probe("127.0.0.1", settings(namespace="nowhere"))
    assert result.reason == Reason.WRONG_SETTINGS
    assert "'nowhere'" in result.message


def test_a_source_that_is_not_ours_says_so(loopback: Responder) -> None:
    some = settings(source="198.51.100.1", namespace=loopback.namespace)
    assert probe("127.0.0.1", some).reason == Reason.WRONG_SETTINGS


def test_silence_tells_what_else_came() -> None:
    rules = {V4: [Action(0.3), LOSS, Action(source="127.4.9.9")]}
    with Responder(rules) as responder:
        some = settings(
            count=3, spacing="200ms", timeout="100ms", namespace=responder.namespace
        )
        result = probe(V4, some)
    assert result.reason == Reason.TIMEOUT
    assert result.message == (
        "no reply within 100ms; 1 came later; 1 came from other addresses"
    )
    assert result.rtts == (None, None, None)
    assert "failed: no reply" in result.log[-1][1]


@pytest.mark.parametrize("kind", KINDS)
def test_what_this_host_cannot_send_is_told_by_name(kind: str) -> None:
    with Responder() as responder:
        responder.run("ip", "route", "add", "prohibit", "203.0.113.0/24")
        some = settings(count=2, spacing="10ms", namespace=responder.namespace)
        fired = fire(["203.0.113.1", "198.51.100.1", "127.0.0.1"], some, sockets=kind)
    forbidden, no_route, fine = fired.results
    assert forbidden.reason == no_route.reason == Reason.SEND_FAILED
    assert forbidden.facts == {"send_errors": {"EACCES": 2}}
    assert no_route.facts == {"send_errors": {"ENETUNREACH": 2}}
    assert (forbidden.sent, forbidden.received, forbidden.rtts) == (0, 0, ())
    assert (fine.sent, fine.received) == (2, 2)
    assert fired.rows[0] == {"SEND_ERRORS": 2}
    assert fired.head["IN_FLIGHT"] == 0

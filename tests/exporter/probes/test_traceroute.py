from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import icmplib
import msgspec
import pytest

from exporter.probes import trace_sockets, traceroute, tracing
from exporter.probes.base import ProbeFailed, Target
from exporter.probes.namespaces import in_namespace
from runtime.probing.probes import TracerouteProbe
from runtime.probing.reasons import Reason
from tests.exporter.probes.routers import Chain
from tests.exporter.probes.trying import Names, Noting, tools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.probes.base import Tools
    from runtime.probing.wire import Result

LAST = 4


@pytest.fixture(scope="module")
def row() -> Iterator[Chain]:
    with Chain(LAST + 1) as made:
        for host in range(LAST + 1):
            # Tests ask the same routers again and again.
            made.set(host, "net/ipv4/icmp_ratemask", "0")
            made.set(host, "net/ipv6/icmp/ratelimit", "0")
        made.wait_for_ipv6()
        yield made


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "PACE", 0.02)


def settings_of(namespace: str, **more: Any) -> TracerouteProbe:
    document = {"name": "m", "kind": "traceroute", "max_hops": 8, "timeout": "400ms"}
    return TracerouteProbe.model_validate(document | {"namespace": namespace} | more)


def traced(chain: Chain, host: str, using: Tools | None = None, **more: Any) -> Result:
    settings = settings_of(chain.source, **more)
    probe = traceroute.probe(Target("there", host), settings, using or tools())
    result = asyncio.run(probe)
    assert msgspec.json.decode(msgspec.json.encode(result), type=type(result)) == result
    return result


def addresses(result: Result) -> list[list[str]]:
    return [hop["addresses"] for hop in result.facts["hops"]]


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("kind", ["raw", "datagram", "udp"])
@pytest.mark.setting("probes.modules.traceroute.protocol")
@pytest.mark.setting("probes.modules.traceroute.kind")
@pytest.mark.setting("probes.modules.traceroute.namespace")
def test_every_hop_is_found(row: Chain, kind: str, family: int) -> None:
    groups = "0 2147483647" if kind == "datagram" else "1 0"
    row.set(0, "net/ipv4/ping_group_range", groups)
    protocol = "udp" if kind == "udp" else "icmp"
    result = traced(row, row.address(LAST, family), protocol=protocol)
    assert result.succeeded, result.message
    assert kind in " ".join(text.lower() for _, text in result.log)
    assert addresses(result) == [
        [row.address(host, family)] for host in range(1, LAST + 1)
    ]
    assert result.facts["reached"] is True
    assert result.facts["length"] == LAST
    for hop in result.facts["hops"]:
        assert (hop["sent"], hop["received"], hop["reason"]) == (3, 3, "")
        assert all(0 < rtt < 0.4 for rtt in hop["rtts"])
    assert (result.sent, result.received, len(result.rtts)) == (3, 3, 3)
    assert set(result.phases) == {"resolve", "trace"}
    assert result.address == row.address(LAST, family)


def test_it_finds_what_icmplib_finds(row: Chain) -> None:
    target = row.address(LAST)
    hops = in_namespace(
        row.source, lambda: icmplib.traceroute(target, count=1, interval=0, timeout=1)
    )
    assert addresses(traced(row, target)) == [[hop.address] for hop in hops]


@pytest.mark.setting("probes.modules.traceroute.queries")
def test_each_hop_is_asked_so_often(row: Chain) -> None:
    result = traced(row, row.address(LAST), queries=5)
    assert {hop["sent"] for hop in result.facts["hops"]} == {5}


@pytest.mark.setting("probes.modules.traceroute.max_hops")
def test_so_many_hops_are_looked_at(row: Chain) -> None:
    result = traced(row, row.address(LAST), max_hops=2)
    assert result.reason == Reason.NOT_REACHED
    assert result.message.endswith("hop 2 of 2")
    assert result.facts["length"] == 2
    assert result.facts["reached"] is False
    assert (result.sent, result.rtts) == (0, ())


@pytest.mark.setting("probes.modules.traceroute.name")
def test_the_result_is_of_the_module(row: Chain) -> None:
    result = traced(row, row.address(1), name="trace")
    assert (result.destination, result.probe, result.kind) == (
        *("there", "trace", "traceroute"),
    )


@pytest.mark.setting("probes.modules.traceroute.family")
def test_the_family_is_chosen_among_the_addresses(row: Chain) -> None:
    names = Names(there_test=(row.address(2), row.address(2, 6)))
    for wanted, family in (("ipv4", 4), ("ipv6", 6), ("auto", 6)):
        result = traced(row, "there.test", tools(names), family=wanted)
        assert result.address == row.address(2, family)
        assert result.succeeded


@pytest.mark.setting("probes.modules.traceroute.source")
def test_it_comes_from_the_source(row: Chain) -> None:
    row.tell(0, "addr replace 10.99.77.1/32 dev lo")
    lost = traced(row, row.address(2), source="10.99.77.1")
    # Only the first router knows a way back to that address.
    row.tell(1, "route replace 10.99.77.1/32 via 10.99.0.1")
    found = traced(row, row.address(2), source="10.99.77.1")
    assert [len(each) for each in addresses(lost)] == []
    assert addresses(found)[0] == [row.address(1)]
    wrong = traced(row, row.address(2), source="192.0.2.77")
    assert wrong.reason == Reason.WRONG_SETTINGS


@pytest.mark.parametrize("protocol", ["icmp", "udp"])
@pytest.mark.setting("probes.modules.traceroute.interface")
def test_it_goes_through_the_interface(row: Chain, protocol: str) -> None:
    through = traced(row, row.address(1), interface="a0", protocol=protocol)
    assert through.succeeded
    elsewhere = traced(row, row.address(1), interface="nowhere0", protocol=protocol)
    assert elsewhere.reason == Reason.WRONG_SETTINGS


@pytest.mark.setting("probes.modules.traceroute.timeout")
def test_answers_are_waited_for_so_long(row: Chain) -> None:
    row.tell(3, "route replace blackhole 10.99.3.77/32")
    result = traced(row, "10.99.3.77", timeout="50ms", queries=1)
    assert result.reason == Reason.NOT_REACHED
    assert 0.05 <= result.seconds < 0.4


@pytest.mark.parametrize("protocol", ["icmp", "udp"])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("prohibit", "Packet filtered"),
        ("unreachable", "Destination host unreachable"),
    ],
)
def test_a_router_that_refuses_ends_the_trace(
    row: Chain, kind: str, message: str, protocol: str
) -> None:
    row.tell(2, f"route replace {kind} 10.99.3.66/32")
    # The kernel says so five times in a row to the same host, then once a second.
    result = traced(row, "10.99.3.66", protocol=protocol, queries=1)
    assert result.reason == Reason.UNREACHABLE
    assert result.message == f"{row.address(2)}, hop 2, says: {message}"
    assert addresses(result) == [[row.address(1)], [row.address(2)]]
    hop = result.facts["hops"][-1]
    assert (hop["reason"], hop["error"]) == ("unreachable", message)


def test_a_destination_that_no_host_has_is_not_reached(row: Chain) -> None:
    row.tell(3, "route replace blackhole 10.99.3.77/32")
    result = traced(row, "10.99.3.77")
    assert result.reason == Reason.NOT_REACHED
    assert addresses(result) == [[row.address(host)] for host in (1, 2)]
    assert f"nothing answered behind {row.address(2)}, hop 2 of 8" == result.message
    assert len(result.route) == 16


def test_without_a_way_it_is_said(row: Chain) -> None:
    result = traced(row, "192.0.2.1")
    assert result.reason == Reason.UNREACHABLE
    assert result.facts == {}
    assert result.route == ""


def test_without_rights_it_is_said_what_helps(
    row: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ProbeFailed(Reason.NO_PERMISSION, "needs CAP_NET_RAW")

    monkeypatch.setattr(trace_sockets, "open_socket", refuse)
    result = traced(row, row.address(1))
    assert result.reason == Reason.NO_PERMISSION
    assert result.message == "needs CAP_NET_RAW; protocol: udp needs no rights"
    assert traced(row, row.address(1), protocol="udp").succeeded


def test_the_guard_is_asked_first(row: Chain) -> None:
    guard = Noting(row.address(1))
    result = traced(row, row.address(1), tools(guard=guard))
    assert result.reason == Reason.NOT_ALLOWED
    assert guard.asked == [(row.address(1), row.address(1), None)]


def test_a_port_and_a_url_are_left_aside(row: Chain) -> None:
    assert traced(row, f"{row.address(1)}:443").succeeded
    assert traced(row, f"https://{row.address(1)}/index").succeeded


def test_traces_at_once_do_not_take_each_other_s_answers(row: Chain) -> None:
    row.set(0, "net/ipv4/ping_group_range", "1 0")
    settings = settings_of(row.source)
    targets = [row.address(host) for host in (1, 2, 3, 4)] * 3

    async def all_of_them() -> list[Result]:
        probes = [
            traceroute.probe(Target("there", host), settings, tools())
            for host in targets
        ]
        return await asyncio.gather(*probes)

    for host, result in zip(targets, asyncio.run(all_of_them()), strict=True):
        assert result.succeeded
        assert result.address == host
        assert addresses(result)[-1] == [host]
        assert all(hop["received"] == 3 for hop in result.facts["hops"])


def test_a_socket_is_closed_whatever_happens(row: Chain) -> None:
    """Left open, it would be a ResourceWarning, which is an error."""
    settings = settings_of(row.source)

    async def cancelled() -> None:
        probe = asyncio.create_task(
            traceroute.probe(Target("there", "10.99.3.77"), settings, tools())
        )
        await asyncio.sleep(0.05)
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe

    asyncio.run(cancelled())


def test_loopback_is_one_hop_away() -> None:
    probe = traceroute.probe(Target("here", "127.0.0.1"), settings_of(""), tools())
    result = asyncio.run(probe)
    assert addresses(result) == [["127.0.0.1"]]
    assert result.succeeded

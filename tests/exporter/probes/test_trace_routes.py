"""Ways that change, fork and hide, in a network of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from exporter.probes import traceroute, tracing
from exporter.probes.base import Target
from runtime.probing.probes import TracerouteProbe
from runtime.probing.reasons import Reason
from tests.exporter.probes.routers import Chain
from tests.exporter.probes.trying import tools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.probing.wire import Result


@pytest.fixture
def fork(monkeypatch: pytest.MonkeyPatch) -> Iterator[Chain]:
    """Six hosts; the third, 10.99.1.2, has a twin, 10.99.7.2, that leads on as well."""
    monkeypatch.setattr(tracing, "PACE", 0.02)
    with Chain(6) as made:
        twin = made.add_host()
        made.link(1, twin, 7)
        made.link(twin, 3, 8)
        made.tell(twin, "route add 10.99.0.0/24 via 10.99.7.1")
        made.tell(twin, "route add default via 10.99.8.2")
        for host in range(len(made.names)):
            made.set(host, "net/ipv4/icmp_ratemask", "0")
        yield made


def traced(chain: Chain, host: str, **more: Any) -> Result:
    document = {"name": "m", "kind": "traceroute", "max_hops": 8, "timeout": "300ms"}
    settings = TracerouteProbe.model_validate(
        document | {"namespace": chain.source} | more
    )
    return asyncio.run(traceroute.probe(Target("there", host), settings, tools()))


def way(result: Result) -> list[str]:
    return [",".join(hop["addresses"]) for hop in result.facts["hops"]]


def test_another_way_is_another_route_and_the_same_is_the_same(fork: Chain) -> None:
    first = traced(fork, fork.address(5))
    again = traced(fork, fork.address(5), protocol="udp")
    fork.tell(1, "route replace 10.99.4.0/24 via 10.99.7.2")
    other = traced(fork, fork.address(5))
    fork.tell(1, "route replace 10.99.4.0/24 via 10.99.1.2")
    back = traced(fork, fork.address(5))
    assert way(first)[1] == "10.99.1.2"
    assert way(other)[1] == "10.99.7.2"
    assert first.route == again.route == back.route
    assert other.route != first.route


def test_a_silent_hop_is_left_open(fork: Chain) -> None:
    before = traced(fork, fork.address(5))
    fork.silence(2)
    result = traced(fork, fork.address(5))
    assert result.succeeded
    assert way(result) == ["10.99.0.2", "", "10.99.2.2", "10.99.3.2", "10.99.4.2"]
    silent = result.facts["hops"][1]
    assert (silent["received"], silent["reason"]) == (0, "timeout")
    assert result.route != before.route
    assert result.route == traced(fork, fork.address(5)).route


@pytest.mark.parametrize("protocol", ["icmp", "udp"])
def test_where_load_is_shared_by_flow_a_trace_stays_on_one_way(
    fork: Chain, protocol: str
) -> None:
    fork.tell(
        1,
        "route replace 10.99.4.0/24 nexthop via 10.99.1.2 nexthop via 10.99.7.2",
    )
    ways = {
        tuple(way(traced(fork, fork.address(5), protocol=protocol, queries=4)))
        for _ in range(8)
    }
    # One address at each hop in each trace; and both ways are taken by some flow.
    assert all("," not in hop for each in ways for hop in each)
    if protocol == "udp":
        assert {each[1] for each in ways} == {"10.99.1.2", "10.99.7.2"}


def test_a_host_that_does_not_answer_is_not_reached(fork: Chain) -> None:
    fork.silence(5)
    result = traced(fork, fork.address(5))
    assert result.reason == Reason.NOT_REACHED
    assert way(result)[-1] == fork.address(4)


def test_a_loop_ends(fork: Chain) -> None:
    fork.tell(3, "route replace 10.99.4.0/24 via 10.99.2.1")
    result = traced(fork, fork.address(5))
    assert result.reason == Reason.NOT_REACHED
    assert result.facts["length"] == 8
    assert len(set(way(result))) < 8

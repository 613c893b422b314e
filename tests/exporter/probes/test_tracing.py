"""Tracing with a network that is made up; real ones are in test_traceroute.py."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest

from exporter.probes import tracing
from exporter.probes.base import ProbeFailed
from exporter.probes.trace_packets import Heard
from exporter.probes.tracing import Tracing, longest
from runtime.probing.probes import TracerouteProbe
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.probes.hops import Hop


class Sender:
    """Answers at once what the network says for a TTL, the nth time it is asked.

    Answers of the first `nameless` hops do not say what they are about.
    """

    tracing: Tracing

    def __init__(
        self, network: Callable[[int, int], list[Any]], nameless: int = 0
    ) -> None:
        self.nameless = nameless
        self.network = network
        self.sock, self.other = socket.socketpair()
        self.sent: list[int] = []
        self.waiting: list[tuple[Heard, int]] = []

    def send(self, number: int, ttl: int) -> int:
        self.sent.append(ttl)
        nth = self.sent.count(ttl)
        for address, arrived, error, seconds in self.network(ttl, nth):
            told = 0 if ttl <= self.nameless else number
            heard = Heard(told, address, arrived, error)
            self.waiting.append((heard, round(seconds * 1e9)))
            self.other.send(b"!")
        return 0

    def hear(self) -> Iterator[tuple[Heard, int]]:
        self.sock.recv(100)
        while self.waiting:
            yield self.waiting.pop(0)


def traced(
    network: Callable[[int, int], list[Any]], nameless: int = 0, **more: Any
) -> tuple[list[Hop], Sender]:
    document = {"name": "t", "kind": "traceroute", "timeout": "20ms", "max_hops": 6}
    settings = TracerouteProbe.model_validate(document | more)
    sender = Sender(network, nameless)

    async def run() -> list[Hop]:
        made = Tracing(sender, settings)  # type: ignore[arg-type]  # a stand-in
        sender.tracing = made
        await made.run()
        return made.hops

    with sender.sock, sender.other:
        return asyncio.run(run()), sender


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "PACE", 0.01)


def to_third(ttl: int, nth: int) -> list[Any]:
    return [(f"10.0.0.{min(ttl, 3)}", ttl >= 3, "", 0.001 * ttl)]


def test_every_hop_is_asked_as_often_as_set_up_to_the_end() -> None:
    hops, sender = traced(to_third, queries=2)
    assert [(hop.addresses, hop.rtts) for hop in hops] == [
        (["10.0.0.1"], [0.001, 0.001]),
        (["10.0.0.2"], [0.002, 0.002]),
        (["10.0.0.3"], [0.003, 0.003]),
    ]
    assert [hop.arrived for hop in hops] == [False, False, True]
    assert sorted(sender.sent) == [1, 1, 2, 2, 3, 3]


def test_several_addresses_at_a_hop_are_kept_in_order() -> None:
    def network(ttl: int, nth: int) -> list[Any]:
        if ttl == 2:
            return [(f"10.0.0.{10 - nth}", False, "", 0.001)]
        return to_third(ttl, nth)

    hops, _ = traced(network, queries=3)
    assert hops[1].addresses == ["10.0.0.9", "10.0.0.8", "10.0.0.7"]


def test_loss_is_each_hop_s_own() -> None:
    def network(ttl: int, nth: int) -> list[Any]:
        return [] if (ttl, nth) == (1, 2) else to_third(ttl, nth)

    hops, _ = traced(network)
    assert [hop.received for hop in hops] == [2, 3, 3]
    assert hops[0].rtts == [0.001, None, 0.001]


def test_what_comes_twice_or_too_late_does_not_count() -> None:
    def network(ttl: int, nth: int) -> list[Any]:
        late = [("10.0.0.7", False, "", 0.021)]
        return late if ttl == 1 else to_third(ttl, nth) * 2

    hops, _ = traced(network)
    assert (hops[0].addresses, hops[0].received) == ([], 0)
    assert hops[1].rtts == [0.002] * 3


def test_a_stamp_before_the_sending_is_no_time_at_all() -> None:
    """The clock may be set meanwhile, and so be before."""
    hops, _ = traced(lambda *_: [("10.0.0.1", True, "", -1.0)], queries=1)
    assert hops[0].rtts == [0.0]


def test_an_error_ends_a_trace_where_it_came_from() -> None:
    def network(ttl: int, nth: int) -> list[Any]:
        if ttl >= 2:
            return [("10.0.0.2", False, "Packet filtered", 0.001)]
        return to_third(ttl, nth)

    hops, sender = traced(network, queries=1)
    assert [(hop.ttl, hop.error) for hop in hops] == [(1, ""), (2, "Packet filtered")]
    assert len(sender.sent) < 6


def test_the_nearest_end_counts() -> None:
    def network(ttl: int, nth: int) -> list[Any]:
        # The first answer of hop 3 is lost, so that hop 4 seems to be the end.
        return [] if (ttl, nth) == (3, 1) else to_third(ttl, nth)

    hops, _ = traced(network, queries=2)
    assert len(hops) == 3
    assert hops[2].rtts == [None, 0.003]


def test_a_host_that_cannot_send_says_so() -> None:
    def network(ttl: int, nth: int) -> list[Any]:
        raise ProbeFailed(Reason.SEND_FAILED, "no")

    with pytest.raises(ProbeFailed):
        traced(network)


def test_answers_that_cannot_be_told_apart_are_counted() -> None:
    hops, sender = traced(to_third, queries=1, nameless=1)
    assert [hop.received for hop in hops] == [0, 1, 1]
    assert sender.tracing.nameless == 1


def test_the_longest_trace_is_known_before() -> None:
    settings = TracerouteProbe(name="t", kind="traceroute", max_hops=11, queries=3)
    assert longest(settings) == pytest.approx(0.05 + 2 * tracing.PACE + 2.0)
    udp = settings.model_copy(update={"protocol": "udp"})
    assert longest(udp) == pytest.approx(0.2 + 2 * tracing.PACE + 2.0)

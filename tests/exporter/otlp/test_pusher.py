from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from exporter.agent.backoff import Backoff
from exporter.collectors.base import Family, Metric
from exporter.otlp.counts import Counts
from exporter.otlp.message import Messages
from exporter.otlp.options import Options
from exporter.otlp.pusher import Pusher
from exporter.otlp.receiver import Receiver
from exporter.otlp.round_trips import RoundTrips
from exporter.otlp.starts import Starts
from runtime.clock import SystemClock
from runtime.probing.wire import Plan
from tests.exporter.exposition import values
from tests.exporter.otlp.receiving import (
    RESET,
    SLOW,
    OtlpReceiver,
    metrics,
    partial,
    points,
)
from tests.servers import free_port
from tests.web import Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.exporter.otlp.receiving import Request

SCRAPES = Metric("a_total", "counter", "Scrapes so far.")
PREFIX = "epimetheus_exporter_otlp"


class Source:
    """One counter that counts how often it was asked for."""

    def __init__(self) -> None:
        self.scrapes = 0

    def __call__(self) -> Sequence[Family]:
        self.scrapes += 1
        return [SCRAPES.of(self.scrapes)]


@contextmanager
def pushing(
    url: str,
    gather: Callable[[], Sequence[Family]] | None = None,
    *,
    flush: float = 5.0,
    first: float = 0.01,
    **options: Any,
) -> Iterator[Pusher]:
    chosen = Options(
        f"{url}/v1/metrics", **{"interval": 0.05, "timeout": 10.0, **options}
    )
    clock = SystemClock()
    round_trips = RoundTrips(lambda: Plan(version="1"), 1)
    pusher = Pusher(
        chosen,
        gather or Source(),
        Messages({}, "prometheus", Starts(1, 2), round_trips),
        Receiver(chosen, clock),
        counts=Counts(),
        clock=clock,
        backoff=Backoff(first, 0.05, lambda: 0.0),
        flush=flush,
    )
    pusher.start()
    try:
        yield pusher
    finally:
        pusher.stop()


def counted(pusher: Pusher) -> dict[str, float]:
    """Return what is not 0: outcomes and reasons by their names."""
    found = values(pusher.families())
    pushes = found[f"{PREFIX}_pushes_total"]
    dropped = found[f"{PREFIX}_points_dropped_total"]
    own = {"sent": found[f"{PREFIX}_points_sent_total"][()]}
    labelled = {labels[0]: n for one in (pushes, dropped) for labels, n in one.items()}
    return {name: value for name, value in (labelled | own).items() if value}


def values_of(requests: Sequence[Request]) -> list[float]:
    """Return the counter of each request in turn."""
    told = [metrics(request.message)["a_total"] for request in requests]
    return [points(metric)[0].as_double for metric in told]


def test_it_pushes_at_its_interval_and_once_more_at_the_end() -> None:
    source = Source()
    with OtlpReceiver() as server:
        with pushing(server.url, source) as pusher:
            server.wait_for_requests(3)
        got = values_of(server.requests)
        assert got == [float(n) for n in range(1, source.scrapes + 1)]
        assert counted(pusher) == {"accepted": len(got), "sent": len(got)}
        found = values(pusher.families())
        assert found[f"{PREFIX}_queued_pushes"] == {(): 0}
        last = found[f"{PREFIX}_last_success_timestamp_seconds"][()]
        assert 0 <= time.time() - last < 60


def test_stopped_before_its_first_interval_it_pushes_once() -> None:
    with OtlpReceiver() as server:
        with pushing(server.url, interval=3600.0, first=0.0):
            pass
        assert 1 <= len(server.requests) <= 2


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (Told(status=503), "busy"),
        (Told(status=429, headers={"retry-after": "0"}), "busy"),
        (RESET, "unreachable"),
    ],
)
def test_what_fails_for_a_while_is_sent_again(told: Told, outcome: str) -> None:
    with OtlpReceiver(told, told, told) as server:
        with pushing(server.url) as pusher:
            server.wait_for_requests(6)
        got = values_of(server.requests)
        assert got[:4] == [1.0] * 4
        assert got[3:] == [float(n) for n in range(1, len(got) - 2)]
        assert counted(pusher) == {
            outcome: 3,
            "accepted": len(got) - 3,
            "sent": len(got) - 3,
        }


def test_a_wait_that_is_asked_for_is_kept() -> None:
    told = Told(status=429, headers={"retry-after": "1"})
    with OtlpReceiver(told) as server:
        begun = time.monotonic()
        with pushing(server.url, queue=1000):
            server.wait_for_requests(2)
            assert time.monotonic() - begun >= 1
        assert values_of(server.requests)[:2] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (Told(status=400), "refused"),
        (Told(status=401), "unauthorized"),
        (Told(status=500), "failed"),
        (Told(b"<html>", headers={"content-type": "text/html"}), "garbage"),
    ],
)
def test_what_is_refused_is_dropped_and_counted(told: Told, outcome: str) -> None:
    with OtlpReceiver(told) as server:
        with pushing(server.url) as pusher:
            server.wait_for_requests(3)
        got = values_of(server.requests)
        assert got == [float(n) for n in range(1, len(got) + 1)]
        taken = len(got) - 1
        # The outcome of the push and why its one point was dropped.
        assert counted(pusher)["refused"] == 1
        assert counted(pusher)["sent"] == counted(pusher)["accepted"] == taken
        pushes = values(pusher.families())[f"{PREFIX}_pushes_total"]
        assert pushes[outcome,] == 1


def test_a_partial_success_is_told() -> None:
    with (
        OtlpReceiver(partial(1, "out of order")) as server,
        structlog.testing.capture_logs() as logs,
    ):
        with pushing(server.url) as pusher:
            server.wait_for_requests(2)
        found = counted(pusher)
        assert (found["partial"], found["rejected"]) == (1, 1)
        assert found["sent"] == len(server.requests) - 1
    (warning,) = [entry for entry in logs if entry["log_level"] == "warning"]
    assert (warning["outcome"], warning["reason"]) == ("partial", "out of order")


@pytest.mark.setting("exporter.otlp.timeout")
def test_a_slow_receiver_delays_no_measurement() -> None:
    source = Source()
    with OtlpReceiver(SLOW) as server:
        with pushing(server.url, source, timeout=0.4) as pusher:
            server.wait_for_requests(1)
            server.wait_for(lambda: source.scrapes >= 4)
            assert len(server.requests) == 1
            server.wait_for_requests(5)
        assert values_of(server.requests)[:3] == [1.0, 1.0, 2.0]
        assert counted(pusher)["unreachable"] == 1


@pytest.mark.setting("exporter.otlp.queue")
def test_a_receiver_that_comes_back_gets_what_there_is_room_for() -> None:
    port, source = free_port(), Source()
    with structlog.testing.capture_logs() as logs:
        with pushing(f"http://127.0.0.1:{port}", source, queue=3) as pusher:
            while counted(pusher).get("queue_full", 0) < 3:
                time.sleep(0.01)
            assert values(pusher.families())[f"{PREFIX}_queued_pushes"][()] >= 3
            with OtlpReceiver(at=port) as server:
                server.wait_for_requests(6)
                pusher.stop()
                got = values_of(server.requests)
        assert got == sorted(set(got))
        assert got[0] > 3
        found = counted(pusher)
        assert found["sent"] == len(got)
        assert found["queue_full"] + len(got) == source.scrapes
    told = [entry["event"] for entry in logs if "taken" in entry["event"]]
    assert told == ["metrics are not taken", "metrics are taken again"]


def test_stopping_has_an_end_however_slow_the_receiver() -> None:
    with OtlpReceiver(SLOW, SLOW, SLOW) as server:
        with pushing(server.url, flush=0.3) as pusher:
            server.wait_for_requests(1)
            begun = time.monotonic()
        assert time.monotonic() - begun < 20
        found = counted(pusher)
        assert found["stopped"] >= 2
        assert "accepted" not in found


def test_stopping_does_not_wait_for_a_retry() -> None:
    told = Told(status=503, headers={"retry-after": "3000"})
    with OtlpReceiver(told) as server:
        with pushing(server.url) as pusher:
            server.wait_for_requests(1)
        found = counted(pusher)
        assert found["busy"] == 1
        assert found["sent"] == found["accepted"] >= 2


def test_a_scrape_that_fails_is_told_and_the_next_is_pushed() -> None:
    source, failing = Source(), threading.Event()
    failing.set()

    def gather() -> Sequence[Family]:
        if failing.is_set():
            failing.clear()
            raise OSError("no proc")
        return source()

    with OtlpReceiver() as server, structlog.testing.capture_logs() as logs:
        with pushing(server.url, gather):
            server.wait_for_requests(1)
        assert values_of(server.requests)[0] == 1
    assert "there is nothing to push" in [entry["event"] for entry in logs]


def test_what_cannot_be_encoded_is_counted() -> None:
    family = Family(Metric("a", "gauge", "A.", ("b",)), [(("x",), 1), (("y", "z"), 2)])
    with OtlpReceiver() as server:
        with pushing(server.url, lambda: [family], interval=3600.0) as pusher:
            pass
        assert counted(pusher)["failed"] % 2 == 0
        assert server.requests == []

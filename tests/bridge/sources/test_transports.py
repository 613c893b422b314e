from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from bridge.sources.base import SourceError
from tests.bridge.sources.reading import Harness
from tests.fake_prometheus import FakePrometheus, labels
from tests.web import Told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes import FakeClock

START = 1_700_000_040_000
END = START + 60_000
SAMPLES = [(START + 15_000 * n, float(n)) for n in range(4)]


@pytest.fixture
def server() -> Iterator[FakePrometheus]:
    with FakePrometheus() as fake:
        fake.add("x", SAMPLES)
        yield fake


def harness(server: FakePrometheus, clock: FakeClock, **changed: Any) -> Harness:
    return Harness(server.url, clock, **{"retries": 0, **changed})


def way(server: FakePrometheus, bench: Harness) -> str:
    """Read a window; return the way in which its samples came."""
    server.web.asked.clear()
    assert bench.read(START, END).samples == {labels("x"): SAMPLES}
    return "query" if server.range_queries else "read"


@pytest.mark.setting("sources.prometheus.transport")
@pytest.mark.parametrize(
    ("transport", "expected"),
    [("http", "query"), ("remote_read", "read"), ("auto", "read")],
)
def test_samples_come_the_way_that_is_set(
    server: FakePrometheus, clock: FakeClock, transport: str, expected: str
) -> None:
    with closing(harness(server, clock, transport=transport)) as bench:
        assert way(server, bench) == expected
        assert way(server, bench) == expected
        assert ("read" in server.paths) == (expected == "read")


def test_by_default_the_server_decides(
    server: FakePrometheus, clock: FakeClock
) -> None:
    with closing(harness(server, clock, refresh="10m")) as bench:
        assert way(server, bench) == "read"
        server.offers_read = False
        with pytest.raises(SourceError, match="404"):
            bench.read(START, END)
        assert way(server, bench) == "query"
        server.offers_read = True
        assert way(server, bench) == "query"
        clock.advance(600)
        assert way(server, bench) == "read"


@pytest.mark.parametrize(
    "config",
    [
        "global:\n  external_labels:\n    job: a\n",
        "global: {}\nremote_read:\n- url: http://x\n",
        "global:\n  external_labels: 1\n",
    ],
)
def test_where_remote_read_would_say_less_samples_come_as_json(
    server: FakePrometheus, clock: FakeClock, config: str
) -> None:
    server.config = config
    server.add("x", SAMPLES, job="a")
    server.series.pop(labels("x"))
    with (
        closing(harness(server, clock, refresh="1m")) as bench,
        structlog.testing.capture_logs() as logs,
    ):
        for _ in range(3):
            found = bench.read(START, END).samples
            assert found == {labels("x", job="a"): SAMPLES}
            clock.advance(60)
    assert server.range_queries
    told = [log for log in logs if "stale markers" in log["event"]]
    assert len(told) == 1


def test_a_server_that_does_not_tell_its_configuration_is_asked_for_json(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.interfere = lambda asked: (
        Told(b"404", 404) if asked.path == "/api/v1/status/config" else None
    )
    with closing(harness(server, clock)) as bench:
        assert way(server, bench) == "query"


def test_a_server_that_is_away_decides_nothing(
    server: FakePrometheus, clock: FakeClock
) -> None:
    with closing(harness(server, clock)) as bench:
        bench.source._catalogue.begin()
        server.interfere = lambda asked: (
            Told(b"x" * 9, cut=1) if asked.path == "/api/v1/read" else None
        )
        with pytest.raises(SourceError) as caught:
            bench.read(START, END)
        assert caught.value.reason == "truncated"
        server.interfere = lambda _: None
        assert way(server, bench) == "read"


def test_both_ways_are_one_series(server: FakePrometheus, clock: FakeClock) -> None:
    server.offers_read = False
    with closing(harness(server, clock, refresh="1m")) as bench:
        assert way(server, bench) == "query"
        server.offers_read = True
        clock.advance(60)
        assert way(server, bench) == "read"
        assert list(bench.directory.ids.values()) == [100]

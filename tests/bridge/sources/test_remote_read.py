from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from bridge.sources.base import SourceError
from tests.bridge.sources.reading import Harness
from tests.bridge.sources.remote_read import (
    STALE_BITS,
    answer,
    histogram,
    series,
    value,
)
from tests.fake_prometheus import FakePrometheus, labels, remote_read_told
from tests.web import Asked, Told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes import FakeClock

START = 1_700_000_040_000
END = START + 60_000
STALE = value(STALE_BITS)
EVERY_15_S = [(START + 15_000 * n, float(n)) for n in range(4)]
EXTERNAL = """\
global:
  scrape_interval: 15s
  external_labels:
    dc: "eins"
    monitor: m
scrape_configs: []
"""


@pytest.fixture
def server() -> Iterator[FakePrometheus]:
    with FakePrometheus() as fake:
        yield fake


def harness(server: FakePrometheus, clock: FakeClock, **changed: Any) -> Harness:
    chosen = {"retries": 0, "transport": "remote_read", **changed}
    return Harness(server.url, clock, **chosen)


def reads(server: FakePrometheus, told: Told) -> None:
    """Have remote read answered so, and everything else as it should be."""
    server.interfere = lambda asked: told if asked.path == "/api/v1/read" else None


def ended(bench: Harness, start_ms: int) -> dict[str, int]:
    """Return when the series of a window ended, by name."""
    found = {}
    for part in bench.source.read(start_ms, start_ms + 60_000, bench.warnings):
        assert part.ended is not None
        names = bench.directory.names()
        for number, at in zip(
            part.series_id.tolist(), part.ended.tolist(), strict=True
        ):
            found[dict(names[number])["__name__"]] = at
    return found


@pytest.mark.rule(11)
@pytest.mark.rule(12)
def test_r11_r12_stale_markers_are_no_samples_but_ends(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("goes", [*EVERY_15_S[:2], (START + 30_000, STALE)])
    server.add("stays", EVERY_15_S)
    server.add("back", [EVERY_15_S[0], (START + 9000, STALE), *EVERY_15_S[1:]])
    server.add("gone", [(START, STALE)])
    with closing(harness(server, clock)) as bench:
        window = bench.read(START, END)
        assert window.samples == {
            labels("goes"): EVERY_15_S[:2],
            labels("stays"): EVERY_15_S,
            labels("back"): EVERY_15_S,
        }
        assert ended(bench, START) == {"goes": START + 30_000, "stays": 0, "back": 0}
        assert [fact.metric for fact in bench.directory.asked] == [
            "goes",
            "stays",
            "back",
        ]


@pytest.mark.rule(11)
def test_r11_a_family_ends_when_the_last_of_its_members_did(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.metadata = {"h": [{"type": "histogram", "help": "", "unit": ""}]}
    end = (START + 30_000, STALE)
    for name, to in [("h_bucket", {"le": "+Inf"}), ("h_count", {}), ("h_sum", {})]:
        server.add(name, [*EVERY_15_S[:2], end], **to)
    server.add("h_bucket", [EVERY_15_S[0], (START + 15_000, STALE)], le="1")
    with closing(harness(server, clock)) as bench:
        assert ended(bench, START) == {"h": START + 30_000}
        server.add("h_bucket", [EVERY_15_S[0], (START + 15_000, STALE)], le="+Inf")
        server.add("h_count", EVERY_15_S[:2])
        server.add("h_sum", EVERY_15_S[:2])
        assert ended(bench, START) == {"h": 0}


def native(at: int, count: int, **fields: Any) -> bytes:
    return histogram(
        count_int=count,
        schema=0,
        positive_spans=[{"offset": 1, "length": 1}],
        positive_deltas=[count],
        timestamp=at,
        **fields,
    )


def test_native_histograms_arrive_whole(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.histograms[labels("h", job="a")] = [
        native(START, 3, sum=1.5),
        native(START + 15_000, 4, sum=2.5),
        histogram(sum=STALE, timestamp=START + 30_000),
    ]
    server.histograms[labels("mixed")] = [native(START, 1)]
    server.add("mixed", [(START + 1000, 1.0), (START + 2000, STALE)])
    server.add("x", EVERY_15_S)
    with closing(harness(server, clock)) as bench:
        found = bench.read(START, END)
    (natives,) = found.natives
    assert found.samples == {labels("x"): EVERY_15_S}
    assert natives.offsets.tolist() == [0, 1, 3]
    assert natives.times.tolist() == [START, START, START + 15_000]
    assert [one.count for one in natives.histograms] == [1.0, 3.0, 4.0]
    assert [one.positive[1].tolist() for one in natives.histograms] == [[1], [3], [4]]
    assert natives.ended is not None
    assert natives.ended.tolist() == [START + 2000, START + 30_000]


def test_labels_that_the_server_adds_are_not_part_of_a_series(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.config = EXTERNAL
    server.add("x", EVERY_15_S, job="a")
    server.add("y", EVERY_15_S, dc="zwei")
    expected = {labels("x", job="a"): EVERY_15_S, labels("y", dc="zwei"): EVERY_15_S}
    with closing(harness(server, clock)) as bench:
        assert bench.read(START, END).samples == expected
        server.config = EXTERNAL.replace("m\n", "n\n")
        assert bench.read(START, END).samples == expected
        server.config = "global:\n  scrape_interval: 15s\n"
        assert bench.read(START, END).samples == expected
        assert len(bench.directory.ids) == 2


def test_a_condition_on_an_added_label_is_about_the_series(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.config = EXTERNAL
    server.add("x", EVERY_15_S)
    server.add("y", EVERY_15_S, dc="zwei")
    selected = {"selectors": ('{dc="eins"}', '{dc="zwei"}')}
    with closing(harness(server, clock, **selected)) as bench:
        found = bench.read(START, END).samples
    assert found == {labels("y", dc="zwei"): EVERY_15_S}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (EXTERNAL, 'series carry {dc="eins"} themselves'),
        ("global: {}\nremote_read:\n- url: http://x\n", "reads from others by itself"),
        ("global:\n  external_labels: [1]\n", "external_labels cannot be read"),
    ],
)
def test_what_would_not_be_the_same_is_refused(
    server: FakePrometheus, clock: FakeClock, config: str, message: str
) -> None:
    server.config = config
    server.add("x", EVERY_15_S, dc="eins")
    with (
        closing(harness(server, clock)) as bench,
        pytest.raises(SourceError) as caught,
    ):
        bench.read(START, END)
    assert message in str(caught.value)
    assert caught.value.reason in {"rejected", "garbage"}


def test_a_configuration_that_changes_meanwhile_spoils_the_window(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("x", EVERY_15_S)

    def reload(asked: Asked) -> None:
        if asked.path == "/api/v1/read" and len(server.paths) > 5:
            server.config = EXTERNAL

    with closing(harness(server, clock)) as bench:
        bench.read(START, END)
        server.interfere = reload
        with pytest.raises(SourceError, match="changed while it was read"):
            bench.read(START, END)
        assert bench.read(START, END).samples == {labels("x"): EVERY_15_S}


def test_a_server_without_a_configuration_adds_nothing(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("x", EVERY_15_S)
    server.interfere = lambda asked: (
        Told(b"404", 404) if asked.path == "/api/v1/status/config" else None
    )
    with closing(harness(server, clock)) as bench:
        assert bench.read(START, END).samples == {labels("x"): EVERY_15_S}


GOOD = remote_read_told(answer(series({"__name__": "x"}, EVERY_15_S)))


@pytest.mark.parametrize(
    ("told", "reason", "message"),
    [
        (Told(GOOD.body[:-5], headers=GOOD.headers), "garbage", "no whole snappy"),
        (Told(GOOD.body, headers=GOOD.headers, cut=20), "truncated", "broke off"),
        (Told(GOOD.body, headers=GOOD.headers, stall=True, cut=9), "timeout", "whole"),
        (Told(GOOD.body), "garbage", "unknown in no encoding"),
        (
            Told(b"<html>", headers={"content-type": "text/html; charset=utf-8"}),
            "garbage",
            "text/html in no encoding",
        ),
        (remote_read_told(b"\xff\xff garbage"), "garbage", "no ReadResponse"),
        (remote_read_told(answer(b"\x0a\x7f")), "garbage", "no TimeSeries"),
        (remote_read_told(b"x" * 5000), "too_large", "5000 bytes uncompressed"),
        (Told(bytes(5000), headers=GOOD.headers), "too_large", "more than"),
        (Told(b"", 401), "unauthorized", "bearer token"),
        (Told(b"exceeded sample limit (5)\n", 400), "rejected", "sample limit"),
        (Told(b"404 page not found", 404), "rejected", "404"),
        (Told(b"no more", 503), "status", "503: no more"),
        (Told(b"", 302, {"location": "/login"}), "rejected", "redirects to /login"),
    ],
)
def test_what_goes_wrong_is_told_by_its_reason(
    server: FakePrometheus, clock: FakeClock, told: Told, reason: str, message: str
) -> None:
    reads(server, told)
    limits = {"max_response": "4KiB", "timeout": "300ms"}
    with (
        closing(harness(server, clock, **limits)) as bench,
        pytest.raises(SourceError, match=message) as caught,
    ):
        bench.read(START, END)
    assert caught.value.reason == reason
    requests = {"source": "main", "outcome": reason}
    if message not in {"no ReadResponse", "no TimeSeries"}:
        name = "epimetheus_source_requests_total"
        assert bench.registry.get_sample_value(name, requests) == 1


def test_requests_are_authorized_tried_again_and_counted(
    server: FakePrometheus, clock: FakeClock
) -> None:
    server.add("x", EVERY_15_S)
    left = [Told(b"busy", 503), remote_read_told(b"")]
    server.interfere = lambda asked: (
        left.pop(0) if left and asked.path == "/api/v1/read" else None
    )
    with closing(harness(server, clock, retries=1, token="t")) as bench:  # noqa: S106 - of a fake
        assert bench.read(START, END).samples == {labels("x"): EVERY_15_S}
    asked = [one for one in server.web.asked if one.path == "/api/v1/read"]
    assert len(asked) == 3
    for one in asked:
        assert one.headers["authorization"] == "Bearer t"
        assert one.headers["content-type"] == "application/x-protobuf"
        assert one.headers["content-encoding"] == "snappy"
        assert one.headers["x-prometheus-remote-read-version"] == "0.1.0"


def test_native_histograms_that_are_not_told_are_asked_for(
    server: FakePrometheus, clock: FakeClock
) -> None:
    silent = series({"__name__": "h"})
    told = remote_read_told(answer(silent, series({"__name__": "x"}, EVERY_15_S)))
    rows = [
        [START / 1000, {"count": "3", "sum": "1.5", "buckets": [[0, "1", "2", "3"]]}]
    ]
    matrix = {
        "resultType": "matrix",
        "result": [{"metric": {"__name__": "h"}, "histograms": rows}],
    }

    def interfere(asked: Asked) -> Told | None:
        if asked.path == "/api/v1/read":
            return told
        if asked.fields.get("query", "").endswith("s]"):
            return server.success(matrix)
        return None

    server.interfere = interfere
    with closing(harness(server, clock)) as bench:
        found = bench.read(START, END)
    assert found.samples == {labels("x"): EVERY_15_S}
    (natives,) = found.natives
    assert [one.count for one in natives.histograms] == [3.0]
    assert server.range_queries == ['{__name__=~"h"}[60s]']

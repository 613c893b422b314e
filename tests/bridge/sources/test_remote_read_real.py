"""Remote read against the query API of Debian's Prometheus, on the same samples."""

from __future__ import annotations

import struct
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from bridge.sources.base import Natives
from runtime.clock import SystemClock
from tests.bridge.sources.reading import Harness, members
from tests.bridge.sources.test_prometheus_real import comparable
from tests.servers import RealPrometheus
from tests.web import Asked, FakeWeb, Told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bridge.sources.reading import Labels, Read

FIRST: Final = 30_000
"""Milliseconds that all of a test is within."""

CONFIG = """\
global:
  scrape_interval: 200ms
  scrape_timeout: 200ms
  external_labels: {{dc: eins, job: never}}
scrape_configs:
- job_name: stays
  static_configs: [targets: ["127.0.0.1:{stays}"]]
- job_name: goes
  static_configs: [targets: ["127.0.0.1:{goes}"]]
"""

TEXT = b"""\
# TYPE up_and_down gauge
up_and_down{path="a\\nb",dc="zwei"} -0.5
up_and_down{path="c"} 0
up_and_down{path="d"} NaN
# TYPE things counter
things_total 12
# TYPE seconds histogram
seconds_bucket{le="1"} 2
seconds_bucket{le="+Inf"} 3
seconds_sum 4.5
seconds_count 3
"""


def message(*fields: tuple[int, int | float | str | bytes]) -> bytes:
    """Write protobuf: numbers as varints, floats, texts and messages by their types."""
    made = b""
    for number, content in fields:
        match content:
            case float():
                made += varint(number << 3 | 1) + struct.pack("<d", content)
            case int():
                made += varint(number << 3) + varint(content)
            case _:
                data = content.encode() if isinstance(content, str) else content
                made += varint(number << 3 | 2) + varint(len(data)) + data
    return made


def varint(number: int) -> bytes:
    made = b""
    while number > 0x7F:
        made += bytes([number & 0x7F | 0x80])
        number >>= 7
    return made + bytes([number])


def zigzag(number: int) -> int:
    return number << 1 if number >= 0 else -number * 2 - 1


HISTOGRAM = message(
    (1, 20),  # count
    (2, 12.25),  # sum
    (5, zigzag(1)),  # schema
    (6, 0.001),  # zero_threshold
    (7, 2),  # zero_count
    (9, message((1, zigzag(1)), (2, 1))),  # negative span and delta
    (10, zigzag(4)),
    (12, message((1, zigzag(-2)), (2, 2))),  # positive spans and deltas
    (12, message((1, zigzag(3)), (2, 1))),
    (13, zigzag(3)),
    (13, zigzag(2)),
    (13, zigzag(1)),
)
FAMILY = message(
    (1, "native"), (2, "Help."), (3, 4), (4, message((7, HISTOGRAM)))
)  # of the type 4, a histogram
PROTOBUF = Told(
    varint(len(FAMILY)) + FAMILY,
    headers={
        "content-type": "application/vnd.google.protobuf; "
        "proto=io.prometheus.client.MetricFamily; encoding=delimited"
    },
)


class Leaving:
    """A target that answers until it is told to leave."""

    def __init__(self, told: Told) -> None:
        self.told = told

    def __call__(self, asked: Asked) -> Told:
        return self.told


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[RealPrometheus, list[Leaving]]]:
    told = Told(TEXT, headers={"content-type": "text/plain; version=0.0.4"})
    leaving = [Leaving(told), Leaving(PROTOBUF)]
    with FakeWeb(lambda _: told) as stays, FakeWeb(leaving[0]) as goes:
        config = CONFIG.format(stays=stays.port, goes=goes.port)
        with FakeWeb(leaving[1]) as native:
            config += (
                "- job_name: native\n"
                f'  static_configs: [targets: ["127.0.0.1:{native.port}"]]\n'
            )
            flags = ["--enable-feature=native-histograms"]
            with RealPrometheus(tmp_path, config, flags=flags) as server:
                yield server, leaving


def harness(server: RealPrometheus, transport: str) -> Harness:
    return Harness(server.url, SystemClock(), transport=transport, shard=100)


def endings(bench: Harness, start_ms: int, end_ms: int) -> dict[Labels, int]:
    """Return when the series of a span ended, of those that did."""
    found = {}
    for part in bench.source.read(start_ms, end_ms, bench.warnings):
        assert part.ended is not None
        names = bench.directory.names()
        for number, at in zip(
            part.series_id.tolist(), part.ended.tolist(), strict=True
        ):
            if at:
                found[names[number]] = at
    return found


def wait_for(bench: Harness, start_ms: int, series: set[tuple[str, str]]) -> None:
    """Wait until series, by name and job, are there (and have ended if any did)."""
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        if series <= by_name(endings(bench, start_ms, start_ms + FIRST)):
            return
        time.sleep(0.1)
    raise AssertionError("the target's series did not end")


def by_name(found: dict[Labels, int]) -> set[tuple[str, str]]:
    names = [dict(labels) for labels in found]
    return {(one["__name__"], one["job"]) for one in names}


def natives(read: Read, bench: Harness) -> dict[Labels, list[tuple[object, ...]]]:
    """Return native histograms by labels, arrays as lists."""
    names = bench.directory.names()
    found: dict[Labels, list[tuple[object, ...]]] = {}
    for part in read.natives:
        assert isinstance(part, Natives)
        for at, number in enumerate(part.series_id.tolist()):
            inside = slice(part.offsets[at], part.offsets[at + 1])
            found[names[number]] = [
                (
                    time,
                    (one.schema, one.zero_threshold, one.zero_count),
                    (one.count, one.sum),
                    (one.positive[0], one.positive[1].tolist()),
                    (one.negative[0], one.negative[1].tolist()),
                )
                for time, one in zip(
                    part.times[inside].tolist(), part.histograms[inside], strict=True
                )
            ]
    return found


LEAVES = {("up_and_down", "goes"), ("things_total", "goes"), ("seconds", "goes")}
"""Of native histograms, this version says by remote read only that they are there."""


@pytest.mark.rule(11)
@pytest.mark.rule(12)
def test_r11_r12_blocks_are_those_of_the_query_api_but_tell_what_ended(
    live: tuple[RealPrometheus, list[Leaving]],
) -> None:
    server, leaving = live
    with (
        closing(harness(server, "remote_read")) as remote,
        closing(harness(server, "http")) as http,
    ):
        start_ms = remote.source.now_ms() - 1000
        everything = LEAVES | {("up", "goes"), ("native", "native")}
        give_up = time.monotonic() + 30
        while True:
            remote.read(start_ms, start_ms + FIRST)
            known = [dict(one) for one in remote.directory.names().values()]
            there = {(one["__name__"], one.get("job", "")) for one in known}
            if everything <= there:
                break
            assert time.monotonic() < give_up, f"only {there} are there"
            time.sleep(0.1)
        assert not endings(remote, start_ms, start_ms + FIRST)
        for target in leaving:
            target.told = Told(b"gone", 500)
        wait_for(remote, start_ms, LEAVES)
        ended = endings(remote, start_ms, start_ms + FIRST)
        end_ms = min(ended.values()) + 1
        assert by_name(ended) == LEAVES
        assert all(start_ms < at < start_ms + FIRST for at in ended.values())
        ours, theirs = remote.read(start_ms, end_ms), http.read(start_ms, end_ms)
        names = remote.directory.names()
        assert comparable(ours.samples) == comparable(theirs.samples)
        assert (ours.expected, ours.counters) == (theirs.expected, theirs.counters)
        assert members(ours.families, names) == (
            members(theirs.families, http.directory.names())
        )
        assert natives(ours, remote) == natives(theirs, http) != {}
        for part in http.source.read(start_ms, end_ms, http.warnings):
            assert part.ended is None
    values = {dict(labels).get("dc", "") for labels in ours.samples}
    assert values == {"", "zwei"}, "labels that the server adds are not there"


def test_selectors_on_external_labels_are_about_series(
    live: tuple[RealPrometheus, list[Leaving]],
) -> None:
    server, _ = live
    selected = {"selectors": ('{job="never"}', '{dc="eins"}', '{dc="zwei"}')}
    clock = SystemClock()
    with closing(
        Harness(server.url, clock, transport="remote_read", **selected)  # type: ignore[arg-type]  # settings of any type
    ) as bench:
        start_ms = bench.source.now_ms() - 1000
        while not (found := bench.read(start_ms, start_ms + FIRST)).samples:
            time.sleep(0.1)
    assert {dict(labels)["dc"] for labels in found.samples} == {"zwei"}


def test_auto_takes_remote_read_of_a_real_server(
    live: tuple[RealPrometheus, list[Leaving]],
) -> None:
    server, _ = live
    with closing(harness(server, "auto")) as bench:
        start_ms = bench.source.now_ms() - 1000
        parts: list[object] = []
        while not parts:
            parts = list(bench.source.read(start_ms, start_ms + FIRST, bench.warnings))
        assert all(getattr(part, "ended", None) is not None for part in parts)

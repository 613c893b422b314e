from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pytest

from bridge.sources.base import Block, Presence, Warnings
from bridge.sources.buffer import BufferSource
from models.queries import buffer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from models.database import Database
    from models.directory import SeriesFacts
    from tests.fakes import FakeClock

T = TypeVar("T")
MINUTE = 1_700_000_040
NOW = 1_700_000_400
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]


class Setup:
    """A source over a buffer that tests fill by hand."""

    def __init__(self, db: Database, clock: FakeClock, **changed: float) -> None:
        clock.advance(NOW - clock.now())
        self.db = db
        self.calls: list[str] = []
        self.names: dict[int, str] = {}
        self.source = BufferSource(
            "local",
            db,
            describe=self.describe,
            resolve=self.resolve,
            interval_ms=int(changed.get("interval_ms", 15_000)),
            keep_raw=changed.get("keep_raw", 120.0),
            clock=clock,
            call=self.call,
        )

    def describe(self, ids: Sequence[int]) -> list[tuple[str, dict[str, str]]]:
        """Series 100 to 199 are of the instance 1, and so on."""
        names = self.names
        return [
            (names.get(id_, f"m{id_}"), {"job": "j", "instance": str(id_ // 100)})
            for id_ in ids
        ]

    def resolve(self, facts: Sequence[SeriesFacts]) -> NDArray[np.int64]:
        """`up` of the instance 1 is series 198."""
        assert {fact.metric for fact in facts} == {"up"}
        labels = [json.loads(fact.labels) for fact in facts]
        return np.array([int(one["instance"]) * 100 + 98 for one in labels], np.int64)

    def call(self, name: str, job: Callable[[], T], /) -> T:
        self.calls.append(name)
        return job()

    def add(self, *samples: tuple[int, int, float], source: str = "local") -> None:
        """Append a batch of (series, milliseconds from MINUTE on, value)."""
        for minute in {at // 60_000 for _, at, _ in samples}:
            inside = [one for one in samples if one[1] // 60_000 == minute]
            ids, times, values = zip(*inside, strict=True)
            buffer.append(
                self.db,
                source,
                MINUTE + minute * 60,
                buffer.Samples.plain(
                    np.array(ids, np.int64),
                    np.array(times, np.int64) + MINUTE * 1000,
                    np.array(values, np.float64),
                ),
            )

    def read(self, start: int, end: int) -> dict[int, list[tuple[int, str]]]:
        """Read a span of milliseconds from MINUTE on."""
        origin = MINUTE * 1000
        blocks = self.source.read(origin + start, origin + end, Warnings())
        found: dict[int, list[tuple[int, str]]] = {}
        for block in blocks:
            assert isinstance(block, Block)
            for at, series in enumerate(block.series_id.tolist()):
                inside = slice(block.offsets[at], block.offsets[at + 1])
                assert series not in found
                times = (block.times[inside] - origin).tolist()
                values = map(repr, block.values[inside].tolist())
                found[series] = list(zip(times, values, strict=True))
        return found


@pytest.mark.rule(1)
@pytest.mark.rule(16)
def test_r1_r16_a_window_holds_its_samples_in_order_however_they_came(
    db: Database, clock: FakeClock
) -> None:
    setup = Setup(db, clock)
    setup.add((2, 59_999, 4.0), (1, 60_000, 9.0), (2, 0, 1.0))
    setup.add((1, 30_000, 3.0), (1, -1, 8.0), (2, 30_000, 2.0), (1, 15_000, 2.0))
    setup.add((1, 30_000, 7.0), source="other")
    assert setup.read(0, 60_000) == {
        1: [(15_000, "2.0"), (30_000, "3.0")],
        2: [(0, "1.0"), (30_000, "2.0"), (59_999, "4.0")],
    }
    assert setup.read(-30_000, 10_000) == {1: [(-1, "8.0")], 2: [(0, "1.0")]}


@pytest.mark.rule(15)
def test_r15_of_two_values_at_one_time_the_larger_stays(
    db: Database, clock: FakeClock
) -> None:
    setup = Setup(db, clock)
    setup.add((1, 0, 5.0), (1, 0, 5.0), (2, 0, float("nan")))
    setup.add((1, 0, 4.0), (2, 0, 3.0))
    assert setup.read(0, 60_000) == {1: [(0, "5.0")], 2: [(0, "3.0")]}


@pytest.mark.rule(11)
def test_r11_stale_markers_are_left_out_and_other_nan_are_not(
    db: Database, clock: FakeClock
) -> None:
    setup = Setup(db, clock)
    setup.add((1, 0, 1.0), (1, 15_000, STALE), (2, 0, STALE), (3, 0, float("nan")))
    assert setup.read(0, 60_000) == {1: [(0, "1.0")], 3: [(0, "nan")]}


@pytest.mark.setting("sources.scrape.interval")
@pytest.mark.parametrize(("interval_ms", "expected"), [(15_000, 4), (1000, 60), (0, 0)])
def test_a_full_minute_holds_what_the_interval_says(
    db: Database, clock: FakeClock, interval_ms: int, expected: int
) -> None:
    setup = Setup(db, clock, interval_ms=interval_ms)
    setup.add((1, 0, 1.0), (2, 0, 1.0))
    (block,) = setup.source.read(MINUTE * 1000, (MINUTE + 60) * 1000, Warnings())
    assert block.expected.tolist() == [expected, expected]
    assert setup.source.presence(MINUTE * 1000, (MINUTE + 60) * 1000) == Presence(
        recording=True, interval_ms=interval_ms or None
    )


def test_many_series_come_in_several_blocks(db: Database, clock: FakeClock) -> None:
    setup = Setup(db, clock)
    setup.add(*((n, at, float(n)) for n in range(12_000) for at in (0, 15_000)))
    assert setup.read(0, 60_000) == {
        n: [(0, f"{n}.0"), (15_000, f"{n}.0")] for n in range(12_000)
    }


def test_an_empty_window_has_no_block_and_was_not_recorded(
    db: Database, clock: FakeClock
) -> None:
    setup = Setup(db, clock)
    setup.add((1, 60_000, 1.0))
    assert setup.read(0, 60_000) == {}
    empty = setup.source.presence(MINUTE * 1000, (MINUTE + 60) * 1000)
    assert empty == Presence(recording=False, interval_ms=15_000)


def test_the_earliest_sample_is_the_first_since_a_time(
    db: Database, clock: FakeClock
) -> None:
    setup = Setup(db, clock)
    origin = MINUTE * 1000
    assert setup.source.earliest_ms(0) is None
    setup.add((1, 30_000, 1.0), (2, 20_000, 1.0), (1, 200_000, 1.0))
    assert setup.source.earliest_ms(0) == origin + 20_000
    assert setup.source.earliest_ms(origin + 20_001) == origin + 30_000
    assert setup.source.earliest_ms(origin + 30_001) == origin + 200_000
    assert setup.source.earliest_ms(origin + 200_001) is None


@pytest.mark.setting("sources.scrape.keep_raw")
@pytest.mark.parametrize(("keep_raw", "kept"), [(120.0, [120, 180]), (60.0, [180])])
def test_samples_stay_as_long_as_set_after_their_window_is_done(
    db: Database, clock: FakeClock, keep_raw: float, kept: list[int]
) -> None:
    setup = Setup(db, clock, keep_raw=keep_raw)
    for minute in range(4):
        setup.add((1, minute * 60_000, 1.0))
        setup.add((1, minute * 60_000, 1.0), source="other")
    setup.source.done((MINUTE + 240) * 1000)

    def starts(source: str) -> NDArray[np.int64]:
        times = buffer.read(db, source, MINUTE, MINUTE + 240).times
        return times // 1000 - MINUTE

    assert starts("local").tolist() == kept
    assert starts("other").tolist() == [0, 60, 120, 180]
    setup.source.done((MINUTE + 240) * 1000)
    assert setup.calls == ["trim_buffer"], "there is nothing new to delete"


def test_the_clock_is_the_bridges(db: Database, clock: FakeClock) -> None:
    setup = Setup(db, clock)
    assert setup.source.now_ms() == NOW * 1000
    assert setup.source.name == "local"
    setup.source.close()


@pytest.mark.rule(11)
def test_r11_a_stale_marker_says_when_a_series_ended(
    db: Database, clock: FakeClock
) -> None:
    setup = Setup(db, clock)
    setup.add((1, 0, 3.0), (1, 15_000, STALE), (2, 0, 4.0), (2, 5_000, STALE))
    setup.add((2, 20_000, 5.0), (3, 0, STALE))
    start = MINUTE * 1000
    (block,) = setup.source.read(start, start + 60_000, Warnings())
    assert block.series_id.tolist() == [1, 2]
    assert block.ended is not None
    assert block.ended.tolist() == [start + 15_000, 0]


def absent(setup: Setup, *series: tuple[int, int, int], since: int = 0) -> list[int]:
    """Ask of (series, earliest, first) in milliseconds from MINUTE on."""
    origin = MINUTE * 1000
    ids, earliest, first = (
        np.array(one, np.int64) for one in zip(*series, strict=True)
    )
    found = setup.source.absent(ids, earliest + origin, first + origin, since + origin)
    return [one and one - origin for one in found.tolist()]


@pytest.mark.rule(25)
def test_r25_targets_that_were_scraped_without_a_series_are_known(
    db: Database, clock: FakeClock
) -> None:
    setup = Setup(db, clock)
    setup.add(
        (198, -15_000, 1.0), (198, 0, 1.0), (198, 15_000, 0.0), (198, 30_000, 1.0)
    )
    setup.add((101, 30_000, 7.0), (298, 0, 0.0), (102, -9_000, 5.0))
    assert absent(setup, (101, -1000, 30_000)) == [0]
    assert absent(setup, (101, 1000, 30_000)) == [0]
    assert absent(setup, (201, -31_000, 30_000)) == [0]
    assert absent(setup, (101, -31_000, 0), (103, -31_000, 31_000)) == [-15_000, 30_000]
    assert absent(setup, (102, -10_000, 30_000)) == [0]
    assert absent(setup, (102, -8_000, 30_000), (101, 0, 29_000)) == [0, 0]


@pytest.mark.rule(27)
def test_r27_a_clock_ahead_makes_no_restart_over_the_border_of_a_window(
    db: Database, clock: FakeClock
) -> None:
    setup = Setup(db, clock)
    setup.names = {101: "x_total", 102: "x_created"}
    ahead, before = MINUTE + 5.0, -10_000
    setup.add((101, before, 3.0), (101, 15_000, 4.0), (102, 15_000, ahead))
    for known in (True, False):
        (block,) = setup.source.read(MINUTE * 1000, MINUTE * 1000 + 60_000, Warnings())
        assert (block.started is not None) == known
        setup.add((102, before, ahead))


@pytest.mark.rule(27)
def test_r27_starts_come_from_the_series_created(
    db: Database, clock: FakeClock
) -> None:
    setup = Setup(db, clock)
    setup.names = {101: "x_total", 102: "x_created", 103: "y_total"}
    began = MINUTE - 7.5
    setup.add((101, 0, 3.0), (101, 15_000, 4.0), (103, 0, 1.0), (102, 0, began))
    (block,) = setup.source.read(MINUTE * 1000, MINUTE * 1000 + 60_000, Warnings())
    assert block.started is not None
    assert block.started.tolist() == [MINUTE * 1000 - 7500] * 2 + [0, 0]

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from bridge.answers.coverage import Counts, Coverage, Hole
from bridge.cli.hole_map import LEGEND, SIGNS, WIDTH, lines
from bridge.rollup.days.calendars import Calendar, Rules
from bridge.rollup.windows import Resolution

if TYPE_CHECKING:
    from collections.abc import Sequence

NOON = 1_795_262_400


def counted(start: int, end: int) -> Counts:
    return Counts(start, end, 0, 0, 0, 0, 0, 0, 0)


def coverage(minutes: int, *holes: Hole, first: int = 0, last: int = 0) -> Coverage:
    return Coverage(
        source="local",
        resolution=Resolution.MINUTE,
        calendar="utc",
        start=NOON,
        end=NOON + minutes * 60,
        oldest=None,
        newest=None,
        whole=None,
        counts=counted(NOON + first * 60, NOON + (last or minutes) * 60),
        holes=holes,
        truncated=False,
    )


def hole(first: int, last: int, state: str) -> Hole:
    return Hole(NOON + first * 60, NOON + last * 60, state, "")


def drawn(one: Coverage, days: Sequence[tuple[int, int]] = ()) -> str:
    return "\n".join(lines(one, days))


def test_each_window_is_a_character() -> None:
    states = ["partial", "dirty", "open", "lost", "missing"]
    holes = [hole(3 + at, 4 + at, state) for at, state in enumerate(states)]
    expired = hole(0, 1, "expired")
    assert drawn(coverage(12, expired, *holes, first=2, last=11)) == (
        "local minute, 2026-11-21T12:00:00Z to 2026-11-21T12:12:00Z, one window a "
        "character\n"
        "  |x.=pdoLM=== |"
    )


def test_a_character_for_several_windows_tells_the_worst_of_them() -> None:
    holes = (hole(20, 21, "partial"), hole(21, 22, "lost"), hole(60, 61, "dirty"))
    told = drawn(coverage(24 * 60, *holes))
    assert told == (
        "local minute, 2026-11-21T12:00:00Z to 2026-11-22T12:00:00Z, 20 windows a "
        "character\n"
        f"  |=L=d{'=' * 68}|"
    )


def test_what_was_not_told_apart_is_not_called_done() -> None:
    one = replace(coverage(6, hole(1, 2, "lost")), truncated=True)
    assert drawn(one).splitlines()[1] == "  |=L????|"


def test_windows_that_lack_series_are_said() -> None:
    one = replace(coverage(6), whole=NOON + 120)
    assert drawn(one).splitlines()[2] == (
        "  before 2026-11-21T12:02:00Z series that are kept for a shorter time are gone"
    )


@pytest.mark.rule(5)
def test_days_of_a_calendar_are_characters_however_long_they_are() -> None:
    berlin = Calendar("berlin", Rules.of(ZoneInfo("Europe/Berlin")))
    days = [berlin.day(date(2026, 10, day)) for day in range(24, 28)]
    one = replace(
        coverage(0, Hole(days[1].start, days[1].end, "partial", "")),
        resolution=Resolution.DAY,
        calendar="berlin",
        start=days[0].start,
        end=days[-1].end,
        counts=counted(days[0].start, days[2].end),
    )
    assert drawn(one, [(day.start, day.end) for day in days]) == (
        "local day@berlin, 2026-10-23T22:00:00Z to 2026-10-27T23:00:00Z, one window a "
        "character\n"
        "  |=p= |"
    )


@pytest.mark.parametrize("minutes", [1, WIDTH - 1, WIDTH, WIDTH + 1, 1440, 525_600])
def test_a_line_fits_a_terminal(minutes: int) -> None:
    assert len(drawn(coverage(minutes)).splitlines()[1]) <= WIDTH + 4 <= 80


def test_the_legend_tells_every_character() -> None:
    told = {text.split(" ")[0] for text in LEGEND.replace("\n", "  ").split("  ")}
    assert set(SIGNS.values()) <= told
    assert all(len(line) <= 80 for line in LEGEND.splitlines())

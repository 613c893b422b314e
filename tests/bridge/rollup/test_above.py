from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from bridge.rollup.above import OF_UTC, Above
from bridge.rollup.days.calendars import Calendar, Rules
from bridge.rollup.windows import Resolution, Window

NOON = 1_795_262_400
"""2026-11-21T12:00:00Z."""
MIDNIGHT = 1_795_219_200


def calendar(name: str, zone: str) -> Calendar:
    return Calendar(name, Rules.of(ZoneInfo(zone)))


ALL = Above(
    (
        calendar("berlin", "Europe/Berlin"),
        calendar("nepal", "Asia/Kathmandu"),
        calendar("tokyo", "Asia/Tokyo"),
    )
)


def test_windows_of_utc_have_one_above_them() -> None:
    assert list(OF_UTC.of(Window(NOON))) == [("hour", NOON)]
    assert list(OF_UTC.of(Window(NOON, Resolution.HOUR))) == [("day", MIDNIGHT)]
    assert list(OF_UTC.of(Window(MIDNIGHT, Resolution.DAY))) == []


@pytest.mark.rule(6)
@pytest.mark.rule(63)
def test_r6_local_days_are_above_the_hours_or_minutes_that_they_are_made_from() -> None:
    # 17:45 in Kathmandu, 13:00 in Berlin, 21:00 in Tokyo.
    assert list(ALL.of(Window(NOON))) == [
        ("hour", NOON),
        ("day@nepal", MIDNIGHT - 20_700),
    ]
    assert list(ALL.of(Window(NOON, Resolution.HOUR))) == [
        ("day", MIDNIGHT),
        ("day@berlin", MIDNIGHT - 3600),
        ("day@tokyo", MIDNIGHT - 32_400),
    ]


def test_a_window_after_local_midnight_is_of_the_next_day() -> None:
    late = Window(MIDNIGHT + 23 * 3600, Resolution.HOUR)
    assert dict(ALL.of(late))["day@berlin"] == MIDNIGHT + 82_800

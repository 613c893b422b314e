"""A week of jobs across a change of clocks, against every second of it."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from functools import cache
from typing import Any

import pytest

from exporter.prober.agenda import GRACE, WAITED_OUT
from exporter.prober.timetable import Timetable
from runtime.probing.jobs import Job
from tests.fakes import FakeClock
from tests.runtime.probing.clocks import runs, utc

START = utc("2026-10-22T00:00")  # Berlin's clocks are set back on the 25th,
END = utc("2026-10-29T00:00")  # and Lord Howe's were a while ago

OFFICE = {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "08:30", "end": "17:00"}
NIGHT = {"days": ["sat", "sun"], "start": "22:00", "end": "02:30"}
TWICE = {"days": ["sun"], "start": "02:10", "end": "02:50", "zone": "Europe/Berlin"}


def job(name: str, interval: str, *windows: dict[str, Any], **more: Any) -> Job:
    return Job.model_validate(
        {
            "name": name,
            "interval": interval,
            "windows": windows,
            "destinations": ["one"],
            **more,
        }
    )


JOBS = (
    job(
        "every-second",
        "1s",
        TWICE,
        valid_from="2026-10-24T22:00:00Z",
        valid_until="2026-10-25T02:00:00Z",
    ),
    job("seven", "7s", {**OFFICE, "zone": "Asia/Kathmandu"}),
    job("minute", "1m", {**NIGHT, "zone": "Europe/Berlin"}, TWICE),
    job("five", "5m", {**OFFICE, "zone": "America/New_York", "not_on": ["2026-10-26"]}),
    job("hour", "1h"),
    job("off", "1m", enabled=False),
)


class Ended(Exception):  # noqa: N818 - the week has
    pass


class Week:
    """Runs the timetable through a week in which sleeping only moves the clock."""

    def __init__(self, jobs: tuple[Job, ...]) -> None:
        self.clock = FakeClock(START / 1000)
        self.made: dict[str, list[int]] = defaultdict(list)
        self.left_out: dict[str, int] = defaultdict(int)
        self.late = random.Random(7)
        self.table = Timetable(self.clock, self.begin, self.leave_out, self.sleep)
        self.table.plan(jobs)
        self.jumps: dict[int, float] = {}

    def begin(self, name: str, at: int) -> None:
        assert 0 <= self.clock.now() * 1000 - at < GRACE
        self.made[name].append(at)

    def leave_out(self, name: str, count: int) -> None:
        self.left_out[name] += count

    async def sleep(self, seconds: float) -> None:
        # Timers are late by a little, and at times by a lot.
        late = 0.3 if self.late.random() < 0.01 else self.late.random() * 0.002
        self.clock.advance(seconds + late)
        for at in [at for at in self.jumps if at <= self.clock.now() * 1000]:
            self.clock._now += self.jumps.pop(at)
        if self.clock.now() * 1000 >= END:
            raise Ended

    def live(self) -> None:
        with pytest.raises(Ended):
            asyncio.run(self.table.run())


def every_second(described: Job) -> list[int]:
    return list(_every_second(described.model_dump_json()))


@cache
def _every_second(described: str) -> list[int]:
    return runs(Job.model_validate_json(described), range(START, END, 1000))


@pytest.fixture(autouse=True)
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the clock every ten minutes where nothing is due, to save time."""
    monkeypatch.setattr("exporter.prober.timetable._LONGEST_SLEEP", 600.0)


def test_every_run_of_a_week_is_made_once_at_its_second() -> None:
    week = Week(JOBS)
    week.live()
    expected = {described.name: every_second(described) for described in JOBS}
    assert week.made == {name: made for name, made in expected.items() if made}
    assert week.left_out == {}
    assert len(expected["every-second"]) == 2 * 40 * 60
    assert expected["off"] == []
    assert all(len(expected[one.name]) > 100 for one in JOBS[:-1])


def test_a_suspended_prober_leaves_runs_out_and_counts_them() -> None:
    suspended, woken = utc("2026-10-26T10:00"), utc("2026-10-26T18:30")
    week = Week(JOBS)
    week.jumps[suspended] = (woken - suspended) / 1000
    week.live()
    for described in JOBS:
        expected = every_second(described)
        missing = sorted(set(expected) - set(week.made[described.name]))
        assert week.made[described.name] == [at for at in expected if at not in missing]
        assert all(suspended <= at <= woken + 1000 for at in missing)
        assert week.left_out[described.name] == len(missing)
    assert week.left_out["hour"] in {8, 9}


def test_a_clock_that_is_set_back_a_little_doubles_and_leaves_out_nothing() -> None:
    week = Week(JOBS)
    for hour in range(1, 160, 3):
        week.jumps[START + hour * 3_600_000 + 11_000] = -WAITED_OUT / 1000 + 20
    week.live()
    expected = {described.name: every_second(described) for described in JOBS}
    assert week.made == {name: made for name, made in expected.items() if made}
    assert week.left_out == {}


def test_a_clock_that_was_wrong_for_hours_is_followed_back() -> None:
    week = Week((job("minute", "1m"),))
    noon = utc("2026-10-22T12:00")
    week.jumps[noon] = 6 * 3600
    week.jumps[noon + 7 * 3_600_000] = -6 * 3600
    week.live()
    made = week.made["minute"]
    again = [at for at in set(made) if made.count(at) > 1]
    # What was made while the clock was wrong, from six to seven, comes again.
    assert len(again) in {58, 59, 60}
    missing = set(every_second(job("minute", "1m"))) - set(made)
    assert all(noon <= at <= noon + 3_600_000 for at in missing)

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.probing.jobs import Job, Maintenance, Window
from runtime.probing.schedule import (
    STATES,
    Schedule,
    pause_state,
    phase,
    splay,
    under_maintenance,
)
from runtime.probing.spans import DAY
from tests.runtime.probing.clocks import CHANGES, fits, runs, utc, windows


def job(**given: Any) -> Job:
    return Job.model_validate({"name": "one", "destinations": ["gateway"], **given})


def due(described: Job, start: str, end: str) -> list[int]:
    return Schedule.of(described).due(utc(start), utc(end))


@pytest.mark.setting("probes.jobs.interval")
def test_runs_are_due_at_multiples_of_the_interval_since_1970() -> None:
    found = due(job(interval="7s"), "2026-07-01T00:00", "2026-07-01T00:01")
    assert [at % 7000 for at in found] == [0] * len(found)
    assert len(found) in {8, 9}
    assert due(job(interval="1h"), "2026-07-01T00:00", "2026-07-01T02:00") == [
        utc("2026-07-01T00:00"),
        utc("2026-07-01T01:00"),
    ]


@pytest.mark.setting("probes.jobs.valid_from")
@pytest.mark.setting("probes.jobs.valid_until")
def test_a_job_runs_from_the_first_instant_of_its_validity_up_to_its_end() -> None:
    described = job(
        interval="5m",
        valid_from="2026-07-01T10:00:00+02:00",
        valid_until="2026-07-01T08:15:00Z",
    )
    schedule = Schedule.of(described)
    assert schedule.due(0, utc("2030-01-01T00:00")) == [
        utc("2026-07-01T08:00"),
        utc("2026-07-01T08:05"),
        utc("2026-07-01T08:10"),
    ]
    assert schedule.next(0) == utc("2026-07-01T08:00")
    assert schedule.next(utc("2026-07-01T08:10")) is None
    at = utc("2026-07-01T08:00")
    assert [schedule.state(at + n) for n in (-1, 0, 15 * 60_000)] == [
        "pending",
        "running",
        "expired",
    ]


@pytest.mark.setting("probes.jobs.enabled")
def test_a_disabled_job_never_runs() -> None:
    schedule = Schedule.of(job(enabled=False))
    assert schedule.due(0, DAY) == []
    assert schedule.next(0) is None
    assert schedule.state(0) == "disabled"


@pytest.mark.setting("probes.jobs.windows.start")
@pytest.mark.setting("probes.jobs.windows.end")
@pytest.mark.setting("probes.jobs.windows.zone")
def test_a_job_runs_within_its_windows_and_is_not_scheduled_otherwise() -> None:
    office = Window(start="08:00", end="08:10", zone="Asia/Kolkata")
    described = job(interval="5m", windows=[office.model_dump(mode="json")])
    assert due(described, "2026-07-01T00:00", "2026-07-02T00:00") == [
        utc("2026-07-01T02:30"),
        utc("2026-07-01T02:35"),
    ]
    schedule = Schedule.of(described)
    assert schedule.state(utc("2026-07-01T02:30")) == "running"
    assert schedule.state(utc("2026-07-01T02:40")) == "not_scheduled"


def test_the_next_run_is_found_over_months_of_closed_windows_quickly() -> None:
    never = [f"2026-{month:02}-{day:02}" for month in range(1, 13) for day in (1, 8)]
    window = {"days": ["wed"], "start": "04:00", "end": "04:01", "not_on": never}
    described = job(interval="1m", windows=[window], valid_from="2027-06-01T00:00:00Z")
    began = time.process_time()
    found = Schedule.of(described).next(utc("2026-01-01T00:00"))
    assert found == utc("2027-06-02T04:00")
    assert time.process_time() - began < 5


def test_a_window_that_the_grid_never_hits_has_no_next_run() -> None:
    window = {"start": "08:00", "end": "09:00"}
    schedule = Schedule.of(job(interval="1d", windows=[window]))
    assert schedule.next(utc("2026-01-01T00:00")) is None


def test_a_window_that_is_excepted_for_years_opens_after_them() -> None:
    days = [utc("2026-01-05T00:00") + n * 7 * DAY for n in range(130)]
    dates = [time.strftime("%Y-%m-%d", time.gmtime(day / 1000)) for day in days]
    window = {"days": ["mon"], "not_on": dates}
    schedule = Schedule.of(job(interval="1d", windows=[window]))
    assert schedule.next(utc("2026-01-01T00:00")) == days[-1] + 7 * DAY


@st.composite
def jobs(draw: st.DrawFn, around: str) -> Job:
    chosen = draw(st.lists(windows(around), max_size=2))
    return job(
        interval=f"{draw(st.sampled_from([1, 7, 60, 300, 3600, 86400]))}s",
        windows=[window.model_dump(mode="json") for window in chosen],
        enabled=draw(st.booleans() | st.just(value=True)),
        valid_from=draw(st.none() | st.just(f"{around}T01:00:00.500+01:00")),
        valid_until=draw(st.none() | st.just(f"{around}T22:00:00Z")),
    )


@given(st.data(), st.sampled_from(CHANGES))
@settings(max_examples=60, deadline=None)
def test_runs_are_those_of_the_rules_taken_literally(
    data: st.DataObject, around: str
) -> None:
    described = data.draw(jobs(around))
    schedule = Schedule.of(described)
    start = utc(f"{around}T00:00") + data.draw(st.integers(-DAY, DAY))
    end = start + data.draw(st.integers(0, DAY // 8))
    grid = range(-(-start // 1000) * 1000, end, 1000)
    expected = runs(described, grid)
    assert schedule.due(start, end) == expected
    assert schedule.count(start, end) == len(expected)
    after = schedule.next(start - 1)
    if expected:
        assert after == expected[0]
    else:
        assert after is None or after >= end
    if after is not None:
        assert schedule.due(after, after + 1) == [after]
    assert (schedule.state(start) == "running") == fits(described, start)
    assert schedule.state(start) in STATES


@pytest.mark.setting("probes.jobs.splay")
def test_destinations_are_spread_over_the_splay() -> None:
    assert splay(job(interval="1s")) == 1
    assert splay(job(interval="1h")) == 10
    assert splay(job(interval="1h", splay="5m")) == 300
    phases = [phase("one", f"host-{n}", 8.0) for n in range(4000)]
    assert all(0 <= delay < 8 for delay in phases)
    counts = [sum(int(delay) == n for delay in phases) for n in range(8)]
    assert min(counts) > 400
    assert phases[7] == phase("one", "host-7", 8.0)
    assert phases[7] != phase("two", "host-7", 8.0)


def pause(**given: Any) -> Maintenance:
    end = {"end": "2026-07-02T00:00:00Z"}
    return Maintenance.model_validate({"name": "patches", **end, **given})


NOON = utc("2026-07-01T12:00")


@pytest.mark.setting("probes.maintenance.destinations")
@pytest.mark.setting("probes.maintenance.tags")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, True),
        ({"destinations": ["gateway"]}, True),
        ({"destinations": ["other"]}, False),
        ({"tags": ["core", "edge"]}, True),
        ({"tags": ["core", "lab"]}, False),
        ({"destinations": ["other"], "tags": ["edge"]}, True),
    ],
)
def test_maintenance_concerns_destinations_by_name_and_by_all_tags(
    given: dict[str, Any], *, expected: bool
) -> None:
    paused = [pause(**given)]
    assert under_maintenance(paused, "gateway", ("core", "edge"), NOON) is expected


@pytest.mark.setting("probes.maintenance.start")
@pytest.mark.setting("probes.maintenance.end")
def test_maintenance_has_a_beginning_and_an_end() -> None:
    paused = [pause(start="2026-07-01T12:00:00Z", end="2026-07-01T13:00:00Z")]
    found = [
        under_maintenance(paused, "gateway", (), NOON + n * 60_000)
        for n in (-1, 0, 59, 60)
    ]
    assert found == [False, True, True, False]


def test_maintenance_is_planned_going_on_or_over() -> None:
    once = pause(start="2026-07-01T12:00:00Z", end="2026-07-01T13:00:00Z")
    found = [pause_state(once, NOON + n * 60_000) for n in (-1, 0, 60)]
    assert found == ["planned", "going_on", "over"]
    nightly = pause(end=None, windows=[{"start": "14:00", "end": "14:30"}])
    assert pause_state(nightly, NOON) == "planned"
    assert pause_state(nightly, NOON + 120 * 60_000) == "going_on"


@pytest.mark.setting("probes.maintenance.windows.start")
@pytest.mark.setting("probes.maintenance.windows.end")
@pytest.mark.setting("probes.maintenance.windows.zone")
def test_maintenance_may_come_again_in_windows() -> None:
    window = {"start": "14:00", "end": "14:30", "zone": "Europe/Berlin"}
    paused = [pause(end=None, windows=[window])]
    found = [
        under_maintenance(paused, "gateway", (), NOON + n * 60_000)
        for n in (-1, 0, 29, 30, 24 * 60)
    ]
    assert found == [False, True, True, False, True]

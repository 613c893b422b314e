"""What schedules are compared with: the rules, taken literally, time by time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from runtime.probing.jobs import WEEKDAYS, Job, Window

if TYPE_CHECKING:
    from collections.abc import Iterable

ZONES: Final = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # half an hour of summer time
    "America/St_Johns",
    "Pacific/Apia",  # leaves out 2011-12-30
    "Africa/Casablanca",
)


def utc(text: str) -> int:
    """Return the milliseconds of a time such as 2026-03-29T01:00."""
    return round(datetime.fromisoformat(f"{text}+00:00").timestamp() * 1000)


def shown(at: int, zone: str) -> datetime:
    """Return what the clocks of a zone show at a time, without its zone."""
    seconds, rest = divmod(at, 1000)
    local = datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(zone))
    return local.replace(tzinfo=None, microsecond=rest * 1000)


def inside(window: Window, at: int) -> bool:
    """Return whether the clocks show a time of a window."""
    local = shown(at, window.zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    for back in range(3):
        day = midnight - timedelta(days=back)
        if WEEKDAYS[day.weekday()] not in window.days:
            continue
        if day.date().isoformat() in window.not_on:
            continue
        start, end = day + _span(window.start), day + _span(window.end)
        if _span(window.end) <= _span(window.start):
            end += timedelta(days=1)
        if start <= local < end:
            return True
    return False


def _span(text: str) -> timedelta:
    hours, minutes, *seconds = map(int, text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=sum(seconds))


def runs(job: Job, times: Iterable[int]) -> list[int]:
    """Return the times at which a job runs, of those that are given."""
    return [
        at for at in times if at % round(job.interval * 1000) == 0 and fits(job, at)
    ]


def fits(job: Job, at: int) -> bool:
    """Return whether a job may run at a time."""
    if not job.enabled:
        return False
    if job.valid_from and at < datetime.fromisoformat(job.valid_from).timestamp() * 1e3:
        return False
    if job.valid_until and not (
        at < datetime.fromisoformat(job.valid_until).timestamp() * 1e3
    ):
        return False
    return not job.windows or any(inside(window, at) for window in job.windows)


TIMES_OF_DAY = st.one_of(
    st.sampled_from(["00:00", "24:00", "02:00", "02:30", "03:00", "23:59:59"]),
    st.times().map(lambda time: time.strftime("%H:%M")),
)


@st.composite
def windows(draw: st.DrawFn, around: str) -> Window:
    """Draw a window, with exceptions around a date."""
    near = datetime.fromisoformat(around)
    dates = [(near + timedelta(days=n)).date().isoformat() for n in range(-3, 4)]
    days = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True))
    return Window.model_validate(
        {
            "days": days,
            "start": draw(TIMES_OF_DAY),
            "end": draw(TIMES_OF_DAY),
            "zone": draw(st.sampled_from(ZONES)),
            "not_on": draw(st.lists(st.sampled_from(dates), max_size=3, unique=True)),
        }
    )


CHANGES: Final = (
    "2026-03-29",  # Berlin, forward
    "2026-10-25",  # Berlin, back
    "2026-03-08",  # New York, forward
    "2026-11-01",  # New York, back
    "2026-04-05",  # Lord Howe, back by half an hour
    "2026-10-04",  # Lord Howe, forward
    "2011-12-30",  # Apia has no such day
    "2026-02-15",  # Casablanca, Ramadan
    "2026-07-01",
)
"""Days around which something happens to clocks."""

"""The schema of config.yaml: calendars, the time zones in which days are kept."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import Annotated, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from runtime.quantities import Written
from runtime.section import Section
from runtime.texts import Name

_SHOWN: Final = 3
_RESERVED: Final = "utc"


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(text: str) -> str:
    if text not in _zones():
        raise ValueError(f"{text!r} is not a time zone; {_suggest(text)}")
    return text


def _suggest(text: str) -> str:
    """Say which zones may have been meant: their cities may be misspelt or alone."""
    by_name = {zone.casefold(): zone for zone in sorted(_zones())}
    by_city = {zone.rpartition("/")[2].casefold(): zone for zone in sorted(_zones())}
    wanted = text.casefold().replace(" ", "_")
    near = [
        *get_close_matches(wanted, by_name, _SHOWN, 0.8),
        *get_close_matches(wanted.rpartition("/")[2], by_city, _SHOWN, 0.8),
    ]
    known = by_city | by_name
    meant = list(dict.fromkeys(known[name] for name in near))[:_SHOWN]
    if meant:
        return f"near are {', '.join(meant)}"
    return "write a name of the tz database, such as Europe/Berlin"


def _calendar_name(text: str) -> str:
    if text.casefold() == _RESERVED:
        raise ValueError(
            f"{text!r} is the calendar that is always there; write another name"
        )
    return text


CalendarName = Annotated[Name, AfterValidator(_calendar_name)]
Zone = Annotated[str, AfterValidator(_zone), Written("time zone", "Europe/Berlin")]


class Calendar(Section):
    """A time zone in which days are kept beside those of UTC."""

    name: CalendarName = Field(
        description="Unique name; by it answers are asked for.", examples=["berlin"]
    )
    zone: Zone = Field(
        description="Name of the zone in the tz database.", examples=["Europe/Berlin"]
    )


def refuse_repeated(calendars: tuple[Calendar, ...]) -> None:
    """Raise ValueError where two calendars have one name."""
    names = [calendar.name for calendar in calendars]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"calendars: the name {twice[0]!r} is used twice; give each its own"
        )

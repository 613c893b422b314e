from __future__ import annotations

import pytest
from pydantic import ValidationError

from runtime.calendar_settings import Calendar


def test_zones_of_the_database_are_taken() -> None:
    for zone in ("Europe/Berlin", "Asia/Kathmandu", "UTC", "America/Argentina/Ushuaia"):
        assert Calendar(name="here", zone=zone).zone == zone


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("europe/berlin", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("Europe/Berln", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("Kathmandu", "Asia/Kathmandu"),
    ],
)
def test_a_zone_that_is_none_is_refused_with_those_that_are_near(
    written: str, meant: str
) -> None:
    with pytest.raises(ValidationError, match=f"not a time zone; near are .*{meant}"):
        Calendar(name="here", zone=written)


def test_a_zone_that_nothing_is_near_to_is_refused_with_an_example() -> None:
    with pytest.raises(ValidationError, match="such as Europe/Berlin"):
        Calendar(name="here", zone="x")


@pytest.mark.parametrize("name", ["utc", "UTC", "two words", ""])
def test_names_are_words_and_not_that_of_the_calendar_of_utc(name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        Calendar(name=name, zone="Europe/Berlin")

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from bridge.api.coverage import CoverageAnswer
from bridge.rollup.days.calendars import Calendar, Rules
from models.queries import calendars, retained
from models.queries.ledger import mark
from tests.bridge.application import NOON, body_of
from tests.bridge.history import HOUR, MINUTE

if TYPE_CHECKING:
    from models.database import Database
    from tests.bridge.application import Application
    from tests.bridge.history import History

PATH = "/api/v1/coverage"


@pytest.fixture(autouse=True)
def _past(history: History) -> None:
    history.series("up")
    history.series("up", source="other", workspace="team")
    history.mark(MINUTE, range(NOON, NOON + 3600, 60))
    history.mark(MINUTE, [NOON + 60, NOON + 120], "lost", reason="not recording")
    history.mark(HOUR, [NOON], "partial", reason="2 of 60 minutes are lost")


def test_what_is_done_and_what_is_not_is_answered(bridge: Application) -> None:
    bridge.clock.advance(15)
    answer = bridge.answer(PATH, source="local", resolution="minute")
    CoverageAnswer.model_validate(answer)
    assert answer == {
        "coverage": [
            {
                "source": "local",
                "resolution": "minute",
                "calendar": "utc",
                "start": NOON + 3615 - 86400 - 15,
                "end": NOON + 3660,
                "oldest": NOON,
                "newest": NOON + 3540,
                "whole": None,
                "counts": {
                    "start": NOON,
                    "end": NOON + 3600,
                    "windows": 60,
                    "done": 58,
                    "partial": 0,
                    "dirty": 0,
                    "open": 0,
                    "lost": 2,
                    "missing": 0,
                },
                "holes": [
                    {
                        "start": NOON + 60,
                        "end": NOON + 180,
                        "state": "lost",
                        "reason": "not recording",
                    }
                ],
                "truncated": False,
            }
        ]
    }


def test_all_sources_and_resolutions_are_answered_without_a_choice(
    bridge: Application,
) -> None:
    bridge.clock.advance(15)
    answer = bridge.answer(PATH)
    CoverageAnswer.model_validate(answer)
    assert [(one["source"], one["resolution"]) for one in answer["coverage"]] == [
        (source, resolution)
        for source in ("local", "other")
        for resolution in ("minute", "hour", "day")
    ]
    assert answer["coverage"][1]["holes"] == [
        {
            "start": NOON,
            "end": NOON + 3600,
            "state": "partial",
            "reason": "2 of 60 minutes are lost",
        }
    ]


@pytest.mark.setting("rollup.settle")
def test_a_window_counts_once_it_has_settled(bridge: Application) -> None:
    def missing() -> int:
        (one,) = bridge.answer(PATH, source="local", resolution="minute")["coverage"]
        counts: dict[str, int] = one["counts"]
        return counts["missing"]

    bridge.clock.advance(60 + 14.9)
    assert missing() == 0
    bridge.clock.advance(0.1)
    assert missing() == 1


def test_a_span_is_widened_to_windows(bridge: Application) -> None:
    answer = bridge.answer(
        PATH, resolution="minute", source="local", start=NOON + 61, end=NOON + 62
    )
    assert answer["coverage"][0]["counts"]["windows"] == 1


@pytest.mark.parametrize(
    ("query", "detail", "wrong"),
    [
        ({"source": "x"}, "'x' is not a source; known are local, other", "source"),
        (
            {"resolution": "auto"},
            "resolution: 'auto' is not allowed; use 'minute', 'hour' or 'day'",
            "resolution",
        ),
        (
            {"calendar": "paris"},
            (
                "there is no calendar 'paris'; known are utc, and others are made by "
                "calendars in config.yaml"
            ),
            "calendar",
        ),
        (
            {"match": "up"},
            (
                "match: is not a parameter here; known are start, end, source, "
                "resolution, calendar"
            ),
            "match",
        ),
    ],
)
def test_wrong_parameters_are_refused(
    bridge: Application, query: dict[str, str], detail: str, wrong: str
) -> None:
    assert bridge.problem(PATH, **query) == (400, detail, [wrong])


def test_days_of_a_calendar_are_answered_with_those_by_utc(
    bridge: Application, db: Database
) -> None:
    berlin = Calendar("berlin", Rules.of(ZoneInfo("Europe/Berlin")))
    rules = str(berlin.rules)
    calendars.write(
        db, calendars.Listed("berlin", "Europe/Berlin", rules, "kept", changed_at=0)
    )
    day = berlin.holding(NOON)
    mark(db, "local", "day@berlin", [day.start], "partial", "1 hour is lost", 0)
    asked: dict[str, Any] = {
        "source": "local",
        "resolution": "day",
        "start": NOON,
        "end": NOON + 1,
    }
    answer = bridge.answer(PATH, **asked)
    CoverageAnswer.model_validate(answer)
    assert [one["calendar"] for one in answer["coverage"]] == ["utc", "berlin"]
    (one,) = bridge.answer(PATH, calendar="berlin", **asked)["coverage"]
    assert (one["resolution"], one["start"], one["end"]) == ("day", day.start, day.end)
    assert one["counts"]["windows"] == 0
    bridge.clock.advance(86400)
    (one,) = bridge.answer(PATH, calendar="berlin", **asked)["coverage"]
    assert one["counts"]["partial"] == 1
    assert one["holes"] == [
        {
            "start": day.start,
            "end": day.end,
            "state": "partial",
            "reason": "1 hour is lost",
        }
    ]
    (one,) = bridge.answer(PATH, calendar="utc", **asked)["coverage"]
    assert one["calendar"] == "utc"


def test_what_was_deleted_by_age_is_told(bridge: Application, db: Database) -> None:
    retained.keep(db, [retained.Kept("local", "minute", "", NOON, NOON, 0)])
    answer = bridge.answer(PATH, source="local", resolution="minute")
    CoverageAnswer.model_validate(answer)
    first = answer["coverage"][0]["holes"][0]
    assert (first["state"], first["end"]) == ("expired", NOON)
    assert first["reason"] == "kept since 2026-11-21T12:00:00Z only"


def test_a_key_sees_the_sources_of_its_workspace(locked: Application) -> None:
    key = locked.key("read", workspace="team")
    answer = locked.answer(PATH, key)
    assert {one["source"] for one in answer["coverage"]} == {"other"}
    assert body_of(locked.get(PATH, key, source="local"))["errors"] == [
        {
            "parameter": "source",
            "detail": "'local' is not a source; known are other",
        }
    ]

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bridge.api.events import EventsAnswer
from models.queries.events import EventRow, record
from tests.bridge.application import NOON

if TYPE_CHECKING:
    from models.database import Database
    from tests.bridge.application import Application
    from tests.bridge.history import History

PATH = "/api/v1/events"


def event(seconds: float, fingerprint: str = "a", **facts: Any) -> EventRow:
    return EventRow(
        **{
            "source": "local",
            "fingerprint": fingerprint,
            "time": NOON * 1000 + round(seconds * 1000),
            "detector": "statuses",
            "category": "http",
            "type": "5xx",
            "message": "GET / answered 500",
            "status": 500,
            "endpoint": "/",
            "metadata": '{"job":"web"}',
            "recorded_at": NOON,
            **facts,
        }
    )


@pytest.fixture(autouse=True)
def _past(db: Database, history: History) -> None:
    history.series("up", source="other")
    for row in (
        event(-90_000),
        event(0.25, occurrences=3),
        event(60, occurrences=4),
        event(30, "b", category="availability", type="timeout", workspace="team"),
        event(40, "c", source="other", endpoint="/pay"),
    ):
        record(db, row)


def test_events_of_the_last_day_are_answered_newest_first(bridge: Application) -> None:
    answer = bridge.answer(PATH)
    EventsAnswer.model_validate(answer)
    assert [one["time"] - NOON for one in answer["events"]] == [60, 40, 30, 0.25]
    assert answer["groups"] == []
    assert answer["events"][3] == {
        "source": "local",
        "fingerprint": "a",
        "time": NOON + 0.25,
        "detector": "statuses",
        "category": "http",
        "type": "5xx",
        "message": "GET / answered 500",
        "occurrences": 3,
        "status": 500,
        "endpoint": "/",
        "trace_id": "",
        "span_id": "",
        "client": "",
        "workspace": "",
        "environment": "",
        "metadata": {"job": "web"},
        "recorded_at": NOON,
    }


@pytest.mark.parametrize(
    ("query", "times"),
    [
        ({"start": "-3d"}, [60, 40, 30, 0.25, -90_000]),
        ({"start": str(NOON), "end": str(NOON + 40)}, [30, 0.25]),
        ({"limit": "1"}, [60]),
        ({"source": "other"}, [40]),
        ({"category": "availability"}, [30]),
        ({"type": "timeout"}, [30]),
        ({"endpoint": "/pay"}, [40]),
        ({"fingerprint": "a"}, [60, 0.25]),
        ({"fingerprint": "a", "category": "availability"}, []),
    ],
)
def test_filters_choose_events(
    bridge: Application, query: dict[str, str], times: list[float]
) -> None:
    answer = bridge.answer(PATH, **query)
    assert [one["time"] - NOON for one in answer["events"]] == times


def test_events_of_probes_have_a_source_of_their_own(
    db: Database, bridge: Application
) -> None:
    assert bridge.answer(PATH, source="probes")["events"] == []
    record(db, event(70, source="probes", category="routing"))

    (found,) = bridge.answer(PATH, source="probes", category="routing")["events"]
    assert found["time"] == NOON + 70


def test_events_that_are_alike_are_grouped_if_asked(bridge: Application) -> None:
    answer = bridge.answer(PATH, group="fingerprint", source="local")
    EventsAnswer.model_validate(answer)
    assert answer["events"] == []
    assert [one["fingerprint"] for one in answer["groups"]] == ["a", "b"]
    assert answer["groups"][0] == {
        "source": "local",
        "fingerprint": "a",
        "occurrences": 7,
        "events": 2,
        "first_time": NOON + 0.25,
        "last_time": NOON + 60.0,
        "detector": "statuses",
        "category": "http",
        "type": "5xx",
        "message": "GET / answered 500",
        "status": 500,
        "endpoint": "/",
        "workspace": "",
        "environment": "",
    }


@pytest.mark.parametrize(
    ("query", "detail", "wrong"),
    [
        (
            {"source": "zzz"},
            "'zzz' is not a source; known are local, other",
            "source",
        ),
        ({"group": "type"}, "group: 'type' is not allowed; use 'fingerprint'", "group"),
        ({"limit": "10001"}, "limit: must be at most 10000, not '10001'", "limit"),
        (
            {"match": "up"},
            (
                "match: is not a parameter here; known are start, end, source, "
                "category, type, endpoint, fingerprint, group, limit"
            ),
            "match",
        ),
    ],
)
def test_wrong_parameters_are_refused(
    bridge: Application, query: dict[str, str], detail: str, wrong: str
) -> None:
    assert bridge.problem(PATH, **query) == (400, detail, [wrong])


def test_a_key_sees_the_events_of_its_workspace(locked: Application) -> None:
    key = locked.key("read", workspace="team")
    assert [one["time"] - NOON for one in locked.answer(PATH, key)["events"]] == [30]
    groups = locked.answer(PATH, key, group="fingerprint")["groups"]
    assert [one["fingerprint"] for one in groups] == ["b"]

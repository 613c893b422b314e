from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bridge.api.series import SeriesAnswer

if TYPE_CHECKING:
    from tests.bridge.application import Application
    from tests.bridge.history import History

PATH = "/api/v1/series"


@pytest.fixture(autouse=True)
def _past(history: History) -> None:
    history.series("up", {"job": "web"}, seen=60)
    history.series("up", {"job": "node"}, seen=60, source="other", workspace="team")
    history.series("requests_total", {"job": "web"}, kind="counter")


def test_series_are_answered_with_what_is_known_of_them(bridge: Application) -> None:
    answer = bridge.answer(PATH, match='up{job="web"}')
    SeriesAnswer.model_validate(answer)
    assert answer == {
        "series": [
            {
                "id": 1,
                "source": "local",
                "metric": "up",
                "labels": {"job": "web"},
                "kind": "gauge",
                "unit": "",
                "help": "",
                "workspace": "",
                "environment": "",
                "first_seen": 60,
                "last_seen": 60,
            }
        ],
        "total": 1,
    }


@pytest.mark.parametrize(
    ("query", "ids", "total"),
    [
        ({}, [3, 2, 1], 3),
        ({"limit": "2"}, [3, 2], 3),
        ({"kind": "counter"}, [3], 1),
        ({"source": "other"}, [2], 1),
        ({"match": ["up", "requests_total"]}, [3, 2, 1], 3),
        ({"match": "up", "kind": "histogram"}, [], 0),
    ],
)
def test_series_are_chosen_and_cut(
    bridge: Application, query: dict[str, Any], ids: list[int], total: int
) -> None:
    answer = bridge.answer(PATH, **query)
    assert ([one["id"] for one in answer["series"]], answer["total"]) == (ids, total)


@pytest.mark.parametrize(
    ("query", "detail", "wrong"),
    [
        (
            {"match": "sum(up)"},
            (
                "'sum(up)' is more than a PromQL selector: functions and aggregations "
                "are chosen by the parameter aggregate"
            ),
            ["match"],
        ),
        (
            {"kind": "rate"},
            (
                "kind: 'rate' is not allowed; use 'counter', 'gauge', 'histogram', "
                "'summary', 'distinct' or 'unknown'"
            ),
            ["kind"],
        ),
        (
            {"limit": "100001"},
            "limit: must be at most 100000, not '100001'",
            ["limit"],
        ),
        (
            {"name": "up"},
            "name: is not a parameter here; known are match, kind, source, limit",
            ["name"],
        ),
        (
            {"source": "x"},
            "'x' is not a source; known are local, other",
            ["source"],
        ),
    ],
)
def test_wrong_parameters_are_refused(
    bridge: Application, query: dict[str, Any], detail: str, wrong: list[str]
) -> None:
    assert bridge.problem(PATH, **query) == (400, detail, wrong)


def test_a_key_sees_the_series_of_its_workspace(locked: Application) -> None:
    key = locked.key("read", workspace="team")
    answer = locked.answer(PATH, key)
    assert [one["id"] for one in answer["series"]] == [2]

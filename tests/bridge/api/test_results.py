from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from bridge.api.results import DistributionAnswer, ResultsAnswer
from tests.bridge.application import NOON, body_of
from tests.bridge.probing.runs import past, stage

if TYPE_CHECKING:
    from tests.bridge.application import Application

PATH = "/api/v1/results"


@pytest.fixture(autouse=True)
def _past(bridge: Application) -> None:
    stage(bridge.db, "a", "b")
    past(bridge.db)


def test_results_are_told_newest_first(bridge: Application) -> None:
    answer = bridge.answer(PATH)
    ResultsAnswer.model_validate(answer)
    told = [(one["time"] - NOON, one["destination"]) for one in answer["results"]]
    assert told[:3] == [(180, "b"), (180, "a"), (120, "b")]
    assert len(told) == 8
    assert answer["next"] is None
    assert answer["results"][0]["began"] == NOON + 180.005


def test_pages_follow_each_other(bridge: Application) -> None:
    everything = bridge.answer(PATH)["results"]
    found: list[Any] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = bridge.answer(PATH, limit=3, **cursor)
        found += page["results"]
        cursor = {"before": page["next"]}
    assert found == everything
    assert page["next"] is None
    assert bridge.problem(PATH, before="x")[2] == ["before"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"destination": "a"}, 4),
        ({"job": "ping"}, 8),
        ({"success": "false"}, 1),
        ({"reason": "timeout"}, 1),
        ({"agent": "edge", "kind": "icmp"}, 8),
        ({"probe": "tcp"}, 0),
        ({"start": str(NOON + 60), "end": str(NOON + 120)}, 2),
    ],
)
def test_results_are_picked(
    bridge: Application, query: dict[str, str], count: int
) -> None:
    assert len(bridge.answer(PATH, **query)["results"]) == count


@pytest.mark.parametrize("name", ["job", "destination", "agent"])
def test_unknown_names_are_told(bridge: Application, name: str) -> None:
    status, detail, wrong = bridge.problem(PATH, **{name: "nobody"})
    assert (status, wrong) == (400, [name])
    assert "nobody" in detail


def test_times_are_distributed(bridge: Application) -> None:
    answer = bridge.answer(
        f"{PATH}/distribution",
        destination="b",
        start=str(NOON),
        end=str(NOON + 240),
        width="60",
    )
    DistributionAnswer.model_validate(answer)
    assert [sum(row) for row in answer["counts"]] == [1, 1, 1, 0]
    assert answer["results"] == [1, 1, 1, 1]
    assert answer["failed"] == [0, 0, 0, 1]
    assert answer["median"][3] is None
    without_width = bridge.answer(f"{PATH}/distribution")
    assert without_width["width"] == 432
    assert bridge.problem(f"{PATH}/distribution", width="1")[2] == ["width"]


def test_results_are_a_table(bridge: Application) -> None:
    response = bridge.get(f"{PATH}/export", destination="a")
    assert response.content_type == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [row["rtt_mean"] for row in rows] == ["0.001", "0.002", "0.003", "0.004"]
    name = response.headers["Content-Disposition"]
    assert name == 'attachment; filename="results.csv"'


def test_results_are_a_document(bridge: Application) -> None:
    response = bridge.get(f"{PATH}/export", format="json")
    assert len(body_of(response)["results"]) == 8


def test_results_are_a_workbook(bridge: Application) -> None:
    response = bridge.get(f"{PATH}/export", format="xlsx")
    book = openpyxl.load_workbook(io.BytesIO(response.data), read_only=True)
    assert book.sheetnames == ["Results", "Summary", "Success rate", "Distribution"]
    assert book["Results"].max_row == 9
    assert bridge.problem(f"{PATH}/export", format="pdf")[0] == 400

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.api.runs import RunAnswer, RunsAnswer
from tests.bridge.application import NOON
from tests.bridge.probing.runs import past, stage

if TYPE_CHECKING:
    from tests.bridge.application import Application

PATH = "/api/v1/runs"


@pytest.fixture(autouse=True)
def _past(bridge: Application) -> None:
    stage(bridge.db, "a", "b")
    past(bridge.db)


def test_runs_are_told_newest_first_and_by_pages(bridge: Application) -> None:
    answer = bridge.answer(PATH)
    RunsAnswer.model_validate(answer)
    assert [run["time"] - NOON for run in answer["runs"]] == [180, 120, 60, 0]
    assert answer["runs"][0]["failed"] == 1
    page = bridge.answer(PATH, limit=3)
    rest = bridge.answer(PATH, limit=3, before=page["next"])
    assert page["runs"] + rest["runs"] == answer["runs"]
    assert rest["next"] is None
    assert bridge.problem(PATH, before="1.2.3")[2] == ["before"]


def test_runs_are_picked(bridge: Application) -> None:
    assert len(bridge.answer(PATH, job="ping", agent="edge")["runs"]) == 4
    assert bridge.answer(PATH, state="failed")["runs"] == []
    assert len(bridge.answer(PATH, start=str(NOON + 60))["runs"]) == 3
    assert bridge.problem(PATH, job="nobody")[2] == ["job"]


def test_a_run_has_its_results(bridge: Application) -> None:
    (newest, *_) = bridge.answer(PATH)["runs"]
    answer = bridge.answer(f"{PATH}/{newest['id']}")
    RunAnswer.model_validate(answer)
    assert answer["run"] == newest
    assert [one["destination"] for one in answer["results"]] == ["a", "b"]
    assert bridge.problem(f"{PATH}/999")[0] == 404

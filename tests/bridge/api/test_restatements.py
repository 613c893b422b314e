from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bridge.api.restatements import RestatementsAnswer
from models.queries.restatements import Restated, record
from tests.bridge.application import NOON
from tests.bridge.history import MINUTE

if TYPE_CHECKING:
    from tests.bridge.application import Application
    from tests.bridge.history import History

PATH = "/api/v1/restatements"
BEFORE = '{"sum":1.0,"min":"-Inf","count":4}'
AFTER = '{"sum":2.0,"min":"-Inf","count":4,"digest":"ab","buckets":"AAAA"}'


@pytest.fixture(autouse=True)
def _past(history: History, bridge: Application) -> None:
    first = history.series("up", {"job": "a"})
    second = history.series("other", workspace="team")
    history.mark(MINUTE, [NOON])
    record(
        bridge.db,
        [
            Restated(first, "minute", NOON, 2, "local", 500, "late", 1, BEFORE, AFTER),
            Restated(first, "hour", NOON, 2, "local", 600, "again", 1, None, AFTER),
            Restated(second, "minute", NOON, 2, "local", 700, "late", 1, BEFORE, None),
        ],
    )


def test_what_was_restated_is_told_newest_first(bridge: Application) -> None:
    answer = bridge.answer(PATH, start=NOON, match="up")
    RestatementsAnswer.model_validate(answer)
    assert [one["resolution"] for one in answer["restatements"]] == ["hour", "minute"]
    one = answer["restatements"][1]
    assert (one["series"], one["reason"], one["at"]) == ('up{job="a"}', "late", 500)
    assert one["before"] == {"sum": 1.0, "min": "-Inf", "count": 4}
    assert one["after"] == {"sum": 2.0, "min": "-Inf", "count": 4, "digest": "ab"}
    assert answer["truncated"] is False


def test_parameters_narrow_it(bridge: Application) -> None:
    def asked(**query: Any) -> list[int]:
        found = bridge.answer(PATH, start=NOON, **query)["restatements"]
        return [one["at"] for one in found]

    assert asked() == [700, 600, 500]
    assert asked(resolution="minute") == [700, 500]
    assert asked(since="600") == [700, 600]
    assert asked(limit=1) == [700]
    assert asked(end=NOON + 60, match='{job="a"}') == [600, 500]
    assert bridge.answer(PATH, start=NOON + 60)["restatements"] == []


def test_a_key_sees_its_workspace(locked: Application, bridge: Application) -> None:
    key = locked.key("read", workspace="team")
    found = locked.answer(PATH, key, start=NOON)["restatements"]
    assert [one["at"] for one in found] == [700]

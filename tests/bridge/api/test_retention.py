from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.api.retention import PlannedModel, RetentionAnswer
from tests.bridge.application import NOON
from tests.bridge.history import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from tests.bridge.application import Application
    from tests.bridge.history import History

PATH = "/api/v1/retention"
OLD = NOON // 86400 * 86400 - 410 * 86400


def test_what_is_due_is_answered_by_source_and_resolution(
    bridge: Application, history: History
) -> None:
    history.series("up")
    history.mark(HOUR, range(OLD, NOON, 3600))
    history.mark(DAY, range(OLD, NOON, 86400))
    history.mark(MINUTE, [NOON])
    answer = bridge.answer(PATH)
    RetentionAnswer.model_validate(answer)
    found = {one["resolution"]: one for one in answer["retention"]}
    assert list(found) == [
        "minute",
        "hour",
        "day",
        "error_events",
        "restatements",
        "verifications",
        "probe_results",
        "probe_runs",
        "routes",
        "certificates",
        "probe_tests",
        "probe_spans",
        "probe_hours",
        "probe_views",
        "jobs",
        "destinations",
    ]
    assert found["hour"] == {
        "source": "local",
        "resolution": "hour",
        "match": "",
        "kept": 34560000.0,
        "start": OLD,
        "until": OLD + 10 * 86400,
        "cut": OLD + 10 * 86400,
        "windows": 240,
        "rows": 0,
        "bytes": 0,
        "held": "",
    }


def test_rows_of_rules_are_said_to_be_about_so_many() -> None:
    described = PlannedModel.model_fields["rows"].description or ""
    assert "About so many where there are rules" in described


def test_only_what_a_key_may_see_is_answered(
    locked: Application, history: History
) -> None:
    history.series("up")
    history.series("up", source="other", workspace="team")
    history.mark(HOUR, [NOON])
    history.mark(HOUR, [NOON], source="other")
    history.mark(MINUTE, [NOON])
    key = locked.key("read", workspace="team")
    answer = locked.answer(PATH, key)
    assert {one["source"] for one in answer["retention"]} == {"other"}


def test_a_source_that_is_not_known_is_refused(bridge: Application) -> None:
    status, detail, wrong = bridge.problem(PATH, source="nowhere")
    assert (status, wrong) == (400, ["source"])
    assert "nowhere" in detail

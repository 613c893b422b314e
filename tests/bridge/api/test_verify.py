from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.api.verify import VerifyAnswer
from models.queries.verifications import VerificationRow, record
from tests.bridge.application import NOON

if TYPE_CHECKING:
    from tests.bridge.application import Application
    from tests.bridge.history import History

PATH = "/api/v1/verify"
DETAIL = '[{"series_id":1,"outcome":"differs","columns":{"sum":[1.0,2.0]}}]'


def test_the_latest_verifications_are_answered(
    bridge: Application, history: History
) -> None:
    history.series("up", {"job": "a"})
    record(
        bridge.db,
        [
            VerificationRow("local", NOON, 100, "same", 40, 40, 10, 0),
            VerificationRow("local", NOON + 60, 200, "differs", 40, 40, 10, 1, DETAIL),
        ],
    )
    answer = bridge.answer(PATH)
    VerifyAnswer.model_validate(answer)
    assert answer["outcomes"] == {"same": 1, "differs": 1}
    newest = answer["verifications"][0]
    assert (newest["start"], newest["outcome"], newest["differing"]) == (
        NOON + 60,
        "differs",
        1,
    )
    assert newest["differences"] == [
        {
            "series": 'up{job="a"}',
            "series_id": 1,
            "outcome": "differs",
            "columns": {"sum": [1.0, 2.0]},
        }
    ]
    only = bridge.answer(PATH, outcome="same", source="local")
    assert [one["start"] for one in only["verifications"]] == [NOON]


def test_without_any_the_answer_is_empty(bridge: Application) -> None:
    assert bridge.answer(PATH) == {"outcomes": {}, "verifications": []}

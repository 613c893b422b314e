from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bridge.api.corrections import CorrectionsAnswer, PlannedAnswer
from models.queries import corrections as table
from tests.bridge.application import NOON, body_of
from tests.bridge.history import MINUTE, counter

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.bridge.application import Application
    from tests.bridge.history import History

PATH = "/api/v1/corrections"
WRONG = {
    "match": "a_total",
    "start": str(NOON + 60),
    "end": str(NOON + 150),
    "note": "it was upside down",
}


@pytest.fixture(autouse=True)
def _past(history: History) -> None:
    number = history.series("a_total", kind="counter")
    rows = {NOON + 60 * minute: counter(1.0 + minute) for minute in range(5)}
    history.rows(MINUTE, number, rows)
    history.mark(MINUTE, rows)
    history.series("b", source="other", workspace="team")
    history.series("a_total", source="third")


def post(
    bridge: Application, body: dict[str, Any], key: str | None = None
) -> TestResponse:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return bridge.app.test_client().post(PATH, json=body, headers=headers)


def delete(bridge: Application, number: int) -> TestResponse:
    return bridge.app.test_client().delete(f"{PATH}/{number}")


def test_a_correction_is_made_and_listed(bridge: Application) -> None:
    response = post(bridge, {**WRONG, "source": "local", "as": "baseline"})
    assert response.status_code == 201, response.text
    answer = body_of(response)
    PlannedAnswer.model_validate(answer)
    assert answer["correction"] == {
        "id": 1,
        "source": "local",
        "match": "a_total",
        "start": NOON + 60,
        "end": NOON + 180,
        "as": "baseline",
        "note": "it was upside down",
        "author": "anybody",
        "state": "waiting",
        "created_at": NOON + 3600,
        "applied_at": None,
        "revoked_at": None,
        "restored_at": None,
        "outcome": "",
    }
    assert answer["changes"][0]["rows"] == 3
    assert answer["notes"] == [
        "corrected are whole minutes: 2026-11-21T12:01:00Z to 2026-11-21T12:03:00Z"
    ]
    listed = bridge.answer(PATH)
    CorrectionsAnswer.model_validate(listed)
    assert listed["corrections"] == [answer["correction"]]


def test_a_dry_run_makes_nothing(bridge: Application) -> None:
    response = post(bridge, {**WRONG, "source": "local", "dry_run": True})
    assert response.status_code == 200
    assert bridge.answer(PATH) == {"corrections": []}


def test_it_can_be_revoked_once(bridge: Application) -> None:
    post(bridge, {**WRONG, "source": "local"})
    response = delete(bridge, 1)
    assert response.status_code == 200
    assert body_of(response)["state"] == "revoked"
    again = delete(bridge, 1)
    assert again.status_code == 400
    assert "revoked already" in body_of(again)["detail"]
    assert delete(bridge, 7).status_code == 404


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ({"note": " "}, "note"),
        ({"note": "x" * 501}, "note"),
        ({"match": "nothing"}, "match"),
        ({"match": "a_total[5m]"}, "match"),
        ({"start": str(NOON + 900)}, "start"),
        ({"as": "zero"}, "as"),
        ({"source": None}, "source"),
        ({"source": "unknown"}, "source"),
        ({"twice": 1}, "twice"),
    ],
)
def test_what_cannot_be_is_refused(
    bridge: Application, change: dict[str, Any], parameter: str
) -> None:
    response = post(bridge, {**WRONG, "source": "local", **change})
    assert response.status_code == 400, response.text
    assert body_of(response)["errors"][0]["parameter"] == parameter
    assert table.listed(bridge.db) == []


def test_only_json_is_taken(bridge: Application) -> None:
    client = bridge.app.test_client()
    response = client.post(PATH, data='{"match": "a"}', content_type="text/plain")
    assert response.status_code in {400, 415}
    assert table.listed(bridge.db) == []


def test_it_takes_an_admin(locked: Application) -> None:
    assert post(locked, WRONG, locked.key("read", name="reader")).status_code == 403
    made = post(locked, {**WRONG, "source": "local"}, locked.key("admin", name="grace"))
    assert body_of(made)["correction"]["author"] == "grace"

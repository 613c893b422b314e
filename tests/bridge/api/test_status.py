from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.api.status import StatusAnswer
from bridge.version import version
from models.queries.calendars import Listed, write
from models.queries.sizes import database_bytes
from tests.bridge.application import NOON
from tests.bridge.history import MINUTE

if TYPE_CHECKING:
    from tests.bridge.application import Application
    from tests.bridge.history import History

PATH = "/api/v1/status"
NOTHING = {"done": 0, "partial": 0, "dirty": 0, "open": 0, "lost": 0}


@pytest.fixture(autouse=True)
def _past(history: History) -> None:
    history.series("up")
    history.series("up", source="other", workspace="team")
    history.mark(MINUTE, range(NOON, NOON + 3540, 60))


def test_the_state_of_the_bridge_is_answered(bridge: Application) -> None:
    bridge.clock.advance(15.5)
    answer = bridge.answer(PATH)
    StatusAnswer.model_validate(answer)
    settings = answer.pop("settings")
    assert settings["bridge"]["listen"] == "127.0.0.1:9106"
    assert answer == {
        "version": version(),
        "now": NOON + 3615.5,
        "uptime": 15.5,
        "workspace": None,
        "database": {"engine": "sqlite", "bytes": database_bytes(bridge.db)},
        "sources": [
            {
                "name": "local",
                "kind": "scrape",
                "series": 1,
                "progress": [
                    {
                        "resolution": "minute",
                        "newest": NOON + 3480,
                        "lag": 75.5,
                        "windows": {**NOTHING, "done": 59},
                    },
                    {
                        "resolution": "hour",
                        "newest": None,
                        "lag": None,
                        "windows": NOTHING,
                    },
                    {
                        "resolution": "day",
                        "newest": None,
                        "lag": None,
                        "windows": NOTHING,
                    },
                ],
            },
            {
                "name": "other",
                "kind": "",
                "series": 1,
                "progress": [
                    {
                        "resolution": resolution,
                        "newest": None,
                        "lag": None,
                        "windows": NOTHING,
                    }
                    for resolution in ("minute", "hour", "day")
                ],
            },
        ],
        "calendars": [],
    }


def test_calendars_are_told(bridge: Application) -> None:
    write(bridge.db, Listed("berlin", "Europe/Berlin", "1970-01-01 0", "kept", 0))
    answer = bridge.answer(PATH)
    StatusAnswer.model_validate(answer)
    assert answer["calendars"] == [
        {"name": "berlin", "zone": "Europe/Berlin", "state": "kept"}
    ]


@pytest.mark.parametrize(
    ("scope", "workspace", "seen"),
    [("admin", "", True), ("read", "", False), ("admin", "team", False)],
)
def test_settings_are_for_administrators_of_everything(
    locked: Application, scope: str, workspace: str, *, seen: bool
) -> None:
    key = locked.key(scope, workspace=workspace)
    assert (locked.answer(PATH, key)["settings"] is not None) is seen


def test_a_key_sees_the_sources_of_its_workspace(locked: Application) -> None:
    key = locked.key("read", workspace="team")
    answer = locked.answer(PATH, key)
    assert answer["workspace"] == "team"
    assert [one["name"] for one in answer["sources"]] == ["other"]


def test_a_parameter_is_refused(bridge: Application) -> None:
    assert bridge.problem(PATH, x="1") == (
        400,
        "x: is not a parameter here; known are none",
        ["x"],
    )

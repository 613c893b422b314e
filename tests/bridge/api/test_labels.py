from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.api.labels import LabelNames, LabelValues

if TYPE_CHECKING:
    from tests.bridge.application import Application
    from tests.bridge.history import History

PATH = "/api/v1/labels"


@pytest.fixture(autouse=True)
def _past(history: History) -> None:
    history.series("up", {"job": "web", "zone": "a"})
    history.series("up", {"job": "node"}, workspace="team")
    history.series("down", {"rack": "7"}, source="other")


def test_names_of_labels_are_answered(bridge: Application) -> None:
    answer = bridge.answer(PATH)
    LabelNames.model_validate(answer)
    assert answer == {"names": ["__name__", "job", "rack", "zone"]}
    assert bridge.answer(PATH, match='up{job="node"}') == {"names": ["__name__", "job"]}
    assert bridge.answer(PATH, source="other") == {"names": ["__name__", "rack"]}


def test_values_of_a_label_are_answered(bridge: Application) -> None:
    answer = bridge.answer(f"{PATH}/job/values")
    LabelValues.model_validate(answer)
    assert answer == {"name": "job", "values": ["node", "web"]}
    names = bridge.answer(f"{PATH}/__name__/values", match='{zone=~".+"}')
    assert names == {"name": "__name__", "values": ["up"]}
    assert bridge.answer(f"{PATH}/nothing/values")["values"] == []


def test_wrong_parameters_are_refused(bridge: Application) -> None:
    assert bridge.problem(PATH, limit="1") == (
        400,
        "limit: is not a parameter here; known are match, source",
        ["limit"],
    )
    status, detail, wrong = bridge.problem(f"{PATH}/job/values", match="up{")
    assert (status, wrong) == (400, ["match"])
    assert detail == (
        "'up{' is not a PromQL selector: unexpected end of input inside braces"
    )


def test_a_key_sees_the_labels_of_its_workspace(locked: Application) -> None:
    key = locked.key("read", workspace="team")
    assert locked.answer(f"{PATH}/job/values", key)["values"] == ["node"]

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.answers.find import find_series, label_names, label_values, written
from bridge.answers.selectors import parse

if TYPE_CHECKING:
    from models.database import Database
    from tests.bridge.history import History


@pytest.fixture
def ids(history: History) -> dict[str, int]:
    return {
        "web-2": history.series("up", {"job": "web", "instance": "b"}),
        "web-1": history.series("up", {"job": "web", "instance": "a"}),
        "other": history.series(
            "up", {"job": "web", "instance": "a"}, source="other", workspace="team"
        ),
        "node": history.series("up", {"job": "node"}, workspace="team"),
        "load": history.series("node_load1", {"job": "node", "note": 'say "job":"x"'}),
    }


def found(db: Database, *selectors: str, **limits: str) -> list[int]:
    rows = find_series(db, [parse(text) for text in selectors], **limits)
    return [row.id for row in rows]


def test_series_come_by_name_labels_and_source(
    db: Database, ids: dict[str, int]
) -> None:
    order = [ids[name] for name in ("load", "web-1", "other", "web-2", "node")]
    assert found(db) == order
    assert found(db, "up", '{job="node"}') == order


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("up", ["web-1", "other", "web-2", "node"]),
        ('up{instance="a"}', ["web-1", "other"]),
        ('{job="node"}', ["load", "node"]),
        ('{__name__=~"node.*"}', ["load"]),
        ('{__name__=~"nothing.*"}', []),
        ('{__name__!="up",job=~".+"}', ["load"]),
        ('{job="x"}', []),
        ('{note="say \\"job\\":\\"x\\""}', ["load"]),
        ("nothing", []),
    ],
)
def test_a_selector_finds_its_series(
    db: Database, ids: dict[str, int], selector: str, names: list[str]
) -> None:
    assert found(db, selector) == [ids[name] for name in names]


def test_only_one_workspace_or_source_is_seen_if_asked(
    db: Database, ids: dict[str, int]
) -> None:
    assert found(db, "up", workspace="team") == [ids["other"], ids["node"]]
    assert found(db, '{__name__=~"node.+"}', workspace="team") == []
    assert found(db, workspace="nobody") == []
    assert found(db, "up", source="other") == [ids["other"]]


def test_many_names_are_found_as_few_are(db: Database, history: History) -> None:
    ids = [history.series(f"metric_{number:03}") for number in range(150)]
    assert found(db, '{__name__=~"metric_.*"}') == ids


def test_labels_are_named_and_valued_once_and_sorted(
    db: Database, ids: dict[str, int]
) -> None:
    rows = find_series(db, [])
    assert len(ids) == len(rows)
    assert label_names(rows) == ["__name__", "instance", "job", "note"]
    assert label_names([]) == []
    assert label_values(rows, "instance") == ["a", "b"]
    assert label_values(rows, "__name__") == ["node_load1", "up"]
    assert label_values(rows, "nothing") == []


@pytest.mark.parametrize(
    "labels", [{}, {"job": "web"}, {"a": 'x"y\\z\n', "b": "é"}, {"odd name": "1"}]
)
@pytest.mark.parametrize("metric", ["up", "job:errors:rate5m", "process.cpu {x}"])
def test_a_written_series_selects_itself(metric: str, labels: dict[str, str]) -> None:
    text = written(metric, labels)
    assert parse(text).matches(metric, labels)
    assert not parse(text).matches("down", labels)

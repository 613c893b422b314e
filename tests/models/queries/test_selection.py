from __future__ import annotations

from typing import TYPE_CHECKING

from models.queries.selection import candidates, metric_names
from models.queries.series import SeriesRow
from tests.bridge.history import History

if TYPE_CHECKING:
    from models.database import Database


def test_candidates_are_whole_rows_in_the_order_of_their_ids(db: Database) -> None:
    history = History(db)
    number = history.series("up", {"job": "web"}, kind="counter", seen=7)
    assert candidates(db) == [
        SeriesRow(
            number, "local", "up", {"job": "web"}, "counter", "", "", "", "", 7, 7
        )
    ]


def test_names_labels_and_workspaces_leave_out_the_others(db: Database) -> None:
    history = History(db)
    history.series("up", {"job": "web"})
    history.series("up", {"job": "Web"})
    history.series("down", {"job": "web"}, workspace="team")
    history.series("odd", {"a_b": "50%", "c": 'x"y\\z'})

    def found(**conditions: object) -> list[str]:
        rows = candidates(db, **conditions)  # type: ignore[arg-type]  # as given below
        return [f"{row.metric} {row.labels.get('job', '')}".strip() for row in rows]

    assert found(metrics=["up"]) == ["up web", "up Web"]
    assert found(metrics=["up", "down"], labels={"job": "web"}) == [
        "up web",
        "down web",
    ]
    assert found(labels={"job": "web"}, workspace="team") == ["down web"]
    assert found(labels={"a_b": "50%"}) == ["odd"]
    assert found(labels={"c": 'x"y\\z'}) == ["odd"]
    assert found(labels={"aXb": "50%"}) == []
    assert found(metrics=[]) == []
    assert found(metrics=[f"m{number}" for number in range(200)]) != []


def test_metric_names_are_sorted_and_belong_to_the_workspace(db: Database) -> None:
    history = History(db)
    for metric, workspace in (("up", ""), ("down", "team"), ("up", "team")):
        history.series(metric, {"w": workspace}, workspace=workspace)
    assert metric_names(db) == ["down", "up"]
    assert metric_names(db, "team") == ["down", "up"]
    assert metric_names(db, "") == ["up"]

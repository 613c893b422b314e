from __future__ import annotations

from typing import TYPE_CHECKING

from models.creation import create, with_kinds
from models.directory import SeriesFacts, fingerprint_of

if TYPE_CHECKING:
    from models.database import Database


def test_series_that_are_not_known_are_entered_once(db: Database) -> None:
    facts = [SeriesFacts(name, "{}", "gauge") for name in ("a", "b", "a")]
    prints = [fingerprint_of("s", one.metric, one.labels) for one in facts]
    known = {("b", "{}")}
    with db.atomic():
        assert create(db, "s", facts, prints, known, 7, ("w", "e"))
        assert not create(db, "s", facts[:1], prints[:1], {("a", "{}")}, 7, ("", ""))
    found = db.execute_sql("SELECT metric, workspace, first_seen FROM series")
    assert found.fetchall() == [("a", "w", 7)]


def test_a_kind_that_is_unknown_is_that_of_older_series(db: Database) -> None:
    old = [SeriesFacts("a_total", '{"x":"1"}', "counter")]
    create(db, "s", old, [1], set(), 0, ("", ""))
    new = [SeriesFacts("a_total", "{}"), SeriesFacts("b", "{}")]
    assert [one.kind for one in with_kinds(db, "s", new)] == ["counter", "unknown"]
    assert [one.kind for one in with_kinds(db, "t", new)] == ["unknown", "unknown"]

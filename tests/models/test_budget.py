from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.budget import Budget
from models.directory import SeriesDirectory, SeriesFacts, canonical
from models.folded import overflow_of

if TYPE_CHECKING:
    from models.database import Database


def facts(
    *names: str, metric: str = "hits_total", kind: str = "counter"
) -> list[SeriesFacts]:
    return [
        SeriesFacts(metric, canonical({"job": "web", "pod": name}), kind)
        for name in names
    ]


def table(db: Database) -> list[tuple[str, str]]:
    found = db.execute_sql("SELECT metric, labels FROM series ORDER BY id")
    return [(metric, labels) for metric, labels in found.fetchall()]


def resolve(db: Database, some: list[SeriesFacts], limit: int) -> list[int]:
    found = SeriesDirectory(db).resolve("s", some, 0, budget=Budget(db, limit))
    return [int(number) for number in found]


@pytest.mark.rule(76)
def test_r76_series_beyond_the_budget_share_one(db: Database) -> None:
    ids = resolve(db, facts("a", "b", "c", "d"), 2)
    assert [number > 0 for number in ids] == [True, True, False, False]
    assert len(set(ids)) == 4
    assert table(db)[2:] == [("hits_total", '{"job":"web","overflow":"true"}')]
    (overflow,) = set(
        overflow_of(
            SeriesDirectory(db).resolve("s", facts("c", "d"), 0, budget=Budget(db, 2))
        ).tolist()
    )
    assert SeriesDirectory(db).describe([overflow]) == [
        ("hits_total", {"job": "web", "overflow": "true"})
    ]
    # Again, and after a restart, they are the same.
    assert resolve(db, facts("d", "c", "b", "a"), 2) == ids[::-1]
    assert len(table(db)) == 3


def test_a_series_that_has_an_id_keeps_it(db: Database) -> None:
    before = resolve(db, facts("a", "b"), 0)
    assert resolve(db, facts("a", "b", "c"), 1)[:2] == before


def test_a_budget_that_was_raised_gives_ids(db: Database) -> None:
    assert resolve(db, facts("a", "b"), 1)[1] < 0
    assert resolve(db, facts("a", "b"), 10)[1] > 0


def test_each_metric_and_job_has_an_overflow_of_its_own(db: Database) -> None:
    resolve(db, [*facts("a"), *facts("b", metric="misses_total")], 1)
    other = SeriesFacts("hits_total", canonical({"pod": "x"}), "counter")
    resolve(db, [*facts("b"), other], 1)
    assert table(db)[1:] == [
        ("misses_total", '{"job":"web","overflow":"true"}'),
        ("hits_total", '{"job":"web","overflow":"true"}'),
        ("hits_total", '{"overflow":"true"}'),
    ]


def test_what_tells_of_targets_is_not_folded(db: Database) -> None:
    resolve(db, facts("a"), 1)
    assert min(resolve(db, facts("b", metric="up", kind="gauge"), 1)) > 0


@pytest.mark.rule(76)
def test_r76_histograms_beyond_the_budget_share_one(db: Database) -> None:
    resolve(db, facts("a"), 1)
    ids = resolve(db, facts("b", "c", metric="took", kind="histogram"), 1)
    assert max(ids) < 0
    assert table(db)[1:] == [("took", '{"job":"web","overflow":"true"}')]
    kinds = db.execute_sql("SELECT kind FROM series WHERE metric = 'took'").fetchall()
    assert [kind for (kind,) in kinds] == ["histogram"]


def like_overflow(metric: str = "hits_total") -> SeriesFacts:
    labels = canonical({"job": "web", "overflow": "true"})
    return SeriesFacts(metric, labels, "counter")


@pytest.mark.rule(76)
@pytest.mark.parametrize("is_first", [False, True])
def test_r76_a_series_called_as_an_overflow_series_is_not_it(
    db: Database, *, is_first: bool
) -> None:
    if is_first:
        resolve(db, [like_overflow()], 2)
    first = resolve(db, [*facts("a", "b", "c"), like_overflow()], 2)
    folded, alike = first[2:]
    assert folded < 0
    assert alike < 0
    assert folded != alike
    owners = overflow_of(np.array([folded, alike], np.int64)).tolist()
    assert len(set(owners)) == 1
    assert owners[0] not in first
    # Also where all is known, alone, and with room for it.
    assert resolve(db, [like_overflow()], 2) == [alike]
    assert resolve(db, [like_overflow()], 100) == [alike]


def test_a_label_overflow_beside_others_is_like_any_label(db: Database) -> None:
    labels = canonical({"job": "web", "overflow": "true", "pod": "a"})
    assert resolve(db, [SeriesFacts("hits_total", labels)], 2)[0] > 0
    assert resolve(db, [like_overflow("up")], 2)[0] > 0
    assert resolve(db, [like_overflow("misses_total")], 0)[0] > 0


def test_without_a_limit_nothing_is_folded(db: Database) -> None:
    assert min(resolve(db, facts(*"abcdefgh"), 0)) > 0

"""Which series there are, for all or for one workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.directory import SeriesDirectory, SeriesFacts
from models.queries import series
from tests.models.statements import counted

if TYPE_CHECKING:
    from peewee import Database


@pytest.fixture
def filled(db: Database) -> Database:
    directory = SeriesDirectory(db)
    for source, workspace in (("a", "one"), ("b", "two")):
        facts = [
            SeriesFacts("up", '{"job":"x"}', kind="gauge"),
            SeriesFacts("requests_total", '{"code":"500","job":"x"}', kind="counter"),
            SeriesFacts("requests_total", '{"code":"200","job":"x"}', kind="counter"),
        ]
        directory.resolve(source, facts, 10, workspace)
    return db


def test_the_series_of_a_metric(filled: Database) -> None:
    found = series.by_metric(filled, "requests_total")
    assert [(one.source, one.labels) for one in found] == [
        ("a", {"code": "500", "job": "x"}),
        ("a", {"code": "200", "job": "x"}),
        ("b", {"code": "500", "job": "x"}),
        ("b", {"code": "200", "job": "x"}),
    ]
    assert series.by_metric(filled, "absent") == []
    theirs = series.by_metric(filled, "requests_total", workspace="two")
    assert theirs == found[2:]


def test_all_series_in_the_order_of_their_ids(filled: Database) -> None:
    found = series.everything(filled)
    assert [one.id for one in found] == sorted(one.id for one in found)
    assert len(found) == 6
    assert series.everything(filled, workspace="one") == found[:3]
    assert series.everything(filled, workspace="") == []


def test_series_are_counted_by_source(filled: Database) -> None:
    assert series.count_by_source(filled) == {"a": 3, "b": 3}
    assert series.count_by_source(filled, workspace="two") == {"b": 3}


def test_the_ids_of_a_source(filled: Database) -> None:
    found = series.ids_of_source(filled, "b")
    assert found.tolist() == [one.id for one in series.everything(filled)[3:]]
    empty = series.ids_of_source(filled, "c")
    assert empty.tolist() == []
    assert empty.dtype == np.int64


def test_the_kinds_of_ids(filled: Database) -> None:
    known = series.everything(filled)
    ids = np.array([one.id for one in known] + [10**9])
    shuffled = ids[::-1]
    found = series.kinds_of(filled, shuffled)
    assert found.tolist() == ["unknown", *(one.kind for one in known[::-1])]
    assert series.kinds_of(filled, ids[:0]).tolist() == []


def test_the_histograms_of_a_source(db: Database) -> None:
    directory = SeriesDirectory(db)
    facts = [
        SeriesFacts("h", '{"a":"1"}', "histogram"),
        SeriesFacts("h", '{"a":"2"}', "histogram"),
        SeriesFacts("g", "{}", "gauge"),
    ]
    directory.resolve("a", facts, 0)
    directory.resolve("b", [SeriesFacts("i", "{}", "histogram")], 0)
    assert series.histograms(db, "a") == {"h"}


def test_series_are_found_by_their_indexes(sqlite: Database) -> None:
    with counted(sqlite) as said:
        series.by_metric(sqlite, "up")
        series.ids_of_source(sqlite, "a")
        series.kinds_of(sqlite, np.array([1, 2]))
        series.histograms(sqlite, "a")
    assert said.ways() == {
        "SEARCH series USING INDEX series_metric (metric=?)",
        "SEARCH series USING INDEX series_source (source=?)",
        "SEARCH s USING INTEGER PRIMARY KEY (rowid=?)",
    }

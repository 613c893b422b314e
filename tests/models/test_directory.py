"""Series keep their ids for ever, whatever their names, hashes and settings."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.database import Database, open_database
from models.directory import (
    SeriesDirectory,
    SeriesFacts,
    canonical,
    fingerprint_of,
)
from models.queries.series import SeriesRow, everything
from tests.models.statements import counted

if TYPE_CHECKING:
    from collections.abc import Callable

LABELS = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=6)


def facts(count: int, **known: str) -> list[SeriesFacts]:
    return [
        SeriesFacts(f"m{number % 7}", canonical({"pod": str(number)}), **known)
        for number in range(count)
    ]


@given(labels=LABELS)
@pytest.mark.rule(75)
def test_labels_have_one_canonical_text(labels: dict[str, str]) -> None:
    kept = {name: value for name, value in labels.items() if value}
    backwards = dict(reversed(labels.items()))
    wanted = json.dumps(
        kept, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    ).replace("\x7f", "\x7f")
    assert canonical(labels) == canonical(backwards) == wanted
    assert canonical({**labels, "__name__": "up", "absent": ""}) == wanted
    assert json.loads(wanted) == kept


def test_labels_that_are_no_text_are_refused() -> None:
    with pytest.raises(ValueError, match="labels are not valid text"):
        canonical({"pod": "\ud800"})


@pytest.mark.rule(75)
def test_labels_may_be_any_unicode_and_even_nul(db: Database) -> None:
    labels = {"naïve": "żółć 🦉", "nul": "a\0b", "quote": '"\\\n'}
    directory = SeriesDirectory(db)
    ids = directory.resolve("a", [SeriesFacts("m.with dots", canonical(labels))], 5)
    assert SeriesDirectory(db).describe(ids.tolist()) == [("m.with dots", labels)]


def test_missing_series_are_created_and_found_again(db: Database) -> None:
    directory = SeriesDirectory(db)
    first = directory.resolve("a", facts(1200), 100)
    again = directory.resolve("a", facts(1200)[::-1], 200)
    anew = SeriesDirectory(db).resolve("a", facts(1300), 300)
    assert first.dtype == np.int64
    assert len(set(first.tolist())) == 1200
    assert again.tolist() == first.tolist()[::-1]
    assert anew[:1200].tolist() == first.tolist()
    assert min(anew[1200:]) > max(first)


def test_everything_that_is_known_is_kept(db: Database) -> None:
    fact = SeriesFacts(
        "m", '{"pod":"x"}', kind="counter", unit="bytes", help="Bytes sent."
    )
    (number,) = SeriesDirectory(db).resolve("a", [fact], 77, "team", "production")
    assert everything(db) == [
        SeriesRow(
            id=int(number),
            source="a",
            metric="m",
            labels={"pod": "x"},
            kind="counter",
            unit="bytes",
            help="Bytes sent.",
            workspace="team",
            environment="production",
            first_seen=77,
            last_seen=77,
        )
    ]


def test_sources_do_not_share_series(db: Database) -> None:
    directory = SeriesDirectory(db)
    ids = [*directory.resolve("a", facts(3), 1), *directory.resolve("b", facts(3), 1)]
    assert len(set(ids)) == 6


def test_the_same_series_twice_in_a_batch_is_one(db: Database) -> None:
    (fact,) = facts(1)
    ids = SeriesDirectory(db).resolve("a", [fact, fact, *facts(2)], 1)
    assert ids.tolist() == [ids[0], ids[0], ids[0], ids[3]]
    assert len(everything(db)) == 2


def test_no_series_are_no_work(db: Database) -> None:
    assert SeriesDirectory(db).resolve("a", [], 1).tolist() == []
    assert SeriesDirectory(db).describe([]) == []


@pytest.mark.parametrize("fingerprint", [lambda *_: 7, lambda *part: len(part[2]) % 3])
@pytest.mark.rule(75)
def test_identity_survives_hash_collisions(
    db: Database, fingerprint: Callable[[str, str, str], int]
) -> None:
    directory = SeriesDirectory(db, fingerprint=fingerprint)
    some = directory.resolve("a", facts(20), 1)
    more = directory.resolve("a", facts(40), 2)
    others = directory.resolve("b", facts(40), 3)
    assert len({*more.tolist(), *others.tolist()}) == 80
    assert more[:20].tolist() == some.tolist()
    fresh = SeriesDirectory(db, fingerprint=fingerprint)
    assert fresh.resolve("b", facts(40), 4).tolist() == others.tolist()
    assert fresh.describe(some.tolist()) == [
        (fact.metric, json.loads(fact.labels)) for fact in facts(20)
    ]


def test_fingerprints_tell_apart_where_one_part_ends() -> None:
    texts = [("a", "b", "{}"), ("ab", "", "{}"), ("", "ab", "{}"), ("a", "b{", "}")]
    assert len({fingerprint_of(*text) for text in texts}) == 4
    assert all(-(2**63) <= fingerprint_of(*text) < 2**63 for text in texts)


def test_what_was_unknown_is_filled_in_and_what_is_known_stays(db: Database) -> None:
    directory = SeriesDirectory(db)

    def known(**more: str) -> tuple[str, str, str]:
        directory.resolve("a", facts(1, **more), 1)
        (found,) = everything(db)
        return found.kind, found.unit, found.help

    assert known() == ("unknown", "", "")
    assert known(kind="counter") == ("counter", "", "")
    assert known(unit="seconds") == ("counter", "seconds", "")
    assert known(kind="gauge", help="Time.") == ("counter", "seconds", "Time.")
    assert known(unit="bytes", help="Other.") == ("counter", "seconds", "Time.")


def test_workspace_and_environment_follow_the_settings(db: Database) -> None:
    directory = SeriesDirectory(db)
    directory.resolve("a", facts(2), 1, "old", "test")
    directory.resolve("a", facts(1), 2, "new", "production")
    found = [(one.workspace, one.environment) for one in everything(db)]
    assert found == [("new", "production"), ("old", "test")]


def test_help_that_an_engine_cannot_store_is_mended(db: Database) -> None:
    directory = SeriesDirectory(db)
    for _ in range(2):
        directory.resolve("a", facts(1, help="a\0b\ud800", unit="\0"), 1)
    (found,) = everything(db)
    assert (found.help, found.unit) == ("a\ufffdb?", "\ufffd")


def test_descriptions_are_read_once(db: Database) -> None:
    ids = SeriesDirectory(db).resolve("a", facts(50), 1).tolist()
    directory = SeriesDirectory(db)
    wanted = [(fact.metric, json.loads(fact.labels)) for fact in facts(50)]
    with counted(db) as first:
        assert directory.describe(ids) == wanted
    with counted(db) as second:
        assert directory.describe(ids[::-1]) == wanted[::-1]
    assert (len(first), len(second)) == (1, 0)


def test_descriptions_in_memory_are_bounded(db: Database) -> None:
    ids = SeriesDirectory(db).resolve("a", facts(50), 1).tolist()
    directory = SeriesDirectory(db, remembered=10)
    wanted = [(fact.metric, json.loads(fact.labels)) for fact in facts(50)]
    for _ in range(2):
        assert directory.describe(ids) == wanted
        assert [directory.describe([number])[0] for number in ids] == wanted
        assert len(directory._described) == 10
        assert len(directory._words) <= 20


def test_an_unknown_id_is_a_key_error(db: Database) -> None:
    with pytest.raises(KeyError, match="77"):
        SeriesDirectory(db).describe([77])


def test_last_seen_only_moves_forward(db: Database) -> None:
    directory = SeriesDirectory(db)
    ids = directory.resolve("a", facts(3), 100)
    directory.touch(ids[:2], 300)
    directory.touch(ids[1:].tolist(), 200)
    directory.touch([], 900)
    assert [(one.first_seen, one.last_seen) for one in everything(db)] == [
        (100, 300),
        (100, 300),
        (100, 200),
    ]


def test_the_id_of_a_deleted_series_is_never_given_again(db: Database) -> None:
    directory = SeriesDirectory(db)
    ids = directory.resolve("a", facts(3), 1)
    db.execute_sql("DELETE FROM series")
    assert min(directory.resolve("a", facts(3), 2)) > max(ids)


def test_processes_that_create_the_same_series_agree(
    migrated_url: str, db: Database
) -> None:
    barrier = threading.Barrier(4)
    found: list[list[int]] = []

    def work() -> None:
        mine = open_database(migrated_url)
        barrier.wait()
        found.append(SeriesDirectory(mine).resolve("a", facts(700), 1).tolist())
        mine.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [found[0]] * 4
    assert len(everything(db)) == 700


def test_a_failed_resolve_leaves_nothing(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = SeriesDirectory(db)

    def fail(*_: Any) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(directory, "_update", fail)
    with pytest.raises(OSError, match="the disk is gone"):
        directory.resolve("a", facts(3), 1)
    assert everything(db) == []


def test_statements_are_few_however_many_series(db: Database) -> None:
    directory = SeriesDirectory(db)
    with counted(db) as creating:
        directory.resolve("a", facts(20_000), 1)
    with counted(db) as knowing:
        directory.resolve("a", facts(20_000), 2)
    with counted(db) as filling:
        directory.resolve("a", facts(20_000, kind="counter", help="Help."), 3)
    assert len(creating) <= 20_000 / 500 + 10
    assert len(knowing) == 1
    assert len(filling) <= 10


def test_series_are_looked_up_by_their_keys(sqlite: Database) -> None:
    directory = SeriesDirectory(sqlite)
    with counted(sqlite) as said:
        directory.resolve("a", facts(3), 1)
        directory.resolve("a", facts(3, kind="gauge"), 1)
        directory.touch([1, 2], 9)
        SeriesDirectory(sqlite).describe([1])
    assert said.ways() == {
        "SEARCH s USING INDEX series_fingerprint_ordinal (fingerprint=?)",
        "SEARCH s USING INTEGER PRIMARY KEY (rowid=?)",
        "SEARCH series USING INTEGER PRIMARY KEY (rowid=?)",
        "SEARCH series USING INDEX series_metric (metric=?)",
    }


def test_a_new_series_of_a_known_metric_has_its_kind(db: Database) -> None:
    directory = SeriesDirectory(db)
    told = SeriesFacts("hits_total", canonical({"code": "200"}), kind="counter")
    untold = SeriesFacts("hits_total", canonical({"code": "500"}))
    other = SeriesFacts("depth", canonical({"code": "500"}))
    directory.resolve("s", [told], 0)
    directory.resolve("s", [untold, other], 0)
    directory.resolve("elsewhere", [untold], 0)
    found = {(row.source, row.metric, row.kind) for row in everything(db)}
    assert found == {
        ("s", "hits_total", "counter"),
        ("s", "depth", "unknown"),
        ("elsewhere", "hits_total", "unknown"),
    }

"""Files hold all results, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from bridge.answers.probes import exports
from models.queries.results import Picked
from tests.probed import BEGIN, MINUTE, failure, known, result, run, store

if TYPE_CHECKING:
    from models.database import Database

EVIL = '=HYPERLINK("http://x","y")'


@pytest.fixture
def filled(db: Database) -> Database:
    known(db, "a")
    runs = []
    for minute in range(1200):
        at = BEGIN + minute * MINUTE + 7
        facts = {"ttl": 64, "note": 'a "b",\n'}
        told: dict[str, Any] = {"rtts": (0.01, None), "sent": 2, "facts": facts}
        runs.append(run(at, result("a", at, phases={"connect": 0.5}, **told)))
    at = BEGIN + 1200 * MINUTE
    bad = failure("a", at, message=EVIL, address="-1+2", marks=("m", "n"))
    store(db, *runs, run(at, bad))
    return db


def read_csv(db: Database, of: Picked) -> list[dict[str, str]]:
    text = "".join(exports.to_csv(db, of))
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_csv_has_all_results_with_rfc_3339_times(filled: Database) -> None:
    rows = read_csv(filled, Picked())
    assert len(rows) == 1201
    assert list(rows[0]) == list(exports.COLUMNS)
    assert rows[0]["time"].endswith(":00:00.007Z")
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    first = rows[0]
    assert (first["destination"], first["success"]) == ("a", "true")
    assert (first["sent"], first["received"], first["loss"]) == ("2", "1", "0.5")
    assert float(first["rtt_mean"]) == float(first["rtt_p95"]) == 0.01
    assert json.loads(first["rtts"])[1] is None
    assert json.loads(first["facts"])["note"] == 'a "b",\n'
    assert json.loads(first["phases"]) == {"connect": 0.5}


def test_csv_has_no_formulas(filled: Database) -> None:
    last = read_csv(filled, Picked(success=False))[-1]
    assert (last["message"], last["address"]) == (f"'{EVIL}", "'-1+2")
    assert (last["rtt_mean"], last["success"]) == ("", "false")
    assert json.loads(last["marks"]) == ["m", "n"]


def test_json_is_one_document_as_the_results_are(filled: Database) -> None:
    found = json.loads(b"".join(exports.to_json(filled, Picked())))
    assert len(found["results"]) == 1201
    last = found["results"][-1]
    assert list(last) == list(exports.COLUMNS)
    assert (last["message"], last["success"]) == (EVIL, False)
    assert (last["rtts"], last["marks"]) == ([None], ["m", "n"])
    assert found["results"][0]["time"].endswith("00:00.007Z")


def test_nothing_found_is_an_empty_file(db: Database) -> None:
    assert read_csv(db, Picked()) == []
    assert json.loads(b"".join(exports.to_json(db, Picked()))) == {"results": []}
    assert exports.told(-1) == "1969-12-31T23:59:59.999Z"


def test_files_come_piece_by_piece(filled: Database) -> None:
    assert len(list(exports.to_csv(filled, Picked()))) == 4
    assert len(list(exports.to_json(filled, Picked()))) == 5

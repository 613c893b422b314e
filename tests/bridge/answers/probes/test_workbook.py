"""A workbook is opened again, and says what the results say."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from bridge.answers.probes import workbook
from bridge.answers.probes.asked import Asked, picked
from bridge.answers.probes.exports import COLUMNS
from bridge.answers.probes.workbook import SHEETS
from bridge.answers.times import Span
from tests.probed import BEGIN, MINUTE, failure, known, result, run, store

if TYPE_CHECKING:
    from models.database import Database

EVIL = "=1+1"
HOUR = Span(BEGIN / 1000, BEGIN / 1000 + 3600)
MIDDLE = datetime.fromisoformat("1970-01-01") + timedelta(milliseconds=BEGIN)


def opened(db: Database, rows: int = workbook.ROWS) -> Any:
    file = io.BytesIO()
    of = picked(db, Asked(job="gateways"), HOUR)
    workbook.write(db, of, HOUR, file, rows)
    file.seek(0)
    return openpyxl.load_workbook(file)


def table(sheet: Any) -> list[dict[str, Any]]:
    head, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.fixture
def filled(db: Database) -> Database:
    """Twenty minutes of two destinations; `b` fails in the second half."""
    known(db, "a", "b")
    for minute in range(20):
        at = BEGIN + minute * MINUTE
        second = failure("b", at, message=EVIL) if minute >= 10 else result("b", at)
        times = (0.01, 0.02, 0.04)
        first = result("a", at, rtts=times, sent=3, received=3)
        store(db, run(at, first, second))
    return db


def test_raw_data_are_all_results(filled: Database) -> None:
    rows = table(opened(filled)[SHEETS[0]])
    assert len(rows) == 40
    assert list(rows[0]) == list(COLUMNS)
    assert rows[0]["time"] == MIDDLE
    assert rows[0]["began"] == MIDDLE + timedelta(milliseconds=3)
    assert (rows[0]["rtt_min"], rows[0]["rtt_max"]) == (0.01, 0.04)
    assert (rows[-1]["success"], rows[-1]["reason"]) == ("false", "timeout")
    assert rows[-1]["message"] == f"'{EVIL}"


def test_no_cell_is_a_formula(filled: Database) -> None:
    book = opened(filled)
    assert book.sheetnames == list(SHEETS)
    kinds = {cell.data_type for sheet in book for row in sheet for cell in row}
    assert "f" not in kinds


def test_figures_are_those_of_the_results(filled: Database) -> None:
    book = opened(filled)
    first, second = table(book[SHEETS[1]])
    assert (first["destination"], first["probe"], first["results"]) == ("a", "icmp", 20)
    assert (first["success_rate"], first["rtt_max"]) == (1, 0.04)
    assert first["rtt_p50"] == pytest.approx(0.02)
    assert (second["success_rate"], second["loss"]) == (0.5, 0.5)
    rates = table(book[SHEETS[2]])
    assert rates[0]["time"] == MIDDLE
    known_rates = [row["b"] for row in rates if row["b"] is not None]
    assert sum(known_rates) / len(known_rates) == 0.5
    cells = table(book[SHEETS[3]])
    assert sum(row["round-trip times"] for row in cells) == 20 * 3 + 10
    assert all(len(book[name]._charts) == 1 for name in SHEETS[1:])


def test_what_does_not_fit_is_on_further_sheets(filled: Database) -> None:
    book = opened(filled, rows=16)
    names = ["Results", "Results 2", "Results 3"]
    assert set(book.sheetnames) == {*SHEETS, *names}
    assert [len(table(book[name])) for name in names] == [15, 15, 10]


def test_nothing_found_is_a_workbook_too(db: Database) -> None:
    known(db, "a")
    book = opened(db)
    assert table(book[SHEETS[0]]) == table(book[SHEETS[1]]) == []
    assert [cell.value for cell in book[SHEETS[0]][1]] == list(COLUMNS)

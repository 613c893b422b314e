from __future__ import annotations

import csv
import io
import math

import numpy as np
import orjson
import pytest

from bridge.answers.aggregates import Column
from bridge.answers.resolution import Choice
from bridge.answers.rollups import Answer, Line
from bridge.answers.times import Stretch
from bridge.answers.writing import cells, rollups_csv, rollups_document, to_json, values
from models.queries.series import SeriesRow
from tests.bridge.history import MINUTE, NAN

NOON = 1_795_262_400


def line(metric: str, labels: dict[str, str], **columns: list[float]) -> Line:
    series = SeriesRow(
        7, "local", metric, labels, "gauge", "", "", "", "", NOON, NOON + 60
    )
    length = len(next(iter(columns.values())))
    return Line(
        series,
        np.arange(NOON, NOON + 60 * length, 60),
        {
            name: Column(np.array(column), whole=name == "count")
            for name, column in columns.items()
        },
    )


def answer(*lines: Line) -> Answer:
    stretch = Stretch(MINUTE, NOON, NOON + 120)
    return Answer(Choice(MINUTE, "asked for"), stretch, lines, {}, ())


def read(*lines: Line) -> list[list[str]]:
    text = "".join(rollups_csv(answer(*lines)))
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.rule(82)
def test_json_has_numbers_nulls_and_names() -> None:
    document = rollups_document(
        answer(
            line(
                "up",
                {"job": "x"},
                avg=[0.1, NAN],
                max=[math.inf, -math.inf],
                count=[4.0, NAN],
            )
        )
    )
    (found,) = orjson.loads(to_json(document))["series"]
    assert found == {
        "id": 7,
        "source": "local",
        "metric": "up",
        "labels": {"job": "x"},
        "kind": "gauge",
        "unit": "",
        "aggregates": ["avg", "max", "count"],
        "start": [NOON, NOON + 60],
        "avg": [0.1, None],
        "max": ["+Inf", "-Inf"],
        "count": [4, None],
    }


def test_doubles_are_written_with_all_their_digits() -> None:
    odd = [0.1 + 0.2, 1e-300, 2.0**53 + 2, 1 / 3]
    assert orjson.loads(to_json({"x": Column(np.array(odd)).values}))["x"] == odd


def test_what_is_not_a_number_is_told_from_what_is_missing() -> None:
    column = Column(np.array([1.0, NAN, NAN]), undefined=np.array([False, True, False]))
    assert values(column) == [1.0, "NaN", None]
    assert cells(column) == [1.0, "NaN", ""]


def test_csv_has_a_row_per_window() -> None:
    labels = {"instance": "a,b", "note": 'say "x"'}
    assert read(
        line("up", labels, avg=[0.5, NAN]), line("down", {}, count=[3.0, 4.0])
    ) == [
        [
            "series_id",
            "source",
            "metric",
            "labels",
            "start",
            "open",
            "avg",
            "count",
        ],
        [
            "7",
            "local",
            "up",
            '{"instance":"a,b","note":"say \\"x\\""}',
            "2026-11-21T12:00:00Z",
            "false",
            "0.5",
            "",
        ],
        [
            "7",
            "local",
            "up",
            '{"instance":"a,b","note":"say \\"x\\""}',
            "2026-11-21T12:01:00Z",
            "false",
            "",
            "",
        ],
        ["7", "local", "down", "{}", "2026-11-21T12:00:00Z", "false", "", "3"],
        ["7", "local", "down", "{}", "2026-11-21T12:01:00Z", "false", "", "4"],
    ]


def test_csv_without_series_is_a_header() -> None:
    assert read() == [["series_id", "source", "metric", "labels", "start", "open"]]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_is_no_formula_to_a_spreadsheet(start: str) -> None:
    rows = read(line(f"{start}cmd|' /C calc'!A0", {}, avg=[-1.5]))
    assert rows[1][2] == f"'{start}cmd|' /C calc'!A0"
    assert rows[1][6] == "-1.5"


def test_csv_lines_end_as_rfc_4180_wants() -> None:
    text = "".join(rollups_csv(answer(line("up", {}, avg=[1.0]))))
    assert text.endswith("Z,false,1.0\r\n")

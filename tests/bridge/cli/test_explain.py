from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.bridge.trusted import BEGIN, SOURCES, Lived, lived

if TYPE_CHECKING:
    from models.database import Database
    from tests.bridge.cli.conftest import Shell


@pytest.fixture
def past(used: Shell, db: Database) -> Lived:
    used.configure(SOURCES)
    return lived(db)


def test_a_minute_is_explained_with_its_samples(used: Shell, past: Lived) -> None:
    result = used.run("explain", "a_total", str(BEGIN + 310))
    assert result.exit_code == 0, result.stderr
    said = result.stdout
    assert 'a_total{job="x"} of local' in said
    assert "4 of 4 samples (100 %)" in said
    assert "it rose by 3 (0.05 per second), with 1 reset" in said
    assert "ledger: done; computed once 2023-" in said
    assert "the row follows from them" in said
    lines = [line.split() for line in said.splitlines()]
    assert ["2023-11-14T22:18:45.000Z", "19.0", "before"] in lines
    assert ["2023-11-14T22:19:30.000Z", "0.0", "0.0", "reset"] in lines


def test_a_row_that_does_not_follow_is_told(used: Shell, past: Lived) -> None:
    past.db.execute_sql(
        "UPDATE rollup_minute SET sum = 7 WHERE start = ?", (BEGIN + 60,)
    )
    said = used.run("explain", "a_total", str(BEGIN + 60)).stdout
    assert "the row does not follow from them" in said
    assert "sum: stored 7.0, computed 22.0" in said


def test_where_the_samples_are_gone_it_is_said(used: Shell, past: Lived) -> None:
    past.db.execute_sql("DELETE FROM buffer WHERE start <= ?", (BEGIN + 60,))
    said = used.run("explain", "a_total", str(BEGIN + 60)).stdout
    assert "raw samples: the source has no samples of it" in said


def test_a_source_that_is_gone_is_said(used: Shell, past: Lived) -> None:
    used.configure(SOURCES.replace("local", "another"))
    said = used.run("explain", "a_total", str(BEGIN + 60)).stdout
    assert "raw samples: local is not a source in the settings any more" in said


def test_an_hour_is_explained_by_its_minutes(used: Shell, past: Lived) -> None:
    asked = ("explain", "a_total", str(BEGIN), "--resolution", "hour")
    answer = json.loads(used.run(*asked, "--format", "json").stdout)
    assert answer["row"] is None
    assert answer["words"] == [
        "no row: the window 2023-11-14T22:00:00Z is not in the ledger, so not done"
    ]
    told = [one["increase"] for one in answer["finer"] if one["count"]]
    assert len(answer["finer"]) == 60
    assert told[:3] == [3.0, 4.0, 4.0]
    assert answer["raw"] is None


def test_one_series_is_explained_at_a_time(used: Shell, past: Lived) -> None:
    past.feed("b_total", [(600.0, 1.0)])
    result = used.run("explain", '{job="x"}', str(BEGIN))
    assert result.exit_code == 2
    assert "series, and one number is explained at a time" in result.stderr
    assert used.run("explain", "nothing", str(BEGIN)).exit_code == 2


def test_what_was_restated_and_corrected_is_told(used: Shell, past: Lived) -> None:
    span = ("--from", str(BEGIN + 60), "--to", str(BEGIN + 120))
    made = used.run("correct", "--match", "a_total", *span, "--note", "upside down")
    assert made.exit_code == 0, made.stderr
    said = used.run("explain", "a_total", str(BEGIN + 60)).stdout
    assert "correction 1 (applied): upside down, by" in said
    assert "correction 1: upside down" in said
    assert "0 of 4 samples (0 %)" in said
    assert "samples that were declared wrong were left out" in said


def test_times_may_be_told_by_how_long_ago_they_were(used: Shell, past: Lived) -> None:
    result = used.run("explain", "a_total", "-3m", "--no-raw")
    assert result.exit_code == 0, result.stderr
    assert "is not in the ledger" in result.stdout
    wrong = used.run("explain", "a_total", "-3m", "--no-rw")
    assert wrong.exit_code == 2
    assert "--no-rw" in wrong.stderr


def test_figures_that_a_row_has_not_are_left_empty(used: Shell, past: Lived) -> None:
    said = used.run("explain", "a_total", str(BEGIN + 60)).stdout
    assert "None" not in said


@pytest.mark.parametrize("command", ["explain", "restatements", "correct"])
def test_a_source_that_is_not_known_is_refused(
    used: Shell, past: Lived, command: str
) -> None:
    asked = {
        "explain": ("a_total", str(BEGIN)),
        "restatements": (),
        "correct": ("--match", "a_total", "--from", str(BEGIN), "--note", "x"),
    }
    result = used.run(command, *asked[command], "--source", "nope")
    assert result.exit_code == 2
    assert "'nope' is not a source; known are local" in result.stderr

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.bridge.trusted import BEGIN, SOURCES, Lived, lived

if TYPE_CHECKING:
    from models.database import Database
    from tests.bridge.cli.conftest import Shell

ALL = ("--from", str(BEGIN), "--to", str(BEGIN + 600))


@pytest.fixture
def past(used: Shell, db: Database) -> Lived:
    used.configure(SOURCES)
    return lived(db)


def test_what_is_right_is_said_so(used: Shell, past: Lived) -> None:
    result = used.run("verify", *ALL)
    assert result.exit_code == 0, result.stdout + result.stderr
    assert "10 minutes, 10 rows\nsame: 10 (as the samples say)\n" in result.stdout


def test_differences_are_shown_and_are_exit_code_1(used: Shell, past: Lived) -> None:
    past.db.execute_sql(
        "UPDATE rollup_minute SET increase = 9 WHERE start = ?", (BEGIN + 60,)
    )
    result = used.run("verify", *ALL, "--source", "local")
    assert result.exit_code == 1
    assert "differs: 1 (rows are not what the samples say)" in result.stdout
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [
        "2023-11-14T22:15:00Z",
        'a_total{job="x"}',
        "differs",
        "increase",
        "9.0",
        "4.0",
    ] in lines
    assert "--repair does them again" in result.stderr
    assert used.run("verify", *ALL, "--repair").exit_code == 1
    past.beat()
    assert used.run("verify", *ALL).exit_code == 0


def test_as_many_as_asked_for_are_looked_at(used: Shell, past: Lived) -> None:
    assert "3 minutes" in used.run("verify", *ALL, "--sample", "3").stdout


def test_samples_that_are_gone_are_no_difference(used: Shell, past: Lived) -> None:
    past.db.execute_sql("DELETE FROM buffer WHERE start = ?", (BEGIN + 60,))
    result = used.run("verify", *ALL)
    assert result.exit_code == 0
    assert (
        "aged: 1 (the source has fewer samples by now, not compared)" in result.stdout
    )


def test_a_source_that_never_answers_verifies_nothing(used: Shell, past: Lived) -> None:
    used.configure(
        "sources: [{name: local, kind: prometheus, url: 'http://127.0.0.1:9', "
        "selectors: [a_total], retries: 0}]\n"
    )
    result = used.run("verify", *ALL)
    assert "failed: 10 (the source did not answer)" in result.stdout
    assert "local did not answer: nothing was verified" in result.stderr
    assert result.exit_code == 1


def test_an_unknown_source_is_refused(used: Shell, past: Lived) -> None:
    result = used.run("verify", "--source", "other")
    assert result.exit_code == 2
    assert "'other' is not a source; known are local" in result.stderr


def test_histograms_are_compared_with_their_buckets(used: Shell, past: Lived) -> None:
    seen = [(15.0 * n, 8.0 * n) for n in range(40)]
    past.feed_histogram("h", seen)
    past.beat()
    result = used.run("verify", *ALL)
    assert result.exit_code == 0, result.stdout
    assert "10 minutes, 20 rows\n" in result.stdout
    past.db.execute_sql(
        "UPDATE rollup_minute SET buckets = NULL WHERE start = ?", (BEGIN + 60,)
    )
    assert "buckets" in used.run("verify", *ALL).stdout

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.bridge.history import MINUTE, gauge

if TYPE_CHECKING:
    from tests.bridge.cli.conftest import Shell
    from tests.bridge.history import History

BEGIN = 1_700_000_040
DAY = 86400
AT = ("--start", str(BEGIN), "--end", str(BEGIN + 180))


@pytest.fixture
def past(history: History) -> None:
    for host, before in (("a", 2.0), ("b", 0.0)):
        number = history.series("node_load1", {"instance": host})
        history.rows(MINUTE, number, {BEGIN: gauge(3.0), BEGIN - DAY: gauge(before)})
    history.mark(MINUTE, [BEGIN, BEGIN - DAY])


def test_changes_are_printed_as_a_table(used: Shell, past: None) -> None:
    result = used.run("compare", "node_load1", *AT)
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["SERIES", "AGGREGATE", "NOW", "BEFORE", "CHANGE", "PERCENT"],
        ['node_load1{instance="a"}', "avg", "3", "2", "1", "+50.0", "%"],
        [
            *('node_load1{instance="b"}', "avg", "3", "0", "3"),
            *("the", "range", "before", "is", "zero"),
        ],
        ["all", "together", "avg", "3", "1", "2", "+200.0", "%"],
    ]
    assert result.stderr == (
        "now: 2023-11-14T22:14:00Z to 2023-11-14T22:17:00Z\n"
        "before: 2023-11-13T22:14:00Z to 2023-11-13T22:17:00Z\n"
        "by minute: finest with at most 1500 points that covers the range (1)\n"
    )


def test_json_is_the_document_of_the_api(used: Shell, past: None) -> None:
    result = used.run("compare", "node_load1", *AT, "--format", "json")
    told = json.loads(result.stdout)
    assert told["series"][0]["before"] == [2.0, None, None]
    assert told["summary"]["change_percent"] == 200


def test_wrong_questions_are_told(used: Shell) -> None:
    result = used.run("compare", "up", "--period", "day", "--start", "-1h")
    assert result.exit_code != 0
    assert "period and start or end exclude each other" in result.stderr

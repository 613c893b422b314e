from __future__ import annotations

from pathlib import Path

from exporter.compat.files import read_file
from exporter.compat.reading import as_json, lines, of_asked, of_lists
from exporter.compat.verdict import Judge
from tests.exporter.compat.test_verdict import LOAD

MADE = Path(__file__).with_name("dashboard.json")
JUDGE = Judge([LOAD.of(1)], ())


def test_a_terminal_is_told_sums_and_what_is_not_served() -> None:
    reading = of_asked(JUDGE, read_file(MADE))
    first, *rest = lines(reading)
    assert first == (
        "Made for the test: 9 names, 2 served, 6 silent here, 1 unknown, 1 unread"
    )
    assert "  unknown  mysql_up (in Foreign)" in rest
    assert (
        "  silent   node_load5: collector load is off;"
        " see exporter.collectors.load.enabled"
    ) in rest
    assert rest[-1].startswith("  unread   sum(node_load1 (in Broken): ")
    assert len(rest) == 8
    assert not reading.is_fine


def test_programs_are_told_every_name() -> None:
    told = as_json(of_asked(JUDGE, read_file(MADE)))
    by_name = {one["name"]: one for one in told["names"]}
    assert len(by_name) == 9
    assert by_name["node_load1"] == {
        "name": "node_load1",
        "state": "served",
        "why": "",
        "where": "Old panel",
    }
    assert [one["where"] for one in told["unread"]] == ["Broken"]


def test_lists_are_read_by_their_numbers() -> None:
    full, *others = of_lists(JUDGE)
    assert (full.number, len(full.verdicts)) == ("1860", 229)
    assert [one.name for one in full.of("served") if not one.why] == ["node_load1"]
    assert all(one.is_fine for one in others)

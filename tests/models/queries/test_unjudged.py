"""What waits to be judged comes in its order, and what was judged is found again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.queries import runs, unjudged
from tests.models.statements import counted
from tests.probed import BEGIN, MINUTE, failure, known, result, run, store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from peewee import Database

    from models.queries.unjudged import ResultRow

KEY = (1, 1, "icmp")
"""The first destination, as the first agent sees it."""


def minutes(found: Iterable[ResultRow | unjudged.RunRow]) -> list[int]:
    return [(one.scheduled_ms - BEGIN) // MINUTE for one in found]


def judge_all(db: Database) -> None:
    runs.mark_evaluated(db, [one.id for one in unjudged.unjudged_runs(db, 100)])


def test_runs_wait_in_the_order_of_their_times_whenever_they_came(db: Database) -> None:
    known(db, "gateway")
    for now, minute in enumerate((3, 1, 2)):
        store(db, run(BEGIN + minute * MINUTE, result()), now=50 + now)

    assert minutes(unjudged.unjudged_runs(db, 2)) == [1, 2]
    assert unjudged.oldest_unjudged(db) == 50

    first = unjudged.unjudged_runs(db, 2)
    runs.mark_evaluated(db, [one.id for one in first])
    assert minutes(unjudged.unjudged_runs(db, 2)) == [3]
    judge_all(db)
    assert unjudged.unjudged_runs(db, 2) == []
    assert unjudged.oldest_unjudged(db) is None


def test_a_run_is_whole_if_it_tried_all_and_was_not_stopped(db: Database) -> None:
    known(db, "gateway")
    store(
        db,
        run(BEGIN, result()),
        run(BEGIN + MINUTE, result(), skipped=1, destinations=2),
        run(BEGIN + 2 * MINUTE, result(), state="aborted"),
        run(BEGIN + 3 * MINUTE, destinations=5, succeeded=5),
    )

    found = unjudged.unjudged_runs(db, 9)
    assert [one.whole for one in found] == [1, 0, 0, 1]
    assert [one.results for one in found] == [1, 1, 1, 0]


def test_results_come_with_the_facts_of_traces_and_certificates_alone(
    db: Database,
) -> None:
    known(db, "gateway", "web")
    trace = result(probe="way", kind="traceroute", route="ab" * 8, facts={"hops": []})
    store(db, run(BEGIN, result("web"), failure(marks=("starved",)), trace))
    store(db, run(BEGIN + MINUTE, result()))

    found = unjudged.results_of_runs(db, [1])
    told = {(one.destination_id, one.probe): one for one in found}
    assert set(told) == {(1, "icmp"), (1, "way"), (2, "icmp")}
    bad, way, good = (told[key] for key in sorted(told))
    assert (bad.reason, bad.marks, bad.facts) == ("timeout", "starved", "")
    assert (way.route, way.facts) == ("ab" * 8, '{"hops":[]}')
    assert (good.reason, good.kind, good.facts) == ("", "icmp", "")
    assert unjudged.results_of_runs(db, []) == []


def test_judged_results_of_a_view_are_told_oldest_first(db: Database) -> None:
    known(db, "gateway", "web")
    for minute in (2, 0, 1, 3):
        at = BEGIN + minute * MINUTE
        others = (result("web"), result(probe="tcp", kind="tcp"))
        store(db, run(at, result(), *others))
        store(db, run(at, result()), agent="there")
    waiting = [one for one in unjudged.unjudged_runs(db, 9) if minutes([one]) != [3]]
    runs.mark_evaluated(db, [one.id for one in waiting])

    assert minutes(unjudged.judged_results(db, KEY, 0)) == [0, 1, 2]
    found = list(unjudged.judged_results(db, KEY, BEGIN + MINUTE))
    assert minutes(found) == [1, 2]
    assert {(one.destination_id, one.agent_id, one.probe) for one in found} == {KEY}


def test_silent_runs_tried_all_and_say_nothing_of_a_probe(db: Database) -> None:
    known(db, "gateway", "web")
    store(
        db,
        run(BEGIN, failure(), destinations=2, succeeded=1),
        run(BEGIN + MINUTE, failure("web"), destinations=2, succeeded=1),
        run(BEGIN + 2 * MINUTE, destinations=2, succeeded=2),
        run(BEGIN + 3 * MINUTE, destinations=2, succeeded=1, skipped=1),
        run(BEGIN + 4 * MINUTE, destinations=2, succeeded=2, state="aborted"),
    )
    store(db, run(BEGIN + 5 * MINUTE, destinations=2, succeeded=2), agent="there")
    assert unjudged.silent_runs(db, KEY, [1], 0) == []  # nobody judged them
    judge_all(db)

    assert minutes(unjudged.silent_runs(db, KEY, [1], 0)) == [1, 2]
    assert minutes(unjudged.silent_runs(db, KEY, [1], BEGIN + 2 * MINUTE)) == [2]
    assert unjudged.silent_runs(db, KEY, [9], 0) == []


def test_sqlite_reads_neither_all_runs_nor_all_results(sqlite: Database) -> None:
    with counted(sqlite) as said:
        unjudged.unjudged_runs(sqlite, 5)
        unjudged.oldest_unjudged(sqlite)
        unjudged.results_of_runs(sqlite, [1])
        list(unjudged.judged_results(sqlite, KEY, 5))
        unjudged.silent_runs(sqlite, KEY, [1], 5)

    ways = said.ways()
    assert not [way for way in ways if way.startswith("SCAN") and "INDEX" not in way]

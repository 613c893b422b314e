"""What the database reckons is what the results themselves say."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from models.queries import probe_figures, results
from models.queries.probe_figures import together
from models.queries.results import Picked
from tests.probed import BEGIN, MINUTE, failure, known, result, run, store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from peewee import Database

    from models.queries.results import ResultRow


@pytest.fixture
def filled(db: Database) -> Database:
    """Forty runs of two agents with all sorts of results."""
    known(db, "a", "b")
    dice = random.Random(7)
    for minute in range(40):
        at = BEGIN + minute * MINUTE
        for agent in ("here", "there"):
            found = [some(dice, name, at) for name in ("a", "b")]
            page = result("a", at, probe="web", kind="http", rtts=(dice.random(),))
            store(db, run(at, *found, page), agent=agent)
    return db


def some(dice: random.Random, name: str, at: int) -> Any:
    times = [dice.choice((None, dice.random())) for _ in range(dice.randrange(4))]
    answered = sum(time is not None for time in times)
    told = {"sent": len(times), "received": answered, "rtts": tuple(times)}
    if not answered:
        return failure(name, at, **told | {"rtts": (None,) * len(times)})
    return result(name, at, **told)


def all_times(rows: Iterable[ResultRow]) -> list[float]:
    return [time for row in rows for time in row.rtts if time is not None]


def names(row: ResultRow) -> dict[str, Any]:
    return {"destination": row.destination, "agent": row.agent, "reason": row.reason}


def test_tallies_are_those_of_the_results(filled: Database) -> None:
    for by in ((), ("destination",), ("destination", "agent"), ("reason",)):
        for width in (None, 7 * MINUTE):
            compare_tallies(filled, by, width)


def compare_tallies(filled: Database, by: tuple[str, ...], width: int | None) -> None:
    picked = Picked(job=1).between(BEGIN + MINUTE, BEGIN + 30 * MINUTE)
    groups: dict[tuple[Any, ...], list[ResultRow]] = {}
    for row in results.stream(filled, picked):
        key = tuple(names(row)[name] for name in by)
        if width is not None:
            key = (row.scheduled_ms // width * width, *key)
        groups.setdefault(key, []).append(row)
    tallies = probe_figures.tallies(filled, picked, by, width)
    assert [tally.key for tally in tallies] == sorted(groups)
    for tally in tallies:
        rows = groups[tally.key]
        times = all_times(rows)
        assert tally.results == len(rows)
        assert tally.successes == sum(row.succeeded for row in rows)
        assert tally.sent == sum(row.sent for row in rows)
        assert tally.received == sum(row.received for row in rows)
        assert tally.times == len(times)
        assert tally.sum == pytest.approx(sum(times), rel=1e-6)
        assert tally.min == (pytest.approx(min(times), rel=1e-6) if times else None)
        assert tally.max == (pytest.approx(max(times), rel=1e-6) if times else None)
        assert tally.first == rows[0].scheduled_ms
        assert tally.last == rows[-1].scheduled_ms


def test_tallies_add_up(filled: Database) -> None:
    (whole,) = probe_figures.tallies(filled, Picked())
    parts = probe_figures.tallies(filled, Picked(), ("agent", "destination"), MINUTE)
    sums = together(parts)
    assert sums.sum == pytest.approx(whole.sum)
    assert (sums.results, sums.times, sums.min) == (
        whole.results,
        whole.times,
        whole.min,
    )
    assert whole.mean == pytest.approx(whole.sum / whole.times)
    assert whole.loss == 1 - whole.received / whole.sent
    assert probe_figures.tallies(filled, Picked(job=9)) == []


def test_all_times_are_handed_on_page_by_page(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_figures, "_PAGE", 7)
    for picked in (Picked(), Picked(job=1), Picked(destination=1)):
        found: dict[tuple[str, ...], list[tuple[int, float]]] = {}
        for page in probe_figures.trips(filled, picked, ("agent", "destination")):
            found.setdefault(page.group, []).extend(
                zip(page.at.tolist(), page.seconds.tolist(), strict=True)
            )
        wanted: dict[tuple[str, ...], list[tuple[int, float]]] = {}
        for row in results.stream(filled, picked):
            told = [(row.scheduled_ms, time) for time in row.rtts if time is not None]
            if told:
                wanted.setdefault((row.agent, row.destination), []).extend(told)
        assert found.keys() == wanted.keys()
        for group, pairs in found.items():
            assert np.allclose(sorted(pairs), sorted(wanted[group]))


def test_time_weighs_what_was_between_results(db: Database) -> None:
    known(db, "a")
    for minute, is_good in ((0, True), (1, False), (2, True), (10, True)):
        at = BEGIN + minute * MINUTE
        store(db, run(at, result("a", at) if is_good else failure("a", at)))
    picked = Picked(destination=1)
    end = BEGIN + 11 * MINUTE
    held = probe_figures.uptime(db, picked, {1: 2 * MINUTE}, end)
    # Good for 1, bad for 1, good for 2 of 8, and for 1 until the end.
    assert held == (4 * MINUTE, 5 * MINUTE)
    assert probe_figures.uptime(db, picked, {}, end) == (0, 0)
    assert probe_figures.uptime(db, Picked(job=9), {1: 5}, end) == (0, 0)
    assert probe_figures.jobs_of(db, picked) == [1]


def test_each_probe_and_agent_has_a_time_of_its_own(db: Database) -> None:
    known(db, "a")
    for minute in range(3):
        at = BEGIN + minute * MINUTE
        web = failure("a", at, probe="web")
        store(db, run(at, result("a", at), web), agent="here")
        store(db, run(at, result("a", at)), agent="there")
    held = probe_figures.uptime(db, Picked(), {1: 2 * MINUTE}, BEGIN + 3 * MINUTE)
    assert held == (6 * MINUTE, 9 * MINUTE)


def test_each_destination_of_a_job_has_a_time_of_its_own(db: Database) -> None:
    known(db, "a", "b")
    for minute in range(3):
        at = BEGIN + minute * MINUTE
        store(db, run(at, result("a", at), failure("b", at)))
    held = probe_figures.uptime(db, Picked(job=1), {1: 2 * MINUTE}, BEGIN + 3 * MINUTE)
    assert held == (3 * MINUTE, 6 * MINUTE)

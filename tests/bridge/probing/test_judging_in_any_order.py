"""The same results end the same, whatever comes first and whenever it is killed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.database import open_database
from tests.bridge.probing.judged import (
    MINUTE,
    NOON_MS,
    Bench,
    found,
    ran,
    shown,
    traced,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from models.database import Database
    from runtime.probing.wire import Run


class KilledError(Exception):
    """The process ends here."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A run of an agent."""

    agent: str
    run: Run


reasons = st.sampled_from(["", "", "timeout", "refused"])
marks = st.sampled_from([(), (), ("starved",)])
results = st.one_of(
    st.builds(found, reason=reasons, marks=marks),
    st.builds(found, destination=st.just("web"), probe=st.just("http"), reason=reasons),
    st.sampled_from([("a", "b"), ("a", "*"), ("a", "c")]).map(lambda way: traced(*way)),
    st.sampled_from(["old", "new"]).map(lambda one: shown(one, NOON_MS + 25 * MINUTE)),
)
sent = st.builds(
    lambda agent, minute, job, many: Sent(agent, ran(minute, *many, job=job)),
    st.sampled_from(["one", "two"]),
    st.integers(0, 30),
    st.sampled_from(["ping", "trace"]),
    st.lists(
        results,
        min_size=1,
        max_size=3,
        unique_by=lambda one: (one.destination, one.probe),
    ),
)
histories = st.lists(
    sent,
    max_size=25,
    unique_by=lambda one: (one.agent, one.run.job, one.run.scheduled_ms),
)


@pytest.fixture
def bench(migrated_url: str) -> Iterator[Bench]:
    database = open_database(migrated_url)
    bench = Bench(database, "gateway", "web")
    trace = {"name": "trace", "interval": "5m", "destinations": ["gateway"]}
    bench.create_job(trace)
    for agent in ("one", "two"):
        bench.agent(agent)
    yield bench
    database.close()


def in_order(bench: Bench, history: Sequence[Sent]) -> Any:
    bench.clear()
    for one in history:
        bench.store([one.run], one.agent)
    bench.judge()
    return bench.everything()


def killed_after(db: Database, statements: int, work: Callable[[], None]) -> bool:
    """Do work until the database was asked so often; return whether it was killed."""
    ask: Any = db.execute_sql
    left = statements

    def asked(*arguments: Any, **named: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise KilledError
        return ask(*arguments, **named)

    db.execute_sql = asked  # type: ignore[method-assign]
    try:
        work()
    except KilledError:
        return True
    finally:
        db.execute_sql = ask  # type: ignore[method-assign]
    return False


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories, st.randoms(use_true_random=False), st.integers(1, 6))
def test_neither_order_nor_batches_nor_kills_matter(
    bench: Bench, history: list[Sent], dice: Any, size: int
) -> None:
    expected = in_order(bench, history)
    bench.clear()
    shuffled = list(history)
    dice.shuffle(shuffled)
    for begin in range(0, len(shuffled), size):
        for one in shuffled[begin : begin + size]:
            bench.store([one.run], one.agent)
        killed_after(bench.db, dice.randrange(40), lambda: bench.judge(most=2))
        if dice.random() < 0.5:
            bench.judge(most=dice.randrange(1, 4))
    bench.judge(most=3)

    assert bench.everything() == expected


def test_what_was_judged_is_not_judged_again(bench: Bench) -> None:
    bench.store([ran(1, found(reason="timeout"))])
    assert bench.judging.batch(0.0).runs == 1
    before = bench.everything()

    assert bench.judging.batch(0.0).runs == 0
    assert bench.everything() == before


def test_a_batch_has_one_run_at_least_and_few_results_otherwise(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.probing.judging.RESULTS", 2)
    web = found(destination="web", probe="http")
    bench.store([ran(1, found(), web, traced("a")), ran(2, found()), ran(3, found())])

    assert [bench.judging.batch(0.0).runs for _ in range(3)] == [1, 2, 0]


def test_results_are_counted_by_what_they_are_worth(bench: Bench) -> None:
    ignored = found(probe="http", reason="timeout", marks=("starved",))
    bench.store([ran(1, found(), found(probe="tcp", reason="refused"), ignored)])

    judged = bench.judging.batch(0.0)

    assert (judged.good, judged.bad, judged.ignored) == (1, 1, 1)

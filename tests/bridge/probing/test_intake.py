from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.probing.intake import BatchTooLarge, WrongBatch, parse, take, unpack
from bridge.probing.soundness import AHEAD
from models.database import DatabaseUnavailable, open_database
from models.queries import agents, probe_tests
from models.queries import intake as table
from runtime.probing import wire
from runtime.probing.wire import Batch, Refusal, Run
from tests.bridge.probing.runs import NOON_MS, result, run, stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from models.database import Database
    from tests.postgres import PostgresServer

NOW = NOON_MS + 60_000


@pytest.fixture
def db(migrated_url: str) -> Iterator[Database]:
    database = open_database(migrated_url)
    yield database
    database.close()


def count(db: Database, table: str) -> int:
    return int(db.execute_sql(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


def batch(*runs: Run, **more: Any) -> Batch:
    return Batch(agent="edge", runs=runs, **more)


def test_runs_are_kept_once(db: Database) -> None:
    stage(db, "a", "b")
    runs = [
        run(
            result("a"),
            result("b", reason="timeout", received=0, rtts=(None,)),
            scheduled_ms=NOON_MS + 30_000 * place,
        )
        for place in range(3)
    ]
    first = take(db, batch(*runs[:2]), NOW)
    assert (first.receipt.accepted, first.receipt.duplicates) == (2, 0)
    assert first.results == 4
    again = take(db, batch(*runs), NOW)
    assert (again.receipt.accepted, again.receipt.duplicates) == (1, 2)
    assert (count(db, "probe_runs"), count(db, "probe_results")) == (3, 6)
    other = take(db, Batch(agent="core", runs=tuple(runs)), NOW)
    assert other.receipt.accepted == 3


def test_what_the_agent_says_of_itself_is_noted(db: Database) -> None:
    take(db, batch(version="1.2", plan="abc", dropped=7), NOW)
    agent = agents.find(db, "edge")
    assert agent is not None
    assert (agent.version, agent.plan, agent.dropped) == ("1.2", "abc", 7)


def test_what_cannot_be_kept_is_refused_run_by_run(db: Database) -> None:
    stage(db, "a")
    good = run(result("a"))
    wrong: dict[str, Run] = {
        "there is no job 'pong'": run(job="pong"),
        "there is no destination 'z'": run(result("z"), scheduled_ms=NOON_MS - 1),
        "scheduled_ms: is 301 s ahead": run(scheduled_ms=NOW + AHEAD + 1000),
        "began_ms: 0 is no time": run(began_ms=0),
        "state: 'odd' is none of": run(state="odd"),
        "failed: -1 is out of range": run(failed=-1),
        "job: 'a b' is not a name": run(job="a b"),
        "results[1].seconds, rtts or phases: -1": run(
            result("a"), result("a", rtts=(-1.0,))
        ),
        "results[0].reason: 'Odd'": run(result("a", reason="Odd")),
        "results[0].marks": run(result("a", marks=("é",))),
        "results[0].began_ms": run(result("a", began_ms=NOW * 2)),
        "error: is longer": run(error="x" * 5000),
    }
    taken = take(db, batch(*wrong.values(), good), NOW)
    assert taken.receipt.accepted == 1
    for place, (why, refusal) in enumerate(
        zip(wrong, taken.receipt.refused, strict=True)
    ):
        assert refusal.place == place
        assert refusal.reason.startswith(why)


def test_a_clock_that_is_a_little_ahead_is_no_reason(db: Database) -> None:
    stage(db, "a")
    taken = take(db, batch(run(scheduled_ms=NOW + AHEAD)), NOW)
    assert taken.receipt.accepted == 1


def test_one_odd_run_does_not_hold_up_the_others(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(db, "a")
    store: Callable[..., Any] = table.store

    def choke(db: Database, agent: int, runs: list[Run], now: int) -> Any:
        if any(one.error == "odd" for one in runs):
            raise TypeError("what is this?")
        return store(db, agent, runs, now)

    monkeypatch.setattr(table, "store", choke)
    runs = [
        run(scheduled_ms=NOON_MS + place * 1000, error="odd" if place == 1 else "")
        for place in range(3)
    ]
    taken = take(db, batch(*runs), NOW)
    assert taken.receipt.accepted == 2
    assert taken.receipt.refused == (
        Refusal(place=1, reason="it cannot be stored: TypeError: what is this?"),
    )


def test_results_of_tests_end_them(db: Database) -> None:
    asked = probe_tests.create(
        db, agent="edge", destination="", host="a", probe={"kind": "tcp"}, now=NOW
    )
    told = wire.TestResult(id=asked.id, result=result("a", facts={"port": 7}))
    stray = wire.TestResult(id=asked.id + 1, result=result("a"))
    taken = take(db, batch(tests=(told, stray, told)), NOW + 5)
    assert taken.tests == 1
    found = probe_tests.find(db, asked.id)
    assert found is not None
    assert (found.state, found.finished_at) == ("finished", NOW + 5)
    assert found.result is not None
    assert found.result["facts"] == {"port": 7}


def test_batches_are_read(db: Database) -> None:
    sent = batch(run(result("a")), version="1")
    content = msgspec.json.encode(sent)
    assert parse(unpack(gzip.compress(content))) == sent


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (b"{", "", "not JSON"),
        (b"\xff", "", "not JSON"),
        (b"[" * 100_000, "", "Expected|JSON|recursion"),
        (b"[]", "", "Expected .object., got .array."),
        (b"{}", "", "missing required field `agent`"),
        (b'{"agent": "a b"}', "agent", "'a b' is not a name"),
        (b'{"agent": "a", "dropped": -1}', "dropped", "out of range"),
        (b'{"agent": "a", "runs": [{"job": 5}]}', "runs[0].job", "Expected `str`"),
    ],
)
def test_what_is_no_batch_is_told_where(content: bytes, place: str, words: str) -> None:
    with pytest.raises(WrongBatch, match=words) as caught:
        parse(content)
    assert caught.value.place == place


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    with pytest.raises(BatchTooLarge, match="more than 1000 bytes"):
        unpack(bomb, 1000)
    assert unpack(gzip.compress(b"0" * 1000), 1000) == b"0" * 1000
    with pytest.raises(WrongBatch, match="cut off"):
        unpack(bomb[:-100])


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(content: bytes) -> None:
    with pytest.raises(WrongBatch):
        unpack(content)
    with pytest.raises(WrongBatch):
        parse(content)


def test_a_statement_that_the_server_cancels_is_no_reason_to_refuse(
    postgres: PostgresServer,
) -> None:
    name = postgres.new_migrated_database()
    db = open_database(postgres.url(name))
    try:
        stage(db, "a")
        db.execute_sql(
            "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_sleep(5); RETURN NEW; END $$"
        )
        db.execute_sql(
            "CREATE TRIGGER slow BEFORE INSERT ON probe_results FOR EACH ROW "
            "EXECUTE FUNCTION dawdle()"
        )
        db.execute_sql("SET statement_timeout = 100")
        with pytest.raises(DatabaseUnavailable, match="statement_timeout") as caught:
            take(db, batch(run(result("a"))), NOW)
        assert not caught.value.permanent
    finally:
        db.close()
        postgres.drop_database(name)

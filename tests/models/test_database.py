"""Opening a database: what is set, who shares what, and what lasts."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from models.database import TABLES, DatabaseUnavailable, open_database
from models.rollup import RollupMinute
from runtime.config import read_secret
from tests.postgres import GUARDED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from peewee import Database

    from tests.postgres import PostgresServer


# The children of these tests do nothing that a fork beside threads makes unsafe.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


def one(db: Database, sql: str) -> Any:
    (value,) = db.execute_sql(sql).fetchone()
    return value


def in_thread(work: Callable[[], Any]) -> Any:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    return results[0]


def in_child(work: Callable[[], str]) -> str:
    """Fork, and return what the child says; an exception's name if it raised."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = work()
        except BaseException as error:  # noqa: BLE001 - told to the parent
            said = repr(error)
        os.write(write_end, said.encode())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def identity(db: Database) -> str:
    """Return what tells one connection from another, as the engine sees it."""
    if db.param == "%s":
        return str(one(db, "SELECT pg_backend_pid()"))
    db.execute_sql("CREATE TEMPORARY TABLE IF NOT EXISTS mine (number INTEGER)")
    if not one(db, "SELECT COUNT(*) FROM mine"):
        db.execute_sql("INSERT INTO mine VALUES (random())")
    return f"{os.getpid()} {one(db, 'SELECT number FROM mine')}"


def test_opening_touches_nothing_before_first_use(tmp_path: Path) -> None:
    db = open_database(f"sqlite:///{tmp_path}/new/epimetheus.db")
    assert db.is_closed()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.setting("database.url")
def test_the_url_says_where_the_tables_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres: PostgresServer
) -> None:
    monkeypatch.chdir(tmp_path)
    relative = open_database("sqlite:///data/deep/epimetheus.db")
    absolute = open_database(f"sqlite:///{tmp_path}/other.db")
    name = postgres.new_database()
    server = open_database(postgres.url(name))
    for db in (relative, absolute, server):
        db.execute_sql("CREATE TABLE here (number INTEGER)")
        db.close()
    assert (tmp_path / "data/deep/epimetheus.db").stat().st_size > 0
    assert (tmp_path / "other.db").stat().st_size > 0
    assert postgres.execute("SELECT COUNT(*) FROM here", name) == [(0,)]
    postgres.drop_database(name)


@pytest.mark.parametrize(
    "url",
    ["mysql://root@localhost/x", "sqlite://data.db", "data.db", "sqlite:///:memory:"],
)
def test_a_url_of_another_kind_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        open_database(url)
    assert (caught.value.reason, caught.value.permanent) == ("url", True)
    assert "sqlite:///" in str(caught.value)


def test_sqlite_is_tuned_for_one_writer_and_many_readers(tmp_path: Path) -> None:
    db = open_database(f"sqlite:///{tmp_path}/epimetheus.db")
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "temp_store")
    found = {name: one(db, f"PRAGMA {name}") for name in pragmas}
    assert found == {
        "journal_mode": "wal",
        "synchronous": 1,
        "foreign_keys": 1,
        "temp_store": 2,
    }
    db.close()


@pytest.mark.setting("database.cache")
def test_the_cache_is_given_to_sqlite_in_kibibytes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/epimetheus.db"
    found = []
    for cache in (64 * 2**20, 3 * 2**20, 1):
        db = open_database(url, cache=cache)
        found.append(one(db, "PRAGMA cache_size"))
        db.close()
    assert found == [-65536, -3072, -1]


@pytest.mark.setting("database.busy_timeout")
def test_a_lock_of_another_process_is_waited_for_only_so_long(
    database_url: str,
) -> None:
    holder = open_database(database_url)
    holder.execute_sql("CREATE TABLE held (number INTEGER)")
    impatient = open_database(database_url, busy_timeout=0.05)
    patient = open_database(database_url, busy_timeout=60)
    insert = "INSERT INTO held VALUES (1)"
    lock = "LOCK TABLE held" if holder.param == "%s" else insert
    waiting = threading.Event()

    def insert_patiently() -> int:
        waiting.set()
        with patient.atomic():
            patient.execute_sql(insert)
        count: int = one(patient, "SELECT COUNT(*) FROM held")
        patient.close()
        return count

    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(insert_patiently()))
    with holder.atomic():
        holder.execute_sql(lock)
        with pytest.raises(DatabaseUnavailable) as caught, impatient.atomic():
            impatient.execute_sql(insert)
        thread.start()
        waiting.wait()
    thread.join()
    assert (caught.value.reason, caught.value.permanent) == ("locked", False)
    assert "database.busy_timeout" in str(caught.value)
    assert results == [1 if lock != insert else 2]
    holder.close()
    impatient.close()


@pytest.mark.setting("database.password")
@pytest.mark.setting("database.password_file")
def test_the_password_is_sent_to_the_server(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    name = postgres.new_database()
    postgres.execute(f"CREATE ROLE {GUARDED} LOGIN PASSWORD 'of tests'")
    file = tmp_path / "password"
    file.write_text("of tests\n")
    db = open_database(
        postgres.url(name, user=GUARDED), password=read_secret(None, file)
    )
    assert one(db, "SELECT current_user") == GUARDED
    db.close()
    postgres.drop_database(name)
    postgres.execute(f"DROP ROLE {GUARDED}")


def test_the_address_of_a_server_may_be_written_shorter(
    postgres: PostgresServer,
) -> None:
    url = postgres.url("postgres").replace("postgresql://", "postgres://")
    db = open_database(url)
    assert one(db, "SELECT current_setting('application_name')") == "epimetheus"
    db.close()


def test_a_url_may_say_how_to_connect(postgres: PostgresServer) -> None:
    db = open_database(f"{postgres.url('postgres')}&application_name=mine")
    assert one(db, "SELECT current_setting('application_name')") == "mine"
    assert one(db, "SELECT current_setting('client_encoding')") == "UTF8"
    db.close()


def test_the_tables_belong_to_the_database_opened_last(database_url: str) -> None:
    db = open_database(database_url)
    assert {table._meta.database for table in TABLES} == {db}


def test_each_thread_has_a_connection_of_its_own(database_url: str) -> None:
    db = open_database(database_url)
    mine = identity(db)

    def work() -> str:
        found = identity(db)
        db.close()
        return found

    assert in_thread(work) != mine
    assert identity(db) == mine
    db.close()


def test_a_forked_child_connects_anew_and_leaves_its_parent_alone(
    database_url: str,
) -> None:
    db = open_database(database_url)
    mine = identity(db)
    with db.atomic():
        db.execute_sql("CREATE TABLE t (number INTEGER)")
        said = in_child(lambda: f"{db.is_closed()} {db.in_transaction()}")
        db.execute_sql("INSERT INTO t VALUES (1)")
    assert said == "True False"
    assert in_child(lambda: identity(db)) not in {mine, ""}
    child_counts = in_child(lambda: str(one(db, "SELECT COUNT(*) FROM t")))
    assert child_counts == "1"
    assert identity(db) == mine
    assert one(db, "SELECT COUNT(*) FROM t") == 1
    db.close()


def test_a_forked_child_does_not_close_what_other_threads_of_its_parent_use(
    database_url: str,
) -> None:
    db = open_database(database_url)
    ready, forked = threading.Event(), threading.Event()

    def work() -> list[str]:
        found = [identity(db)]
        ready.set()
        forked.wait()
        found.append(identity(db))
        db.close()
        return found

    results: list[list[str]] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    ready.wait()
    child = in_child(lambda: identity(db))
    forked.set()
    thread.join()
    before, after = results[0]
    assert before == after
    assert child not in {before, ""}


def test_many_threads_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/epimetheus.db"
    barrier = threading.Barrier(8)
    modes: list[str] = []

    def work() -> None:
        db = open_database(url)
        barrier.wait()
        modes.append(one(db, "PRAGMA journal_mode"))
        db.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert modes == ["wal"] * 8


def test_a_lost_connection_is_told_once_and_replaced(postgres: PostgresServer) -> None:
    name = postgres.new_database()
    db = open_database(postgres.url(name))
    db.execute_sql("CREATE TABLE t (number INTEGER)")

    def lose() -> None:
        postgres.execute(f"SELECT pg_terminate_backend({identity(db)}, 10000)")

    def alone() -> None:
        lose()
        db.execute_sql("INSERT INTO t VALUES (1)")

    def inside_transactions() -> None:
        with db.atomic(), db.atomic():
            db.execute_sql("INSERT INTO t VALUES (2)")
            lose()
            db.execute_sql("INSERT INTO t VALUES (3)")

    def before_the_commit() -> None:
        with db.atomic():
            db.execute_sql("INSERT INTO t VALUES (4)")
            lose()

    reasons = []
    for work in (alone, inside_transactions, before_the_commit):
        mine = identity(db)
        with pytest.raises(DatabaseUnavailable) as caught:
            work()
        reasons.append((caught.value.reason, caught.value.permanent))
        assert identity(db) != mine
    assert reasons == [("lost", False)] * 3
    assert one(db, "SELECT COUNT(*) FROM t") == 0
    db.close()
    postgres.drop_database(name)


def test_wide_floats_stay_exact(db: Database) -> None:
    assert RollupMinute._meta.database is db
    exact = 2.0**53 - 1
    db.execute_sql(
        "INSERT INTO rollup_minute (series_id, start, count, sum) "
        f"VALUES (1, 60, 1, {exact!r})"
    )
    assert one(db, "SELECT sum FROM rollup_minute") == exact

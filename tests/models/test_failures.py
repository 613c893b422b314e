"""What an operator is told about a database that cannot be used."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from models.database import Database, DatabaseUnavailable, open_database
from models.failures import explain_connecting, explain_postgres, explain_sqlite
from models.sqlite import Sqlite
from tests.postgres import GUARDED, PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534


@contextmanager
def without_privileges() -> Iterator[None]:
    """Be a user to whom permissions apply, as root is not."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(was)


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that everybody may enter and only its owner may write."""
    directory = Path(tempfile.mkdtemp(prefix="epimetheus-tests-"))
    directory.chmod(0o755 if os.geteuid() == 0 else 0o555)
    yield directory
    directory.chmod(0o700)
    shutil.rmtree(directory)


def failure(db: Database, sql: str = "SELECT 1") -> DatabaseUnavailable:
    with pytest.raises(DatabaseUnavailable) as caught:
        db.execute_sql(sql)
    return caught.value


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = failure(open_database(f"sqlite:///{tmp_path}/file/data/epimetheus.db"))
    assert (told.reason, told.permanent) == ("directory", True)
    assert str(told) == (
        f"the directory {tmp_path}/file/data of the database cannot be made: Not a "
        "directory; make it, or set database.url to a file elsewhere"
    )


def test_a_directory_that_cannot_be_written_is_named(public: Path) -> None:
    with without_privileges():
        told = failure(open_database(f"sqlite:///{public}/data/epimetheus.db"))
    assert told.reason == "directory"
    assert f"{public}/data of the database cannot be made: Permission" in str(told)


def test_a_file_in_a_directory_that_cannot_be_written_cannot_be_opened(
    public: Path,
) -> None:
    with without_privileges():
        told = failure(open_database(f"sqlite:///{public}/epimetheus.db"))
    assert (told.reason, told.permanent) == ("permission", True)
    assert str(told) == (
        f"{public}/epimetheus.db cannot be opened: give the user this program runs "
        "as read and write permission on the file and on its directory (unable to open "
        "database file)"
    )


def test_a_file_that_cannot_be_written_is_named(public: Path) -> None:
    public.chmod(0o777)
    path = public / "epimetheus.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (number INTEGER)")
    connection.close()
    path.chmod(0o444)
    with without_privileges():
        told = failure(open_database(f"sqlite:///{path}"))
    assert (told.reason, told.permanent) == ("readonly", True)
    assert f"{path} cannot be written: give the user" in str(told)


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    path = tmp_path / "epimetheus.db"
    path.write_text("these are the notes of somebody else\n" * 100)
    told = failure(open_database(f"sqlite:///{path}"))
    assert (told.reason, told.permanent) == ("not_a_database", True)
    assert str(told) == (
        f"{path} is not an SQLite database: set database.url to another file, or move "
        "this one away (file is not a database)"
    )


def test_a_new_file_that_another_program_keeps_locked_is_waited_for(
    tmp_path: Path,
) -> None:
    path = tmp_path / "epimetheus.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("CREATE TABLE t (number INTEGER)")
    holder.execute("BEGIN EXCLUSIVE")
    told = failure(open_database(f"sqlite:///{path}", busy_timeout=0.05))
    holder.close()
    assert (told.reason, told.permanent) == ("locked", False)


def test_a_filesystem_without_shared_memory_is_said(tmp_path: Path) -> None:
    db = Sqlite(f"{tmp_path}/epimetheus.db", 1.0, 2**20)
    elsewhere = sqlite3.connect(":memory:")  # cannot have a write-ahead log either
    with pytest.raises(DatabaseUnavailable, match="use a local disk") as caught:
        db._write_ahead(elsewhere)
    elsewhere.close()
    assert (caught.value.reason, caught.value.permanent) == ("filesystem", True)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "epimetheus.db"
    db = open_database(f"sqlite:///{path}")
    db.execute_sql("CREATE TABLE t (number INTEGER)")
    db.execute_sql("INSERT INTO t VALUES (1)")
    db.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x7f" * (len(content) - 4096)
    path.write_bytes(content)
    told = failure(db, "SELECT * FROM t")
    assert (told.reason, told.permanent) == ("corrupt", True)
    assert "restore a backup" in str(told)
    db.close()


def test_a_full_disk_is_told_and_rolls_back(tmp_path: Path) -> None:
    db = open_database(f"sqlite:///{tmp_path}/epimetheus.db")
    db.execute_sql("CREATE TABLE t (text TEXT)")
    db.execute_sql("PRAGMA max_page_count = 4")

    def fill() -> None:
        with db.atomic():
            db.execute_sql("INSERT INTO t VALUES ('kept out')")
            db.execute_sql("INSERT INTO t VALUES (?)", ("x" * 100_000,))

    with pytest.raises(DatabaseUnavailable) as caught:
        fill()
    assert (caught.value.reason, caught.value.permanent) == ("full", False)
    assert "make room" in str(caught.value)
    assert db.execute_sql("SELECT COUNT(*) FROM t").fetchone() == (0,)
    db.close()


def test_mistakes_in_statements_are_no_failures_of_the_database(db: Database) -> None:
    with pytest.raises(Exception, match="nothing") as caught:
        db.execute_sql("SELECT * FROM nothing")
    assert not isinstance(caught.value, DatabaseUnavailable)
    assert explain_sqlite(caught.value, "x") is None
    assert explain_postgres(caught.value, "x", lost=False) is None


def test_a_server_that_does_not_answer_is_named() -> None:
    told = failure(open_database("postgresql://someone@127.0.0.1:1/metrics"))
    assert (told.reason, told.permanent) == ("refused", False)
    assert str(told).startswith(
        "PostgreSQL at 127.0.0.1:1/metrics does not answer: start it, or correct the "
        "host and port in database.url ("
    )


@pytest.mark.parametrize("password", ["wrong", None])
def test_a_password_that_is_refused_is_said_without_showing_it(
    postgres: PostgresServer, password: str | None
) -> None:
    postgres.execute(f"CREATE ROLE {GUARDED} LOGIN PASSWORD 'right'")
    url = postgres.url("postgres", user=GUARDED)
    told = failure(open_database(url, password=password))
    postgres.execute(f"DROP ROLE {GUARDED}")
    assert (told.reason, told.permanent) == ("password", True)
    assert "set database.password_file" in str(told)
    assert "EPIMETHEUS__DATABASE__PASSWORD" in str(told)
    assert "wrong" not in str(told)


def test_a_database_or_user_that_is_missing_is_said(postgres: PostgresServer) -> None:
    told = [
        failure(open_database(postgres.url("absent"))),
        failure(open_database(postgres.url("postgres", user="stranger"))),
    ]
    assert [one.reason for one in told] == ["missing", "unauthorized"]
    assert "create it with `createdb`" in str(told[0])
    assert 'role "stranger" does not exist' in str(told[1])


def test_a_url_that_the_driver_does_not_understand_is_said() -> None:
    told = failure(open_database("postgresql://someone@host/metrics?colour=blue"))
    assert (told.reason, told.permanent) == ("url", True)
    assert "colour" in str(told)


def test_a_user_without_rights_on_the_tables_is_told(postgres: PostgresServer) -> None:
    postgres.execute("CREATE ROLE guest LOGIN")
    db = open_database(postgres.url("postgres", user="guest"))
    told = failure(db, "SELECT * FROM pg_authid")
    db.close()
    postgres.execute("DROP ROLE guest")
    assert (told.reason, told.permanent) == ("permission", True)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("FATAL: the database system is starting up", "busy"),
        ("FATAL: sorry, too many clients already", "busy"),
        ('FATAL: no pg_hba.conf entry for host "h", user "u"', "unauthorized"),
        ('FATAL: permission denied for database "d"', "unauthorized"),
        ("connection timeout expired", "refused"),
        ("could not translate host name", "refused"),
    ],
)
def test_what_servers_say_is_understood(said: str, reason: str) -> None:
    assert explain_connecting(OSError(said), "h:5432/d").reason == reason


def test_each_state_of_a_server_has_its_reason() -> None:
    class SaidError(Exception):
        sqlstate: str | None = None

    def reason(sqlstate: str | None, *, lost: bool = False) -> str | None:
        error = SaidError("said")
        error.sqlstate = sqlstate
        told = explain_postgres(error, "h", lost=lost)
        return None if told is None else told.reason

    states = ("53100", "53200", "55P03", "40P01", "40001", "25006", "42501", "42P01")
    assert [reason(state) for state in states] == [
        "full",
        "other",
        "locked",
        "locked",
        "locked",
        "readonly",
        "permission",
        None,
    ]
    assert reason(None, lost=True) == "lost"

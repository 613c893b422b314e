"""A private PostgreSQL server for tests: its own directory, a socket in it, no port.

It ends with the test run even when that is killed, and leaves nothing behind.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

import psycopg
import pytest

from models.database import open_database
from models.migrate import Migrations
from runtime.process import die_with_parent

PATIENCE: Final = 60.0
GUARDED: Final = "guarded"
"""A user of whom the server asks a password."""
_PASSWORD_LINE: Final = f"local all {GUARDED} scram-sha-256\n"
_CLUSTER: Final = ("--no-sync", "--username=tests", "--auth=trust", "--encoding=UTF8")
_CONFIGURATION: Final = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_wal_size": "2GB",
    "autovacuum": "off",
}


def programs() -> Path:
    """Return the directory of the newest PostgreSQL that is installed."""
    found = shutil.which("postgres")
    if found is not None:
        return Path(found).parent
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: float(path.parts[-3]),
    )
    if not versions:
        pytest.fail("PostgreSQL is not installed; `make test` installs it")
    return versions[-1].parent


class PostgresServer:
    """A cluster in a temporary directory; databases in it are made for each test."""

    def __init__(self, configuration: dict[str, str] | None = None) -> None:
        # Sockets have short names only, so the directory is not one of pytest's.
        self.directory = Path(tempfile.mkdtemp(prefix="epimetheus-postgres-"))
        self._configuration = _CONFIGURATION | (configuration or {})
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._user: dict[str, Any] = {}
        self._migrated: str | None = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            owner = pwd.getpwnam("postgres")
            os.chown(self.directory, owner.pw_uid, owner.pw_gid)
            self._user = {
                "user": owner.pw_uid,
                "group": owner.pw_gid,
                "extra_groups": [],
            }

    def create(self) -> Self:
        """Make the cluster and start the server."""
        data = self.directory / "data"
        subprocess.run(
            [programs() / "initdb", *_CLUSTER, "-D", data],
            check=True,
            capture_output=True,
            cwd=self.directory,
            **self._user,
        )
        access = data / "pg_hba.conf"
        access.write_text(_PASSWORD_LINE + access.read_text())
        self.start()
        return self

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        options = [
            part
            for name, value in self._configuration.items()
            for part in ("-c", f"{name}={value}")
        ]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    programs() / "postgres",
                    "-D",
                    self.directory / "data",
                    "-k",
                    self.directory,
                    *options,
                ],
                stdout=log,
                stderr=log,
                cwd=self.directory,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - nothing may be left
                **self._user,
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            log_text = (self.directory / "log").read_text()
            assert self._process.poll() is None, f"PostgreSQL ended:\n{log_text}"
            assert time.monotonic() < deadline, f"PostgreSQL is not ready:\n{log_text}"
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server, whoever is connected; its data stay."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(PATIENCE)
            self._process = None

    def destroy(self) -> None:
        """Stop the server and remove its directory."""
        self.stop()
        shutil.rmtree(self.directory)

    def url(self, database: str, user: str = "tests") -> str:
        """Return the URL of a database of this server, without a password."""
        return f"postgresql://{user}@/{database}?host={quote(str(self.directory))}"

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement in a database; return its rows."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def new_database(self, template: str = "template1") -> str:
        """Create a database and return its name."""
        name = f"test_{next(self._numbers)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def new_migrated_database(self) -> str:
        """Create a database with all tables of the project and return its name."""
        if self._migrated is None:
            name = self.new_database()
            db = open_database(self.url(name))
            Migrations(db).up()
            db.close()
            self._migrated = name
        return self.new_database(self._migrated)

    def drop_database(self, name: str) -> None:
        """Drop a database with all connections to it."""
        self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

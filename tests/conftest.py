"""Fixtures that more than one folder of tests needs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
import structlog
from hypothesis import settings as hypothesis_settings

from tests.databases import copy_sqlite
from tests.fakes import FakeClock
from tests.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator

# A busy machine is no failure: how long an example takes is not tested.
hypothesis_settings.register_profile("project", deadline=None)
hypothesis_settings.load_profile("project")

GOLDEN = Path(__file__).parent / "golden"


class Golden(Protocol):
    """Compares a text with the accepted one in tests/golden."""

    def __call__(self, name: str, text: str) -> None: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="accept what the programs now print as tests/golden",
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests recorded as figures, whichever process ran them."""
    figures = [
        (report.nodeid, name, value)
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
    ]
    if figures:
        terminalreporter.section("figures")
    for nodeid, name, value in figures:
        terminalreporter.write_line(f"{nodeid.rpartition('::')[2]}: {name} {value}")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("update_golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing; make golden writes it"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server that is started when the first test asks for it."""
    server = PostgresServer()
    try:
        yield server.create()
    finally:
        server.destroy()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, once of SQLite and once of PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/epimetheus.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.new_database()
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with all tables, once of each kind."""
    if request.param == "sqlite":
        yield copy_sqlite(tmp_path / "epimetheus.db")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.new_migrated_database()
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """Undo what a test did to the logs, so that no later one writes to its stream."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()

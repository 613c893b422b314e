"""Examples of README and operations are understood by what they are examples of."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import pytest
import yaml

from bridge.__main__ import command as bridge
from exporter.__main__ import command as exporter
from models.database import open_database
from models.migrate import Migrations
from runtime import config

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (ROOT / "README.md", ROOT / "docs" / "operations.md")
PROGRAMS: Final = {"epimetheus": bridge, "epimetheus-exporter": exporter}

_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_CALL: Final = re.compile(
    r"^(?:\$ |docker compose exec bridge )?\S*?"
    r"((?:epimetheus-exporter|epimetheus) [^#\n]+)",
    re.MULTILINE,
)


def blocks(*languages: str) -> list[str]:
    return [
        text
        for page in PAGES
        for language, text in _BLOCK.findall(page.read_text())
        if language in languages
    ]


def calls() -> list[str]:
    """Return what is typed on a command line, in blocks and in sentences."""
    shell = "\n".join(blocks("sh", "console")).replace("\\\n", " ")
    prose = "\n".join(
        code.replace("\n", " ")
        for page in PAGES
        for code in re.findall(r"`([^`]+)`", _BLOCK.sub("", page.read_text()))
    )
    return sorted({found.strip() for found in _CALL.findall(f"{shell}\n{prose}")})


def statements() -> list[str]:
    quoted = re.findall(r'"(SELECT [^"]+)"', "\n".join(blocks("sh", "console")))
    parts = (each for text in blocks("sql") for each in text.split(";"))
    return [each for each in (*parts, *quoted) if "SELECT" in each]


def settings() -> Iterator[dict[str, Any]]:
    for text in blocks("yaml"):
        loaded = yaml.safe_load(text)
        if isinstance(loaded, dict) and loaded.keys() & {
            *("sources", "database", "bridge", "exporter", "rollup"),
        }:
            yield loaded


def options_of(command: click.Command) -> dict[str, click.Option]:
    return {
        name: option
        for option in command.params
        if isinstance(option, click.Option)
        for name in option.opts
    } | {"--help": click.Option(["--help"], is_flag=True)}


@pytest.mark.parametrize("call", calls())
def test_commands_and_their_options_exist(call: str) -> None:
    program, *words = shlex.split(call)
    command: click.Command = PROGRAMS[program]
    words.reverse()
    while words:
        word = words.pop()
        if word.startswith("--"):
            assert word in options_of(command), call
            if not options_of(command)[word].is_flag:
                words.pop()
        elif isinstance(command, click.Group):
            found = command.get_command(click.Context(command), word)
            assert found is not None, call
            command = found


def test_the_examples_of_commands_are_found() -> None:
    assert len(calls()) > 10


@pytest.mark.parametrize("example", list(settings()), ids=str)
def test_settings_are_valid(example: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(example))

    assert config.load(path, {})


@pytest.mark.parametrize("statement", statements())
def test_queries_run(statement: str, tmp_path: Path) -> None:
    db = open_database(f"sqlite:///{tmp_path / 'test.db'}")
    Migrations(db).up()
    try:
        assert db.execute_sql(statement).fetchall() == []
    finally:
        db.close()


def test_the_examples_of_queries_are_found() -> None:
    assert len(statements()) == 7

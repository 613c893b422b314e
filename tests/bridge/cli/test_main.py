from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from bridge.__main__ import COMMANDS, command
from bridge.version import version

if TYPE_CHECKING:
    from tests.bridge.cli.conftest import Shell
    from tests.conftest import Golden


def test_help_says_what_there_is(golden: Golden) -> None:
    result = CliRunner().invoke(command, ["--help"], prog_name="epimetheus")
    assert result.exit_code == 0
    golden("bridge-help.txt", result.stdout)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_one_line_in_the_list(name: str) -> None:
    found = command.get_command(click.Context(command), name)
    assert found is not None
    assert found.name == name
    result = CliRunner().invoke(command, [name, "--help"], prog_name="epimetheus")
    assert (result.exit_code, "Usage: epimetheus" in result.stdout) == (0, True)


def test_help_loads_no_library_that_only_commands_need() -> None:
    script = (
        "import sys\n"
        "sys.argv[1:] = ['--help']\n"
        "from bridge.__main__ import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit:\n"
        "    pass\n"
        "slow = {'numpy', 'pydantic', 'flask', 'peewee', 'urllib3', 'rich', 'orjson',\n"
        "        'prometheus_client', 'structlog', 'yaml'}\n"
        "print('loaded:', sorted(slow & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert result.stdout.splitlines()[-1] == "loaded: []"


def test_without_a_command_the_help_is_shown_and_nothing_done(shell: Shell) -> None:
    result = shell.run()
    assert result.exit_code == 2
    assert result.stdout.startswith("Usage: epimetheus")
    assert not shell.database.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "No such command 'nothing'."),
        (["query"], "Missing argument 'SELECTOR...'."),
        (["--log-level", "loud", "check"], "'loud' is not one of"),
        (["query", "up", "--fill", "linear"], "'linear' is not one of"),
    ],
)
def test_wrong_usage_is_said_with_exit_code_2(
    shell: Shell, arguments: list[str], message: str
) -> None:
    result = shell.run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_wrong_settings_are_said_in_a_line_each_with_exit_code_2(shell: Shell) -> None:
    shell.configure("bridge: {auth: maybe, workers: 0}\n")
    result = shell.run("query", "up")
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert sorted(line.split(":")[:2] for line in lines) == [
        ["epimetheus", " bridge.auth"],
        ["epimetheus", " bridge.workers"],
    ]


def test_settings_are_checked_without_doing_anything(shell: Shell) -> None:
    valid = shell.run("--check")
    assert (valid.exit_code, valid.stdout) == (0, f"{shell.config} is valid\n")
    shell.configure("bridge: {auth: maybe}\n")
    wrong = shell.run("--check")
    assert wrong.exit_code == 2
    assert wrong.stdout.startswith("bridge.auth: ")
    assert not shell.database.exists()


def test_a_file_that_is_not_there_is_said(shell: Shell) -> None:
    shell.config.unlink()
    result = shell.run("query", "up")
    assert result.exit_code == 2
    assert str(shell.config) in result.stderr


def test_a_mistake_in_the_program_is_not_hidden(
    used: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge.cli import query  # noqa: PLC0415 - to break it

    def broken(*_: object, **__: object) -> None:
        raise KeyError("a mistake")

    monkeypatch.setattr(query, "find_series", broken)
    with pytest.raises(KeyError, match="a mistake"):
        used.run("query", "up")


def test_the_version_is_shown() -> None:
    result = CliRunner().invoke(command, ["--version"], prog_name="epimetheus")
    assert result.stdout == f"epimetheus, version {version()}\n"

"""The scripts that run before there is a virtual environment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


def program(folder: Path, name: str, text: str = "exit 0") -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def run(*command: str | Path, **environ: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], **environ},
    )
    return done.returncode, done.stdout, done.stderr


def test_a_python_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert run(SCRIPTS / "venv.sh", "no-python", tmp_path / "venv") == (
        1,
        "",
        (
            "no-python is not there: install Python 3.11 or newer, "
            "or name one: make PYTHON=python3.12 run\n"
        ),
    )


def test_a_python_that_is_too_old_is_said(tmp_path: Path) -> None:
    old = program(
        tmp_path, "python3", 'case "$1" in -V) echo Python 3.9.2;; *) exit 1;; esac'
    )
    assert run(SCRIPTS / "venv.sh", old, tmp_path / "venv") == (
        1,
        "",
        (
            f"Python 3.11 or newer is needed, {old} is Python 3.9.2: "
            "make PYTHON=python3.12 run\n"
        ),
    )


def test_a_missing_venv_module_is_said(tmp_path: Path) -> None:
    bare = program(
        tmp_path, "python3", 'case "$2" in *ensurepip*) exit 1;; esac; echo Python 3.11'
    )
    assert run(SCRIPTS / "venv.sh", bare, tmp_path / "venv") == (
        1,
        "Python 3.11\n",
        f"{bare} has no venv module: on Debian and Ubuntu, apt install python3-venv\n",
    )
    assert not (tmp_path / "venv").exists()


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A python whose venvs are one program that tells what it is asked for."""
    tell = f'echo "$@" >> {tmp_path}/asked'
    inner = program(tmp_path, "inner", tell)
    make = f'{tell}; mkdir -p "$4/bin"; cp {inner} "$4/bin/python"'
    return program(
        tmp_path, "python3", f'case "$2" in venv) {make};; *) echo ok;; esac'
    )


def asked(folder: Path) -> list[str]:
    lines = (folder / "asked").read_text().splitlines()
    (folder / "asked").unlink()
    return [line for line in lines if line != "-c "]


def test_a_venv_is_made_once_and_brought_up_to_date_later(
    tmp_path: Path, python: Path
) -> None:
    venv = tmp_path / "venv"
    install = "-m pip install --quiet --constraint constraints.txt"
    code, _, error = run(SCRIPTS / "venv.sh", python, venv)
    assert (code, error) == (
        0,
        f"Making {venv}; this happens once and takes a minute.\n",
    )
    assert asked(tmp_path) == [f"-m venv --clear {venv}", f"{install} --editable ."]
    code, _, error = run(SCRIPTS / "venv.sh", python, venv)
    assert (code, error) == (0, "")
    assert asked(tmp_path) == [f"{install} --editable ."]
    run(SCRIPTS / "venv.sh", python, venv, "dev")
    assert asked(tmp_path) == [
        "-m pip install --quiet --upgrade pip>=25.1",
        f"{install} --group dev",
    ]
    assert (venv / ".ready-dev").exists()


def test_a_venv_that_was_left_half_made_is_made_anew(
    tmp_path: Path, python: Path
) -> None:
    venv = tmp_path / "venv"
    run(SCRIPTS / "venv.sh", python, venv)
    (venv / ".ready").unlink()
    asked(tmp_path)
    run(SCRIPTS / "venv.sh", python, venv)
    assert asked(tmp_path)[0] == f"-m venv --clear {venv}"


def test_a_venv_whose_python_is_gone_is_made_anew(tmp_path: Path, python: Path) -> None:
    venv = tmp_path / "venv"
    run(SCRIPTS / "venv.sh", python, venv)
    (venv / "bin" / "python").unlink()
    asked(tmp_path)
    run(SCRIPTS / "venv.sh", python, venv)
    assert asked(tmp_path)[0] == f"-m venv --clear {venv}"


SERVERS = (
    "chromium",
    "fping",
    "pg_ctl",
    "prometheus",
    "prometheus-alertmanager",
    "prometheus-node-exporter",
    "sqlite3",
)


def test_nothing_is_installed_when_all_servers_are_there(tmp_path: Path) -> None:
    for name in SERVERS:
        program(tmp_path, name)
    program(tmp_path, "apt-get", "echo it was asked; exit 1")
    path = f"{tmp_path}:{os.environ['PATH']}"
    assert run(SCRIPTS / "install-servers.sh", PATH=path) == (0, "", "")

"""`--check` of both programs: one file, one verdict, each its own secrets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAMS = pytest.mark.parametrize("program", ["exporter", "bridge"])


def check(
    program: str, cwd: Path, *options: str, **environ: str
) -> tuple[int, str, str]:
    inherited = {k: v for k, v in os.environ.items() if "EPIMETHEUS" not in k}
    done = subprocess.run(
        [sys.executable, "-m", program, *options, "--check"],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**inherited, "PYTHONPATH": str(ROOT), **environ},
    )
    return done.returncode, done.stdout, done.stderr


@PROGRAMS
def test_the_shipped_file_is_valid(program: str, tmp_path: Path) -> None:
    shipped = str(ROOT / "config.yaml")
    expected = (0, f"{shipped} is valid\n", "")
    assert check(program, tmp_path, "--config", shipped) == expected
    assert list(tmp_path.iterdir()) == []


@PROGRAMS
def test_without_a_file_the_defaults_are_valid(program: str, tmp_path: Path) -> None:
    assert check(program, tmp_path) == (0, "the default settings are valid\n", "")


@PROGRAMS
def test_all_problems_are_told_at_once(program: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("log: {level: loud}\nrollup: {settle: 15}\n")
    assert check(program, tmp_path, EPIMETHEUS__LOG__FORMAT="xml") == (
        2,
        (
            "log.level: 'loud' is not allowed; use debug, info, warning or error\n"
            "log.format: 'xml' is not allowed; use auto, text or json "
            "(from EPIMETHEUS__LOG__FORMAT)\n"
            "rollup.settle: 15 is not a duration; write a number with a unit "
            "(ms, s, m, h, d, w, y), for example 15s or 1h30m\n"
        ),
        "",
    )


@PROGRAMS
def test_a_program_reads_its_own_secrets_only(program: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "exporter: {token_file: none-1}\ndatabase: {password_file: none-2}\n"
    )
    reason = "the secret cannot be read: no such file or directory\n"
    told = {
        "exporter": f"exporter.token_file: none-1: {reason}",
        "bridge": f"database.password_file: none-2: {reason}",
    }
    assert check(program, tmp_path) == (2, told[program], "")

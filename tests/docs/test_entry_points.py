"""What the Makefile and CONTRIBUTING promise is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = ["help", "run", "test", "check", "golden", "bench", "docs", "lock", "clean"]


def test_help_lists_every_target_with_what_it_does() -> None:
    # The tests may run under make, which then says where it is.
    done = subprocess.run(
        ["make", "--no-print-directory", "help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert [target for target, meaning in lines if meaning] == TARGETS


def test_pages_name_only_targets_that_exist() -> None:
    pages = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").glob("*.md"),
    ]
    named = {
        target
        for page in pages
        for block in re.findall(r"(?ms)^```sh$(.*?)^```$", page.read_text("utf-8"))
        for target in re.findall(r"(?m)^make ([a-z]+)", block)
    }
    assert named <= set(TARGETS)


def test_the_makefile_stays_a_page_of_short_targets() -> None:
    assert len(MAKEFILE.splitlines()) <= 60


def test_ci_runs_what_people_run() -> None:
    commands = re.findall(r"(?m)^make .*$", (ROOT / ".ci" / "run").read_text())
    assert commands == ["make check", "make test"]


def test_contributing_stays_short() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bridge.cli.progress import progress

if TYPE_CHECKING:
    import pytest


def test_lines_are_printed_at_every_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("rolling up", 20, "windows done") as advance:
        for done in (0, 1, 2, 3, 11, 20, 20):
            advance(done)
    assert capsys.readouterr().out.splitlines() == [
        f"{done} of 20 windows done" for done in (0, 2, 11, 20)
    ]


def test_nothing_to_do_is_said_too(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("copying", 0, "rows copied") as advance:
        advance(0)
    assert capsys.readouterr().out == "0 of 0 rows copied\n"


def test_a_terminal_gets_a_bar_with_what_is_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with progress("copying", 4, "rows copied") as advance:
        advance(4)
    out = capsys.readouterr().out
    assert "copying" in out
    assert "4/4" in out
    assert "left" in out

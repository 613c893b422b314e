from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from bridge.cli.tables import show

if TYPE_CHECKING:
    import pytest


class Terminal(io.StringIO):
    """Standard output as a person has it."""

    def isatty(self) -> bool:
        return True


ROWS = [("a", "[bold]x[/bold]"), ("longer", "")]


def test_other_programs_get_plain_columns(capsys: pytest.CaptureFixture[str]) -> None:
    show(("name", "state"), ROWS)
    assert capsys.readouterr().out == (
        "NAME    STATE\na       [bold]x[/bold]\nlonger\n"
    )


def test_people_get_a_drawn_table_with_the_same_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    show(("name", "state"), ROWS)
    drawn = terminal.getvalue()
    assert "─" in drawn
    assert "[bold]x[/bold]" in drawn

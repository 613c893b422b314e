"""The command line in a test, with a configuration and a database of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from bridge.__main__ import command

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from models.database import Database


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs `epimetheus` in this process."""

    config: Path
    database: Path
    environ: dict[str, str | None] = field(default_factory=dict)

    def configure(self, text: str) -> None:
        """Write the configuration, below the line that names the database."""
        url = f"database:\n  url: sqlite:///{self.database}\n"
        self.config.write_text(url + text, encoding="utf-8")

    def run(self, *arguments: str, stdin: str | None = None) -> Result:
        """Run with the configuration and return what was printed."""
        return CliRunner().invoke(
            command,
            ["--config", str(self.config), "--log-level", "error", *arguments],
            prog_name="epimetheus",
            env=self.environ,
            input=stdin,
            catch_exceptions=False,
        )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell where no database is yet."""
    made = Shell(tmp_path / "config.yaml", tmp_path / "epimetheus.db")
    made.configure("")
    return made


@pytest.fixture
def used(shell: Shell, db: Database) -> Shell:
    """A shell where there is a database, the one of the fixture `db`."""
    assert db.database == str(shell.database)
    return shell

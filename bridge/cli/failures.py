"""Which failures an operator can mend: they are said in a line, without a trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.answers.errors import QuestionError
from bridge.probing.asking import NoAgent
from bridge.probing.entries import WrongEntry
from bridge.probing.refusals import (
    ChangedMeanwhile,
    InUse,
    NameTaken,
    NoSuchEntry,
    OwnedByConfig,
)
from bridge.workers import PortTaken
from models.archive import ArchiveError
from models.database import DatabaseUnavailable
from models.lease import LeaseTaken
from models.migrate import MigrationError
from models.move import MoveRefused
from models.queries.keys import KeyNameTaken
from runtime.config import SettingsError

FAILED: Final = 1
WRONG_USAGE: Final = 2


class CommandError(Exception):
    """A command could not do what it was asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Explained:
    """What to say, and the exit code."""

    code: int
    lines: tuple[str, ...]


_MENDABLE: Final = (
    ArchiveError,
    ChangedMeanwhile,
    CommandError,
    DatabaseUnavailable,
    InUse,
    KeyNameTaken,
    LeaseTaken,
    MigrationError,
    MoveRefused,
    NameTaken,
    NoAgent,
    NoSuchEntry,
    OwnedByConfig,
    PortTaken,
)


def explain(error: Exception) -> Explained | None:
    """Return what to say of a failure, None if it is a mistake in the program."""
    if isinstance(error, SettingsError):
        return Explained(WRONG_USAGE, tuple(error.problems))
    if isinstance(error, WrongEntry):
        said = (f"{key}: {text}" if key else text for key, text in error.problems)
        return Explained(WRONG_USAGE, tuple(said))
    if isinstance(error, QuestionError):
        return Explained(WRONG_USAGE, (f"{error.parameter}: {error}",))
    if isinstance(error, _MENDABLE):
        return Explained(FAILED, (str(error),))
    return None

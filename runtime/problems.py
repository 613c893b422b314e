"""What is wrong with the settings, in sentences for people."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LONGEST: Final = 60


class SettingsError(Exception):
    """The settings cannot be used; `problems` says why, one sentence each.

    A problem begins with what it is about: a dotted path as in config.yaml, an
    environment variable or a file.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__("\n".join(self.problems))


def join(path: str, step: str | int) -> str:
    """Return the dotted path of a key or of an item below a path."""
    if isinstance(step, int):
        return f"{path}[{step}]"
    return f"{path}.{step}" if path else step


def either(words: Sequence[str]) -> str:
    """Return words as a choice: `a, b or c`."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant, if there is one."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.65)
    return found[0] if found else None


def shown(value: Any) -> str:
    """Return a value as config.yaml would write it, long ones shortened."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str() if len(value) > _LONGEST:
            return repr(value[: _LONGEST - 3] + "...")
    return repr(value)

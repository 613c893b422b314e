"""A database whose process may end at any statement, as it would by SIGKILL."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.bridge.rollup.world import Killed

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from models.database import Database

_SAVEPOINT = re.compile(r'"s[0-9a-f]{32}"')
_NUMBER = re.compile(r"\b\d+\b")
_LIST = re.compile(r"\((\?|%s)(, ?(\?|%s))*\)(, ?\((\?|%s)(, ?(\?|%s))*\))*")


def shape_of(sql: str) -> str:
    """What statements have in common that differ in numbers and numbers of rows."""
    plain = _NUMBER.sub("N", _SAVEPOINT.sub('"s"', " ".join(sql.split())))
    return _LIST.sub("(...)", plain)


@dataclass
class Reaper:
    """Ends the process at statements: just before or just after the database does them.

    By lot after up to `every` of them, now and then after many more (never, if 0); and,
    if `thorough`, wherever a statement of a shape was never killed before or after. The
    same text in two jobs of the writer is two shapes.
    """

    dice: random.Random
    every: int
    thorough: bool = False
    job: str = ""
    passed: int = 0
    chance: int = 0
    """Kills at statements that were drawn by lot."""
    met: Counter[str] = field(default_factory=Counter)
    killed: Counter[tuple[str, str]] = field(default_factory=Counter)
    _left: int = 0

    def __post_init__(self) -> None:
        self._left = self._draw()

    def at(self, sql: str, moment: str, die: Callable[[], None]) -> None:
        """Hear of a statement; end the process here if it is time to."""
        shape = f"{self.job}: {shape_of(sql)}"
        if moment == "before":
            self.met[shape] += 1
            self.passed += 1
        self._left -= 1
        by_chance = self._left == 0
        new = self.thorough and not self.killed[shape, moment]
        if not by_chance and not new and not self._commits_first(shape, moment):
            return
        self.chance += by_chance
        self._left = self._draw()
        self.killed[shape, moment] += 1
        die()
        raise Killed

    def _commits_first(self, shape: str, moment: str) -> bool:
        """Tell the first commit, whose both sides no lot may leave out."""
        return (
            self.every > 0
            and shape.endswith("COMMIT")
            and not any(
                one.endswith("COMMIT") and when == moment for one, when in self.killed
            )
        )

    def call(self, name: str, job: Callable[[], Any], /) -> Any:
        """Run a job as the writer does, and know its name."""
        self.job = name
        result = job()
        self.job = ""
        return result

    def _draw(self) -> int:
        # Some work takes thousands of statements before anything of it is committed.
        longest = self.every if self.dice.random() < 0.94 else 40 * self.every
        return (
            2 * self.dice.randrange(longest) + self.dice.choice([1, 2])
            if self.every
            else 0
        )


def watch(db: Database, reaper: Reaper) -> None:
    """Show a reaper each statement of a database that nobody has used yet.

    When the process has ended its connection is closed without a commit, and nothing
    else that it tries reaches the database.
    """
    dead = False
    watched: Any = db
    connect, cursor, rollback = watched._connect, watched.cursor, watched.rollback
    reaper.job = ""

    def die() -> None:
        nonlocal dead
        dead = True
        if watched._state.conn is not None:
            watched._state.conn.close()

    def connecting() -> Any:
        reaper.at("connect", "before", die)
        return connect()

    def watched_cursor(*arguments: Any) -> _Cursor:
        if dead:
            raise Killed
        return _Cursor(cursor(*arguments), reaper, die)

    def watched_rollback() -> None:
        if dead:  # the database does it when it misses the connection
            raise Killed
        rollback()

    watched._connect, watched.cursor = connecting, watched_cursor
    watched.rollback = watched_rollback


class _Cursor:
    """A cursor of the driver that tells what it does."""

    def __init__(self, real: Any, reaper: Reaper, die: Callable[[], None]) -> None:
        self._real = real
        self._reaper = reaper
        self._die = die

    def execute(self, sql: str, *arguments: Any) -> Any:
        self._reaper.at(sql, "before", self._die)
        self._real.execute(sql, *arguments)
        self._reaper.at(sql, "after", self._die)
        return self

    @contextmanager
    def copy(self, sql: str) -> Iterator[Any]:
        self._reaper.at(sql, "before", self._die)
        with self._real.copy(sql) as copy:
            yield copy
            self._reaper.at(sql, "within", self._die)
        self._reaper.at(sql, "after", self._die)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._real)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

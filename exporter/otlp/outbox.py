"""Pushes that wait for their receiver, as many as there is room for."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.otlp.counts import Counts


@dataclass(frozen=True, slots=True)
class Push:
    """The body of a request, and how many points it has."""

    body: bytes
    points: int


class Outbox:
    """A queue that drops its oldest, and counts them, rather than grow.

    What was taken counts as in it until it is `done` or given `back`.
    """

    def __init__(self, room: int, counts: Counts) -> None:
        self._room = room
        self._counts = counts
        self._changed = threading.Condition()
        self._waiting: deque[Push] = deque()
        self._taken: Push | None = None
        self._closed = False

    def __len__(self) -> int:
        with self._changed:
            return len(self._waiting) + (self._taken is not None)

    def put(self, push: Push) -> None:
        """Add the newest; nothing is taken in once the outbox is closed."""
        with self._changed:
            if self._closed:
                self._counts.dropped("stopped", push.points)
                return
            self._waiting.append(push)
            self._shrink()
            self._changed.notify_all()

    def take(self) -> Push | None:
        """Return the oldest; waits for one, None once closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            self._taken = self._waiting.popleft() if self._waiting else None
            return self._taken

    def done(self) -> None:
        """Say that what was taken need not be sent again."""
        with self._changed:
            self._taken = None

    def back(self, push: Push) -> None:
        """Put what was taken where it was; it is the first to go if room is short."""
        with self._changed:
            self._taken = None
            self._waiting.appendleft(push)
            self._shrink()

    def close(self) -> None:
        """Take nothing in any more; what waits can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def drop_all(self) -> None:
        """Give up what waits or was taken, as there is no more time."""
        with self._changed:
            self._closed = True
            left = [*self._waiting, *([self._taken] if self._taken else [])]
            self._waiting.clear()
            self._taken = None
            self._counts.dropped("stopped", sum(push.points for push in left))
            self._changed.notify_all()

    def _shrink(self) -> None:
        while len(self._waiting) > self._room:
            self._counts.dropped("queue_full", self._waiting.popleft().points)

"""Threads that run jobs which may hang, so that nobody who waits for them does.

Jobs run one after another in a lane, a thread of its own, because a hop to a thread
costs more than most jobs. A job that takes longer than `patience` gets company: the
rest goes on in another lane. A job that takes longer than its deadline is left behind:
its lane stays with it, its answer is dropped, and it is not started again before it
has come back. So each job costs at most one stuck thread.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from runtime.clock import Clock

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

PATIENCE: Final = 0.05
"""Seconds that the jobs behind wait for one that is slow."""

_IDLE_SECONDS: Final = 90.0


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What became of a job: a value, an error, or neither if it has not come back."""

    seconds: float
    value: T | None = None
    error: Exception | None = None

    @property
    def is_missing(self) -> bool:
        """Whether the job did not come back in time."""
        return self.value is None and self.error is None


class _Round(Generic[K, T]):
    """The jobs of one call, shared by the lanes that work on them.

    `at_hand` holds when each job that runs was started, also one that is given up.
    """

    def __init__(self, jobs: Mapping[K, Callable[[], T]], deadline: float) -> None:
        self.todo = deque(jobs.items())
        self.deadline = deadline
        self.at_hand: dict[K, float] = {}
        self.answers: dict[K, Answer[T]] = {}
        self.finished = threading.Event()
        self._size = len(jobs)

    def answer(self, name: K, answer: Answer[T]) -> None:
        """Keep the first answer of a job."""
        self.answers.setdefault(name, answer)

    def settle(self) -> None:
        """Wake up who waits, if all answers are there."""
        if len(self.answers) == self._size:
            self.finished.set()


class Lanes(Generic[K, T]):
    """Runs named jobs with a deadline each; safe to call from several threads.

    A name never runs twice at once, whichever call it comes from. Threads are made
    when they are needed and end when they have been idle for a while.
    """

    def __init__(self, name: str, clock: Clock, patience: float = PATIENCE) -> None:
        self._name = name
        self._clock = clock
        self._patience = patience
        self._spare: list[queue.SimpleQueue[_Round[K, T]]] = []
        self._changed = threading.Condition()
        self._running: set[K] = set()
        self._left_behind: set[K] = set()

    def run(
        self, jobs: Mapping[K, Callable[[], T]], deadline: float
    ) -> dict[K, Answer[T]]:
        """Run the jobs and return an answer for each, in their order.

        `deadline` is in seconds, for each job from its own start.
        """
        work = _Round(jobs, deadline)
        work.settle()
        if not work.finished.is_set():
            self._assign(work)
        while not self._clock.wait(work.finished, min(self._patience, deadline)):
            self._look_after(work)
        return {name: work.answers[name] for name in jobs}

    def _look_after(self, work: _Round[K, T]) -> None:
        now = self._clock.monotonic()
        at_hand = work.at_hand.copy()
        for name, start in at_hand.items():
            if now - start >= work.deadline and name not in work.answers:
                self._leave_behind(name)
                work.answer(name, Answer(now - start))
        work.settle()
        newest = max(at_hand.values(), default=now)
        if work.todo and now - newest >= min(self._patience, work.deadline):
            self._assign(work)

    def _leave_behind(self, name: K) -> None:
        with self._changed:
            if name in self._running:
                self._left_behind.add(name)

    def _assign(self, work: _Round[K, T]) -> None:
        with self._changed:
            lane = self._spare.pop() if self._spare else None
        if lane is None:
            lane = queue.SimpleQueue()
            threading.Thread(
                target=self._lane, args=(lane,), name=self._name, daemon=True
            ).start()
        lane.put(work)

    def _lane(self, inbox: queue.SimpleQueue[_Round[K, T]]) -> None:
        while True:
            try:
                work = inbox.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with self._changed:
                    if inbox in self._spare:
                        self._spare.remove(inbox)
                        return
                continue
            self._work(work)
            with self._changed:
                self._spare.append(inbox)
            work.settle()

    def _work(self, work: _Round[K, T]) -> None:
        while work.todo:
            try:
                name, job = work.todo.popleft()
            except IndexError:
                return
            work.at_hand[name] = start = self._clock.monotonic()
            value, error = None, None
            if self._claim(name, work.deadline):
                try:
                    value = job()
                except Exception as raised:  # noqa: BLE001 - reported in the answer
                    error = raised
                finally:
                    self._release(name)
            work.answer(name, Answer(self._clock.monotonic() - start, value, error))
            del work.at_hand[name]

    def _claim(self, name: K, deadline: float) -> bool:
        with self._changed:
            if name in self._left_behind:
                return False
            if not self._changed.wait_for(lambda: name not in self._running, deadline):
                return False
            self._running.add(name)
        return True

    def _release(self, name: K) -> None:
        with self._changed:
            self._running.discard(name)
            self._left_behind.discard(name)
            self._changed.notify_all()

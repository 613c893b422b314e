"""The prober as the rest of the exporter sees it: work goes in, runs come out."""

from __future__ import annotations

import itertools
import os
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from exporter.prober.child import COMMAND, Child, Gone
from exporter.prober.messages import (
    Answer,
    Ask,
    Begin,
    Done,
    Health,
    Latest,
    Row,
    Slots,
    Tested,
    Work,
)
from runtime.probing.planning import assignments, runnable
from runtime.probing.wire import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.collectors.base import Family
    from exporter.prober.board import Board
    from exporter.prober.findings import History
    from exporter.prober.messages import FromProber
    from exporter.prober.tally import Tally
    from exporter.prober.view import View
    from exporter.probes.base import Target
    from runtime.clock import Clock
    from runtime.probing.jobs import Destination
    from runtime.probing.planning import Assignment
    from runtime.probing.probes import Probe
    from runtime.probing.rules import Rules
    from runtime.probing.wire import Result, Run, TestResult
    from runtime.settings import Exporter, Log

log = structlog.get_logger(__name__)

T = TypeVar("T")

_START: Final = 15.0
"""Seconds that a question waits for the process to start."""

_SPARE: Final = 1.0
"""Seconds beyond the timeout of a question until the process counts as gone."""


class ProberGone(Exception):  # noqa: N818 - what happened
    """A question that the prober's process cannot answer now; the message says why."""


@dataclass(slots=True)
class _Question:
    """Somebody who waits: for a result, or to hear that there will be none."""

    ended: threading.Event = field(default_factory=threading.Event)
    result: Result | None = None


class Prober:
    """Hands plans to the prober's process, and what it finds to who wants it.

    The process is started with the first plan that has a job or a test, or with the
    first question, and started again where it ends unasked. Safe to use from several
    threads. `agent` is the name of this exporter in plans.
    """

    def __init__(
        self,
        settings: Exporter,
        log: Log,
        clock: Clock,
        agent: str,
        *,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self.agent = agent
        self._settings = settings.prober
        self._clock = clock
        begin = Begin(
            log=log.model_dump_json().encode(),
            prober=settings.prober.model_dump_json(exclude={"key"}).encode(),
            procfs=str(settings.paths.procfs),
        )
        self._child = Child(begin, self, clock, command)
        self._changed = threading.RLock()
        self._is_up = threading.Event()
        self._plan = Plan(version="")
        self._assignments: tuple[Assignment, ...] = ()
        self._on_run: list[Callable[[Run], None]] = []
        self._on_test: list[Callable[[TestResult], None]] = []
        self._keep: History = "none"
        self._started = False
        self._numbers = itertools.count(1)
        self._questions: dict[int, _Question] = {}
        self._tested: set[int] = set()
        self._restarts = 0
        self._forget()

    def _forget(self) -> None:
        self._rows: tuple[Row, ...] = ()
        self._kept: frozenset[int] = frozenset()
        self._latest: dict[int, Latest] = {}
        self._addresses: dict[str, str] = {}
        self._health: Health | None = None
        self._board: Board | None = None
        self._tally: Tally | None = None

    def start(self) -> None:
        """Begin; a plan that was given before is worked on from now on."""
        with self._changed:
            self._started = True
            if self._plan.jobs or self._plan.tests:
                self._begin()

    def stop(self) -> None:
        """End the process; what it still tells goes to the callbacks before."""
        with self._changed:
            self._started = False
        if self._child.is_started:
            self._child.stop()

    def work(self, plan: Plan) -> None:
        """Have this plan worked on instead of the one before; may precede `start`.

        Jobs that want a module which is not there are left out, and logged.
        """
        if not self._settings.enabled:
            return
        plan, lacking = runnable(plan)
        for job, module in lacking.items():
            log.error("job left out", job=job, problem=f"there is no module {module!r}")
        with self._changed:
            self._plan = plan
            self._tested &= {test.id for test in plan.tests}
            self._assignments = assignments(plan, self.agent)
            if self._is_up.is_set():
                self._send_work()
            elif self._started and (plan.jobs or plan.tests):
                self._begin()

    def on_run(
        self, callback: Callable[[Run], None], *, failures: bool = False
    ) -> None:
        """Call this for every run that ends, in a thread of the prober; be quick.

        To be set before `start`. With `failures`, this one can do without the results
        that are a success. Where nobody wants them, runs are only counted.
        """
        self._on_run.append(callback)
        if self._keep != "all":
            self._keep = "failures" if failures else "all"

    def on_test(self, callback: Callable[[TestResult], None]) -> None:
        """Call this for every test of the plan that is done; as `on_run`."""
        self._on_test.append(callback)

    def ask(
        self,
        probe: Probe,
        target: Target,
        timeout: float,
        guard: Rules | None = None,
    ) -> Result:
        """Probe a target now and return what was found; blocks for `timeout` at most.

        `guard` says whom it may talk to; None lets everything pass. Raises ProberGone.
        """
        if not self._settings.enabled:
            raise ProberGone(
                "exporter.prober.enabled is false: this host does not probe"
            )
        self._begin()
        if not self._is_up.wait(_START):
            raise ProberGone("the prober does not start; see the log")
        number, question = next(self._numbers), _Question()
        self._questions[number] = question
        text = probe.model_dump_json().encode()
        ask = Ask(number, text, target.name, target.host, timeout, guard)
        try:
            self._child.tell(ask)
            answered = question.ended.wait(timeout + _SPARE)
        except Gone as error:
            raise ProberGone(str(error)) from error
        finally:
            self._questions.pop(number, None)
        if question.result is None:
            raise ProberGone(
                "the prober ended meanwhile" if answered else "the prober is too slow"
            )
        return question.result

    @property
    def destinations(self) -> Mapping[str, Destination]:
        """The destinations of the plan by name."""
        return {one.name: one for one in self._plan.destinations}

    @property
    def plan(self) -> Plan:
        """The plan that is worked on."""
        return self._plan

    @property
    def latest(self) -> Sequence[Result]:
        """The newest result of each probe of each destination, but of echoes."""
        return [one.result for one in self._latest.copy().values()]

    def families(self) -> list[Family]:
        """Return what is known of destinations, jobs and the process itself, now."""
        view = self.view()
        if view is None:
            return []
        from exporter.prober.families import families  # noqa: PLC0415 - see `view`

        return families(view)

    def view(self) -> View | None:
        """Return what is known now; None where nothing was ever probed."""
        if not self._child.is_started:
            return None
        # Loaded when there is something to tell, as arrays cost a host 20 MB.
        from exporter.prober.view import View  # noqa: PLC0415

        with self._changed:
            view = View(
                now=int(self._clock.now() * 1000),
                plan=self._plan,
                assignments=self._assignments,
                up=self._is_up.is_set(),
                restarts=self._restarts,
            )
            if self._board is None or self._tally is None:
                return view
            return replace(
                view,
                rows=self._rows,
                board=self._board.read(),
                tallied=self._tally.read([row.row for row in self._rows]),
                latest=self._latest.copy(),
                addresses=self._addresses.copy(),
                health=self._health,
            )

    def up(self, board: int, tally: int) -> None:
        """Hear that the process runs, and give it its work."""
        from exporter.prober.board import Board  # noqa: PLC0415 - as in `families`
        from exporter.prober.tally import Tally  # noqa: PLC0415

        with self._changed:
            self._board, self._tally = Board.attach(board), Tally.attach(tally)
            self._is_up.set()
            if self._plan.version:
                self._send_work()

    def heard(self, message: FromProber) -> None:
        """Hear what the process says."""
        match message:
            case Done(run):
                _hand_over(self._on_run, run)
            case Tested(result):
                self._tested.add(result.id)
                _hand_over(self._on_test, result)
            case Latest():
                # Of a run that went on while its job was taken from the plan.
                if message.row in self._kept:
                    self._latest[message.row] = message
            case Answer(number, result):
                self._end(number, result)
            case Health():
                self._addresses.update(message.addresses)
                self._health = message
            case Slots():
                self._place(message)

    def down(self, *, asked: bool) -> None:
        """Hear that the process has ended; who waits for an answer gets none."""
        with self._changed:
            self._is_up.clear()
            self._restarts += not asked
            for attached in (self._board, self._tally):
                if attached is not None:
                    os.close(attached.fd)
            self._forget()
        for number in list(self._questions):
            self._end(number, None)

    def _begin(self) -> None:
        with self._changed:
            if not self._child.is_started and self._settings.enabled:
                self._child.start()

    def _send_work(self) -> None:
        # A process that is started anew does not know which tests were done before.
        tests = [test for test in self._plan.tests if test.id not in self._tested]
        plan = self._plan.model_copy(update={"tests": tuple(tests)})
        text = plan.model_dump_json().encode()
        try:
            self._child.tell(Work(text, self.agent, self._keep))
        except Gone:
            return  # the next process gets it

    def _place(self, slots: Slots) -> None:
        with self._changed:
            self._rows = slots.rows
            self._kept = frozenset(row.row for row in slots.rows)
            known = {row.destination for row in slots.rows}
            self._latest = {
                row: one for row, one in self._latest.items() if row in self._kept
            }
            self._addresses = {
                name: ip for name, ip in self._addresses.items() if name in known
            }

    def _end(self, number: int, result: Result | None) -> None:
        question = self._questions.get(number)
        if question is not None:
            question.result = result
            question.ended.set()


def _hand_over(callbacks: Sequence[Callable[[T], None]], what: T) -> None:
    for callback in callbacks:
        try:
            callback(what)
        except Exception:
            log.exception("what the prober found was not taken over")

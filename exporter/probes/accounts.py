"""The accounts of requests: each is resolved once, on its volley and on the board."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from exporter.prober.cells import Cell, Head
from exporter.probes.flights import Flights, State
from exporter.probes.volleys import NO_SLOT, jitter_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from exporter.prober.board import Board
    from exporter.probes.volleys import Volley, VolleyResult

    Numbers = NDArray[np.int64]


@dataclass(slots=True)
class Run:
    """A volley under way: what came of it so far, and how many are not resolved."""

    number: int
    volley: Volley
    result: VolleyResult
    done: asyncio.Future[VolleyResult]
    slots: Numbers
    remaining: int
    began: int
    highest: Numbers = field(init=False)

    def __post_init__(self) -> None:
        self.highest = np.full(len(self.slots), -1, np.int64)


class Accounts:
    """Counts what becomes of requests, by rows of the flights.

    Every change of a batch is made inside `with board:`, by the caller.
    """

    def __init__(self, board: Board, flights: Flights) -> None:
        self.board = board
        self.flights = flights
        self.runs: dict[int, Run] = {}
        self._ended: list[Run] = []
        self._before: Numbers = np.zeros(0, np.int64)

    def take_ended(self) -> list[Run]:
        """Return and forget the volleys all of whose requests are resolved."""
        ended, self._ended = self._ended, []
        return ended

    def departed(self, rows: slice) -> None:
        """Take requests as being in flight."""
        self.flights.state[rows] = State.FLYING
        self.board.add(Head.IN_FLIGHT, rows.stop - rows.start)

    def answered(self, rows: Numbers, nanoseconds: Numbers, ttls: Numbers) -> None:
        """Resolve requests, each named once, as answered in time."""
        self._resolve(rows, State.ANSWERED)
        slots = self.flights.slot[rows]
        if slots.min() >= 0:
            self.board.answered(slots, nanoseconds, ttls)
        elif slots.max() >= 0:
            on = slots >= 0
            self.board.answered(slots[on], nanoseconds[on], ttls[on])
        for run, mine in self._by_run(rows):
            targets = self.flights.target[rows[mine]]
            sequences = self.flights.sequence[rows[mine]]
            run.result.rtts[targets, sequences] = nanoseconds[mine]
            run.result.ttls[targets] = ttls[mine]
            if run.result.count > 1:
                self._look_at_order(run, targets, sequences)
            self._settle(run, len(targets))

    def timed_out(self, rows: Numbers) -> None:
        """Resolve those of the requests that still fly as lost."""
        rows = rows[self.flights.state[rows] == State.FLYING]
        if not rows.size:
            return
        self._resolve(rows, State.LOST)
        slots = self.flights.slot[rows]
        slots = slots[slots >= 0]
        self.board.count(slots, Cell.REQUESTS)
        self.board.count(slots, Cell.LOST)
        for run, mine in self._by_run(rows):
            self._settle(run, int(mine.sum()))

    def failed(self, row: int, name: str, cell: Cell) -> None:
        """Resolve a request by an error that somebody told; `cell` says which kind."""
        self._resolve(np.array([row]), State.FAILED)
        self._count(row, Cell.REQUESTS)
        self._count(row, cell)
        if run := self._run(row):
            told = (
                run.result.ttl_exceeded
                if cell is Cell.TTL_EXCEEDED
                else run.result.unreachable
            )
            told[int(self.flights.target[row]), name] += 1
            self._settle(run, 1)

    def not_sent(self, row: int, name: str) -> None:
        """Resolve a request that this host could not send."""
        self._resolve(np.array([row]), State.NONE)
        self._count(row, Cell.SEND_ERRORS)
        if run := self._run(row):
            target = int(self.flights.target[row])
            run.result.send_errors[target, name] += 1
            run.result.sent[target] -= 1
            self._settle(run, 1)

    def refused(self, run: Run, targets: Numbers, name: str) -> None:
        """Resolve requests to these targets for which there was no room."""
        slots = run.slots[targets]
        self.board.count(slots[slots != NO_SLOT], Cell.SEND_ERRORS)
        self.board.add(Head.DROPPED, len(targets))
        run.result.send_errors.update((target, name) for target in targets.tolist())
        run.result.sent[targets] -= 1
        self._settle(run, len(targets))

    def besides(self, row: int, cell: Cell) -> None:
        """Count what came for a request without resolving it."""
        self._count(row, cell)
        run = self._run(row)
        if run is None:
            return
        column = {
            Cell.DUPLICATES: run.result.duplicates,
            Cell.LATE: run.result.late,
            Cell.CORRUPT: run.result.corrupt,
            Cell.WRONG_SOURCE: run.result.wrong_source,
        }[cell]
        column[self.flights.target[row]] += 1

    def stepped(self, rows: Numbers) -> None:
        """Mark the volleys of these requests as measured while the clock was set."""
        for run, _ in self._by_run(rows):
            run.result.stepped = True

    def read_after(self, rows: Numbers, nanoseconds: Numbers) -> None:
        """Note how long replies waited to be read after the kernel had stamped them."""
        self.board.observe(nanoseconds, Head.STAMP)
        for run, mine in self._by_run(rows):
            longest = float(nanoseconds[mine].max()) / 1e9
            run.result.stamp_error = max(run.result.stamp_error, longest)

    def finished(self, run: Run) -> None:
        """Put what is said of a whole volley on the board: sent, received, jitter.

        The jitter of single requests is the difference from the volley before.
        """
        on = np.flatnonzero(run.slots != NO_SLOT)
        slots, rows = run.slots[on], self.board.rows
        result = run.result
        if not on.size:
            return
        if result.count == 1:
            jitters = self._steps(slots, result.rtts[on, 0])
        else:
            jitters = np.nan_to_num(jitter_of(result.rtts[on]) * 1e9, nan=-1)
        rows[slots, Cell.LAST_JITTER_NS] = jitters
        rows[slots, Cell.LAST_SENT] = result.sent[on]
        rows[slots, Cell.LAST_RECEIVED] = result.received[on]

    def _steps(self, slots: Numbers, rtts: Numbers) -> Numbers:
        """Return by how much round-trip times differ from those before, or -1."""
        before = self._before
        top = int(slots.max()) + 1
        if top > len(before):
            self._before = np.full(2 * top, -1, np.int64)
            self._before[: len(before)] = before
        last = self._before[slots]
        # Before the first volley of a slot it is somebody else's.
        known = (last >= 0) & (rtts >= 0)
        known &= self.board.rows[slots, Cell.LAST_SENT] >= 0
        self._before[slots] = np.where(rtts >= 0, rtts, last)
        return np.where(known, np.abs(rtts - last), -1)

    def _resolve(self, rows: Numbers, state: State) -> None:
        self.flights.state[rows] = state
        self.board.add(Head.IN_FLIGHT, -len(rows))

    def _count(self, row: int, cell: Cell) -> None:
        slot = self.flights.slot[row]
        if slot != NO_SLOT:
            self.board.rows[slot, cell] += 1

    def _run(self, row: int) -> Run | None:
        return self.runs.get(int(self.flights.volley[row]))

    def _by_run(self, rows: Numbers) -> Iterator[tuple[Run, NDArray[np.bool_]]]:
        numbers = self.flights.volley[rows]
        first = int(numbers[0])
        if (numbers == first).all():
            if run := self.runs.get(first):
                yield run, np.ones(len(rows), np.bool_)
            return
        for number in np.unique(numbers).tolist():
            if run := self.runs.get(number):
                yield run, numbers == number

    def _settle(self, run: Run, some: int) -> None:
        run.remaining -= some
        if run.remaining == 0:
            self._ended.append(run)

    def _look_at_order(self, run: Run, targets: Numbers, sequences: Numbers) -> None:
        """Count replies that come after one to a later request of their target."""
        order = np.argsort(targets, kind="stable")
        targets, sequences = targets[order], sequences[order]
        starts = np.ones(len(targets), np.bool_)
        starts[1:] = targets[1:] != targets[:-1]
        highest = run.highest[targets]
        # A group's number is worth more than any sequence number, so that the running
        # maximum begins anew with each target.
        groups = np.cumsum(starts) * (2 * run.result.count)
        running = np.maximum.accumulate(groups + np.maximum(sequences, highest))
        before = np.empty_like(running)
        before[1:] = running[:-1] - groups[1:]
        before[starts] = highest[starts]
        late = targets[sequences < before]
        np.maximum.at(run.highest, targets, sequences)
        if late.size:
            np.add.at(run.result.reordered, late, 1)
            slots = run.slots[late]
            self.board.count(slots[slots >= 0], Cell.REORDERED)

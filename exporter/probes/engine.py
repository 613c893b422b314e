"""The engine of echo requests: volleys out, answers in, on one socket for each place.

Requests leave in ticks of 10 ms, each target at its phase, and what came is read in
the same ticks, or in every tenth while requests leave in each: the kernel stamps
replies when they arrive, so that nothing needs to be awake for them. No task, object or
dictionary entry is made for a request; rows of arrays are. Only where somebody waits
for a few requests that no job made, they leave at once, and replies are read as they
come.
"""

from __future__ import annotations

import asyncio
import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.prober.cells import Head
from exporter.probes.accounts import Accounts, Run
from exporter.probes.answers import Answers, Moment
from exporter.probes.base import ProbeFailed
from exporter.probes.clocks import Clocks
from exporter.probes.echo import CHUNK, LARGEST, Marks
from exporter.probes.flights import Aim, Flights
from exporter.probes.harbour import Harbour
from exporter.probes.ports import Way
from exporter.probes.reading import BATCH
from exporter.probes.salvos import Salvo, aim
from exporter.probes.volleys import NO_SLOT, VolleyResult
from exporter.probes.watch import Watch
from exporter.probes.wheel import TICK_NS, Wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from exporter.prober.board import Board
    from exporter.probes.icmp_sockets import Wanted
    from exporter.probes.reading import Batch
    from exporter.probes.volleys import Volley

    Numbers = NDArray[np.int64]

_BUSY_NS: Final = 5_000_000
_STEP_NS: Final = 10_000_000
_ROUNDS: Final = 64
_NONCES: Final = 4096
_FEW: Final = 8
"""Requests for which it is worth to be awake."""
_UNREAD_NS: Final = 10 * TICK_NS
"""How long replies are left in the socket while requests leave in every tick."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """Requests that are lost if they are still in flight when this is due."""

    places: Numbers


class Engine:
    """Fires volleys on the running event loop; `close` ends those under way.

    `sockets` and `transmit_stamps` are the settings of `exporter.prober`. Sockets are
    opened when first needed and stay open.
    """

    def __init__(
        self,
        board: Board,
        *,
        sockets: Wanted = "auto",
        transmit_stamps: bool = False,
        random_bytes: Callable[[int], bytes] = os.urandom,
        clocks: Clocks | None = None,
    ) -> None:
        self._board = board
        self._random_bytes = random_bytes
        self._clocks = clocks or Clocks()
        self._flights = Flights()
        self._accounts = Accounts(board, self._flights)
        self._answers = Answers(self._accounts)
        self._harbour = Harbour(
            sockets,
            random_bytes(LARGEST),
            self._clocks.realtime,
            transmit_stamps=transmit_stamps,
        )
        self._wheel: Wheel[Salvo | Expiry] = Wheel()
        self._runs = 0
        self._timer: asyncio.Handle | None = None
        self._backlog: list[Salvo] = []
        self._expired: list[Expiry] = []
        self._nonces = np.zeros(0, np.uint64)
        self._unread = 0
        self._read_at = 0
        self._awaited: set[int] = set()
        self._watch = Watch(self._came)
        self._offset = self._clocks.offset()

    @property
    def sockets(self) -> dict[tuple[int, str], int]:
        """How many sockets are open, by family and kind."""
        return self._harbour.sockets

    async def fire(self, volley: Volley) -> VolleyResult:
        """Send a volley and return what came of it, when all is answered or timed out.

        Targets to which nothing can be sent are in the result as refused. Raises
        CancelledError; then the requests under way are still counted on the board.
        """
        run = self._begin(volley)
        try:
            return await run.done
        finally:
            self._accounts.runs.pop(run.number, None)
            self._awaited.discard(run.number)
            if not self._awaited:
                self._watch.end()

    def close(self) -> None:
        """End all volleys as they stand, marked as aborted, and close the sockets."""
        self._watch.end()
        if self._timer:
            self._timer.cancel()
            self._timer = None
        for run in list(self._accounts.runs.values()):
            run.result.aborted = True
            self._end(run)
        self._harbour.close()
        self._wheel = Wheel()
        self._backlog.clear()
        self._expired.clear()
        self._board.head[Head.IN_FLIGHT] = 0

    def _begin(self, volley: Volley) -> Run:
        now = self._clocks.monotonic()
        some, count = len(volley.targets), volley.settings.count
        result = VolleyResult.empty(some, count, self._clocks.realtime() // 1_000_000)
        slots = np.array(volley.slots or [NO_SLOT] * some, np.int64)
        done = asyncio.get_running_loop().create_future()
        self._runs += 1
        run = Run(self._runs, volley, result, done, slots, 0, now)
        self._accounts.runs[run.number] = run
        # Ports may be closed and opened anew.
        self._watch.end()
        if some <= _FEW and not volley.slots and not volley.phases:
            self._awaited.add(run.number)
        phases = np.array(volley.phases or [0.0] * some, np.float64)
        families = np.array([target.family for target in volley.targets], np.int64)
        for family in sorted(set(families.tolist())):
            numbers = np.flatnonzero(families == family)
            try:
                port = self._harbour.port(family, volley.settings)
                aims = aim(run, numbers, phases)
            except ProbeFailed as error:
                result.refused.update(dict.fromkeys(numbers.tolist(), error))
                continue
            if aims is not None:
                self._launch(Salvo(run, port, aims, now))
        if run.remaining == 0:
            self._end(run)
        self._wake()
        return run

    def _launch(self, salvo: Salvo) -> None:
        """Count the requests of a volley through one port, and plan the first ones."""
        run, count = salvo.run, salvo.run.volley.settings.count
        run.result.sent[salvo.aims.rows[:, Aim.TARGET]] = count
        run.remaining += len(salvo.aims.rows) * count
        if run.number in self._awaited:
            self._backlog.append(salvo)
        else:
            self._wheel.add(salvo.when(), salvo)

    def _wake(self) -> None:
        """Have the next tick done when there is something to do in it."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._backlog:
            self._timer = asyncio.get_running_loop().call_soon(self._tick)
            return
        due = self._wheel.next()
        if due is None:
            return
        now = self._clocks.monotonic()
        if self._board.head[Head.IN_FLIGHT] > 0:
            due = min(due, (now // TICK_NS + 1) * TICK_NS)
        self._timer = asyncio.get_running_loop().call_later(
            max(due - now, 0) / 1e9, self._tick
        )

    def _tick(self) -> None:
        """Send what is due, read what came, and give up what came too late.

        Sending goes first, on the beat and with a path that is not yet cold from
        counting, as the time from our stamp to the network is part of what is measured.
        """
        self._timer = None
        now = self._clocks.monotonic()
        backlog, self._backlog = self._backlog, []
        try:
            self._look_at_clock()
            for port in self._harbour.ports:
                port.is_cold = True
            due = self._wheel.take(now)
            salvos = backlog + [one for one in due if isinstance(one, Salvo)]
            for salvo in salvos:
                self._send(salvo, now, now + _BUSY_NS)
            self._expired += [one for one in due if isinstance(one, Expiry)]
            if now >= self._read_at or self._unread >= CHUNK or not salvos:
                self._read()
                self._expire()
            self._end_all()
            if self._awaited:
                self._watch.begin(self._harbour.ports)
        finally:
            self._wake()

    def _came(self) -> None:
        """Read what has come, and leave the rest to the next tick if that is much."""
        self._read()
        self._end_all()
        if self._board.head[Head.IN_FLIGHT] > _FEW:
            self._watch.end()

    def _end_all(self) -> None:
        """End the volleys all of whose requests are resolved."""
        ended = self._accounts.take_ended()
        if not ended:
            return
        with self._board:
            for run in ended:
                self._accounts.finished(run)
        for run in ended:
            self._end(run)

    def _look_at_clock(self) -> None:
        offset = self._clocks.offset()
        if abs(offset - self._offset) > _STEP_NS:
            self._board.add(Head.CLOCK_STEPS)
        self._offset = offset

    def _expire(self) -> None:
        """Give up what has not come until now.

        What came is judged by the kernel's stamp, however late it was read.
        """
        if self._expired:
            places = np.concatenate([one.places for one in self._expired])
            self._expired.clear()
            with self._board:
                self._accounts.timed_out(places & self._flights.mask)

    def _read(self) -> None:
        self._unread = 0
        self._read_at = self._clocks.monotonic() + _UNREAD_NS
        self._answers.begin()
        for port in self._harbour.ports:
            for batch in self._batches(port.read_errors):
                with self._board:
                    self._answers.take_errors(port, batch)
            port.stamps.restart()
            for batch in self._batches(port.read):
                moment = Moment(self._clocks.realtime(), self._offset)
                with self._board:
                    self._answers.take(port, batch, moment)

    def _batches(self, read: Callable[[], Batch | None]) -> Iterator[Batch]:
        """Yield what there is to read, though not without end."""
        for _ in range(_ROUNDS):
            try:
                batch = read()
            except OSError:
                self._board.add(Head.READ_ERRORS)
                return
            if batch is None:
                return
            yield batch
            if len(batch) < BATCH:
                return

    def _send(self, salvo: Salvo, now: int, busy_until: int) -> None:
        """Send what is due of a salvo, reading between chunks, and plan the rest."""
        if salvo.run.done.done():
            return
        if salvo.next == 0 and (following := salvo.following()):
            self._wheel.add(following.when(), following)
        due = salvo.due(now)
        while salvo.next < due:
            until = min(salvo.next + CHUNK, due)
            self._send_chunk(salvo, slice(salvo.next, until))
            salvo.next = until
            if until < due:
                self._read()
            if self._clocks.monotonic() > busy_until:
                break
        if salvo.next < due:
            # In the next turn of the loop, as others want to run as well.
            self._backlog.append(salvo)
        elif salvo.next < len(salvo.aims.phases):
            self._wheel.add(salvo.when(), salvo)

    def _send_chunk(self, salvo: Salvo, which: slice) -> None:
        settings, flights = salvo.run.volley.settings, self._flights
        aims = salvo.aims.rows[which]
        some = len(aims)
        try:
            salvo.port.go(Way.of(settings))
        except OSError as gone:
            # Its socket was closed, as what it was bound to is no more.
            self._accounts.refused(salvo.run, aims[:, Aim.TARGET], error_name(gone))
            return
        reserved = flights.reserve(some, self._clocks.realtime())
        if reserved is None:
            self._accounts.refused(salvo.run, aims[:, Aim.TARGET], "ENOBUFS")
            return
        rows = reserved.rows
        nonces = self._new_nonces(some)
        flights.aims[rows] = aims
        flights.place[rows] = reserved.places
        flights.nonce[rows] = nonces
        flights.offset[rows] = self._offset
        flights.sequence[rows] = salvo.sequence
        self._accounts.departed(rows)
        sent, failed = salvo.port.send(
            salvo.port.packets(settings.size),
            Marks(nonces, reserved.places),
            salvo.sequence & 0xFFFF,
            salvo.aims.addresses[which],
        )
        flights.sent[rows] = sent
        for place, error in failed.items():
            self._accounts.not_sent(rows.start + place, error_name(error))
        deadline = self._clocks.monotonic() + round(settings.timeout * 1e9)
        self._wheel.add(deadline, Expiry(reserved.places))
        self._unread += some

    def _new_nonces(self, some: int) -> NDArray[np.uint64]:
        if len(self._nonces) < some:
            fresh = self._random_bytes(8 * _NONCES)
            self._nonces = np.frombuffer(fresh, np.uint64)
        taken, self._nonces = self._nonces[:some], self._nonces[some:]
        return taken

    def _end(self, run: Run) -> None:
        self._accounts.runs.pop(run.number, None)
        run.result.seconds = (self._clocks.monotonic() - run.began) / 1e9
        if not run.done.done():
            run.done.set_result(run.result)


def error_name(error: OSError) -> str:
    """Return what an error of the system is called, as ENOBUFS."""
    return errno.errorcode.get(error.errno or 0, "EUNKNOWN")

"""What comes back: matched with the requests in flight, and judged."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.prober.cells import Cell, Head
from exporter.probes.echo import HEADER, MARK, reply_type
from exporter.probes.flights import State
from exporter.probes.icmp_errors import from_packet, from_queue
from exporter.probes.icmp_sockets import SO_RXQ_OVFL, SO_TIMESTAMPNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.probes.accounts import Accounts
    from exporter.probes.icmp_errors import Told
    from exporter.probes.ports import Port
    from exporter.probes.reading import Batch

    Numbers = NDArray[np.int64]
    Truths = NDArray[np.bool_]

_IPV4_HEADER: Final = 20
_SHORT_IPV4_HEADER: Final = 0x45
_SEARCHES: Final = 64
_MARKED: Final = HEADER + MARK
_STEP_NS: Final = 2_000_000
_DRIFT: Final = 500
"""Clocks may be slewed by 1/500, as adjtimex(2) allows 500 ppm twice over."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was read, in ns: realtime, and that less the monotonic clock."""

    realtime: int
    offset: int


@dataclass(frozen=True, slots=True)
class Replies:
    """Messages of a batch as columns; `rows` are those of the requests they name.

    `head` are the first 32 bytes of each, `whole` tells that everything in it is as it
    was sent, `from_target` that it came from where the request went, and `rtts` are in
    ns by the kernel's `stamps`.
    """

    head: NDArray[np.uint8]
    sizes: Numbers
    stamps: Numbers
    ttls: Numbers
    rows: Numbers
    named: Truths
    whole: Truths
    from_target: Truths
    rtts: Numbers


class Answers:
    """Tells the accounts what became of requests.

    What is as it should be is handled by the array; whatever is not, one by one.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._flights = accounts.flights
        self._searches = 0

    def begin(self) -> None:
        """Allow for some costly searches, those of a new look at the ports."""
        self._searches = _SEARCHES

    def take(self, port: Port, batch: Batch, moment: Moment) -> None:
        """Account for what a port received."""
        self._count_drops(port, batch)
        start = 0
        if port.kind == "raw" and port.family == socket.AF_INET:
            _cut_options(batch)
            start = _IPV4_HEADER
        replies = self._match(port, batch, start, moment)
        is_reply = replies.head[:, 0] == reply_type(port.family)
        clean = is_reply & replies.whole & replies.from_target
        rows = replies.rows
        clean &= self._flights.state[rows] == State.FLYING
        clean &= replies.rtts <= self._flights.timeout[rows]
        # Only among these, as damaged ones name any row.
        clean[clean] = self._is_first(rows[clean])
        if clean.all():
            self._answer(replies, slice(None), moment)
            return
        if clean.any():
            self._answer(replies, clean, moment)
        for place in np.flatnonzero(~clean).tolist():
            if is_reply[place]:
                self._judge(replies, place)
            elif told := from_packet(
                port.family,
                batch.data[place, start : int(batch.sizes[place])].tobytes(),
            ):
                self._error(port, told)

    def take_errors(self, port: Port, batch: Batch) -> None:
        """Account for what a port's error queue held: errors, and stamps of sending."""
        stamps = port.stamps.take(batch, self._flights)
        for place in np.flatnonzero(~stamps).tolist():
            if told := from_queue(port.family, batch, place):
                self._error(port, told)

    def _match(self, port: Port, batch: Batch, start: int, moment: Moment) -> Replies:
        flights = self._flights
        head = np.ascontiguousarray(batch.data[:, start : start + _MARKED])
        words, halves = head.view(np.uint64), head.view(">u2").astype(np.int64)
        sizes = batch.sizes - start
        low, high = halves[:, 12], halves[:, 13]
        places = high << 16 | low
        rows = places & flights.mask
        named = (flights.place[rows] == places) & (sizes >= _MARKED)
        named &= (flights.nonce[rows] == words[:, 1]) | (
            flights.nonce[rows] == ~words[:, 2]
        )
        together = high + halves[:, 3]
        whole = named & (words[:, 1] == ~words[:, 2]) & (halves[:, 14] == 0xFFFF - low)
        whole &= halves[:, 15] == 0xFFFF - ((together & 0xFFFF) + (together >> 16))
        whole &= (halves[:, 2] == port.identifier) & ~batch.cut & (head[:, 1] == 0)
        whole &= sizes == flights.size[rows] + HEADER
        whole &= _is_padded(port, batch.data[:, start + _MARKED :], sizes - _MARKED)
        from_high, from_low = _sources(port.family, batch)
        from_target = (flights.low[rows] == from_low) & (
            flights.high[rows] == from_high
        )
        stamps, rtts = self._time(batch, rows, moment)
        return Replies(
            head,
            sizes,
            stamps,
            _ttls(port.family, batch),
            rows,
            named,
            whole,
            from_target | (flights.any_source[rows] != 0),
            rtts,
        )

    def _time(
        self, batch: Batch, rows: Numbers, moment: Moment
    ) -> tuple[Numbers, Numbers]:
        """Return the kernel's stamps and the round-trip times.

        Where the clock was set since a request was sent, the times are told by the
        monotonic clock, as far as that is known.
        """
        at = batch.find(socket.SOL_SOCKET, SO_TIMESTAMPNS)
        each = np.arange(len(batch))
        words = batch.control.view(np.int64)
        stamps = words[each, at // 8] * 1_000_000_000 + words[each, at // 8 + 1]
        stamps[at < 0] = moment.realtime
        flights = self._flights
        rtts = stamps - flights.sent[rows]
        shift = moment.offset - flights.offset[rows]
        stepped = np.abs(shift) > _STEP_NS + np.abs(rtts) // _DRIFT
        if stepped.any():
            longest = moment.realtime - flights.sent[rows] - shift
            # If the step came before the stamp, this is the truth; otherwise there is
            # only when it was read.
            shifted = rtts - shift
            likely = (shifted > 0) & (shifted <= longest)
            rtts = np.where(stepped, np.where(likely, shifted, longest), rtts)
            known = stepped & (flights.state[rows] == State.FLYING)
            if known.any():
                self._accounts.stepped(rows[known])
        return stamps, rtts

    def _is_first(self, rows: Numbers) -> Truths:
        """Return which replies are the first of their request in this batch."""
        scratch = self._flights.scratch
        order = np.arange(len(rows))
        scratch[rows[::-1]] = order[::-1]
        first: Truths = scratch[rows] == order
        return first

    def _answer(self, replies: Replies, which: Truths | slice, moment: Moment) -> None:
        rows = replies.rows[which]
        accounts = self._accounts
        # The stamp of sending is taken just before, and clocks are read one by one.
        accounts.answered(rows, np.maximum(replies.rtts[which], 0), replies.ttls[which])
        waited = np.maximum(moment.realtime - replies.stamps[which], 0)
        accounts.read_after(rows, waited)

    def _judge(self, replies: Replies, place: int) -> None:
        """Account for a reply that is not a first whole one in time."""
        row = int(replies.rows[place])
        whole = bool(replies.whole[place])
        if not replies.named[place]:
            row = self._search(replies, place)
            whole = False
        if row < 0:
            self._accounts.board.add(Head.STRAY)
            return
        state = self._flights.state[row]
        if replies.named[place] and not replies.from_target[place]:
            self._accounts.besides(row, Cell.WRONG_SOURCE)
        elif not whole:
            self._accounts.besides(row, Cell.CORRUPT)
        elif state in {State.ANSWERED, State.ANSWERED_LATE}:
            self._accounts.besides(row, Cell.DUPLICATES)
        else:
            self._late(row)

    def _late(self, row: int) -> None:
        self._accounts.timed_out(np.array([row]))
        self._accounts.besides(row, Cell.LATE)
        self._flights.state[row] = State.ANSWERED_LATE

    def _search(self, replies: Replies, place: int) -> int:
        """Return the row that the nonce of a damaged reply names, or -1."""
        self._searches -= 1
        if self._searches < 0 or replies.sizes[place] < _MARKED:
            return -1
        words = replies.head[place].view(np.uint64)
        row = self._flights.search(int(words[1]))
        return row if row >= 0 else self._flights.search(int(~words[2]))

    def _error(self, port: Port, told: Told) -> None:
        row = self._about(port, told)
        if row >= 0 and self._flights.state[row] == State.FLYING:
            self._accounts.failed(row, told.name, told.cell)

    def _about(self, port: Port, told: Told) -> int:
        if told.identifier != port.identifier:
            return -1
        if told.place_and_nonce:
            place, nonce = told.place_and_nonce
            row = place & self._flights.mask
            known = self._flights.place[row] == place
            return row if known and int(self._flights.nonce[row]) == nonce else -1
        self._searches -= 1
        if self._searches < 0:
            return -1
        high, low = pair(told.destination)
        return self._flights.search_address(high, low, told.sequence)

    def _count_drops(self, port: Port, batch: Batch) -> None:
        for level, kind, at, _ in batch.messages(len(batch) - 1):
            if (level, kind) == (socket.SOL_SOCKET, SO_RXQ_OVFL):
                dropped = int(batch.control[-1, at : at + 4].view(np.uint32)[0])
                self._accounts.board.add(Head.DROPPED, dropped - port.dropped)
                port.dropped = dropped


def pair(packed: bytes) -> tuple[int, int]:
    """Return the two numbers that stand for an address, the first 0 for IPv4."""
    whole = int.from_bytes(packed, "big")
    return whole >> 64, whole & (2**64 - 1)


def _sources(family: int, batch: Batch) -> tuple[NDArray[np.uint64], ...]:
    if family == socket.AF_INET:
        low = np.ascontiguousarray(batch.names[:, 4:8]).view(">u4")[:, 0]
        return np.zeros(len(batch), np.uint64), low.astype(np.uint64)
    both = np.ascontiguousarray(batch.names[:, 8:24]).view(">u8").astype(np.uint64)
    return both[:, 0], both[:, 1]


def _ttls(family: int, batch: Batch) -> Numbers:
    if family == socket.AF_INET:
        at = batch.find(socket.IPPROTO_IP, socket.IP_TTL)
    else:
        at = batch.find(socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT)
    ttls = batch.control.view(np.int32)[np.arange(len(batch)), at // 4].astype(np.int64)
    ttls[at < 0] = -1
    return ttls


def _is_padded(port: Port, data: NDArray[np.uint8], sizes: Numbers) -> Truths:
    """Return which messages end in the pattern, over the size that they have."""
    padded = np.zeros(len(sizes), np.bool_)
    for size in set(sizes.tolist()):
        if 0 <= size <= data.shape[1]:
            mine = sizes == size
            same = data[mine, :size] == port.pattern[:size]
            padded[mine] = same.all(axis=1)
    return padded


def _cut_options(batch: Batch) -> None:
    """Move what follows an IPv4 header with options to where it follows others."""
    for row in np.flatnonzero(batch.data[:, 0] != _SHORT_IPV4_HEADER).tolist():
        length = int(batch.data[row, 0] & 15) * 4
        size = int(batch.sizes[row])
        batch.data[row, _IPV4_HEADER : _IPV4_HEADER + size - length] = batch.data[
            row, length:size
        ].copy()
        batch.sizes[row] -= length - _IPV4_HEADER

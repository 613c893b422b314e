"""Stamps of sending: when the kernel handed a request to the network."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.probes.flights import State
from exporter.probes.icmp_sockets import (
    IP_RECVERR,
    IPV6_RECVERR,
    SO_TIMESTAMPING,
    STAMP_SENDING,
    TELL_STAMPS,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from exporter.probes.flights import Flights
    from exporter.probes.reading import Batch

    Numbers = NDArray[np.int64]

_KEPT: Final = 2**16
_LONGEST_NS: Final = 10**9
_ORIGIN_TIMESTAMPING: Final = 4
_NUMBERED: Final = 1 << 7  # SOF_TIMESTAMPING_OPT_ID


class SendingStamps:
    """Knows requests by the numbers that the kernel gives to what a socket sends.

    The numbers begin anew after a request that could not be sent at once, as kernels
    differ in whether such a one is counted. `every` tells that all requests are
    stamped; else it is the first of each tick, whose way into the network is cold, and
    long.
    """

    def __init__(self, made: socket.socket, *, every: bool) -> None:
        self.every: Final = every
        self._socket = made
        self._ipv4 = made.family == socket.AF_INET
        self._places = np.full(_KEPT, -1, np.int64)
        self._next = 0
        self._is_lost = False

    def sent(self, places: Numbers, *, smoothly: bool) -> None:
        """Note what was sent to be stamped, in order, and whether nothing failed."""
        if not smoothly:
            self._is_lost = True
        if self._is_lost:
            return
        numbers = np.arange(self._next, self._next + len(places)) % _KEPT
        self._places[numbers] = places
        self._next += len(places)

    def restart(self) -> None:
        """Begin to number anew if need be; the error queue must have been emptied."""
        if not self._is_lost:
            return
        # Turning the option off and on sets the number to 0.
        flags = TELL_STAMPS | (STAMP_SENDING if self.every else 0)
        for value in (flags & ~_NUMBERED, flags):
            self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, value)
        self._places[:] = -1
        self._next = 0
        self._is_lost = False

    def take(self, batch: Batch, flights: Flights) -> NDArray[np.bool_]:
        """Put the stamps in a socket's error queue in the place of our own.

        Returns which entries are stamps.
        """
        at = batch.find(socket.SOL_SOCKET, SO_TIMESTAMPING)
        errors = (
            batch.find(socket.IPPROTO_IP, IP_RECVERR)
            if self._ipv4
            else batch.find(socket.IPPROTO_IPV6, IPV6_RECVERR)
        )
        origins = batch.control[np.arange(len(batch)), errors + 4]
        mine: NDArray[np.bool_] = (
            (at >= 0) & (errors >= 0) & (origins == _ORIGIN_TIMESTAMPING)
        )
        which = np.flatnonzero(mine)
        words = batch.control.view(np.int64)
        stamps = words[which, at[which] // 8] * 1_000_000_000
        stamps += words[which, at[which] // 8 + 1]
        # ee_data of struct sock_extended_err.
        numbers = batch.control.view(np.uint32)[which, errors[which] // 4 + 3]
        places = self._places[numbers.astype(np.int64) % _KEPT]
        rows = places & flights.mask
        good = (places >= 0) & (not self._is_lost) & (flights.place[rows] == places)
        later = stamps - flights.sent[rows]
        # Beyond that the clock was set meanwhile.
        good &= (later >= 0) & (later < _LONGEST_NS)
        good &= flights.state[rows] == State.FLYING
        flights.sent[rows[good]] = stamps[good]
        return mine

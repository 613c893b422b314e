"""How well the kernel's clock is disciplined: adjtimex(2)."""

from __future__ import annotations

import ctypes
import errno
import os
from typing import TYPE_CHECKING, Final

from exporter.collectors.base import Family, Host, Metric, NothingHere

if TYPE_CHECKING:
    from runtime.settings import Collector as Options


def _metric(name: str, text: str) -> Metric:
    is_counter = name.endswith("_total")
    return Metric(f"node_timex_{name}", "counter" if is_counter else "gauge", text)


OFFSET = _metric(
    "offset_seconds", "Time offset in between local system and reference clock."
)
FREQUENCY = _metric("frequency_adjustment_ratio", "Local clock frequency adjustment.")
MAXERROR = _metric("maxerror_seconds", "Maximum error in seconds.")
ESTIMATED = _metric("estimated_error_seconds", "Estimated error in seconds.")
STATUS = _metric("status", "Value of the status array bits.")
CONSTANT = _metric("loop_time_constant", "Phase-locked loop time constant.")
TICK = _metric("tick_seconds", "Seconds between clock ticks.")
PPS_FREQUENCY = _metric("pps_frequency_hertz", "Pulse per second frequency.")
PPS_JITTER = _metric("pps_jitter_seconds", "Pulse per second jitter.")
PPS_SHIFT = _metric("pps_shift_seconds", "Pulse per second interval duration.")
PPS_STABILITY = _metric(
    "pps_stability_hertz",
    "Pulse per second stability, average of recent frequency changes.",
)
PPS_JITTERS = _metric(
    "pps_jitter_total", "Pulse per second count of jitter limit exceeded events."
)
PPS_CALIBRATIONS = _metric(
    "pps_calibration_total", "Pulse per second count of calibration intervals."
)
PPS_ERRORS = _metric("pps_error_total", "Pulse per second count of calibration errors.")
PPS_UNSTABLE = _metric(
    "pps_stability_exceeded_total",
    "Pulse per second count of stability limit exceeded events.",
)
TAI = _metric("tai_offset_seconds", "International Atomic Time (TAI) offset.")
SYNC = _metric(
    "sync_status", "Is clock synchronized to a reliable server (1 = yes, 0 = no)."
)

_TIME_ERROR: Final = 5
"""What the call returns while the clock follows no server."""
_STA_NANO: Final = 0x2000
_NANOSECONDS: Final = 1e9
_MICROSECONDS: Final = 1e6
_PARTS_PER_MILLION: Final = 1e6 * 65536
"""Frequencies are in parts per million, with 16 bits behind the point."""


class Told(ctypes.Structure):
    """`struct timex`; as the caller leaves `modes` at 0, nothing is set."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("fraction", ctypes.c_long),
        ("tick", ctypes.c_long),
        ("ppsfreq", ctypes.c_long),
        ("jitter", ctypes.c_long),
        ("shift", ctypes.c_int),
        ("stabil", ctypes.c_long),
        ("jitcnt", ctypes.c_long),
        ("calcnt", ctypes.c_long),
        ("errcnt", ctypes.c_long),
        ("stbcnt", ctypes.c_long),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 11),
    )


class Timex:
    """Asks adjtimex(2)."""

    def __init__(self, host: Host, options: Options) -> None:
        del host, options
        self._libc: ctypes.CDLL | None = None

    def collect(self) -> list[Family]:
        """Return the state of the clock; NothingHere where the call is forbidden."""
        if self._libc is None:
            self._libc = ctypes.CDLL(None, use_errno=True)
        told = Told()
        state = self._libc.adjtimex(ctypes.byref(told))
        if state < 0:
            number = ctypes.get_errno()
            if number == errno.EPERM:
                raise NothingHere("adjtimex(2) is forbidden, as by ProtectClock=")
            raise OSError(number, os.strerror(number))
        return families(told, state)


def families(told: Told, state: int) -> list[Family]:
    """Return what the kernel said, and the value of the call, as metrics."""
    fraction = _NANOSECONDS if told.status & _STA_NANO else _MICROSECONDS
    return [
        SYNC.of(int(state != _TIME_ERROR)),
        OFFSET.of(told.offset / fraction),
        FREQUENCY.of(1 + told.freq / _PARTS_PER_MILLION),
        MAXERROR.of(told.maxerror / _MICROSECONDS),
        ESTIMATED.of(told.esterror / _MICROSECONDS),
        STATUS.of(told.status),
        CONSTANT.of(told.constant),
        TICK.of(told.tick / _MICROSECONDS),
        PPS_FREQUENCY.of(told.ppsfreq / _PARTS_PER_MILLION),
        PPS_JITTER.of(told.jitter / fraction),
        PPS_SHIFT.of(told.shift),
        PPS_STABILITY.of(told.stabil / _PARTS_PER_MILLION),
        PPS_JITTERS.of(told.jitcnt),
        PPS_CALIBRATIONS.of(told.calcnt),
        PPS_ERRORS.of(told.errcnt),
        PPS_UNSTABLE.of(told.stbcnt),
        TAI.of(told.tai),
    ]

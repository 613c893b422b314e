"""Whether this host let the prober work: tasks that waited, time that was stolen.

What is measured on a starved host says more about the host than about the network, so
results are marked with it. Three signs are looked at, each as a share of time: tasks
waited for a CPU (`some` of /proc/pressure/cpu), a hypervisor took the CPUs (steal of
/proc/stat), and the prober's own loop came late.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from runtime.clock import Clock

_KEPT: Final = 120
"""Samples that are remembered; runs that last longer are judged by these."""

_STEAL: Final = 8


@dataclass(frozen=True, slots=True)
class Sample:
    """Totals at a moment: seconds of waiting, parts of CPU time, seconds of lag."""

    at: float
    waited: float | None
    stolen: int
    ticks: int
    lag: float


class Starvation:
    """Samples the host once a second and judges spans of time by it.

    `percent` is the share from which on the host counts as starved. Times are those of
    the clock's `monotonic`.
    """

    def __init__(self, clock: Clock, procfs: str, percent: int) -> None:
        self._clock = clock
        self._procfs = Path(procfs)
        self._share = percent / 100
        self._lag = 0.0
        self._samples: deque[Sample] = deque(maxlen=_KEPT)

    def late(self, seconds: float) -> None:
        """Note that the loop came so late."""
        self._lag += seconds

    def sample(self) -> None:
        """Look at the host now."""
        self._samples.append(self._now())

    def since(self, began: float) -> bool:
        """Return whether the host was starved from then until now.

        Reckoned from the last sample before, so that short spans are judged by about a
        second.
        """
        before = [sample for sample in self._samples if sample.at <= began]
        first = before[-1] if before else next(iter(self._samples), None)
        return first is not None and self._starved(first, self._now())

    @property
    def lately(self) -> bool:
        """Whether the host was starved between the last two samples."""
        if len(self._samples) < 2:  # noqa: PLR2004 - two of them make a span
            return False
        return self._starved(self._samples[-2], self._samples[-1])

    def _starved(self, first: Sample, last: Sample) -> bool:
        seconds = last.at - first.at
        if seconds <= 0:
            return False
        shares = [(last.lag - first.lag) / seconds]
        if first.waited is not None and last.waited is not None:
            shares.append((last.waited - first.waited) / seconds)
        if last.ticks > first.ticks:
            shares.append((last.stolen - first.stolen) / (last.ticks - first.ticks))
        return max(shares) >= self._share

    def _now(self) -> Sample:
        stolen, ticks = self._cpu()
        return Sample(
            self._clock.monotonic(), self._pressure(), stolen, ticks, self._lag
        )

    def _pressure(self) -> float | None:
        try:
            text = (self._procfs / "pressure" / "cpu").read_text("ascii")
        except OSError:  # a kernel without it, or one that has it switched off
            return None
        some = text.partition("\n")[0]
        return int(some.rpartition("total=")[2]) / 1e6

    def _cpu(self) -> tuple[int, int]:
        try:
            text = (self._procfs / "stat").read_text("ascii")
        except OSError:
            return 0, 0
        # Guest time, which comes after steal, is inside of user time already.
        fields = [
            int(field) for field in text.partition("\n")[0].split()[1 : _STEAL + 1]
        ]
        return (fields[-1] if len(fields) == _STEAL else 0), sum(fields)

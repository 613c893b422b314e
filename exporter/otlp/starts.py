"""When counters began, as far as a reader of their values can tell."""

from __future__ import annotations

from typing import Final

_OF_THE_KERNEL: Final = ("node_", "system.")
"""What counters are called that began when the host was started."""

_KEEP: Final = 16
"""Series that have vanished which a metric may keep beyond twice its size."""

_Seen = dict[tuple[str, ...], tuple[float, int, int]]


class Starts:
    """The starts of all series, in nanoseconds since 1970.

    A series begins with the host, at `boot`, or with this program, at `begin`. Where
    its value has fallen, it was counted anew at some time since it was last seen; then
    it begins there, as OpenTelemetry's data model wants it. Nothing begins later than
    now: where the clock was set back, it begins anew. Series that vanish are
    remembered for a while, as they may come back. Not for two threads at once.
    """

    def __init__(self, boot: int, begin: int) -> None:
        self._boot = boot
        self._begin = begin
        self._metrics: dict[str, _Seen] = {}

    def of(self, metric: str, labels: tuple[str, ...], value: float, now: int) -> int:
        """Return the start of a series that has this value now."""
        known = self._metrics.setdefault(metric, {})
        if labels in known:
            before, start, seen = known[labels]
            start = seen if value < before else start
        else:
            start = self._boot if metric.startswith(_OF_THE_KERNEL) else self._begin
        start = min(start, now)
        known[labels] = value, start, now
        return start

    def forget(self, now: int) -> None:
        """Forget what was not seen now, where it is the greater part."""
        for metric, known in self._metrics.items():
            current = {labels: one for labels, one in known.items() if one[2] == now}
            if len(known) > 2 * len(current) + _KEEP:
                self._metrics[metric] = current

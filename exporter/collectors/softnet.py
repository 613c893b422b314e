"""How the kernel kept up with packets that came in, for each CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.collectors.base import Family, Host, Metric

if TYPE_CHECKING:
    from runtime.settings import Collector as Options


def _counter(name: str, text: str) -> Metric:
    return Metric(f"node_softnet_{name}_total", "counter", text, ("cpu",))


COLUMNS: Final = {
    0: _counter("processed", "Number of processed packets"),
    1: _counter("dropped", "Number of dropped packets"),
    2: _counter(
        "times_squeezed", "Number of times processing packets ran out of quota"
    ),
    8: _counter(
        "cpu_collision",
        "Number of collision occur while obtaining device lock while transmitting",
    ),
    9: _counter("received_rps", "Number of times cpu woken up received_rps"),
    10: _counter("flow_limit_count", "Number of times flow limit has been reached"),
    11: Metric("node_softnet_backlog_len", "gauge", "Softnet backlog status", ("cpu",)),
}
"""Metrics by column of /proc/net/softnet_stat; older kernels have fewer columns."""
_CPU: Final = 12


class Softnet:
    """Reads /proc/net/softnet_stat, a line of hexadecimal numbers for each CPU."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host

    def collect(self) -> list[Family]:
        """Return one family per figure, a sample for each CPU; 0 where missing."""
        lines = [
            [int(word, 16) for word in line.split()]
            for line in self._host.proc("net/softnet_stat").splitlines()
        ]
        cpus = [
            (str(line[_CPU] if len(line) > _CPU else place),)
            for place, line in enumerate(lines)
        ]
        return [
            Family(
                metric,
                [
                    (cpu, line[column] if column < len(line) else 0)
                    for cpu, line in zip(cpus, lines, strict=True)
                ],
            )
            for column, metric in COLUMNS.items()
        ]

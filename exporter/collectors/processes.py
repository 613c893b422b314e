"""How many processes and threads there are, by state, and how many there may be."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from exporter.collectors.base import Family, Host, Metric, NothingHere
from exporter.collectors.proc_stat import numbers_in, read_line, state_in
from exporter.collectors.sampling import Sampled

if TYPE_CHECKING:
    from runtime.settings import SampledCollector as Options

PIDS = Metric("node_processes_pids", "gauge", "Number of PIDs")
STATE = Metric(
    "node_processes_state", "gauge", "Number of processes in each state.", ("state",)
)
THREADS = Metric("node_processes_threads", "gauge", "Allocated threads in system")
THREADS_STATE = Metric(
    "node_processes_threads_state",
    "gauge",
    "Number of threads in each state.",
    ("thread_state",),
)
MAX_PROCESSES = Metric(
    "node_processes_max_processes", "gauge", "Number of max PIDs limit"
)
MAX_THREADS = Metric(
    "node_processes_max_threads", "gauge", "Limit of threads in the system"
)


class Processes(Sampled):
    """Reads /proc/PID/stat, and those of the threads of processes with several.

    With hidepid, those that may be seen are counted.
    """

    def __init__(self, host: Host, options: Options) -> None:
        super().__init__(host, options.interval)

    def measure(self) -> list[Family]:
        """Return the counts; NothingHere if no process at all may be seen."""
        processes: Counter[str] = Counter()
        others: Counter[str] = Counter()
        threads = 0
        folder = self._host.procfs
        for number in numbers_in(folder):
            line = read_line(f"{folder}/{number}/stat")
            if not line:
                continue
            processes[state_in(line)] += 1
            threads += (count := _threads_in(line))
            if count > 1:
                others.update(_states(f"{folder}/{number}/task", number))
        limits = [
            MAX_PROCESSES.of(int(self._host.proc("sys/kernel/pid_max"))),
            MAX_THREADS.of(int(self._host.proc("sys/kernel/threads-max"))),
        ]
        if not processes:
            raise NothingHere("no process may be seen; is /proc mounted with hidepid?")
        return [
            *limits,
            PIDS.of(processes.total()),
            Family(STATE, _samples(processes)),
            THREADS.of(threads),
            Family(THREADS_STATE, _samples(processes + others)),
        ]


def _threads_in(line: bytes) -> int:
    return int(line[line.rindex(b")") + 2 :].split(None, 18)[17])


def _states(folder: str, leader: str) -> list[str]:
    """Return the states of the threads but the first, which is the process itself."""
    try:
        numbers = numbers_in(folder)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []
    lines = [read_line(f"{folder}/{each}/stat") for each in numbers if each != leader]
    return [state_in(line) for line in lines if line]


def _samples(counts: Counter[str]) -> list[tuple[tuple[str, ...], int]]:
    return [((state,), count) for state, count in sorted(counts.items())]

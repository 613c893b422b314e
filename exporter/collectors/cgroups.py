"""What services, slices and containers use, by their control groups of version 2.

The groups of systemd and of container runtimes are found by walking the tree, so that
neither has to be asked. As each has some thirty series, depth and number are bounded.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from exporter.collectors.base import Family, Host, Metric, NothingHere, read
from exporter.collectors.cgroup_names import name_of
from exporter.collectors.sampling import Sampled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.settings import CgroupsCollector as Options

_MICROSECONDS: Final = 1_000_000
_LABELS: Final = ("cgroup", "container")


def _metric(name: str, text: str, *labels: str) -> Metric:
    kind = "counter" if name.endswith("_total") else "gauge"
    return Metric(f"epimetheus_cgroup_{name}", kind, text, (*_LABELS, *labels))  # type: ignore[arg-type]


INFO = _metric(
    "info",
    "Who made the group and the pod it belongs to, as its path tells; always 1.",
    "maker",
    "pod",
)
CPU = _metric("cpu_usage_seconds_total", "CPU time used.")
CPU_USER = _metric("cpu_user_seconds_total", "CPU time used in user mode.")
CPU_SYSTEM = _metric("cpu_system_seconds_total", "CPU time used in the kernel.")
PERIODS = _metric(
    "cpu_cfs_periods_total", "Periods in which a CPU limit was looked at."
)
THROTTLED_PERIODS = _metric(
    "cpu_cfs_throttled_periods_total", "Periods in which the CPU limit was reached."
)
THROTTLED = _metric(
    "cpu_cfs_throttled_seconds_total",
    "Time for which the CPU limit kept tasks waiting.",
)
MEMORY = _metric("memory_usage_bytes", "Memory used, page cache included.")
MEMORY_LIMIT = _metric("memory_limit_bytes", "Memory that may be used, where limited.")
MEMORY_EVENTS = _metric(
    "memory_events_total",
    "Times that memory was short: limits met (low, high, max), no way out (oom), "
    "processes killed (oom_kill).",
    "event",
)
SWAP = _metric("swap_usage_bytes", "Swap space used.")
SWAP_LIMIT = _metric("swap_limit_bytes", "Swap space that may be used, where limited.")
TASKS = _metric("tasks", "Processes and threads.")
TASKS_LIMIT = _metric("tasks_limit", "Processes and threads allowed, where limited.")
READ = _metric("io_read_bytes_total", "Bytes read from a device.", "device")
WRITTEN = _metric("io_written_bytes_total", "Bytes written to a device.", "device")
READS = _metric("io_reads_total", "Reads from a device.", "device")
WRITES = _metric("io_writes_total", "Writes to a device.", "device")
WAITING = _metric(
    "pressure_waiting_seconds_total",
    "Time in which some task waited for cpu, io or memory.",
    "resource",
)
STALLED = _metric(
    "pressure_stalled_seconds_total",
    "Time in which no task could go on for want of cpu, io or memory.",
    "resource",
)
FOUND = Metric(
    "epimetheus_cgroups",
    "gauge",
    "Groups that are measured, and those left out.",
    ("state",),
)

_CPU_STAT: Final = {
    "usage_usec": (CPU, _MICROSECONDS),
    "user_usec": (CPU_USER, _MICROSECONDS),
    "system_usec": (CPU_SYSTEM, _MICROSECONDS),
    "nr_periods": (PERIODS, 1),
    "nr_throttled": (THROTTLED_PERIODS, 1),
    "throttled_usec": (THROTTLED, _MICROSECONDS),
}
_IO_STAT: Final = {"rbytes": READ, "wbytes": WRITTEN, "rios": READS, "wios": WRITES}
_VALUES: Final = {
    "memory.current": MEMORY,
    "memory.max": MEMORY_LIMIT,
    "memory.swap.current": SWAP,
    "memory.swap.max": SWAP_LIMIT,
    "pids.current": TASKS,
    "pids.max": TASKS_LIMIT,
}
_PRESSURE: Final = {"some": WAITING, "full": STALLED}

Samples = dict[Metric, list[tuple[tuple[str, ...], float]]]


class Add(Protocol):
    """Notes a sample of a group."""

    def __call__(self, metric: Metric, value: float, *labels: str) -> None:
        """Add the value under the labels beyond those of the group."""


class Group(NamedTuple):
    """A control group: its folder, its path from the root, its labels."""

    folder: str
    path: str
    labels: tuple[str, str]


class Cgroups(Sampled):
    """Walks the tree of groups and reads the files of their controllers."""

    def __init__(self, host: Host, options: Options) -> None:
        super().__init__(host, options.interval)
        self._depth = options.depth
        self._most = options.limit
        self._include = re.compile(options.include)
        self._exclude = re.compile(options.exclude)
        self._devices: dict[str, str] = {}

    def measure(self) -> list[Family]:
        """Return what each group uses; NothingHere without groups of version 2."""
        root = self._root()
        # A number may belong to another device than it did at the last sample.
        self._devices = {}
        samples: Samples = {}
        number = 0
        for group in self._walk(root, "", 1):
            number += 1
            if number <= self._most:
                self._measure(group, samples)
        left_out = max(number - self._most, 0)
        sizes = [(("measured",), number - left_out), (("left_out",), left_out)]
        return [
            *(Family(metric, found) for metric, found in samples.items()),
            Family(FOUND, sizes),
        ]

    def _root(self) -> str:
        folder = f"{self._host.sysfs}/fs/cgroup"
        for root in (folder, f"{folder}/unified"):
            if os.path.exists(f"{root}/cgroup.controllers"):  # noqa: PTH110
                return root
        raise NothingHere("no control groups of version 2 at /sys/fs/cgroup")

    def _walk(self, folder: str, path: str, depth: int) -> Iterator[Group]:
        """Yield the groups below a folder, parents first, by name."""
        try:
            with os.scandir(folder) as entries:
                names = sorted(
                    one.name for one in entries if one.is_dir(follow_symlinks=False)
                )
        except OSError:
            return  # A group may go at any time.
        for name in names:
            below, where = f"{folder}/{name}", f"{path}/{name}"
            if self._include.search(where) and not self._exclude.search(where):
                yield Group(below, where, (where, name_of(where).container))
            if depth < self._depth:
                yield from self._walk(below, where, depth + 1)

    def _measure(self, group: Group, samples: Samples) -> None:
        named = name_of(group.path)

        def add(metric: Metric, value: float, *labels: str) -> None:
            samples.setdefault(metric, []).append(((*group.labels, *labels), value))

        add(INFO, 1, named.maker, named.pod)
        _measure_cpu(group, add)
        _measure_memory(group, add)
        self._measure_io(group, add)
        _measure_pressure(group, add)

    def _measure_io(self, group: Group, add: Add) -> None:
        for line in _text(group, "io.stat").splitlines():
            number = ""
            for word in line.split():
                key, separator, value = word.partition("=")
                if not separator:
                    # Some kernels put devices without figures before it.
                    number = word
                elif key in _IO_STAT:
                    add(_IO_STAT[key], int(value), self._device(number))

    def _device(self, number: str) -> str:
        """Return the name of a device such as 8:0, or the number if it has none."""
        name = self._devices.get(number)
        if name is None:
            try:
                place = os.readlink(f"{self._host.sysfs}/dev/block/{number}")  # noqa: PTH115
            except OSError:
                return number
            name = self._devices[number] = place.rpartition("/")[2]
        return name


def _measure_cpu(group: Group, add: Add) -> None:
    for key, value in _pairs(group, "cpu.stat"):
        if key in _CPU_STAT:
            metric, unit = _CPU_STAT[key]
            add(metric, int(value) / unit)


def _measure_memory(group: Group, add: Add) -> None:
    """Measure memory, swap and tasks; a limit of `max` is none."""
    for name, metric in _VALUES.items():
        text = _text(group, name).strip()
        if text.isdigit():
            add(metric, int(text))
    for key, value in _pairs(group, "memory.events"):
        add(MEMORY_EVENTS, int(value), key)


def _measure_pressure(group: Group, add: Add) -> None:
    for resource in ("cpu", "io", "memory"):
        for line in _text(group, f"{resource}.pressure").splitlines():
            key, _, rest = line.partition(" ")
            total = int(rest.rpartition("total=")[2])
            add(_PRESSURE[key], total / _MICROSECONDS, resource)


def _text(group: Group, name: str) -> str:
    """Return a file of a group; nothing if its controller is off or the group gone."""
    try:
        return read(f"{group.folder}/{name}")
    except OSError:
        return ""


def _pairs(group: Group, name: str) -> Iterator[tuple[str, str]]:
    for line in _text(group, name).splitlines():
        key, _, value = line.partition(" ")
        yield key, value

"""What each CPU spends its time on, and how often it was throttled.

The kernel's idle and iowait times go back at times; a counter that does would look
like a restart to Prometheus, so each value is kept until it is passed again.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from exporter.collectors.base import Family, Host, Metric, read_attributes

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

SECONDS = Metric(
    "node_cpu_seconds_total",
    "counter",
    "Seconds the CPUs spent in each mode.",
    ("cpu", "mode"),
)
GUEST = Metric(
    "node_cpu_guest_seconds_total",
    "counter",
    "Seconds the CPUs spent in guests (VMs) for each mode.",
    ("cpu", "mode"),
)
CORE_THROTTLES = Metric(
    "node_cpu_core_throttles_total",
    "counter",
    "Number of times this CPU core has been throttled.",
    ("package", "core"),
)
PACKAGE_THROTTLES = Metric(
    "node_cpu_package_throttles_total",
    "counter",
    "Number of times this CPU package has been throttled.",
    ("package",),
)
ISOLATED = Metric(
    "node_cpu_isolated",
    "gauge",
    "Whether each core is isolated, information from /sys/devices/system/cpu/isolated.",
    ("cpu",),
)

MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
GUEST_MODES = ("user", "nice")
_COLUMNS = len(MODES) + len(GUEST_MODES)
_IDLE = MODES.index("idle")

_REPLUGGED_SECONDS = 3.0
"""Idle time that drops by more than this is that of a CPU which was away."""

_CPUS = "devices/system/cpu"
_TOPOLOGY = ("topology/physical_package_id", "topology/core_id")
_CORE_COUNT = "thermal_throttle/core_throttle_count"
_PACKAGE_COUNT = "thermal_throttle/package_throttle_count"

Ticks = tuple[int, ...]


class _Core(NamedTuple):
    """A CPU that counts its throttling."""

    package: str
    core: str
    folder: str


class Cpu:
    """Reads /proc/stat and /sys/devices/system/cpu."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host
        self._hertz = os.sysconf("SC_CLK_TCK")
        self._replugged = round(_REPLUGGED_SECONDS * self._hertz)
        self._ticks: dict[str, Ticks] = {}
        self._labels: dict[str, list[tuple[str, str]]] = {}
        self._cores: list[_Core] = []
        self._isolated: tuple[tuple[tuple[str, ...], float], ...] = ()

    def collect(self) -> list[Family]:
        """Return the seconds per CPU and mode, the throttles, the isolated CPUs."""
        ticks = parse_ticks(self._host.proc("stat"))
        if ticks.keys() != self._ticks.keys():
            self._look_at_topology(ticks)
        self._ticks = {
            cpu: risen(self._ticks.get(cpu), now, self._replugged)
            for cpu, now in ticks.items()
        }
        seconds: list[tuple[tuple[str, ...], float]] = []
        guest: list[tuple[tuple[str, ...], float]] = []
        modes = len(MODES)
        for cpu, values in self._ticks.items():
            spent = [value / self._hertz for value in values]
            labels = self._labels[cpu]
            seconds += zip(labels[:modes], spent, strict=False)
            guest += zip(labels[modes:], spent[modes:], strict=False)
        families = [Family(SECONDS, seconds), Family(GUEST, guest)]
        if self._isolated:
            families.append(Family(ISOLATED, self._isolated))
        return families + self._throttles()

    def _look_at_topology(self, cpus: dict[str, Ticks]) -> None:
        self._labels = {
            cpu: [(cpu, mode) for mode in MODES + GUEST_MODES] for cpu in cpus
        }
        self._cores = find_cores(f"{self._host.sysfs}/{_CPUS}")
        try:
            isolated = parse_cpu_list(self._host.sys(f"{_CPUS}/isolated"))
        except FileNotFoundError:
            isolated = []
        self._isolated = tuple(((str(cpu),), 1) for cpu in isolated)

    def _throttles(self) -> list[Family]:
        cores: dict[tuple[str, ...], float] = {}
        packages: dict[tuple[str, ...], float] = {}
        for package, core, folder in self._cores:
            counts = read_attributes(folder, (_CORE_COUNT, _PACKAGE_COUNT))
            if _CORE_COUNT in counts:
                cores.setdefault((package, core), int(counts[_CORE_COUNT]))
            if _PACKAGE_COUNT in counts:
                packages.setdefault((package,), int(counts[_PACKAGE_COUNT]))
        return [
            Family(metric, tuple(counts.items()))
            for metric, counts in (
                (CORE_THROTTLES, cores),
                (PACKAGE_THROTTLES, packages),
            )
            if counts
        ]


def risen(before: Ticks | None, now: Ticks, replugged: int) -> Ticks:
    """Return the highest values so far; anew if idle fell by `replugged` or more."""
    if before is None or before[_IDLE] - now[_IDLE] >= replugged:
        return now
    return tuple(map(max, before, now))


def parse_ticks(stat: str) -> dict[str, Ticks]:
    """Return the ticks of each CPU in /proc/stat, modes then guest modes.

    Kernels before 2.6.33 have fewer columns; those are 0.
    """
    ticks = {}
    for line in stat.splitlines():
        if not line.startswith("cpu"):
            break
        name, *columns = line.split()
        if name != "cpu":
            values = tuple(map(int, columns[:_COLUMNS]))
            ticks[name[3:]] = values + (0,) * (_COLUMNS - len(values))
    return ticks


def find_cores(folder: str) -> list[_Core]:
    """Return the CPUs below the folder that count throttling, in order."""
    cores = []
    for path in sorted(Path(folder).glob("cpu[0-9]*"), key=lambda path: path.name):
        if not (path / "thermal_throttle").is_dir():
            continue
        place = read_attributes(str(path), _TOPOLOGY)
        if len(place) == len(_TOPOLOGY):
            package, core = (place[name] for name in _TOPOLOGY)
            cores.append(_Core(package, core, str(path)))
    return cores


def parse_cpu_list(text: str) -> list[int]:
    """Return the CPUs of a kernel list such as `0,3-5,8-15:2` (every second)."""
    cpus: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+)(?::(\d+))?)?", part.strip())
        if match:
            first, last, stride = match.groups()
            cpus += range(int(first), int(last or first) + 1, int(stride or 1))
    return cpus

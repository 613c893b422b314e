"""The keys of a snapshot: their units, and the node_* series that they come from.

They are those of PerfWatch, and some that say what a total leaves out. docs/live.md is
generated from this table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from bridge.answers.host import Host, Unknown, share

Labels: TypeAlias = Mapping[str, str]
Made: TypeAlias = "float | int | list[float] | dict[str, Any]"

CPU: Final = "node_cpu_seconds_total"
_MHZ: Final = 1e6
_CHIPS: Final = ("coretemp", "cpu_thermal", "k10temp", "zenpower")
_STACKED: Final = re.compile(r"(dm-|md|loop|zram|ram)\d")
"""Devices whose transfers are counted again with those of the disks below them."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a snapshot: `section.name`, the metrics that it needs, and how."""

    section: str
    name: str
    unit: str
    metrics: tuple[str, ...]
    meaning: str
    of: Callable[[Host], Made]


# CPU ---------------------------------------------------------------------------------


def _cores(host: Host) -> list[str]:
    return sorted(host.by("cpu", CPU), key=lambda cpu: (len(cpu), cpu))


def _busy(host: Host, cpu: str | None = None) -> float:
    def mine(labels: Labels) -> bool:
        return cpu is None or labels.get("cpu") == cpu

    def idle(labels: Labels) -> bool:
        return mine(labels) and labels.get("mode") in {"idle", "iowait"}

    total = host.rate(CPU, mine)
    return 100 - share(host.rate(CPU, idle), total, "time of a CPU")


def _mode(*modes: str) -> Callable[[Host], float]:
    def of(host: Host) -> float:
        part = host.rate(CPU, lambda labels: labels.get("mode") in modes)
        return share(part, host.rate(CPU), "time of a CPU")

    return of


def _temperature(host: Host) -> float:
    try:
        found = host.samples("node_hwmon_temp_celsius")
    except Unknown:
        return host.avg("node_thermal_zone_temp")
    for chip in _CHIPS:
        mine = [one.avg for one in found if chip in one.labels.get("chip", "")]
        warm = [value for value in mine if value > 0]
        if warm:
            return sum(warm) / len(warm)
    return sum(one.avg for one in found) / len(found)


def _physical(host: Host) -> int:
    found = host.samples("node_cpu_info")
    return len({(one.labels.get("package"), one.labels.get("core")) for one in found})


# Memory ------------------------------------------------------------------------------


def _memory(field: str) -> Callable[[Host], float]:
    return lambda host: host.avg(f"node_memory_{field}_bytes")


def _used(total: str, free: str) -> Callable[[Host], float]:
    return lambda host: _memory(total)(host) - _memory(free)(host)


def _used_percent(total: str, free: str, what: str) -> Callable[[Host], float]:
    return lambda host: share(_used(total, free)(host), _memory(total)(host), what)


# Network and disks -------------------------------------------------------------------


def _outside(labels: Labels) -> bool:
    return labels.get("device") != "lo"


def _whole(labels: Labels) -> bool:
    return not _STACKED.match(labels.get("device", ""))


def _total(metric: str, wanted: Callable[[Labels], bool]) -> Callable[[Host], float]:
    return lambda host: host.last(metric, wanted)


def _per_second(
    metric: str, wanted: Callable[[Labels], bool] | None = None
) -> Callable[[Host], float]:
    return lambda host: host.rate(metric, wanted)


def _each(
    label: str, metrics: Mapping[str, tuple[str, bool]]
) -> Callable[[Host], dict[str, Any]]:
    """Return what is known of each device: totals, and rises where True."""

    def of(host: Host) -> dict[str, Any]:
        first = next(iter(metrics.values()))[0]
        return {
            device: {
                name: _or_none(host, metric, label, device, rises=rises)
                for name, (metric, rises) in metrics.items()
            }
            for device in host.by(label, first)
        }

    return of


def _or_none(
    host: Host, metric: str, label: str, device: str, *, rises: bool
) -> float | None:
    def mine(labels: Labels) -> bool:
        return labels.get(label) == device

    try:
        return host.rate(metric, mine) if rises else host.last(metric, mine)
    except Unknown:
        return None


def _partitions(host: Host) -> dict[str, Any]:
    found = {}
    for mount in host.by("mountpoint", "node_filesystem_size_bytes"):
        total, free, unused = (
            _or_none(
                host, f"node_filesystem_{name}_bytes", "mountpoint", mount, rises=False
            )
            for name in ("size", "avail", "free")
        )
        used = None if total is None or unused is None else total - unused
        room = None if used is None or free is None else used + free
        found[mount] = {
            "total_bytes": total,
            "used_bytes": used,
            "free_bytes": free,
            "percent": 100 * used / room if used is not None and room else None,
        }
    return found


# Perf --------------------------------------------------------------------------------


def _quotient(part: str, total: str, factor: float = 1.0) -> Callable[[Host], float]:
    return lambda host: (
        share(host.rate(part), host.rate(total), f"rise of {total}") * factor / 100
    )


def _pages(name: str) -> Callable[[Host], float]:
    return _per_second(f"node_vmstat_{name}")


def _key(  # noqa: PLR0917 - a row of the table
    section: str,
    name: str,
    unit: str,
    metrics: str,
    meaning: str,
    of: Callable[[Host], Made],
) -> Key:
    return Key(section, name, unit, tuple(metrics.split()), meaning, of)


def _cpu() -> Iterator[Key]:
    yield _key(
        "cpu",
        "usage_percent",
        "percent",
        CPU,
        "Neither idle nor waiting for disks.",
        _busy,
    )
    yield _key(
        "cpu",
        "per_core",
        "percent",
        CPU,
        "The same of each CPU, in the order of their numbers.",
        lambda host: [_busy(host, core) for core in _cores(host)],
    )
    for name, modes in (
        ("user", ("user",)),
        ("nice", ("nice",)),
        ("system", ("system",)),
        ("idle", ("idle",)),
        ("iowait", ("iowait",)),
        ("irq", ("irq",)),
        ("softirq", ("softirq",)),
        ("steal", ("steal",)),
    ):
        meaning = f"Time in mode {', '.join(modes)} of all CPUs."
        yield _key("cpu", f"{name}_percent", "percent", CPU, meaning, _mode(*modes))
    yield _key(
        "cpu",
        "frequency_mhz",
        "MHz",
        "node_cpu_scaling_frequency_hertz",
        "Mean of all CPUs.",
        lambda host: host.avg("node_cpu_scaling_frequency_hertz") / _MHZ,
    )
    for minutes in (1, 5, 15):
        metric = f"node_load{minutes}"
        yield _key(
            "cpu",
            f"load_avg_{minutes}m",
            "tasks",
            metric,
            "Mean in the window.",
            lambda host, metric=metric: host.avg(metric),  # type: ignore[misc]  # bound now
        )
    yield _key(
        "cpu",
        "temperature_celsius",
        "degrees Celsius",
        "node_hwmon_temp_celsius node_thermal_zone_temp",
        "Mean of the sensors of the CPU, else of all.",
        _temperature,
    )
    yield _key(
        "cpu",
        "core_count",
        "CPUs",
        CPU,
        "Logical CPUs.",
        lambda host: len(_cores(host)),
    )
    yield _key(
        "cpu", "physical_cores", "cores", "node_cpu_info", "Physical cores.", _physical
    )


def _memory_keys() -> Iterator[Key]:
    for name, field in (
        ("total_bytes", "MemTotal"),
        ("available_bytes", "MemAvailable"),
        ("free_bytes", "MemFree"),
        ("buffers_bytes", "Buffers"),
        ("cached_bytes", "Cached"),
        ("shared_bytes", "Shmem"),
        ("swap_total_bytes", "SwapTotal"),
        ("swap_free_bytes", "SwapFree"),
    ):
        metric = f"node_memory_{field}_bytes"
        yield _key(
            "memory", name, "bytes", metric, "Mean in the window.", _memory(field)
        )
    for prefix, total, free, what in (
        ("", "MemTotal", "MemAvailable", "memory"),
        ("swap_", "SwapTotal", "SwapFree", "swap"),
    ):
        both = f"node_memory_{total}_bytes node_memory_{free}_bytes"
        yield _key(
            "memory",
            f"{prefix}used_bytes",
            "bytes",
            both,
            f"{total} - {free}.",
            _used(total, free),
        )
        yield _key(
            "memory",
            f"{prefix}percent",
            "percent",
            both,
            f"Used of {total}.",
            _used_percent(total, free, what),
        )


def _network() -> Iterator[Key]:
    ways = (("sent", "transmit"), ("recv", "receive"))
    for short, long in ways:
        for what in ("bytes", "packets"):
            metric = f"node_network_{long}_{what}_total"
            yield _key(
                "network",
                f"{what}_{short}",
                what,
                metric,
                "Since boot, of all interfaces but lo.",
                _total(metric, _outside),
            )
            yield _key(
                "network",
                f"{what}_{short}_per_sec",
                f"{what} per second",
                metric,
                "Rise in the window / its seconds.",
                _per_second(metric, _outside),
            )
    for name, of in (
        ("errin", "receive_errs"),
        ("errout", "transmit_errs"),
        ("dropin", "receive_drop"),
        ("dropout", "transmit_drop"),
    ):
        metric = f"node_network_{of}_total"
        yield _key(
            "network",
            name,
            "packets",
            metric,
            "Since boot, of all but lo.",
            _total(metric, _outside),
        )
    metric = "node_netstat_Tcp_CurrEstab"
    yield _key(
        "network",
        "connection_count",
        "connections",
        metric,
        "Established TCP connections, mean in the window.",
        lambda host: host.avg("node_netstat_Tcp_CurrEstab"),
    )
    devices = {
        f"bytes_{short}{suffix}": (f"node_network_{long}_bytes_total", bool(suffix))
        for suffix in ("", "_per_sec")
        for short, long in ways
    }
    yield _key(
        "network",
        "interfaces",
        "bytes, bytes per second",
        "node_network_transmit_bytes_total node_network_receive_bytes_total",
        "By interface: bytes_sent, bytes_recv, and the same per second.",
        _each("device", devices),
    )


def _disk() -> Iterator[Key]:
    yield _key(
        "disk",
        "partitions",
        "bytes, percent",
        "node_filesystem_size_bytes node_filesystem_avail_bytes "
        "node_filesystem_free_bytes",
        "By mount point: total_bytes, used_bytes, free_bytes (for users), percent.",
        _partitions,
    )
    for short, long in (("read", "read"), ("write", "written")):
        metric = f"node_disk_{long}_bytes_total"
        yield _key(
            "disk",
            f"{short}_bytes",
            "bytes",
            metric,
            "Since boot, of whole disks.",
            _total(metric, _whole),
        )
        yield _key(
            "disk",
            f"{short}_bytes_per_sec",
            "bytes per second",
            metric,
            "Rise in the window / its seconds.",
            _per_second(metric, _whole),
        )
        metric = f"node_disk_{'reads' if short == 'read' else 'writes'}_completed_total"
        yield _key(
            "disk",
            f"{short}_count",
            "operations",
            metric,
            "Since boot, of whole disks.",
            _total(metric, _whole),
        )
        yield _key(
            "disk",
            f"{short}_count_per_sec",
            "operations per second",
            metric,
            "Rise in the window / its seconds.",
            _per_second(metric, _whole),
        )


def _bandwidth() -> Iterator[Key]:
    for name, unit in (
        ("pgpgin", "KiB per second"),
        ("pgpgout", "KiB per second"),
        ("pswpin", "pages per second"),
        ("pswpout", "pages per second"),
        ("pgfault", "faults per second"),
        ("pgmajfault", "faults per second"),
    ):
        yield _key(
            "memory_bandwidth",
            f"{name}_per_sec",
            unit,
            f"node_vmstat_{name}",
            "Rise in the window / its seconds.",
            _pages(name),
        )
    yield _key(
        "memory_bandwidth",
        "page_io_bytes_per_sec",
        "bytes per second",
        "node_vmstat_pgpgin node_vmstat_pgpgout",
        "(pgpgin + pgpgout) * 1024.",
        lambda host: 1024 * (_pages("pgpgin")(host) + _pages("pgpgout")(host)),
    )


def _perf() -> Iterator[Key]:
    for name, field in (
        ("cycles", "cpucycles"),
        ("instructions", "instructions"),
        ("cache_references", "cache_refs"),
        ("cache_misses", "cache_misses"),
        ("branch_instructions", "branch_instructions"),
        ("branch_misses", "branch_misses"),
    ):
        metric = f"node_perf_{field}_total"
        yield _key(
            "perf_events",
            f"{name}_per_sec",
            "events per second",
            metric,
            "Rise in the window / its seconds.",
            _per_second(metric),
        )
    for name, unit, part, whole, factor in (
        ("ipc", "instructions per cycle", "instructions", "cpucycles", 1.0),
        ("cache_miss_percent", "percent", "cache_misses", "cache_refs", 100.0),
        (
            "branch_miss_percent",
            "percent",
            "branch_misses",
            "branch_instructions",
            100.0,
        ),
    ):
        both = f"node_perf_{part}_total node_perf_{whole}_total"
        yield _key(
            "perf_events",
            name,
            unit,
            both,
            f"{part} / {whole}.",
            _quotient(f"node_perf_{part}_total", f"node_perf_{whole}_total", factor),
        )


KEYS: Final = (
    *_cpu(),
    *_memory_keys(),
    *_network(),
    *_disk(),
    *_bandwidth(),
    *_perf(),
)
"""Every key of a snapshot, in the order in which it is answered."""

SECTIONS: Final = tuple(dict.fromkeys(key.section for key in KEYS))
METRICS: Final = frozenset(metric for key in KEYS for metric in key.metrics)

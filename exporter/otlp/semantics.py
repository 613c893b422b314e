"""What of `/metrics` has a semantic convention: one table, read in both directions.

The conventions of `system.*` are in development: they are those of VERSION. Values of
attributes that the conventions do not list, such as the CPU mode `softirq`, are allowed
by them and are the kernel's words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION: Final = "1.44.0"
SCHEMA: Final = f"https://opentelemetry.io/schemas/{VERSION}"

Instrument = Literal["counter", "updowncounter", "gauge"]


@dataclass(frozen=True, slots=True)
class Rule:
    """How a metric of the conventions is made of families.

    `terms` are names of families whose samples of the same labels are added up, or
    subtracted where a minus stands before. `labels` are the attributes that labels
    become, and `fixed` further ones. `words` are values of the label `worded` as the
    conventions write them; a sample whose word is None is left to its own name. Where
    it `keeps` them, families are sent under their own names nevertheless, as they
    cannot be told from what they became. With `counted`, a label and its value, the
    value is the number of samples that have it, and there are no labels.
    """

    name: str
    unit: str
    instrument: Instrument
    terms: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    worded: str = ""
    words: Mapping[str, str | None] = field(default_factory=dict)
    keeps: bool = False
    counted: tuple[str, str] | None = None

    @property
    def signed(self) -> tuple[tuple[str, int], ...]:
        """The families and their signs."""
        return tuple(
            (term.lstrip("-"), -1 if term[0] == "-" else 1) for term in self.terms
        )


_CPU: Final = {"cpu": "cpu.logical_number"}
_DISK: Final = {"device": "system.device"}
_INTERFACE: Final = {"device": "network.interface.name"}
_MOUNT: Final = {
    "device": "system.device",
    "mountpoint": "system.filesystem.mountpoint",
    "fstype": "system.filesystem.type",
}
_MODES: Final = {"irq": "interrupt"}
_STATES: Final = {
    "R": "running",
    "S": "sleeping",
    "T": "stopped",
    "Z": "defunct",
    "D": "uninterruptible",
    "I": "idle",
    "t": "traced",
}
_CONNECTIONS: Final = {
    "close": "closed",
    "fin_wait1": "fin_wait_1",
    "fin_wait2": "fin_wait_2",
    "syn_recv": "syn_received",
    # Bytes, not connections.
    "rx_queued_bytes": None,
    "tx_queued_bytes": None,
}
INTEGERS: Final = frozenset({"cpu.logical_number"})
"""Attributes that are numbers."""


def _memory(state: str, *terms: str) -> Rule:
    families = tuple(_meminfo(term) for term in terms)
    fixed = {"system.memory.state": state}
    return Rule("system.memory.usage", "By", "updowncounter", families, fixed=fixed)


def _meminfo(term: str) -> str:
    sign, name = ("-", term[1:]) if term[0] == "-" else ("", term)
    return f"{sign}node_memory_{name}_bytes"


def _of_memory(name: str, unit: str, family: str, **fixed: str) -> Rule:
    attributes = {f"system.memory.linux.{key}.state": to for key, to in fixed.items()}
    terms = (f"node_memory_{family}",)
    name = f"system.memory.linux.{name}"
    return Rule(name, unit, "updowncounter", terms, fixed=attributes)


def _disk(name: str, unit: str, read: str, write: str) -> tuple[Rule, Rule]:
    one, other = (
        Rule(
            f"system.disk.{name}",
            unit,
            "counter",
            (f"node_disk_{family}_total",),
            _DISK,
            {"disk.io.direction": direction},
        )
        for family, direction in ((read, "read"), (write, "write"))
    )
    return one, other


def _network(name: str, unit: str, family: str) -> tuple[Rule, Rule]:
    one, other = (
        Rule(
            f"system.network.{name}",
            unit,
            "counter",
            (f"node_network_{direction}_{family}_total",),
            _INTERFACE,
            {"network.io.direction": direction},
        )
        for direction in ("receive", "transmit")
    )
    return one, other


def _filesystem(state: str, *terms: str) -> Rule:
    families = tuple(
        f"-node_filesystem_{term[1:]}_bytes"
        if term[0] == "-"
        else f"node_filesystem_{term}_bytes"
        for term in terms
    )
    fixed = {"system.filesystem.state": state}
    return Rule(
        "system.filesystem.usage", "By", "updowncounter", families, _MOUNT, fixed
    )


def _paging(name: str, unit: str, terms: tuple[str, ...], key: str, to: str) -> Rule:
    kind: Instrument = "updowncounter" if name == "usage" else "counter"
    fixed = {f"system.paging.{key}": to}
    return Rule(f"system.paging.{name}", unit, kind, terms, fixed=fixed)


RULES: Final = (
    Rule(
        "system.cpu.time",
        "s",
        "counter",
        ("node_cpu_seconds_total",),
        {**_CPU, "mode": "cpu.mode"},
        worded="mode",
        words=_MODES,
    ),
    Rule(
        "system.cpu.frequency",
        "Hz",
        "gauge",
        ("node_cpu_scaling_frequency_hertz",),
        _CPU,
    ),
    Rule(
        "system.cpu.logical.count",
        "{cpu}",
        "updowncounter",
        ("node_cpu_seconds_total",),
        keeps=True,
        counted=("mode", "idle"),
    ),
    Rule(
        "system.uptime",
        "s",
        "gauge",
        ("node_time_seconds", "-node_boot_time_seconds"),
        keeps=True,
    ),
    Rule("system.memory.limit", "By", "updowncounter", ("node_memory_MemTotal_bytes",)),
    _memory("used", "MemTotal", "-MemFree", "-Buffers", "-Cached"),
    _memory("free", "MemFree"),
    _memory("buffers", "Buffers"),
    _memory("cached", "Cached"),
    _of_memory("available", "By", "MemAvailable_bytes"),
    _of_memory("shared", "By", "Shmem_bytes"),
    _of_memory("slab.usage", "By", "SReclaimable_bytes", slab="reclaimable"),
    _of_memory("slab.usage", "By", "SUnreclaim_bytes", slab="unreclaimable"),
    _of_memory("hugepages.limit", "{page}", "HugePages_Total"),
    _of_memory("hugepages.usage", "{page}", "HugePages_Free", hugepages="free"),
    Rule(
        "system.memory.linux.hugepages.usage",
        "{page}",
        "updowncounter",
        ("node_memory_HugePages_Total", "-node_memory_HugePages_Free"),
        fixed={"system.memory.linux.hugepages.state": "used"},
    ),
    _of_memory("hugepages.reserved", "{page}", "HugePages_Rsvd"),
    _of_memory("hugepages.surplus", "{page}", "HugePages_Surp"),
    _of_memory("hugepages.page_size", "By", "Hugepagesize_bytes"),
    _paging(
        "usage",
        "By",
        ("node_memory_SwapTotal_bytes", "-node_memory_SwapFree_bytes"),
        "state",
        "used",
    ),
    _paging("usage", "By", ("node_memory_SwapFree_bytes",), "state", "free"),
    _paging("faults", "{fault}", ("node_vmstat_pgmajfault",), "fault.type", "major"),
    _paging(
        "faults",
        "{fault}",
        ("node_vmstat_pgfault", "-node_vmstat_pgmajfault"),
        "fault.type",
        "minor",
    ),
    _paging("operations", "{operation}", ("node_vmstat_pswpin",), "direction", "in"),
    _paging("operations", "{operation}", ("node_vmstat_pswpout",), "direction", "out"),
    *_disk("io", "By", "read_bytes", "written_bytes"),
    *_disk("operations", "{operation}", "reads_completed", "writes_completed"),
    *_disk("operation_time", "s", "read_time_seconds", "write_time_seconds"),
    *_disk("merged", "{operation}", "reads_merged", "writes_merged"),
    Rule(
        "system.disk.io_time",
        "s",
        "counter",
        ("node_disk_io_time_seconds_total",),
        _DISK,
    ),
    Rule(
        "system.filesystem.limit",
        "By",
        "updowncounter",
        ("node_filesystem_size_bytes",),
        _MOUNT,
    ),
    _filesystem("used", "size", "-free"),
    _filesystem("free", "avail"),
    _filesystem("reserved", "free", "-avail"),
    *_network("io", "By", "bytes"),
    *_network("errors", "{error}", "errs"),
    *_network("packet.count", "{packet}", "packets"),
    *_network("packet.dropped", "{packet}", "drop"),
    Rule(
        "system.network.connection.count",
        "{connection}",
        "updowncounter",
        ("node_tcp_connection_states",),
        {"state": "network.connection.state"},
        {"network.transport": "tcp"},
        worded="state",
        words=_CONNECTIONS,
    ),
    Rule(
        "system.process.count",
        "{process}",
        "updowncounter",
        ("node_processes_state",),
        {"state": "process.state"},
        worded="state",
        words=_STATES,
    ),
    Rule("system.process.created", "{process}", "counter", ("node_forks_total",)),
    Rule(
        "system.process.limit",
        "{thread}",
        "updowncounter",
        ("node_processes_max_threads",),
    ),
)

REPLACED: Final = frozenset(
    family for rule in RULES if not rule.keeps for family, _ in rule.signed
)
"""Families that are told wholly by metrics of the conventions."""

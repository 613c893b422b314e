"""Which processors there are, and what they can do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from exporter.collectors.base import Family, Gathered, Host, Metric, NothingHere

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.settings import CpuInfoCollector as Options

_FIELDS: Final = {
    "package": "physical id",
    "core": "core id",
    "cpu": "processor",
    "vendor": "vendor_id",
    "family": "cpu family",
    "model": "model",
    "model_name": "model name",
    "microcode": "microcode",
    "stepping": "stepping",
    "cachesize": "cache size",
}
INFO = Metric(
    "node_cpu_info", "gauge", "CPU information from /proc/cpuinfo.", tuple(_FIELDS)
)
FLAG = Metric(
    "node_cpu_flag_info",
    "gauge",
    "The `flags` field of CPU information from /proc/cpuinfo taken from the first "
    "core.",
    ("flag",),
)
BUG = Metric(
    "node_cpu_bug_info",
    "gauge",
    "The `bugs` field of CPU information from /proc/cpuinfo taken from the first core.",
    ("bug",),
)


class CpuInfo:
    """Reads /proc/cpuinfo."""

    def __init__(self, host: Host, options: Options) -> None:
        self._host = host
        self._flags = re.compile(options.flags)
        self._bugs = re.compile(options.bugs)

    def collect(self) -> list[Family]:
        """Return a sample for each CPU, and for each flag and bug that is asked for."""
        processors = list(_processors(self._host.proc("cpuinfo")))
        if not processors:
            raise NothingHere("processors that tell nothing of themselves")
        found = Gathered()
        for told in processors:
            labels = tuple(told.get(field, "") for field in _FIELDS.values())
            found.add(INFO, labels, 1)
        first = processors[0]
        for metric, field, wanted in (
            (FLAG, "flags", self._flags),
            (BUG, "bugs", self._bugs),
        ):
            for word in first.get(field, "").split():
                if wanted.search(word):
                    found.add(metric, (word,), 1)
        return found.families()


def _processors(text: str) -> Iterator[dict[str, str]]:
    for block in text.split("\n\n"):
        told = {}
        for line in block.splitlines():
            name, separator, value = line.partition(":")
            if separator:
                told[name.strip()] = value.strip()
        if "processor" in told:
            yield told

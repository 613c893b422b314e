"""What network protocols counted: fields of /proc/net/netstat, snmp and snmp6."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from exporter.collectors.base import Family, Host, Metric

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.settings import NetstatCollector as Options

_V6: Final = re.compile(r"^(Icmp6|Ip6|Udp6|UdpLite6)(.+)$")
"""The protocols of snmp6; its other lines are counters of single ICMP types."""


class Netstat:
    """Reads three files; types are unknown, as the kernel does not tell them."""

    def __init__(self, host: Host, options: Options) -> None:
        self._host = host
        self._wanted = re.compile(options.fields)
        self._metrics: dict[tuple[str, str], Metric | None] = {}

    def collect(self) -> list[Family]:
        """Return one family per field that the settings ask for."""
        families = []
        for protocol, field, value in self._fields():
            key = (protocol, field)
            try:
                metric = self._metrics[key]
            except KeyError:
                metric = self._metrics[key] = self._metric(protocol, field)
            if metric is not None:
                families.append(metric.of(float(value)))
        return families

    def _fields(self) -> Iterator[tuple[str, str, str]]:
        yield from _pairs(self._host.proc("net/netstat"))
        yield from _pairs(self._host.proc("net/snmp"))
        with suppress(FileNotFoundError):  # a kernel without IPv6
            yield from _version_6(self._host.proc("net/snmp6"))

    def _metric(self, protocol: str, field: str) -> Metric | None:
        if not self._wanted.search(f"{protocol}_{field}"):
            return None
        return Metric(
            f"node_netstat_{protocol}_{field}",
            "unknown",
            f"Statistic {protocol}{field}.",
        )


def _pairs(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield protocol, field and value of pairs of lines: names, then values."""
    lines = iter(text.splitlines())
    for names, values in zip(lines, lines, strict=True):
        protocol, _, fields = names.partition(":")
        for field, value in zip(
            fields.split(), values.partition(":")[2].split(), strict=True
        ):
            yield protocol, field, value


def _version_6(text: str) -> Iterator[tuple[str, str, str]]:
    for line in text.splitlines():
        name, value = line.split()
        if found := _V6.match(name):
            yield found[1], found[2], value

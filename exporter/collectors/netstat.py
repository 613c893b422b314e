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


_Chosen = tuple[tuple[int, Metric], ...]


class Netstat:
    """Reads three files; types are unknown, as the kernel does not tell them.

    Of the hundreds of fields few are wanted: which places they have in a line is kept
    with the line of names that goes before it.
    """

    def __init__(self, host: Host, options: Options) -> None:
        self._host = host
        self._wanted = re.compile(options.fields)
        self._chosen: dict[str, _Chosen] = {}
        self._version_6: dict[str, Metric | None] = {}

    def collect(self) -> list[Family]:
        """Return one family per field that the settings ask for."""
        families: list[Family] = []
        for file in ("net/netstat", "net/snmp"):
            lines = iter(self._host.proc(file).splitlines())
            for names, values in zip(lines, lines, strict=True):
                chosen = self._chosen.get(names)
                if chosen is None:
                    chosen = self._chosen[names] = self._choose(names)
                if chosen:
                    words = values.split()
                    families += [
                        metric.of(float(words[place])) for place, metric in chosen
                    ]
        with suppress(FileNotFoundError):  # a kernel without IPv6
            families += self._of_version_6(self._host.proc("net/snmp6"))
        return families

    def _of_version_6(self, text: str) -> Iterator[Family]:
        for line in text.splitlines():
            name, value = line.split()
            if name not in self._version_6:
                found = _V6.match(name)
                self._version_6[name] = found and self._metric(found[1], found[2])
            if (metric := self._version_6[name]) is not None:
                yield metric.of(float(value))

    def _choose(self, names: str) -> _Chosen:
        first, *fields = names.split()
        protocol = first.removesuffix(":")
        metrics = (self._metric(protocol, field) for field in fields)
        return tuple(
            (place, metric)
            for place, metric in enumerate(metrics, start=1)
            if metric is not None
        )

    def _metric(self, protocol: str, field: str) -> Metric | None:
        if not self._wanted.search(f"{protocol}_{field}"):
            return None
        return Metric(
            f"node_netstat_{protocol}_{field}",
            "unknown",
            f"Statistic {protocol}{field}.",
        )

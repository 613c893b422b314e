"""How many sockets there are, and the memory they take."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from exporter.collectors.base import Family, Host, Metric

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

USED = Metric("node_sockstat_sockets_used", "gauge", "Number of IPv4 sockets in use.")

_PAGE: Final = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Sockstat:
    """Reads /proc/net/sockstat and sockstat6; memory is in pages, and in bytes."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host
        self._metrics: dict[tuple[str, str], Metric] = {}

    def collect(self) -> list[Family]:
        """Return one family per protocol and figure."""
        families = self._families(self._host.proc("net/sockstat"))
        with suppress(FileNotFoundError):  # a kernel without IPv6
            families += self._families(self._host.proc("net/sockstat6"))
        return families

    def _families(self, text: str) -> list[Family]:
        families = []
        for line in text.splitlines():
            protocol, _, rest = line.partition(":")
            words = iter(rest.split())
            for name, value in zip(words, words, strict=True):
                number = int(value)
                if protocol == "sockets":
                    families.append(USED.of(number))
                    continue
                families.append(self._metric(protocol, name).of(number))
                if name == "mem":
                    in_bytes = self._metric(protocol, "mem_bytes")
                    families.append(in_bytes.of(number * _PAGE))
        return families

    def _metric(self, protocol: str, name: str) -> Metric:
        try:
            return self._metrics[protocol, name]
        except KeyError:
            made = self._metrics[protocol, name] = Metric(
                f"node_sockstat_{protocol}_{name}",
                "gauge",
                f"Number of {protocol} sockets in state {name}.",
            )
            return made

"""The file of hosts that need no name server (hosts(5))."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

from exporter.probes.base import Address
from exporter.probes.hosts import as_address

_LOOPBACK: Final = (
    Address(socket.AF_INET6, "::1"),
    Address(socket.AF_INET, "127.0.0.1"),
)


class HostsFile:
    """Addresses by name, read again when the file changes."""

    def __init__(self, path: Path = Path("/etc/hosts")) -> None:
        self._path = path
        self._stamp = -1
        self._names: dict[str, list[Address]] = {}

    def addresses(self, name: str) -> list[Address]:
        """Return the addresses of a name, none if the file does not know it.

        `localhost` and what is below it are loopback even if the file does not say so
        (RFC 6761).
        """
        self._refresh()
        name = name.lower()
        found = self._names.get(name, [])
        if not found and (name == "localhost" or name.endswith(".localhost")):
            return list(_LOOPBACK)
        return found

    def _refresh(self) -> None:
        try:
            stamp = self._path.stat().st_mtime_ns
            if stamp == self._stamp:
                return
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except OSError:  # a host may do without one
            stamp, text = -1, ""
        self._stamp, self._names = stamp, _parse(text)


def _parse(text: str) -> dict[str, list[Address]]:
    names: dict[str, list[Address]] = {}
    for line in text.splitlines():
        ip, *aliases = line.partition("#")[0].split() or [""]
        literal = as_address(ip)
        if literal is None:
            continue
        family = socket.AF_INET if literal.version == 4 else socket.AF_INET6  # noqa: PLR2004
        for alias in aliases:
            known = names.setdefault(alias.lower().rstrip("."), [])
            if Address(family, ip) not in known:
                known.append(Address(family, ip))
    return names

"""What the host of a destination says: a name, a port, a URL."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.name

from exporter.probes.base import ProbeFailed
from runtime.probing.reasons import Reason

_HIGHEST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class Place:
    """A name or address, without brackets, and its port if one is said."""

    host: str
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


def is_url(text: str) -> bool:
    """Return whether a host is written as a URL."""
    return "://" in text


def place_of(text: str) -> Place:
    """Return the host and port of a name, an address, host:port or a URL.

    Raises ProbeFailed with WRONG_SETTINGS.
    """
    rest = text
    if is_url(text):
        rest = re.split(r"[/?#]", text.partition("://")[2], maxsplit=1)[0]
        rest = rest.rpartition("@")[2]
    if rest.count(":") > 1 and not rest.startswith("["):
        return Place(rest)  # an IPv6 address, which may go without brackets
    found = re.fullmatch(r"\[([^\[\]]+)\](?::(\d+))?|([^:\[\]]+)(?::(\d+))?", rest)
    if found is None:
        raise _wrong(text, "write a name, an address, host:port or a URL")
    host, port = found[1] or found[3], found[2] or found[4]
    if port is not None and not 1 <= int(port) <= _HIGHEST_PORT:
        raise _wrong(text, f"ports go from 1 to {_HIGHEST_PORT}")
    return Place(host, int(port) if port else None)


def as_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return a literal address, which may have a scope, or None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def ascii_name(host: str) -> str:
    """Return a name as it is asked for on the wire, with IDNA 2008 (RFC 5891).

    Addresses and names of ASCII stay what they are; a final dot goes, as neither TLS
    nor HTTP knows it. Raises ProbeFailed with WRONG_SETTINGS.
    """
    if as_address(host):
        return host
    bare = host.rstrip(".")
    if bare.isascii():
        return bare
    try:
        name = dns.name.from_text(bare, idna_codec=dns.name.IDNA_2008_UTS_46)
    except dns.exception.DNSException as error:
        raise _wrong(host, f"it is no name: {error}") from error
    return name.to_text(omit_final_dot=True)


def _wrong(text: str, why: str) -> ProbeFailed:
    shown = "a URL" if "@" in text else repr(text)  # may hold a password
    return ProbeFailed(Reason.WRONG_SETTINGS, f"{shown} cannot be probed: {why}")

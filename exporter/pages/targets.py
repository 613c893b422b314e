"""Reads what a caller wants to have probed, and refuses what could mean two things.

Libraries differ in what they take for an address (`127.1`, `0x7f.1`, full-width digits)
and for the host of a URL (`http://good@evil`, backslashes, percent signs). Whatever is
not plainly a name or an address is refused here, before anything looks at it.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from runtime.probing.rules import HIGHEST_PORT, Rule, Rules, host_name, parse_rule

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST: Final = 2048
_PORTS: Final = {"http": 80, "https": 443}
_SPLIT: Final = re.compile(
    r"(?:\[(?P<v6>[^\[\]]*)\]|(?P<host>[^\[\]:]*))(?::(?P<port>[0-9]{1,5}))?"
)


class BadTarget(ValueError):  # noqa: N818 - what it is about
    """A target that cannot be probed; the message says why, without showing it."""


class Wanted(NamedTuple):
    """The host of a target in canonical form, and its port if it says one."""

    host: str
    port: int | None


def read(text: str) -> Wanted:
    """Return whom a target means; raise BadTarget with the reason if unclear."""
    if not text:
        raise BadTarget("target is missing")
    if len(text) > _LONGEST:
        raise BadTarget(f"target is longer than {_LONGEST} characters")
    if not text.isascii() or re.search(r"[\x00-\x20\x7f\\]", text):
        raise BadTarget(
            "target holds characters that no host and no URL has; write names of other "
            "scripts as xn--..., and what is within a URL with percent signs"
        )
    return _of_url(text) if "://" in text else _of_host(text)


def _of_url(text: str) -> Wanted:
    scheme, _, rest = text.partition("://")
    if scheme.lower() not in _PORTS:
        raise BadTarget("target has another scheme than http and https")
    place = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in place:
        raise BadTarget("target holds user information; use a module with `user`")
    wanted = _of_host(place)
    # What reads URLs later on must read the same.
    theirs = urlsplit(text).hostname or ""
    if _of_host(f"[{theirs}]" if ":" in theirs else theirs).host != wanted.host:
        raise BadTarget("target is a URL whose host is not clear")
    return wanted._replace(port=wanted.port or _PORTS[scheme.lower()])


def _of_host(text: str) -> Wanted:
    if text.count(":") > 1 and not text.startswith("["):
        return Wanted(_address(text), None)
    found = _SPLIT.fullmatch(text)
    if found is None:
        raise BadTarget(
            "target is no host; write a name, an address, host:port or a URL"
        )
    port = None if found["port"] is None else int(found["port"])
    if port is not None and not 1 <= port <= HIGHEST_PORT:
        raise BadTarget(f"target has no port from 1 to {HIGHEST_PORT}")
    if found["v6"] is not None:
        return Wanted(_address(found["v6"]), port)
    name = host_name(found["host"])
    return Wanted(name or _address(found["host"]), port)


def _address(text: str) -> str:
    if "%" in text:
        raise BadTarget("target has a zone or percent signs in its host")
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise BadTarget(
            "target is neither a name nor an address as it is usually written "
            "(192.0.2.1, 2001:db8::1)"
        ) from None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        raise BadTarget(
            "target is an IPv4 address within an IPv6 one; write the former"
        )
    return str(address)


def rules(allow: Sequence[str], host: str = "") -> Rules:
    """Return what a probe may talk to: what the settings allow, and one's own host.

    `host` is that of a configured destination, which somebody trusts as to where it
    redirects to among public web servers.
    """
    listed = tuple(map(parse_rule, allow))
    if not host:
        return Rules(listed)
    return Rules((*listed, *_own(host)), redirects=True)


def _own(host: str) -> list[Rule]:
    try:
        # A zone says through which interface, which rules do not care about.
        wanted = read(host if "://" in host else host.partition("%")[0])
    except BadTarget:
        # An address that is written in another way stays one that no rule names.
        return []
    name = host_name(wanted.host)
    return [Rule(name=name) if name else parse_rule(wanted.host)]

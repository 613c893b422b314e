"""Whom a probe that somebody asks for may talk to, as data.

Written in config.yaml as `192.0.2.0/24`, `*.example.org:443`, `[2001:db8::]/32:80-90`;
sent to the process that probes, which judges every address by them.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Network, ip_network
from typing import Annotated, Final

import msgspec
from pydantic import AfterValidator

from runtime.quantities import Written

HIGHEST_PORT: Final = 65535

_PORTS: Final = r"(?::(?P<low>[0-9]{1,5})(?:-(?P<high>[0-9]{1,5}))?)?"
_BRACKETED: Final = re.compile(
    rf"\[(?P<address>[0-9A-Fa-f:.]+)\](?P<width>/[0-9]{{1,3}})?{_PORTS}"
)
_BARE_V6: Final = re.compile(
    r"(?P<address>[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)(?P<width>/[0-9]{1,3})?"
)
_V4: Final = re.compile(rf"(?P<address>[0-9.]+)(?P<width>/[0-9]{{1,2}})?{_PORTS}")
_NAMED: Final = re.compile(rf"(?P<name>(?:\*\.)?[A-Za-z0-9_.-]+){_PORTS}")
_HOST_NAME: Final = re.compile(
    r"(?!.*\.[0-9]+$)(?![0-9]+$)(?=.{1,253}$)"
    r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
    r"(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_MAPPED: Final = IPv6Network("::ffff:0:0/96")


class Rule(msgspec.Struct, frozen=True):
    """Either a network or the name of hosts, and the ports `[low, high]` of it.

    A name is canonical (see `host_name`), or begins with `*.` and means all names below
    the rest, but not the rest itself.
    """

    network: str = ""
    name: str = ""
    low: int = 0
    high: int = HIGHEST_PORT

    @property
    def has_all_ports(self) -> bool:
        """Whether it is for whatever has no ports, too."""
        return (self.low, self.high) == (0, HIGHEST_PORT)


class Rules(msgspec.Struct, frozen=True):
    """What is allowed; nothing else is.

    With `redirects`, so are web servers at public addresses: a destination that
    somebody configured is trusted that far with where it sends its visitors.
    """

    allow: tuple[Rule, ...] = ()
    redirects: bool = False


def host_name(text: str) -> str:
    """Return a name as it is compared: lower case, without a dot at its end.

    Returns '' for what is no name of a host in plain ASCII, as are numbers that some
    libraries take for addresses (`127.1`, `0x7f000001`, `2130706433`).
    """
    name = text.lower().removesuffix(".") if text.isascii() else ""
    if not _HOST_NAME.fullmatch(name):
        return ""
    return "" if re.fullmatch(r"0x[0-9a-f]*", name.rpartition(".")[2]) else name


def parse_rule(text: str) -> Rule:
    """Return the rule that is written so; raise ValueError with what is wrong."""
    for form in (_BRACKETED, _BARE_V6, _V4):
        if found := form.fullmatch(text):
            network = _network(text, found["address"] + (found["width"] or ""))
            low, high = _ports(text, found)
            return Rule(network=network, low=low, high=high)
    found = _NAMED.fullmatch(text)
    name = found["name"] if found else ""
    star = "*." if name.startswith("*.") else ""
    canonical = host_name(name.removeprefix("*."))
    if found is None or not canonical:
        raise ValueError(
            f"{text!r} is not a target; write a network, a name or *.NAME, with a port "
            "or ports if only those: 192.0.2.0/24, *.example.org:443, "
            "[2001:db8::]/32:80-90"
        )
    low, high = _ports(text, found)
    return Rule(name=star + canonical, low=low, high=high)


def _network(text: str, written: str) -> str:
    try:
        network = ip_network(written)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a network: {error}") from error
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        raise ValueError(f"{text!r} means IPv4 addresses; write those")
    return str(network)


def _ports(text: str, found: re.Match[str]) -> tuple[int, int]:
    if found.groupdict().get("low") is None:
        return 0, HIGHEST_PORT
    low, high = int(found["low"]), int(found["high"] or found["low"])
    if not 1 <= low <= high <= HIGHEST_PORT:
        raise ValueError(f"{text!r} has no ports from 1 to {HIGHEST_PORT}")
    return low, high


def _allowed(text: str) -> str:
    parse_rule(text)
    return text


Allowed = Annotated[
    str, AfterValidator(_allowed), Written("target", "*.example.org:443")
]
"""A rule as it is written in config.yaml."""

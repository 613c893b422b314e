"""Addresses that are not just anybody's: what they are for, and what hides in them.

From the registries of special-purpose addresses of IANA (RFC 6890), and from what cloud
providers document of the addresses at which they tell credentials to whoever asks.
"""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, NamedTuple

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network


class Special(NamedTuple):
    """A range and what it is for.

    `named` ranges are where one's own hosts are: a rule with a host's full name opens
    them for this name. All others are open only to rules with addresses within them.
    """

    network: IpNetwork
    use: str
    named: bool = False


def _specials(use: str, *networks: str, named: bool = False) -> list[Special]:
    return [Special(ip_network(text), use, named) for text in networks]


SPECIALS: Final = (
    *_specials("loopback", "127.0.0.0/8", "::1/128", named=True),
    *_specials(
        "private",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
        "fec0::/10",
        named=True,
    ),
    *_specials(
        "metadata of a cloud",
        "169.254.169.254/32",
        "169.254.169.253/32",
        "169.254.169.123/32",
        "169.254.170.2/32",
        "169.254.170.23/32",
        "169.254.0.23/32",
        "169.254.10.10/32",
        "169.254.42.42/32",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.192/32",
        "fd00:ec2::254/128",
        "fd00:ec2::23/128",
        "fd00:ec2::253/128",
        "fd00:ec2::123/128",
        "fd20:ce::254/128",
        "fd00:42::42/128",
        "fe80::a9fe:a9fe/128",
    ),
    *_specials("link-local", "169.254.0.0/16", "fe80::/10"),
    *_specials("unspecified", "0.0.0.0/8", "::/128"),
    *_specials("multicast", "224.0.0.0/4", "ff00::/8"),
    *_specials("broadcast", "255.255.255.255/32"),
    *_specials(
        "reserved",
        "240.0.0.0/4",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "::/3",
        "4000::/2",
        "8000::/1",
        "100::/64",
        "2001::/23",
    ),
    *_specials(
        "documentation",
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "2001:db8::/32",
        "3fff::/20",
        named=True,
    ),
    *_specials("benchmarking", "198.18.0.0/15", "2001:2::/48", named=True),
    *_specials("a tunnel", "2001::/32", "2002::/16", "::/96"),
    *_specials("translation to IPv4", "64:ff9b:1::/48"),
)
"""Every special range; where they overlap, the narrowest one counts."""

_NAT64: Final = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL: Final = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE: Final = IPv6Network("::/96")
_ISATAP: Final = (0x00005EFE, 0x02005EFE)
_LAST_32: Final = 0xFFFFFFFF
_ONLY_ZEROS_AND_ONES: Final = 2


def special(address: IpAddress) -> Special | None:
    """Return the narrowest special range around an address, None for the public."""
    around = [
        one
        for one in SPECIALS
        if one.network.version == address.version and address in one.network
    ]
    return max(around, key=lambda one: one.network.prefixlen, default=None)


def meanings(ip: str) -> list[IpAddress]:
    """Return the addresses that packets to an address may end up at.

    That is the address itself, or the IPv4 address that stands in for it (mapped, or
    translated by NAT64), and those that tunnels find in it (6to4, Teredo, ISATAP,
    IPv4-compatible). Raises ValueError for what is no address.
    """
    address = ip_address(ip.partition("%")[0])
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    last = IPv4Address(int(address) & _LAST_32)
    if address in _NAT64:
        return [last]
    return [address, *_tunnelled(address, last)]


def _tunnelled(address: IPv6Address, last: IPv4Address) -> list[IPv4Address]:
    found = []
    if address.sixtofour:
        found.append(address.sixtofour)
    if address.teredo:
        found += address.teredo
    compatible = address in _COMPATIBLE and int(address) >= _ONLY_ZEROS_AND_ONES
    isatap = int(address) >> 32 & _LAST_32 in _ISATAP
    if compatible or isatap or address in _NAT64_LOCAL:
        found.append(last)
    return found

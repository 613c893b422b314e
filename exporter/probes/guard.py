"""Keeps probes that anybody may ask for away from where they have no business.

Asked of every address just before it is connected to, after names were resolved and
again after each redirect: what was checked is what is used, so that an answer of a name
server that changes between the two gains nothing.
"""

from __future__ import annotations

from functools import partial
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final

from exporter.probes.base import ProbeFailed
from exporter.probes.special import meanings, special
from runtime.probing.reasons import Reason
from runtime.probing.rules import host_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.probes.special import IpAddress, IpNetwork
    from runtime.probing.rules import Rule, Rules

_WEB: Final = (80, 443)


class RuleGuard:
    """Lets through what rules name; nothing at all without rules.

    A special range (loopback, private, link-local, metadata of clouds ...) is open only
    to a rule that names it: with a network inside of it, or, where hosts of one's own
    are, with the full name of the host. `0.0.0.0/0` and `*.example.org` open none.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = [
            (rule, ip_network(rule.network) if rule.network else None)
            for rule in rules.allow
        ]
        self._redirects = rules.redirects

    def check(self, host: str, ip: str, port: int | None) -> None:
        """Raise ProbeFailed with NOT_ALLOWED and the reason, or let it pass."""
        try:
            addresses = meanings(ip)
        except ValueError as error:
            raise ProbeFailed(Reason.NOT_ALLOWED, str(error)) from error
        for address in addresses:
            if not self._opens(host_name(host), address, port):
                raise ProbeFailed(
                    Reason.NOT_ALLOWED, _explanation(host, ip, address, port)
                )

    def may_allow(self, host: str) -> bool:
        """Whether there is a port, and an address of a name, to be let through.

        What no rule can allow need not even be resolved.
        """
        name = host_name(host)
        if name:
            return any(
                network or _is_named(rule, name) for rule, network in self._rules
            )
        try:
            addresses = meanings(host)
        except ValueError:
            return False
        return all(self._names(name, address, _always) for address in addresses)

    def _opens(self, name: str, address: IpAddress, port: int | None) -> bool:
        if self._redirects and special(address) is None and port in _WEB:
            return True
        return self._names(name, address, partial(_has_port, port))

    def _names(
        self, name: str, address: IpAddress, has_port: Callable[[Rule], bool]
    ) -> bool:
        around = special(address)
        for rule, network in self._rules:
            if not has_port(rule):
                continue
            if network is not None:
                inside = around is None or _is_within(network, around.network)
                if inside and _is_in(address, network):
                    return True
            elif _is_named(rule, name):
                exact = not rule.name.startswith("*.")
                if around is None or (exact and around.named):
                    return True
        return False


def _always(_: Rule) -> bool:
    return True


def _has_port(port: int | None, rule: Rule) -> bool:
    return rule.has_all_ports if port is None else rule.low <= port <= rule.high


def _is_named(rule: Rule, name: str) -> bool:
    if rule.name.startswith("*."):
        return bool(name) and name.endswith(rule.name[1:])
    return bool(name) and name == rule.name


def _is_in(address: IpAddress, network: IpNetwork) -> bool:
    return address.version == network.version and address in network


def _is_within(inner: IpNetwork, outer: IpNetwork) -> bool:
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]  # of one version


def _explanation(host: str, ip: str, address: IpAddress, port: int | None) -> str:
    place = ip if port is None else f"{ip} port {port}"
    of_host = "" if host == ip else f" (of {host})"
    around = special(address)
    why = "no rule allows it"
    if around is not None:
        why = f"it is {around.use}, and no rule names {around.network}"
        if address != ip_address(ip.partition("%")[0]):
            why = f"it leads to {address}; {why}"
    return f"{place}{of_host} is not allowed: {why}"

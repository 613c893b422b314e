from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from exporter.probes.base import ProbeFailed
from exporter.probes.guard import RuleGuard
from exporter.probes.special import meanings, special
from runtime.probing.reasons import Reason
from runtime.probing.rules import Rules, parse_rule

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

EVERYWHERE = ("0.0.0.0/0", "::/0", "*.example.org")


def _guard(*texts: str, redirects: bool = False) -> RuleGuard:
    return RuleGuard(Rules(tuple(map(parse_rule, texts)), redirects=redirects))


def _passes(guard: RuleGuard, host: str, ip: str, port: int | None = 80) -> bool:
    try:
        guard.check(host, ip, port)
    except ProbeFailed as failed:
        return failed.reason is not Reason.NOT_ALLOWED or ip not in str(failed)
    return True


def test_nothing_passes_without_rules() -> None:
    for ip in ("1.1.1.1", "127.0.0.1", "2a00::1"):
        assert not _passes(_guard(), "a.example.org", ip)


def test_networks_names_and_ports_are_let_through() -> None:
    guard = _guard("9.9.9.0/24:80-90", "*.example.org:443", "one.example.net")
    assert _passes(guard, "any", "9.9.9.9", 80)
    assert _passes(guard, "any", "9.9.9.9", 90)
    assert not _passes(guard, "any", "9.9.9.9", 91)
    assert not _passes(guard, "any", "9.9.9.9", None)
    assert not _passes(guard, "any", "9.9.10.1", 80)
    assert _passes(guard, "WWW.Example.org.", "1.1.1.1", 443)
    assert not _passes(guard, "example.org", "1.1.1.1", 443)
    assert not _passes(guard, "notexample.org", "1.1.1.1", 443)
    assert not _passes(guard, "example.org.evil.net", "1.1.1.1", 443)
    assert _passes(guard, "one.example.net", "1.1.1.1", None)


@given(st.ip_addresses())
def test_whatever_is_special_stays_shut_to_rules_for_everything(
    address: IPv4Address | IPv6Address,
) -> None:
    passes = _passes(_guard(*EVERYWHERE), "a.example.org", str(address))
    assert passes == (not any(map(special, meanings(str(address)))))


def test_a_rule_that_names_a_special_range_opens_it() -> None:
    assert _passes(_guard("127.0.0.0/8"), "x", "127.0.0.2")
    assert _passes(_guard("127.0.0.0/8"), "x", "::ffff:127.0.0.2")
    assert _passes(_guard("10.0.0.0/24"), "x", "10.0.0.1")
    assert not _passes(_guard("10.0.0.0/24"), "x", "10.0.1.1")
    assert not _passes(_guard("0.0.0.0/1"), "x", "10.0.1.1")
    assert _passes(_guard("169.254.0.0/16"), "x", "169.254.1.1")


def test_metadata_is_open_only_to_its_very_address() -> None:
    assert not _passes(_guard("169.254.0.0/16"), "x", "169.254.169.254")
    assert _passes(_guard("169.254.169.254"), "x", "169.254.169.254")
    assert not _passes(_guard("fd00::/8"), "x", "fd00:ec2::254")
    assert not _passes(
        _guard("meta.example.org"), "meta.example.org", "169.254.169.254"
    )


def test_the_full_name_of_a_host_opens_where_hosts_of_ones_own_are() -> None:
    guard = _guard("db.example.org", "*.example.net")
    assert _passes(guard, "db.example.org", "10.0.0.1")
    assert _passes(guard, "db.example.org", "127.0.0.1")
    assert not _passes(guard, "db.example.org", "169.254.1.1")
    assert not _passes(guard, "db.example.org", "0.0.0.0")  # noqa: S104 - is asked about, not bound to
    assert not _passes(guard, "db.example.org", "224.0.0.1")
    assert not _passes(guard, "db.example.net", "10.0.0.1")
    assert not _passes(guard, "other.example.org", "10.0.0.1")


def test_what_a_tunnel_leads_to_must_be_allowed_as_well() -> None:
    guard = _guard("2002::/16", "0.0.0.0/0")
    assert _passes(guard, "x", "2002:0101:0101::1")
    assert not _passes(guard, "x", "2002:7f00:1::1")


def test_redirects_lead_to_public_web_servers_only() -> None:
    guard = _guard("shop.example.org", redirects=True)
    assert _passes(guard, "login.example.com", "1.1.1.1", 443)
    assert not _passes(guard, "login.example.com", "1.1.1.1", 25)
    assert not _passes(guard, "login.example.com", "1.1.1.1", None)
    assert not _passes(guard, "login.example.com", "10.0.0.1", 443)
    assert not _passes(guard, "login.example.com", "169.254.169.254", 80)


def test_what_no_rule_is_for_need_not_be_resolved() -> None:
    named = _guard("db.example.org:5432", "9.9.9.9:80")
    assert named.may_allow("DB.example.org")
    assert named.may_allow("9.9.9.9")
    assert named.may_allow("evil.example.org")  # which may have that address
    assert not named.may_allow("9.9.9.8")
    assert not named.may_allow("127.1")
    assert not _guard("db.example.org").may_allow("evil.example.org")
    assert not _guard("0.0.0.0/0").may_allow("127.0.0.1")
    assert not _guard().may_allow("1.1.1.1")

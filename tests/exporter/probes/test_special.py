from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.probes.special import SPECIALS, meanings, special


@pytest.mark.parametrize(
    ("ip", "use"),
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("10.1.2.3", "private"),
        ("100.64.0.1", "private"),
        ("fd12::1", "private"),
        ("169.254.1.1", "link-local"),
        ("169.254.169.254", "metadata of a cloud"),
        ("100.100.100.200", "metadata of a cloud"),
        ("168.63.129.16", "metadata of a cloud"),
        ("fd00:ec2::254", "metadata of a cloud"),
        ("fe80::1", "link-local"),
        ("0.0.0.1", "unspecified"),
        ("::", "unspecified"),
        ("239.1.2.3", "multicast"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "broadcast"),
        ("255.255.255.254", "reserved"),
        ("4000::1", "reserved"),
        ("2002::1", "a tunnel"),
    ],
)
def test_the_narrowest_range_tells_what_an_address_is_for(ip: str, use: str) -> None:
    found = special(ip_address(ip))
    assert found is not None
    assert found.use == use


@pytest.mark.parametrize("ip", ["1.1.1.1", "9.255.255.255", "2a00::1", "2606:4700::1"])
def test_public_addresses_are_not_special(ip: str) -> None:
    assert special(ip_address(ip)) is None


@given(st.ip_addresses())
def test_what_the_standard_library_calls_not_global_is_special(
    address: IPv4Address | IPv6Address,
) -> None:
    found = meanings(str(address))
    if not address.is_global and found == [address]:
        assert special(address)


@given(st.ip_addresses(v=4))
def test_an_address_in_another_is_found(inside: IPv4Address) -> None:
    number = int(inside)
    packed = f"{number >> 16:x}:{number & 0xFFFF:x}"
    assert meanings(f"::ffff:{packed}") == [inside]
    assert meanings(f"64:ff9b::{packed}") == [inside]
    assert inside in meanings(f"2002:{packed}::1")
    assert inside in meanings(f"2a00::5efe:{packed}")
    assert inside in meanings(f"64:ff9b:1::{packed}")
    obscured = number ^ 0xFFFFFFFF
    assert inside in meanings(f"2001::{obscured >> 16:x}:{obscured & 0xFFFF:x}")
    assert inside in meanings(f"2001:0:{packed}::1")
    if number > 1:
        assert inside in meanings(f"::{packed}")


def test_zones_change_nothing() -> None:
    assert meanings("fe80::1%eth0") == [ip_address("fe80::1")]


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        meanings("0x7f.1")


def test_ranges_are_written_once() -> None:
    networks = [one.network for one in SPECIALS]
    assert len(set(networks)) == len(networks)

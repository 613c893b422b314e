from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.probing.rules import Rule, Rules, host_name, parse_rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("192.0.2.0/24", Rule(network="192.0.2.0/24")),
        ("192.0.2.7", Rule(network="192.0.2.7/32")),
        ("192.0.2.7:80", Rule(network="192.0.2.7/32", low=80, high=80)),
        ("192.0.2.0/24:80-90", Rule(network="192.0.2.0/24", low=80, high=90)),
        ("2001:db8::/32", Rule(network="2001:db8::/32")),
        ("::1", Rule(network="::1/128")),
        ("[::1]:443", Rule(network="::1/128", low=443, high=443)),
        ("[2001:DB8::]/32:80-90", Rule(network="2001:db8::/32", low=80, high=90)),
        ("Example.ORG.", Rule(name="example.org")),
        ("localhost:8080", Rule(name="localhost", low=8080, high=8080)),
        ("*.example.org:443", Rule(name="*.example.org", low=443, high=443)),
    ],
)
def test_rules_are_read_as_they_are_written(text: str, rule: Rule) -> None:
    assert parse_rule(text) == rule


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not a target"),
        ("*", "is not a target"),
        ("*.*.example.org", "is not a target"),
        ("a.*.org", "is not a target"),
        ("http://example.org", "is not a target"),
        ("user@example.org", "is not a target"),
        ("0x7f.0.0.1", "is not a target"),
        ("0x7f000001", "is not a target"),
        ("exämple.org", "is not a target"),
        ("127.1", "is not a network"),
        ("2130706433", "is not a network"),
        ("0177.0.0.1", "is not a network"),
        ("192.0.2.1/24", "has host bits set"),
        ("192.0.2.0/33", "is not a network"),
        ("[fe80::1%eth0]", "is not a target"),
        ("::ffff:192.0.2.1", "means IPv4 addresses"),
        ("[::ffff:0:0]/96:80", "means IPv4 addresses"),
        ("example.org:0", "has no ports"),
        ("example.org:90-80", "has no ports"),
        ("example.org:65536", "has no ports"),
    ],
)
def test_what_means_nothing_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_rule(text)


@given(st.text(max_size=20))
def test_names_are_canonical_or_none(text: str) -> None:
    name = host_name(text)
    assert host_name(name) == name
    assert name.isascii()
    assert name == name.lower()


def test_rules_cross_a_wire() -> None:
    rules = Rules((parse_rule("192.0.2.0/24:80"),), redirects=True)
    sent = msgspec.msgpack.encode(rules)
    assert msgspec.msgpack.decode(sent, type=Rules) == rules

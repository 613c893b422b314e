from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.pages.targets import BadTarget, Wanted, read, rules
from runtime.probing.rules import Rule


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("gateway", Wanted("gateway", None)),
        ("WWW.Example.ORG.:443", Wanted("www.example.org", 443)),
        ("192.0.2.1", Wanted("192.0.2.1", None)),
        ("192.0.2.1:80", Wanted("192.0.2.1", 80)),
        ("2001:DB8:0::1", Wanted("2001:db8::1", None)),
        ("[2001:db8::1]", Wanted("2001:db8::1", None)),
        ("[::1]:53", Wanted("::1", 53)),
        ("http://Example.org", Wanted("example.org", 80)),
        ("HTTPS://example.org/a?b=@c#d", Wanted("example.org", 443)),
        ("https://example.org:8443/http://x", Wanted("example.org", 8443)),
        ("https://[2001:DB8:0::1]:444/", Wanted("2001:db8::1", 444)),
        ("xn--bcher-kva.example", Wanted("xn--bcher-kva.example", None)),
    ],
)
def test_targets_are_read_as_they_are_written(text: str, wanted: Wanted) -> None:
    assert read(text) == wanted


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is missing"),
        ("a" * 3000, "longer than"),
        ("exämple.org", "characters that no host"),
        ("127。0。0。1", "characters that no host"),
        ("①②⑦.0.0.1", "characters that no host"),
        ("a b", "characters that no host"),
        ("a\nb", "characters that no host"),
        ("http://good\\@evil", "characters that no host"),
        ("ftp://example.org", "another scheme"),
        ("file:///etc/passwd", "another scheme"),
        ("http://user@example.org", "user information"),
        ("http://good:80@127.0.0.1/", "user information"),
        ("http:///path", "neither a name nor an address"),
        ("http://127.1/", "neither a name nor an address"),
        ("2130706433", "neither a name nor an address"),
        ("0x7f.0.0.1", "neither a name nor an address"),
        ("0177.0.0.1", "neither a name nor an address"),
        ("127.0.0.1.", "neither a name nor an address"),
        ("%31%32%37.0.0.1", "percent signs"),
        ("[fe80::1%25eth0]", "percent signs"),
        ("::ffff:127.0.0.1", "write the former"),
        ("[::1", "is no host"),
        ("a:b", "is no host"),
        ("a:0", "no port from 1"),
        ("a:65536", "no port from 1"),
        ("-a.example.org", "neither a name nor an address"),
        ("a..b", "neither a name nor an address"),
    ],
)
def test_what_could_mean_two_things_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadTarget, match=reason):
        read(text)


@given(st.text(max_size=30) | st.from_regex(r"https?://.{0,20}"))
def test_reading_ends_in_a_host_or_a_refusal(text: str) -> None:
    try:
        host, port = read(text)
    except BadTarget:
        return
    assert read(f"[{host}]" if ":" in host else host).host == host
    assert port is None or 1 <= port <= 65535


def test_a_destination_may_be_talked_to_as_it_is_written() -> None:
    for host, rule in (
        ("https://shop.example.org/health", Rule(name="shop.example.org")),
        ("10.0.0.1:22", Rule(network="10.0.0.1/32")),
        ("fe80::1%eth0", Rule(network="fe80::1/128")),
    ):
        assert rules((), host).allow == (rule,)
        assert rules((), host).redirects
    assert rules((), "127.1").allow == ()
    assert rules(("9.9.9.9",)).allow == (Rule(network="9.9.9.9/32"),)
    assert not rules(("9.9.9.9",)).redirects

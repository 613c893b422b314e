from __future__ import annotations

import pytest

from exporter.probes.base import ProbeFailed
from exporter.probes.hosts import Place, as_address, ascii_name, is_url, place_of


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("example.org", "example.org", None),
        ("example.org:8080", "example.org", 8080),
        ("192.0.2.1", "192.0.2.1", None),
        ("192.0.2.1:22", "192.0.2.1", 22),
        ("2001:db8::1", "2001:db8::1", None),
        ("[2001:db8::1]", "2001:db8::1", None),
        ("[2001:db8::1]:443", "2001:db8::1", 443),
        ("[fe80::1%eth0]:443", "fe80::1%eth0", 443),
        ("fe80::1%eth0", "fe80::1%eth0", None),
        ("https://example.org", "example.org", None),
        ("https://me:pw@example.org:8443/a?b#c", "example.org", 8443),
        ("https://[::1]:8443/a", "::1", 8443),
        ("https://example.org?a=http://b:1/", "example.org", None),
    ],
)
def test_hosts_are_taken_apart(text: str, host: str, port: int | None) -> None:
    assert place_of(text) == Place(host, port)


@pytest.mark.parametrize(
    "text",
    ["", ":80", "a:", "a:b", "[::1", "[]", "a:0", "a:65536", "https://", "[::1]x"],
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ProbeFailed, match="cannot be probed") as raised:
        place_of(text)
    assert raised.value.reason == "wrong_settings"


def test_passwords_are_not_told() -> None:
    with pytest.raises(ProbeFailed) as raised:
        place_of("http://me:secret@h:0/")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("text", ["a", "a:1", "[::1]:2", "192.0.2.1:65535"])
def test_places_are_written_as_they_are_read(text: str) -> None:
    assert str(place_of(text)) == text


@pytest.mark.parametrize(
    ("name", "ascii"),
    [
        ("Example.org.", "Example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("_srv.example", "_srv.example"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_names_are_asked_for_in_ascii(name: str, ascii: str) -> None:  # noqa: A002
    assert ascii_name(name) == ascii


def test_what_is_no_name_in_idna_is_refused() -> None:
    with pytest.raises(ProbeFailed, match="it is no name"):
        ascii_name("ü" * 64 + ".example")


def test_addresses_and_urls_are_told_from_names() -> None:
    assert str(as_address("::1")) == "::1"
    assert as_address("0177.0.0.1") is None
    assert as_address("localhost") is None
    assert is_url("http://h")
    assert not is_url("h:80")

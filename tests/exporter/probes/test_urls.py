from __future__ import annotations

import pytest

from exporter.probes.base import ProbeFailed
from exporter.probes.urls import Url, first_url, redirected


@pytest.mark.parametrize(
    ("template", "host", "url"),
    [
        ("http://{host}/", "h", "http://h/"),
        ("http://{host}/", "h:8080", "http://h:8080/"),
        ("https://{host}/x", "::1", "https://[::1]/x"),
        ("https://{host}/x", "[::1]:8", "https://[::1]:8/x"),
        ("http://fixed/{host}", "h", "http://fixed/h"),
        ("http://{host}/", "https://Other:443?q", "https://other/?q"),
        ("http://{host}/", "http://h/a b?c d#e", "http://h/a%20b?c%20d"),
        ("http://{host}/{x}", "h", "http://h/%7Bx%7D"),
        ("http://{host}/", "bücher.test", "http://xn--bcher-kva.test/"),
    ],
)
def test_urls_are_made_of_the_template_or_are_the_destination(
    template: str, host: str, url: str
) -> None:
    assert str(first_url(template, host)) == url


def test_a_scope_is_for_the_socket_alone() -> None:
    url = first_url("http://{host}/", "http://[fe80::1%25eth0]:8/")
    assert (url.host, url.authority) == ("fe80::1%eth0", "[fe80::1]:8")


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/b", "http://h:8/b"),
        ("c?d", "http://h:8/a/c?d"),
        ("?e", "http://h:8/a/x?e"),
        ("//o/p", "http://o/p"),
        ("https://o:443/p#f", "https://o/p"),
        ("http://me:pw@o/", "http://o/"),
        ("/ä", "http://h:8/%C3%A4"),
        ("../..", "http://h:8/"),
    ],
)
def test_redirects_are_relative_to_where_they_are_met(
    location: str, expected: str
) -> None:
    assert str(redirected(Url("http", "h", 8, "/a/x"), location)) == expected


@pytest.mark.parametrize("location", ["ftp://h/", "http://[", "http://h:x/"])
def test_redirects_to_nowhere_are_refused(location: str) -> None:
    with pytest.raises(ProbeFailed, match="is wrong") as raised:
        redirected(Url("http", "h", 80, "/"), location)
    assert raised.value.reason == "protocol_error"

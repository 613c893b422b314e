from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.exporter.probes.trying import tried
from tests.exporter.probes.web import Site, handler, page

if TYPE_CHECKING:
    from tests.exporter.probes.peers import Peers

TEXT = b"some text, some text, some text\n" * 1000


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def packed(data: bytes) -> bytes:
    """Return what gzip makes of data whatever the time, as tests are named by it."""
    return gzip.compress(data, mtime=0)


@pytest.mark.setting("probes.modules.http.compression")
@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", packed(TEXT)),
        ("x-gzip", packed(TEXT[:100]) + packed(TEXT[100:])),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", _raw_deflate(TEXT)),
        ("identity", TEXT),
        ("gzip", b""),
    ],
)
def test_packed_bodies_are_unpacked(coding: str, body: bytes, peers: Peers) -> None:
    site = Site({"/": page(body=body, Content_Encoding=coding)})
    port = peers.serve(site.http1)
    wanted = ["^some text(, some text|\n)"] if body else []
    result = tried("http", f"127.0.0.1:{port}", compression=True, body_matches=wanted)
    assert result.reason == "", result.message
    assert site.asked[0].headers["accept-encoding"] == "gzip, deflate"
    assert result.facts["body_bytes"] == len(body)
    assert result.facts["uncompressed_bytes"] == (len(TEXT) if body else 0)
    left_packed = tried("http", f"127.0.0.1:{port}")
    assert "accept-encoding" not in site.asked[1].headers
    assert left_packed.facts["uncompressed_bytes"] == len(body)


@pytest.mark.parametrize(
    ("coding", "body", "words"),
    [
        ("gzip", packed(TEXT)[:-9], "has no end"),
        ("gzip", b"no gzip at all", "cannot be unpacked"),
        ("gzip", packed(TEXT) + b"rubbish", "cannot be unpacked"),
        ("br", b"x", "packed as 'br'"),
        ("gzip, gzip", packed(packed(TEXT)), "packed as 'gzip, gzip'"),
    ],
)
def test_bodies_that_cannot_be_unpacked_are_protocol_errors(
    coding: str, body: bytes, words: str, peers: Peers
) -> None:
    port = peers.serve(handler(page(body=body, Content_Encoding=coding)))
    result = tried("http", f"127.0.0.1:{port}", compression=True)
    assert result.reason == "protocol_error"
    assert words in result.message


@pytest.mark.setting("probes.modules.http.max_body")
@pytest.mark.parametrize(
    ("answer", "unpack"),
    [
        (page(body=b"x" * 70_000), False),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 70_000, False),
        (page(body=gzip.compress(bytes(2**24)), Content_Encoding="gzip"), True),
    ],
)
def test_what_is_larger_than_allowed_is_not_read_on(
    answer: bytes,
    unpack: bool,  # noqa: FBT001
    peers: Peers,
) -> None:
    port = peers.serve(handler(answer))
    result = tried("http", f"127.0.0.1:{port}", max_body="64KiB", compression=unpack)
    assert result.reason == "too_large"
    assert "larger than 64KiB" in result.message
    assert result.facts["uncompressed_bytes"] <= 65536 + 256 * 1024
    assert result.facts["status"] == 200


def test_an_endless_gzip_is_given_up_early(peers: Peers) -> None:
    bomb = gzip.compress(bytes(2**20)) * 1000
    port = peers.serve(handler(page(body=bomb, Content_Encoding="gzip")))
    result = tried("http", f"127.0.0.1:{port}", compression=True, max_body="2MiB")
    assert result.reason == "too_large"
    assert result.facts["body_bytes"] < 200_000


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"body_matches": ["^hel", "lo$"]}, ""),
        ({"body_matches": ["^hel", "LO$"]}, "body_mismatch"),
        ({"body_matches": ["(?i)LO$"]}, ""),
        ({"body_lacks": ["x", "y"]}, ""),
        ({"body_lacks": ["x", "ell"]}, "body_mismatch"),
    ],
)
@pytest.mark.setting("probes.modules.http.body_matches")
@pytest.mark.setting("probes.modules.http.body_lacks")
def test_bodies_are_matched(
    settings: dict[str, Any], reason: str, peers: Peers
) -> None:
    port = peers.serve(handler(page(body=b"hello")))
    result = tried("http", f"127.0.0.1:{port}", **settings)
    assert result.reason == reason
    assert result.facts["failed_due_to_regex"] is bool(reason)


def test_large_bodies_and_bytes_that_are_no_text_are_matched(peers: Peers) -> None:
    body = b"\xff\xfe\x00" * 200_000 + b"needle"
    port = peers.serve(handler(page(body=body)))
    result = tried("http", f"127.0.0.1:{port}", body_matches=["needle$"])
    assert result.reason == "", result.message


def test_an_expression_cannot_take_exponential_time(peers: Peers) -> None:
    port = peers.serve(handler(page(body=b"a" * 50_000 + b"!")))
    result = tried("http", f"127.0.0.1:{port}", body_matches=["^(a+)+$"])
    assert result.reason == "body_mismatch"


HEADER = {"header": "x-a", "regex": "^o"}


@pytest.mark.parametrize(
    ("settings", "sent", "reason"),
    [
        ({"header_matches": [HEADER]}, {"X_A": "one"}, ""),
        ({"header_matches": [HEADER]}, {"X_A": "two"}, "header_mismatch"),
        ({"header_matches": [HEADER]}, {}, "header_mismatch"),
        ({"header_matches": [HEADER | {"allow_missing": True}]}, {}, ""),
        ({"header_lacks": [HEADER]}, {"X_A": "one"}, "header_mismatch"),
        ({"header_lacks": [HEADER]}, {"X_A": "two"}, ""),
        ({"header_lacks": [HEADER]}, {}, "header_mismatch"),
        ({"header_lacks": [HEADER | {"allow_missing": True}]}, {}, ""),
    ],
)
@pytest.mark.setting("probes.modules.http.header_matches.header")
@pytest.mark.setting("probes.modules.http.header_matches.regex")
@pytest.mark.setting("probes.modules.http.header_matches.allow_missing")
@pytest.mark.setting("probes.modules.http.header_lacks.header")
@pytest.mark.setting("probes.modules.http.header_lacks.regex")
@pytest.mark.setting("probes.modules.http.header_lacks.allow_missing")
def test_headers_are_matched(
    settings: dict[str, Any], sent: dict[str, str], reason: str, peers: Peers
) -> None:
    port = peers.serve(handler(page(**sent)))  # type: ignore[arg-type]
    result = tried("http", f"127.0.0.1:{port}", **settings)
    assert result.reason == reason, result.message
    assert result.facts["failed_due_to_regex"] is bool(reason)


def test_one_of_several_values_of_a_header_is_enough(peers: Peers) -> None:
    answer = b"HTTP/1.1 200 OK\r\nX-A: two\r\nx-a: one\r\nContent-Length: 0\r\n\r\n"
    port = peers.serve(handler(answer))
    assert tried("http", f"127.0.0.1:{port}", header_matches=[HEADER]).reason == ""
    lacks = tried("http", f"127.0.0.1:{port}", header_lacks=[HEADER])
    assert lacks.reason == "header_mismatch"

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.exporter.probes.peers import silent
from tests.exporter.probes.trying import Noting, tools, tried
from tests.exporter.probes.web import Site, handler, page, redirect

if TYPE_CHECKING:
    from tests.exporter.probes.authority import Pki
    from tests.exporter.probes.peers import Peers


async def endless(reader: Any, writer: Any) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(bytes(65536))
        await writer.drain()


async def stalling(reader: Any, writer: Any) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\nsome")
    await silent(reader, writer)


async def only_head(reader: Any, writer: Any) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    await silent(reader, writer)


@pytest.mark.setting("probes.modules.throughput.kind")
@pytest.mark.setting("probes.modules.throughput.name")
@pytest.mark.setting("probes.modules.throughput.url")
def test_a_download_is_timed_to_its_end(peers: Peers) -> None:
    site = Site({"/": redirect("/big"), "/big": page(body=bytes(300_000))})
    port = peers.serve(site.http1)
    result = tried("throughput", f"127.0.0.1:{port}", url="http://{host}/")
    assert (result.reason, result.kind, result.probe) == ("", "throughput", "m")
    facts = result.facts
    assert (facts["bytes"], facts["ended_by"], facts["status"]) == (300_000, "end", 200)
    assert facts["rate"] == pytest.approx(300_000 / result.phases["transfer"])
    assert result.rtts == ()


@pytest.mark.setting("probes.modules.throughput.max_bytes")
def test_a_download_ends_with_enough_bytes(peers: Peers) -> None:
    port = peers.serve(endless)
    result = tried("throughput", f"127.0.0.1:{port}", max_bytes="1MiB")
    assert (result.reason, result.facts["ended_by"]) == ("", "bytes")
    assert 2**20 <= result.facts["bytes"] < 2**20 + 2**17


@pytest.mark.setting("probes.modules.throughput.max_time")
def test_a_download_ends_with_enough_time(peers: Peers) -> None:
    port = peers.serve(stalling)
    result = tried("throughput", f"127.0.0.1:{port}", max_time="300ms", timeout="100ms")
    assert (result.reason, result.facts["ended_by"]) == ("", "time")
    assert result.facts["bytes"] == 4


@pytest.mark.setting("probes.modules.throughput.min_rate")
@pytest.mark.parametrize(("rate", "reason"), [("1KB", "not_expected"), ("1B", "")])
def test_a_slow_download_fails(rate: str, reason: str, peers: Peers) -> None:
    port = peers.serve(stalling)
    result = tried("throughput", f"127.0.0.1:{port}", max_time="200ms", min_rate=rate)
    assert result.reason == reason, result.message
    assert result.facts["bytes"] == 4


@pytest.mark.setting("probes.modules.throughput.timeout")
@pytest.mark.parametrize(
    ("peer", "phase"), [(silent, "processing"), (only_head, "transfer")]
)
@pytest.mark.parametrize("longest", ["100ms", "2s"])
def test_a_first_byte_that_comes_too_late_is_a_timeout(
    peer: Any, phase: str, longest: str, peers: Peers
) -> None:
    port = peers.serve(peer)
    result = tried("throughput", f"127.0.0.1:{port}", timeout="200ms", max_time=longest)
    assert result.reason == "timeout", result.message
    assert phase in result.message


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (page(404), "wrong_status"),
        (redirect("/"), "too_many_redirects"),
        (page(body=b"x" * 9)[:-3], "reset"),
    ],
)
def test_what_is_no_download_has_a_reason(
    answer: bytes, reason: str, peers: Peers
) -> None:
    port = peers.serve(handler(answer))
    assert tried("throughput", f"127.0.0.1:{port}").reason == reason


@pytest.mark.setting("probes.modules.throughput.tls_settings.ca_file")
def test_downloads_over_tls_and_guarded(peers: Peers, pki: Pki) -> None:
    port = peers.serve(handler(page()), pki.context())
    url = f"https://good.test:{port}/"
    assert tried("throughput", url, tls_settings=pki.trust).reason == ""
    assert tried("throughput", url).reason == "certificate_untrusted"
    refused = tried("throughput", url, tools(guard=Noting("127.0.0.1")))
    assert refused.reason == "not_allowed"

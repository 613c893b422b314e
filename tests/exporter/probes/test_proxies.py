from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING, Any

import pytest

from tests.exporter.probes.trying import Names, Noting, tools, tried
from tests.exporter.probes.web import Site, handler, page

if TYPE_CHECKING:
    from tests.exporter.probes.authority import Pki
    from tests.exporter.probes.peers import Peers

NAMES = {"proxy_test": ("127.0.0.1",), "good_test": ("127.0.0.1",)}


async def _piped(source: Any, sink: Any) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()


class Proxy:
    """Connects to one port, whatever host it is told; notes what that was."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.told: list[str] = []

    async def http(self, reader: Any, writer: Any) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.decode().split("\r\n")[0].split(" ")
        self.told.append(f"{method} {target}")
        writer.write(b"HTTP/1.1 200 go on\r\n\r\n")
        await self._joined(reader, writer)

    async def socks(self, reader: Any, writer: Any) -> None:
        assert await reader.readexactly(3) == b"\x05\x01\x00"
        writer.write(b"\x05\x00")
        kind = (await reader.readexactly(4))[3]
        if kind == 3:
            size = (await reader.readexactly(1))[0]
            host = (await reader.readexactly(size)).decode()
        else:
            packed = await reader.readexactly(4 if kind == 1 else 16)
            host = str(ipaddress.ip_address(packed))
        self.told.append(host)
        await reader.readexactly(2)
        writer.write(b"\x05\x00\x00\x03\x01x\x00\x00")
        await self._joined(reader, writer)

    async def _joined(self, reader: Any, writer: Any) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await asyncio.gather(_piped(reader, outer), _piped(inner, writer))
        finally:
            outer.close()


@pytest.mark.setting("probes.modules.http.proxy")
@pytest.mark.parametrize("kind", ["http", "socks5"])
@pytest.mark.parametrize("guarded", [False, True])
def test_tls_goes_through_a_proxy(
    *, kind: str, guarded: bool, peers: Peers, pki: Pki
) -> None:
    site = Site({"/": page()})
    port = peers.serve(site.http1, pki.context())
    proxy = Proxy(port)
    at = peers.serve(proxy.http if kind == "http" else proxy.socks)
    guard = Noting() if guarded else None
    result = tried(
        "http",
        f"https://good.test:{port}/",
        tools(Names(**NAMES), guard),
        proxy=f"{kind}://proxy.test:{at}",
        tls_settings=pki.trust,
    )
    assert result.reason == "", result.message
    host = "127.0.0.1" if guarded else "good.test"
    assert proxy.told == [f"CONNECT {host}:{port}" if kind == "http" else host]
    assert site.asked[0].headers["host"] == f"good.test:{port}"
    if guard:
        assert guard.asked == [("good.test", "127.0.0.1", port)]


@pytest.mark.parametrize("guarded", [False, True])
def test_plain_requests_are_forwarded(*, guarded: bool, peers: Peers) -> None:
    host = "127.0.0.1" if guarded else "good.test"
    site = Site({f"http://{host}/a?b": page()})
    at = peers.serve(site.http1)
    result = tried(
        "http",
        "http://good.test/a?b",
        tools(Names(**NAMES), Noting() if guarded else None),
        proxy=f"http://proxy.test:{at}",
    )
    assert result.reason == "", result.message
    assert site.asked[0].headers["host"] == "good.test"


def test_what_the_guard_refuses_no_proxy_is_told(peers: Peers) -> None:
    proxy = Proxy(1)
    at = peers.serve(proxy.socks)
    using = tools(Names(**NAMES), Noting("good.test"))
    result = tried("http", "good.test", using, proxy=f"socks5://proxy.test:{at}")
    assert (result.reason, proxy.told) == ("not_allowed", [])


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        (b"HTTP/1.1 407 Who are you\r\n\r\n", "protocol_error", "407 Who are you"),
        (b"SSH-2.0\r\n\r\n", "protocol_error", "does not speak HTTP"),
        (b"", "protocol_error", "gave no HTTP answer"),
        (b"HTTP/1.1 200 ok\r\n\r\nevil", "protocol_error", "before TLS begins"),
    ],
)
def test_proxies_that_refuse_are_told(
    answer: bytes, reason: str, words: str, peers: Peers
) -> None:
    at = peers.serve(handler(answer))
    result = tried("http", "https://good.test/", proxy=f"http://127.0.0.1:{at}")
    assert result.reason == reason
    assert words in result.message


@pytest.mark.parametrize(
    ("greeting", "reply", "reason"),
    [
        (b"\x05\x02", b"", "protocol_error"),
        (b"HT", b"", "protocol_error"),
        (b"\x05\x00", b"\x05\x05\x00\x01", "refused"),
        (b"\x05\x00", b"\x05\x04\x00\x01", "unreachable"),
        (b"\x05\x00", b"\x05\x63\x00\x01", "protocol_error"),
        (b"\x05\x00", b"\x05", "reset"),
    ],
)
def test_socks_proxies_that_refuse_are_told(
    greeting: bytes, reply: bytes, reason: str, peers: Peers
) -> None:
    async def socks(reader: Any, writer: Any) -> None:
        await reader.readexactly(3)
        writer.write(greeting)
        if reply:
            await reader.readexactly(10)
            writer.write(reply)
        await writer.drain()
        writer.write_eof()
        await reader.read()

    at = peers.serve(socks)
    result = tried("http", "http://192.0.2.1/", proxy=f"socks5://127.0.0.1:{at}")
    assert result.reason == reason, result.message

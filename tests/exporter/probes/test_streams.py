from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from exporter.probes.connecting import Way, connect
from exporter.probes.lines import Lines, shown
from exporter.probes.streams import Stream
from exporter.probes.tls_contexts import context_for
from runtime.probing.probes import TlsSettings
from tests.exporter.probes.trying import address

if TYPE_CHECKING:
    from tests.exporter.probes.authority import Pki
    from tests.exporter.probes.peers import Peers


@pytest.mark.parametrize("secure", [False, True])
def test_what_is_sent_comes_back_whole_and_the_end_is_seen(
    *, secure: bool, peers: Peers, pki: Pki
) -> None:
    ended: list[bytes] = []
    finished = threading.Event()

    async def echo(reader: Any, writer: Any) -> None:
        data = await reader.readexactly(300_000)
        writer.write(data)
        await writer.drain()
        ended.append(await reader.read())  # raises where the end is no clean one
        finished.set()

    port = peers.serve(echo, pki.context() if secure else None)

    async def scenario() -> None:
        stream = Stream(await connect(address("127.0.0.1"), port, Way()))
        if secure:
            trust = TlsSettings(ca_file=str(pki.file))
            await stream.start_tls(context_for(trust, verify=True), "good.test")
        data = bytes(range(250)) * 1200
        await stream.write(data)
        assert await stream.read_exactly(len(data)) == data
        stream.close()

    asyncio.run(scenario())
    assert finished.wait(5)
    assert ended == [b""]


def test_lines_are_read_whatever_their_ends_and_pieces(peers: Peers) -> None:
    async def say(_: Any, writer: Any) -> None:
        for piece in (b"one\r", b"\ntw", b"o\n\nthree"):
            writer.write(piece)
            await writer.drain()

    port = peers.serve(say)

    async def scenario() -> list[bytes | None]:
        stream = Stream(await connect(address("127.0.0.1"), port, Way()))
        lines = Lines(stream)
        read = [await lines.next() for _ in range(6)]
        stream.close()
        return read

    assert asyncio.run(scenario()) == [b"one", b"two", b"", b"three", None, None]


def test_long_lines_are_shown_cut() -> None:
    assert shown(b"a\xff") == "'a\ufffd'"
    assert shown(b"x" * 500) == f"'{'x' * 120}'..."

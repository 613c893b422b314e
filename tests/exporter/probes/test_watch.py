from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, cast

from exporter.probes.watch import Watch

if TYPE_CHECKING:
    from exporter.probes.ports import Port


def test_what_comes_is_told_until_it_ends() -> None:
    async def go() -> None:
        told: list[bytes] = []
        came = asyncio.Event()
        ours, theirs = socket.socketpair()

        def read() -> None:
            told.append(ours.recv(9))
            came.set()

        watch = Watch(read)
        # A socket has all that is asked of a port.
        port = cast("Port", ours)
        watch.begin([port])
        watch.begin([port])
        theirs.send(b"one")
        await asyncio.wait_for(came.wait(), 5)
        watch.end()
        theirs.send(b"two")
        await asyncio.sleep(0.001)
        assert told == [b"one"]
        came.clear()
        watch.begin([port])
        await asyncio.wait_for(came.wait(), 5)
        assert told == [b"one", b"two"]
        watch.end()
        watch.end()
        ours.close()
        theirs.close()

    asyncio.run(go())

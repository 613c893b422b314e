"""What happens to a port when the ground under it changes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from exporter.prober.board import Board
from exporter.probes.engine import Engine
from exporter.probes.volleys import Volley
from tests.exporter.probes.responder import Action, Responder
from tests.exporter.probes.volleying import address, settings

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.probes.volleys import VolleyResult
    from runtime.probing.probes import IcmpProbe


async def once(engine: Engine, probe: IcmpProbe) -> VolleyResult:
    return await engine.fire(Volley([address("127.0.0.1")], probe))


def test_an_interface_that_comes_again_is_found_again() -> None:
    async def go(responder: Responder) -> None:
        engine = Engine(Board.create(1))
        responder.run("ip", "link", "add", "bridge7", "type", "bridge")
        responder.run("ip", "link", "set", "bridge7", "up")
        probe = settings(
            interface="bridge7", timeout="50ms", namespace=responder.namespace
        )
        volley = Volley([address("192.0.2.1")], probe)
        assert not (await engine.fire(volley)).send_errors
        responder.run("ip", "link", "del", "bridge7")
        assert sum((await engine.fire(volley)).send_errors.values()) == 1
        responder.run("ip", "link", "add", "bridge7", "type", "bridge")
        responder.run("ip", "link", "set", "bridge7", "up")
        assert not (await engine.fire(volley)).send_errors
        engine.close()

    with Responder() as responder:
        asyncio.run(go(responder))


def test_a_namespace_that_is_made_anew_is_entered_anew(tmp_path: Path) -> None:
    path = tmp_path / "one"

    async def go(first: Responder, second: Responder) -> None:
        engine = Engine(Board.create(1))
        path.symlink_to(first.namespace)
        probe = settings(timeout="50ms", namespace=str(path))
        assert (await once(engine, probe)).received[0] == 1
        path.unlink()
        path.symlink_to(second.namespace)
        # Nobody answers there.
        assert (await once(engine, probe)).received[0] == 0
        assert sum(engine.sockets.values()) == 1
        engine.close()

    with Responder() as first, Responder({"192.0.2.1": [Action()]}) as second:
        asyncio.run(go(first, second))


def test_volleys_of_other_ways_share_a_socket_and_keep_their_way() -> None:
    async def go(namespace: str) -> None:
        engine = Engine(Board.create(1))
        ways = [settings(ttl=ttl, namespace=namespace) for ttl in (9, 64, 200)]
        for _ in range(2):
            await asyncio.gather(*(once(engine, probe) for probe in ways))
        assert sum(engine.sockets.values()) == 1
        engine.close()

    with Responder({"127.0.0.1": [Action()]}) as responder:
        asyncio.run(go(responder.namespace))
        seen = [answer.ttl for answer in responder.stop()]
    assert sorted(seen) == [9, 9, 64, 64, 200, 200]

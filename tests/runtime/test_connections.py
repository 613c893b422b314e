from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from bridge.sources.base import SourceError
from bridge.sources.client import Client
from runtime.connections import Sockets
from tests.web import FakeWeb, Told

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 60.0
"""Seconds: a deadline that no test may reach."""


def cut_off(url: str, is_waiting: Callable[[], bool]) -> SourceError:
    """Close a client that waits in another thread; return what its request raises."""
    client = Client(url, timeout=PATIENCE, max_response=1000)
    raised: list[SourceError] = []

    def ask() -> None:
        try:
            client.request("GET", "/")
        except SourceError as error:
            raised.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    pause = threading.Event()
    while not is_waiting():
        pause.wait(0.01)
    client.close()
    asking.join(PATIENCE / 2)
    assert not asking.is_alive()
    return raised[0]


@pytest.mark.parametrize(
    "told", [Told(b"x" * 9, cut=3, stall=True), Told(b"x" * 900, drip=True)]
)
def test_a_request_that_waits_for_its_answer_is_cut_off(told: Told) -> None:
    with FakeWeb(lambda _: told) as web:
        error = cut_off(web.url, lambda: len(web.asked) == 1)
    assert error.reason in {"truncated", "refused", "garbage"}


def test_a_request_that_waits_for_a_connection_is_cut_off() -> None:
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = full.getsockname()
        waiting = []
        for _ in range(4):  # until the system takes no more
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)  # noqa: FBT003 - the library's way
            sock.connect_ex(address)
            waiting.append(sock)
        started = threading.Event()
        pause = threading.Event()

        def is_waiting() -> bool:
            if not started.is_set():
                started.set()
                pause.wait(0.2)  # it connects meanwhile, or is about to
            return True

        error = cut_off(f"http://127.0.0.1:{address[1]}", is_waiting)
    assert error.reason == "refused"


def test_a_closed_client_asks_nothing_more() -> None:
    with FakeWeb(lambda _: Told(b"x")) as web:
        with closing(Client(web.url, timeout=5, max_response=99)) as client:
            client.request("GET", "/")
        with pytest.raises(SourceError):
            client.request("GET", "/")
        assert len(web.asked) == 1


def test_sockets_that_come_too_late_are_refused() -> None:
    sockets = Sockets()
    with socket.socket() as early, socket.socket() as late:
        sockets.add(early)
        sockets.cut()
        with pytest.raises(OSError, match="the client was closed"):
            sockets.add(late)

from __future__ import annotations

import http.client
import socket
import threading
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from exporter.server import CannotListen, Server
from runtime.quantities import Address

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

ANYWHERE = Address("127.0.0.1", 0)


def _say_hello(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Length", "6")])
    return [b"hello\n"]


def test_it_answers_between_start_and_stop() -> None:
    server = Server(_say_hello, ANYWHERE, 2)
    assert server.address == ANYWHERE
    server.start()
    address = server.address
    assert address.port != 0
    with urllib.request.urlopen(address.url) as answer:
        assert answer.read() == b"hello\n"
    server.stop()
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(address.url)


def test_stopping_what_was_not_started_or_twice_does_nothing() -> None:
    server = Server(_say_hello, ANYWHERE, 2)
    server.stop()
    server.start()
    server.stop()
    server.stop()


def test_a_request_in_flight_is_answered_before_the_end() -> None:
    entered, let_go = threading.Event(), threading.Event()

    def slow(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        entered.set()
        let_go.wait(30)
        return _say_hello(environ, start_response)

    server = Server(slow, ANYWHERE, 2)
    server.start()
    answers: list[bytes] = []
    url = server.address.url

    def ask() -> None:
        with urllib.request.urlopen(url) as answer:
            answers.append(answer.read())

    asking = threading.Thread(target=ask)
    asking.start()
    assert entered.wait(30)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    let_go.set()
    stopping.join()
    asking.join()
    assert answers == [b"hello\n"]


def test_connections_that_wait_for_nothing_are_closed() -> None:
    server = Server(_say_hello, ANYWHERE, 2)
    server.start()
    kept = http.client.HTTPConnection("127.0.0.1", server.address.port, timeout=30)
    kept.request("GET", "/")
    assert kept.getresponse().read() == b"hello\n"
    server.stop()
    assert kept.sock.recv(1) == b""
    kept.close()


def test_a_port_in_use_is_refused_with_the_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = Address("127.0.0.1", other.getsockname()[1])
        with pytest.raises(CannotListen) as refused:
            Server(_say_hello, address, 2).start()
    assert str(refused.value) == (
        f"{address} is in use by another program; "
        "stop it, or set exporter.listen to another port"
    )


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (
            Address("192.0.2.1", 9105),
            "192.0.2.1 is not an address of this machine; set exporter.listen to one",
        ),
        (Address("no.such.name.invalid", 9105), "is not the name of an address"),
    ],
)
def test_an_address_of_somebody_else_is_refused_with_the_reason(
    address: Address, reason: str
) -> None:
    with pytest.raises(CannotListen) as refused:
        Server(_say_hello, address, 2).start()
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (13, "not allowed to listen on 127.0.0.1:0; "),
        (105, "cannot listen on 127.0.0.1:0: No buffer space available"),
    ],
)
def test_what_the_kernel_refuses_is_said(
    monkeypatch: pytest.MonkeyPatch, number: int, reason: str
) -> None:
    def refuse(*_: object, **__: object) -> socket.socket:
        raise OSError(number, "refused")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(CannotListen) as refused:
        Server(_say_hello, ANYWHERE, 2).start()
    assert str(refused.value).startswith(reason)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 on this machine")
@pytest.mark.parametrize("host", ["::1", "::"])
def test_ipv6_addresses_are_served_and_all_of_them_means_ipv4_too(host: str) -> None:
    server = Server(_say_hello, Address(host, 0), 2)
    server.start()
    port = server.address.port
    hosts = ["[::1]", "127.0.0.1"] if host == "::" else ["[::1]"]
    for name in hosts:
        with urllib.request.urlopen(f"http://{name}:{port}/") as answer:
            assert answer.read() == b"hello\n"
    server.stop()

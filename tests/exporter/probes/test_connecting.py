from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest

from exporter.probes.base import ProbeFailed
from exporter.probes.connecting import Way, choose, connect
from tests.exporter.probes.peers import silent, unused_port
from tests.exporter.probes.test_dns import Server
from tests.exporter.probes.trying import Names, address, tools, tried
from tests.exporter.probes.web import handler, page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.exporter.probes.peers import Peers

KINDS = ("tcp", "tls", "http", "dns", "throughput")


def settings_of(kind: str, port: int) -> dict[str, Any]:
    settings: dict[str, dict[str, Any]] = {
        "tcp": {"port": port},
        "tls": {"port": port},
        "http": {"url": f"http://{{host}}:{port}/"},
        "dns": {"transport": "tcp", "port": port, "query": "one.test"},
        "throughput": {"url": f"http://{{host}}:{port}/"},
    }
    return settings[kind]


class Noted:
    """Answers as a kind needs it; `sources` are the addresses that connected."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.sources: list[str] = []
        self.came = threading.Event()

    async def handle(self, reader: Any, writer: Any) -> None:
        self.sources.append(writer.get_extra_info("peername")[0])
        self.came.set()
        if self._kind == "dns":
            await Server().tcp(reader, writer)
        elif self._kind in {"http", "throughput"}:
            await handler(page())(reader, writer)
        elif self._kind == "tls":
            writer.write(b"no TLS")
            await silent(reader, writer)
        else:
            await silent(reader, writer)


def reached(reason: str, kind: str) -> bool:
    """Whether a probe got through; the server here never speaks TLS."""
    return reason == ("tls_failed" if kind == "tls" else "")


@pytest.mark.setting("probes.modules.tcp.source")
@pytest.mark.setting("probes.modules.tls.source")
@pytest.mark.setting("probes.modules.http.source")
@pytest.mark.setting("probes.modules.dns.source")
@pytest.mark.setting("probes.modules.throughput.source")
@pytest.mark.parametrize("kind", KINDS)
def test_connections_come_from_the_source(kind: str, peers: Peers) -> None:
    noted = Noted(kind)
    settings = settings_of(kind, peers.serve(noted.handle))
    result = tried(kind, "127.0.0.1", source="127.0.0.9", **settings)
    assert reached(result.reason, kind), result.message
    assert noted.came.wait(5)
    assert noted.sources == ["127.0.0.9"]
    nowhere = tried(kind, "127.0.0.1", source="192.0.2.99", **settings)
    assert nowhere.reason == "wrong_settings"
    assert "no address of this host" in nowhere.message
    other = tried(kind, "127.0.0.1", source="::1", **settings)
    assert other.reason == "no_address"
    no_address = tried(kind, "127.0.0.1", source="lo", **settings)
    assert no_address.reason == "wrong_settings"


@pytest.mark.setting("probes.modules.tcp.interface")
@pytest.mark.setting("probes.modules.tls.interface")
@pytest.mark.setting("probes.modules.http.interface")
@pytest.mark.setting("probes.modules.dns.interface")
@pytest.mark.setting("probes.modules.throughput.interface")
@pytest.mark.parametrize("kind", KINDS)
def test_connections_go_through_the_interface(kind: str, peers: Peers) -> None:
    settings = settings_of(kind, peers.serve(Noted(kind).handle))
    through = tried(kind, "127.0.0.1", interface="lo", **settings)
    assert reached(through.reason, kind), through.message
    result = tried(kind, "127.0.0.1", interface="none0", **settings)
    assert result.reason == "wrong_settings"
    assert "no such interface" in result.message


@pytest.fixture
def namespace() -> Iterator[str]:
    """A network namespace in which loopback is up."""
    name = f"probe-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


@pytest.mark.setting("probes.modules.tcp.namespace")
@pytest.mark.setting("probes.modules.tls.namespace")
@pytest.mark.setting("probes.modules.http.namespace")
@pytest.mark.setting("probes.modules.dns.namespace")
@pytest.mark.setting("probes.modules.throughput.namespace")
@pytest.mark.parametrize("kind", KINDS)
def test_connections_are_made_in_the_namespace(
    kind: str, peers: Peers, namespace: str
) -> None:
    noted = Noted(kind)
    settings = settings_of(kind, peers.serve(noted.handle))
    result = tried(kind, "127.0.0.1", namespace=namespace, **settings)
    assert (result.reason, noted.sources) == ("refused", [])
    path = f"/run/netns/{namespace}"
    assert tried(kind, "127.0.0.1", namespace=path, **settings).reason == "refused"
    none = tried(kind, "127.0.0.1", namespace="none", **settings)
    assert none.reason == "wrong_settings"
    assert reached(tried(kind, "127.0.0.1", **settings).reason, kind)


@pytest.mark.setting("probes.modules.tcp.family")
@pytest.mark.setting("probes.modules.tls.family")
@pytest.mark.setting("probes.modules.http.family")
@pytest.mark.setting("probes.modules.dns.family")
@pytest.mark.setting("probes.modules.throughput.family")
@pytest.mark.parametrize("kind", KINDS)
def test_the_family_is_the_wanted_one(kind: str, peers: Peers) -> None:
    names = Names(both_test=("127.0.0.1", "::1"), four_test=("127.0.0.1",))
    noted = Noted(kind)
    settings = settings_of(kind, peers.serve(noted.handle))
    four = tried(kind, "both.test", tools(names), family="ipv4", **settings)
    assert reached(four.reason, kind), four.message
    for family in ("ipv6", "auto"):
        six = tried(kind, "both.test", tools(names), family=family, **settings)
        assert (six.reason, six.address) == ("refused", "::1")
    none = tried(kind, "four.test", tools(names), family="ipv6", **settings)
    assert none.reason == "no_address"


def test_an_address_with_a_route_is_preferred() -> None:
    six, four = address("2001:db8::1"), address("127.0.0.1")
    assert choose([six, four], Way(interface="lo")) == four
    assert choose([six], Way(interface="lo")) == six
    assert choose([address("::1"), four], Way()) == address("::1")
    assert choose([address("::1"), four], Way(source="127.0.0.1")) == four
    with pytest.raises(ProbeFailed, match="family of the source"):
        choose([four], Way(source="::1"))


def test_scopes_are_interfaces() -> None:
    async def refused(ip: str) -> None:
        (await connect(address(ip), unused_port(), Way())).close()

    with pytest.raises(ProbeFailed, match="there is no interface 'none0'"):
        asyncio.run(refused("fe80::1%none0"))
    index = socket.if_nametoindex("lo")
    for scope in ("lo", index):
        with pytest.raises(OSError, match=r"\[Errno"):
            asyncio.run(refused(f"fe80::1%{scope}"))

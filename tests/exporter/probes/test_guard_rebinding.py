"""Names whose addresses change while a probe goes on gain nothing by that."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest

from exporter.probes.base import Address, Target, Tools
from exporter.probes.guard import RuleGuard
from exporter.probes.kinds import PROBES
from runtime.clock import SystemClock
from runtime.probing.probes import HttpProbe, TcpProbe, ThroughputProbe
from runtime.probing.rules import Rules, parse_rule
from tests.web import Asked, FakeWeb, Told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runtime.probing.probes import Probe
    from runtime.probing.wire import Result

OTHER = "127.0.0.2"


class Turning:
    """A resolver that says something else each time, and then the last for ever."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def resolve(self, host: str, family: str) -> Sequence[Address]:
        self.asked += 1
        ip = self._answers[0]
        if len(self._answers) > 1:
            del self._answers[0]
        return [Address(socket.AF_INET, ip)]


@pytest.fixture
def web() -> Iterator[FakeWeb]:
    def site(asked: Asked) -> Told:
        if asked.path == "/away":
            away = f"http://rebound.example.org:{served.port}/"
            return Told(b"", status=302, headers={"Location": away})
        return Told(b"welcome")

    with FakeWeb(site) as served:
        yield served


def _probe(settings: Probe, host: str, web: FakeWeb, resolver: Turning) -> Result:
    rules = Rules((parse_rule(f"127.0.0.1:{web.port}"), parse_rule("*.example.org")))
    tools = Tools(SystemClock(), resolver, RuleGuard(rules), bytes)
    probe: Any = PROBES[settings.kind]
    result: Result = asyncio.run(probe(Target("it", host), settings, tools))
    return result


def test_the_address_that_was_checked_is_the_one_that_is_used(web: FakeWeb) -> None:
    for settings in (
        HttpProbe(name="web", kind="http"),
        TcpProbe(name="connection", kind="tcp"),
        ThroughputProbe(name="download", kind="throughput"),
    ):
        resolver = Turning("127.0.0.1", OTHER)
        host = f"rebound.example.org:{web.port}"
        result = _probe(settings, host, web, resolver)
        assert result.succeeded, result.message
        assert result.address == "127.0.0.1"
        assert resolver.asked == 1


def test_a_redirect_to_the_same_name_is_checked_anew(web: FakeWeb) -> None:
    resolver = Turning("127.0.0.1", OTHER)
    host = f"http://rebound.example.org:{web.port}/away"
    result = _probe(HttpProbe(name="web", kind="http"), host, web, resolver)
    assert result.reason == "not_allowed"
    assert OTHER in result.message
    assert [asked.path for asked in web.asked] == ["/away"]


@pytest.mark.parametrize(
    "ip",
    [OTHER, "169.254.169.254", "10.0.0.1", "0.0.0.0", "224.0.0.1"],  # noqa: S104 - is refused
)
def test_a_name_of_a_forbidden_address_is_refused(web: FakeWeb, ip: str) -> None:
    host = f"http://inside.example.org:{web.port}/"
    result = _probe(HttpProbe(name="web", kind="http"), host, web, Turning(ip))
    assert result.reason == "not_allowed"
    assert web.connections == 0


def test_a_second_look_at_a_bad_certificate_uses_the_same_address(
    web: FakeWeb,
) -> None:
    resolver = Turning("127.0.0.1", OTHER)
    settings = TcpProbe(name="tls", kind="tcp", tls=True)
    result = _probe(settings, f"rebound.example.org:{web.port}", web, resolver)
    assert result.address == "127.0.0.1"
    assert resolver.asked == 1

"""The exporter's server with `/live`, and a client of it."""

from __future__ import annotations

import http.client
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporter.app import App
from exporter.collectors.base import Family, Metric
from exporter.live.live import Live
from exporter.live.page import LivePage, static_pages
from exporter.live.wire import Wire
from exporter.pages.guard import Guard
from exporter.registry import Registry
from exporter.server import Server
from exporter.telemetry import Telemetry
from runtime.clock import SystemClock
from runtime.quantities import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.collectors.base import Collector


class Counting:
    """Counts how often it is asked, and does what it is told."""

    def __init__(self, name: str, act: Callable[[], object] = lambda: None) -> None:
        self._metric = Metric(f"node_{name}_total", "counter", "How often.")
        self._act = act
        self.asked = 0

    def collect(self) -> list[Family]:
        self.asked += 1
        self._act()
        return [self._metric.of(self.asked)]


@dataclass(frozen=True, slots=True)
class Exporter:
    """A running exporter."""

    server: Server
    live: Live
    opened: list[http.client.HTTPConnection | http.client.HTTPResponse]

    def get(
        self, path: str, method: str = "GET", **headers: str
    ) -> http.client.HTTPResponse:
        """Ask, and return the answer as far as its head is read."""
        address = self.server.address
        connection = http.client.HTTPConnection(address.host, address.port, timeout=30)
        connection.request(
            method, path, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        response = connection.getresponse()
        self.opened.extend((connection, response))
        return response


@contextmanager
def exporter(
    *, most: int = 8, token: str | None = None, threads: int = 1, **given: Collector
) -> Iterator[Exporter]:
    """An exporter of some collectors, with so many threads for scrapes."""
    clock = SystemClock()
    collectors: dict[str, Collector] = given or {"one": Counting("one")}
    registry = Registry(collectors, deadline=30.0, clock=clock)
    live = Live(registry, Wire(clock), clock, most=most)
    page = LivePage(live, registry, Guard(token))
    app = App(
        registry,
        Telemetry(clock),
        token=token,
        max_scrapes=threads,
        gzip_level=0,
        open_pages={"/live": page, **static_pages()},
        more=[live.families],
    )
    server = Server(app, Address("127.0.0.1", 0), threads)
    live.start()
    server.start()
    here = Exporter(server, live, [])
    try:
        yield here
    finally:
        for one in here.opened:
            one.close()
        server.stop()
        live.stop()


def events(response: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
    """Yield id and data of what a stream tells."""
    number = ""
    while line := response.readline().decode():
        if line.startswith("id: "):
            number = line[4:].strip()
        elif line.startswith("data: "):
            yield number, json.loads(line[6:])

"""Asks the pages as a server would, with a prober that answers what it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from wsgiref.util import setup_testing_defaults

from exporter.pages.limits import Limits
from exporter.pages.probe import ProbePage
from exporter.pages.ring import Ring
from runtime.clock import SystemClock
from runtime.prober_settings import ProbePage as Settings
from runtime.probing.jobs import Probes
from runtime.probing.wire import Plan, Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.pages.answer import Page
    from exporter.probes.base import Target
    from runtime.clock import Clock
    from runtime.probing.probes import Probe
    from runtime.probing.rules import Rules


class Got(NamedTuple):
    status: int
    text: str
    headers: dict[str, str]
    body: bytes


def get(page: Page, query: str = "", **environ: str) -> Got:
    """Ask a page; header names are as in WSGI."""
    asked: dict[str, Any] = {"REMOTE_ADDR": "127.0.0.1", "QUERY_STRING": query}
    setup_testing_defaults(asked)
    status, body, headers = page(asked | environ)
    text = "" if ("Content-Encoding", "gzip") in headers else body.decode()
    return Got(int(status[:3]), text, dict(headers), body)


@dataclass(frozen=True)
class Ask:
    """What a prober was asked for."""

    probe: Probe
    target: Target
    timeout: float
    guard: Rules | None


def succeeds(ask: Ask) -> Result:
    return Result(
        destination=ask.target.name,
        probe=ask.probe.name,
        kind=ask.probe.kind,
        began_ms=1_700_000_000_000,
        seconds=0.25,
        address="127.0.0.1",
        log=((0.0, "resolving"), (0.2, "connected")),
    )


@dataclass
class FakeProber:
    """Answers as `answer` does, and remembers what it was asked for."""

    answer: Callable[[Ask], Result] = succeeds
    plan: Plan = field(default_factory=lambda: Plan(version="1"))
    asked: list[Ask] = field(default_factory=list)
    latest: list[Result] = field(default_factory=list)

    def ask(
        self, probe: Probe, target: Target, timeout: float, guard: Rules | None = None
    ) -> Result:
        self.asked.append(Ask(probe, target, timeout, guard))
        return self.answer(self.asked[-1])


def probe_page(
    prober: FakeProber,
    *,
    probes: dict[str, Any] | None = None,
    ring: Ring | None = None,
    clock: Clock | None = None,
    everyone: bool = True,
    **settings: Any,
) -> ProbePage:
    chosen = Settings.model_validate(settings)
    limits = Limits(
        clock or SystemClock(),
        rate=chosen.rate,
        burst=chosen.burst,
        at_once=chosen.max_probes,
    )
    return ProbePage(
        prober,
        Probes.model_validate(probes or {}),
        chosen,
        limits,
        ring or Ring(chosen.results),
        gzip_level=3,
        everyone=everyone,
    )

"""What the exporter is made of: settings in, parts built and told of each other."""

from __future__ import annotations

import random
from itertools import chain
from typing import TYPE_CHECKING

from exporter.agent.names import agent_name
from exporter.app import App
from exporter.collectors import ALIASES, COLLECTORS, build
from exporter.collectors.base import Host
from exporter.live.live import Live
from exporter.live.page import LivePage, static_pages
from exporter.live.wire import Wire
from exporter.pages.compat import CompatPage
from exporter.pages.guard import Guard
from exporter.pages.limits import Limits
from exporter.pages.probe import ProbePage
from exporter.pages.probes import ProbesPage
from exporter.pages.ring import Ring
from exporter.prober.prober import Prober
from exporter.registry import Registry
from exporter.server import Server
from exporter.telemetry import Telemetry
from runtime.clock import SystemClock
from runtime.probing.planning import plan_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.collectors.base import Family
    from exporter.otlp.options import Options
    from exporter.otlp.pusher import Pusher
    from exporter.pages.answer import Page
    from runtime.service import Service
    from runtime.settings import Exporter, Settings


def registry_of(settings: Exporter) -> Registry:
    """Return the collectors that are enabled."""
    clock = SystemClock()
    host = Host.at(settings.paths, clock, settings.deadline)
    return Registry(
        build(host, settings.collectors),
        deadline=settings.deadline,
        clock=clock,
        known=COLLECTORS,
        aliases=ALIASES,
    )


def services(
    settings: Settings,
    registry: Registry,
    token: str | None,
    key: str | None,
    push: Options | None = None,
) -> list[Service]:
    """Return the parts in the order in which they start.

    `token` is what scrapers must send, `key` the API key for the bridge. With `push`,
    what scrapers get is pushed as well.
    """
    exporter = settings.exporter
    name = agent_name(exporter.prober.agent)
    prober = Prober(exporter, settings.log, SystemClock(), name)
    more = [prober.families]
    if exporter.prober.smokeping:
        # Arrays cost a host 20 MB, so that only who wants them loads them here.
        from exporter import smokeping  # noqa: PLC0415

        more.append(lambda: smokeping.families(prober.view()))
    agent: list[Service] = []
    if exporter.prober.bridge is None:
        prober.work(plan_of(settings.probes))
    elif exporter.prober.enabled:
        # What speaks HTTP costs 2 MB, so that only who has a bridge loads it.
        from exporter.agent.agent import Agent  # noqa: PLC0415

        one = Agent(
            exporter.prober, prober, SystemClock(), key=key, chance=random.random
        )
        more.append(one.families)
        agent.append(one)
    page, pages = _pages(settings, prober, everyone=token is None)
    clock = SystemClock()
    live = Live(registry, Wire(clock), clock, most=exporter.live.max_clients)
    watched = LivePage(live, registry, Guard(token))
    more += [page.families, live.families]
    telemetry = Telemetry(SystemClock())
    more_names = (telemetry.families, lambda: chain(*(told() for told in more)))
    pages["/compat"] = CompatPage(registry, more_names, clock)
    app = App(
        registry,
        telemetry,
        token=token,
        max_scrapes=exporter.max_scrapes,
        gzip_level=exporter.gzip_level,
        pages=pages,
        open_pages={"/live": watched, **static_pages()},
        more=more,
    )
    pushers = _pushers(exporter, push, prober, app.everything)
    more += [one.families for one in pushers]
    threads = exporter.max_scrapes + exporter.probe.max_probes
    return [
        *agent,
        prober,
        registry,
        live,
        *pushers,
        Server(app, exporter.listen, threads),
    ]


def _pushers(
    settings: Exporter,
    push: Options | None,
    prober: Prober,
    gather: Callable[[], Sequence[Family]],
) -> list[Pusher]:
    """Return what pushes, if anything is to be pushed."""
    if push is None:
        return []
    # OpenTelemetry costs 5 MB, so that only who pushes loads it.
    from exporter.otlp.building import pusher_of  # noqa: PLC0415

    return [pusher_of(settings, push, prober, gather, SystemClock())]


def _pages(
    settings: Settings, prober: Prober, *, everyone: bool
) -> tuple[ProbePage, dict[str, Page]]:
    """Return `/probe`, and it and its company by their paths."""
    probe = settings.exporter.probe
    ring = Ring(probe.results)
    prober.on_run(ring.add_run, failures=True)
    page = ProbePage(
        prober,
        settings.probes,
        probe,
        Limits(
            SystemClock(), rate=probe.rate, burst=probe.burst, at_once=probe.max_probes
        ),
        ring,
        gzip_level=settings.exporter.gzip_level,
        everyone=everyone,
    )
    shown = ProbesPage(
        prober,
        settings.probes,
        ring,
        any_module=probe.any_module,
        everyone=everyone,
    )
    return page, {"/probe": page, "/probes": shown}

"""The prober's process from inside: what it is made of, and what it does when told."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, Any, Final

import structlog

from exporter.prober.answers import Answers
from exporter.prober.attempts import Attempts
from exporter.prober.board import Board
from exporter.prober.cells import Head
from exporter.prober.echoes import Echoes
from exporter.prober.messages import Ask, Health, Slots, Stop, Work
from exporter.prober.pulse import Pulse, settle_down, tidy
from exporter.prober.roster import Roster
from exporter.prober.runner import Means, Runner
from exporter.prober.starvation import Starvation
from exporter.prober.tally import Tally
from exporter.prober.tie import Tie
from exporter.prober.timetable import Timetable
from exporter.prober.traces import DEFAULT, Traces
from exporter.probes import traceroute
from exporter.probes.base import Open, Tools
from exporter.probes.engine import Engine
from exporter.probes.hosts_file import HostsFile
from exporter.probes.icmp import IcmpEcho
from exporter.probes.kinds import PROBES
from exporter.probes.lookups import NameServers
from exporter.probes.resolver import CachingResolver
from runtime.clock import SystemClock
from runtime.probing.wire import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.probes.base import Probe
    from runtime.prober_settings import Prober as Settings

log = structlog.get_logger(__name__)

_FAMILIES: Final = {socket.AF_INET: "ipv4", socket.AF_INET6: "ipv6"}
_LAST_WORDS: Final = 3.0
"""Seconds that the exporter has to take what is told at the end."""


class Station:
    """Probes as it is told over the tie, until told to stop or the exporter is gone."""

    def __init__(self, end: socket.socket, settings: Settings, procfs: str) -> None:
        self._end = end
        self._clock = clock = SystemClock()
        self.board = Board.create()
        self.tally = Tally.create()
        self._tie = Tie(end, lambda count: self.board.add(Head.UNTOLD, count))
        self._resolver = CachingResolver(clock, NameServers(), HostsFile())
        self._engine = Engine(
            self.board,
            sockets=settings.sockets,
            transmit_stamps=settings.transmit_stamps,
        )
        tools = Tools(clock, self._resolver, Open(), os.urandom, settings.secrets)
        self._attempts = Attempts(self._probes(), tools)
        self._traces = Traces(self._attempts, tools)
        self._starvation = Starvation(clock, procfs, settings.starved)
        self._pulse = Pulse(clock, self.board, self._starvation)
        self._echoes = Echoes(self._engine, self._resolver, self.tally, clock)
        self._runner = Runner(
            Means(
                clock=clock,
                echoes=self._echoes,
                attempts=self._attempts,
                traces=self._traces,
                tally=self.tally,
                pulse=self._pulse,
                tell=self._tie.tell,
            )
        )
        self._answers = Answers(self._attempts, tools, self._tie.tell)
        self._roster = Roster(self.board, self.tally, clock)
        self._timetable = Timetable(clock, self._runner.begin, self._runner.leave_out)
        self._stopped = asyncio.Event()

    def _probes(self) -> Mapping[str, Probe[Any]]:
        own: dict[str, Probe[Any]] = {
            "icmp": IcmpEcho(self._engine),
            "traceroute": traceroute.probe,
        }
        return {**PROBES, **own}

    def stop(self) -> None:
        """Have `live` end."""
        self._stopped.set()

    async def live(self) -> None:
        """Do what there is to do until stopped; what was found is told before."""
        socket.send_fds(self._end, [b"\0"], [self.board.fd, self.tally.fd])
        settle_down()
        sending = asyncio.create_task(self._tie.send())
        parts = [
            asyncio.create_task(part)
            for part in (
                self._listen(),
                self._timetable.run(),
                self._pulse.beat(),
                self._report(),
            )
        ]
        parts.append(asyncio.create_task(self._until_stopped()))
        done, _ = await asyncio.wait(
            [*parts, sending], return_when=asyncio.FIRST_COMPLETED
        )
        for part in parts:
            part.cancel()
        await self._runner.stop()
        await self._answers.stop()
        self._engine.close()
        self._tie.tell(self._health())
        await self._tie.flush(_LAST_WORDS)
        sending.cancel()
        await self._resolver.close()
        for part in done:
            part.result()

    async def _until_stopped(self) -> None:
        await self._stopped.wait()

    async def _listen(self) -> None:
        async for message in self._tie.messages():
            match message:
                case Work():
                    self._work(message)
                case Ask():
                    self._answers.ask(message)
                case Stop():
                    return

    def _work(self, work: Work) -> None:
        plan = Plan.model_validate_json(work.plan)
        duties = self._roster.assign(plan, work.agent, self._runner.rows)
        own = [module for module in plan.modules if module.name == DEFAULT.name]
        traceroute = [module for module in own if module.kind == DEFAULT.kind]
        self._traces.settings = traceroute[0] if traceroute else DEFAULT
        self._runner.plan(duties, plan.maintenance, keep=work.keep)
        self._timetable.plan([duty.job for duty in duties.values()])
        self._tie.tell(Slots(plan.version, self._roster.rows))
        self._answers.test(plan.tests)
        settle_down()

    async def _report(self) -> None:
        second = 0
        while True:
            self._starvation.sample()
            self._tie.tell(self._health())
            await asyncio.sleep(1.0)
            second += 1
            tidy(second)

    def _health(self) -> Health:
        sockets = {
            f"{_FAMILIES[socket.AddressFamily(family)]} {kind}": count
            for (family, kind), count in self._engine.sockets.items()
        }
        return Health(
            starved=self._starvation.lately,
            in_flight=self._attempts.in_flight,
            waits=self._attempts.waits,
            traces_left_out=self._traces.left_out,
            jobs=self._runner.counts,
            sockets=sockets,
            resolver_failures=self._resolver.failures,
            resolver_changes=self._resolver.changes,
            addresses=self._echoes.moved(),
        )

"""Echo requests of jobs: a run's destinations go out as one volley."""

from __future__ import annotations

import asyncio
import socket
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import numpy as np
import structlog

from exporter.prober.attempts import failed
from exporter.prober.excerpts import durations, only
from exporter.probes.base import Address, ProbeFailed
from exporter.probes.connecting import Way, choose
from exporter.probes.hosts import as_address, ascii_name, place_of
from exporter.probes.icmp_results import results_of
from exporter.probes.volleys import Volley
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from exporter.prober.findings import Findings
    from exporter.prober.roster import Part, Place
    from exporter.prober.tally import Tally
    from exporter.probes.base import Resolver
    from exporter.probes.volleys import VolleyResult
    from runtime.clock import Clock
    from runtime.probing.probes import IcmpProbe
    from runtime.probing.wire import Result

    Numbers = NDArray[np.int64]

log = structlog.get_logger(__name__)


_SLACK: Final = 1.0
"""Seconds by which runs may be nearer to each other than they should, as one is late.

Settings make sure that a run's requests are answered or lost before the next ones are
due, so that a destination is still busy only where the clock was set ahead.
"""

_AT_ONCE: Final = 200
"""Results that are made before others have a turn."""


class Engine(Protocol):
    """Fires volleys; see `exporter.probes.engine`."""

    async def fire(self, volley: Volley) -> VolleyResult:
        """Send a volley and return what came of it."""


class Echoes:
    """Sends the echo requests of runs, and counts what came of them."""

    def __init__(
        self,
        engine: Engine,
        resolver: Resolver,
        tally: Tally,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._resolver = resolver
        self._tally = tally
        self._clock = clock
        self._busy: dict[int, float] = {}
        self._sought: set[int] = set()
        self._forbidden = False
        self._addresses: dict[str, str] = {}
        self._moved: dict[str, str] = {}

    async def send(
        self, part: Part, places: Sequence[Place], chosen: Iterable[int], to: Findings
    ) -> None:
        """Try the chosen places, each at its phase, and tell the findings.

        Names that are not known yet hold up nobody: they follow when they are resolved.
        """
        shot = _Shot(self, part, places, to, self._clock.monotonic())
        ready: list[tuple[int, Address]] = []
        names: dict[int, asyncio.Task[Address]] = {}
        for number in self._free(shot, chosen):
            literal = _literal(places[number].target.host)
            if literal is not None and _fits(literal, shot.settings):
                ready.append((number, literal))
            else:
                names[number] = self._seek(shot, number)
        try:
            if names:
                await asyncio.sleep(0)
                known = [number for number, task in names.items() if task.done()]
                for number in known:
                    ready += await shot.aim(number, names.pop(number))
            late = (shot.follow(number, task) for number, task in names.items())
            await asyncio.gather(shot.fire(ready), *late)
        finally:
            for task in names.values():
                task.cancel()

    def _seek(self, shot: _Shot, number: int) -> asyncio.Task[Address]:
        """Begin to resolve a name; its row is busy as long as that takes."""
        row = shot.part.rows[number]
        self._sought.add(row)
        task = asyncio.create_task(self.resolve(shot, number))
        task.add_done_callback(lambda _: self._sought.discard(row))
        return task

    async def resolve(self, shot: _Shot, number: int) -> Address:
        """Return the address that is tried; raises ProbeFailed."""
        target = shot.places[number].target
        host = ascii_name(place_of(target.host).host)
        addresses = await self._resolver.resolve(host, shot.settings.family)
        address = choose(addresses, Way.of(shot.settings))
        if self._addresses.get(target.name) != address.ip:
            self._addresses[target.name] = self._moved[target.name] = address.ip
        return address

    def moved(self) -> dict[str, str]:
        """Return the addresses of destinations that are others than at the last call.

        Those of destinations whose host is an address are never among them.
        """
        moved, self._moved = self._moved, {}
        return moved

    def settle(
        self, shot: _Shot, number: int, result: Result, ended_ms: int | None = None
    ) -> None:
        """Count a result, and tell once where this host does not permit echoes."""
        ended = int(self._clock.now() * 1000) if ended_ms is None else ended_ms
        self._tally.note(shot.part.rows[number], result.reason, ended, result.seconds)
        if result.reason == Reason.NO_PERMISSION and not self._forbidden:
            self._forbidden = True
            log.error(
                "echo requests are not permitted",
                reason=result.message,
                remedy="grant CAP_NET_RAW, or a group in net.ipv4.ping_group_range",
            )
        shot.to.add(number, result)

    def _free(self, shot: _Shot, chosen: Iterable[int]) -> Iterable[int]:
        """Yield the chosen places but those that are busy, which are skipped."""
        for number in chosen:
            row, due = shot.part.rows[number], shot.began + shot.places[number].phase
            if row in self._sought or self._busy.get(row, 0.0) - _SLACK > due:
                shot.to.skip(number)
            else:
                self._busy[row] = due + shot.lasts
                yield number

    def late(self, shot: _Shot, number: int) -> None:
        """Have a place be busy from now on, or from its phase if that is to come."""
        due = max(shot.began + shot.places[number].phase, self._clock.monotonic())
        self._busy[shot.part.rows[number]] = due + shot.lasts

    def now_ms(self) -> int:
        """Return the time in UTC milliseconds."""
        return int(self._clock.now() * 1000)

    def elapsed(self, began: float) -> float:
        """Return the seconds since a monotonic time."""
        return self._clock.monotonic() - began

    def forget(self, rows: Iterable[int]) -> None:
        """Keep nothing of rows that are not among these, and tell addresses anew."""
        kept = set(rows)
        self._busy = {row: at for row, at in self._busy.items() if row in kept}
        self._addresses.clear()

    async def count(self, shot: _Shot, volley: Volley, numbers: Sequence[int]) -> None:
        """Send a volley to these places and count what comes of it."""
        found = await self._engine.fire(volley)
        shot.to.stepped |= found.stepped
        ended_ms = self.now_ms()
        good = found.received > 0
        plain = np.full(len(good), fill_value=False)
        if not shot.to.wants(success=True):
            plain = good
        rows, spent = np.array(volley.slots, np.int64), durations(found, shot.settings)
        self._tally.note_successes(rows[plain], ended_ms, spent[plain])
        shot.to.succeed(numbers[at] for at in np.flatnonzero(plain).tolist())
        told = np.flatnonzero(~plain)
        for chunk in np.array_split(told, -(-len(told) // _AT_ONCE) or 1):
            names = [shot.places[numbers[at]].target.name for at in chunk.tolist()]
            results = results_of(*only(volley, found, chunk), names)
            for at, result in zip(chunk.tolist(), results, strict=True):
                timed = msgspec.structs.replace(
                    result,
                    began_ms=result.began_ms + round(volley.phases[at] * 1000),
                    seconds=int(spent[at]) / 1e9,
                )
                self.settle(shot, numbers[at], timed, ended_ms)
            await asyncio.sleep(0)


class _Shot:
    """One probe of one run: what is needed again and again while it is under way."""

    def __init__(
        self,
        echoes: Echoes,
        part: Part,
        places: Sequence[Place],
        to: Findings,
        began: float,
    ) -> None:
        self.part = part
        self.settings: IcmpProbe = part.probe  # type: ignore[assignment]  # of its kind
        self.places = places
        self.to = to
        self.began = began
        self._echoes = echoes

    @property
    def lasts(self) -> float:
        """Seconds from a place's first request until its last one counts as lost."""
        its = self.settings
        return (its.count - 1) * its.spacing + its.timeout

    async def fire(
        self, aimed: Sequence[tuple[int, Address]], elapsed: float = 0.0
    ) -> None:
        """Send a volley to these places and count what comes of it."""
        if not aimed:
            return
        volley = Volley(
            targets=[address for _, address in aimed],
            settings=self.settings,
            phases=[max(self.places[n].phase - elapsed, 0.0) for n, _ in aimed],
            slots=[self.part.rows[n] for n, _ in aimed],
        )
        await self._echoes.count(self, volley, [number for number, _ in aimed])

    async def aim(
        self, number: int, name: asyncio.Task[Address]
    ) -> list[tuple[int, Address]]:
        """Return a place with its address; if it has none, nothing, and count that."""
        try:
            return [(number, await name)]
        except ProbeFailed as error:
            target, now = self.places[number].target, self._echoes.now_ms()
            result = failed(target, self.settings, now, error.reason, str(error))
            self._echoes.settle(self, number, result)
            return []

    async def follow(self, number: int, name: asyncio.Task[Address]) -> None:
        """Try a place as soon as its name is resolved."""
        aimed = await self.aim(number, name)
        if aimed:
            self._echoes.late(self, number)
        await self.fire(aimed, self._echoes.elapsed(self.began))


@lru_cache(maxsize=131_072)
def _literal(host: str) -> Address | None:
    """Return the address that a host is, None for a name."""
    try:
        found = as_address(place_of(host).host)
    except ProbeFailed:
        return None
    if found is None:
        return None
    family = socket.AF_INET if found.version == 4 else socket.AF_INET6  # noqa: PLR2004
    return Address(family, str(found))


def _fits(address: Address, settings: IcmpProbe) -> bool:
    wanted = {"auto": address.family, "ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
    return wanted[settings.family] == address.family

"""Loads what a script loads through the real engine into a real database.

Prometheus' ranges leave their start out and hold their end; windows do the opposite
(RULES R1, R2). Samples are therefore loaded one millisecond early, so that the samples
of `(T - r, T]` are those of the windows of `[T - r, T)`. Where ranges are no whole
minutes, time is stretched until they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import gcd, lcm
from typing import TYPE_CHECKING, Final

import numpy as np
from prometheus_client import CollectorRegistry

from bridge.rollup.engine import Engine
from bridge.rollup.parts import Parts
from bridge.sources.base import Block, Families, Natives, Presence, Warnings
from bridge.sources.families import Assembler, Members
from bridge.sources.members import Role, bound_of, family_labels
from bridge.sources.natives import NativeSeries, natives_of
from bridge.telemetry import Telemetry
from models.database import open_database
from models.directory import SeriesDirectory, SeriesFacts, canonical
from models.migrate import Migrations
from runtime import settings
from tests.bridge.rollup.world import QuietReporter
from tests.fakes import FakeClock
from tests.promql.native import parse as parse_native
from tests.promql.script import STALE, Labels, Load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import TypeVar

    from bridge.rollup.rows import Ints
    from bridge.sources.base import Exponential
    from models.database import Database

    T = TypeVar("T")

BASE: Final = 1_699_920_000
"""Time 0 of every script: the start of a day, UTC seconds."""
_MINUTE_MS: Final = 60_000


@dataclass(slots=True)
class Samples:
    """One series of a script: numbers and native histograms by milliseconds."""

    labels: Labels
    numbers: dict[int, float] = field(default_factory=dict)
    natives: dict[int, Exponential] = field(default_factory=dict)
    unsupported: str = ""

    @property
    def name(self) -> str:
        """The metric."""
        return dict(self.labels).get("__name__", "")

    @property
    def family(self) -> str:
        """The name of its histogram where it is a member, else its own."""
        is_bucket = self.role is Role.BUCKET
        return self.name.removesuffix("_bucket") if is_bucket else self.name

    @property
    def others(self) -> dict[str, str]:
        """The labels without the name."""
        return {name: value for name, value in self.labels if name != "__name__"}

    @property
    def shared(self) -> Mapping[str, str]:
        """The labels without the name, and without the bound of a bucket."""
        return family_labels(self.others, self.role)

    @property
    def role(self) -> Role:
        """Its role where it is a member of a classic histogram."""
        if "le" in self.others and self.name.endswith("_bucket"):
            return Role.BUCKET
        return Role.ALONE


def loaded(loads: Sequence[Load]) -> list[Samples]:
    """Return the series of several loads in script time, later values replacing."""
    series: dict[Labels, Samples] = {}
    for load in loads:
        for one in load.series:
            held = series.setdefault(one.labels, Samples(one.labels))
            for index, value in enumerate(one.values):
                at = index * load.step_ms
                if value is None or value == STALE:
                    continue
                if isinstance(value, str):
                    try:
                        held.natives[at] = parse_native(value)
                    except ValueError as error:
                        held.unsupported = str(error)
                else:
                    held.numbers[at] = value
    return list(series.values())


def stretch(times_ms: Sequence[int]) -> int:
    """Return by how much time must be stretched to make all of them whole minutes."""
    factor = 1
    for time in times_ms:
        if time:
            factor = lcm(factor, _MINUTE_MS // gcd(_MINUTE_MS, time))
    return factor


class ScriptSource:
    """Answers a script's series; see `bridge.sources.base.Source`."""

    name = "script"

    def __init__(
        self,
        series: Sequence[Samples],
        factor: int,
        directory: SeriesDirectory,
        clock: FakeClock,
    ) -> None:
        self._series = series
        self._factor = factor
        self._clock = clock
        self.ids = self._resolve(directory)

    def moved(self, at: int) -> int:
        """Return where a time of the script lies in the engine's time."""
        return BASE * 1000 + at * self._factor - 1

    def now_ms(self) -> int:
        return round(self._clock.now() * 1000)

    def earliest_ms(self, not_before_ms: int) -> int | None:
        return max(self.moved(0), not_before_ms)

    def presence(self, start_ms: int, end_ms: int) -> Presence:
        del start_ms, end_ms
        return Presence(recording=True, interval_ms=None)

    def count(self, start_ms: int, end_ms: int) -> int | None:
        del start_ms, end_ms
        return None

    def absent(
        self, series_id: Ints, earliest_ms: Ints, first_ms: Ints, since_ms: int
    ) -> Ints:
        del earliest_ms, first_ms, since_ms
        return np.zeros(len(series_id), np.int64)

    def done(self, end_ms: int) -> None:
        pass

    def close(self) -> None:
        pass

    def read(
        self, start_ms: int, end_ms: int, warnings: Warnings
    ) -> Iterator[Block | Families | Natives]:
        del warnings
        span = (start_ms, end_ms)
        alone = [one for one in self._series if one.role is Role.ALONE]
        if held := [found for one in alone if (found := self._numbers(one, span))]:
            yield _block(held)
        assembler = Assembler()
        for number, one in enumerate(self._series):
            if one.role is Role.BUCKET and (found := self._numbers(one, span)):
                assembler.add(_members(number, one, *found))
        yield from assembler.families()
        natives = [one for one in self._series if one.natives]
        if natives:
            block = natives_of(
                [self._native(one) for one in natives],
                [self.ids[one.labels] for one in natives],
                [0] * len(natives),
                span,
            )
            if len(block.series_id):
                yield block

    def _native(self, one: Samples) -> NativeSeries:
        times = sorted(one.natives)
        return NativeSeries(
            metric=b"",
            times=[self.moved(at) for at in times],
            histograms=[one.natives[at] for at in times],
        )

    def _numbers(
        self, one: Samples, span: tuple[int, int]
    ) -> tuple[int, list[tuple[int, float]]] | None:
        samples = [
            (time, value)
            for at, value in sorted(one.numbers.items())
            if span[0] <= (time := self.moved(at)) < span[1]
        ]
        return (self.ids[one.labels], samples) if samples else None

    def _resolve(self, directory: SeriesDirectory) -> Mapping[Labels, int]:
        facts = []
        for one in self._series:
            labels = canonical(family_labels(one.others, one.role))
            is_histogram = one.role is Role.BUCKET or one.natives
            kind = "histogram" if is_histogram else "counter"
            facts.append(SeriesFacts(one.family, labels, kind))
        ids = directory.resolve(self.name, facts, BASE).tolist()
        return {
            one.labels: number for one, number in zip(self._series, ids, strict=True)
        }


def _block(held: Sequence[tuple[int, list[tuple[int, float]]]]) -> Block:
    flat = [sample for _, samples in held for sample in samples]
    return Block(
        series_id=np.array([number for number, _ in held], np.int64),
        offsets=np.cumsum([0, *(len(samples) for _, samples in held)]),
        times=np.array([time for time, _ in flat], np.int64),
        values=np.array([value for _, value in flat], np.float64),
        expected=np.zeros(len(held), np.int64),
        counter=np.ones(len(held), np.bool_),
    )


def _members(
    number: int, one: Samples, family: int, samples: list[tuple[int, float]]
) -> Members:
    bound = bound_of(one.others["le"])
    count = len(samples) if bound is not None else 0
    samples = samples[:count]
    return Members(
        family=np.full(count, family, np.int64),
        role=np.full(count, one.role, np.int8),
        bound=np.full(count, bound or 0.0),
        text=np.full(count, number, np.int64),
        expected=np.zeros(count, np.int64),
        times=np.array([time for time, _ in samples], np.int64),
        values=np.array([value for _, value in samples], np.float64),
    )


@dataclass(frozen=True, slots=True)
class Storage:
    """What a script has loaded, as series and in a database."""

    db: Database
    series: list[Samples]
    source: ScriptSource
    factor: int

    def start(self, at_ms: int) -> int:
        """Return the engine's second of a time of the script."""
        return BASE + at_ms * self.factor // 1000


def store(
    series: list[Samples], factor: int, until_ms: int, directory: Path
) -> Storage:
    """Run the engine over all windows before a time of the script."""
    db = open_database(f"sqlite:///{directory / 'script.db'}")
    Migrations(db).up()
    clock = FakeClock(BASE + until_ms * factor / 1000 + 120)
    resolver = SeriesDirectory(db)
    source = ScriptSource(series, factor, resolver, clock)
    engine = Engine(
        source,
        10 * 365 * 86400,
        settings.Rollup(catch_up=1440),
        QuietReporter(),
        Parts(db, _call, resolver, Telemetry.create(CollectorRegistry()), clock),
    )
    engine.beat()
    return Storage(db, series, source, factor)


def _call(name: str, job: Callable[[], T]) -> T:
    del name
    return job()

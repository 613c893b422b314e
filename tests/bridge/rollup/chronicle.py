"""Seven hours of two targets, with everything in them that makes a rollup difficult.

They begin at 17:45 UTC, so that in them lie the ends of a UTC day, of a day in Berlin
(23:00 UTC) and of one in Kathmandu (18:15 UTC).
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bridge.sources.stale import STALE
from models.directory import SeriesFacts, canonical
from models.queries.buffer import Samples
from models.queries.corrections import CorrectionRow

if TYPE_CHECKING:
    from collections.abc import Sequence

BEGIN = 1_699_983_900
"""2023-11-14 17:45 UTC."""
MINUTES = 415
"""Until 0:40 UTC."""
EVERY = 30
ZONES = {"berlin": "Europe/Berlin", "kathmandu": "Asia/Kathmandu"}
SILENT = range(200, 204)
"""Minutes that nothing was recorded in."""
PLACE = {"job": "app", "instance": "a:80"}
BOUNDS = (0.1, 1.0, 10.0, math.inf)
NEW_BOUNDS = (0.1, 0.5, 1.0, 10.0, math.inf)
SUM, COUNT = 2, 3
STALE_MARKER = float(np.array([STALE], np.int64).view(np.float64)[0])


@dataclass(frozen=True)
class Piece:
    """A sample: of which series, when (UTC milliseconds), what; and of which part."""

    facts: SeriesFacts
    time: int
    value: float
    part: int = 0
    bound: float = 0.0


@dataclass(frozen=True)
class Step:
    """What happens at a second after the beginning.

    Samples come, something is declared wrong or right again, and then the engine works.
    """

    at: int
    pieces: tuple[Piece, ...] = ()
    wrong: CorrectionRow | None = None
    right: str = ""
    beat: bool = False


@dataclass
class Chronicle:
    """What was scraped, when it came, and what is true of it in the end."""

    seed: int
    minutes: int = MINUTES
    lines: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self._write()

    def steps(self, seed: int) -> list[Step]:
        """The chronicle as it comes: late or in time, and looked at now and then."""
        dice = random.Random(seed)
        by_minute: dict[int, list[Piece]] = {}
        late: dict[int, list[Piece]] = {}
        for piece in self.pieces:
            minute = (piece.time // 1000 - BEGIN) // 60
            delay = _delay(piece, minute)
            into = late if delay else by_minute
            into.setdefault(minute + delay, []).append(piece)
        steps: list[Step] = []
        beat = 0
        for minute in range(self.minutes):
            at = minute * 60
            if minute in late:
                steps.append(Step(at + 20, tuple(late[minute]), beat=True))
            pieces = tuple(by_minute.get(minute, ()))
            steps.append(Step(at + 50, pieces, beat=minute >= beat))
            if minute >= beat:
                beat = minute + dice.choice([1, 1, 2, 3, 5, 8, 45])
        steps += [
            Step(140 * 60 + 55, wrong=_wrong("mistaken", 100, 115), beat=True),
            Step(150 * 60 + 55, wrong=_wrong("blamed_total", 80, 95), beat=True),
            Step(300 * 60 + 55, right="blamed_total", beat=True),
        ]
        return [*sorted(steps, key=lambda step: step.at), *self._ending()]

    def in_time(self) -> list[Step]:
        """The chronicle as it happened, looked at every minute."""
        by_minute: dict[int, list[Piece]] = {}
        for piece in self.pieces:
            minute = (piece.time // 1000 - BEGIN) // 60
            by_minute.setdefault(minute, []).append(piece)
        return [
            *(
                Step(minute * 60 + 50, tuple(pieces), beat=True)
                for minute, pieces in sorted(by_minute.items())
            ),
            *self._ending(),
        ]

    def anyhow(self, seed: int) -> list[Step]:
        """The chronicle in any order, some of it twice, looked at at any time."""
        dice = random.Random(seed)
        groups: dict[tuple[str, int], list[Piece]] = {}
        for piece in self.pieces:
            minute = (piece.time // 1000 - BEGIN) // 60
            groups.setdefault((piece.facts.metric, minute), []).append(piece)
        arrived: dict[int, list[Piece]] = {}
        for (metric, minute), pieces in groups.items():
            # What says that there was a scrape comes with the scrape.
            is_late = metric != "up" and dice.random() < 0.2
            for _ in range(1 if dice.random() < 0.9 else 2):
                latest = self.minutes - 1 if is_late else minute
                arrived.setdefault(dice.randint(minute, latest), []).extend(pieces)
        steps = []
        often = dice.choice([0.02, 0.1, 0.3])
        for minute, pieces in sorted(arrived.items()):
            dice.shuffle(pieces)
            beat = dice.random() < often
            steps.append(Step(minute * 60 + 50, tuple(pieces), beat=beat))
        return [*steps, *self._ending()]

    def _ending(self) -> list[Step]:
        end = self.minutes * 60
        return [Step(end + more, beat=True) for more in (20, 40, 59)]

    def _write(self) -> None:
        times = [
            (BEGIN + second) * 1000 + 250
            for second in range(7, self.minutes * 60, EVERY)
            if second // 60 not in SILENT
        ]
        for number in range(2):
            self._counter(f"steady{number}_total", times, resets=0.01)
        self._counter("large_total", times, start=2.0**53 - 900)
        self._counter("blamed_total", times, resets=0.02)
        gappy = [t for t in times if (t // 420_000) % 3]
        self._counter("gappy_total", gappy, resets=0.05)
        self._counter("failed_total", times[::2], labels={"code": "500"})
        self._counter("new_total", times[80:], start=7.0)
        self._ended(times)
        self._gauges(times)
        self._add("up", "gauge", times, [1.0] * len(times))
        for name in ("ada", "bob", "cy"):
            there = [t for t in times if self.dice.random() < 0.5]
            self._add("session", "gauge", there, [1.0] * len(there), {"user": name})
        self._family("fast_seconds", times, change=len(times))
        self._family("slow_seconds", times, change=len(times) // 3)

    def _counter(
        self,
        name: str,
        times: list[int],
        *,
        start: float = 0.0,
        resets: float = 0.0,
        labels: dict[str, str] | None = None,
    ) -> None:
        value, values = start, []
        for _ in times:
            is_reset = self.dice.random() < resets
            value = 0.0 if is_reset else value + self.dice.choice([0, 1, 0.1, 7])
            values.append(value)
        self._add(name, "counter", times, values, labels)

    def _ended(self, times: list[int]) -> None:
        """A counter that ends, and begins again."""
        there = [*times[:151], *times[300:]]
        values = [float(n) for n in range(len(there))]
        values[150] = STALE_MARKER
        self._add("ended_total", "counter", there, values)
        self.lines["ended_total"].pop(150)

    def _gauges(self, times: list[int]) -> None:
        odd = [math.nan, -0.0, 5e-324, 1e300]
        some = [
            self.dice.choice(odd) if self.dice.random() < 0.1 else self.dice.gauss(0, 9)
            for _ in times
        ]
        self._add("noise", "gauge", times, some)
        infinite = [
            self.dice.choice([math.inf, -math.inf, 1e308, math.nan]) for _ in times[::7]
        ]
        self._add("odd", "gauge", times[::7], infinite)
        self._add("mistaken", "gauge", times, [self.dice.random() for _ in times])
        self._add("queue", "gauge", times, [float(n % 13) for n in range(len(times))])

    def _family(self, name: str, times: list[int], change: int) -> None:
        facts = SeriesFacts(name, canonical(PLACE), "histogram")
        counts = dict.fromkeys(NEW_BOUNDS, 0.0)
        total = 0.0
        for number, time in enumerate(times):
            if self.dice.random() < 0.01:
                counts, total = dict.fromkeys(NEW_BOUNDS, 0.0), 0.0
            for _ in range(self.dice.randrange(3)):
                value = self.dice.expovariate(0.5)
                total += value
                counts = {b: n + (value <= b) for b, n in counts.items()}
            bounds = BOUNDS if number < change else NEW_BOUNDS
            self.pieces += [Piece(facts, time, counts[b], 1, b) for b in bounds]
            self.pieces += [
                Piece(facts, time, total, SUM),
                Piece(facts, time, counts[math.inf], COUNT),
            ]

    def _add(
        self,
        name: str,
        kind: str,
        times: list[int],
        values: list[float],
        labels: dict[str, str] | None = None,
    ) -> None:
        facts = SeriesFacts(name, canonical({**PLACE, **(labels or {})}), kind)
        found = list(zip(times, values, strict=True))
        self.pieces += [Piece(facts, t, v) for t, v in found]
        if not labels:
            self.lines[name] = found


def _delay(piece: Piece, minute: int) -> int:
    """How many minutes late a sample is: behind minutes, hours and days."""
    if piece.facts.metric == "steady1_total" and minute in (30, 31, 70):
        return 33
    if piece.facts.metric == "slow_seconds" and minute in (130, 318):
        return 20
    if piece.facts.metric == "gappy_total" and minute % 97 == 5:
        return 90
    if piece.facts.metric == "noise" and minute in (10, 29, 300, 374):
        return 40
    return 0


def _wrong(metric: str, start: int, until: int) -> CorrectionRow:
    return CorrectionRow(
        0,
        "local",
        metric,
        BEGIN + start * 60,
        BEGIN + until * 60,
        "ignore",
        "a test",
        "somebody",
        BEGIN + 140 * 60,
    )


def samples(pieces: Sequence[Piece], ids: Sequence[int]) -> Samples:
    """Pieces as the buffer takes them."""
    return Samples(
        np.array(ids, np.int64),
        np.array([piece.time for piece in pieces], np.int64),
        np.array([piece.value for piece in pieces], np.float64),
        np.array([piece.part for piece in pieces], np.int8),
        np.array([piece.bound for piece in pieces], np.float64),
    )

"""Two days of three applications as two replicas of Prometheus saw them, from a seed.

The applications are restarted, get other pods and other buckets, are down for a while
and say NaN and infinities. Each replica is away for a time, once both are. Counters are
integers, so that totals can be compared exactly.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""Sorted, with the name as `__name__`."""
Past: TypeAlias = "dict[Labels, list[tuple[int, float]]]"
"""Samples by series, as (UTC milliseconds, value)."""

START: Final = 1_743_206_400
"""2025-03-29T00:00:00Z; in Berlin the clocks go forward a day later."""
SECONDS: Final = 2 * 86400
INTERVAL: Final = 15
REPLICAS: Final[Mapping[str, int]] = {"a": 137, "b": 7637}
"""Milliseconds after each quarter of a minute at which a replica scrapes."""
AWAY: Final[Mapping[str, Sequence[tuple[int, int]]]] = {
    "a": ((5 * 3600 + 600, 5 * 3600 + 2100), (93_605, 94_025)),
    "b": ((5 * 3600 + 1800, 5 * 3600 + 3000), (108_000, 111_600)),
}
"""Seconds after the start in which a replica recorded nothing."""
OLD_BOUNDS: Final = (0.005, 0.05, 0.5, 5.0)
NEW_BOUNDS: Final = (0.005, 0.025, 0.05, 0.25, 1.0)


@dataclass(frozen=True, slots=True)
class Life:
    """One process of an application, from when it answers until it does not."""

    number: int
    begin: int
    end: int
    pod: str
    bounds: tuple[float, ...]
    requests: Sequence[int]
    """Running total by second of its life."""
    latencies: Mapping[float, Sequence[int]]
    """Running totals of requests up to a bound, +Inf among them."""
    spent: Sequence[int]
    """Running total of milliseconds spent on requests."""


@dataclass(frozen=True, slots=True)
class Application:
    """A target, its lives, and what it says of itself at any second."""

    job: str
    instance: str
    lives: tuple[Life, ...]
    seed: int

    def at(self, second: int) -> Life | None:
        """Return the process that answers in a second, None if it is down."""
        index = bisect_right([life.begin for life in self.lives], second) - 1
        if index < 0 or second >= self.lives[index].end:
            return None
        return self.lives[index]

    def exposition(self, second: int) -> Iterator[tuple[str, dict[str, str], float]]:
        """Yield (name, labels, value) of all that it exposes in a second."""
        life = self.at(second)
        if life is None:
            return
        age = second - life.begin
        done = life.requests[age]
        failed = done // 17
        yield "app_requests_total", {"code": "200"}, done - failed
        yield "app_requests_total", {"code": "500"}, failed
        yield "app_ticks_total", {}, 2.0**53 + 8 * age
        yield "app_temperature", {}, self._temperature(second)
        yield "app_queue", {}, self._queue(second)
        yield "app_info", {"pod": life.pod}, 1.0
        if done > 400:
            # A series that is not there until something happened.
            yield "app_rare_total", {"pod": life.pod}, done // 400
            if self.job == "db":
                since = START + life.begin + bisect_right(life.requests, 400)
                yield "app_rare_created", {"pod": life.pod}, since
        # So many at once that the total before a restart is soon passed.
        yield "app_jobs_total", {}, 100_000 * life.number + done
        yield "app_jobs_created", {}, START + life.begin
        for bound, counts in life.latencies.items():
            le = "+Inf" if math.isinf(bound) else repr(bound)
            yield "app_latency_seconds_bucket", {"le": le}, counts[age]
        yield "app_latency_seconds_sum", {}, life.spent[age]
        yield "app_latency_seconds_count", {}, done

    def _temperature(self, second: int) -> float:
        at = random.Random(self.seed * 1_000_003 + second // INTERVAL)
        return math.nan if at.random() < 0.01 else round(at.gauss(40, 7), 3)

    def _queue(self, second: int) -> float:
        at = random.Random(self.seed * 7_000_003 + second // INTERVAL)
        if at.random() < 0.002:
            return at.choice((math.inf, -math.inf))
        return float(int(at.expovariate(0.3)))


@cache
def applications() -> tuple[Application, ...]:
    """Return the applications, alike in every run."""
    names = (("api", "api-0:80"), ("api", "api-1:80"), ("db", "db-0:9187"))
    return tuple(
        Application(job, instance, _lives(seed), seed)
        for seed, (job, instance) in enumerate(names, 1)
    )


def _lives(seed: int) -> tuple[Life, ...]:
    dice = random.Random(seed)
    # The first hour is quiet, so that what came before the start is known.
    borders = sorted(dice.sample(range(3600, SECONDS - 600), 7))
    begins = [-600, *(border + dice.randint(0, 200) for border in borders)]
    ends = [*borders, SECONDS + 600]
    return tuple(
        _life(dice, number, begin, end)
        for number, (begin, end) in enumerate(zip(begins, ends, strict=True))
        if begin < end
    )


def _life(dice: random.Random, number: int, begin: int, end: int) -> Life:
    bounds = OLD_BOUNDS if number < 3 or number == 5 else NEW_BOUNDS
    load = dice.choice((0.02, 0.5, 3.0))
    by_second = [_some(dice, load) for _ in range(end - begin + 1)]
    slow = [[_latency(dice) for _ in range(count)] for count in by_second]
    return Life(
        number=number,
        begin=begin,
        end=end,
        pod=f"web-{dice.randrange(16**6):06x}",
        bounds=bounds,
        requests=list(accumulate(by_second)),
        latencies={
            bound: list(
                accumulate(sum(ms <= bound * 1000 for ms in once) for once in slow)
            )
            for bound in (*bounds, math.inf)
        },
        spent=list(accumulate(map(sum, slow))),
    )


def _some(dice: random.Random, load: float) -> int:
    whole, chance = divmod(load, 1.0)
    return int(whole) + (dice.random() < chance)


def _latency(dice: random.Random) -> int:
    """Return milliseconds, whole ones so that sums are exact."""
    return int(dice.lognormvariate(4, 1.5))


@dataclass(slots=True)
class _Recorder:
    past: Past = field(default_factory=dict)

    def record(self, labels: dict[str, str], at_ms: int, value: float) -> None:
        key = tuple(sorted(labels.items()))
        self.past.setdefault(key, []).append((at_ms, float(value)))


def recorded() -> Past:
    """Return what both replicas recorded of all applications."""
    recorder = _Recorder()
    for replica, offset in REPLICAS.items():
        for second in range(0, SECONDS, INTERVAL):
            if any(begin <= second < end for begin, end in AWAY[replica]):
                continue
            for application in applications():
                _scrape(recorder, application, second, replica, offset)
    return recorder.past


def _scrape(
    recorder: _Recorder,
    application: Application,
    second: int,
    replica: str,
    offset: int,
) -> None:
    at_ms = (START + second) * 1000 + offset
    moment = second + offset // 1000
    common = {
        "job": application.job,
        "instance": application.instance,
        "replica": replica,
    }
    is_up = application.at(moment) is not None
    recorder.record({**common, "__name__": "up"}, at_ms, float(is_up))
    for name, labels, value in application.exposition(moment):
        recorder.record({**common, **labels, "__name__": name}, at_ms, value)


def openmetrics(past: Past) -> Iterator[str]:
    """Yield the samples as OpenMetrics without types."""
    for labels, samples in past.items():
        name = dict(labels)["__name__"]
        inside = ",".join(f'{k}="{v}"' for k, v in labels if k != "__name__")
        for at_ms, value in samples:
            yield f"{name}{{{inside}}} {_said(value)} {at_ms / 1000:.3f}"


def _said(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)

"""The raw samples of one minute of one series, asked for once more, step by step."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from bridge.answers.writing import rfc3339
from bridge.rollup import counters
from bridge.rollup.rows import Flag, Rows
from bridge.rollup.verification.verify import verify
from bridge.sources.base import Block, Families, Warnings
from bridge.sources.selectors import NAME, Matcher, Selector
from bridge.sources.starts import CREATED, base_of
from models.queries.previous import last_before

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bridge.rollup.reading import Reading
    from bridge.rollup.windows import Window
    from bridge.sources.base import Natives, Source
    from models.database import Database
    from models.queries.series import SeriesRow

_NAMED: Final = {math.inf: "+Inf", -math.inf: "-Inf"}
_Told: TypeAlias = tuple[int, float, int]
"""Time and value of a sample, and since when it counts, 0 where that is not said."""
_WHOLE: Final = int(Flag.CREATED | Flag.APPEARED)
_PARTS: Final = "(_bucket|_count|_sum)?"
_COUNTING: Final = frozenset({"counter", "histogram"})


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample; `time` in UTC milliseconds, `step` what it adds to the one before."""

    time: int
    value: float | str
    step: float | None
    reset: bool


@dataclass(frozen=True, slots=True)
class Raw:
    """What the source has of a minute now, and whether the row follows from it.

    `before` is the sample from which the first step is measured, as (time, value).
    `differences` are columns as (stored, computed).
    """

    samples: tuple[Sample, ...]
    before: tuple[int, float] | None
    agrees: bool
    differences: Mapping[str, Any]
    warnings: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Return it in the shape of its JSON document."""
        before = self.before
        return {
            "samples": [asdict(one) for one in self.samples],
            "before": before and {"time": before[0], "value": before[1]},
            "agrees": self.agrees,
            "differences": {name: list(two) for name, two in self.differences.items()},
            "warnings": list(self.warnings),
        }


def selector_of(series: SeriesRow) -> str:
    """Return the selector of a series, and of what its row is made of beside it.

    These are the parts of a histogram, and what says since when counts go (R25, R27).
    """
    matchers = {Matcher(name, "=", value) for name, value in series.labels.items()}
    if series.kind in _COUNTING:
        parts = _PARTS if series.kind == "histogram" else ""
        created = _pattern(base_of(series.metric)) + CREATED
        either = f"{_pattern(series.metric)}{parts}|{created}"
        matchers.add(Matcher(NAME, "=~", either))
    else:
        matchers.add(Matcher(NAME, "=", series.metric))
    return str(Selector(frozenset(matchers)))


def _pattern(metric: str) -> str:
    """Return a regular expression of a name that every server takes."""
    return "".join(c if c.isalnum() or c in "_:" else "." for c in metric)


def reread(  # noqa: PLR0917 - what is compared with what
    db: Database,
    series: SeriesRow,
    window: Window,
    stored: Rows,
    source: Source,
    recompute: Callable[[Window], Reading],
) -> Raw | str:
    """Ask the source for a minute again and compare; return why not where it is gone.

    `stored` is the row as it stands, or none. Raises SourceError.
    """
    reading = recompute(window)
    computed = Rows.join(reading.rows)
    computed = computed.take(computed.series_id == series.id)
    samples = _samples(source, series.id, window)
    if not samples and len(stored) and stored.count[0]:
        return (
            f"the source has no samples of it at {rfc3339(window.start)} any more, so "
            "the row cannot be computed again"
        )
    compared = verify(stored, computed)
    told = compared.told[0] if compared.told else None
    found = last_before(db, np.array([series.id], np.int64), window.start)
    before = None
    if not math.isnan(found.values[0]):
        before = (int(found.times[0]), float(found.values[0]))
    counter = bool(len(computed)) and not math.isnan(computed.increase[0])
    whole = counter and bool(computed.flags[0] & _WHOLE)
    return Raw(
        samples=_stepped(samples, before, counter=counter, whole=whole),
        before=before,
        agrees=not compared.differing,
        differences=_differences(told),
        warnings=tuple(reading.warnings.messages),
    )


def _differences(told: Any) -> dict[str, Any]:
    if told is None:
        return {}
    return told.columns or {"row": (told.outcome == "extra", told.outcome == "missing")}


def _samples(source: Source, series_id: int, window: Window) -> list[_Told]:
    found: list[_Told] = []
    for answer in source.read(window.start_ms, window.end_ms, Warnings()):
        for at in np.flatnonzero(answer.series_id == series_id).tolist():
            inside = slice(answer.offsets[at], answer.offsets[at + 1])
            times = answer.times[inside].tolist()
            started = [0] * len(times)
            if answer.started is not None:
                started = answer.started[inside].tolist()
            found += zip(times, _values(answer)[inside], started, strict=True)
    return sorted(found)


def _values(answer: Block | Families | Natives) -> list[float]:
    """Return what is told of each time: the value, or a histogram's observations."""
    if isinstance(answer, Block):
        return [float(value) for value in answer.values]
    if isinstance(answer, Families):
        return [float(value) for value in answer.observations]
    return [one.count for one in answer.histograms]


def _stepped(
    samples: list[_Told],
    before: tuple[int, float] | None,
    *,
    counter: bool,
    whole: bool,
) -> tuple[Sample, ...]:
    """Return samples with what each of them adds; `whole` says that the first does."""
    if not samples:
        return ()
    times, values, started = (np.array(one) for one in zip(*samples, strict=True))
    earlier = np.append([math.nan if before is None else before[1]], values[:-1])
    earlier_times = np.append([0 if before is None else before[0]], times[:-1])
    steps, resets = counters.steps(values, earlier)
    known = np.isfinite(values) & np.isfinite(earlier)
    again = known & counters.restarted(
        times, started, earlier_times, np.append([0], started[:-1])
    )
    again[0] |= whole
    steps[again] = values[again]
    resets |= again & known
    return tuple(
        Sample(
            time,
            "NaN" if math.isnan(value) else _NAMED.get(value, value),
            float(steps[at]) if counter and (known[at] or again[at]) else None,
            counter and bool(resets[at]),
        )
        for at, (time, value, _) in enumerate(samples)
    )

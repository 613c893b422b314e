"""Rollups computed the slow and obvious way, from Prometheus' raw samples.

Shares no code with the engine: plain dictionaries, `math.fsum`, one sample after the
other. What it answers is what the tables must hold.
"""

from __future__ import annotations

import itertools
import json
import math
import urllib.parse
import urllib.request
from dataclasses import dataclass, field

Samples = list[tuple[int, float]]
Key = tuple[str, str]


@dataclass(frozen=True)
class Expected:
    """One row as it must be; None stands for NULL."""

    count: int
    sum: float | None
    min: float | None
    max: float | None
    first: float | None
    last: float | None
    increase: float | None
    resets: int


def key_of(labels: dict[str, str]) -> Key:
    """Name and labels in an order of their own."""
    name = labels["__name__"]
    rest = {key: labels[key] for key in sorted(labels) if key != "__name__"}
    return name, json.dumps(rest, ensure_ascii=False, separators=(",", ":"))


def ask(url: str, path: str, **parameters: str | float) -> object:
    """Ask Prometheus' API and return its data."""
    query = urllib.parse.urlencode(parameters)
    with urllib.request.urlopen(f"{url}{path}?{query}", timeout=60) as answer:
        body = json.load(answer)
    assert body["status"] == "success", body
    assert not body.get("warnings"), body["warnings"]
    return body["data"]


def raw_samples(
    url: str, start_ms: int, end_ms: int, selector: str = '{__name__=~".+"}'
) -> dict[Key, Samples]:
    """Return all samples of `[start_ms, end_ms)` that Prometheus holds, by series."""
    seconds = math.ceil((end_ms - start_ms) / 1000) + 1
    data = ask(
        url, "/api/v1/query", query=f"{selector}[{seconds}s]", time=end_ms / 1000
    )
    assert isinstance(data, dict)
    series = {}
    for result in data["result"]:
        samples = [(round(t * 1000), float(v)) for t, v in result["values"]]
        kept = [(t, v) for t, v in samples if start_ms <= t < end_ms]
        if kept:
            series[key_of(result["metric"])] = kept
    return series


def counters(url: str) -> set[str]:
    """Return the names that Prometheus' metadata calls counters.

    Parts of summaries are; those of histograms are no series of their own.
    """
    data = ask(url, "/api/v1/metadata")
    assert isinstance(data, dict)
    names: set[str] = set()
    for name, entries in data.items():
        kinds = {entry["type"] for entry in entries}
        if kinds == {"counter"}:
            names |= {name, f"{name}_total"}
        if kinds == {"summary"}:
            names |= {f"{name}_count", f"{name}_sum"}
    return names


def expected_row(
    samples: Samples, start_ms: int, end_ms: int, *, counter: bool
) -> Expected | None:
    """Return the row of `[start_ms, end_ms)`, None if no sample lies in it."""
    window = [(t, v) for t, v in samples if start_ms <= t < end_ms]
    if not window:
        return None
    values = [v for _, v in window if not math.isnan(v)]
    if not values:
        return Expected(0, None, None, None, None, None, None, 0)
    before = [v for t, v in samples if t < start_ms and not math.isnan(v)]
    steps, resets = [], 0
    chain = before[-1:] + values
    for previous, value in itertools.pairwise(chain):
        if value < previous:
            resets += 1
            steps.append(value)
        else:
            steps.append(value - previous)
    return Expected(
        count=len(values),
        sum=math.fsum(values),
        min=min(values),
        max=max(values),
        first=values[0],
        last=values[-1],
        increase=math.fsum(steps) if counter else None,
        resets=resets if counter else 0,
    )


@dataclass(frozen=True)
class ExpectedFamily:
    """The row of a histogram as it must be; `buckets` are increases by bound."""

    count: int
    sum: float | None
    first: float
    last: float
    increase: float
    resets: int
    buckets: dict[float, float]


@dataclass
class Scrape:
    """What one scrape brought of a histogram; `buckets` are cumulative, by bound."""

    count: float = math.nan
    sum: float = math.nan
    buckets: dict[float, float] = field(default_factory=dict)


def histograms_among(series: dict[Key, Samples]) -> dict[Key, dict[int, Scrape]]:
    """Take histograms out of series: their scrapes by name and labels, and by time."""
    bases = {
        name.removesuffix("_bucket")
        for name, labels in series
        if name.endswith("_bucket") and "le" in json.loads(labels)
    }
    found: dict[Key, dict[int, Scrape]] = {}
    for name, text in list(series):
        labels = json.loads(text)
        base, _, suffix = name.rpartition("_")
        if base not in bases or suffix not in {"bucket", "sum", "count"}:
            continue
        bound = float(labels.pop("le", math.nan))
        scrapes = found.setdefault(key_of({"__name__": base, **labels}), {})
        for time, value in series.pop((name, text)):
            scrape = scrapes.setdefault(time, Scrape())
            if suffix == "bucket":
                scrape.buckets[bound] = value
            else:
                setattr(scrape, suffix, value)
    return found


def expected_family(
    scrapes: dict[int, Scrape], start_ms: int, end_ms: int
) -> ExpectedFamily | None:
    """Return the row of `[start_ms, end_ms)`, None if no scrape lies in it.

    All buckets are there in every scrape. Where one fell all of them count anew, and
    so they do where the bounds are others.
    """
    times = sorted(scrapes)
    window = [scrapes[t] for t in times if start_ms <= t < end_ms]
    if not window:
        return None
    before = [scrapes[t] for t in times if t < start_ms]
    resets, counts, sums = 0, [], []
    buckets: dict[float, list[float]] = {}
    chain = before[-1:] + window
    for old, new in itertools.pairwise(chain):
        fell = any(new.buckets.get(b, math.inf) < n for b, n in old.buckets.items())
        base = old
        if fell or new.count < old.count:
            resets += 1
            base = Scrape(0, 0, dict.fromkeys(new.buckets, 0))
        counts.append(new.count - base.count)
        sums.append(new.sum - base.sum)
        for bound, n in new.buckets.items():
            buckets.setdefault(bound, []).append(n - base.buckets[bound])
    added = {bound: math.fsum(steps) for bound, steps in buckets.items()}
    return ExpectedFamily(
        count=len(window),
        sum=math.fsum(sums),
        first=window[0].count,
        last=window[-1].count,
        increase=math.fsum(counts),
        resets=resets,
        buckets=added if added.get(math.inf) else {},
    )


def merged(rows: list[Expected]) -> Expected | None:
    """Merge rows that follow one another in time."""
    if not rows:
        return None
    full = [row for row in rows if row.count]
    if not full:
        return Expected(0, None, None, None, None, None, None, 0)
    increases = [row.increase for row in full if row.increase is not None]
    sums = [row.sum for row in full if row.sum is not None]
    return Expected(
        count=sum(row.count for row in full),
        sum=math.fsum(sums) if sums else None,
        min=min(row.min for row in full if row.min is not None),
        max=max(row.max for row in full if row.max is not None),
        first=full[0].first,
        last=full[-1].last,
        increase=math.fsum(increases) if increases else None,
        resets=sum(row.resets for row in full),
    )

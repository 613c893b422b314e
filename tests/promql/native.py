"""Native histograms as the scripts write them: `{{schema:1 sum:3 count:2 ...}}`."""

from __future__ import annotations

import re

import numpy as np

from bridge.sources.base import Exponential

_FIELD = re.compile(r"([a-z_]+):(\[[^\]]*\]|\S+)")
_KNOWN = {
    "schema",
    "sum",
    "count",
    "z_bucket",
    "z_bucket_w",
    "buckets",
    "offset",
    "n_buckets",
    "n_offset",
    "custom_values",
    "counter_reset_hint",
}


def parse(text: str) -> Exponential:
    """Return the histogram; raise ValueError for what it cannot stand for."""
    said = dict(_FIELD.findall(text.strip("{} ")))
    if not said.keys() <= _KNOWN:
        raise ValueError(f"unknown fields in {text}")
    if said.get("counter_reset_hint") == "gauge":
        raise ValueError("a gauge histogram")
    return Exponential(
        schema=int(said.get("schema", 0)),
        zero_threshold=float(said.get("z_bucket_w", 0)),
        zero_count=float(said.get("z_bucket", 0)),
        count=float(said.get("count", 0)),
        sum=float(said.get("sum", 0)),
        positive=(int(said.get("offset", 0)), _counts(said.get("buckets"))),
        negative=(int(said.get("n_offset", 0)), _counts(said.get("n_buckets"))),
        custom=tuple(_counts(said.get("custom_values")).tolist()),
    )


def _counts(text: str | None) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([float(word) for word in (text or "").strip("[]").split()])

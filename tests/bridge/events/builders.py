"""Rows as detectors see them."""

from __future__ import annotations

from typing import Any

from bridge.events.event import Seen

MINUTE = 1_700_000_040
"""The start of a minute, UTC seconds: 2023-11-14 22:14."""


def seen(metric: str, **given: Any) -> Seen:
    """A row of four samples of 1 of the source `main`, but for what is given."""
    usual = {
        "labels": {},
        "start": MINUTE,
        "count": 4,
        "sum": 4.0,
        "min": 1.0,
        "max": 1.0,
        "first": 1.0,
        "last": 1.0,
        "increase": None,
        "source": "main",
        "workspace": "shop",
        "environment": "production",
    }
    return Seen(metric=metric, **{**usual, **given})

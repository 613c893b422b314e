"""The keys of snapshots, for docs/live.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.answers.snapshot_keys import KEYS
from scripts.pages.markdown import table

if TYPE_CHECKING:
    from bridge.answers.snapshot_keys import Key

_HEAD: Final = ("key", "unit", "from", "meaning")


def keys() -> str:
    """Return a row for each key of a snapshot."""
    return table(_HEAD, map(_row, KEYS))


def _row(key: Key) -> tuple[str, ...]:
    series = ", ".join(f"`{metric}`" for metric in key.metrics)
    return f"`{key.section}.{key.name}`", key.unit, series, key.meaning

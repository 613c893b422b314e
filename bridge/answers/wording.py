"""Rows in plain words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from bridge.answers.writing import rfc3339
from bridge.rollup.rows import Flag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.rollup.rows import Rows

FLAGS: Final = {
    Flag.BASELINE: "the first sample had none before it, so it was only measured from",
    Flag.NAN: "samples that are not a number were left out",
    Flag.INFINITE: "some samples are infinite",
    Flag.NO_SUM: "there is no sum: infinities of both signs, or too large for a float",
    Flag.IMPRECISE: "the counter is so large that the source loses single steps",
    Flag.CREATED: "the first sample counts whole, as the series began in the window",
    Flag.APPEARED: "the first sample counts whole, as the target was scraped before "
    "without it",
    Flag.ENDED: "the series ended within the window",
    Flag.DIP: "the counter fell a little, which was not taken for a reset",
    Flag.DISCARDED: "a step over too long a gap was left out",
    Flag.REPAIRED: "buckets that fell from one bound to the next were made to rise",
    Flag.LAYOUT: "the bounds of the histogram changed",
    Flag.QUANTILE: "the samples are a client's quantiles, whose sum says nothing",
    Flag.CORRECTED: "samples that were declared wrong were left out",
    Flag.FOLDED: "it holds other series, too, that were beyond the budget",
}
"""What each flag means."""


def words_of_flags(flags: int) -> list[str]:
    """Return what is flagged, in the order of the bits; unknown bits by number."""
    known = [meaning for flag, meaning in FLAGS.items() if flags & flag]
    rest = flags & ~int(sum(FLAGS))
    return [*known, *([f"flags {rest}, which are unknown here"] if rest else [])]


def words_of_row(rows: Rows, width: int) -> list[str]:
    """Return one row as sentences; `width` is the seconds of its window."""
    return list(_words(rows, width))


def _words(rows: Rows, width: int) -> Iterator[str]:
    count, expected = int(rows.count[0]), int(rows.expected[0])
    if expected:
        share = 100 * count / expected
        yield f"{count} of {expected} samples ({share:.3g} %)"
    else:
        yield f"{count} samples; how many there should be is not known"
    if count:
        last = int(rows.start[0]) + int(rows.last_offset[0]) / 1000
        yield (
            f"from {rows.first[0]:.17g} to {rows.last[0]:.17g}, the last one "
            f"{last - int(rows.start[0]):g} s after the start"
        )
    increase = float(rows.increase[0])
    if not math.isnan(increase):
        resets = int(rows.resets[0])
        rate = increase / width
        yield (
            f"it rose by {increase:.17g} ({rate:.6g} per second), "
            f"with {resets} reset{'' if resets == 1 else 's'}"
        )
    if rows.gap[0]:
        yield f"for {rows.gap[0] / 1000:g} s before one of the samples there was none"
    yield from words_of_flags(int(rows.flags[0]))


def words_of_nothing(state: str, reason: str, start: int) -> str:
    """Return what is said where there is no row."""
    if not state:
        return f"no row: the window {rfc3339(start)} is not in the ledger, so not done"
    why = f" ({reason})" if reason else ""
    if state == "done":
        return "no row: the series had no sample in the window, which is done"
    return f"no row: the window is {state}{why}"

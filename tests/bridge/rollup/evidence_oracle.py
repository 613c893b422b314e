"""The slow truth about steps: one sample after the other, by everything known of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

BASELINE, CREATED, APPEARED, DIP, DISCARDED = 1, 32, 64, 256, 512


@dataclass(frozen=True)
class Told:
    """A counter's samples as (time, value, start), and what else is known of it."""

    samples: tuple[tuple[int, float, int], ...]
    before: float = math.nan
    before_at: int = 0
    absent: int = 0
    expected: int = 4
    evidence: bool = True
    max_gap: int = 0
    tolerance: float = 0.0
    subtracted: bool = False


def counted(told: Told, window_start: int) -> tuple[float, int, int, int]:
    """Return increase, resets, flags and gap of the minute from `window_start` on."""
    before = (told.before_at, told.before, 0)
    increase, resets, flags, gap = 0.0, 0, 0, 0
    interval = 60_000 // told.expected if told.expected else 0
    for sample in told.samples:
        apart = sample[0] - before[0] if before[0] else 0
        if interval and apart > 2 * interval:
            gap = max(gap, apart)
        if math.isnan(before[1]):
            flags |= _first(told, sample[0], sample[2], window_start, interval)
            increase += sample[1] if flags & (CREATED | APPEARED) else 0.0
        else:
            adds, reset, said = _step(told, before, sample)
            increase, resets, flags = increase + adds, resets + reset, flags | said
        before = sample
    return increase, resets, flags, gap


def _step(
    told: Told, before: tuple[int, float, int], sample: tuple[int, float, int]
) -> tuple[float, int, int]:
    """Return what a sample adds, whether it is a reset, and flags."""
    at, value, start = before
    time, number, began = sample
    restart = _is_restart(at, time, began, start)
    low = value * (1 - told.tolerance)
    dip = not restart and bool(told.tolerance) and low <= number < value
    if told.max_gap and at and time - at > told.max_gap:
        return 0.0, 0, DISCARDED | (DIP if dip else 0)
    if dip:
        return (number - value if told.subtracted else 0.0), 0, DIP
    if restart or number < value:
        return number, 1, 0
    return number - value, 0, 0


def _first(told: Told, time: int, began: int, window: int, interval: int) -> int:
    if not told.evidence:
        return BASELINE
    just_before = time - 2 * interval - 1000
    if 0 < began < time and (began >= window or (interval and began >= just_before)):
        return CREATED
    if interval and told.absent and just_before <= told.absent < time:
        return APPEARED
    return BASELINE


def _is_restart(at: int, time: int, began: int, start: int) -> bool:
    if not at or not 0 < began < time:
        return False
    if began > at:
        return began != start
    return began == at and 0 < start < at

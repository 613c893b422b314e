"""Which resolution answers a question best.

Without a wish it is the finest that keeps the answer readable and reaches as far back
as any other, and the answer says which it was and why (RULES R78).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from bridge.answers.errors import QuestionError
from bridge.answers.times import Span, Stretch, format_time
from bridge.rollup.windows import Resolution

POINTS: Final = 1500
"""Points of a series that a chart still shows."""

AUTO: Final = "auto"


@dataclass(frozen=True, slots=True)
class Extent:
    """The starts of the oldest and the newest window in the ledger.

    Windows before `whole` lack series that are kept for a shorter time than others;
    None if none do.
    """

    oldest: int
    newest: int
    whole: int | None = None

    @property
    def reach(self) -> int:
        """The start of the oldest window that has all its series."""
        return self.oldest if self.whole is None else max(self.oldest, self.whole)


Extents: TypeAlias = Mapping[Resolution, Extent]
"""What the ledger holds of one source; a resolution without windows is not in it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A resolution and why it was taken."""

    resolution: Resolution
    reason: str


def read_resolution(text: str) -> Resolution | None:
    """Return the resolution with this name, None for `auto`."""
    if text == AUTO:
        return None
    try:
        return Resolution(text)
    except ValueError:
        units = [*(one.value for one in Resolution), "week", "month", AUTO]
        known = ", ".join(units)
        raise QuestionError(
            "resolution", f"{text!r} is not a resolution; known are {known}"
        ) from None


def recorded(stretch: Stretch, extents: Sequence[Extents]) -> Stretch:
    """Return the part of a stretch for which any source has windows."""
    resolution = stretch.resolution
    known = [extent[resolution] for extent in extents if resolution in extent]
    if not known:
        return stretch.newest(0)
    oldest = min(extent.oldest for extent in known)
    newest = max(extent.newest for extent in known)
    return stretch.within(oldest, newest + resolution.width)


def choose(span: Span, extents: Sequence[Extents], *, whole: bool = False) -> Choice:
    """Choose a resolution for a span of some sources.

    `whole` says that windows without rows are answered too, and so are points.
    """
    refused: list[str] = []
    for resolution in Resolution:
        points = _points(span, resolution, extents, whole=whole)
        why_not = _too_many(resolution, points) or _too_short(span, resolution, extents)
        if why_not is None:
            return Choice(resolution, _praise(refused, points))
        refused.append(why_not)
    coarsest = _coarsest(extents)
    return Choice(coarsest, f"{'; '.join(refused)}; nothing coarser is kept")


def _points(
    span: Span, resolution: Resolution, extents: Sequence[Extents], *, whole: bool
) -> int:
    stretch = span.outward(resolution)
    known = any(resolution in extent for extent in extents)
    return (recorded(stretch, extents) if known and not whole else stretch).windows


def _too_many(resolution: Resolution, points: int) -> str | None:
    if points <= POINTS:
        return None
    return f"{resolution.value}s would be {points} points, more than {POINTS}"


def _too_short(
    span: Span, resolution: Resolution, extents: Sequence[Extents]
) -> str | None:
    """Say why another resolution tells more of the span, None if none does."""
    wanted = span.outward(resolution).start
    for extent in extents:
        own = extent.get(resolution)
        if own is None:
            if extent:
                return f"there are no {resolution.value}s yet"
        elif own.reach > wanted and _reaches_further(resolution, extent):
            since = format_time(own.reach)
            return f"{resolution.value}s reach back to {since} only"
    return None


def _reaches_further(resolution: Resolution, extent: Extents) -> bool:
    """Whether a coarser window lies wholly before the oldest of this resolution."""
    oldest = extent[resolution].reach
    return any(
        other.width > resolution.width and held.reach < other.floor(oldest)
        for other, held in extent.items()
    )


def _praise(refused: Sequence[str], points: int) -> str:
    because = f"finest with at most {POINTS} points that covers the range ({points})"
    return "; ".join([*refused, because])


def _coarsest(extents: Sequence[Extents]) -> Resolution:
    held = [resolution for extent in extents for resolution in extent]
    return max(held, key=lambda resolution: resolution.width, default=Resolution.DAY)

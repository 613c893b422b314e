"""What a reader should know of a question, beside its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.answers.aggregates import aggregate_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.queries.series import SeriesRow

_RISING: Final = frozenset({"counter", "histogram"})


def notes_of(series: Sequence[SeriesRow], aggregates: Sequence[str]) -> Iterator[str]:
    """Yield notes on aggregates that were asked of some series."""
    if not series:
        yield "no series is selected"
    asked = [name for name in aggregates if aggregate_of(name).counter]
    if asked:
        others = sorted({row.metric for row in series if row.kind not in _RISING})
        for metric in others:
            yield f"{metric} is not known as a counter: {', '.join(asked)} may be null"

"""The schema of config.yaml: how long what is kept is kept."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from runtime.quantities import Duration, format_duration
from runtime.section import Positive, Section, Whole
from runtime.texts import Selector

_DAY: Final = 86400.0
_TIERS: Final = ("minute", "hour", "day")
_LEAST: Final = {"minute": 7200.0, "hour": 2 * _DAY, "day": 7 * _DAY}
"""A window must outlive the coarser one that it is merged into, with time to spare."""
_MADE: Final = {
    "minute": "an hour is merged from its minutes once it has ended and settled",
    "hour": "a day is merged from its hours once it has ended and settled",
    "day": "days are what weeks and months are added up from",
}


def _refuse_short(kept: dict[str, float], settle: float) -> None:
    """Raise ValueError, as `key: reason`, where a tier would go before its time.

    `kept` are the seconds of each tier, the finer ones first; 0 is for ever.
    """
    for tier, seconds in kept.items():
        least = _LEAST.get(tier, 0.0) + settle
        if 0 < seconds < least:
            raise ValueError(
                f"{tier}: {format_duration(seconds)} is too short: {_MADE[tier]}; "
                f"write {format_duration(least)} or more, or 0s for ever"
            )
    for (finer, short), (coarser, long) in pairwise(kept.items()):
        if long and (not short or long < short):
            told = format_duration(short) if short else "0s (for ever)"
            raise ValueError(
                f"{finer}: {told} is longer than the {format_duration(long)} of "
                f"{coarser}; keep coarser windows at least as long as finer ones"
            )


class RetentionRule(Section):
    """Series that are kept for another time than the rest."""

    match: Selector = Field(
        description="Which series, as a PromQL selector; of several rules the first "
        "that fits counts.",
        examples=['{job="billing"}'],
    )
    minute: Duration | None = Field(
        None,
        description="How long their minutes are kept; 0s is for ever.",
        examples=["90d"],
    )
    hour: Duration | None = Field(
        None,
        description="How long their hours are kept; 0s is for ever.",
        examples=["800d"],
    )
    day: Duration | None = Field(
        None,
        description="How long their days are kept; 0s is for ever.",
        examples=["0s"],
    )


class Retention(Section):
    """How long rows are kept; none goes before what is made from it is complete."""

    minute: Duration = Field(
        14 * _DAY, description="How long minutes are kept; 0s is for ever."
    )
    hour: Duration = Field(
        400 * _DAY, description="How long hours are kept; 0s is for ever."
    )
    day: Duration = Field(
        0.0, description="How long UTC days are kept; 0s is for ever."
    )
    local_day: Duration = Field(
        0.0, description="How long days of calendars are kept; 0s is for ever."
    )
    events: Duration = Field(
        400 * _DAY, description="How long error events are kept; 0s is for ever."
    )
    restatements: Duration = Field(
        400 * _DAY,
        description="How long is kept what was restated, and what verifications found; "
        "0s is for ever.",
    )
    runs: Duration = Field(
        90 * _DAY,
        description="How long runs of probe jobs and their results are kept; 0s is "
        "for ever.",
    )
    rules: tuple[RetentionRule, ...] = Field(
        (), description="Series that are kept for another time."
    )
    every: Positive = Field(
        300.0, description="How often is looked for what may be deleted."
    )
    rows_at_once: Annotated[Whole, Field(ge=100)] = Field(
        20_000,
        description="Rows deleted in one transaction; between two of them new windows "
        "are written. A minute goes at once, however many rows it has.",
    )
    rows_per_beat: Annotated[Whole, Field(ge=1000)] = Field(
        2_000_000, description="Rows deleted before the next look."
    )

    def kept(self, rule: RetentionRule | None = None) -> dict[str, float]:
        """Return the seconds that each tier is kept, of a rule's series or the rest."""
        own = {tier: getattr(self, tier) for tier in _TIERS}
        if rule is not None:
            given = {tier: getattr(rule, tier) for tier in _TIERS}
            own |= {tier: long for tier, long in given.items() if long is not None}
        return own

    def refuse_too_short(self, settle: float) -> None:
        """Raise ValueError, as `key: reason`, where windows would go before their time.

        `settle` is how many seconds windows stay open after their end (RULES R67).
        """
        _refuse_short(self.kept(), settle)
        hours, days = self.hour, self.local_day
        if days and (not hours or days < hours):
            _refuse_short({"hour": hours, "local_day": days}, settle)
        for place, rule in enumerate(self.rules):
            try:
                _refuse_short(self.kept(rule), settle)
            except ValueError as error:
                raise ValueError(f"rules[{place}].{error}") from error

    @model_validator(mode="after")
    def _rules_differ(self) -> Self:
        seen: dict[str, int] = {}
        for place, rule in enumerate(self.rules):
            first = seen.setdefault(rule.match, place)
            if first != place:
                raise ValueError(
                    f"rules[{place}].match: {rule.match!r} stands in rules[{first}] "
                    "already; put both into one rule"
                )
        return self

"""The schema of config.yaml: the rollup engine's keys."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from runtime.quantities import Duration, Share
from runtime.section import Positive, Section, Whole
from runtime.sketch_settings import Distinct, Distribution
from runtime.texts import Selector


class Dip(Section):
    """Counters whose values may fall a little without having been reset."""

    match: Selector = Field(
        description="Which counters, as a PromQL selector.",
        examples=['energy_total{job="meter"}'],
    )
    tolerance: Annotated[Share, Field(gt=0, lt=1)] = Field(
        description="The part of the value before by which the next one may be lower.",
        examples=["10%"],
    )
    adds: Literal["nothing", "difference"] = Field(
        "nothing",
        description="What such a fall adds: `nothing`, so that what is regained after "
        "it counts again, or the `difference`, so that increases add up to what the "
        "counter rose but a window's may be negative.",
    )


class Rollup(Section):
    """The engine that turns raw samples into minute, hour and day rows."""

    settle: Duration = Field(
        15.0,
        description="How long after its end a window stays open for late samples, by "
        "the clock of the source.",
    )
    every: Positive = Field(5.0, description="How often the engine looks for work.")
    lookback: Positive = Field(
        300.0,
        description="How far before a window the source is asked for the sample that a "
        "counter's first step is measured from, where no earlier row exists.",
    )
    catch_up: Annotated[Whole, Field(ge=1, le=1440)] = Field(
        30, description="Past windows worked off between two looks at the newest one."
    )
    find_holes: Positive = Field(
        3600.0, description="How often the whole ledger is searched for holes."
    )
    warnings: Annotated[Whole, Field(ge=1)] = Field(
        5,
        description="Answers with warnings before a window is kept as partial instead "
        "of being asked again.",
    )
    recheck: Duration = Field(
        3600.0,
        description="How old finished minutes may be whose samples are counted again "
        "at the source, every `verify.every`, and which are done again if there are "
        "more by now; 0s for none.",
    )
    first_sample: Literal["evidence", "baseline"] = Field(
        "evidence",
        description="What the first sample of a counter adds: with `evidence` all of "
        "it where the counter is known to have begun just before, by its start time "
        "or as its target was scraped without it; with `baseline` never anything.",
    )
    max_gap: Duration = Field(
        0.0,
        description="A counter's step over a longer time than this adds nothing, so it "
        "must be well above the time between two scrapes; 0s is no limit.",
    )
    dips: tuple[Dip, ...] = Field(
        (),
        description="Counters whose values may fall a little without having been "
        "reset; of several that match the first decides.",
    )
    distributions: tuple[Distribution, ...] = Field(
        (),
        description="Gauges of whose samples quantiles can be told; of several that "
        "match the first decides.",
    )
    distinct: tuple[Distinct, ...] = Field(
        (),
        description="Counts of different label values, each a series "
        "`epimetheus_distinct`.",
    )

    @field_validator("distinct")
    @classmethod
    def _names_differ(cls, distinct: tuple[Distinct, ...]) -> tuple[Distinct, ...]:
        names = [one.name for one in distinct]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"the name {twice[0]!r} is used twice; give each its own")
        return distinct

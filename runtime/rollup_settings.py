"""The schema of config.yaml: the rollup engine's keys."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from runtime.quantities import Duration
from runtime.section import Positive, Section, Whole


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

"""The schema of config.yaml: looking at finished windows again."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from runtime.quantities import Duration
from runtime.section import Positive, Section, Whole


class Verify(Section):
    """Finished minutes that are read again at random, and compared with their rows."""

    every: Duration = Field(
        600.0, description="How often some are taken; 0s for never."
    )
    windows: Annotated[Whole, Field(ge=1, le=60)] = Field(
        2, description="How many are taken each time."
    )
    lookback: Positive = Field(
        21600.0, description="How old they may be; older ones are left alone."
    )

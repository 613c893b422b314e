"""What every part of the schema of config.yaml is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from runtime.quantities import Duration, Written

Positive = Annotated[Duration, Field(gt=0)]
Whole = Annotated[int, Field(strict=True), Written("whole number", "1")]
Switch = Annotated[bool, Field(strict=True)]


class Section(BaseModel):
    """A part of config.yaml; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

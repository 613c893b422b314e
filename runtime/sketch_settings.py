"""The schema of config.yaml: what the engine keeps of values besides figures."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from runtime.quantities import Share
from runtime.section import Section
from runtime.texts import LabelName, Name, Selector


class Distribution(Section):
    """Gauges whose samples are counted by size, so that quantiles of them merge."""

    match: Selector = Field(
        description="Which gauges, as a PromQL selector.",
        examples=['queue_length{job="api"}'],
    )
    error: Annotated[Share, Field(ge=0.003, le=1)] = Field(
        0.01,
        description="By how much a quantile may be wrong, as a part of it. Half of it "
        "takes about twice the room.",
    )


class Distinct(Section):
    """A count of the different values that a label has in a window."""

    name: Name = Field(
        description="What is counted: the label `of` of `epimetheus_distinct`.",
        examples=["clients"],
    )
    match: Selector = Field(
        description="In which series, as a PromQL selector. They count where they "
        "have samples in a window, counters and histograms only where they rose.",
        examples=["http_requests_total"],
    )
    label: Annotated[LabelName, Field(min_length=1)] = Field(
        description="The label whose values are counted.", examples=["client_ip"]
    )
    by: tuple[Annotated[LabelName, Field(min_length=1)], ...] = Field(
        (), description="Labels for each of whose values is counted apart."
    )

    @model_validator(mode="after")
    def _labels_differ(self) -> Distinct:
        for taken in sorted({"of", self.label} & set(self.by)):
            why = "counted" if taken == self.label else "given to what is counted"
            raise ValueError(f"by: the label {taken} is {why}; leave it out here")
        return self

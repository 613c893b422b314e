"""The schema of config.yaml: the keys of collectors that need more than a switch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from runtime.quantities import Written
from runtime.section import Positive, Section, Switch


class Collector(Section):
    """A collector that can be switched off."""

    enabled: Switch = Field(default=True, description="Whether the collector runs.")


class SampledCollector(Collector):
    """A collector that measures in the background, whoever asks and how often."""

    interval: Positive = Field(
        15.0, description="Time between two samples; scrapes are given the last one."
    )


class TextfileCollector(Collector):
    """Metrics of scripts and jobs, from files `*.prom` in the text format."""

    directories: tuple[Annotated[str, Written("path or glob", "/var/lib/*.d")], ...] = (
        Field(
            (), description="Directories that are read, as paths or globs; none: off."
        )
    )

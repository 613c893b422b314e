"""The schema of config.yaml: the keys of collectors that need more than a switch."""

from __future__ import annotations

from pydantic import Field

from runtime.section import Positive, Section, Switch


class Collector(Section):
    """A collector that can be switched off."""

    enabled: Switch = Field(default=True, description="Whether the collector runs.")


class SampledCollector(Collector):
    """A collector that measures in the background, whoever asks and how often."""

    interval: Positive = Field(
        15.0, description="Time between two samples; scrapes are given the last one."
    )

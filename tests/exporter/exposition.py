"""Expositions as values, read by prometheus_client's parser."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.collectors.base import Family

Labels = tuple[tuple[str, str], ...]


@dataclass
class Read:
    """A family as a scraper sees it."""

    kind: str
    help: str
    samples: dict[Labels, float] = field(default_factory=dict)


def parse(text: str) -> dict[str, Read]:
    """Return the families of a text exposition by the name of their samples."""
    found: dict[str, Read] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            read = found.setdefault(
                sample.name, Read(family.type, family.documentation)
            )
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in read.samples, f"{sample.name}{labels} is there twice"
            read.samples[labels] = sample.value
    return found


def values(families: Iterable[Family]) -> dict[str, dict[tuple[str, ...], float]]:
    """Return what a collector found: name to label values to value."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for metric, samples in families:
        assert metric.name not in found, f"{metric.name} is there twice"
        found[metric.name] = dict(samples)
        assert len(found[metric.name]) == len(samples)
    return found

"""The selectors' meaning, asked of a real Prometheus that holds the same series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.bridge.answers.test_selectors import SELECTED, SERIES, selected
from tests.servers import RealPrometheus, create_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT = 1_700_000_000
NEWER = {'{"node_load1"}'}
"""Written as Prometheus 3 allows."""
DOT_MATCHES_LINES = {
    'up{job=~"w.*"}',
    'up{job!~"w.*"}',
    'up{job=~".*"}',
    'up{job=~".+"}',
    'up{job!~".+"}',
}
"""Where Prometheus 2 stops at a line break and Prometheus 3 does not."""


def escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    directory: Path = tmp_path_factory.mktemp("prometheus")
    lines = [
        f"{metric}{{{inside}}} 1 {AT}"
        for metric, labels in SERIES.values()
        for inside in [",".join(f'{k}="{escaped(v)}"' for k, v in labels.items())]
    ]
    create_blocks(directory / "data", sorted(lines))
    with RealPrometheus(directory) as server:
        yield server


@pytest.mark.parametrize("text", sorted(SELECTED.keys() - NEWER - DOT_MATCHES_LINES))
def test_prometheus_selects_the_same(prometheus: RealPrometheus, text: str) -> None:
    found = prometheus.query(text, AT + 1)
    theirs = [
        next(
            name
            for name, (metric, labels) in SERIES.items()
            if {"__name__": metric, **labels} == series["metric"]
        )
        for series in found
    ]
    assert selected(text) == set(theirs)

from __future__ import annotations

import pytest

from exporter.collectors import COLLECTORS
from exporter.compat import known

OF_NO_EXPORTER = {"node_kernel_hung_tasks"}
"""The exporters' name ends in _total; the dashboard's panel is empty everywhere."""


@pytest.mark.parametrize(
    ("number", "names"), [("1860", 229), ("7587", 8), ("13659", 8), ("11335", 4)]
)
def test_names_of_well_known_dashboards_are_known(number: str, names: int) -> None:
    listed = known.list_of(number)
    owners = known.owners()
    assert len(set(listed)) == len(listed) == names
    unknown = {n for n in listed if not (n in owners or known.open_owner(n))}
    assert unknown <= OF_NO_EXPORTER


def test_every_owner_is_somebody() -> None:
    others = {
        known.PROBE,
        known.SMOKEPING,
        known.JOBS,
        known.OTLP,
        known.ITSELF,
        known.BRIDGE,
    }
    assert set(known.owners().values()) <= {*COLLECTORS, *others}


def test_names_of_the_kernel_belong_to_their_collector() -> None:
    assert known.open_owner("node_memory_numa_New") == "meminfo_numa"
    assert known.open_owner("node_memory_New_bytes") == "memory"
    assert known.open_owner("node_load1") is None

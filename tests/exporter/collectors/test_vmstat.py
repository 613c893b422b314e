from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.vmstat import Vmstat
from runtime.settings import VmstatCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host

VMSTAT = {"proc/vmstat": "nr_free_pages 977\npgpgin 7344136\noom_kill 0\nthp_split 3\n"}


@pytest.mark.setting("exporter.collectors.vmstat.fields")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            VmstatCollector(),
            {"node_vmstat_pgpgin": {(): 7344136}, "node_vmstat_oom_kill": {(): 0}},
        ),
        (VmstatCollector(fields="^thp_"), {"node_vmstat_thp_split": {(): 3}}),
    ],
)
def test_fields_that_the_settings_ask_for_are_exposed(
    empty_host: Host,
    options: VmstatCollector,
    expected: dict[str, dict[tuple[str, ...], float]],
) -> None:
    write(empty_host, VMSTAT)
    vmstat = Vmstat(empty_host, options)
    assert values(vmstat.collect()) == expected
    assert values(vmstat.collect()) == expected


def test_the_type_is_unknown_since_the_kernel_does_not_tell_it(
    empty_host: Host,
) -> None:
    write(empty_host, VMSTAT)
    families = Vmstat(empty_host, VmstatCollector()).collect()
    assert {family.metric.kind for family in families} == {"unknown"}

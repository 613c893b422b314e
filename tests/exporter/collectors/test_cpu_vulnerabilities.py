from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.cpu_vulnerabilities import CpuVulnerabilities
from runtime.settings import OptionalCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


FOLDER = "sys/devices/system/cpu/vulnerabilities"


@pytest.mark.parametrize(
    ("text", "state", "mitigation"),
    [
        ("Not affected", "not affected", ""),
        ("Vulnerable: no microcode", "vulnerable", ""),
        ("Mitigation: PTI", "mitigation", "PTI"),
        ("Unknown: no data", "unknown", ""),
    ],
)
def test_flaws_have_a_state(
    empty_host: Host, text: str, state: str, mitigation: str
) -> None:
    write(empty_host, {f"{FOLDER}/mds": f"{text}\n"})
    found = values(CpuVulnerabilities(empty_host, OptionalCollector()).collect())
    name = "node_cpu_vulnerabilities_info"
    assert found == {name: {("mds", state, mitigation): 1}}


def test_older_kernels_tell_no_flaws(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="does not tell flaws"):
        CpuVulnerabilities(empty_host, OptionalCollector()).collect()

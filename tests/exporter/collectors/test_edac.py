from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.edac import Edac
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


FOLDER = "sys/devices/system/edac/mc/mc0"


def test_what_the_driver_does_not_tell_is_left_out(empty_host: Host) -> None:
    write(
        empty_host,
        {
            f"{FOLDER}/ce_count": "4\n",
            f"{FOLDER}/csrow2/ue_count": "1\n",
            f"{FOLDER}/csrow2/ch0_ce_count": "3\n",
            f"{FOLDER}/csrow2/ch0_dimm_label": "CPU_SrcID#0_DIMM#1\n",
            f"{FOLDER}/csrow2/ch1_ue_count": "5\n",
        },
    )
    assert values(Edac(empty_host, Collector()).collect()) == {
        "node_edac_correctable_errors_total": {("0",): 4},
        "node_edac_csrow_uncorrectable_errors_total": {("0", "2"): 1},
        "node_edac_channel_correctable_errors_total": {
            ("0", "2", "0", "CPU_SrcID0_DIMM1"): 3
        },
    }


def test_a_machine_may_count_no_errors(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="no memory controller"):
        Edac(empty_host, Collector()).collect()

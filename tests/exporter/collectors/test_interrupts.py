from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors import interrupts
from exporter.collectors.base import NothingHere
from exporter.collectors.interrupts import Interrupts
from runtime.settings import InterruptsCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


TEXT = """\
           CPU0       CPU2
  1:      17960          0  IR-IO-APIC-edge      i8042
 16:        328         33  IR-IO-APIC-fasteoi   ehci_hcd:usb1, mmc0
NMI:         47       5031   Non-maskable interrupts
ERR:          0
"""


def counted(host: Host, options: InterruptsCollector) -> dict[tuple[str, ...], float]:
    write(host, {"proc/interrupts": TEXT})
    return values(Interrupts(host, options).collect())["node_interrupts_total"]


def test_each_cpu_has_its_count(empty_host: Host) -> None:
    usb = ("16", "IR-IO-APIC-fasteoi", "ehci_hcd:usb1, mmc0")
    assert counted(empty_host, InterruptsCollector()) == {
        ("0", "1", "IR-IO-APIC-edge", "i8042"): 17960,
        ("0", *usb): 328,
        ("2", *usb): 33,
        ("0", "NMI", "Non-maskable interrupts", ""): 47,
        ("2", "NMI", "Non-maskable interrupts", ""): 5031,
    }


def test_a_cpu_may_go_offline_while_the_file_is_read(
    empty_host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupts, "_header", lambda _: ["CPU0", "CPU1", "CPU2"])
    found = counted(empty_host, InterruptsCollector())
    assert found["2", "NMI", "Non-maskable interrupts", ""] == 5031


@pytest.mark.setting("exporter.collectors.interrupts.include_zeros")
def test_zeros_are_told_on_request(empty_host: Host) -> None:
    found = counted(empty_host, InterruptsCollector(include_zeros=True))
    assert found["2", "1", "IR-IO-APIC-edge", "i8042"] == 0


@pytest.mark.setting("exporter.collectors.interrupts.exclude_names")
def test_interrupts_can_be_left_out(empty_host: Host) -> None:
    found = counted(empty_host, InterruptsCollector(exclude_names="^NMI|;i8042$"))
    assert {labels[1] for labels in found} == {"16"}


@pytest.mark.setting("exporter.collectors.interrupts.max_cpus")
def test_large_machines_are_left_out(empty_host: Host) -> None:
    assert counted(empty_host, InterruptsCollector(max_cpus=2))
    with pytest.raises(NothingHere, match="2 CPUs are more than max_cpus"):
        counted(empty_host, InterruptsCollector(max_cpus=1))


def test_a_machine_of_many_cpus_is_known_by_a_header_of_many_pages(
    empty_host: Host,
) -> None:
    header = " ".join(f"CPU{number:<10}" for number in range(2000))
    write(empty_host, {"proc/interrupts": f"{header}\n"})
    with pytest.raises(NothingHere, match="2000 CPUs"):
        Interrupts(empty_host, InterruptsCollector()).collect()


def test_cpus_may_come_and_go(empty_host: Host) -> None:
    collector = Interrupts(empty_host, InterruptsCollector())
    for header, cpus in (("CPU0 CPU1", {"0", "1"}), ("CPU0 CPU3", {"0", "3"})):
        write(empty_host, {"proc/interrupts": f"{header}\nNMI: 1 2 text\n"})
        found = values(collector.collect())["node_interrupts_total"]
        assert {labels[0] for labels in found} == cpus

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest

from bridge.answers.snapshot_keys import KEYS, METRICS
from bridge.api.snapshot import SnapshotAnswer
from tests.bridge.application import NOON, Application
from tests.bridge.history import HOUR, MINUTE, Row

if TYPE_CHECKING:
    from bridge.rollup.windows import Resolution
    from tests.bridge.history import History
    from tests.conftest import Golden

PATH = "/api/v1/snapshot"
HOST = "host:9100"
GIB = float(2**30)


def steady(value: float) -> Row:
    return Row(4 * value, value, value, value, value)


def risen(last: float, rise: float) -> Row:
    return Row(4 * last, last - rise, last, last - rise, last, rise)


class Machine:
    """Writes the windows of a host."""

    def __init__(self, history: History, job: str = "node") -> None:
        self._history = history
        self._job = job

    def has(
        self,
        resolution: Resolution,
        start: int,
        row: Row,
        metric: str,
        kind: str = "gauge",
        **labels: str,
    ) -> None:
        labels = {"instance": HOST, "job": self._job} | labels
        number = self._history.series(metric, labels, kind=kind)
        self._history.rows(resolution, number, {start: row})
        self._history.mark(resolution, [start])

    def counts(
        self, last: float, rise: float, metric: str, start: int = NOON, **labels: str
    ) -> None:
        self.has(MINUTE, start, risen(last, rise), metric, "counter", **labels)

    def shows(self, value: float, metric: str, **labels: str) -> None:
        self.has(MINUTE, NOON, steady(value), metric, **labels)


@pytest.fixture
def machine(history: History) -> Machine:
    made = Machine(history)
    for cpu, modes in (
        ("0", {"idle": 30, "iowait": 6, "user": 18, "system": 6}),
        ("1", {"idle": 60, "iowait": 0, "user": 0, "system": 0}),
    ):
        for mode, seconds in modes.items():
            made.counts(1000, seconds, "node_cpu_seconds_total", cpu=cpu, mode=mode)
    made.shows(0.5, "node_load1")
    for name, size in (("MemTotal", 16), ("MemAvailable", 12), ("SwapTotal", 0)):
        made.shows(size * GIB, f"node_memory_{name}_bytes")
    made.shows(0.0, "node_memory_SwapFree_bytes")
    for device, last, rise in (
        ("eth0", 6000, 600),
        ("eth1", 600, 60),
        ("lo", 9e9, 9e9),
    ):
        made.counts(last, rise, "node_network_receive_bytes_total", device=device)
    made.counts(5e6, 6e5, "node_disk_read_bytes_total", device="sda")
    made.counts(5e6, 6e5, "node_disk_read_bytes_total", device="dm-0")
    for name, size in (("size", 100), ("free", 50), ("avail", 40)):
        made.shows(size * GIB, f"node_filesystem_{name}_bytes", mountpoint="/")
    for start, value in ((NOON - 60, 1000.0), (NOON, 7000.0)):
        made.has(MINUTE, start, steady(value), "node_vmstat_pgpgin", "unknown")
    made.counts(1e9, 6e8, "node_perf_cpucycles_total", cpu="0")
    made.counts(1e9, 9e8, "node_perf_instructions_total", cpu="0")
    return made


@pytest.mark.usefixtures("machine")
def test_the_document_is_the_accepted_one(bridge: Application, golden: Golden) -> None:
    answer = bridge.answer(PATH, instance=HOST)
    SnapshotAnswer.model_validate(answer)
    golden("snapshot.json", json.dumps(answer, indent=1) + "\n")


@pytest.mark.usefixtures("machine")
def test_figures_are_those_of_the_window(bridge: Application) -> None:
    answer = bridge.answer(PATH, instance=HOST, time=str(NOON + 30))
    assert (answer["resolution"], answer["start"], answer["end"]) == (
        "minute",
        NOON,
        NOON + 60,
    )
    cpu, memory = answer["cpu"], answer["memory"]
    assert cpu["usage_percent"] == pytest.approx(20)
    assert cpu["per_core"] == pytest.approx([40, 0])
    assert cpu["user_percent"] == pytest.approx(15)
    assert cpu["iowait_percent"] == pytest.approx(5)
    assert (cpu["core_count"], cpu["load_avg_1m"]) == (2, 0.5)
    assert (memory["used_bytes"], memory["percent"]) == (4 * GIB, 25)
    network, disk = answer["network"], answer["disk"]
    assert (network["bytes_recv"], network["bytes_recv_per_sec"]) == (6600, 11)
    assert network["interfaces"] is None
    # What lies on top of other disks is not counted twice.
    assert (disk["read_bytes"], disk["read_bytes_per_sec"]) == (5e6, 1e4)
    assert disk["partitions"]["/"]["percent"] == pytest.approx(100 * 50 / 90)
    # What has no type is compared with the minute before.
    assert answer["memory_bandwidth"]["pgpgin_per_sec"] == 100
    assert answer["perf_events"]["ipc"] == pytest.approx(1.5)


@pytest.mark.usefixtures("machine")
def test_what_is_not_known_is_null_and_told(bridge: Application) -> None:
    answer = bridge.answer(PATH, instance=HOST)
    assert answer["memory"]["swap_percent"] is None
    missing = answer["missing"]
    assert missing["memory.swap_percent"] == "there is no swap"
    assert missing["cpu.load_avg_5m"] == "there is no node_load5"
    for key in KEYS:
        section = answer[key.section]
        value = None if section is None else section[key.name]
        assert (value is None) == (f"{key.section}.{key.name}" in missing)


def test_interfaces_are_told_apart(bridge: Application, machine: Machine) -> None:
    machine.counts(60, 6, "node_network_transmit_bytes_total", device="eth0")
    answer = bridge.answer(PATH, instance=HOST)
    assert answer["network"]["interfaces"] == {
        "eth0": {
            "bytes_sent": 60,
            "bytes_recv": 6000,
            "bytes_sent_per_sec": pytest.approx(0.1),
            "bytes_recv_per_sec": 10,
        }
    }


def test_a_time_without_minutes_is_answered_from_its_hour(
    bridge: Application, machine: Machine
) -> None:
    machine.has(HOUR, NOON - 7200, steady(3.0), "node_load1")
    answer = bridge.answer(PATH, instance=HOST, time=str(NOON - 7200 + 600))
    assert (answer["resolution"], answer["cpu"]["load_avg_1m"]) == ("hour", 3.0)
    assert answer["reason"] == (
        "no minute says anything of it; the finest that holds the time"
    )
    assert answer["memory"] is None


def test_a_target_that_is_known_twice_is_counted_once(
    bridge: Application, history: History, machine: Machine
) -> None:
    Machine(history, "again").shows(9.0, "node_load1")
    answer = bridge.answer(PATH, instance=HOST)
    assert (answer["job"], answer["cpu"]["load_avg_1m"]) == ("node", 0.5)
    assert answer["notes"] == [
        "job 'again' of source local knows this instance too, and is left out"
    ]


def test_a_gauge_that_is_no_number_is_not_known(
    bridge: Application, machine: Machine
) -> None:
    machine.shows(math.inf, "node_load15")
    answer = bridge.answer(PATH, instance=HOST)
    assert answer["cpu"]["load_avg_15m"] is None
    told = answer["missing"]["cpu.load_avg_15m"]
    assert told == "node_load15 has no number in this window"


@pytest.mark.usefixtures("machine")
def test_hosts_and_times_of_which_nothing_is_known_are_refused(
    bridge: Application,
) -> None:
    assert bridge.problem(PATH, instance="nobody") == (
        400,
        "there are no series of a host with instance 'nobody'",
        ["instance"],
    )
    assert bridge.problem(PATH, instance=HOST, time="-30d") == (
        400,
        f"nothing is known of '{HOST}' at this time",
        ["time"],
    )
    assert bridge.problem(PATH)[0] == 400


def test_every_key_names_its_series() -> None:
    names = [(key.section, key.name) for key in KEYS]
    assert len(names) == len(set(names))
    assert all(key.unit and key.meaning and key.metrics for key in KEYS)
    assert all(metric.startswith("node_") for metric in METRICS)

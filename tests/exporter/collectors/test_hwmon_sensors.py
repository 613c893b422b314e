from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.hwmon_sensors import attributes_of, readings

if TYPE_CHECKING:
    from pathlib import Path


EVERYTHING = re.compile("^$")


@pytest.mark.parametrize(
    ("file", "name", "divisor"),
    [
        ("vrm", "node_hwmon_voltage_regulator_version", 1),
        ("beep_enable", "node_hwmon_beep_enabled", 1),
        ("update_interval", "node_hwmon_update_interval_seconds", 1000),
        ("in0_input", "node_hwmon_in_volts", 1000),
        ("cpu0_vid", "node_hwmon_cpu_vid_volts", 1000),
        ("temp1_type", "node_hwmon_temp_type", 1),
        ("temp1", "node_hwmon_temp_celsius", 1000),
        ("curr1_crit", "node_hwmon_curr_crit_amps", 1000),
        ("energy1_input", "node_hwmon_energy_joule_total", 1e6),
        ("power1_accuracy", "node_hwmon_power_accuracy", 1e6),
        ("power1_average", "node_hwmon_power_average_watt", 1e6),
        (
            "power1_average_interval",
            "node_hwmon_power_average_interval_seconds",
            1000,
        ),
        ("humidity1_input", "node_hwmon_humidity", 1e6),
        ("fan1_target", "node_hwmon_fan_target_rpm", 1),
        ("fan1_fault", "node_hwmon_fan_fault", 1),
        ("temp1_beep", "node_hwmon_temp_beep_enabled", 1),
        ("pwm1_auto_channels_temp", "node_hwmon_pwm_auto_channels_temp", 1),
    ],
)
def test_files_mean_metrics(file: str, name: str, divisor: float) -> None:
    plan = readings("chip", [("folder", {file: "1"})], EVERYTHING)
    ((folder, (reading,)),) = plan.read
    assert (folder, reading.file) == ("folder", file)
    assert (reading.metric.name, reading.divisor) == (name, divisor)
    assert reading.labels[0] == "chip"


@pytest.mark.parametrize("file", ["uevent", "freq1_input", "temp1_label", "odd1_x"])
def test_other_files_mean_nothing(file: str) -> None:
    assert readings("chip", [("folder", {file: "1"})], EVERYTHING).read == []


def test_a_value_beside_a_bare_file_has_a_name_of_its_own() -> None:
    files = {"temp1": "1", "temp1_input": "1"}
    ((_, found),) = readings("chip", [("folder", files)], EVERYTHING).read
    names = [reading.metric.name for reading in found]
    assert names == ["node_hwmon_temp_celsius", "node_hwmon_temp_input_celsius"]


def test_a_folder_that_is_gone_has_no_files(tmp_path: Path) -> None:
    assert attributes_of(str(tmp_path / "gone")) == {}

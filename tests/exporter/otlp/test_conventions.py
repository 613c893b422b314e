from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.collectors.base import Family, Metric
from exporter.otlp.conventions import translate
from exporter.otlp.starts import Starts

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric as Told

NOW = 1_700_000_000_000_000_000
BOOT = NOW - 10**12

CPU = Metric("node_cpu_seconds_total", "counter", "Seconds.", ("cpu", "mode"))
STATES = Metric("node_tcp_connection_states", "gauge", "States.", ("state",))
MOUNT = ("device", "mountpoint", "fstype", "device_error")
SIZE, FREE, AVAIL = (
    Metric(f"node_filesystem_{what}_bytes", "gauge", "Bytes.", MOUNT)
    for what in ("size", "free", "avail")
)
ROOT = ("/dev/sda1", "/", "ext4", "")


def translated(*families: Family) -> tuple[dict[str, Told], list[Family]]:
    found = translate(families, Starts(BOOT, NOW), NOW)
    return {metric.name: metric for metric in found.metrics}, found.left


def values(metric: Told) -> list[tuple[dict[str, Any], float]]:
    return [(dict(p.attributes or {}), p.value) for p in metric.data.data_points]  # type: ignore[union-attr]


def test_labels_become_attributes() -> None:
    samples = [(("0", "irq"), 1.5), (("11", "softirq"), 2.0), (("", "user"), 3.0)]
    told, left = translated(Family(CPU, samples))
    (metric,) = told.values()
    assert (metric.name, metric.unit) == ("system.cpu.time", "s")
    assert values(metric) == [
        ({"cpu.logical_number": 0, "cpu.mode": "interrupt"}, 1.5),
        ({"cpu.logical_number": 11, "cpu.mode": "softirq"}, 2.0),
        ({"cpu.mode": "user"}, 3.0),
    ]
    assert {p.start_time_unix_nano for p in metric.data.data_points} == {BOOT}
    assert left == []


def test_cpus_are_counted() -> None:
    samples = [((cpu, mode), 1.0) for cpu in "012" for mode in ("idle", "user")]
    told, left = translated(Family(CPU, samples))
    assert values(told["system.cpu.logical.count"]) == [({}, 3)]
    assert told.keys() == {"system.cpu.logical.count", "system.cpu.time"}
    assert left == []


def test_families_are_added_up_by_labels() -> None:
    told, left = translated(
        Family(SIZE, [(ROOT, 100)]),
        Family(FREE, [(ROOT, 40)]),
        Family(AVAIL, [(ROOT, 30)]),
    )
    mount = {
        "system.device": "/dev/sda1",
        "system.filesystem.mountpoint": "/",
        "system.filesystem.type": "ext4",
    }
    assert values(told["system.filesystem.limit"]) == [(mount, 100)]
    assert {
        attributes["system.filesystem.state"]: value
        for attributes, value in values(told["system.filesystem.usage"])
    } == {"used": 60, "free": 30, "reserved": 10}
    assert left == []


def test_what_lacks_a_part_stays_under_its_own_name() -> None:
    """Without all of its parts there is no sum, and what is left has its own name."""
    other = ("/dev/sdb1", "/srv", "xfs", "")
    told, left = translated(
        Family(FREE, [(ROOT, 40), (other, 7)]), Family(AVAIL, [(ROOT, 30)])
    )
    states = [
        a["system.filesystem.state"] for a, _ in values(told["system.filesystem.usage"])
    ]
    assert states == ["free", "reserved"]
    assert left == [Family(FREE, [(other, 7)])]


def test_what_is_no_connection_stays_under_its_own_name() -> None:
    samples = [(("fin_wait1",), 2), (("rx_queued_bytes",), 512), (("listen",), 3)]
    told, left = translated(Family(STATES, samples))
    assert values(told["system.network.connection.count"]) == [
        ({"network.connection.state": "fin_wait_1", "network.transport": "tcp"}, 2),
        ({"network.connection.state": "listen", "network.transport": "tcp"}, 3),
    ]
    assert left == [Family(STATES, [(("rx_queued_bytes",), 512)])]


def test_what_has_no_convention_is_left() -> None:
    load = Metric("node_load1", "gauge", "1m load average.").of(0.5)
    assert translated(load) == ({}, [load])


def test_uptime_does_not_replace_what_it_is_made_of() -> None:
    time = Metric("node_time_seconds", "gauge", "Time.").of(1000)
    boot = Metric("node_boot_time_seconds", "gauge", "Boot.").of(400)
    told, left = translated(time, boot)
    assert values(told["system.uptime"]) == [({}, 600)]
    assert left == [time, boot]


def test_a_file_that_uses_a_name_otherwise_keeps_it() -> None:
    states = Metric("node_tcp_connection_states", "gauge", "Of a file.", ("which",))
    cpu = Metric("node_cpu_seconds_total", "counter", "Of a file.")
    memory = Metric("node_memory_MemTotal_bytes", "summary", "Of a file.")
    families = [
        Family(states, [(("a",), 1)]),
        cpu.of(2),
        Family(memory, [(("_count", ""), 1)]),
    ]
    told, left = translated(*families)
    assert (told, left) == ({}, families)

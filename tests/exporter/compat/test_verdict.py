from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from exporter.collectors import COLLECTORS, build
from exporter.collectors.base import Family, Metric, NothingHere
from exporter.compat.verdict import Judge, Verdict, judge_of, names_of
from exporter.registry import Registry
from runtime.settings import Collectors
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from exporter.collectors.base import Collector, Host

LOAD = Metric("node_load1", "gauge", "Load.")
TIMES = Metric("times_seconds", "histogram", "Times.", ("_suffix", "le"))
EMPTY = Metric("node_load5", "gauge", "Load.")


class Load:
    def collect(self) -> list[Family]:
        return [LOAD.of(1), Family(EMPTY, ())]


class Nothing:
    def collect(self) -> list[Family]:
        raise NothingHere("no sensors")


class Broken:
    def collect(self) -> list[Family]:
        raise ValueError("what")


def _judge() -> Judge:
    collectors: dict[str, Collector] = {
        "load": Load(),
        "hwmon": Nothing(),
        "vmstat": Broken(),
    }
    registry = Registry(collectors, deadline=5.0, clock=FakeClock())
    more = Family(TIMES, ((("_sum", ""), 1.0),))
    return judge_of(registry, [lambda: [more]])


def _why(name: str) -> str:
    (verdict,) = _judge().judge([name])
    assert verdict.state == "silent"
    return verdict.why


def test_what_is_there_now_is_served() -> None:
    names = ["node_load1", "times_seconds_bucket", "times_seconds_sum"]
    assert _judge().judge(names) == [Verdict(name, "served") for name in names]


def test_known_names_are_silent_with_the_reason_of_their_collector() -> None:
    assert (
        _why("node_hwmon_temp_celsius") == "collector hwmon, nothing here: no sensors"
    )
    assert _why("node_vmstat_pgfault") == "collector vmstat, failed: ValueError: what"
    assert _why("node_load5") == (
        "collector load works, but this machine has nothing of it"
    )
    assert _why("node_slabinfo_active_objects") == (
        "collector slabinfo is off; see exporter.collectors.slabinfo.enabled"
    )
    assert _why("node_memory_OfTomorrow_bytes").startswith("collector memory is off")


def test_what_others_serve_is_said() -> None:
    assert _judge().judge(
        ["up", "a:b", "probe_success", "process_open_fds", "mysql_up", "c:d"], {"a:b"}
    ) == [
        Verdict("up", "served", "by Prometheus itself"),
        Verdict("a:b", "served", "by a rule of this file"),
        Verdict("probe_success", "served", "at /probe, for targets that have it"),
        Verdict("process_open_fds", "served", "while the exporter runs"),
        Verdict("mysql_up", "unknown"),
        Verdict("c:d", "silent", "made by a rule of another file"),
    ]
    assert "smokeping" in _why("smokeping_requests_total")
    assert "no job" in _why("netprobe_icmp_requests_total")
    assert "the bridge" in _why("epimetheus_lag_seconds")


@pytest.mark.parametrize("name", sorted(COLLECTORS.keys() - {"textfile"}))
def test_every_name_of_the_recorded_machine_is_known(host: Host, name: str) -> None:
    section = Collectors.model_validate({name: {"enabled": True}})
    silent = Judge((), ())
    with contextlib.suppress(NothingHere):
        for metric, _ in build(host, section)[name].collect():
            verdicts = silent.judge(names_of(metric.name, metric.kind))
            assert {one.state for one in verdicts} == {"silent"}, metric.name
            assert {one.why.split()[1] for one in verdicts} == {name}

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from exporter.prober.messages import JobCounts
from exporter.prober.tally import PLACE, Cell
from runtime.probing.wire import CLOCK_STEPPED, STARVED
from tests.exporter.prober.rig import Rig

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = {"reason": "refused", "message": "the connection was refused"}
THREE = {"one": "192.0.2.1", "two": "192.0.2.2", "three": "192.0.2.3"}
NOON = 1_782_907_200_000  # 2026-07-01T12:00:00Z


def job(**more: Any) -> dict[str, Any]:
    return {"name": "job", "tags": ["all"], "probes": ["tcp"], **more}


def test_a_run_tells_what_every_destination_answered() -> None:
    async def body() -> None:
        rig = Rig()
        rig.plan(hosts=THREE, jobs=[job()])
        rig.kinds["tcp"].outcomes["192.0.2.2"] = REFUSED
        run = await rig.run("job", at=NOON)
        assert (run.job, run.scheduled_ms, run.state) == ("job", NOON, "completed")
        assert (run.destinations, run.succeeded, run.failed) == (3, 2, 1)
        found = {one.destination: one.reason for one in run.results}
        assert found == {"one": "", "two": "refused", "three": ""}
        cells = rig.tally.read([rig.row("job", "two").row])[0]
        assert cells[Cell.SUCCEEDED] == 0
        assert cells[Cell.DURATION_NS] == 250_000_000
        assert cells[Cell.REASON + PLACE["refused"]] == 1
        assert {one.result.destination for one in rig.latest} == set(THREE)

    asyncio.run(body())


def test_a_run_fails_where_nobody_answered() -> None:
    async def body() -> None:
        rig = Rig()
        rig.plan(hosts=THREE, jobs=[job()])
        rig.kinds["tcp"].outcomes = dict.fromkeys(THREE.values(), REFUSED)
        assert (await rig.run("job")).state == "failed"
        assert rig.runner.counts["job"] == JobCounts(failed=1)

    asyncio.run(body())


def test_a_destination_fails_if_any_of_its_probes_does() -> None:
    async def body() -> None:
        rig = Rig()
        rig.plan(hosts=THREE, jobs=[job(probes=["icmp", "tcp", "http"])])
        rig.kinds["http"].outcomes["192.0.2.1"] = REFUSED
        rig.echo.silent.add("192.0.2.3")
        run = await rig.run("job")
        assert (run.succeeded, run.failed, len(run.results)) == (1, 2, 9)

    asyncio.run(body())


def test_a_probe_that_breaks_stops_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def body() -> None:
        rig = Rig()
        rig.plan(hosts=THREE, jobs=[job()])
        rig.kinds["tcp"].outcomes["192.0.2.1"] = ZeroDivisionError()
        run = await rig.run("job")
        found = {one.destination: one.reason for one in run.results}
        assert found == {"one": "internal_error", "two": "", "three": ""}

    asyncio.run(body())
    assert "ZeroDivisionError" in capsys.readouterr().out


@pytest.mark.setting("probes.jobs.history")
@pytest.mark.parametrize(
    ("history", "kept"), [("all", 3), ("failures", 1), ("none", None)]
)
def test_the_history_of_a_job_decides_which_results_are_told(
    history: str, kept: int | None
) -> None:
    async def body() -> None:
        rig = Rig()
        described = job(probes=["icmp", "tcp"], history=history)
        rig.plan(hosts=THREE, jobs=[described])
        rig.echo.silent.add("192.0.2.2")
        rig.kinds["tcp"].outcomes["192.0.2.2"] = REFUSED
        rig.runner.begin("job", NOON)
        await rig.ended()
        assert rig.runner.counts["job"].completed == 1
        assert [len(run.results) for run in rig.runs] == (
            [] if kept is None else [2 * kept]
        )
        for run in rig.runs:
            assert (run.succeeded, run.failed) == (2, 1)

    asyncio.run(body())


def test_where_nobody_wants_runs_they_are_only_counted() -> None:
    async def body() -> None:
        rig = Rig()
        rig.plan(hosts=THREE, jobs=[job()], keep="none")
        rig.runner.begin("job", NOON)
        await rig.ended()
        assert rig.runs == []
        assert rig.runner.counts["job"].completed == 1

    asyncio.run(body())


def test_a_destination_that_is_still_busy_is_skipped_and_holds_up_nobody() -> None:
    async def body() -> None:
        rig = Rig()
        rig.plan(hosts=THREE, jobs=[job()])
        tcp = rig.kinds["tcp"]
        tcp.hold["192.0.2.1"] = asyncio.Event()
        rig.runner.begin("job", NOON)
        await asyncio.sleep(0.01)
        rig.runner.begin("job", NOON + 60_000)
        await rig.until(lambda: rig.runs)
        (second,) = rig.runs
        assert second.scheduled_ms == NOON + 60_000
        assert (second.succeeded, second.failed, second.skipped) == (2, 0, 1)
        tcp.hold["192.0.2.1"].set()
        await rig.ended()
        first = rig.runs[-1]
        assert (first.scheduled_ms, first.succeeded, first.skipped) == (NOON, 3, 0)
        assert tcp.tried["192.0.2.1"] == 1
        assert rig.runner.counts["job"].skipped == 1

    asyncio.run(body())


def test_destinations_in_maintenance_are_left_alone() -> None:
    async def body() -> None:
        rig = Rig()
        pause = {
            "name": "patches",
            "destinations": ["two"],
            "start": "2026-07-01T12:00:00Z",
            "end": "2026-07-01T13:00:00Z",
        }
        rig.plan(hosts=THREE, jobs=[job()], maintenance=[pause])
        during = await rig.run("job", at=NOON)
        assert (during.succeeded, during.left_alone) == (2, 1)
        assert rig.kinds["tcp"].tried["192.0.2.2"] == 0
        after = await rig.run("job", at=NOON + 3_600_000)
        assert (after.succeeded, after.left_alone) == (3, 0)

    asyncio.run(body())


@pytest.mark.setting("probes.jobs.on_failure.traceroute")
@pytest.mark.parametrize("traced", [True, False])
def test_the_way_to_what_fails_and_was_good_is_traced(*, traced: bool) -> None:
    async def body() -> None:
        rig = Rig()
        described = job(on_failure={"traceroute": traced}, history="failures")
        rig.plan(hosts=THREE, jobs=[described])
        tcp = rig.kinds["tcp"]
        tcp.outcomes["192.0.2.3"] = REFUSED
        assert len((await rig.run("job")).results) == 1  # it was never good
        tcp.outcomes["192.0.2.1"] = REFUSED
        run = await rig.run("job")
        traces = [one for one in run.results if one.kind == "traceroute"]
        expected = [("one", "traceroute")] if traced else []
        assert [(one.destination, one.probe) for one in traces] == expected
        again = await rig.run("job")
        assert [one for one in again.results if one.kind == "traceroute"] == []

    asyncio.run(body())


def test_where_a_whole_site_fails_a_few_ways_are_traced() -> None:
    async def body() -> None:
        rig = Rig()
        hosts = {f"host-{n}": f"192.0.2.{n}" for n in range(1, 31)}
        rig.plan(hosts=hosts, jobs=[job(on_failure={"traceroute": True})])
        await rig.run("job")
        rig.kinds["tcp"].outcomes = dict.fromkeys(hosts.values(), REFUSED)
        run = await rig.run("job")
        assert sum(one.kind == "traceroute" for one in run.results) == 20
        assert rig.traces.left_out == 10

    asyncio.run(body())


def test_runs_that_are_broken_off_tell_what_they_have() -> None:
    async def body() -> None:
        rig = Rig()
        rig.plan(hosts=THREE, jobs=[job()])
        rig.kinds["tcp"].hold["192.0.2.1"] = asyncio.Event()
        rig.runner.begin("job", NOON)
        await asyncio.sleep(0.01)
        await rig.runner.stop()
        (run,) = rig.runs
        assert (run.state, run.succeeded, len(run.results)) == ("aborted", 2, 2)
        assert rig.runner.counts["job"] == JobCounts(aborted=1)

    asyncio.run(body())


@pytest.mark.setting("exporter.prober.starved")
def test_what_was_measured_on_a_starved_host_is_marked(tmp_path: Path) -> None:
    async def body() -> None:
        rig = Rig(procfs=str(tmp_path), starved=50)
        rig.plan(hosts=THREE, jobs=[job()])
        stat = tmp_path / "stat"
        stat.write_text("cpu 0 0 0 1000 0 0 0 0 0 0\n")
        rig.starvation.sample()
        await asyncio.sleep(0.01)
        assert (await rig.run("job")).marks == ()
        stat.write_text("cpu 0 0 0 1100 0 0 0 100 0 0\n")
        run = await rig.run("job")
        assert run.marks == (STARVED,)
        assert {one.marks for one in run.results} == {(STARVED,)}

    asyncio.run(body())


def test_what_was_measured_while_the_clock_was_set_is_marked() -> None:
    async def body() -> None:
        rig = Rig()
        rig.plan(hosts=THREE, jobs=[job()])
        rig.pulse._ahead += 3600
        assert (await rig.run("job")).marks == (CLOCK_STEPPED,)
        rig.pulse.note(0.0)
        await asyncio.sleep(0.001)
        assert (await rig.run("job")).marks == ()

    asyncio.run(body())


def test_a_way_that_becomes_another_is_counted() -> None:
    async def body() -> None:
        rig = Rig()
        rig.plan(hosts={"one": "192.0.2.1"}, jobs=[job(probes=["traceroute"])])
        for route in ("aaaa", "aaaa", "bbbb", "", "bbbb", "aaaa"):
            rig.kinds["traceroute"].outcomes["192.0.2.1"] = {"route": route}
            await rig.run("job")
        assert [one.changes for one in rig.latest] == [0, 0, 1, 1, 1, 2]

    asyncio.run(body())


@pytest.mark.setting("probes.jobs.name")
@pytest.mark.setting("probes.destinations.host")
def test_a_new_plan_keeps_counting_where_the_old_one_did() -> None:
    async def body() -> None:
        rig = Rig()
        rig.plan(hosts=THREE, jobs=[job()])
        await rig.run("job")
        row = rig.row("job", "one")
        rig.plan(
            hosts={"one": "198.51.100.1"}, jobs=[job(interval="5m"), job(name="new")]
        )
        assert rig.row("job", "one") == row
        await rig.run("job")
        assert rig.kinds["tcp"].tried["198.51.100.1"] == 1
        assert rig.tally.read([row.row])[0][Cell.REASON] == 2
        assert rig.runner.counts["job"].completed == 2
        assert rig.runner.counts["new"] == JobCounts()
        assert {row.destination for row in rig.roster.rows} == {"one"}
        assert rig.row("new", "one").row != row.row

    asyncio.run(body())


def test_rows_are_in_use_while_runs_go_on_whatever_the_plan() -> None:
    async def body() -> None:
        rig = Rig()
        rig.kinds["tcp"].hold["192.0.2.2"] = asyncio.Event()
        rig.plan(hosts=THREE, jobs=[job()])
        rows = {row.row for row in rig.roster.rows}
        assert rig.runner.rows == set()
        rig.runner.begin("job", NOON)
        rig.plan(jobs=[])
        assert rig.runner.rows == rows
        rig.kinds["tcp"].hold["192.0.2.2"].set()
        await rig.ended()
        assert rig.runner.rows == set()

    asyncio.run(body())


def test_runs_survive_the_wire() -> None:
    async def body() -> None:
        rig = Rig()
        rig.plan(hosts=THREE, jobs=[job(probes=["icmp", "tcp"])])
        run = await rig.run("job")
        assert msgspec.json.decode(msgspec.json.encode(run), type=type(run)) == run

    asyncio.run(body())

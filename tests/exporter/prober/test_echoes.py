from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.prober.tally import PLACE, Cell
from exporter.probes.base import ProbeFailed
from runtime.probing.reasons import Reason
from tests.exporter.prober.rig import Rig
from tests.fakes import FakeClock

HOSTS = {f"host-{n}": f"192.0.2.{n}" for n in range(1, 101)}


def job(**more: Any) -> dict[str, Any]:
    return {"name": "job", "tags": ["all"], **more}


@pytest.mark.setting("probes.jobs.splay")
def test_the_destinations_of_a_run_are_one_volley_spread_over_the_splay() -> None:
    async def body() -> None:
        rig = Rig()
        rig.plan(hosts=HOSTS, jobs=[job(splay="8s")])
        run = await rig.run("job")
        (volley,) = rig.echo.volleys
        assert [target.ip for target in volley.targets] == list(HOSTS.values())
        assert all(0 <= phase < 8 for phase in volley.phases)
        assert all(
            10 < sum(n * 2 <= phase < n * 2 + 2 for phase in volley.phases) < 45
            for n in range(4)
        )
        began = [result.began_ms for result in run.results]
        assert began == [1_000 + round(phase * 1000) for phase in volley.phases]

    asyncio.run(body())


@pytest.mark.parametrize("keep", ["all", "failures", "none"])
def test_all_are_counted_whether_their_results_are_kept_or_not(keep: Any) -> None:
    async def body() -> None:
        rig = Rig()
        ping = {"name": "three", "kind": "icmp", "count": 3}
        rig.plan(hosts=HOSTS, jobs=[job(probes=["three"])], modules=[ping], keep=keep)
        rig.echo.silent = {"192.0.2.7", "192.0.2.9"}
        rig.runner.begin("job", 60_000)
        await rig.ended()
        rows = [rig.row("job", name).row for name in HOSTS]
        cells = rig.tally.read(rows)
        assert cells[:, Cell.SUCCEEDED].tolist() == [
            int(host not in rig.echo.silent) for host in HOSTS.values()
        ]
        assert cells[:, Cell.REASON].sum() == 98
        assert cells[6, Cell.REASON + PLACE["unreachable"]] == 1
        # The third reply came 3 ms after its request, which was 2 s after the first.
        assert cells[0, Cell.DURATION_NS] == 2_003_000_000
        assert cells[6, Cell.DURATION_NS] == 3_000_000_000
        kept = [result.destination for run in rig.runs for result in run.results]
        expected = {"all": 100, "failures": 2, "none": 0}
        assert len(kept) == expected[keep]

    asyncio.run(body())


def test_results_of_all_and_of_some_say_the_same() -> None:
    async def body(keep: Any) -> dict[str, Any]:
        rig = Rig()
        rig.plan(hosts=HOSTS, jobs=[job()], keep=keep)
        rig.echo.silent = set(list(HOSTS.values())[90:])
        rig.echo.refused["192.0.2.5"] = ProbeFailed(Reason.NO_ADDRESS, "no way")
        run = await rig.run("job")
        return {one.destination: one for one in run.results if one.reason}

    found = asyncio.run(body("all"))
    assert len(found) == 11
    assert found["host-5"].reason == "no_address"
    assert found["host-95"].facts["unreachable"] == {"host": 1}
    assert asyncio.run(body("failures")) == found


def test_names_that_take_their_time_hold_up_nobody() -> None:
    async def body() -> None:
        rig = Rig()
        hosts = {"literal": "192.0.2.1", "known": "known.test", "slow": "slow.test"}
        rig.names.known = {"known.test": "192.0.2.2", "slow.test": "192.0.2.3"}
        rig.names.slow["slow.test"] = asyncio.Event()
        rig.plan(hosts=hosts, jobs=[job()])
        rig.runner.begin("job", 60_000)
        await rig.until(lambda: rig.echo.volleys)
        assert [one.ip for one in rig.echo.volleys[0].targets] == [
            "192.0.2.1",
            "192.0.2.2",
        ]
        rig.names.slow["slow.test"].set()
        await rig.ended()
        (run,) = rig.runs
        assert run.succeeded == 3
        assert rig.echoes.moved() == {"known": "192.0.2.2", "slow": "192.0.2.3"}
        assert rig.echoes.moved() == {}

    asyncio.run(body())


def test_names_that_do_not_resolve_fail_for_themselves() -> None:
    async def body() -> None:
        rig = Rig()
        hosts = {"good": "192.0.2.1", "gone": "gone.test", "odd": "[bad"}
        rig.plan(hosts=hosts, jobs=[job()])
        run = await rig.run("job")
        reasons = {one.destination: one.reason for one in run.results}
        assert reasons == {
            "good": "",
            "gone": "not_resolved",
            "odd": "wrong_settings",
        }

    asyncio.run(body())


def test_echoes_that_this_host_does_not_permit_are_told_once() -> None:
    async def body() -> None:
        rig = Rig()
        rig.plan(hosts=HOSTS, jobs=[job(probes=["icmp", "tcp"])])
        forbidden = ProbeFailed(Reason.NO_PERMISSION, "not permitted")
        rig.echo.refused = dict.fromkeys(HOSTS.values(), forbidden)
        run = await rig.run("job")
        await rig.run("job")
        reasons = {(one.kind, one.reason) for one in run.results}
        assert reasons == {("icmp", "no_permission"), ("tcp", "")}

    with capture_logs() as logs:
        asyncio.run(body())
    (told,) = [line for line in logs if line["event"].startswith("echo requests")]
    assert "CAP_NET_RAW" in told["remedy"]


def test_echoes_that_are_still_under_way_are_not_doubled() -> None:
    async def body() -> None:
        rig = Rig()
        long = {"name": "long", "kind": "icmp", "count": 5}
        described = job(probes=["long"], interval="10s")
        rig.plan(hosts={"one": "192.0.2.1"}, jobs=[described], modules=[long])
        rig.echo.hold = asyncio.Event()
        rig.runner.begin("job", 60_000)
        await asyncio.sleep(0.01)
        second = asyncio.create_task(rig.run("job", at=70_000))
        await asyncio.sleep(0.01)
        assert len(rig.echo.volleys) == 1
        rig.echo.hold.set()
        await second
        assert {run.skipped for run in rig.runs} == {0, 1}

    asyncio.run(body())


def test_a_name_that_is_still_sought_is_skipped_and_sent_to_once() -> None:
    async def body() -> None:
        rig = Rig()
        rig.names.slow["slow.test"] = asyncio.Event()
        rig.names.known["slow.test"] = "192.0.2.9"
        rig.plan(hosts={"slow": "slow.test"}, jobs=[job(interval="1s")])
        # Settings may be longer than the time that passes here.
        rig.echoes._clock = clock = FakeClock()
        for at in (60_000, 62_000, 64_000):
            rig.runner.begin("job", at)
            await asyncio.sleep(0.001)
            clock.advance(2)
        rig.names.slow["slow.test"].set()
        await rig.ended()
        assert sorted(run.skipped for run in rig.runs) == [0, 1, 1]
        assert len(rig.echo.volleys) == 1

    asyncio.run(body())

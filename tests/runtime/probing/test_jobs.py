from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from runtime.probing.jobs import BUILT_IN, Job, Probes, refuse_too_long
from runtime.probing.probes import IcmpProbe


def probes(**written: Any) -> Probes:
    return Probes.model_validate(written)


GATEWAY = {"name": "gateway", "host": "192.0.2.1"}
SMOKE = {"name": "smoke", "kind": "icmp", "count": 20, "spacing": "500ms"}


def job(**further: Any) -> dict[str, Any]:
    return {"name": "all", "destinations": ["gateway"], **further}


def test_a_job_needs_no_more_than_a_destination() -> None:
    found = probes(destinations=[GATEWAY], jobs=[job()]).jobs[0]
    assert (found.interval, found.probes, found.history) == (60.0, ("icmp",), "all")


def test_modules_of_a_name_come_before_those_that_are_built_in() -> None:
    own = {"name": "icmp", "kind": "icmp", "count": 5}
    found = probes(modules=[own, SMOKE])
    assert found.module("icmp").model_dump()["count"] == 5
    assert found.module("smoke").model_dump()["count"] == 20
    assert found.module("http") is BUILT_IN["http"]
    with pytest.raises(KeyError):
        found.module("gopher")


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ({"jobs": [{"name": "a"}]}, "destinations: there is none; name some, or tags"),
        ({"jobs": [job()]}, "there is no destination 'gateway'"),
        (
            {"destinations": [GATEWAY], "jobs": [job(probes=["gopher"])]},
            "there is no module 'gopher'; known are http, icmp",
        ),
        (
            {"destinations": [GATEWAY, GATEWAY]},
            "destinations: the name 'gateway' is used twice",
        ),
        (
            {"destinations": [GATEWAY], "jobs": [job(splay="2m")]},
            "splay: 2m is longer than the interval, 1m",
        ),
        (
            {
                "modules": [SMOKE],
                "destinations": [GATEWAY],
                "jobs": [job(probes=["smoke"], interval="10s")],
            },
            "20 requests 500ms apart, and 1s for the last reply, take longer than 10s",
        ),
        (
            {
                "destinations": [GATEWAY],
                "jobs": [
                    job(
                        valid_from="2026-11-22T00:00:00Z",
                        valid_until="2026-11-22T00:00:00+01:00",
                    )
                ],
            },
            "valid_until: 2026-11-22T00:00:00.01:00 is not after valid_from",
        ),
        (
            {"destinations": [GATEWAY], "jobs": [job(valid_from="2026-11-22T00:00")]},
            "is not an instant; write it with its zone",
        ),
        (
            {
                "destinations": [GATEWAY],
                "jobs": [job(windows=[{"start": "24:30", "end": "25:00"}])],
            },
            "'24:30' is not a time of day",
        ),
        (
            {
                "destinations": [GATEWAY],
                "jobs": [job(windows=[{"not_on": ["24.12."]}])],
            },
            "is not a date; write 2026-12-24",
        ),
        ({"destinations": [{"name": "a", "host": "a b"}]}, "is not a host"),
        ({"maintenance": [{"name": "m"}]}, "end: is missing"),
        (
            {"maintenance": [{"name": "m", "destinations": ["x"], "windows": [{}]}]},
            "there is no destination 'x'",
        ),
        (
            {"status": {"degraded_after": 5, "error_after": 3}},
            "error_after: 3 is less than degraded_after, 5",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(written: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        probes(**written)


def test_a_single_request_may_be_waited_for_all_the_interval() -> None:
    probe = IcmpProbe(name="icmp", kind="icmp", timeout="1s")
    assert not refuse_too_long(1.0, probe)
    assert refuse_too_long(0.999, probe)


def test_other_kinds_may_take_as_long_as_they_like() -> None:
    assert not refuse_too_long(1.0, BUILT_IN["http"])


def test_jobs_go_over_the_wire_unchanged() -> None:
    found = probes(
        destinations=[GATEWAY],
        jobs=[job(windows=[{"days": ["sat"], "start": "22:00", "end": "06:00"}])],
    ).jobs[0]
    assert Job.model_validate_json(found.model_dump_json()) == found

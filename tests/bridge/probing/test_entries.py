from __future__ import annotations

from typing import Any

import pytest

from bridge.probing.entries import (
    DESTINATION,
    JOB,
    MAINTENANCE,
    MODULE,
    Around,
    Kind,
    WrongEntry,
    read,
    stored,
    written,
)
from runtime.probing.jobs import Job
from runtime.probing.probes import IcmpProbe

PATIENT = {"name": "patient", "kind": "icmp", "count": 20}


def problems(
    kind: Kind, document: dict[str, Any], around: Around | None = None
) -> dict[str, str]:
    with pytest.raises(WrongEntry) as caught:
        read(kind, document, around or Around())
    return dict(caught.value.problems)


def test_an_entry_is_read_as_config_yaml_is() -> None:
    job = read(
        JOB,
        {"name": "gateways", "interval": "1m30s", "destinations": ["gateway"]},
        Around(destinations=["gateway"]),
    )
    assert isinstance(job, Job)
    assert (job.interval, job.probes) == (90.0, ("icmp",))
    whole = written(job)
    assert (whole["interval"], whole["history"], whole["splay"]) == (
        "1m30s",
        "all",
        None,
    )
    assert stored(JOB, whole) == job


def test_words_of_the_api_are_no_names() -> None:
    assert problems(DESTINATION, {"name": "summary", "host": "a"}) == {
        "name": "'summary' is a word of the API; choose another one"
    }


def test_every_problem_is_told_with_its_dotted_key() -> None:
    found = problems(
        JOB,
        {
            "name": "a job",
            "interval": 5,
            "windows": [{"start": "25:00"}],
            "probs": ["icmp"],
            "destinations": ["nowhere"],
        },
    )
    assert found == {
        "name": "'a job' is not a name; write 1 to 64 letters, digits and any of _ . -",
        "interval": "5 is not a duration; write a number with a unit (ms, s, m, h, d, "
        "w, y), for example 15s or 1h30m",
        "windows[0].start": "'25:00' is not a time of day; write 08:30, or 24:00 for "
        "the day's end",
        "probs": "is no key here; did you mean probes?",
        "destinations": "there is no destination 'nowhere'",
    }


def test_a_job_goes_with_the_modules_that_are_there() -> None:
    around = Around(destinations=["gateway"], modules=[PATIENT])
    job = {"name": "j", "destinations": ["gateway"], "probes": ["patient"]}
    read(JOB, {**job, "interval": "20s"}, around)
    assert problems(JOB, {**job, "interval": "5s"}, around) == {
        "interval": "20 requests 1s apart, and 1s for the last reply, take longer "
        "than 5s"
    }
    unknown = problems(JOB, {**job, "probes": ["hasty"]}, around)
    assert "there is no module 'hasty'" in unknown["probes"]


def test_a_module_goes_with_the_jobs_that_use_it() -> None:
    job = {
        "name": "often",
        "tags": ["lan"],
        "interval": "5s",
        "probes": ["patient"],
    }
    around = Around(jobs=[job], modules=[{**PATIENT, "count": 2}])
    assert isinstance(read(MODULE, {**PATIENT, "count": 3}, around), IcmpProbe)
    assert problems(MODULE, PATIENT, around) == {
        "": "the job 'often' could not be done with it: 20 requests 1s apart, and 1s "
        "for the last reply, take longer than 5s"
    }


def test_other_kinds_are_read_too() -> None:
    assert problems(DESTINATION, {"name": "gateway", "host": "a b"}) == {
        "host": "'a b' is not a host; write a name, an address, host:port or a URL"
    }
    assert problems(MODULE, {"name": "ping", "kind": "pong"}) == {
        "kind": "'pong' is not allowed; use icmp, traceroute, tcp, tls, http, dns or "
        "throughput"
    }
    assert "end" in problems(MAINTENANCE, {"name": "night"})
    assert "destinations" in problems(
        MAINTENANCE,
        {"name": "night", "end": "2026-12-01T00:00:00Z", "destinations": ["x"]},
    )

from __future__ import annotations

import msgspec

from runtime.probing import wire
from runtime.probing.jobs import BUILT_IN, Destination, Job
from runtime.probing.wire import Batch, Plan, Result, Run

RESULT = Result(
    destination="gateway",
    probe="icmp",
    kind="icmp",
    began_ms=1_795_251_600_250,
    seconds=2.01,
    address="192.0.2.1",
    sent=3,
    received=2,
    rtts=(0.0021, None, 0.0019),
    facts={"ttl": 63},
)
RUN = Run(
    job="gateways",
    scheduled_ms=1_795_251_600_000,
    began_ms=1_795_251_600_001,
    ended_ms=1_795_251_602_300,
    state="completed",
    destinations=1,
    succeeded=1,
    results=(RESULT,),
)


def test_batches_go_over_the_wire_unchanged() -> None:
    batch = Batch(agent="edge-1", runs=(RUN,))
    assert msgspec.json.decode(msgspec.json.encode(batch), type=Batch) == batch


def test_what_is_as_usual_is_not_said() -> None:
    told = msgspec.json.encode(RUN)
    assert b'"reason"' not in told
    assert b'"marks"' not in told


def test_a_result_succeeds_without_a_reason() -> None:
    assert RESULT.succeeded
    assert not msgspec.structs.replace(RESULT, reason="timeout").succeeded


def test_plans_go_over_the_wire_unchanged() -> None:
    plan = Plan(
        version="7",
        modules=(BUILT_IN["icmp"],),
        destinations=(Destination(name="gateway", host="192.0.2.1"),),
        jobs=(Job(name="gateways", destinations=("gateway",)),),
        tests=(wire.Test(id=1, destination="", host="::1", probe=BUILT_IN["tcp"]),),
    )
    assert Plan.model_validate_json(plan.model_dump_json()) == plan

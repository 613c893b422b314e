"""What came of a volley, told as the result of each of its targets."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.probes.icmp_errors import FRAGMENTATION_NEEDED, TOO_BIG
from exporter.probes.volleys import jitter_of
from runtime.probing.reasons import Reason
from runtime.probing.wire import CLOCK_STEPPED, Result
from runtime.quantities import format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.probes.volleys import Volley, VolleyResult

    Counts = Mapping[tuple[int, str], int]

_PERCENTILES: Final = (50, 90, 95, 99)
_TOO_BIG: Final = {TOO_BIG, FRAGMENTATION_NEEDED}
_COLUMNS: Final = ("duplicates", "late", "corrupt", "wrong_source", "reordered")
_NOTHING: Final[dict[str, int]] = {}


def results_of(
    volley: Volley, found: VolleyResult, names: Sequence[str]
) -> list[Result]:
    """Return a result for each target, in order; `names` are the destinations'.

    A target fails where no reply at all came in time, for the most telling reason:
    what somebody said is more than a local failure, and that is more than silence.
    """
    facts = _facts(found)
    sent, received = found.sent.tolist(), found.received.tolist()
    marks = (CLOCK_STEPPED,) if found.stepped else ()
    failures = {
        number: _failure(found, facts[number], number, volley)
        for number in np.flatnonzero(found.received == 0).tolist()
    }
    return [
        Result(
            destination=name,
            probe=volley.settings.name,
            kind=volley.settings.kind,
            began_ms=found.began_ms,
            seconds=found.seconds,
            reason=failures[number][0] if number in failures else Reason.NONE,
            message=failures[number][1] if number in failures else "",
            address=target.ip,
            sent=sent[number],
            received=received[number],
            rtts=tuple(
                None if nanoseconds < 0 else nanoseconds / 1e9 for nanoseconds in row
            )
            if sent[number]
            else (),
            facts=facts[number],
            marks=marks,
        )
        for number, (name, target, row) in enumerate(
            zip(names, volley.targets, found.rtts.tolist(), strict=True)
        )
    ]


def _facts(found: VolleyResult) -> list[dict[str, Any]]:
    facts: list[dict[str, Any]] = [{} for _ in range(len(found.sent))]
    ttls = found.ttls.tolist()
    for number in np.flatnonzero(found.ttls >= 0).tolist():
        facts[number]["ttl"] = ttls[number]
    for name in _COLUMNS:
        column = getattr(found, name)
        for number in np.flatnonzero(column).tolist():
            facts[number][name] = int(column[number])
    for name, counts in (
        ("unreachable", found.unreachable),
        ("ttl_exceeded", found.ttl_exceeded),
        ("send_errors", found.send_errors),
    ):
        for number, named in _by_target(counts).items():
            facts[number][name] = named
    jitters = jitter_of(found.rtts)
    for number in np.flatnonzero(~np.isnan(jitters)).tolist():
        facts[number]["jitter"] = float(jitters[number])
        rtts = found.rtts[number]
        values = np.percentile(rtts[rtts >= 0], _PERCENTILES) / 1e9
        facts[number]["percentiles"] = {
            str(percent): float(value)
            for percent, value in zip(_PERCENTILES, values, strict=True)
        }
    return facts


def _by_target(counts: Counts) -> dict[int, dict[str, int]]:
    grouped: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for (number, name), count in counts.items():
        grouped[number][name] = count
    return grouped


def _failure(
    found: VolleyResult, facts: dict[str, Any], number: int, volley: Volley
) -> tuple[Reason, str]:
    if refused := found.refused.get(number):
        return refused.reason, str(refused)
    said = facts.get("unreachable", _NOTHING)
    unsent = facts.get("send_errors", _NOTHING)
    size, timeout = volley.settings.size, volley.settings.timeout
    too_big = _TOO_BIG & said.keys() or {"EMSGSIZE"} & unsent.keys()
    reasons = {
        Reason.TOO_BIG: too_big and f"{size} bytes do not fit the way undivided",
        Reason.TTL_EXCEEDED: _told(facts.get("ttl_exceeded", _NOTHING)),
        Reason.UNREACHABLE: _told(said),
        Reason.SEND_FAILED: unsent and f"this host could not send: {_told(unsent)}",
        Reason.ABORTED: found.aborted and "the prober was stopped meanwhile",
        Reason.PROTOCOL_ERROR: "corrupt" in facts
        and f"{facts['corrupt']} replies were not as sent",
        Reason.TIMEOUT: _silence(facts, timeout),
    }
    return next((reason, str(text)) for reason, text in reasons.items() if text)


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(
        name if count == 1 else f"{name} ({count} times)"
        for name, count in sorted(counts.items())
    )


def _silence(facts: dict[str, Any], timeout: float) -> str:
    text = f"no reply within {format_duration(timeout)}"
    if late := facts.get("late"):
        text += f"; {late} came later"
    if wrong := facts.get("wrong_source"):
        text += f"; {wrong} came from other addresses"
    return text

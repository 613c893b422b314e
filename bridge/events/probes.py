"""The events of what is probed: failures, routes, certificates, and slowness.

What an event tells of is named by its fingerprint, and its time is when it began: so it
is the same event while it lasts, and each time that it is found again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from bridge.events.event import (
    AVAILABILITY,
    CERTIFICATE,
    LATENCY,
    ROUTING,
    Event,
    as_metadata,
)
from bridge.events.fingerprint import fingerprint
from bridge.events.wording import sentence
from runtime.probing.reasons import MEANINGS, Reason
from runtime.quantities import format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SOURCE: Final = "probes"
"""Name of the source of these events; none of config.yaml can be called so."""
FAILED: Final = "probe_failed"
"""Recorder of failures that lasted long enough to count."""
RECOVERED: Final = "probe_recovered"
"""Recorder of their ends."""
ROUTE_CHANGED: Final = "route_changed"
"""Recorder of paths that differ from the one before."""
CERTIFICATE_CHANGED: Final = "certificate_changed"
"""Recorder of certificates that a destination did not have before."""
CERTIFICATE_EXPIRING: Final = "certificate_expiring"
"""Recorder of certificates that end soon, or did."""
SLOWER: Final = "probe_slower"
"""Recorder of hours in which a destination was worse than it usually is."""


@dataclass(frozen=True, slots=True)
class About:
    """What an event is about: a destination by name and host, and a probe of it."""

    destination: str
    host: str
    probe: str

    def __str__(self) -> str:
        """Name both for people."""
        return f"{self.probe} of {self.destination}"

    @property
    def whole(self) -> About:
        """The destination itself, whatever probes it."""
        return About(self.destination, self.host, "")


def failed_event(
    about: About,
    lasted: tuple[int, int | None],
    reasons: Mapping[str, int],
    first: tuple[str, str],
    agents: Sequence[str],
) -> Event:
    """Return the event of a failure: `first` is the reason it began with, and its text.

    `lasted` is when it began and ended, None while it lasts; the rest is what all
    agents saw of it.
    """
    opened, closed = lasted
    reason, message = first
    count = sum(reasons.values())
    words = "once" if count == 1 else f"{count} times"
    if closed is None:
        what = f"is failing, {words} so far"
    else:
        what = f"failed {words} within {format_duration((closed - opened) / 1000)}"
    told = f"{about} {what}, as seen by {', '.join(agents)}: {_why(*first)}"
    return _event(
        FAILED,
        about,
        opened,
        category=AVAILABILITY,
        type=reason,
        message=told,
        occurrences=count,
        facts={
            "opened": opened,
            "closed": closed,
            "agents": list(agents),
            "reasons": dict(reasons),
            "message": message,
        },
    )


def recovered_event(
    about: About, opened: int, closed: int, agents: Sequence[str], *, proved: bool
) -> Event:
    """Return the event of a failure's end; not `proved` if it is only seen no more."""
    lasted = format_duration((closed - opened) / 1000)
    how = "succeeds again" if proved else "is made no more, and failed last"
    return _event(
        RECOVERED,
        about,
        closed,
        category=AVAILABILITY,
        type="recovered" if proved else "not_probed",
        message=f"{about} {how}, {lasted} after it began to fail",
        facts={"opened": opened, "closed": closed, "agents": list(agents)},
    )


def route_event(
    about: About, time: int, agent: str, old: str, new: str, *, known: bool
) -> Event:
    """Return the event of a path that conflicts with the one before.

    `known` tells that the destination was reached this way earlier.
    """
    before = "the earlier way" if known else "a new way"
    return _event(
        ROUTE_CHANGED,
        about,
        time,
        category=ROUTING,
        type="route_changed",
        message=f"{about}, as seen by {agent}, takes {before}: {new} and not {old}",
        identity=(agent,),
        facts={"agent": agent, "old": old, "new": new, "known": known},
    )


def certificate_changed_event(
    about: About, time: int, old: tuple[str, str], new: tuple[str, str]
) -> Event:
    """Return the event of a certificate; both are its SHA-256 and its subject."""
    return _event(
        CERTIFICATE_CHANGED,
        about,
        time,
        category=CERTIFICATE,
        type="certificate_changed",
        message=f"{about} shows another certificate: {new[1] or new[0][:16]}",
        facts={"old": old[0], "new": new[0], "subject": new[1]},
    )


def certificate_expiring_event(
    about: About, time: int, leaf: tuple[str, str], ends: int, closed: int | None
) -> Event:
    """Return the event of a certificate that ends soon; `closed` once it is gone."""
    sha256, subject = leaf
    when = datetime.fromtimestamp(ends / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return _event(
        CERTIFICATE_EXPIRING,
        about.whole,
        time,
        category=CERTIFICATE,
        type="certificate_expiring",
        message=f"The certificate of {about.destination} ({subject or sha256[:16]}) "
        f"ends on {when}",
        identity=(sha256,),
        facts={
            "opened": time,
            "closed": closed,
            "sha256": sha256,
            "subject": subject,
            "ends": ends,
        },
    )


def slower_event(
    about: About,
    lasted: tuple[int, int | None],
    agent: str,
    facts: Mapping[str, Any],
    hours: int,
) -> Event:
    """Return the event of hours that were worse than the same hours usually are.

    `lasted` is when they began and ended, None while they last; `agent` is empty where
    nobody knows which one saw them. `facts` are `rtt` and
    `usual_rtt` (seconds), `loss` and `usual_loss` (ratios) of the first of them, and
    `slow` and `lossy`: in what they were worse.
    """
    opened, closed = lasted
    return _event(
        SLOWER,
        about,
        opened,
        category=LATENCY,
        type="degraded",
        message=f"{about}{f', as seen by {agent},' if agent else ''} is worse than "
        f"usual in this hour of the week: {_compared(facts)}",
        occurrences=hours,
        identity=(agent,),
        facts={"opened": opened, "closed": closed, "agent": agent, **facts},
    )


def prints(recorder: str, about: About, *identity: str) -> str:
    """Return the fingerprint of events of a recorder about something."""
    return fingerprint(recorder, about.destination, about.probe, *identity)


def _event(
    recorder: str,
    about: About,
    time: int,
    *,
    category: str,
    type: str,  # noqa: A002 - the column's name
    message: str,
    facts: Mapping[str, Any],
    occurrences: int = 1,
    identity: Sequence[str] = (),
) -> Event:
    return Event(
        source=SOURCE,
        fingerprint=prints(recorder, about, *identity),
        time=time,
        detector=recorder,
        category=category,
        type=type,
        message=sentence(message),
        occurrences=occurrences,
        endpoint=about.host,
        metadata=as_metadata(destination=about.destination, probe=about.probe, **facts),
    )


def _why(reason: str, message: str) -> str:
    """Return what a probe said, or what its reason means if it said nothing."""
    try:
        return message or MEANINGS[Reason(reason)]
    except ValueError:  # of an agent that is newer than the bridge
        return reason


def _compared(facts: Mapping[str, Any]) -> str:
    told = []
    if facts.get("slow"):
        told.append(
            f"{facts['rtt'] * 1000:.1f} ms "
            f"instead of {facts['usual_rtt'] * 1000:.1f} ms"
        )
    if facts.get("lossy"):
        told.append(f"{facts['loss']:.1%} lost instead of {facts['usual_loss']:.1%}")
    return " and ".join(told)

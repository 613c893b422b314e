"""How a host was at a time, in the shape that PerfWatch gives it.

What is not known is null and listed with the reason: it is never zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.answers.host import Unknown
from bridge.answers.snapshot_keys import KEYS, SECTIONS
from bridge.answers.times import format_time

if TYPE_CHECKING:
    from bridge.answers.host import Found
    from bridge.answers.snapshot_keys import Made


def snapshot_document(instance: str, found: Found) -> dict[str, Any]:
    """Return a snapshot in the shape of its JSON document.

    A section of which nothing is known is null as a whole.
    """
    host = found.host
    sections: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    missing: dict[str, str] = {}
    for key in KEYS:
        value: Made | None = None
        try:
            value = key.of(host)
        except Unknown as error:
            missing[f"{key.section}.{key.name}"] = str(error)
        sections[key.section][key.name] = value
    start, end = host.stretch.bounds
    return {
        "instance": instance,
        "source": found.source,
        "job": found.job,
        "timestamp": format_time(end),
        "resolution": host.stretch.resolution.value,
        "start": start,
        "end": end,
        "reason": found.reason,
        **{
            name: section if any(v is not None for v in section.values()) else None
            for name, section in sections.items()
        },
        "missing": missing,
        "notes": list(found.notes),
    }

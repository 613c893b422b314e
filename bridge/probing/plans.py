"""What an agent has to do, of all that is there.

A plan holds the jobs of an agent, and of everything else only what these need, so that
an agent of one site knows nothing of another. Its version is a hash of the rest: equal
content has equal versions, on every worker and after every restart.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import orjson

from runtime.probing.jobs import Job

Entry: TypeAlias = Mapping[str, Any]
"""A destination, job, module or maintenance as it was written."""

_DIGEST_BYTES: Final = 12
_PROBES: Final[tuple[str, ...]] = Job.model_fields["probes"].default


@dataclass(frozen=True, slots=True)
class Everything:
    """All that is written, in the order of names."""

    modules: Sequence[Entry] = ()
    destinations: Sequence[Entry] = ()
    jobs: Sequence[Entry] = ()
    maintenance: Sequence[Entry] = ()
    _names: Mapping[str, frozenset[str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_tag: dict[str, set[str]] = defaultdict(set)
        for one in self.destinations:
            for tag in one.get("tags", ()):
                by_tag[tag].add(one["name"])
        names = {tag: frozenset(found) for tag, found in by_tag.items()}
        object.__setattr__(self, "_names", names)

    def selected(self, entry: Entry) -> set[str]:
        """Return the destinations of a job or maintenance: by name, and by tags."""
        found = set(entry.get("destinations", ()))
        tags = [self._names.get(tag, frozenset()) for tag in entry.get("tags", ())]
        if tags:
            found |= frozenset.intersection(*tags)
        return found


def plan_of(
    everything: Everything, agent: str, tests: Sequence[Entry] = ()
) -> dict[str, Any]:
    """Return the plan of an agent as a JSON document, see `runtime.probing.wire`."""
    jobs = [
        job
        for job in everything.jobs
        if not job.get("agents") or agent in job["agents"]
    ]
    names: set[str] = set()
    for job in jobs:
        names |= everything.selected(job)
    modules = {name for job in jobs for name in _modules(job)}
    content = {
        "modules": [one for one in everything.modules if one["name"] in modules],
        "destinations": [
            one for one in everything.destinations if one["name"] in names
        ],
        "jobs": jobs,
        "maintenance": [
            one for one in everything.maintenance if _concerns(everything, one, names)
        ],
        "tests": list(tests),
    }
    return {"version": _version(content), **content}


def _modules(job: Entry) -> Sequence[str]:
    used = job.get("probes", _PROBES)
    if job.get("on_failure", {}).get("traceroute"):
        return [*used, "traceroute"]
    return list(used)


def _concerns(everything: Everything, maintenance: Entry, names: set[str]) -> bool:
    """Whether any of these destinations is left alone; all are if it names none."""
    if not maintenance.get("destinations") and not maintenance.get("tags"):
        return bool(names)
    return not names.isdisjoint(everything.selected(maintenance))


def _version(content: Mapping[str, Any]) -> str:
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=_DIGEST_BYTES).hexdigest()

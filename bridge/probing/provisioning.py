"""Takes over what config.yaml says of probing, at the start of the bridge.

What the file has is its own: it is made, or changed to what the file says, also where
somebody made an entry of that name by the API before; its history stays. What the file
had and no longer has is removed, unless an entry of the API names it: then it is left
to the API, and a destination is no longer probed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import structlog

from bridge.probing.catalogue import API, CONFIG
from bridge.probing.entries import KINDS, Kind, written
from models.queries import catalogue as changes
from models.queries import entries as table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.database import Database
    from models.queries.entries import EntryRow
    from runtime.clock import Clock
    from runtime.probing.jobs import Probes

log = structlog.get_logger(__name__)

Action = Literal["make", "change", "adopt", "remove"]

_SETS: Final = {"destinations": ("tags",), "jobs": ("destinations", "tags")}
"""Keys whose order is not kept."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to be done to an entry; `document` is what config.yaml says."""

    action: Action
    kind: Kind
    name: str
    document: Mapping[str, Any]


def steps(db: Database, probes: Probes) -> list[Step]:
    """Return what is to be done so that the database says what config.yaml says.

    Those that others name come first, and are removed last.
    """
    found: list[Step] = []
    gone: list[Step] = []
    for kind in KINDS:
        wanted = {entry.name: written(entry) for entry in getattr(probes, kind.key)}
        there = {row.name: row for row in table.everything(db, kind.key)}
        for name, document in wanted.items():
            action = _action(kind, there.get(name), document)
            if action is not None:
                found.append(Step(action, kind, name, document))
        gone += [
            Step("remove", kind, name, row.document)
            for name, row in there.items()
            if row.origin == CONFIG and name not in wanted
        ]
    return found + gone[::-1]


def provision(db: Database, probes: Probes, clock: Clock) -> Counter[str]:
    """Do what is to be done, in one transaction; return how often what was done.

    Raises DatabaseUnavailable.
    """
    done: Counter[str] = Counter()
    with changes.alone(db):
        now = round(clock.now() * 1000)
        for step in steps(db, probes):
            done[_DO[step.action](db, step, now)] += 1
    if done:
        log.info("config.yaml taken over", section="probes", **done)
    return done


def _action(
    kind: Kind, row: EntryRow | None, document: Mapping[str, Any]
) -> Action | None:
    if row is None:
        return "make"
    if row.origin != CONFIG:
        return "adopt"
    same = _plain(kind, row.document) == _plain(kind, document)
    return None if same else "change"


def _plain(kind: Kind, document: Mapping[str, Any]) -> dict[str, Any]:
    sets = {key: sorted(set(document[key])) for key in _SETS.get(kind.key, ())}
    return {**document, **sets}


def _make(db: Database, step: Step, now: int) -> str:
    changes.create(db, step.kind.key, step.document, origin=CONFIG, now=now)
    return "made"


def _change(db: Database, step: Step, now: int) -> str:
    _write(db, step, step.document, CONFIG, now)
    return "changed"


def _adopt(db: Database, step: Step, now: int) -> str:
    log.warning(
        "config.yaml has what was made by the API, and owns it from now on",
        kind=step.kind.word,
        name=step.name,
    )
    _write(db, step, step.document, CONFIG, now)
    return "adopted"


def _remove(db: Database, step: Step, now: int) -> str:
    try:
        changes.delete(db, step.kind.key, step.name, revision=None, now=now)
    except changes.EntryInUse as error:
        off = {"enabled": False} if "enabled" in step.document else {}
        log.warning(
            "config.yaml no longer has what others name: it is left to the API",
            kind=step.kind.word,
            name=step.name,
            used_by=[name for _, name in error.users],
            disabled=bool(off),
        )
        _write(db, step, {**step.document, **off}, API, now)
        return "left"
    return "removed"


def _write(
    db: Database, step: Step, document: Mapping[str, Any], origin: str, now: int
) -> None:
    changes.replace(db, step.kind.key, document, revision=None, origin=origin, now=now)


_DO: Final = {"make": _make, "change": _change, "adopt": _adopt, "remove": _remove}

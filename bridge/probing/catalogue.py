"""What is probed, how and when: read, and changed by one person at a time.

A change is based on a state that has a tag, the number and the revision of the entry;
`matches` says whether a tag is the one that was read. Entries of config.yaml are
changed only there. Every change is logged with who made it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import structlog

from bridge.probing.entries import (
    DESTINATION,
    JOB,
    KINDS,
    MODULE,
    Around,
    Kind,
    WrongEntry,
    read,
    refuse_strange,
    written,
)
from bridge.probing.refusals import (
    ChangedMeanwhile,
    InUse,
    NameTaken,
    NoSuchEntry,
    OwnedByConfig,
)
from models.queries import catalogue as changes
from models.queries import entries as table
from models.queries.entries import EntryRow, Sought

if TYPE_CHECKING:
    from models.database import Database
    from runtime.clock import Clock

log = structlog.get_logger(__name__)

CONFIG: Final = "config"
API: Final = "api"
_EVERYTHING: Final = Sought()
_MANY: Final = 50
"""Names from which on it is cheaper to read all than to look for each."""

Condition: TypeAlias = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it is kept; `tag` is another one with each change."""

    kind: Kind
    row: EntryRow

    @property
    def name(self) -> str:
        """Its name."""
        return self.row.name

    @property
    def tag(self) -> str:
        """What its state is called: never given again, also not to others."""
        return f"{self.row.id}.{self.row.revision}"

    @property
    def status(self) -> str:
        """What the results of a destination say, inactive if it is not probed."""
        return self.row.status if self.row.document.get("enabled") else "inactive"


def always(tag: str) -> bool:
    """Be the condition of a change that does not care what was there."""
    del tag
    return True


class Catalogue:
    """The entries of a database."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def listed(
        self,
        kind: Kind,
        sought: Sought = _EVERYTHING,
        after: str = "",
        limit: int = 1000,
    ) -> list[Entry]:
        """Return entries by name, those behind `after`."""
        rows = table.listed(self._db, kind.key, sought, after=after, limit=limit)
        return [Entry(kind, row) for row in rows]

    def count(self, kind: Kind, sought: Sought = _EVERYTHING) -> int:
        """Return how many entries there are."""
        return table.count(self._db, kind.key, sought)

    def entry(self, kind: Kind, name: str) -> Entry:
        """Return an entry; raise NoSuchEntry."""
        row = table.find(self._db, kind.key, name)
        if row is None:
            raise NoSuchEntry(kind, name)
        return Entry(kind, row)

    def read(self, kind: Kind, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return all settings of an entry; raise WrongEntry."""
        refuse_strange(document)
        return written(read(kind, document, self._around(kind, document)))

    def create(self, kind: Kind, document: Mapping[str, Any], author: str) -> Entry:
        """Add an entry; raise WrongEntry and NameTaken."""
        with changes.alone(self._db), _destinations_are_known():
            settings = self.read(kind, document)
            try:
                row = changes.create(
                    self._db, kind.key, settings, origin=API, now=self._now()
                )
            except changes.EntryTaken as error:
                raise NameTaken(kind, settings["name"]) from error
        return self._told("made", kind, row, author)

    def replace(
        self,
        kind: Kind,
        name: str,
        document: Mapping[str, Any],
        author: str,
        matches: Condition = always,
    ) -> Entry:
        """Give an entry other settings; its name stays.

        Raises NoSuchEntry, ChangedMeanwhile, OwnedByConfig and WrongEntry.
        """
        with changes.alone(self._db), _destinations_are_known():
            entry = self._changeable(kind, name, matches)
            _refuse_other_name(name, document)
            settings = self.read(kind, document)
            with _unchanged(kind, name):
                row = changes.replace(
                    self._db,
                    kind.key,
                    settings,
                    revision=entry.row.revision,
                    origin=API,
                    now=self._now(),
                )
        return self._told("changed", kind, row, author)

    def patch(
        self,
        kind: Kind,
        name: str,
        patch: Mapping[str, Any],
        author: str,
        matches: Condition = always,
    ) -> Entry:
        """Change some settings of an entry by a merge patch (RFC 7396).

        Raises what `replace` raises.
        """
        while True:
            entry = self._changeable(kind, name, matches)
            document = merged(entry.row.document, patch)
            try:
                # Of just that state: on PostgreSQL another may come in between.
                return self.replace(kind, name, document, author, entry.tag.__eq__)
            except ChangedMeanwhile as error:
                if not matches(error.current.tag):
                    raise

    def remove(
        self, kind: Kind, name: str, author: str, matches: Condition = always
    ) -> Entry:
        """Remove an entry that no other names, and return what it was.

        Raises NoSuchEntry, ChangedMeanwhile, OwnedByConfig and InUse.
        """
        with changes.alone(self._db):
            entry = self._changeable(kind, name, matches)
            with _unchanged(kind, name):
                row = changes.delete(
                    self._db,
                    kind.key,
                    name,
                    revision=entry.row.revision,
                    now=self._now(),
                )
        return self._told("removed", kind, row, author)

    def _changeable(self, kind: Kind, name: str, matches: Condition) -> Entry:
        entry = self.entry(kind, name)
        if not matches(entry.tag):
            raise ChangedMeanwhile(entry)
        if entry.row.origin == CONFIG:
            raise OwnedByConfig(kind, name)
        return entry

    def _around(self, kind: Kind, document: Mapping[str, Any]) -> Around:
        """Return what an entry has to go with, of all that is there."""
        named = _texts(document.get("destinations"))
        if len(named) > _MANY:
            found = [one.name for one in table.everything(self._db, DESTINATION.key)]
        else:
            found = [
                name for name in named if table.find(self._db, DESTINATION.key, name)
            ]
        modules: list[dict[str, Any]] = []
        if kind is JOB:
            modules = [one.document for one in table.everything(self._db, MODULE.key)]
        jobs = self._users(document.get("name")) if kind is MODULE else []
        return Around(found, modules, jobs)

    def _users(self, module: object) -> list[dict[str, Any]]:
        """Return the jobs that use a module, and what they are besides is right."""
        return [
            {**row.document, "destinations": [], "tags": ["any"], "probes": [module]}
            for row in table.everything(self._db, JOB.key)
            if module in row.document.get("probes", ())
        ]

    def _told(self, did: str, kind: Kind, row: EntryRow, author: str) -> Entry:
        log.info("probing changed", what=f"{did} {kind.word}", name=row.name, by=author)
        return Entry(kind, row)

    def _now(self) -> int:
        return round(self._clock.now() * 1000)


@contextmanager
def _unchanged(kind: Kind, name: str) -> Iterator[None]:
    """Say in our words why an entry could not be changed, if it could not."""
    try:
        yield
    except changes.EntryStale as error:
        raise ChangedMeanwhile(Entry(kind, error.current)) from error
    except changes.EntryInUse as error:
        words = {one.key: one.word for one in KINDS}
        users = [f"{words[key]} {user}" for key, user in error.users]
        raise InUse(kind, name, users) from error


@contextmanager
def _destinations_are_known() -> Iterator[None]:
    """Say in our words that a destination was removed in this moment."""
    try:
        yield
    except changes.NamesUnknown as error:
        raise WrongEntry([("destinations", str(error))]) from error


def _refuse_other_name(name: str, document: Mapping[str, Any]) -> None:
    if document.get("name") != name:
        raise WrongEntry(
            [("name", f"must stay {name!r}: history is known by it; make another one")]
        )


def merged(document: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document changed by a merge patch (RFC 7396): null removes a key."""
    changed = dict(document)
    for key, value in patch.items():
        if value is None:
            changed.pop(key, None)
        elif isinstance(value, Mapping):
            inner = changed.get(key)
            changed[key] = merged(inner if isinstance(inner, Mapping) else {}, value)
        else:
            changed[key] = value
    return changed


def _texts(value: object) -> list[str]:
    found = value if isinstance(value, list | tuple) else ()
    return sorted({text for text in found if isinstance(text, str)})

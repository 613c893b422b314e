"""Routes and certificates: each is kept once, and results name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from models.dialect import placeholders, rows_of, storable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from peewee import Database

_CHUNK: Final = 500
_APART: Final = ("sha256", "subject", "issuer", "not_before", "not_after")


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A way that traces found; times are UTC milliseconds.

    `hops` are the addresses of each hop from the first on, none where it is unknown.
    """

    hash: str
    hops: tuple[tuple[str, ...], ...]
    first_seen: int
    last_seen: int


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """A certificate; validity is UTC seconds, the other times are UTC milliseconds.

    `facts` are all that the probe told, with the columns.
    """

    sha256: str
    subject: str
    issuer: str
    not_before: int
    not_after: int
    facts: dict[str, Any]
    first_seen: int
    last_seen: int


class Evidence:
    """Collects what results of a batch refer to, and writes each once."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], list[int]] = {}
        self._routes: dict[str, Any] = {}
        self._certificates: dict[str, Mapping[str, Any]] = {}

    def without(
        self, facts: Mapping[str, Any], route: str, at: int
    ) -> Mapping[str, Any]:
        """Return facts with certificates by their names only; note these and routes."""
        if route:
            hops = [list(hop.get("addresses") or ()) for hop in facts.get("hops") or ()]
            self._routes[route] = hops
            self._note("routes", route, at)
        tls = facts.get("tls")
        if isinstance(tls, dict) and tls.get("chain"):
            return {**facts, "tls": {**tls, "chain": self._chain(tls["chain"], at)}}
        if facts.get("chain"):
            return {**facts, "chain": self._chain(facts["chain"], at)}
        return facts

    def write(self, db: Database) -> None:
        """Add what is new, and say of the rest when it was seen.

        In the order of names, so that two that write at once wait for each other.
        """
        routes = [
            (name, _json(hops), *self._seen["routes", name])
            for name, hops in sorted(self._routes.items())
        ]
        _upsert(db, "routes", ("hash", "hops"), routes)
        certificates = [
            (*_columns(facts), *self._seen["certificates", name])
            for name, facts in sorted(self._certificates.items())
        ]
        _upsert(db, "certificates", (*_APART, "facts"), certificates)

    def _chain(self, chain: Iterable[Any], at: int) -> list[Any]:
        named: list[Any] = []
        for one in chain:
            name = one.get("sha256") if isinstance(one, dict) else None
            if name:
                self._certificates[name] = one
                self._note("certificates", name, at)
            named.append(name or one)
        return named

    def _note(self, table: str, name: str, at: int) -> None:
        span = self._seen.setdefault((table, name), [at, at])
        span[0], span[1] = min(span[0], at), max(span[1], at)


def with_certificates(
    facts: dict[str, Any], known: Mapping[str, CertificateRow]
) -> dict[str, Any]:
    """Return facts as they came: chains of certificates instead of names."""
    for told in (facts.get("tls"), facts):
        if isinstance(told, dict) and isinstance(told.get("chain"), list):
            told["chain"] = [
                known[one].facts if isinstance(one, str) and one in known else one
                for one in told["chain"]
            ]
    return facts


def named_in(facts: Mapping[str, Any]) -> list[str]:
    """Return the certificates that stored facts name."""
    found = []
    for told in (facts.get("tls"), facts):
        if isinstance(told, dict):
            found += [one for one in told.get("chain") or () if isinstance(one, str)]
    return found


def routes(db: Database, names: Sequence[str]) -> dict[str, RouteRow]:
    """Return routes by their hashes."""
    columns = "hash, hops, first_seen, last_seen"
    return {
        row[0]: RouteRow(
            row[0], tuple(map(tuple, orjson.loads(row[1]))), row[2], row[3]
        )
        for row in _named(db, "routes", columns, "hash", names)
    }


def certificates(db: Database, names: Sequence[str]) -> dict[str, CertificateRow]:
    """Return certificates by their fingerprints."""
    columns = f"{', '.join(_APART)}, facts, first_seen, last_seen"
    found = {}
    for row in _named(db, "certificates", columns, "sha256", names):
        facts = {**dict(zip(_APART, row, strict=False)), **orjson.loads(row[5])}
        found[row[0]] = CertificateRow(*row[:5], facts, *row[6:])  # type: ignore[call-arg]
    return found


def _named(
    db: Database, table: str, columns: str, key: str, names: Sequence[str]
) -> Iterable[Any]:
    for begin in range(0, len(names), _CHUNK):
        chunk = names[begin : begin + _CHUNK]
        marks = ", ".join("?" * len(chunk))
        sql = f"SELECT {columns} FROM {table} WHERE {key} IN ({marks})"  # noqa: S608 - own names
        yield from rows_of(db, sql, chunk)


def _columns(facts: Mapping[str, Any]) -> tuple[object, ...]:
    rest = {key: value for key, value in facts.items() if key not in _APART}
    return (
        facts["sha256"],
        storable(str(facts.get("subject", ""))),
        storable(str(facts.get("issuer", ""))),
        int(facts.get("not_before") or 0),
        int(facts.get("not_after") or 0),
        _json(rest),
    )


def _json(value: object) -> str:
    return storable(orjson.dumps(value).decode())


def _upsert(
    db: Database,
    table: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[object, ...]],
) -> None:
    names = (*columns, "first_seen", "last_seen")
    mark = f"({placeholders(db, len(names))})"
    for begin in range(0, len(rows), _CHUNK):
        chunk = rows[begin : begin + _CHUNK]
        db.execute_sql(
            f"INSERT INTO {table} ({', '.join(names)}) "  # noqa: S608 - own names
            f"VALUES {', '.join([mark] * len(chunk))} "
            f"ON CONFLICT ({columns[0]}) DO UPDATE SET "
            f"first_seen = CASE WHEN EXCLUDED.first_seen < {table}.first_seen "
            f"THEN EXCLUDED.first_seen ELSE {table}.first_seen END, "
            f"last_seen = CASE WHEN EXCLUDED.last_seen > {table}.last_seen "
            f"THEN EXCLUDED.last_seen ELSE {table}.last_seen END",
            [value for row in chunk for value in row],
        )

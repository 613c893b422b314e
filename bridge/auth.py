"""Who may ask what: API keys, their scopes and workspaces.

A key is `epk_PREFIX_SECRET` with a secret of 256 random bits. The database keeps the
prefix, by which the key is found, and the HMAC-SHA256 of the secret keyed with the
prefix. A slow hash or a secret salt protects words that people choose; 256 random bits
cannot be guessed from their hash, so there is neither.

Every view declares its scope, or that it is open; one that does neither is closed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog

from models.database import Database, DatabaseUnavailable
from models.queries import keys
from models.queries.keys import KeyNameTaken, KeyRow

if TYPE_CHECKING:
    from runtime.clock import Clock

log = structlog.get_logger(__name__)

View = TypeVar("View", bound=Callable[..., Any])
RandomBytes = Callable[[int], bytes]

_DECLARED: Final = "__epimetheus_scope__"
_KEY: Final = re.compile(r"epk_([a-z2-7]{10})_([a-z2-7]{52})")
_PREFIX_BYTES: Final = 6
_PREFIX_LENGTH: Final = 10
_SECRET_BYTES: Final = 32
_TOUCH_SECONDS: Final = 60


class Scope(StrEnum):
    """What a key may do; `admin` may do everything."""

    READ = "read"
    INGEST = "ingest"
    PROBE = "probe"
    ADMIN = "admin"


class Open:
    """Declared by views that anybody may call."""


OPEN: Final = Open()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks; `workspace` limits what is seen, None sees all."""

    name: str
    scopes: frozenset[Scope]
    workspace: str | None

    def may(self, scope: Scope) -> bool:
        """Whether the caller has a scope."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


ANYBODY: Final = Caller("anybody", frozenset(Scope), None)
"""Who asks where `bridge.auth` is `none`."""


class UnauthenticatedError(Exception):
    """No valid key came with the request (401); the message says what is wrong."""


class ForbiddenError(Exception):
    """The caller may not do this (403); the message says what is missing."""


def needs(scope: Scope) -> Callable[[View], View]:
    """Declare the scope that a view needs."""

    def declare(view: View) -> View:
        setattr(view, _DECLARED, scope)
        return view

    return declare


def open_to_all(view: View) -> View:
    """Declare that a view needs no key."""
    setattr(view, _DECLARED, OPEN)
    return view


def declared(view: Callable[..., Any]) -> Scope | Open | None:
    """Return what a view declared, None if nothing."""
    found: Scope | Open | None = getattr(view, _DECLARED, None)
    return found


def authorize(caller: Caller, scope: Scope | Open | None) -> None:
    """Let the caller pass a view of this declaration, or raise ForbiddenError."""
    if isinstance(scope, Open):
        return
    if scope is None:
        raise ForbiddenError("this address is closed: it declares no scope")
    if not caller.may(scope):
        raise ForbiddenError(
            f"the key {caller.name!r} has no scope {scope.value!r}; create one with "
            f"`epimetheus key create NAME --scope {scope.value}`"
        )


def read_scopes(words: Iterable[str]) -> tuple[Scope, ...]:
    """Read scopes by name; raise ValueError for an unknown one or none at all."""
    known = {scope.value: scope for scope in Scope}
    for word in words:
        if word not in known:
            raise ValueError(f"{word!r} is not a scope; known are {', '.join(known)}")
    scopes = tuple(scope for scope in Scope if scope.value in set(words))
    if not scopes:
        raise ValueError(f"at least one scope is needed of {', '.join(known)}")
    return scopes


def key_in(authorization: str | None, api_key: str | None) -> str | None:
    """Return the key of the headers Authorization and X-API-Key, None without one."""
    if api_key:
        return api_key.strip()
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


class Keys:
    """The keys of one database."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def create(
        self,
        name: str,
        scopes: Iterable[Scope],
        workspace: str,
        random_bytes: RandomBytes,
    ) -> str:
        """Create a key and return it; nobody can read it again.

        Raises KeyNameTaken.
        """
        prefix = _words(random_bytes(_PREFIX_BYTES))[:_PREFIX_LENGTH]
        secret = _words(random_bytes(_SECRET_BYTES))
        keys.create(
            self._db,
            name=name,
            prefix=prefix,
            digest=_digest(prefix, secret),
            scopes=tuple(scope.value for scope in scopes),
            workspace=workspace,
            now=int(self._clock.now()),
        )
        return f"epk_{prefix}_{secret}"

    def authenticate(self, key: str | None) -> Caller:
        """Return who a key belongs to; raise UnauthenticatedError if to nobody."""
        if key is None:
            raise UnauthenticatedError(
                "a key is needed: send `Authorization: Bearer KEY` or `X-API-Key: KEY`"
            )
        row = self._find(key)
        if row is None:
            raise UnauthenticatedError("the key is not known here")
        if row.revoked_at is not None:
            raise UnauthenticatedError(f"the key {row.name!r} has been revoked")
        self._touch(row)
        scopes = frozenset(Scope(word) for word in row.scopes)
        return Caller(row.name, scopes, row.workspace or None)

    def list(self) -> list[KeyRow]:
        """Return what is known of all keys, oldest first."""
        return keys.list_keys(self._db)

    def revoke(self, name: str) -> bool:
        """Revoke a key for ever; return whether one of that name was valid."""
        return keys.revoke(self._db, name, int(self._clock.now()))

    def _find(self, key: str) -> KeyRow | None:
        match = _KEY.fullmatch(key)
        if match is None:
            return None
        prefix, secret = match.groups()
        row = keys.find_by_prefix(self._db, prefix)
        if row is None or not hmac.compare_digest(row.digest, _digest(prefix, secret)):
            return None
        return row

    def _touch(self, row: KeyRow) -> None:
        now = int(self._clock.now())
        if row.last_used_at is not None and now - row.last_used_at < _TOUCH_SECONDS:
            return
        try:
            keys.touch(self._db, row.id, now)
        except DatabaseUnavailable as error:
            # Reading works while another process writes; the next request notes it.
            log.warning("use of a key not noted", key=row.name, error=str(error))


def _words(random: bytes) -> str:
    return base64.b32encode(random).decode().rstrip("=").lower()


def _digest(prefix: str, secret: str) -> str:
    return hmac.new(prefix.encode(), secret.encode(), hashlib.sha256).hexdigest()


__all__ = [
    "ANYBODY",
    "OPEN",
    "Caller",
    "ForbiddenError",
    "KeyNameTaken",
    "Keys",
    "Open",
    "Scope",
    "UnauthenticatedError",
    "authorize",
    "declared",
    "key_in",
    "needs",
    "open_to_all",
    "read_scopes",
]

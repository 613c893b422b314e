"""The last plan on disk, for a start while the bridge is away.

The file is a line of JSON about the plan (the agent, the ETag, the SHA-256 of the rest)
and the plan as it came. It is replaced as a whole, and its time of change is when the
bridge last said that it still is the plan.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec
from pydantic import ValidationError

from runtime.probing import wire

if TYPE_CHECKING:
    from pathlib import Path

_FORMAT: Final = 1


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    agent: str
    etag: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A plan, the ETag it came with, and when it was known to be right (UTC s)."""

    plan: wire.Plan
    etag: str
    confirmed: float


class NoPlan(Exception):  # noqa: N818 - an outcome; the message says why
    """There is no plan on disk that can be used."""


def parse(content: bytes) -> wire.Plan:
    """Return the plan that the bridge sent; raise ValueError with the first problem."""
    try:
        return wire.Plan.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        told = f"{place}: {first['msg']}" if place else str(first["msg"])
        raise ValueError(told) from error


class PlanFile:
    """The file of the plan of one agent."""

    def __init__(self, path: Path, agent: str) -> None:
        self._path = path
        self._agent = agent

    def read(self) -> Stored:
        """Return what was written last; raise NoPlan, also where it was damaged."""
        try:
            content = self._path.read_bytes()
            confirmed = self._path.stat().st_mtime
        except FileNotFoundError:
            raise NoPlan("there is none yet") from None
        except OSError as error:
            raise NoPlan((error.strerror or str(error)).lower()) from error
        head_line, _, body = content.partition(b"\n")
        try:
            head = msgspec.json.decode(head_line, type=_Head)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NoPlan(f"the file is damaged: {error}") from error
        if head.format != _FORMAT or head.agent != self._agent:
            raise NoPlan(f"the file is of agent {head.agent!r}, format {head.format}")
        if hashlib.sha256(body).hexdigest() != head.sha256:
            raise NoPlan("the file is damaged: its checksum is another")
        try:
            return Stored(parse(body), head.etag, confirmed)
        except ValueError as error:
            raise NoPlan(f"the plan does not fit this version: {error}") from error

    def write(self, content: bytes, etag: str, now: float) -> None:
        """Replace the file, or leave it as it is; raise OSError."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        checksum = hashlib.sha256(content).hexdigest()
        head = msgspec.json.encode(_Head(_FORMAT, self._agent, etag, checksum))
        fresh = self._path.with_suffix(".new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        with os.fdopen(os.open(fresh, flags, 0o600), "wb") as stream:
            stream.write(head + b"\n" + content)
            stream.flush()
            os.fsync(stream.fileno())
        os.utime(fresh, (now, now))
        fresh.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def confirm(self, now: float) -> None:
        """Note that the bridge says that it still is the plan; raise OSError."""
        os.utime(self._path, (now, now))

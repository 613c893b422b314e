"""The vocabulary of probes: what is tried, with what, and how it can fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from runtime.clock import Clock
    from runtime.probing.probes import Probe as Settings
    from runtime.probing.reasons import Reason
    from runtime.probing.wire import Result


class ProbeFailed(Exception):  # noqa: N818 - an outcome of a probe, not of the program
    """A probe that failed, for a reason; the message says what happened."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Target:
    """What is tried: `name` is the destination's, `host` what its settings say.

    A host is a name or an address, may have a port (`[v6]:port`), and may be a URL.
    """

    name: str
    host: str


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address of a name; `family` is `socket.AF_INET` or `socket.AF_INET6`.

    `stale` says that the name no longer resolves and this was its last good address.
    """

    family: int
    ip: str
    stale: bool = field(default=False, compare=False)


class Guard(Protocol):
    """Decides whom a probe may talk to; asked of every address before it is used."""

    def check(self, host: str, ip: str, port: int | None) -> None:
        """Raise ProbeFailed with NOT_ALLOWED and the reason, or let it pass."""


class Open:
    """The guard of jobs, whose destinations somebody chose."""

    def check(self, host: str, ip: str, port: int | None) -> None:
        """Let everything pass."""


class Resolver(Protocol):
    """Turns names into addresses, off the loop, and remembers the last good ones."""

    async def resolve(self, host: str, family: str) -> Sequence[Address]:
        """Return the addresses of a name, those of the preferred family first.

        Literal addresses are returned as they are. Raises ProbeFailed with
        NOT_RESOLVED or NO_ADDRESS.
        """


@dataclass(slots=True)
class Log:
    """What a probe did, step by step, for people; secrets are never in it."""

    clock: Clock
    began: float
    lines: list[tuple[float, str]] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Add a line."""
        self.lines.append((round(self.clock.monotonic() - self.began, 6), text))


@dataclass(frozen=True, slots=True)
class Tools:
    """What probes work with: time, names, permission, randomness, secrets."""

    clock: Clock
    resolver: Resolver
    guard: Guard
    random_bytes: Callable[[int], bytes]
    secrets: Path | None = None


S_contra = TypeVar("S_contra", bound="Settings", contravariant=True)


class Probe(Protocol[S_contra]):
    """One kind of probe; `exporter.probes.kinds` has them by their kind."""

    async def __call__(
        self, target: Target, settings: S_contra, tools: Tools
    ) -> Result:
        """Try a target and return what was found; raises nothing but CancelledError."""


__all__ = [
    "Address",
    "Guard",
    "Log",
    "Open",
    "Probe",
    "ProbeFailed",
    "Resolver",
    "Target",
    "Tools",
]

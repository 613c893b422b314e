"""What is stored of runs and results, as whoever received them holds it.

The wire's structs have these attributes; nothing here depends on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Measured(Protocol):
    """What one probe of one destination found; see `models.probe_run.ProbeResult`."""

    @property
    def destination(self) -> str:
        """Name of the destination."""

    @property
    def probe(self) -> str:
        """Name of the module."""

    @property
    def kind(self) -> str:
        """Kind of the probe."""

    @property
    def began_ms(self) -> int:
        """When it began, UTC milliseconds."""

    @property
    def seconds(self) -> float:
        """How long it took."""

    @property
    def reason(self) -> str:
        """Why it failed, empty for a success."""

    @property
    def message(self) -> str:
        """The same for people."""

    @property
    def address(self) -> str:
        """What was probed in the end."""

    @property
    def sent(self) -> int:
        """Requests that were sent."""

    @property
    def received(self) -> int:
        """Requests that were answered."""

    @property
    def rtts(self) -> Sequence[float | None]:
        """Round-trip times in seconds, None for what was lost."""

    @property
    def phases(self) -> Mapping[str, float]:
        """Seconds of each phase."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What else is known."""

    @property
    def route(self) -> str:
        """Hash of the way, or empty."""

    @property
    def certificate(self) -> str:
        """Fingerprint of the leaf, or empty."""

    @property
    def marks(self) -> Sequence[str]:
        """What may disturb the figures."""


class Executed(Protocol):
    """One execution of a job; see `models.probe_run.ProbeRun`."""

    @property
    def job(self) -> str:
        """Name of the job."""

    @property
    def scheduled_ms(self) -> int:
        """When it was to begin, UTC milliseconds."""

    @property
    def began_ms(self) -> int:
        """When it began."""

    @property
    def ended_ms(self) -> int:
        """When it ended."""

    @property
    def state(self) -> str:
        """How it ended."""

    @property
    def destinations(self) -> int:
        """Destinations that were probed."""

    @property
    def succeeded(self) -> int:
        """Those of which every probe succeeded."""

    @property
    def failed(self) -> int:
        """Those of which any probe failed."""

    @property
    def skipped(self) -> int:
        """Those whose run before had not ended."""

    @property
    def left_alone(self) -> int:
        """Those in maintenance."""

    @property
    def error(self) -> str:
        """Why it failed."""

    @property
    def marks(self) -> Sequence[str]:
        """What may disturb the figures."""

    @property
    def results(self) -> Sequence[Measured]:
        """What was found."""

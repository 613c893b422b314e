"""Says what is wrong between an agent and its bridge, once, and when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from exporter.agent.bridge import BridgeError

log = structlog.get_logger(__name__)

_REMEDIES: Final[dict[str, str]] = {
    "unauthorized": "make a key of scope probe on the bridge, and name its file in "
    "exporter.prober.key_file; it is read at the start",
    "not_found": "see that exporter.prober.bridge is the URL of a bridge, and that the "
    "bridge is not older than this exporter",
    "conflict": "see that exporter.prober.agent is the name of this agent alone",
    "garbage": "see that exporter.prober.bridge is the URL of a bridge",
}


class Voice:
    """Logs the failures of one kind of exchange, `what`, when they change."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._trouble = ""

    @property
    def is_well(self) -> bool:
        """Whether the last exchange did what it should."""
        return not self._trouble

    def failed(self, error: BridgeError) -> None:
        """Note a failed exchange."""
        # A bridge that restarts is refused, reset and 503 in turn: all one trouble.
        away = error.outcome in {"unreachable", "busy", "failed"}
        trouble = "away" if away else error.outcome
        if trouble != self._trouble:
            remedy = _REMEDIES.get(error.outcome)
            log.error(
                "the bridge cannot be used",
                what=self._what,
                outcome=error.outcome,
                error=str(error),
                **({"remedy": remedy} if remedy else {}),
            )
        self._trouble = trouble

    def worked(self) -> None:
        """Note an exchange that did what it should."""
        if self._trouble:
            log.info("the bridge can be used again", what=self._what)
        self._trouble = ""

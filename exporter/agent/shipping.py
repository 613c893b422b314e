"""Brings finished runs to the bridge: in batches, again and again until it has them.

The bridge keeps a run once, so that a batch whose receipt was lost is sent again. A
batch that is too large is sent by halves; so is one that is refused, until the run is
alone that the refusal is for. It is dropped, with the reason told. Whatever else goes
wrong, runs are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from exporter.agent.bridge import BridgeError
from exporter.agent.voice import Voice
from runtime.probing import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.agent.backlog import Backlog
    from exporter.agent.backoff import Backoff
    from exporter.agent.bridge import Bridge
    from exporter.agent.counts import Counts
    from exporter.agent.outbox import Outbox
    from exporter.agent.spool import Chunk

log = structlog.get_logger(__name__)

IDLE: Final = 1.0
"""Seconds in which runs gather before the next batch."""
_OF_CONTENT: Final = ("too_large", "refused")
"""How the bridge answers what will never do."""
BATCH_BYTES: Final = 4 * 2**20
"""Bytes of JSON from which on a batch takes no further run."""


class _Batch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`wire.Batch`, of runs that are JSON already."""

    agent: str
    version: str = ""
    plan: str = ""
    runs: tuple[msgspec.Raw, ...] = ()
    tests: tuple[wire.TestResult, ...] = ()
    dropped: int = 0


class _Name(msgspec.Struct):
    """What a run is known by."""

    job: str = ""
    scheduled_ms: int = 0


class Shipper:
    """Sends what is in the backlog, and results of tests before it.

    `version` is the exporter's, `plan` returns the ETag of the plan that is worked on,
    `most` is how many runs are sent at once.
    """

    def __init__(
        self,
        *,
        bridge: Bridge,
        agent: str,
        version: str,
        backlog: Backlog,
        outbox: Outbox,
        counts: Counts,
        backoff: Backoff,
        plan: Callable[[], str],
        most: int,
    ) -> None:
        self._bridge = bridge
        self._agent = agent
        self._version = version
        self._backlog = backlog
        self._outbox = outbox
        self._counts = counts
        self._backoff = backoff
        self._plan = plan
        self._most = self._at_once = most
        self._voice = Voice("sending results")

    @property
    def is_well(self) -> bool:
        """Whether the bridge took the last batch."""
        return self._voice.is_well

    def step(self) -> float:
        """Send one batch at most; return how many seconds to wait before the next."""
        try:
            told_some = self._tell_tests()
            sent_some = self._ship()
        except BridgeError as error:
            self._counts.batch(error.outcome)
            self._voice.failed(error)
            return self._backoff.failed(error.retry_after)
        return 0.0 if told_some or sent_some else IDLE

    def _tell_tests(self) -> bool:
        results = self._outbox.results(self._most)
        if not results:
            return False
        try:
            self._send(tests=results)
        except BridgeError as error:
            if error.outcome not in _OF_CONTENT:
                raise
            log.error("the bridge refuses results of tests", error=str(error))  # noqa: TRY400 - the message says it all
            self._counts.batch(error.outcome)
            self._counts.dropped("tests", len(results))
        else:
            self._counts.batch("accepted")
            self._counts.runs("tests", len(results))
        self._outbox.told(results)
        return True

    def _ship(self) -> bool:
        chunk = self._backlog.next(self._at_once, BATCH_BYTES)
        if chunk is None:
            return False
        try:
            receipt = self._send(runs=chunk.payloads)
            _refuse_incomplete(receipt, len(chunk.payloads))
        except BridgeError as error:
            return self._go_on_after(chunk, error)
        except BaseException:
            self._backlog.give_back(chunk)
            raise
        self._taken(chunk, receipt)
        return True

    def _send(
        self,
        runs: Sequence[bytes] = (),
        tests: tuple[wire.TestResult, ...] = (),
    ) -> wire.Receipt:
        batch = _Batch(
            agent=self._agent,
            version=self._version,
            plan=self._plan(),
            runs=tuple(msgspec.Raw(payload) for payload in runs),
            tests=tests,
            dropped=self._counts.all_dropped,
        )
        return self._bridge.send(msgspec.json.encode(batch))

    def _taken(self, chunk: Chunk, receipt: wire.Receipt) -> None:
        for refusal in receipt.refused:
            self._drop(chunk.payloads[refusal.place], "refused", refusal.reason)
        self._backlog.done(chunk)
        self._counts.batch("accepted")
        self._counts.runs("sent", len(chunk.payloads) - len(receipt.refused))
        self._counts.runs("duplicate", receipt.duplicates)
        self._voice.worked()
        self._backoff.worked()
        self._at_once = min(self._at_once * 2, self._most)

    def _go_on_after(self, chunk: Chunk, error: BridgeError) -> bool:
        """Make the next batch smaller where that helps, or raise the error again.

        Return whether to send it at once, as a run that is dropped costs a pause: a
        bridge that refuses everything must not be asked without end.
        """
        if error.outcome not in _OF_CONTENT:
            self._backlog.give_back(chunk)
            raise error
        self._counts.batch(error.outcome)
        count = len(chunk.payloads)
        if count > 1:
            self._at_once = count // 2
            self._backlog.give_back(chunk)
            return True
        self._drop(chunk.payloads[0], error.outcome, str(error))
        self._backlog.done(chunk)
        return False

    def _drop(self, payload: bytes, reason: str, told: str) -> None:
        name = msgspec.json.decode(payload, type=_Name)
        log.error(
            "the bridge refuses a run",
            job=name.job,
            scheduled_ms=name.scheduled_ms,
            error=told,
        )
        self._counts.dropped(reason, 1)


def _refuse_incomplete(receipt: wire.Receipt, count: int) -> None:
    """Raise BridgeError where a receipt cannot be for a batch of so many runs."""
    places = {refusal.place for refusal in receipt.refused}
    told = receipt.accepted + receipt.duplicates + len(places)
    if told != count or not places <= set(range(count)):
        raise BridgeError("garbage", f"the receipt is for {told} of {count} runs")

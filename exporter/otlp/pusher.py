"""Pushes what `/metrics` shows, at an interval and once more when it is stopped.

One thread collects and one sends, so that a receiver that is slow or away changes
nothing of when is measured.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from exporter.otlp.message import encode, points_in
from exporter.otlp.outbox import Outbox, Push
from exporter.otlp.receiver import AGAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.agent.backoff import Backoff
    from exporter.collectors.base import Family
    from exporter.otlp.counts import Counts
    from exporter.otlp.message import Messages
    from exporter.otlp.options import Options
    from exporter.otlp.receiver import Reply
    from runtime.clock import Clock

log = structlog.get_logger(__name__)

FLUSH: Final = 5.0
"""Seconds that are left, when the exporter is stopped, to send what is not yet sent."""


class Sending(Protocol):
    """What a receiver is for a pusher."""

    def pack(self, message: bytes) -> bytes:
        """Return a message as the body of a request."""

    def send(self, body: bytes, timeout: float) -> Reply:
        """Send a body; return within the timeout, in seconds."""

    def close(self) -> None:
        """Cut off what is under way."""


class Pusher:
    """Collects and sends from start to stop.

    `gather` returns everything that there is to tell. `chance` returns numbers in
    `[0, 1)`: the first push comes within the first interval by chance, so that hosts
    which are started together do not push together.
    """

    def __init__(
        self,
        options: Options,
        gather: Callable[[], Sequence[Family]],
        messages: Messages,
        receiver: Sending,
        *,
        counts: Counts,
        clock: Clock,
        backoff: Backoff,
        flush: float = FLUSH,
    ) -> None:
        self._options = options
        self._gather = gather
        self._messages = messages
        self._receiver = receiver
        self._counts = counts
        self._clock = clock
        self._backoff = backoff
        self._flush = flush
        self._outbox = Outbox(options.queue, counts)
        self._stop = threading.Event()
        self._outcome = "accepted"
        self._threads = [
            threading.Thread(target=target, name=f"otlp-{name}", daemon=True)
            for name, target in (("collect", self._collect), ("send", self._send))
        ]

    def families(self) -> list[Family]:
        """Return how pushing goes, now."""
        return self._counts.families(len(self._outbox))

    def start(self) -> None:
        """Begin to collect and to send."""
        for thread in self._threads:
            thread.start()
        log.info(
            "metrics are pushed",
            url=self._options.url,
            interval=self._options.interval,
            names=self._options.names,
        )

    def stop(self) -> None:
        """Collect and send once more, for as long as there is; drop what is left."""
        until = self._clock.monotonic() + self._flush
        self._stop.set()
        for thread in self._threads:
            thread.join(max(until - self._clock.monotonic(), 0.0))
        self._receiver.close()
        self._threads[-1].join(1.0)
        self._outbox.drop_all()

    def _collect(self) -> None:
        interval = self._options.interval
        due = self._clock.monotonic() + interval * self._backoff.chance()
        while not self._clock.wait(self._stop, due - self._clock.monotonic()):
            self._collect_once()
            behind = self._clock.monotonic() - due
            due += interval * (1 + max(behind, 0.0) // interval)
        self._collect_once()
        self._outbox.close()

    def _collect_once(self) -> None:
        families: Sequence[Family] = ()
        try:
            families = self._gather()
            message = self._messages.of(families, self._clock.now())
            body = self._receiver.pack(encode(message))
            self._outbox.put(Push(body, points_in(message)))
        except Exception:
            log.exception("there is nothing to push")
            lost = sum(len(family.samples) for family in families)
            self._counts.dropped("failed", lost)

    def _send(self) -> None:
        while push := self._outbox.take():
            last_try = self._stop.is_set()
            begun = self._clock.monotonic()
            reply = self._receiver.send(push.body, self._options.timeout)
            self._counts.pushed(reply.outcome, self._clock.monotonic() - begun)
            self._tell(reply)
            if reply.outcome not in AGAIN:
                self._settle(push, reply)
                continue
            self._outbox.back(push)
            if last_try:
                return
            wait = self._backoff.failed(reply.retry_after)
            self._clock.wait(self._stop, wait)

    def _settle(self, push: Push, reply: Reply) -> None:
        self._backoff.worked()
        self._outbox.done()
        if reply.outcome in {"accepted", "partial"}:
            rejected = min(reply.rejected, push.points)
            self._counts.sent(push.points - rejected, self._clock.now())
            self._counts.dropped("rejected", rejected)
        else:
            self._counts.dropped("refused", push.points)

    def _tell(self, reply: Reply) -> None:
        """Log what became otherwise, not every request."""
        before, self._outcome = self._outcome, reply.outcome
        if reply.outcome == before:
            return
        facts = {"url": self._options.url, "reason": reply.message}
        if reply.outcome == "accepted":
            log.info("metrics are taken again", url=self._options.url)
        else:
            log.warning("metrics are not taken", outcome=reply.outcome, **facts)

"""A bridge that keeps the wire exactly, and misbehaves as told."""

from __future__ import annotations

import gzip
import json
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Literal, Self

import msgspec

from runtime.probing import wire
from tests.web import Asked, FakeWeb, Told

if TYPE_CHECKING:
    from collections.abc import Callable

Mishap = Literal["", "503", "garbage", "reset", "lost", "slow", "short"]

_INSTEAD: dict[Mishap, Told] = {
    "503": Told(b"starting", 503, {"retry-after": "3"}),
    "garbage": Told(b"\xff<html>"),
    "reset": Told(raw=b""),
    "slow": Told(b"{}", stall=True, cut=1),
}


class FakeBridge:
    """Keeps each run of an agent once; `mishaps` befall the next requests in turn.

    `lost` stores a batch and loses the receipt. `refuse` returns why a run is refused,
    `answer` replaces the answer to everything; `most` is how many runs a body may have.
    """

    def __init__(self) -> None:
        self.plan: dict[str, Any] = {"version": "1"}
        self.mishaps: deque[Mishap] = deque()
        self.always: Mishap = ""
        self.answer: Callable[[Asked], Told | None] = lambda _: None
        self.refuse: Callable[[wire.Run], str] = lambda _: ""
        self.most = 1000
        self.stored: dict[tuple[str, str, int], wire.Run] = {}
        self.tests: dict[int, wire.Result] = {}
        self.received: Counter[tuple[str, str, int]] = Counter()
        self.batches: list[wire.Batch] = []
        self.web = FakeWeb(self._answer)

    def __enter__(self) -> Self:
        self.web.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.web.__exit__(*error)

    @property
    def url(self) -> str:
        return self.web.url

    def _answer(self, asked: Asked) -> Told:
        if (told := self.answer(asked)) is not None:
            return told
        mishap = self.mishaps.popleft() if self.mishaps else self.always
        if mishap in _INSTEAD:
            return _INSTEAD[mishap]
        told = self._plan(asked) if asked.method == "GET" else self._results(asked)
        if mishap == "lost":
            return Told(raw=b"")
        if mishap == "short":
            return Told(told.body, told.status, told.headers, cut=5)
        return told

    def _plan(self, asked: Asked) -> Told:
        assert asked.path.startswith("/api/v1/agents/")
        etag = f'"{self.plan["version"]}"'
        if asked.headers.get("if-none-match") == etag:
            return Told(b"", 304, {"etag": etag})
        return Told(json.dumps(self.plan).encode(), 200, {"etag": etag})

    def _results(self, asked: Asked) -> Told:
        assert asked.path == "/api/v1/results"
        assert asked.headers["content-type"] == "application/json"
        assert asked.headers["content-encoding"] == "gzip"
        batch = decoded(asked.body)
        self.batches.append(batch)
        if len(batch.runs) > self.most:
            return problem(413, "too many runs")
        receipt = self._keep(batch)
        return Told(json.dumps(receipt).encode())

    def _keep(self, batch: wire.Batch) -> dict[str, Any]:
        accepted = duplicates = 0
        refused = []
        for place, run in enumerate(batch.runs):
            key = (batch.agent, run.job, run.scheduled_ms)
            self.received[key] += 1
            if reason := self.refuse(run):
                refused.append({"place": place, "reason": reason})
            elif key in self.stored:
                assert self.stored[key] == run
                duplicates += 1
            else:
                self.stored[key] = run
                accepted += 1
        self.tests |= {test.id: test.result for test in batch.tests}
        return {"accepted": accepted, "duplicates": duplicates, "refused": refused}


def decoded(body: bytes) -> wire.Batch:
    """Return a batch as the bridge reads it."""
    return msgspec.json.decode(gzip.decompress(body), type=wire.Batch, strict=True)


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Told:
    """Return problem+json."""
    body = json.dumps({"title": "no", "detail": detail, "status": status}).encode()
    kind = {"content-type": "application/problem+json"}
    return Told(body, status, {**kind, **(headers or {})})

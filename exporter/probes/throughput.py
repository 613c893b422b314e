"""Bytes per second of a download, bounded in bytes and time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.probes.base import ProbeFailed
from exporter.probes.http_hops import Answer, Request, answered
from exporter.probes.http_requests import REDIRECTS, USER_AGENT, next_request
from exporter.probes.trial import Trial, conduct, too_late
from exporter.probes.urls import first_url, redirected
from runtime.probing.reasons import Reason
from runtime.quantities import format_size

if TYPE_CHECKING:
    from exporter.probes.base import Target, Tools
    from runtime.probing.probes import ThroughputProbe
    from runtime.probing.wire import Result

_MAX_REDIRECTS: Final = 10
_GOOD: Final = range(200, 300)
_SPARE: Final = 1.0
"""Seconds beyond both bounds, which end it before."""


async def probe(target: Target, settings: ThroughputProbe, tools: Tools) -> Result:
    """Download from a target until the end, enough bytes or enough time."""
    trial = Trial(target, settings, tools)
    limit = settings.timeout + settings.max_time + _SPARE
    return await conduct(trial, lambda: _download(trial, settings), limit)


async def _download(trial: Trial, settings: ThroughputProbe) -> None:
    url = first_url(settings.url, trial.target.host)
    headers = (("Host", url.authority), ("User-Agent", USER_AGENT), ("Accept", "*/*"))
    request: Request | None = Request("GET", url, headers, settings.tls_settings)
    trial.facts["redirects"] = 0
    first_byte = asyncio.timeout(settings.timeout)
    try:
        async with first_byte as waiting:
            while request is not None:
                trial.log.say(f"GET {request.url}")
                async with answered(trial, request) as answer:
                    request = await _answer(trial, settings, (request, answer), waiting)
    except TimeoutError:
        if not first_byte.expired():
            raise
        raise too_late(trial, settings.timeout) from None


async def _answer(
    trial: Trial,
    settings: ThroughputProbe,
    exchange: tuple[Request, Answer],
    waiting: asyncio.Timeout,
) -> Request | None:
    request, answer = exchange
    trial.facts["status"] = answer.status
    location = answer.value("Location")
    if answer.status in REDIRECTS and location:
        if trial.facts["redirects"] >= _MAX_REDIRECTS:
            raise ProbeFailed(
                Reason.TOO_MANY_REDIRECTS,
                f"there are more than {_MAX_REDIRECTS} redirects",
            )
        trial.facts["redirects"] += 1
        return next_request(request, answer.status, redirected(request.url, location))
    if answer.status not in _GOOD:
        raise ProbeFailed(
            Reason.WRONG_STATUS, f"the status is {answer.status}, not 2xx"
        )
    await _measure(trial, settings, answer, waiting)
    return None


@dataclass(slots=True)
class _Count:
    """Bytes so far, at most `limit`."""

    limit: int
    got: int = 0

    async def read(self, answer: Answer, waiting: asyncio.Timeout) -> str:
        """Count a body's bytes; return what ended it."""
        async for chunk in answer.response.aiter_stream():
            waiting.reschedule(None)  # the first byte is here
            self.got += len(chunk)
            if self.got >= self.limit:
                return "bytes"
        return "end"


async def _measure(
    trial: Trial, settings: ThroughputProbe, answer: Answer, waiting: asyncio.Timeout
) -> None:
    count = _Count(settings.max_bytes)
    ended_by = "time"
    enough = asyncio.timeout(settings.max_time)
    with trial.phase("transfer"):
        try:
            async with enough:
                ended_by = await count.read(answer, waiting)
        except TimeoutError:
            if not enough.expired():
                raise
    if ended_by == "time" and not count.got:
        raise too_late(trial, settings.max_time)
    spent = trial.phases["transfer"]
    rate = count.got / spent if spent > 0 else 0.0
    trial.facts |= {"bytes": count.got, "rate": rate, "ended_by": ended_by}
    trial.log.say(f"{count.got} bytes in {spent:.3f} s, ended by {ended_by}")
    if settings.min_rate and rate < settings.min_rate:
        raise ProbeFailed(
            Reason.NOT_EXPECTED,
            f"{rate:.0f} bytes a second are less than {format_size(settings.min_rate)}"
            " (min_rate)",
        )

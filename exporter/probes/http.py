"""A request over HTTP and its answer, phase by phase, redirect by redirect."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from exporter.probes import http_bodies, http_verdicts
from exporter.probes.base import ProbeFailed
from exporter.probes.http_hops import answered
from exporter.probes.http_requests import REDIRECTS, first_request, next_request
from exporter.probes.trial import Trial, conduct
from exporter.probes.urls import redirected
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from exporter.probes.base import Target, Tools
    from exporter.probes.http_hops import Answer, Request
    from runtime.probing.probes import HttpProbe
    from runtime.probing.wire import Result


async def probe(target: Target, settings: HttpProbe, tools: Tools) -> Result:
    """Ask a target for its URL, follow redirects, judge the last answer."""
    trial = Trial(target, settings, tools)
    return await conduct(trial, lambda: _follow(trial, settings))


async def _follow(trial: Trial, settings: HttpProbe) -> None:
    request: Request | None = first_request(
        settings, trial.target.host, trial.tools.secrets
    )
    trial.facts |= {"redirects": 0, "failed_due_to_regex": False, "trail": []}
    while request is not None:
        _say_where(trial, request)
        async with answered(trial, request) as answer:
            _tell_head(trial, answer)
            request = await _answer(trial, settings, request, answer)
    trial.rtts = (trial.elapsed(),)


async def _answer(
    trial: Trial, settings: HttpProbe, request: Request, answer: Answer
) -> Request | None:
    """Return the request that follows a redirect, None after the last answer."""
    location = answer.value("Location")
    if settings.follow_redirects and answer.status in REDIRECTS and location:
        if trial.facts["redirects"] >= settings.max_redirects:
            raise ProbeFailed(
                Reason.TOO_MANY_REDIRECTS,
                f"there are more than {settings.max_redirects} redirects",
            )
        trial.facts["redirects"] += 1
        return next_request(request, answer.status, redirected(request.url, location))
    refused = http_verdicts.of_head(settings, answer, secure=request.url.secure)
    if refused and refused.reason is Reason.HEADER_MISMATCH:
        trial.facts["failed_due_to_regex"] = True
    body = http_bodies.Body(keep=bool(settings.body_matches or settings.body_lacks))
    try:
        await _transfer(trial, settings, answer, body)
    except ProbeFailed:
        if not refused:
            raise
    if refused:
        raise refused
    try:
        await http_verdicts.of_body(settings, bytes(body.content))
    except ProbeFailed:
        trial.facts["failed_due_to_regex"] = True
        raise
    return None


async def _transfer(
    trial: Trial, settings: HttpProbe, answer: Answer, body: http_bodies.Body
) -> None:
    before = trial.phases.get("transfer", 0.0)
    try:
        with trial.phase("transfer"):
            await http_bodies.read(
                answer, body, settings.max_body, unpack=settings.compression
            )
    finally:
        spent = trial.phases["transfer"] - before
        trial.facts |= {
            "body_bytes": body.wire,
            "uncompressed_bytes": body.unpacked,
            "rate": body.wire / spent if spent > 0 else 0.0,
        }
        trial.log.say(f"read {body.wire} bytes, {body.unpacked} unpacked")


def _say_where(trial: Trial, request: Request) -> None:
    trial.facts["trail"].append(str(request.url))
    trial.facts |= {"final_url": str(request.url), "ssl": request.url.secure}
    trial.log.say(f"{request.method} {request.url}")


def _tell_head(trial: Trial, answer: Answer) -> None:
    length = answer.value("Content-Length")
    trial.facts |= {
        "status": answer.status,
        "version": answer.version,
        "content_length": int(length) if length.isdigit() else -1,
    }
    trial.facts.pop("last_modified", None)
    try:
        modified = parsedate_to_datetime(answer.value("Last-Modified"))
        trial.facts["last_modified"] = int(modified.timestamp())
    except (ValueError, OverflowError):  # it is missing, or no date
        pass
    trial.log.say(f"HTTP/{answer.version} {answer.status}")

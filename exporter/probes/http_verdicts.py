"""Judges an answer by the settings."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from exporter.probes.base import ProbeFailed
from exporter.probes.patterns import first_matching, first_missing
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from exporter.probes.http_hops import Answer
    from runtime.probing.probes import HeaderMatch, HttpProbe

_LARGE: Final = 256 * 1024
"""Bytes from which on a body is searched in another thread, off the loop."""


def of_head(settings: HttpProbe, answer: Answer, *, secure: bool) -> ProbeFailed | None:
    """Return why the head of an answer is not wanted, None if it is."""
    if not _is_wanted(answer.status, settings.statuses):
        wanted = ", ".join(settings.statuses)
        return ProbeFailed(
            Reason.WRONG_STATUS, f"the status is {answer.status}, not {wanted}"
        )
    if settings.versions and answer.version not in settings.versions:
        wanted = ", ".join(settings.versions)
        return ProbeFailed(
            Reason.WRONG_VERSION, f"the version is HTTP/{answer.version}, not {wanted}"
        )
    if settings.tls == "required" and not secure:
        return ProbeFailed(Reason.TLS_MISSING, "the last answer came without TLS")
    if settings.tls == "forbidden" and secure:
        return ProbeFailed(Reason.TLS_UNWANTED, "the last answer came over TLS")
    return _of_headers(settings, answer)


def _is_wanted(status: int, wanted: tuple[str, ...]) -> bool:
    return str(status) in wanted or f"{status // 100}xx" in wanted


def _of_headers(settings: HttpProbe, answer: Answer) -> ProbeFailed | None:
    for match in settings.header_matches:
        values, missing = _header(match, answer)
        if missing:
            return missing
        if values and all(first_missing([match.regex], value) for value in values):
            return _header_failure(match, "does not match")
    for match in settings.header_lacks:
        values, missing = _header(match, answer)
        if missing:
            return missing
        if any(first_matching([match.regex], value) for value in values):
            return _header_failure(match, "matches")
    return None


def _header(
    match: HeaderMatch, answer: Answer
) -> tuple[list[bytes], ProbeFailed | None]:
    values = answer.values(match.header)
    if values or match.allow_missing:
        return values, None
    return values, ProbeFailed(
        Reason.HEADER_MISMATCH, f"the header {match.header} is missing"
    )


def _header_failure(match: HeaderMatch, what: str) -> ProbeFailed:
    return ProbeFailed(
        Reason.HEADER_MISMATCH, f"the header {match.header} {what} {match.regex!r}"
    )


async def of_body(settings: HttpProbe, content: bytes) -> None:
    """Raise ProbeFailed with BODY_MISMATCH where a body is not as wanted."""
    if len(content) < _LARGE:
        _judge_body(settings, content)
    else:
        await asyncio.to_thread(_judge_body, settings, content)


def _judge_body(settings: HttpProbe, content: bytes) -> None:
    missing = first_missing(settings.body_matches, content)
    if missing is not None:
        raise ProbeFailed(
            Reason.BODY_MISMATCH, f"the body does not match {missing!r} (body_matches)"
        )
    unwanted = first_matching(settings.body_lacks, content)
    if unwanted is not None:
        raise ProbeFailed(
            Reason.BODY_MISMATCH, f"the body matches {unwanted!r} (body_lacks)"
        )

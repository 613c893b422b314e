"""Asks for TLS in protocols that begin without it.

SMTP: RFC 3207; IMAP: RFC 9051; POP3: RFC 2595; FTP: RFC 4217; PostgreSQL: SSLRequest
of its message formats.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.probes.base import ProbeFailed
from exporter.probes.lines import Lines, shown
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from exporter.probes.streams import Stream

_SSL_REQUEST: Final = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
"""Length 8, then the code 1234, 5679."""


@dataclass(frozen=True, slots=True)
class _Step:
    """Say something, then read lines until one is final; it must be a good one."""

    say: bytes
    final: re.Pattern[bytes]
    good: re.Pattern[bytes]
    otherwise: Reason


def _step(say: str, final: str, good: str, otherwise: Reason) -> _Step:
    said = f"{say}\r\n".encode() if say else b""
    return _Step(said, re.compile(final.encode()), re.compile(good.encode()), otherwise)


_REPLY: Final = r"\d{3}( |$)"
_STEPS: Final = {
    "smtp": (
        _step("", _REPLY, "220", Reason.NOT_EXPECTED),
        _step("EHLO epimetheus.invalid", _REPLY, "250", Reason.NOT_EXPECTED),
        _step("STARTTLS", _REPLY, "220", Reason.TLS_MISSING),
    ),
    "imap": (
        _step("", ".", r"\* (OK|PREAUTH)", Reason.NOT_EXPECTED),
        _step("a1 STARTTLS", "a1 ", "a1 OK", Reason.TLS_MISSING),
    ),
    "pop3": (
        _step("", ".", r"\+OK", Reason.NOT_EXPECTED),
        _step("STLS", ".", r"\+OK", Reason.TLS_MISSING),
    ),
    "ftp": (
        _step("", _REPLY, "220", Reason.NOT_EXPECTED),
        _step("AUTH TLS", _REPLY, "234", Reason.TLS_MISSING),
    ),
}


async def ask(stream: Stream, protocol: str) -> None:
    """Have a conversation after which the server expects the handshake.

    Raises ProbeFailed with NOT_EXPECTED where it is another protocol, TLS_MISSING where
    the server refuses.
    """
    if protocol == "postgres":
        await _ask_postgres(stream)
        return
    lines = Lines(stream)
    for step in _STEPS[protocol]:
        if step.say:
            await stream.write(step.say)
        await _answered(lines, step, protocol)
    refuse_early(lines)


def refuse_early(lines: Lines) -> None:
    """Raise ProbeFailed with PROTOCOL_ERROR where something came before TLS began.

    Nobody vouches for it, though what comes later would be believed (CVE-2011-0411).
    """
    if lines.unread:
        raise ProbeFailed(
            Reason.PROTOCOL_ERROR, "the server goes on talking before TLS begins"
        )


async def _answered(lines: Lines, step: _Step, protocol: str) -> None:
    while (line := await lines.next()) is not None:
        if step.final.match(line):
            break
    asked = step.say.decode().strip()
    if line is None:
        raise ProbeFailed(
            step.otherwise, f"the server hung up where {asked or 'it should greet'}"
        )
    if not step.good.match(line):
        what = f"to {asked}" if asked else f"instead of greeting as {protocol} does"
        raise ProbeFailed(step.otherwise, f"the server says {shown(line)} {what}")


async def _ask_postgres(stream: Stream) -> None:
    await stream.write(_SSL_REQUEST)
    answer = await stream.read(1)  # what comes after it belongs to the handshake
    if answer == b"S":
        return
    if answer == b"N":
        raise ProbeFailed(Reason.TLS_MISSING, "the server does not offer TLS")
    raise ProbeFailed(
        Reason.NOT_EXPECTED, f"the server says {shown(answer)}, which PostgreSQL never"
    )

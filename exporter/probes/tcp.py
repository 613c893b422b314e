"""A TCP connection, and what is said on it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exporter.probes.base import ProbeFailed
from exporter.probes.connecting import Way, connect, find
from exporter.probes.hosts import ascii_name, place_of
from exporter.probes.lines import Lines, shown
from exporter.probes.patterns import compiled
from exporter.probes.starttls import refuse_early
from exporter.probes.streams import Stream
from exporter.probes.tls_session import Wanted, secured
from exporter.probes.trial import Trial, conduct
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from exporter.probes.base import Target, Tools
    from runtime.probing.probes import Exchange, TcpProbe
    from runtime.probing.wire import Result


async def probe(target: Target, settings: TcpProbe, tools: Tools) -> Result:
    """Connect to a target and have the conversation of the settings."""
    trial = Trial(target, settings, tools)
    return await conduct(trial, lambda: _connect(trial, settings))


async def _connect(trial: Trial, settings: TcpProbe) -> None:
    place = place_of(trial.target.host)
    port = place.port or settings.port
    if port is None:
        raise ProbeFailed(
            Reason.WRONG_SETTINGS,
            f"{trial.target.host} names no port; write host:port, or set the probe's",
        )
    trial.facts["port"] = port
    address = await find(trial, place.host, port)
    wanted = Wanted(settings.tls_settings, ascii_name(place.host))

    async def plain() -> Stream:
        with trial.phase("connect"):
            sock = await connect(address, port, Way.of(settings))
        trial.rtts = trial.rtts or (trial.phases["connect"],)
        return Stream(sock)

    async def begun() -> Stream:
        return await secured(trial, wanted, plain) if settings.tls else await plain()

    await _converse(trial, settings.exchanges, wanted, begun)


async def _converse(
    trial: Trial,
    exchanges: tuple[Exchange, ...],
    wanted: Wanted,
    begun: Callable[[], Awaitable[Stream]],
) -> None:
    """Go through the exchanges; those up to a STARTTLS are what makes a TLS stream."""
    turn = next((i for i, one in enumerate(exchanges, 1) if one.starttls), 0)

    async def reach() -> Stream:
        return await _through(trial, exchanges[:turn], begun)

    async def talked() -> Stream:
        return await secured(trial, wanted, reach)

    if turn:
        later = exchanges[turn:]
        if any(one.starttls for one in later):
            raise ProbeFailed(
                Reason.WRONG_SETTINGS, "exchanges: TLS can be gone over to only once"
            )
        (await _through(trial, later, talked, before=turn)).close()
    else:
        (await _through(trial, exchanges, begun)).close()


@dataclass(slots=True)
class _Conversation:
    """What was matched so far; `found` is the last match."""

    matched: int = 0
    groups: dict[str, str] = field(default_factory=dict)
    found: Any = None


async def _through(
    trial: Trial,
    exchanges: tuple[Exchange, ...],
    begun: Callable[[], Awaitable[Stream]],
    before: int = 0,
) -> Stream:
    stream = await begun()
    talk = _Conversation()
    lines = Lines(stream)
    try:
        for number, exchange in enumerate(exchanges, before + 1):
            with trial.phase("exchanges"):
                await _exchange(trial, exchange, number, (stream, lines, talk))
        if exchanges and exchanges[-1].starttls:
            refuse_early(lines)
    except BaseException:
        stream.close()
        raise
    finally:
        _tell(trial, talk, before)
    return stream


def _tell(trial: Trial, talk: _Conversation, before: int) -> None:
    """Add what was matched; the second look after a failure starts anew."""
    had = trial.facts.get("matched", 0) if before else 0
    trial.facts["matched"] = had + talk.matched
    groups = trial.facts.get("groups", {}) | talk.groups
    if groups:
        trial.facts["groups"] = groups


async def _exchange(
    trial: Trial,
    exchange: Exchange,
    number: int,
    with_whom: tuple[Stream, Lines, _Conversation],
) -> None:
    stream, lines, talk = with_whom
    if exchange.expect:
        trial.waits_for = f"a line that matches {exchange.expect!r}"
        talk.found = await _expected(lines, exchange.expect, number)
        trial.waits_for = ""
        talk.matched += 1
        talk.groups |= {
            name: (value or b"").decode("utf-8", "replace")
            for name, value in talk.found.groupdict().items()
        }
        trial.log.say(f"exchange {number}: {shown(lines.last)} is what was expected")
    if exchange.send:
        said = expand(exchange.send, talk.found) + b"\n"
        await stream.write(said)
        trial.log.say(f"exchange {number}: sent {len(said)} bytes")


async def _expected(lines: Lines, pattern: str, number: int) -> Any:
    """Return the match of the first line that matches; others are passed over."""
    expression = compiled(pattern)
    while (line := await lines.next()) is not None:
        if found := expression.search(line):
            return found
    last = f"the last line was {shown(lines.last)}" if lines.last else "it said nothing"
    raise ProbeFailed(
        Reason.NOT_EXPECTED,
        f"exchange {number}: it hung up, and no line matched {pattern!r}; {last}",
    )


def expand(text: str, found: Any) -> bytes:
    r"""Return a line to send, with \1 and so on replaced by groups, \\ by one \."""

    def group(reference: re.Match[bytes]) -> bytes:
        if reference[1] == b"\\":
            return b"\\"
        number = int(reference[1])
        if found is None or number > len(found.groups()):
            raise ProbeFailed(
                Reason.WRONG_SETTINGS,
                f"exchanges: there is no group {number} for \\{number}",
            )
        return found.group(number) or b""

    return re.sub(rb"\\([0-9]|\\)", group, text.encode())

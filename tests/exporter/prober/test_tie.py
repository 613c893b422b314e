from __future__ import annotations

import asyncio
import socket

from exporter.prober.frames import Frames, frame
from exporter.prober.messages import (
    Answer,
    FromProber,
    Health,
    JobCounts,
    Latest,
    Stop,
    ToProber,
)
from exporter.prober.tie import Tie
from runtime.probing.wire import Result

RESULT = Result(
    destination="gateway",
    probe="icmp",
    kind="icmp",
    began_ms=1,
    seconds=0.5,
    rtts=(0.5, None),
    facts={"ttl": 64},
    log=((0.1, "went"),),
)


async def _exchange() -> tuple[list[ToProber], list[FromProber]]:
    ours, theirs = socket.socketpair()
    told: list[FromProber] = [
        Answer(1, RESULT),
        Health(jobs={"one": JobCounts(1, 2)}),
        Latest(3, RESULT),
    ]
    with ours, theirs:
        tie = Tie(theirs, print)
        for message in told:
            tie.tell(message)
        sending = asyncio.create_task(tie.send())
        await tie.flush(5)
        sending.cancel()
        frames: Frames[FromProber] = Frames(FromProber)  # type: ignore[arg-type]
        received = list(frames.feed(ours.recv(2**20)))
        ours.sendall(frame(Stop()))
        ours.shutdown(socket.SHUT_WR)
        heard = [message async for message in tie.messages()]
    return heard, received


def test_both_ends_hear_each_other_until_one_is_gone() -> None:
    heard, received = asyncio.run(_exchange())
    assert heard == [Stop()]
    assert received == [
        Answer(1, RESULT),
        Health(jobs={"one": JobCounts(1, 2)}),
        Latest(3, RESULT),
    ]


async def _overflow(dropped: list[int]) -> list[FromProber]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        size = len(frame(Answer(1, RESULT)))
        tie = Tie(theirs, dropped.append, waiting=5 * size)
        for number in range(4):
            tie.tell(Latest(number, RESULT))
        for number in range(10):
            tie.tell(Answer(number, RESULT))
        sending = asyncio.create_task(tie.send())
        await tie.flush(5)
        sending.cancel()
        frames: Frames[FromProber] = Frames(FromProber)  # type: ignore[arg-type]
        return list(frames.feed(ours.recv(2**20)))


def test_what_nobody_takes_is_dropped_and_counted_the_oldest_first() -> None:
    dropped: list[int] = []
    received = asyncio.run(_overflow(dropped))
    numbers = [message.id for message in received if isinstance(message, Answer)]
    assert len(numbers) == len(received)
    assert numbers == list(range(10))[-len(numbers) :]
    assert sum(dropped) == 14 - len(numbers)


async def _gone() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        ours.close()
        tie = Tie(theirs, print)
        tie.tell(Answer(1, RESULT))
        await asyncio.wait_for(tie.send(), 5)
        assert [message async for message in tie.messages()] == []


def test_an_exporter_that_is_gone_ends_it() -> None:
    asyncio.run(_gone())

"""Takes in what agents found: checked, and stored once however often it is sent.

A run that cannot be kept is refused with the reason and does not hold up the others:
the agent drops it and says so, and does not send it for ever.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from bridge.probing.soundness import (
    LARGEST_NUMBER,
    LONGEST_TEXT,
    is_name,
    wrong_result,
    wrong_run,
)
from models.database import DatabaseUnavailable
from models.queries import agents, intake, probe_tests
from runtime.probing.wire import Batch, Receipt, Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.database import Database
    from runtime.probing.wire import Run

log = structlog.get_logger(__name__)

LARGEST: Final = 8 * 2**20
"""Bytes of a batch as it is sent."""
LARGEST_UNPACKED: Final = 32 * 2**20
"""Bytes of a batch once it is unpacked."""
_GZIP: Final = 31


class WrongBatch(ValueError):  # noqa: N818 - named as what it is about
    """A batch that cannot be read; `place` is where, as in `runs[0].job`."""

    def __init__(self, place: str, message: str) -> None:
        self.place = place
        super().__init__(message)


class BatchTooLarge(Exception):  # noqa: N818 - same
    """A batch of more bytes than are taken at once."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: what the agent is told, and how many results it had."""

    receipt: Receipt
    results: int
    tests: int


def unpack(body: bytes, limit: int = LARGEST_UNPACKED) -> bytes:
    """Return what was compressed by gzip.

    Raises BatchTooLarge as soon as it is more than `limit`, and WrongBatch.
    """
    unpacker = zlib.decompressobj(_GZIP)
    try:
        content = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise WrongBatch("", f"the body is not gzip: {error}") from error
    if len(content) > limit:
        raise BatchTooLarge(f"unpacked it is more than {limit} bytes; send fewer runs")
    if not unpacker.eof:
        raise WrongBatch("", "the body is cut off")
    return content


def parse(content: bytes) -> Batch:
    """Read a batch; raise WrongBatch."""
    try:
        batch = msgspec.json.decode(content, type=Batch)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        raise WrongBatch(place.strip("`").removeprefix("$."), message) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WrongBatch("", f"the body is not JSON: {error}") from error
    if not is_name(batch.agent):
        raise WrongBatch("agent", f"{batch.agent[:LONGEST_TEXT]!r} is not a name")
    if not 0 <= batch.dropped < LARGEST_NUMBER:
        raise WrongBatch("dropped", f"{batch.dropped} is out of range")
    return batch


def take(db: Database, batch: Batch, now_ms: int) -> Taken:
    """Store a batch in one transaction and say what became of it.

    Raises DatabaseUnavailable: then nothing is stored, and all may be sent again.
    """
    wrong = {place: wrong_run(run, now_ms) for place, run in enumerate(batch.runs)}
    places = [place for place, why in wrong.items() if not why]
    refused = {place: why for place, why in wrong.items() if why}
    with db.atomic():
        agent = agents.see(
            db,
            batch.agent,
            now_ms,
            batch.version[:LONGEST_TEXT],
            batch.plan[:LONGEST_TEXT],
            batch.dropped,
        )
        accepted = duplicates = 0
        for some in _storable(db, agent.id, [batch.runs[p] for p in places], now_ms):
            accepted += len(some.stored.accepted)
            duplicates += some.stored.duplicates
            refused |= {places[some.first + at]: why for at, why in some.stored.refused}
        tests = sum(
            probe_tests.finish(
                db, test.id, batch.agent, msgspec.to_builtins(test.result), now_ms
            )
            for test in batch.tests
            if 0 < test.id < LARGEST_NUMBER and not wrong_result(test.result, now_ms)
        )
    kept = (run for place, run in enumerate(batch.runs) if place not in refused)
    told = tuple(
        Refusal(place=place, reason=refused[place]) for place in sorted(refused)
    )
    return Taken(
        Receipt(accepted=accepted, duplicates=duplicates, refused=told),
        sum(len(run.results) for run in kept),
        tests,
    )


@dataclass(frozen=True, slots=True)
class _Some:
    """What became of some runs, the first of which had a place."""

    first: int
    stored: intake.Stored


def _storable(
    db: Database, agent: int, runs: Sequence[Run], now_ms: int
) -> list[_Some]:
    """Store runs together or, where something about one is odd, each by itself."""
    try:
        with db.atomic():
            return [_Some(0, intake.store(db, agent, runs, now_ms))]
    except (DatabaseUnavailable, MemoryError):
        raise
    except Exception as error:
        # What one run holds must not hold up the others.
        if len(runs) == 1:
            log.exception("run not stored", job=runs[0].job)
            why = f"it cannot be stored: {type(error).__name__}: {error}"
            return [_Some(0, intake.Stored((), 0, ((0, why),)))]
    return [
        _Some(place, one.stored)
        for place, run in enumerate(runs)
        for one in _storable(db, agent, [run], now_ms)
    ]

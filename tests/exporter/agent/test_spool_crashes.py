"""Whatever happens to a spool: what counted as taken comes out, in order, once."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from exporter.agent.spool import Spool

LIMIT = 2**14
"""Below the smallest that settings allow, so that it fills up in a few steps."""


class Spools(RuleBasedStateMachine):
    """Appends, ships and crashes, the last at any byte of what is being written."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.dropped: Counter[str] = Counter()
        self.number = 0
        self.taken: list[bytes] = []
        self.sent: list[bytes] = []
        self.spool = self.opened()

    def opened(self) -> Spool:
        spool = Spool(self.folder, LIMIT, self.drop)
        spool.open()
        return spool

    def drop(self, reason: str, count: int) -> None:
        self.dropped[reason] += count

    def payload(self, size: int) -> bytes:
        self.number += 1
        return f"{self.number:06d}".encode().ljust(size, b".")

    @rule(sizes=st.lists(st.integers(6, 3000), max_size=6))
    def append(self, sizes: list[int]) -> None:
        for size in sizes:
            payload = self.payload(size)
            self.spool.append(self.number, payload)
            self.taken.append(payload)

    @rule(count=st.integers(1, 5), size=st.integers(1, 9000), arrives=st.booleans())
    def ship(self, count: int, size: int, arrives: bool) -> None:  # noqa: FBT001
        chunk = self.spool.next(count, size)
        if chunk is None:
            return
        if arrives:
            self.sent.extend(chunk.payloads)
            self.spool.done(chunk)
        else:
            self.spool.give_back(chunk)

    @rule()
    def restart(self) -> None:
        self.spool.close()
        self.spool = self.opened()

    @rule()
    def kill(self) -> None:
        self.close_as_killed()
        self.spool = self.opened()

    @rule(size=st.integers(6, 3000), share=st.floats(0, 1, exclude_max=True))
    def kill_while_writing(self, size: int, share: float) -> None:
        before = self.spool.unsent
        payload = self.payload(size)
        self.spool.append(self.number, payload)
        active = self.spool._active
        assert active is not None
        path, end = active.segment.path, active.segment.size
        begin = end - size - 20
        lost = before + 1 - self.spool.unsent  # for the room that it needed
        self.close_as_killed()
        with path.open("r+b") as stream:
            stream.truncate(begin + int((end - begin) * share))
        self.spool = self.opened()
        assert self.spool.unsent == before - lost

    @rule()
    def lose_the_note(self) -> None:
        """Of what was sent: then runs may come again, which the bridge sees."""
        self.close_as_killed()
        (self.folder / "sent").unlink()
        self.spool = self.opened()

    def close_as_killed(self) -> None:
        """Nothing is written any more; that only descriptors are closed."""
        for handle in self.spool._full.values():
            os.close(handle)
        self.spool._full = {}
        if self.spool._active is not None:
            os.close(self.spool._active.handle)
            self.spool._active = None
        self.spool.close()

    @invariant()
    def it_is_bounded(self) -> None:
        assert self.spool.size <= LIMIT
        files = sum(path.stat().st_size for path in self.folder.glob("*.runs"))
        assert files == self.spool.size

    @invariant()
    def nothing_is_lost_untold(self) -> None:
        arrived = set(self.sent)
        waiting = self.spool.unsent
        assert len(self.taken) <= len(arrived) + waiting + self.dropped.total()

    def teardown(self) -> None:
        while chunk := self.spool.next(3, 5000):
            self.sent.extend(chunk.payloads)
            self.spool.done(chunk)
        self.spool.close()
        shutil.rmtree(self.folder)
        assert set(self.dropped) <= {"spool_full"}
        assert set(self.sent) <= set(self.taken)
        missing = set(self.taken) - set(self.sent)
        assert len(missing) <= self.dropped["spool_full"]


Spools.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
TestSpools = Spools.TestCase

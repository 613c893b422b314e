from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from exporter.agent.records import encode
from exporter.agent.segments import read_sent, survey, write_sent

if TYPE_CHECKING:
    from pathlib import Path


def test_a_survey_cuts_the_torn_tail_off(tmp_path: Path) -> None:
    path = tmp_path / "1.runs"
    whole = encode(1, b"a") + encode(2, b"b")
    path.write_bytes(whole + encode(3, b"c")[:-1])
    found = survey(path, 1, 0)
    assert (found.size, found.records, found.unsent) == (len(whole), 2, 2)
    assert path.read_bytes() == whole
    assert survey(path, 1, len(encode(1, b"a"))).unsent == 1


def test_a_survey_from_behind_the_end_finds_nothing(tmp_path: Path) -> None:
    """So much of the file was lost with the power that it was sent further."""
    path = tmp_path / "1.runs"
    path.write_bytes(encode(1, b"a"))
    assert survey(path, 1, 10_000).unsent == 0


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 25))
def test_a_note_is_whole_or_none(number: int, end: int, cut: int) -> None:
    handle = os.memfd_create("sent")
    try:
        assert read_sent(handle) == (0, 0)
        write_sent(handle, 1, 2)
        write_sent(handle, number, end)
        assert read_sent(handle) == (number, end)
        os.truncate(handle, min(cut, 19))
        assert read_sent(handle) == (0, 0)
    finally:
        os.close(handle)

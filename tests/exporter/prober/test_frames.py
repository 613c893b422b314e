from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.prober.frames import Frames, TieError, frame
from exporter.prober.messages import Ask, Stop, ToProber, Work
from runtime.probing.rules import Rule, Rules


@given(st.data())
def test_messages_arrive_whatever_pieces_they_come_in(data: st.DataObject) -> None:
    asked = Ask(7, b"{}", "a", "b", 1.5, Rules((Rule(network="::/0"),), redirects=True))
    sent: list[ToProber] = [asked, Stop(), Work(b"{}", "here", "all")]
    text = b"".join(map(frame, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    edges = [0, *cuts, len(text)]
    frames: Frames[ToProber] = Frames(ToProber)  # type: ignore[arg-type]  # a union
    found = [
        message
        for start, end in pairwise(edges)
        for message in frames.feed(text[start:end])
    ]
    assert found == sent


@pytest.mark.parametrize(
    "text", [b"\xff\xff\xff\xff", b"\0\0\0\1\xc1", b"\0\0\0\2\x81\xa1"]
)
def test_what_is_no_message_is_told(text: bytes) -> None:
    frames: Frames[ToProber] = Frames(ToProber)  # type: ignore[arg-type]  # a union
    with pytest.raises(TieError):
        list(frames.feed(text))

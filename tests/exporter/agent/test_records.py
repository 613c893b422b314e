from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.agent.records import OVERHEAD, decode, encode

PAYLOADS = st.lists(
    st.tuples(st.integers(0, 2**64 - 1), st.binary(max_size=50)), max_size=8
)


def written(payloads: list[tuple[int, bytes]]) -> bytes:
    return b"".join(encode(stamp, payload) for stamp, payload in payloads)


@given(PAYLOADS)
def test_what_was_written_is_read(payloads: list[tuple[int, bytes]]) -> None:
    found = list(decode(written(payloads)))
    assert [(record.stamp_ms, record.payload) for record in found] == payloads


@given(PAYLOADS, st.integers(0, 400))
def test_a_torn_file_has_the_records_that_are_whole(
    payloads: list[tuple[int, bytes]], cut: int
) -> None:
    content = written(payloads)[:cut]
    found = [record.payload for record in decode(content)]
    whole, place = [], 0
    for _, payload in payloads:
        place += OVERHEAD + len(payload)
        if place <= cut:
            whole.append(payload)
    assert found == whole


@given(st.lists(st.text(max_size=30), min_size=3, max_size=6), st.data())
def test_a_damaged_byte_costs_one_record(texts: list[str], data: st.DataObject) -> None:
    payloads = [text.encode() for text in texts]
    content = bytearray(written([(7, payload) for payload in payloads]))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    found = [record.payload for record in decode(bytes(content))]
    assert len(found) == len(payloads) - 1
    assert set(found) <= set(payloads)


def test_reading_goes_on_from_an_offset() -> None:
    content = written([(1, b"a"), (2, b"b")])
    first, second = decode(content)
    assert list(decode(content, first.end)) == [second]
    assert list(decode(content, len(content) + 9)) == []

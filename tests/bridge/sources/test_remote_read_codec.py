from __future__ import annotations

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.base import SourceError
from bridge.sources.remote_read_codec import (
    MESSAGES,
    STREAMED_XOR_CHUNKS,
    added,
    labels_of,
    request,
    series_of,
    uncompress,
)
from bridge.sources.selectors import parse
from tests.bridge.sources.remote_read import answer, series

texts = st.text(st.characters(codec="utf-8"), max_size=20)
labels = st.dictionaries(texts, texts, max_size=4)


def packed(data: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(data))


def asked(body: bytes) -> object:
    return MESSAGES["ReadRequest"].FromString(bytes(uncompress(body, 10**6)))


@pytest.mark.rule(80)
def test_r80_both_ends_of_a_question_are_in_it() -> None:
    selector = parse('up{a="1",b!="2",c=~"3",d!~"4"}')
    found = asked(request(selector.conditions, 1000, 61_000))
    assert found == MESSAGES["ReadRequest"](
        queries=[
            {
                "start_timestamp_ms": 1000,
                "end_timestamp_ms": 60_999,
                "matchers": [
                    {"name": "__name__", "value": "up"},
                    {"name": "a", "value": "1"},
                    {"type": 1, "name": "b", "value": "2"},
                    {"type": 2, "name": "c", "value": "3"},
                    {"type": 3, "name": "d", "value": "4"},
                ],
                "hints": {"start_ms": 1000, "end_ms": 60_999},
            }
        ],
        accepted_response_types=[0],
    )


def test_a_question_may_ask_for_chunks() -> None:
    found = asked(request([], 0, 1, STREAMED_XOR_CHUNKS))
    assert list(found.accepted_response_types) == [1]  # type: ignore[attr-defined]  # made at run time


@given(st.lists(st.binary(max_size=20), max_size=4))
def test_series_stay_bytes(found: list[bytes]) -> None:
    body = packed(answer(*found))
    assert series_of(uncompress(body, 10**6)) == found


def test_several_results_are_one() -> None:
    assert series_of(answer(b"a") + answer(b"b", b"c")) == [b"a", b"b", b"c"]


@given(labels)
def test_labels_survive(found: dict[str, str]) -> None:
    assert labels_of(series(found, [(1, 2.0)])) == found


@given(labels, labels)
def test_labels_that_were_added_are_left_out(
    own: dict[str, str], more: dict[str, str]
) -> None:
    more = {name: text for name, text in more.items() if name not in own}
    assert labels_of(series({**own, **more}) + added(more)) == own


def test_an_own_value_of_an_added_label_stays() -> None:
    found = series({"__name__": "up", "dc": "mine"}) + added({"dc": "theirs"})
    assert labels_of(found) == {"__name__": "up", "dc": "mine"}
    assert added({}) == b""


def test_labels_that_are_no_text_are_shown_as_json_shows_them() -> None:
    label = MESSAGES["Label"](name=b"a", value=b"\xff").SerializeToString()
    body = MESSAGES["TimeSeries"](labels=[label]).SerializeToString()
    assert labels_of(body) == {"a": "\N{REPLACEMENT CHARACTER}"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "truncated"),
        (packed(b"x" * 1000)[:-3], "garbage"),
        (packed(b"x" * 10) + b"rest", "garbage"),
        (b"<html>no snappy</html>", "garbage"),
        (b"\xff" * 20, "garbage"),
        (packed(b"x" * 10_001), "too_large"),
        (b"\xff\xff\xff\xff\x0f" + b"x" * 20, "too_large"),
    ],
)
def test_what_is_no_snappy_block_or_too_large_a_one_is_refused(
    body: bytes, reason: str
) -> None:
    with pytest.raises(SourceError) as caught:
        uncompress(body, 10_000)
    assert caught.value.reason == reason
    assert caught.value.permanent == (reason == "too_large")


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for read in (series_of, labels_of, lambda one: uncompress(one, 10**6)):
        try:
            read(body)
        except SourceError as error:
            assert error.reason in {"garbage", "too_large", "truncated"}  # noqa: PT017 - some bytes are read

from __future__ import annotations

import pytest

from bridge.sources.base import Exponential, SourceError
from bridge.sources.remote_read_histograms import histogram_of
from tests.bridge.sources.remote_read import STALE_BITS, histogram, value

AT = 1_700_000_040_000


def shown(found: Exponential | None) -> tuple[object, ...]:
    """Return what a histogram says, arrays as lists."""
    assert found is not None
    return (
        found.schema,
        found.zero_threshold,
        found.zero_count,
        found.count,
        found.sum,
        (found.positive[0], found.positive[1].tolist()),
        (found.negative[0], found.negative[1].tolist()),
        found.custom,
    )


def test_integer_histograms_tell_differences() -> None:
    at, found = histogram_of(
        histogram(
            count_int=19,
            sum=12.5,
            schema=-1,
            zero_threshold=0.001,
            zero_count_int=2,
            positive_spans=[{"offset": -2, "length": 2}, {"offset": 1, "length": 2}],
            positive_deltas=[1, 2, -1, 3],
            negative_spans=[{"offset": 4, "length": 1}],
            negative_deltas=[6],
            reset_hint=1,
            timestamp=AT,
        )
    )
    assert at == AT
    assert shown(found) == (
        -1,
        0.001,
        2.0,
        19.0,
        12.5,
        (-2, [1.0, 3.0, 0.0, 2.0, 5.0]),
        (4, [6.0]),
        (),
    )


def test_float_histograms_tell_counts() -> None:
    _, found = histogram_of(
        histogram(
            count_float=4.5,
            sum=1.0,
            schema=3,
            zero_count_float=0.5,
            positive_spans=[{"offset": 7, "length": 2}],
            positive_counts=[1.5, 2.5],
        )
    )
    assert shown(found)[:6] == (3, 0.0, 0.5, 4.5, 1.0, (7, [1.5, 2.5]))


def test_custom_bounds_come_along() -> None:
    _, found = histogram_of(
        histogram(
            count_int=3,
            schema=-53,
            positive_spans=[{"offset": 0, "length": 2}],
            positive_deltas=[1, 1],
            custom_values=[0.5, 2.0],
        )
    )
    assert shown(found)[5:] == ((0, [1.0, 2.0]), (0, []), (0.5, 2.0))


def test_an_empty_histogram_is_one() -> None:
    _, found = histogram_of(histogram(count_int=0, schema=8))
    assert shown(found) == (8, 0.0, 0.0, 0.0, 0.0, (0, []), (0, []), ())


@pytest.mark.rule(11)
def test_r11_a_stale_histogram_is_none() -> None:
    assert histogram_of(histogram(sum=value(STALE_BITS), timestamp=AT)) == (AT, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"positive_spans": [{"offset": 0, "length": 2}], "positive_deltas": [1]},
        {"negative_spans": [{"offset": 0, "length": 1}], "negative_counts": [1, 2]},
        {"positive_spans": [{"offset": 0, "length": 2**32 - 1}]},
        {
            "positive_spans": [
                {"offset": 0, "length": 1},
                {"offset": 2**31 - 1, "length": 1},
            ],
            "positive_deltas": [1, 1],
        },
        {
            "positive_spans": [
                {"offset": 5, "length": 1},
                {"offset": -3, "length": 1},
            ],
            "positive_deltas": [1, 1],
        },
    ],
)
def test_spans_that_do_not_fit_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(SourceError, match="native histogram cannot be read") as caught:
        histogram_of(histogram(**fields))
    assert caught.value.reason == "garbage"

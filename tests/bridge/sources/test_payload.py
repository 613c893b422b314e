from __future__ import annotations

import gc
import json
import math
from typing import Any

import msgspec
import pytest

from bridge.sources.base import SourceError, Warnings
from bridge.sources.payload import Answer, Vector, decode, decode_matrix, failure


def body(result: list[dict[str, Any]], **more: Any) -> bytes:
    data = {"resultType": "matrix", "result": result}
    return json.dumps(
        {"status": "success", "data": data, **more}, separators=(",", ":")
    ).encode()


@pytest.mark.rule(82)
def test_r82_values_are_texts_with_all_the_special_ones() -> None:
    matrix = decode_matrix(
        body(
            [
                {
                    "metric": {"__name__": "x", "le": "+Inf", "trap": ',"+Inf"]'},
                    "values": [[1, "+Inf"], [2, "-Inf"], [3, "NaN"], [4.5, "1e-300"]],
                },
                {"metric": {"__name__": "y"}, "values": [[1, "-0"]]},
            ]
        ),
        Warnings(),
    )
    assert [json.loads(raw) for raw in matrix.metrics] == [
        {"__name__": "x", "le": "+Inf", "trap": ',"+Inf"]'},
        {"__name__": "y"},
    ]
    assert matrix.lengths.tolist() == [4, 1]
    assert matrix.times.tolist() == [1000, 2000, 3000, 4500, 1000]
    assert matrix.values[:2].tolist() == [math.inf, -math.inf]
    assert math.isnan(matrix.values[2])
    assert matrix.values[3:].tolist() == [1e-300, -0.0]
    assert (matrix.natives, matrix.left_out) == ([], 0)


@pytest.mark.rule(3)
def test_r3_times_are_rounded_to_milliseconds() -> None:
    seconds = [1435781451.781, 1700000000.001, 1700000000.999, 0.001, -0.001]
    matrix = decode_matrix(
        body([{"metric": {}, "values": [[at, "1"] for at in seconds]}]), Warnings()
    )
    assert matrix.times.tolist() == [
        1435781451781,
        1700000000001,
        1700000000999,
        1,
        -1,
    ]


def test_no_series_is_an_empty_matrix() -> None:
    matrix = decode_matrix(body([]), Warnings())
    assert (matrix.metrics, len(matrix.lengths), len(matrix.times)) == ([], 0, 0)


def histogram(count: str, total: str, *buckets: tuple[int, str, str, str]) -> Any:
    return {"count": count, "sum": total, "buckets": buckets}


def test_native_histograms_are_read_by_their_bounds() -> None:
    told = [
        [1.5, histogram("3", "+Inf", (3, "-0.5", "0.5", "1"), (0, "1", "2", "2"))],
        [2, {"count": "3", "sum": "NaN"}],
    ]
    matrix = decode_matrix(
        body(
            [
                {"metric": {"a": "1"}, "histograms": told},
                {"metric": {"a": '"histograms":['}, "values": [[1, "1"]]},
            ]
        ),
        Warnings(),
    )
    assert matrix.lengths.tolist() == [1]
    (found,) = matrix.natives
    assert (found.metric, found.times) == (b'{"a":"1"}', [1500, 2000])
    first, second = found.histograms
    assert (first.schema, first.count, first.sum) == (0, 3, math.inf)
    assert (first.zero_threshold, first.zero_count) == (0.5, 1)
    assert (first.positive[0], first.positive[1].tolist()) == (1, [2])
    assert (second.schema, second.count, len(second.positive[1])) == (0, 3, 0)
    assert math.isnan(second.sum)


def test_of_native_histograms_it_is_counted_what_is_left_out() -> None:
    odd = histogram("1", "1", (0, "0.1", "0.5", "1"), (0, "0.5", "7", "1"))
    good = histogram("1", "1", (0, "1", "2", "1"))
    matrix = decode_matrix(
        body(
            [
                {"metric": {"a": "1"}, "histograms": [[1, odd]]},
                {"metric": {"a": "2"}, "values": [[1, "1"]], "histograms": [[2, good]]},
                {"metric": {"a": "3"}, "histograms": [[1, good]]},
            ]
        ),
        Warnings(),
    )
    assert (matrix.metrics, matrix.left_out) == ([], 2)
    assert [one.metric for one in matrix.natives] == [b'{"a":"2"}', b'{"a":"3"}']


@pytest.mark.parametrize(
    "told", [{}, histogram("x", "1"), histogram("1", "1", (0, "a", "1", "1"))]
)
def test_what_is_no_histogram_is_garbage(told: Any) -> None:
    with pytest.raises(SourceError, match="native histogram cannot be read") as caught:
        decode_matrix(body([{"metric": {}, "histograms": [[1, told]]}]), Warnings())
    assert caught.value.reason == "garbage"


@pytest.mark.rule(70)
def test_r70_warnings_and_infos_are_noted() -> None:
    warnings = Warnings(["before"])
    decode_matrix(body([], warnings=["partial"], infos=["hm"]), warnings)
    assert warnings.messages == ["before", "partial", "hm"]


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>busy</html>",
        b"",
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a"',
        b'{"status":"success"}',
        b'{"data":{}}',
        b'{"status":"success","data":{"resultType":"vector","result":[]}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[{"values":[]}]}}',
        body([{"metric": {}, "values": [[1, "one"]]}]),
        body([{"metric": {}, "values": [[1]]}]),
        b'{"status":"success\xff"}',
    ],
)
def test_what_is_no_answer_is_garbage(answer: bytes) -> None:
    with pytest.raises(SourceError) as caught:
        decode_matrix(answer, Warnings())
    assert (caught.value.reason, caught.value.permanent) == ("garbage", False)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_as_before_after_an_answer_good_or_bad(
    *, enabled: bool
) -> None:
    try:
        if not enabled:
            gc.disable()
        decode_matrix(body([]), Warnings())
        with pytest.raises(SourceError):
            decode_matrix(b"{}", Warnings())
        assert gc.isenabled() is enabled
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("kind", "reason", "permanent"),
    [
        ("bad_data", "rejected", True),
        ("execution", "rejected", False),
        ("timeout", "status", False),
        ("unavailable", "status", False),
    ],
)
def test_an_error_in_an_answer_says_whether_asking_again_helps(
    *,
    kind: str,
    reason: str,
    permanent: bool,
) -> None:
    said = json.dumps({"status": "error", "errorType": kind, "error": "no"}).encode()
    for error in (_raised_by(said), failure(503, said)):
        assert str(error) == f"{kind}: no"
        assert (error.reason, error.permanent) == (reason, permanent)


def _raised_by(answer: bytes) -> SourceError:
    with pytest.raises(SourceError) as caught:
        decode(answer, msgspec.json.Decoder(Answer[Vector]))
    return caught.value


@pytest.mark.parametrize(
    ("status", "location", "reason", "permanent", "message"),
    [
        (401, "", "unauthorized", True, "answered 401: check the bearer token"),
        (403, "", "unauthorized", True, "answered 403: check the bearer token"),
        (302, "/graph", "rejected", True, "redirects to /graph"),
        (404, "", "rejected", True, "answered 404: nothing here"),
        (429, "", "status", False, "answered 429: nothing here"),
        (500, "", "status", False, "answered 500: nothing here"),
        (503, "", "status", False, "answered 503: nothing here"),
    ],
)
def test_a_status_says_whether_asking_again_helps(
    *,
    status: int,
    location: str,
    reason: str,
    permanent: bool,
    message: str,
) -> None:
    error = failure(status, b"nothing here\n", location)
    assert (error.reason, error.permanent) == (reason, permanent)
    assert message in str(error)

"""Answers of Prometheus' HTTP API, decoded.

Labels of raw samples stay undecoded bytes: they are the same in every answer and serve
as keys as they are. Values become arrays without an object per sample left behind.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import msgspec
import numpy as np

from bridge.sources.base import SourceError, Warnings
from bridge.sources.natives import NativeSeries, from_told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

T = TypeVar("T")
_PERMANENT: Final = frozenset({"bad_data", "not_found", "not_acceptable"})
_REJECTED: Final = _PERMANENT | {"execution"}
_UNAUTHORIZED: Final = frozenset({401, 403})
_TRY_AGAIN: Final = frozenset({408, 425, 429})
_SERVERS_FAULT: Final = 500


class Answer(msgspec.Struct, Generic[T]):
    """What every endpoint answers; `data` is there where status is `success`."""

    status: str
    data: T | None = None
    errorType: str = ""  # noqa: N815 - named by the API
    error: str = ""
    warnings: list[str] = msgspec.field(default_factory=list)
    infos: list[str] = msgspec.field(default_factory=list)


class _RawSeries(msgspec.Struct, gc=False):
    metric: msgspec.Raw
    values: list[tuple[float, float]] = msgspec.field(default_factory=list)
    histograms: msgspec.Raw = msgspec.Raw()


class _RawHistogram(msgspec.Struct, gc=False):
    count: str
    sum: str
    buckets: list[tuple[int, str, str, str]] = msgspec.field(default_factory=list)


class _RawMatrix(msgspec.Struct):
    resultType: str  # noqa: N815 - named by the API
    result: list[_RawSeries]


class Element(msgspec.Struct):
    """A series of an instant vector with its value at a time in UTC seconds."""

    metric: dict[str, str]
    value: tuple[float, float]


class Vector(msgspec.Struct):
    """The answer to an instant query of an instant vector."""

    result: list[Element]


class Scalar(msgspec.Struct):
    """The answer to an instant query of a scalar: its time and its value."""

    result: tuple[float, float]


_MATRIX: Final = msgspec.json.Decoder(Answer[_RawMatrix], strict=False)
_HISTOGRAMS: Final = msgspec.json.Decoder(
    list[tuple[float, _RawHistogram]], strict=False
)
_ERROR: Final = msgspec.json.Decoder(Answer[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Matrix:
    """Raw samples: series i has the labels `metrics[i]` and `lengths[i]` samples.

    `metrics` are JSON objects with the name among the labels, as the server wrote
    them. `times` are UTC milliseconds (RULES R3). Series that hold native histograms
    are in `natives` and nowhere else; of them `left_out` counts those that have numbers
    as well, which are left out, and those whose buckets cannot be told. `ended` is the
    time of the newest stale marker of each series, 0 for none; None where the server
    tells of none (RULES R12).
    """

    metrics: list[bytes]
    lengths: NDArray[np.int64]
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    natives: list[NativeSeries] = field(default_factory=list)
    left_out: int = 0
    ended: NDArray[np.int64] | None = None


def decode_matrix(body: bytes, warnings: Warnings) -> Matrix:
    """Decode the answer to a range selector; raises SourceError."""
    if b',"+Inf"]' in body:
        # The lax float decoder takes "Inf" alone. Quotes within labels are escaped,
        # so that the pattern is always a sample.
        body = body.replace(b',"+Inf"]', b',"Inf"]')
    with _without_collector():
        answer = decode(body, _MATRIX, warnings)
        if answer.resultType != "matrix":
            raise SourceError("garbage", f"a {answer.resultType} instead of a matrix")
        # The pattern is never part of a label either.
        natives = _natives(answer.result) if b'"histograms":[' in body else []
        matrix = _flatten(answer.result, natives)
        del answer  # or the collector looks at all of it as soon as it may
    return matrix


def decode(
    body: bytes,
    decoder: msgspec.json.Decoder[Answer[T]],
    warnings: Warnings | None = None,
) -> T:
    """Decode an answer and note its warnings; raises SourceError."""
    try:
        answer = decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SourceError("garbage", f"the answer cannot be read: {error}") from error
    if answer.status != "success":
        raise _error(answer.errorType, answer.error)
    if answer.data is None:
        raise SourceError("garbage", "the answer has no data")
    if warnings is not None:
        warnings.messages += answer.warnings + answer.infos
    return answer.data


def failure(status: int, body: bytes, location: str = "") -> SourceError:
    """Say what an answer with an HTTP status other than 200 means."""
    if status in _UNAUTHORIZED:
        said = f"the server answered {status}: check the bearer token"
        return SourceError("unauthorized", said, permanent=True)
    if location:
        said = f"the server redirects to {location}"
        return SourceError("rejected", said, permanent=True)
    try:
        answer = _ERROR.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        said = body[:200].decode("utf-8", "replace").strip()
        ours = status < _SERVERS_FAULT and status not in _TRY_AGAIN
        reason = "rejected" if ours else "status"
        return SourceError(
            reason, f"the server answered {status}: {said}", permanent=ours
        )
    return _error(answer.errorType, answer.error)


def _error(kind: str, message: str) -> SourceError:
    return SourceError(
        "rejected" if kind in _REJECTED else "status",
        f"{kind or 'error'}: {message}",
        permanent=kind in _PERMANENT,
    )


def _flatten(result: list[_RawSeries], natives: list[_RawSeries]) -> Matrix:
    left_out = 0
    told = []
    if natives:
        result = [series for series in result if not bytes(series.histograms)]
        told = [one for series in natives if (one := _native(series)) is not None]
        left_out = len(natives) - len(told) + sum(bool(one.values) for one in natives)
    samples = [series.values for series in result]
    lengths = np.fromiter(map(len, samples), np.int64, len(samples))
    numbers = np.fromiter(
        chain.from_iterable(chain.from_iterable(samples)),
        np.float64,
        2 * int(lengths.sum()),
    )
    return Matrix(
        metrics=[bytes(series.metric) for series in result],
        lengths=lengths,
        times=np.rint(numbers[0::2] * 1000.0).astype(np.int64),
        values=numbers[1::2].copy(),
        natives=told,
        left_out=left_out,
    )


def _natives(result: list[_RawSeries]) -> list[_RawSeries]:
    return [series for series in result if bytes(series.histograms)]


def _native(series: _RawSeries) -> NativeSeries | None:
    """Return a series of native histograms, None if its buckets are not exponential.

    Raises SourceError for what is no histogram at all.
    """
    try:
        rows = _HISTOGRAMS.decode(series.histograms)
        told = [
            (
                float(row.count),
                float(row.sum),
                [
                    (rule, float(low), float(up), float(n))
                    for rule, low, up, n in row.buckets
                ],
            )
            for _, row in rows
        ]
    except ValueError as error:  # msgspec's errors are ValueErrors
        raise SourceError(
            "garbage", f"a native histogram cannot be read: {error}"
        ) from error
    times = [round(seconds * 1000) for seconds, _ in rows]
    try:
        return NativeSeries(bytes(series.metric), times, from_told(told))
    except ValueError:
        return None


@contextmanager
def _without_collector() -> Iterator[None]:
    """Hold off the cyclic garbage collector, which would look at each new sample."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()

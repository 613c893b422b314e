"""Answers of Prometheus' HTTP API, decoded.

Labels of raw samples stay undecoded bytes: they are the same in every answer and serve
as keys as they are. Values become arrays without an object per sample left behind.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import msgspec
import numpy as np

from bridge.sources.base import SourceError, Warnings

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
_ERROR: Final = msgspec.json.Decoder(Answer[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Matrix:
    """Raw samples: series i has the labels `metrics[i]` and `lengths[i]` samples.

    `metrics` are JSON objects with the name among the labels, as the server wrote
    them. `times` are UTC milliseconds (RULES R3). `histograms` counts series left out
    because they hold native histograms only.
    """

    metrics: list[bytes]
    lengths: NDArray[np.int64]
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    histograms: int = 0


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
        matrix = _flatten(answer.result)
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


def _flatten(result: list[_RawSeries]) -> Matrix:
    samples = [series.values for series in result]
    lengths = np.fromiter(map(len, samples), np.int64, len(samples))
    numbers = np.fromiter(
        chain.from_iterable(chain.from_iterable(samples)),
        np.float64,
        2 * int(lengths.sum()),
    )
    histograms = int(np.count_nonzero(lengths == 0)) and sum(
        bool(bytes(series.histograms)) for series in result if not series.values
    )
    return Matrix(
        metrics=[bytes(series.metric) for series in result],
        lengths=lengths,
        times=np.rint(numbers[0::2] * 1000.0).astype(np.int64),
        values=numbers[1::2].copy(),
        histograms=histograms,
    )


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

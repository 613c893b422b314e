"""Raw samples by remote read, which alone tells of stale markers (RULES R12).

A server adds its external labels to every series of such an answer, and takes an
equality with one of them for a question about itself. Both are undone here, so that a
series is the same one whichever way it came.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import yaml

from bridge.sources import stale
from bridge.sources.base import SourceError, Warnings
from bridge.sources.natives import NativeSeries
from bridge.sources.payload import Matrix, decode_matrix
from bridge.sources.remote_read_codec import added, labels_of, request, series_of
from bridge.sources.remote_read_histograms import histogram_of
from bridge.sources.remote_read_scan import Scanned, scan
from bridge.sources.selectors import NAME, Matcher, Selector, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from bridge.sources.api import Api
    from bridge.sources.base import Exponential

Decode: TypeAlias = Callable[[Warnings], Matrix]
"""Decodes what was fetched, and notes what the server warned of."""

_UP: Final = parse("up")
_GLOBAL: Final = re.compile(r"^global:\n((?:[ ].*\n|\n)*)", re.MULTILINE)
_UPSTREAM: Final = re.compile(r"^remote_read:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Server:
    """What a configuration says of remote read."""

    config: str = ""
    external: Mapping[str, str] = field(default_factory=dict)
    mark: bytes = b""

    @classmethod
    def of(cls, config: str) -> _Server:
        external = _external_labels(config)
        return cls(config, external, added(external))


class RemoteRead:
    """Asks the endpoint `/api/v1/read`; see `bridge.sources.transports.Transport`.

    With `sure`, a server that does not tell its configuration is refused. Without, it
    is taken to have no external labels.
    """

    def __init__(self, api: Api, *, sure: bool = False) -> None:
        self._api = api
        self._sure = sure
        self._server = _Server()
        self._offered = False

    def begin(self, start_ms: int, end_ms: int) -> None:
        """Get ready for a window.

        Raises SourceError where the endpoint is not offered or its answers would not
        be those of the HTTP API.
        """
        config = self._config()
        if config != self._server.config:
            self._server, self._offered = _Server.of(config), False
        if not self._offered:
            self._check(config)
            series_of(self._ask(_UP.conditions, start_ms, start_ms + 1))
            self._offered = True
        for label, value in self._server.external.items():
            own = Selector(frozenset({Matcher(label, "=", value)}))
            if self._api.has_series(own, start_ms, end_ms):
                raise _unfit(
                    f"series carry {own} themselves and are not told from those that "
                    "get it as an external label"
                )

    def fetch(self, selector: Selector, start_ms: int, end_ms: int) -> Decode:
        """Fetch the samples of `[start_ms, end_ms)`, on any thread, to be decoded.

        Prometheus 2.42 and before answer series of native histograms without these;
        the query API has them.
        """
        matchers = (self._about_series(matcher) for matcher in selector.conditions)
        try:
            found = scan(series_of(self._ask(matchers, start_ms, end_ms)))
        except SourceError:
            self._offered = False  # perhaps; the next window finds out
            raise
        names = _silent(found)
        body = None
        if names:
            either = "|".join(map(re.escape, sorted(names)))
            narrowed = selector.narrowed([Matcher(NAME, "=~", either)])
            body = self._api.raw(narrowed, start_ms, end_ms)
        return partial(_decode, found, body, self._server.mark)

    def end(self) -> None:
        """Make sure that the window was read under one configuration."""
        if self._config() != self._server.config:
            raise SourceError(
                "status", "the server's configuration changed while it was read"
            )

    def _ask(self, matchers: Iterable[Matcher], start_ms: int, end_ms: int) -> bytes:
        return self._api.read(request(matchers, start_ms, end_ms))

    def _about_series(self, matcher: Matcher) -> Matcher:
        """Return a condition that the server cannot take for one about itself."""
        if matcher.operator == "=" and matcher.label in self._server.external:
            return Matcher(matcher.label, "=~", re.escape(matcher.value))
        return matcher

    def _config(self) -> str:
        try:
            return self._api.config()
        except SourceError as error:
            if self._sure or not error.permanent:
                raise
            return ""

    def _check(self, config: str) -> None:
        if _UPSTREAM.search(config):
            raise _unfit(
                "the server reads from others by itself (remote_read), and this way "
                "does not say when one of them fails"
            )


def _unfit(why: str) -> SourceError:
    return SourceError(
        "rejected", f"{why}; set the source's transport to http", permanent=True
    )


def _external_labels(config: str) -> dict[str, str]:
    """Return the labels that a server adds; raises SourceError if it cannot be said."""
    found = _GLOBAL.search(config)
    if found is None:
        return {}
    try:
        section: Any = yaml.safe_load(found[0])["global"] or {}
        labels = section.get("external_labels") or {}
        return {str(name): str(value) for name, value in labels.items()}
    except (yaml.YAMLError, AttributeError) as error:
        raise SourceError(
            "garbage", f"the server's external_labels cannot be read: {error}"
        ) from error


def _silent(found: Scanned) -> set[str]:
    """Return the names of series that are there but have nothing."""
    silent = set(np.flatnonzero(found.lengths == 0).tolist())
    silent -= {at for at, _ in found.histograms}
    return {labels_of(found.keys[at]).get(NAME, "") for at in silent}


def _decode(
    found: Scanned, body: bytes | None, mark: bytes, warnings: Warnings
) -> Matrix:
    """Return the samples, with native histograms of an answer of the query API."""
    matrix = _matrix(found, mark)
    if body is None:
        return matrix
    other = decode_matrix(body, warnings)
    return replace(
        matrix,
        natives=matrix.natives + other.natives,
        left_out=matrix.left_out + other.left_out,
    )


def _matrix(found: Scanned, mark: bytes) -> Matrix:
    """Return samples without stale markers, of series that have any.

    Series of native histograms are nowhere else; `mark` goes behind all labels.
    """
    lengths, times, values = found.lengths, found.times, found.values
    marked = stale.is_stale(values)
    ended = stale.newest(marked, times, lengths)
    natives = _natives(found, ended, mark)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    left_out = 0
    if natives or marked.any():
        kept = ~marked & ~np.isin(owner, list(natives))
        left_out = len(np.unique(owner[~marked & ~kept]))
        lengths = np.bincount(owner[kept], minlength=len(lengths))
        times, values = times[kept], values[kept]
    keys = [key + mark for key in found.keys] if mark else found.keys
    there = lengths > 0
    if not there.all():
        keys = [key for key, stays in zip(keys, there, strict=True) if stays]
        lengths, ended = lengths[there], ended[there]
    return Matrix(
        keys,
        lengths,
        times,
        values,
        natives=[*natives.values()],
        left_out=left_out,
        ended=ended,
    )


def _natives(
    found: Scanned, ended: NDArray[np.int64], mark: bytes
) -> dict[int, NativeSeries]:
    """Return series of native histograms by their positions.

    A series may end with a number as its stale marker; `ended` is about those.
    """
    told: dict[int, list[tuple[int, Exponential]]] = {}
    for at, message in found.histograms:
        time, histogram = histogram_of(message)
        if histogram is None:
            ended[at] = max(ended[at], time)
        else:
            told.setdefault(at, []).append((time, histogram))
    return {
        at: NativeSeries(
            found.keys[at] + mark,
            [time for time, _ in rows],
            [histogram for _, histogram in rows],
            ended=int(ended[at]),
        )
        for at, rows in told.items()
    }

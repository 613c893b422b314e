"""A Prometheus that answers from a dictionary, and counts what it is asked."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import promql_parser
import yaml
from cramjam import snappy

from bridge.sources.remote_read_codec import MESSAGES
from tests.bridge.sources.remote_read import STALE_BITS, answer, series
from tests.web import Asked, FakeWeb, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Labels = tuple[tuple[str, str], ...]


def labels(name: str, **others: str) -> Labels:
    return tuple(sorted({"__name__": name, **others}.items()))


@dataclass
class FakePrometheus:
    """Series with samples (milliseconds, value), and what targets say of them.

    Ranges are those of Prometheus 2 (both ends are in), or of 3 with `left_open`.
    Remote read adds the external labels of `config` and tells stale markers, unless
    the server does not offer it; `histograms` are undecoded and told only there.
    `interfere` may answer a request instead.
    """

    series: dict[Labels, list[tuple[int, float]]] = field(default_factory=dict)
    histograms: dict[Labels, list[bytes]] = field(default_factory=dict)
    metadata: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    targets: list[dict[str, Any]] = field(default_factory=list)
    config: str = "global:\n  scrape_interval: 15s\n  evaluation_interval: 1m\n"
    now: float = 1_700_000_000.0
    left_open: bool = False
    offers_read: bool = True
    warnings: Sequence[str] = ()
    infos: Sequence[str] = ()

    def __post_init__(self) -> None:
        self.web = FakeWeb(self._answer)
        self.interfere: Callable[[Asked], Told | None] = _never

    @property
    def url(self) -> str:
        return self.web.url

    def __enter__(self) -> Self:
        self.web.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.web.__exit__()

    @property
    def paths(self) -> list[str]:
        """What was asked, as `query`, `series`, `metadata` and so on."""
        return [asked.path.removeprefix("/api/v1/") for asked in self.web.asked]

    @property
    def range_queries(self) -> list[str]:
        """The range selectors asked for."""
        asked = (one.fields.get("query", "") for one in self.web.asked)
        return [query for query in asked if query[:1] == "{" and query[-1:] == "]"]

    def add(self, name: str, samples: Iterable[tuple[int, float]], **to: str) -> None:
        self.series[labels(name, **to)] = list(samples)

    def _answer(self, asked: Asked) -> Told:
        told = self.interfere(asked)
        if told is not None:
            return told
        path = asked.path.removeprefix("/api/v1/").replace("/", "_")
        if path == "read" and self.offers_read:
            return self._remote_read(asked.body)
        answer = getattr(self, f"_{path}", None)
        if answer is None:
            return Told(b"404 page not found\n", 404)
        return self.success(answer(asked.fields))

    def success(self, data: Any) -> Told:
        found = {"status": "success", "data": data}
        if self.warnings:
            found["warnings"] = list(self.warnings)
        if self.infos:
            found["infos"] = list(self.infos)
        return Told(json.dumps(found, separators=(",", ":")).encode())

    def _remote_read(self, body: bytes) -> Told:
        asked = MESSAGES["ReadRequest"].FromString(bytes(snappy.decompress_raw(body)))
        (query,) = asked.queries
        external = (yaml.safe_load(self.config)["global"] or {}).get("external_labels")
        conditions = [_condition(one, external or {}) for one in query.matchers]
        found = []
        for one in {**self.series, **self.histograms}:
            if all(_holds(dict(one), *condition) for condition in conditions):
                samples = [
                    (time, value)
                    for time, value in self.series.get(one, [])
                    if query.start_timestamp_ms <= time <= query.end_timestamp_ms
                ]
                merged = dict(sorted({**(external or {}), **dict(one)}.items()))
                histograms = self.histograms.get(one, [])
                if samples or histograms:
                    found.append(series(merged, samples, histograms))
        return remote_read_told(answer(*found))

    def _metadata(self, fields: Mapping[str, str]) -> Any:
        return self.metadata

    def _targets(self, fields: Mapping[str, str]) -> Any:
        return {"activeTargets": self.targets, "droppedTargets": []}

    def _status_config(self, fields: Mapping[str, str]) -> Any:
        return {"yaml": self.config}

    def _series(self, fields: Mapping[str, str]) -> Any:
        return [dict(found) for found in self._there(fields, fields["match[]"])]

    def _labels(self, fields: Mapping[str, str]) -> Any:
        found = self._there(fields, fields.get("match[]", '{__name__=~".+"}'))
        return sorted({name for one in found for name, _ in one})

    def _there(self, fields: Mapping[str, str], selector: str) -> list[Labels]:
        start, end = _milliseconds(fields["start"]), _milliseconds(fields["end"])
        return [
            found
            for found in self._selected(promql_parser.parse(selector))
            if any(start <= at <= end for at, _ in self.series[found])
        ]

    def _query(self, fields: Mapping[str, str]) -> Any:
        query = fields["query"]
        if query == "time()":
            return {"resultType": "scalar", "result": [self.now, f"{self.now:.3f}"]}
        at = _milliseconds(fields["time"])
        expression = promql_parser.parse(query)
        if isinstance(expression, promql_parser.MatrixSelector):
            return {"resultType": "matrix", "result": self._matrix(expression, at)}
        assert isinstance(expression, promql_parser.AggregateExpr)
        return {"resultType": "vector", "result": self._count(expression, at)}

    def _count(self, count: promql_parser.AggregateExpr, at: int) -> list[Any]:
        inner = count.expr
        if isinstance(inner, promql_parser.Call):
            found = self._matrix(inner.args[0], at)
            value = [at / 1000, str(len(found))]
            return [{"metric": {}, "value": value}] if found else []
        names: dict[str, int] = {}
        for one in self._selected(inner):
            if any(at - 300_000 <= time <= at for time, _ in self.series[one]):
                name = dict(one)["__name__"]
                names[name] = names.get(name, 0) + 1
        return [
            {"metric": {"__name__": name}, "value": [at / 1000, str(size)]}
            for name, size in names.items()
        ]

    def _matrix(self, matrix: promql_parser.Expr, at: int) -> list[Any]:
        assert isinstance(matrix, promql_parser.MatrixSelector)
        low = at - round(matrix.range.total_seconds() * 1000) + self.left_open
        result = []
        for one in self._selected(matrix.vector_selector):
            values = [
                [time / 1000, _text(value)]
                for time, value in self.series[one]
                if low <= time <= at and not is_marker(value)
            ]
            if values:
                result.append({"metric": dict(one), "values": values})
        return result

    def _selected(self, selector: promql_parser.Expr) -> list[Labels]:
        assert isinstance(selector, promql_parser.VectorSelector)
        conditions = [
            (matcher.name, str(matcher.op), matcher.value)
            for matcher in selector.matchers.matchers
        ]
        if selector.name is not None:
            conditions.append(("__name__", "MatchOp.Equal", selector.name))
        return [
            found
            for found in self.series
            if all(_holds(dict(found), *condition) for condition in conditions)
        ]


def remote_read_told(message: bytes) -> Told:
    """Return an answer to remote read."""
    headers = {"content-type": "application/x-protobuf", "content-encoding": "snappy"}
    return Told(bytes(snappy.compress_raw(message)), headers=headers)


def is_marker(value: float) -> bool:
    """Whether a value is a stale marker."""
    bits: tuple[int] = struct.unpack("<Q", struct.pack("<d", value))
    return bits[0] == STALE_BITS


def _never(asked: Asked) -> Told | None:
    return None


def _condition(matcher: Any, external: Mapping[str, str]) -> tuple[str, str, str]:
    """Return a condition as Prometheus takes it: its own labels are on no series."""
    operator = ("Equal", "NotEqual", "Re", "NotRe")[matcher.type]
    own = operator == "Equal" and external.get(matcher.name) == matcher.value
    return matcher.name, f"MatchOp.{operator}", "" if own else matcher.value


def _holds(found: Mapping[str, str], label: str, operator: str, value: str) -> bool:
    actual = found.get(label, "")
    match operator:
        case "MatchOp.Equal":
            return actual == value
        case "MatchOp.NotEqual":
            return actual != value
        case "MatchOp.Re":
            return re.fullmatch(value, actual) is not None
        case _:
            return re.fullmatch(value, actual) is None


def _milliseconds(text: str) -> int:
    return round(float(text) * 1000)


def _text(value: float) -> str:
    special = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}
    return special.get(repr(value), repr(value))

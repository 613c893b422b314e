"""A receiver of OTLP on loopback, and what it got in the words of tests."""

from __future__ import annotations

import gzip
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from tests.web import Asked, FakeWeb, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

KIND = {"content-type": "application/x-protobuf"}
RESET = Told(raw=b"")
SLOW = Told(stall=True, cut=0, body=b"late")


def partial(rejected: int, message: str) -> Told:
    said = ExportMetricsServiceResponse()
    said.partial_success.rejected_data_points = rejected
    said.partial_success.error_message = message
    return Told(said.SerializeToString(), headers=KIND)


class Request(NamedTuple):
    path: str
    headers: Mapping[str, str]
    message: ExportMetricsServiceRequest


class OtlpReceiver:
    """Takes metrics; the next answers are those of `answers`, and then good ones."""

    def __init__(
        self, *answers: Told, certificate: Path | None = None, at: int = 0
    ) -> None:
        self.answers = deque(answers)
        self.requests: list[Request] = []
        self._changed = threading.Condition()
        self.web = FakeWeb(self._answer, certificate, at=at)

    def __enter__(self) -> Self:
        self.web.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.web.__exit__(*error)

    @property
    def url(self) -> str:
        return self.web.url

    def wait_for(self, what: Callable[[], Any]) -> None:
        """Wait until something is so; looks again with every request."""
        deadline = time.monotonic() + 30
        with self._changed:
            while not what():
                assert time.monotonic() < deadline, "it never came"
                self._changed.wait(0.02)

    def wait_for_requests(self, count: int) -> None:
        self.wait_for(lambda: len(self.requests) >= count)

    def _answer(self, asked: Asked) -> Told:
        body = asked.body
        if asked.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        message = ExportMetricsServiceRequest.FromString(body)
        with self._changed:
            self.requests.append(Request(asked.path, asked.headers, message))
            self._changed.notify_all()
            return self.answers.popleft() if self.answers else Told(headers=KIND)


def attributes(pairs: Any) -> dict[str, str | int]:
    """Return attributes that are texts and whole numbers."""
    return {pair.key: _value(pair) for pair in pairs}


def _value(pair: KeyValue) -> str | int:
    if pair.value.WhichOneof("value") == "int_value":
        return int(pair.value.int_value)
    return str(pair.value.string_value)


def metrics(message: ExportMetricsServiceRequest) -> dict[str, Metric]:
    """Return metrics by name, of all scopes; asserts that none is there twice."""
    found: dict[str, Metric] = {}
    for each in message.resource_metrics:
        for scope in each.scope_metrics:
            for metric in scope.metrics:
                assert metric.name not in found
                found[metric.name] = metric
    return found


def points(metric: Metric) -> list[Any]:
    kind = metric.WhichOneof("data")
    assert kind is not None
    return list(getattr(metric, kind).data_points)


def resource(message: ExportMetricsServiceRequest) -> dict[str, str | int]:
    (one,) = message.resource_metrics
    return attributes(one.resource.attributes)

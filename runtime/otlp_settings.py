"""The schema of config.yaml: pushing the exporter's metrics by OTLP."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from runtime.quantities import Written
from runtime.section import Positive, Section, Whole
from runtime.texts import BaseUrl, PathText


def _attribute(text: str) -> str:
    key, equals, _ = text.partition("=")
    if not (equals and key.strip()):
        raise ValueError(
            f"{text!r} is not an attribute; write key=value, "
            "for example deployment.environment.name=production"
        )
    return text


Attribute = Annotated[
    str, AfterValidator(_attribute), Written("key=value", "service.namespace=shop")
]


class Otlp(Section):
    """Pushing all metrics to a receiver of OTLP over HTTP.

    Where a key is left out, the variable of OpenTelemetry's specification counts, such
    as OTEL_EXPORTER_OTLP_ENDPOINT; see docs/otlp.md.
    """

    endpoint: BaseUrl | None = Field(
        None,
        description="Receiver, to which `/v1/metrics` is added; nothing is pushed "
        "without one.",
        examples=["http://127.0.0.1:4318"],
    )
    interval: Positive | None = Field(
        None, description="Time between two pushes; 1m if nothing else is said."
    )
    timeout: Positive | None = Field(
        None, description="Longest exchange; 10s if nothing else is said."
    )
    headers: SecretStr | None = Field(
        None,
        description="Headers as `key=value,key=value`, values with percent-encoding; "
        "only from the environment.",
    )
    headers_file: PathText | None = Field(
        None, description="File with the headers, in one line."
    )
    certificate: PathText | None = Field(
        None, description="Certificates to trust instead of the system's, in PEM."
    )
    compression: Literal["auto", "gzip", "none"] = Field(
        "auto", description="`auto` is gzip if nothing else is said."
    )
    names: Literal["semantic", "prometheus", "both"] = Field(
        "semantic",
        description="`semantic` gives what has a semantic convention the convention's "
        "name, and all else its own; `prometheus` are the names of `/metrics`; `both` "
        "sends what has two names twice.",
    )
    resource: tuple[Attribute, ...] = Field(
        (), description="Further attributes of the resource, or other values."
    )
    queue: Annotated[Whole, Field(ge=1, le=1000)] = Field(
        10,
        description="Pushes that wait while the receiver is away; then the oldest are "
        "dropped, and counted.",
    )

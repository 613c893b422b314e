"""Bodies of requests about what is probed: documents with the keys of config.yaml."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.json_schema import DEFAULT_REF_TEMPLATE

from runtime.probing.jobs import Destination, Job, Maintenance
from runtime.probing.probes import Probe


class Document(BaseModel):
    """A JSON object that is described here and read elsewhere.

    What is wrong with it is said as about config.yaml: all of it at once, with dotted
    keys. `described` is what the OpenAPI document says that it is.
    """

    model_config = ConfigDict(extra="allow")

    described: ClassVar[Any]
    example: ClassVar[dict[str, Any]]

    @property
    def document(self) -> dict[str, Any]:
        """The keys and values that were sent."""
        return dict(self.model_extra or {})

    @classmethod
    def model_json_schema(
        cls, *_args: Any, ref_template: str = DEFAULT_REF_TEMPLATE, **_options: Any
    ) -> dict[str, Any]:
        """Return the schema of what is described, durations as text."""
        # As it is written and not as it is held: only this mode has texts.
        schema = TypeAdapter(cls.described).json_schema(
            mode="serialization", ref_template=ref_template
        )
        return {**schema, "title": cls.__name__, "example": cls.example}


class DestinationBody(Document):
    """A destination."""

    described = Destination
    example: ClassVar[dict[str, Any]] = {
        "name": "gateway",
        "host": "192.0.2.1",
        "tags": ["lan"],
    }


class JobBody(Document):
    """A job."""

    described = Job
    example: ClassVar[dict[str, Any]] = {
        "name": "gateways",
        "interval": "30s",
        "probes": ["icmp"],
        "tags": ["lan"],
    }


class ModuleBody(Document):
    """A module."""

    described = Probe
    example: ClassVar[dict[str, Any]] = {
        "name": "ping-20",
        "kind": "icmp",
        "count": 20,
        "spacing": "50ms",
    }


class MaintenanceBody(Document):
    """A maintenance."""

    described = Maintenance
    example: ClassVar[dict[str, Any]] = {
        "name": "patch-night",
        "tags": ["lan"],
        "start": "2026-12-01T22:00:00Z",
        "end": "2026-12-02T02:00:00Z",
    }


class PatchBody(Document):
    """A JSON merge patch (RFC 7396): keys that change; null for the default again."""

    described = dict[str, Any]
    example: ClassVar[dict[str, Any]] = {"enabled": False}

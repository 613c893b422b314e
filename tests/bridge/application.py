"""The web application in a test: its parts, and questions to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from prometheus_client import CollectorRegistry

from bridge.app import create_app
from bridge.auth import Keys, read_scopes
from bridge.telemetry import Telemetry
from runtime.settings import Settings
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from flask_openapi3.openapi import OpenAPI
    from werkzeug.test import TestResponse

    from models.database import Database

NOON = 1_795_262_400
"""2026-11-21T12:00:00Z, an hour before the clock of the application."""


@dataclass(frozen=True, slots=True)
class Application:
    """The application over one database, at one in the afternoon."""

    app: OpenAPI
    db: Database
    clock: FakeClock
    registry: CollectorRegistry

    def get(self, path: str, key: str | None = None, **query: Any) -> TestResponse:
        """Ask without a network."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        client = self.app.test_client()
        return client.get(path, query_string=query, headers=headers, buffered=True)

    def answer(self, path: str, key: str | None = None, **query: Any) -> Any:
        """Return the JSON of an answer that must be a success."""
        response = self.get(path, key, **query)
        assert response.status_code == 200, response.text
        assert response.content_type == "application/json"
        return orjson.loads(response.data)

    def problem(self, path: str, **query: Any) -> tuple[int, str, list[str]]:
        """Return status, detail and wrong parameters of a refusal."""
        response = self.get(path, **query)
        assert response.content_type == "application/problem+json", response.text
        body = body_of(response)
        wrong = [one["parameter"] for one in body["errors"]]
        return response.status_code, body["detail"], wrong

    def key(self, *scopes: str, workspace: str = "", name: str = "somebody") -> str:
        """Create a key and return it."""
        made = iter((name.encode() * 32, b"s" * 32))
        keys = Keys(self.db, self.clock)
        return keys.create(
            name,
            read_scopes(scopes),
            workspace,
            lambda size: next(made)[:size],
        )


def body_of(response: TestResponse) -> Any:
    """Return the JSON of a response."""
    return orjson.loads(response.data)


def application(db: Database, **bridge: Any) -> Application:
    """Build the application with some settings of `bridge`."""
    settings = Settings.model_validate({"bridge": bridge})
    clock = FakeClock(NOON + 3600.0)
    registry = CollectorRegistry()
    app = create_app(settings, db, Telemetry.create(registry), clock, registry)
    return Application(app, db, clock, registry)

"""`/-/healthy` and `/-/ready`: whether to restart this process, and to send to it."""

from __future__ import annotations

from flask import Blueprint, Response

from bridge.api.parts import parts
from bridge.api.problems import problem
from bridge.auth import open_to_all
from models.database import DatabaseUnavailable
from models.migrate import MigrationError, Migrations

blueprint = Blueprint("health", __name__, url_prefix="/-")


@blueprint.get("/healthy")
@open_to_all
def healthy() -> Response:
    """Answer: the process does."""
    return _text("The bridge answers.")


@blueprint.get("/ready")
@open_to_all
def ready() -> Response:
    """Answer whether the database can be used and has all migrations."""
    try:
        pending = Migrations(parts().db).pending()
    except (DatabaseUnavailable, MigrationError) as error:
        return problem(503, str(error))
    if pending:
        return problem(
            503,
            f"migrations are pending: {', '.join(pending)}; "
            "run `epimetheus migrate up`",
        )
    return _text("The database is there and has all migrations.")


def _text(text: str) -> Response:
    return Response(f"{text}\n", content_type="text/plain; charset=utf-8")

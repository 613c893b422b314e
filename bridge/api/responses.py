"""Answers as responses."""

from __future__ import annotations

from flask import Response

from bridge.answers.writing import to_json


def json_response(document: object) -> Response:
    """Return a document as JSON."""
    return Response(to_json(document), content_type="application/json")

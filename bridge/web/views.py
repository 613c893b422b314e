"""The pages and their files.

Pages hold no figures: their scripts ask the API, with the key of whoever looks.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, make_response, render_template
from flask import send_from_directory as send

from bridge.auth import open_to_all
from bridge.version import version

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_STATIC_SECONDS: Final = 3600

blueprint = Blueprint("web", __name__, template_folder="templates")


@blueprint.get("/")
@open_to_all
def page() -> Response:
    """Return the status page."""
    return _shown("status.html")


@blueprint.get("/probing")
@open_to_all
def probing() -> Response:
    """Return the page of what is probed, and what was found."""
    return _shown("probing.html")


@blueprint.get("/static/<path:name>")
@open_to_all
def static(name: str) -> Response:
    """Return a file of the page."""
    return send(f"{blueprint.root_path}/static", name, max_age=_STATIC_SECONDS)


def _shown(template: str) -> Response:
    response = make_response(render_template(template, version=version()))
    response.headers["Content-Security-Policy"] = _POLICY
    return response

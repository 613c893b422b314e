from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
import structlog
from flask import Response, request
from prometheus_client import CollectorRegistry
from werkzeug.routing import BuildError

from bridge.app import UndeclaredViewError, create_app
from bridge.auth import OPEN, Open, Scope, declared, needs, open_to_all
from bridge.telemetry import Telemetry
from models.database import DatabaseUnavailable
from runtime.settings import Settings
from tests.bridge.application import Application, application, body_of

if TYPE_CHECKING:
    from models.database import Database
    from tests.fakes import FakeClock

OPEN_PATHS = {
    "/",
    "/probing",
    "/static/<path:name>",
    "/-/healthy",
    "/-/ready",
    "/openapi/openapi.json",
}

AGENT_PATHS = {
    ("/api/v1/agents/<name>/plan", "GET"),
    ("/api/v1/results", "POST"),
}
"""What agents ask and tell, by the scope probe; else reading takes read, and changing
admin.
"""


def test_every_address_declares_a_scope_or_is_known_to_be_open(
    bridge: Application,
) -> None:
    declarations = {
        rule.rule: declared(bridge.app.view_functions[rule.endpoint])
        for rule in bridge.app.url_map.iter_rules()
    }
    assert {
        path for path, scope in declarations.items() if isinstance(scope, Open)
    } == OPEN_PATHS
    closed = {path: scope for path, scope in declarations.items() if scope is not OPEN}
    for rule in bridge.app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            wanted = Scope.READ if method == "GET" else Scope.ADMIN
            if (rule.rule, method) in AGENT_PATHS:
                wanted = Scope.PROBE
            assert closed.get(rule.rule, OPEN) is OPEN or wanted is declared(
                bridge.app.view_functions[rule.endpoint]
            ), (rule.rule, method)


@pytest.mark.setting("bridge.auth")
def test_with_keys_every_address_that_is_not_open_refuses_strangers(
    locked: Application,
) -> None:
    for rule in locked.app.url_map.iter_rules():
        path = rule.rule.replace("<name>", "job").replace("<path:name>", "status.js")
        path = path.replace("<int:id>", "1")
        client = locked.app.test_client()
        method = next(iter((rule.methods or set()) - {"OPTIONS", "HEAD"}))
        status = client.open(path, method=method, buffered=True).status_code
        assert (status == 401) is (rule.rule not in OPEN_PATHS), path


@pytest.mark.setting("bridge.auth")
def test_without_keys_everything_is_answered_on_this_machine(
    bridge: Application,
) -> None:
    assert bridge.get("/api/v1/status").status_code == 200
    assert bridge.get("/metrics").status_code == 200


def test_a_stranger_is_told_how_to_send_a_key(locked: Application) -> None:
    response = locked.get("/api/v1/status")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert body_of(response) == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "a key is needed: send `Authorization: Bearer KEY` or "
        "`X-API-Key: KEY`",
        "instance": "/api/v1/status",
        "errors": [],
    }


def test_a_key_is_taken_from_either_header(locked: Application) -> None:
    key = locked.key("read")
    client = locked.app.test_client()
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
        assert client.get("/api/v1/status", headers=headers).status_code == 200
    assert client.get("/api/v1/status?key=" + key).status_code == 401


def test_a_key_without_the_scope_is_forbidden(locked: Application) -> None:
    response = locked.get("/api/v1/status", locked.key("ingest"))
    assert response.status_code == 403
    assert body_of(response)["detail"] == (
        "the key 'somebody' has no scope 'read'; create one with "
        "`epimetheus key create NAME --scope read`"
    )
    admin = locked.key("admin", name="other")
    assert locked.get("/api/v1/status", admin).status_code == 200


def test_a_view_that_declares_nothing_keeps_the_application_from_starting(
    db: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge.web import views  # noqa: PLC0415 - to add a view to it

    monkeypatch.delattr(views.page, "__epimetheus_scope__")
    registry = CollectorRegistry()
    with pytest.raises(UndeclaredViewError) as caught:
        create_app(Settings(), db, Telemetry.create(registry), clock, registry)
    assert str(caught.value) == "no scope is declared by web.page"


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:9106",
        "127.0.0.1:9106",
        "127.9.9.9",
        "[::1]:9106",
        "[::1]",
        "bridge.localhost:9106",
        "LOCALHOST",
    ],
)
def test_this_machine_is_answered_without_keys(bridge: Application, host: str) -> None:
    client = bridge.app.test_client()
    assert client.get("/api/v1/status", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("evil.example", "evil.example"),
        ("evil.example:9106", "evil.example"),
        ("localhost.evil.example", "localhost.evil.example"),
        ("10.0.0.7:9106", "10.0.0.7"),
        ("[2001:db8::1]:9106", "2001:db8::1"),
    ],
)
def test_another_name_for_this_machine_is_refused_without_keys(
    bridge: Application, host: str, name: str
) -> None:
    client = bridge.app.test_client()
    response = client.get("/api/v1/status", headers={"Host": host})
    assert response.status_code == 403
    assert body_of(response)["detail"] == (
        "without keys only this machine is answered, by a loopback address and not as "
        f"{name!r}: set bridge.auth to keys, or let the proxy send `Host: localhost`"
    )


def test_any_name_is_answered_with_a_key(locked: Application) -> None:
    headers = {"Host": "metrics.example", "X-API-Key": locked.key("read")}
    client = locked.app.test_client()
    assert client.get("/api/v1/status", headers=headers).status_code == 200


def test_answers_carry_headers_that_keep_browsers_careful(bridge: Application) -> None:
    headers = bridge.get("/api/v1/status").headers
    assert {
        name: headers[name]
        for name in (
            "X-Content-Type-Options",
            "X-Frame-Options",
            "Referrer-Policy",
            "Cross-Origin-Opener-Policy",
            "Cross-Origin-Resource-Policy",
            "Content-Security-Policy",
            "Cache-Control",
        )
    } == {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
    }
    assert "Access-Control-Allow-Origin" not in headers


def test_requests_are_counted_by_route_and_never_by_address(
    bridge: Application,
) -> None:
    for path in (
        "/api/v1/labels/job/values",
        "/api/v1/labels/zone/values",
        "/nothing/here",
    ):
        bridge.get(path)
    bridge.get("/api/v1/series", x="1")
    bridge.app.test_client().open("/api/v1/series", method="BREW")
    requests = {
        (*sample.labels.values(), sample.value)
        for metric in bridge.registry.collect()
        for sample in metric.samples
        if sample.name == "epimetheus_http_requests_total"
    }
    assert requests == {
        ("/api/v1/labels/<name>/values", "GET", "200", 2.0),
        ("/api/v1/series", "GET", "400", 1.0),
        ("unmatched", "GET", "404", 1.0),
        ("unmatched", "other", "405", 1.0),
    }
    counted = bridge.registry.get_sample_value(
        "epimetheus_http_request_seconds_count", {"route": "unmatched"}
    )
    assert counted == 2.0


def test_what_is_not_there_or_not_done_is_a_problem(bridge: Application) -> None:
    assert bridge.problem("/nothing") == (
        404,
        "There is nothing at this address; /openapi/openapi.json lists what there is.",
        [],
    )
    response = bridge.app.test_client().post("/api/v1/series")
    assert response.status_code == 405
    assert response.content_type == "application/problem+json"
    assert set(response.allow) == {"GET", "HEAD", "OPTIONS"}
    assert body_of(response)["detail"] == "This address does not answer POST."


@pytest.fixture
def bodies(db: Database) -> Application:
    """An application with an address that takes JSON, and one that fails."""
    built = application(db)

    @needs(Scope.INGEST)
    def take() -> Response:
        request.get_json()
        return Response("taken")

    @open_to_all
    def fail() -> Response:
        raise BuildError("the reason", {}, None)

    @open_to_all
    def locked_out() -> Response:
        raise DatabaseUnavailable("locked", "the database stayed locked")

    built.app.add_url_rule("/take", view_func=take, methods=["POST"])
    built.app.add_url_rule("/fail", view_func=fail)
    built.app.add_url_rule("/locked", view_func=locked_out)
    return built


def test_a_body_of_another_kind_is_a_problem(bodies: Application) -> None:
    client = bodies.app.test_client()
    response = client.post("/take", data="x", content_type="text/plain")
    assert (response.status_code, body_of(response)["detail"]) == (
        415,
        "This address does not accept text/plain.",
    )
    broken = client.post("/take", data="{", content_type="application/json")
    assert broken.status_code == 400
    assert broken.content_type == "application/problem+json"


def test_a_body_that_is_too_large_is_a_problem(bodies: Application) -> None:
    body = io.BytesIO(b" " * (2 << 20))
    response = bodies.app.test_client().post(
        "/take", data=body, content_type="application/json"
    )
    assert (response.status_code, body_of(response)["detail"]) == (
        413,
        "The request is larger than this address accepts.",
    )


def test_a_failure_inside_is_a_number_outside_and_a_trace_in_the_log(
    bodies: Application,
) -> None:
    with structlog.testing.capture_logs() as logged:
        response = bodies.get("/fail")
    assert response.status_code == 500
    body = json.loads(response.text)
    number = logged[0]["number"]
    assert body["detail"] == (
        f"The bridge failed to answer; its log says why under number {number}."
    )
    assert "BuildError" not in response.text
    assert isinstance(logged[0]["exc_info"], BuildError)


def test_a_database_that_is_busy_is_a_reason_to_come_again(bodies: Application) -> None:
    response = bodies.get("/locked")
    assert (response.status_code, body_of(response)["detail"]) == (
        503,
        "the database stayed locked",
    )
    assert response.headers["Retry-After"] == "5"

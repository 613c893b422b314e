"""The OpenAPI document says what the API does, and the API does what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.checks import CHECKS, load_all_checks

from bridge.version import version
from models.database import open_database
from models.migrate import Migrations
from tests.bridge.application import NOON, application
from tests.bridge.history import MINUTE, History, counter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bridge.application import Application

PATH = "/openapi/openapi.json"
ENTRIES = ("destinations", "jobs", "modules", "maintenance")
OF_JOBS = ("analytics", "charts/{kind}", "export", "runs", "start", "status", "stop")
NOUNS = {
    "/api/v1/series",
    "/api/v1/labels",
    "/api/v1/labels/{name}/values",
    "/api/v1/rollups",
    "/api/v1/compare",
    "/api/v1/snapshot",
    "/api/v1/events",
    "/api/v1/coverage",
    "/api/v1/retention",
    "/api/v1/restatements",
    "/api/v1/verify",
    "/api/v1/explain",
    "/api/v1/corrections",
    "/api/v1/corrections/{id}",
    "/api/v1/status",
    "/api/v1/agents",
    "/api/v1/agents/{name}/plan",
    "/api/v1/destinations/summary",
    "/api/v1/destinations/{name}/status",
    "/api/v1/destinations/{name}/test",
    *(f"/api/v1/jobs/{{name}}/{word}" for word in OF_JOBS),
    "/api/v1/probing/overview",
    "/api/v1/tests",
    "/api/v1/tests/{id}",
    "/api/v1/results",
    "/api/v1/results/distribution",
    "/api/v1/results/export",
    "/api/v1/runs",
    "/api/v1/runs/{id}",
    *(f"/api/v1/{kind}" for kind in ENTRIES),
    *(f"/api/v1/{kind}/{{name}}" for kind in ENTRIES),
    *(f"/api/v1/{kind}/validate" for kind in ENTRIES),
}
SUCCESS = {"200", "201", "202"}
UNCHANGED = {"304"}
OF_AGENTS = {("/api/v1/agents/{name}/plan", "get"), ("/api/v1/results", "post")}
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
def document(bridge: Application) -> Any:
    return bridge.answer(PATH)


def operations(document: Any) -> Iterator[tuple[str, Any]]:
    """All that can be asked, by path."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, item[method]


def offered() -> list[tuple[str, str]]:
    """All paths and methods of the application, without a database."""
    app = application(open_database("sqlite:///never-opened.db")).app
    paths: dict[str, Any] = app.api_doc["paths"]
    return sorted((path, word.upper()) for path in paths for word in paths[path])


def test_the_document_is_valid_openapi_31(document: Any) -> None:
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"] == "3.1.0"
    assert (document["info"]["title"], document["info"]["version"]) == (
        "Epimetheus",
        version(),
    )


def test_every_noun_is_there_with_its_keys_and_problems(document: Any) -> None:
    assert set(document["paths"]) == NOUNS
    assert set(document["components"]["securitySchemes"]) == {"bearer", "header"}
    for path, operation in operations(document):
        assert operation["summary"], path
        assert [*map(set, operation["security"])] == [{"bearer"}, {"header"}]
        assert {"400", "401", "403", "503"} <= set(operation["responses"])
        assert SUCCESS & set(operation["responses"])
        for status, response in operation["responses"].items():
            if status not in SUCCESS | UNCHANGED:
                assert list(response["content"]) == ["application/problem+json"]


def test_every_parameter_and_answer_is_described(document: Any) -> None:
    for path, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert parameter["description"].endswith("."), parameter["name"]
        for status in SUCCESS & set(operation["responses"]):
            if path.endswith("/export"):
                continue  # a file, of the kind that is asked for
            content = operation["responses"][status]["content"]
            schema = content["application/json"]["schema"]
            name = schema["$ref"].rpartition("/")[2]
            assert document["components"]["schemas"][name]["example"]


def test_examples_are_what_the_schemas_say(document: Any) -> None:
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        if "example" in schema:
            whole = {"$ref": f"#/components/schemas/{name}", "components": {}}
            whole["components"] = {"schemas": schemas}
            OAS31Validator(whole).validate(schema["example"])


def test_the_document_needs_no_key(locked: Application) -> None:
    assert locked.get(PATH).status_code == 200


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The API over a little past, as its own document describes it."""
    directory = tmp_path_factory.mktemp("api")
    db = open_database(f"sqlite:///{directory}/epimetheus.db")
    Migrations(db).up()
    history = History(db)
    history.gauges("node_load1", MINUTE, NOON, [1.0, None, 3.0])
    number = history.series("requests_total", {"code": "500"}, kind="counter")
    history.rows(MINUTE, number, {NOON: counter(1.0)})
    history.mark(MINUTE, [NOON + 60], "lost", reason="not recording")
    yield schemathesis.openapi.from_wsgi(PATH, application(db).app)
    db.close()


load_all_checks()
EVERY_CHECK = tuple(
    CHECKS.get_by_names(
        [
            "not_a_server_error",
            "status_code_conformance",
            "content_type_conformance",
            "response_headers_conformance",
            "response_schema_conformance",
        ]
    )
)


@pytest.mark.parametrize(("path", "method"), offered())
@given(data=st.data())
@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
def test_whatever_is_asked_the_answer_is_as_documented(
    api: Any, path: str, method: str, data: st.DataObject
) -> None:
    case = data.draw(api[path][method].as_strategy())
    case.call_and_validate(checks=EVERY_CHECK)


def test_each_operation_names_the_scope_that_it_needs(document: Any) -> None:
    scopes = {
        (path, method): operation["security"]
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }
    for asked, security in scopes.items():
        scope = "read" if asked[1] == "get" else "admin"
        scope = "probe" if asked in OF_AGENTS else scope
        assert security == [{"bearer": [scope]}, {"header": [scope]}]
    posted = document["paths"]["/api/v1/corrections"]["post"]["responses"]["403"]
    assert posted["description"] == "The key lacks the scope `admin`."

"""The HTTP API of the bridge, from its OpenAPI document, for docs/api.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry

from bridge.app import create_app
from bridge.telemetry import Telemetry
from models.database import open_database
from runtime.clock import SystemClock
from runtime.settings import Settings
from scripts.pages.markdown import table

if TYPE_CHECKING:
    from collections.abc import Iterator

_BREAK: Final = "<br/>"


def reference() -> str:
    """Return every operation, and the fields of every body and answer."""
    document = _document()
    operations = [
        _operation(method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = document["components"]["schemas"]
    answers = [
        _schema(name, schemas[name]) for name in _in_answers(document["paths"], schemas)
    ]
    return "\n\n".join(["## Requests", *operations, "## Bodies and answers", *answers])


def _document() -> dict[str, Any]:
    registry = CollectorRegistry()
    app = create_app(
        Settings(),
        open_database("sqlite:///never-opened.db"),
        Telemetry.create(registry),
        SystemClock(),
        registry,
    )
    return dict(app.api_doc)


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    text = f"### `{method} {path}`\n\n{operation['summary']}"
    if more := operation.get("description", ""):
        text += f"\n\n{' '.join(more.replace(_BREAK, ' ').split())}"
    if parameters := operation.get("parameters"):
        text += f"\n\n{table(_PARAMETERS, map(_parameter, parameters))}"
    if body := operation.get("requestBody"):
        text += (
            f"\n\nThe body is {_content(body)}. {body.get('description', '')}".rstrip()
        )
    answers = [
        (f"`{status}`", _content(answer), answer["description"])
        for status, answer in operation["responses"].items()
    ]
    return f"{text}\n\n{table(('status', 'answer', 'meaning'), answers)}"


_PARAMETERS: Final = ("parameter", "in", "value", "default", "meaning")


def _parameter(parameter: dict[str, Any]) -> tuple[str, ...]:
    schema = parameter["schema"]
    default = schema.get("default")
    shown = "" if default in (None, []) else f"`{default}`"
    return (
        f"`{parameter['name']}`",
        parameter["in"],
        _type(schema).removesuffix(" or null"),
        "required" if parameter.get("required") else shown,
        parameter.get("description", ""),
    )


def _content(answer: dict[str, Any]) -> str:
    return ", ".join(
        f"{_type(media['schema'])} as `{kind}`"
        for kind, media in answer.get("content", {}).items()
    )


def _schema(name: str, schema: dict[str, Any]) -> str:
    text = f"### {name}"
    if meaning := schema.get("description", ""):
        text += f"\n\n{' '.join(meaning.split())}"
    if kinds := schema.get("oneOf"):
        return f"{text}\n\nOne of {', '.join(map(_type, kinds))}, by `kind`."
    rows = [
        (f"`{field}`", _type(inner), inner.get("description", ""))
        for field, inner in schema.get("properties", {}).items()
    ]
    return f"{text}\n\n{table(('field', 'value', 'meaning'), rows)}"


def _type(schema: dict[str, Any]) -> str:
    """Return what a schema allows, in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if words := _words(schema):
        return " or ".join(f"`{word}`" for word in words)
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(_type(inner) for inner in several)
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    limits = [
        f"{word} {schema[bound]:g}"
        for word, bound in (("at least", "minimum"), ("at most", "maximum"))
        if bound in schema
    ]
    return ", ".join([str(schema.get("type", "anything")), *limits])


def _words(schema: dict[str, Any]) -> list[str]:
    """Return the only words that a schema allows; one alone is a `const`."""
    return [schema["const"]] if "const" in schema else schema.get("enum", [])


def _in_answers(paths: dict[str, Any], schemas: dict[str, Any]) -> list[str]:
    """Return what bodies and answers are made of, in the order in which it occurs."""
    found: dict[str, None] = {}
    open_ends: list[Any] = [
        [operation.get("requestBody"), operation["responses"]]
        for methods in paths.values()
        for operation in methods.values()
    ]
    while open_ends:
        for name in _references(open_ends.pop(0)):
            if name not in found:
                found[name] = None
                open_ends.append(schemas[name])
    return list(found)


def _references(value: Any) -> Iterator[str]:
    """Yield the names of the schemas that a part of the document refers to."""
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    elif isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"].rpartition("/")[2]
        for inner in value.values():
            yield from _references(inner)

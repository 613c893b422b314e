"""What a file asks for: a dashboard of Grafana, or rules of Prometheus."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml

from exporter.compat.promql import VARIABLE, CannotRead, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_LABEL_VALUES: Final = re.compile(
    r"\s*label_values\((?:(.+),)?\s*[^,()]+\)\s*", re.DOTALL
)
_QUERY_RESULT: Final = re.compile(r"\s*query_result\((.+)\)\s*", re.DOTALL)
_OF_LABELS: Final = re.compile(r"\s*(?:label_names\(.*\)|metrics\(.*\))?\s*", re.DOTALL)
_PROMETHEUS: Final = ("prometheus", "mixed", "datasource")
"""Kinds of data sources that are asked in PromQL, or may be."""
_LARGEST: Final = 64 << 20


class NotReadable(ValueError):  # noqa: N818 - what it is about
    """A file that is neither a dashboard nor rules; the message says why."""


@dataclass(slots=True)
class Asked:
    """What a file asks for.

    `names` and where each is asked for first; `unread` is what could not be
    understood: where it is, its text, and why. `recorded` are names that rules of the
    file make.
    """

    title: str
    names: dict[str, str] = field(default_factory=dict)
    unread: list[tuple[str, str, str]] = field(default_factory=list)
    recorded: set[str] = field(default_factory=set)

    def add(self, where: str, text: str, values: Mapping[str, str]) -> None:
        """Note what an expression asks for."""
        try:
            found = names_in(text, values)
        except CannotRead as error:
            self.unread.append((where, text, str(error)))
            return
        for name in sorted(found):
            self.names.setdefault(name, where)


def read_file(path: Path) -> Asked:
    """Return what the file of a dashboard or of rules asks for; raise NotReadable.

    A file in which nothing asks for a metric is refused as well.
    """
    try:
        content = _loaded(_read(path))
        asked = asked_by(content, path.name) if isinstance(content, dict) else None
    except (OSError, UnicodeDecodeError) as error:
        raise NotReadable(f"{path}: {error}") from error
    except NotReadable:
        raise
    except (ValueError, yaml.YAMLError) as error:
        problem = " ".join(str(error).split())
        raise NotReadable(f"{path}: neither JSON nor YAML: {problem}") from error
    except RecursionError as error:
        raise NotReadable(f"{path}: nested too deeply") from error
    if asked is None or not (asked.names or asked.unread):
        raise NotReadable(
            f"{path}: neither a dashboard nor rules: nothing in it asks for a metric"
        )
    return asked


def _read(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise NotReadable(f"{path}: larger than {_LARGEST >> 20} MiB")
    return content.decode("utf-8-sig")


def _loaded(text: str) -> Any:
    if text.lstrip().startswith("{"):
        return json.loads(text)
    # Texts are all that is looked at, and this loader makes nothing else of a file.
    return yaml.load(text, yaml.BaseLoader)  # noqa: S506 - safer than SafeLoader


def asked_by(content: Mapping[str, Any], name: str) -> Asked:
    """Return what a dashboard or rules ask for, wherever in it the expressions are."""
    inner = content.get("dashboard", content)
    title = inner.get("title") if isinstance(inner, dict) else None
    asked = Asked(title if isinstance(title, str) else name)
    variables = list(_variables(content))
    values = dict(filter(None, map(_value, variables)))
    for variable in variables:
        _add_variable(asked, variable, values)
    for where, node in _nodes(content, "", set()):
        expression = node.get("expr")
        if isinstance(node.get("record"), str):
            asked.recorded.add(node["record"])
        if isinstance(expression, str) and expression.strip() and _is_promql(node):
            asked.add(where, expression, values)
    return asked


def _nodes(
    content: Any, where: str, seen: set[int]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every object that is inside, with the title nearest above it.

    Each once, as aliases of YAML may stand for one in very many places.
    """
    if id(content) in seen:
        return
    if isinstance(content, dict | list):
        seen.add(id(content))
    if isinstance(content, dict):
        named = (content.get(key) for key in ("title", "alert", "record", "name"))
        where = next((n for n in named if isinstance(n, str) and n), where)
        yield where, content
        for value in content.values():
            yield from _nodes(value, where, seen)
    elif isinstance(content, list):
        for value in content:
            yield from _nodes(value, where, seen)


def _is_promql(node: Mapping[str, Any]) -> bool:
    source = node.get("datasource")
    kind = source.get("type") if isinstance(source, dict) else None
    return not isinstance(kind, str) or kind in _PROMETHEUS


def _variables(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for _, node in _nodes(content, "", set()):
        templating = node.get("templating")
        if isinstance(templating, dict):
            listed = templating.get("list")
            if isinstance(listed, list):
                yield from (each for each in listed if isinstance(each, dict))


def _value(variable: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return name and value of a variable that has the same one for everybody."""
    if variable.get("type") not in {"constant", "custom", "interval", "textbox"}:
        return None
    current = variable.get("current")
    value = current.get("value") if isinstance(current, dict) else None
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, str) or not value or value.startswith("$__"):
        return None
    return str(variable.get("name")), value


def _add_variable(
    asked: Asked, variable: Mapping[str, Any], values: Mapping[str, str]
) -> None:
    query = variable.get("query")
    if isinstance(query, dict):
        query = query.get("query")
    if variable.get("type") != "query" or not isinstance(query, str):
        return
    if not _is_promql(variable):
        return
    where = f"variable {variable.get('name')}"
    if match := _LABEL_VALUES.fullmatch(query) or _QUERY_RESULT.fullmatch(query):
        if match[1] and not VARIABLE.fullmatch(match[1].strip()):
            asked.add(where, match[1], values)
    elif not _OF_LABELS.fullmatch(query):
        asked.add(where, query, values)

"""The settings as a commented config.yaml, and as tables for docs/configuration.md."""

from __future__ import annotations

import inspect
import textwrap
from typing import TYPE_CHECKING, Any, Final

import yaml

from runtime import schema
from runtime.problems import either
from runtime.settings import Section, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

_WIDTH: Final = 88

_HEAD: Final = """\
# Epimetheus: every key of both programs, at its default. What is left out has its
# default as well, so this file may be as short as you like.
#
# Durations are written as 500ms, 15s or 1h30m, sizes as 64MiB. The environment wins
# over this file: EPIMETHEUS__ROLLUP__SETTLE=30s sets rollup.settle. Secrets are never
# written here: name a file that holds them, or set them in the environment.
#
# After a change: python -m bridge --check
"""


def file() -> str:
    """Return config.yaml: each key with its meaning, at its default."""
    blocks = [_HEAD]
    for name, field in Settings.model_fields.items():
        (section, *_) = schema.sections_in(field.annotation)
        if schema.is_list(field):
            lines = _sources(name, field)
        else:
            lines = [*_comment(_doc(section), 0), f"{name}:"]
            lines += _keys(section, {}, 2, set())
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _sources(name: str, field: FieldInfo) -> list[str]:
    """Return the default items, and one of each other kind commented out."""
    default = schema.default(field)
    empty = "" if default else " []"
    lines = [*_comment(str(field.description), 0), f"{name}:{empty}"]
    for section in schema.sections_in(field.annotation):
        kind = schema.kind_of(section)
        for item in (i for i in default if i["kind"] == kind):
            lines += _item(section, item, 2)
    shown = {item["kind"] for item in default}
    for section in schema.sections_in(field.annotation):
        if schema.kind_of(section) not in shown:
            lines += ["", *(f"  #{line[2:]}" for line in _item(section, {}, 2))]
    return lines


def _item(section: type[Section], values: Mapping[str, Any], indent: int) -> list[str]:
    """Return an item of a list; its dash stands before its first key."""
    lines = _keys(section, values, indent + 2, set())
    first = next(i for i, line in enumerate(lines) if not _is_comment(line))
    for index in range(first):
        lines[index] = lines[index][2:]
    lines[first] = f"{' ' * indent}- {lines[first].strip()}"
    return [*_comment(_doc(section), indent), f"{' ' * indent}#", *lines]


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _keys(
    section: type[Section], values: Mapping[str, Any], indent: int, told: set[str]
) -> list[str]:
    """Return the keys of a section; what was told before is not told again."""
    lines: list[str] = []
    for name, field in section.model_fields.items():
        inner = schema.sections_in(field.annotation)
        pad = " " * indent
        if inner and schema.is_list(field):
            lines += _comment(str(field.description), indent)
            lines += _items(inner, field, values.get(name), name, indent)
            continue
        text = _doc(inner[0]) if inner else _meaning(field)
        if text not in told:
            lines += _comment(text, indent)
            told.add(text)
        if inner:
            lines += [f"{pad}{name}:", *_keys(inner[0], {}, indent + 2, told)]
        else:
            lines.append(f"{pad}{_key(section, name, values)}")
    return lines


def _items(
    sections: tuple[type[Section], ...],
    field: FieldInfo,
    given: Any,
    name: str,
    indent: int,
) -> list[str]:
    """Return a list of sections; one that may be empty has items to uncomment.

    These are one of each kind.
    """
    pad = " " * indent
    if not field.is_required() and not given:
        lines = [f"{pad}{name}: []"]
        for place, section in enumerate(sections):
            kind = schema.kind_of(section) if len(sections) > 1 else ""
            item = _item(section, {"name": f"my-{kind}"} if kind else {}, indent)
            lines += [""] if place else []
            lines += [f"{pad}#{line[indent:]}" for line in item]
        return lines
    (section,) = sections
    lines = [f"{pad}{name}:"]
    for item in given or field.examples[0]:  # type: ignore[index]  # required
        lines += _item(section, item, indent + 2)
    return lines


def _key(section: type[Section], name: str, values: Mapping[str, Any]) -> str:
    field = section.model_fields[name]
    if schema.is_secret(field):
        return f"#{name}: never here"
    value = values.get(name, schema.default(field))
    if value is None and schema.is_optional(field):
        return f"#{name}: {_yaml(_example(name, field))}"
    if value is None:
        value = (schema.choices(field) or field.examples or [None])[0]
    return f"{name}: {_yaml(value)}"


def _example(name: str, field: FieldInfo) -> Any:
    """Return what may be written for a key that is left out."""
    if field.examples:
        return field.examples[0]
    written = schema.written(field)
    if written.name == "path":
        return f"/run/secrets/{name.removesuffix('_file')}"
    return written.example


def _yaml(value: Any) -> str:
    text = yaml.safe_dump(
        value, default_flow_style=True, width=10**6, allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _meaning(field: FieldInfo) -> str:
    allowed = _allowed(field)
    return f"{field.description}{f' {allowed}' if allowed else ''}"


def _allowed(field: FieldInfo) -> str:
    words = [word or "''" for word in schema.choices(field)]
    if len(words) > 1:
        return f"One of {either(words)}."
    limits = schema.bounds(field)
    return f"{limits[0].upper()}{limits[1:]}." if limits else ""


def _doc(section: type[Section]) -> str:
    return inspect.getdoc(section) or ""


def _comment(text: str, indent: int) -> list[str]:
    pad = f"{' ' * indent}# "
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=pad,
        subsequent_indent=pad,
        break_long_words=False,
        break_on_hyphens=False,
    )


def tables() -> str:
    """Return every key as Markdown tables: one per section, one per kind of source."""
    found: dict[tuple[str, ...], list[schema.Key]] = {}
    for key in schema.every_key():
        top = key.path.split(".")[0]
        several = len(_kinds(top)) > 1
        kind = (key.topic.split(".")[1],) if several else ()
        found.setdefault((top, *kind), []).append(key)
    return "\n\n".join(_table(group, keys) for group, keys in found.items())


def _table(group: tuple[str, ...], keys: list[schema.Key]) -> str:
    top, *kind = group
    (section,) = [s for s in _kinds(top) if not kind or schema.kind_of(s) == kind[0]]
    heading = f"`{top}`{f' of kind `{kind[0]}`' if kind else ''}"
    rows = "\n".join(_row(key, key.path.removeprefix(f"{top}.")) for key in keys)
    return (
        f"### {heading}\n\n{_doc(section)}\n\n"
        f"| key and variable | meaning | value | default |\n|---|---|---|---|\n{rows}"
    )


def _kinds(top: str) -> tuple[type[Section], ...]:
    """Return the sections that the first part of a key's path may hold."""
    field = Settings.model_fields[top.removesuffix("[]")]
    return schema.sections_in(field.annotation)


def _row(key: schema.Key, name: str) -> str:
    field = key.field
    default = schema.default(field)
    shown = "" if default is None else f"`{_yaml(default)}`"
    cells = (
        f"`{name}`<br>`{key.variable}`",
        str(field.description),
        _value(field),
        "required" if field.is_required() else shown,
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _value(field: FieldInfo) -> str:
    if words := schema.choices(field):
        return either([f"`{word}`" if word else "`''`" for word in words])
    limits = schema.bounds(field)
    name = schema.written(field).name
    name = f"list: {name}" if schema.is_list(field) else name
    return f"{name}, {limits}" if limits else name

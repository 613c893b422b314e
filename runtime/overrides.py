"""Keys of config.yaml that environment variables set.

`EPIMETHEUS__SECTION__KEY` sets section.key, and `EPIMETHEUS__SOURCES__0__URL` a key of
the first source. Texts are taken as they are; numbers, lists and sections are read as
YAML. Items are added in order, and a list that the file leaves out begins as its
default. Another `kind` drops the keys that only the former kind has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from runtime import schema
from runtime.document import parse
from runtime.problems import SettingsError, closest, join
from runtime.settings import Section, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

_KIND: Final = "kind"


@dataclass(frozen=True, slots=True)
class _Override:
    """A variable, the key that it sets, and its text.

    `fields` are those of the steps; that of an item is its list's.
    """

    variable: str
    steps: tuple[str | int, ...]
    fields: tuple[FieldInfo, ...]
    text: str

    @property
    def path(self) -> str:
        path = ""
        for step in self.steps:
            path = join(path, step)
        return path

    @property
    def order(self) -> list[tuple[bool, int, str]]:
        """Sections before their keys, items by number, `kind` before other keys."""
        return [
            (False, step, "")
            if isinstance(step, int)
            else (True, 0, "" if step == _KIND else step)
            for step in self.steps
        ]


def apply(
    document: dict[str, Any], environ: Mapping[str, str], problems: list[str]
) -> dict[str, str]:
    """Set keys in a document and note variables that name none.

    Returns which variable set which path.
    """
    found = [o for o in _overrides(environ, problems) if _is_useful(o, problems)]
    for override in sorted(found, key=lambda o: o.order):
        try:
            value = _value(override, problems)
        except SettingsError as error:
            problems.extend(error.problems)
        else:
            _set(document, override, value, problems)
    return {override.path: override.variable for override in found}


def _overrides(environ: Mapping[str, str], problems: list[str]) -> Iterator[_Override]:
    squeezed = {k.variable.replace("_", ""): k.variable for k in schema.every_key()}
    for variable, text in sorted(environ.items()):
        if variable.startswith(schema.ENVIRONMENT):
            override = _resolve(variable, text)
            if override is not None:
                yield override
                continue
            meant = _closest(variable)
        else:
            meant = squeezed.get(variable.replace("_", ""))
            if meant is None:
                continue
        hint = f"; did you mean {meant}?" if meant else ""
        problems.append(f"{variable}: names no key{hint}")


def _closest(variable: str) -> str | None:
    """Return the variable that was probably meant, numbers of items being 0."""
    word = re.sub(r"__\d+__", "__0__", variable).removeprefix(schema.ENVIRONMENT)
    known = [k.variable.removeprefix(schema.ENVIRONMENT) for k in schema.every_key()]
    meant = closest(word, known)
    return meant and f"{schema.ENVIRONMENT}{meant}"


def _resolve(variable: str, text: str) -> _Override | None:
    steps: list[str | int] = []
    fields: list[FieldInfo] = []
    sections: tuple[type[Section], ...] = (Settings,)
    for part in variable.removeprefix(schema.ENVIRONMENT).lower().split("__"):
        if fields and schema.is_list(fields[-1]) and not isinstance(steps[-1], int):
            if not re.fullmatch(r"[0-9]{1,4}", part):
                return None
            steps.append(int(part))
            fields.append(fields[-1])
            continue
        having = [s.model_fields[part] for s in sections if part in s.model_fields]
        if not having:
            return None
        steps.append(part)
        fields.append(having[0])
        sections = schema.sections_in(having[0].annotation)
    return _Override(variable, tuple(steps), tuple(fields), text)


def _is_useful(override: _Override, problems: list[str]) -> bool:
    if schema.is_secret(override.fields[-1]) and not override.text:
        problems.append(f"{override.variable}: is empty; give it a value or unset it")
        return False
    return True


def _value(override: _Override, problems: list[str]) -> Any:
    field, text = override.fields[-1], override.text
    is_item = isinstance(override.steps[-1], int)
    if schema.is_secret(field):
        return text
    if text == "" and schema.is_optional(field):
        return None
    quoted = re.fullmatch(r"(['\"]).*\1", text, re.DOTALL)
    is_text = schema.is_text(field) or (
        is_item and not schema.sections_in(field.annotation)
    )
    return text if is_text and not quoted else parse(text, override.variable, problems)


def _set(
    document: dict[str, Any], override: _Override, value: Any, problems: list[str]
) -> None:
    """Set a key, making the sections and lists that lead to it.

    Where the file has something else in their place, validation will say so.
    """
    at: Any = document
    *above, last = zip(override.steps, override.fields, strict=True)
    try:
        for step, field in above:
            _make_room(at, step)
            if at[step] is None:
                at[step] = _beginning(step, field)
            at = at[step]
        step, _ = last
        _make_room(at, step)
    except _NoPlaceError as place:
        if place.length is not None:
            problems.append(_gap(override.variable, place.length))
        return
    if step == _KIND:
        _drop_keys_of_another_kind(at, above[-1][1], value)
    at[step] = value


class _NoPlaceError(Exception):
    """A step leads nowhere; `length` is that of the list that is too short for it."""

    def __init__(self, length: int | None = None) -> None:
        self.length = length


def _make_room(at: Any, step: str | int) -> None:
    if isinstance(step, str) and isinstance(at, dict):
        at.setdefault(step, None)
    elif isinstance(step, int) and isinstance(at, list):
        if step > len(at):
            raise _NoPlaceError(len(at))
        if step == len(at):
            at.append(None)
    else:
        raise _NoPlaceError


def _beginning(step: str | int, field: FieldInfo) -> dict[str, Any] | list[Any]:
    if isinstance(step, str) and schema.is_list(field):
        return list(schema.default(field) or [])
    return {}


def _gap(variable: str, length: int) -> str:
    items = {0: "is empty", 1: "has one item"}.get(length, f"has {length} items")
    return f"{variable}: the list {items} so far, the next number is {length}"


def _drop_keys_of_another_kind(
    item: dict[str, Any], field: FieldInfo, kind: object
) -> None:
    kinds = {
        schema.kind_of(s): s.model_fields for s in schema.sections_in(field.annotation)
    }
    old, new = kinds.get(str(item.get(_KIND)), {}), kinds.get(str(kind), {})
    if new:
        for key in [k for k in item if k in old and k not in new]:
            del item[key]

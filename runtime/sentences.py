"""What pydantic finds wrong, said in words of config.yaml."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from runtime import schema
from runtime.problems import closest, either, join, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_core import ErrorDetails

    from runtime.places import Place
    from runtime.settings import Section

_FEW: Final = 3


def problem(error: ErrorDetails, place: Place) -> tuple[str, str]:
    """Return the dotted path that an error is about and the sentence about it."""
    kind, value = error["type"], error["input"]
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return join(place.path, "kind"), _wrong_kind(value, place)
    if kind == "value_error" and place.is_section:
        # Rules of sections say `key: what is wrong` about one of their keys.
        key, _, sentence = str(error["ctx"]["error"]).partition(": ")
        return join(place.path, key), sentence
    say = SENTENCES.get(kind)
    if say is None:
        return place.path, error["msg"]
    if value is None and kind != "extra_forbidden":
        return place.path, f"has no value; {_demand(place)}"
    return place.path, say(value, error, place)


def _demand(place: Place, noun: str | None = None) -> str:
    """Return what belongs in a place, as a demand."""
    if place.is_section or place.field is None:
        return f"write keys below it, such as {either(_known(place.sections)[:_FEW])}"
    if place.is_list:
        return "write its items in [ ], or each after a dash"
    if words := schema.choices(place.field):
        return f"use {either(words)}"
    written, limits = schema.written(place.field), schema.bounds(place.field)
    if written.name == "true or false":
        return "use true or false"
    if written.name == "text":
        optional = "" if place.field.is_required() else ", or leave the key out"
        return f"write a text{optional}"
    noun = noun or _a(written.name)
    return f"write {noun}, {limits or f'for example {written.example}'}"


def _a(name: str) -> str:
    return f"an {name}" if name[0] in "aei" else f"a {name}"


def _known(sections: tuple[type[Section], ...]) -> list[str]:
    return list(dict.fromkeys(name for s in sections for name in s.model_fields))


def _missing(value: Any, error: ErrorDetails, place: Place) -> str:
    del value, error
    return f"is missing; {_demand(place)}"


def _unknown(value: Any, error: ErrorDetails, place: Place) -> str:
    del value, error
    word, known = str(place.steps[-1]), _known(place.owners)
    kind = schema.kind_of(place.owners[0])
    noun = "module" if place.path.startswith("probes.") else "source"
    pattern = re.sub(r"\[\d+\]", "[]", place.path)
    keys = [k for k in schema.every_key() if k.path.rpartition(".")[2] == word]
    if others := [schema.kind_of(k.section) for k in keys if k.path == pattern]:
        return f"is a key of {either(others)} {noun}s, not of {kind} {noun}s"
    elsewhere = list(dict.fromkeys(k.path for k in keys))
    if 0 < len(elsewhere) <= _FEW:
        return f"is no key here; did you mean {either(elsewhere)}?"
    if meant := closest(word, known):
        return f"is no key here; did you mean {place.path[: -len(word)]}{meant}?"
    here = f"{_a(kind)} {noun} has" if kind else "known are"
    return f"is no key here; {here} {', '.join(known)}"


def _wrong_kind(item: Any, place: Place) -> str:
    use = f"use {either([schema.kind_of(section) for section in place.sections])}"
    if "kind" not in item:
        return f"is missing; {use}"
    if item["kind"] is None:
        return f"has no value; {use}"
    return f"{shown(item['kind'])} is not allowed; {use}"


def _wrong_value(value: Any, error: ErrorDetails, place: Place) -> str:
    if isinstance(value, bool | dict | list) and not place.sections:
        return _not_this(value, error, place)
    return str(error["ctx"]["error"])


def _not_this(value: Any, error: ErrorDetails, place: Place) -> str:
    if place.field is None:
        return f"{shown(value)} is not allowed"
    if schema.is_secret(place.field):
        return "is not a text; put it in quotes"
    name = schema.written(place.field).name
    if name == "text" and isinstance(value, bool | int | float):
        return f"{shown(value)} is not a text; put it in quotes"
    if name == "true or false":
        return _not_allowed(value, error, place)
    return f"{shown(value)} is not {_a(name)}; {_demand(place, 'one')}"


def _not_allowed(value: Any, error: ErrorDetails, place: Place) -> str:
    del error
    return f"{shown(value)} is not allowed; {_demand(place)}"


def _wrong_form(value: Any, error: ErrorDetails, place: Place) -> str:
    del error
    # What is before this sign may be a password.
    what = "this" if "@" in value else shown(value)
    meaning = "" if place.field is None else str(place.field.description)
    return f"{what} has not the form of what is wanted: {meaning.rstrip('.')}"


def _not_a_list(value: Any, error: ErrorDetails, place: Place) -> str:
    del error
    return f"{shown(value)} is not a list; {_demand(place)}"


def _not_a_section(value: Any, error: ErrorDetails, place: Place) -> str:
    del error
    return f"{shown(value)} is not a section; {_demand(place)}"


def _empty(value: Any, error: ErrorDetails, place: Place) -> str:
    del value, error
    return f"is empty; write {'at least one item' if place.is_list else 'a text'}"


def _out_of_range(value: Any, error: ErrorDetails, place: Place) -> str:
    del error
    return f"{shown(value)} is out of range; {_demand(place)}"


SENTENCES: Final[dict[str, Callable[[Any, ErrorDetails, Place], str]]] = {
    "bool_type": _not_this,
    "extra_forbidden": _unknown,
    "greater_than": _out_of_range,
    "greater_than_equal": _out_of_range,
    "int_type": _not_this,
    "less_than": _out_of_range,
    "less_than_equal": _out_of_range,
    "literal_error": _not_allowed,
    "missing": _missing,
    "model_attributes_type": _not_a_section,
    "model_type": _not_a_section,
    "path_type": _not_this,
    "string_pattern_mismatch": _wrong_form,
    "string_too_short": _empty,
    "string_type": _not_this,
    "too_short": _empty,
    "tuple_type": _not_a_list,
    "value_error": _wrong_value,
}
"""What each kind of pydantic's errors is called here."""

"""What the settings are made of: every key with its path, and what belongs there.

Read from the types in `runtime.settings`, for messages, for the environment and for the
generated pages; a key that is added there needs no mention here.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union
from typing import get_args as arguments_of
from typing import get_origin as origin_of

import annotated_types
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from runtime.quantities import Address, Written
from runtime.settings import Section, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

ENVIRONMENT: Final = "EPIMETHEUS__"
"""What the names of environment variables that set a key begin with."""

_WRITTEN: Final[dict[Any, Written]] = {
    str: Written("text", "text"),
    bool: Written("true or false", "true"),
    SecretStr: Written("secret", ""),
    Address: Written("address", "127.0.0.1:9105"),
    Literal: Written("word", ""),
}


@dataclass(frozen=True, slots=True)
class Key:
    """One key of config.yaml that holds a value.

    `path` is how config.yaml nests it, `[]` standing for any item: `sources[].url`.
    `topic` names the kind of a source instead: `sources.prometheus.url`. `variable`
    is the environment variable, with 0 for the item.
    """

    path: str
    topic: str
    variable: str
    section: type[Section]
    name: str

    @property
    def field(self) -> FieldInfo:
        """The field that declares the key."""
        return self.section.model_fields[self.name]


def every_key(section: type[Section] = Settings) -> Iterator[Key]:
    """Yield every key that holds a value, in the order of config.yaml."""
    yield from _keys(section, "", "", ENVIRONMENT)


def _keys(
    section: type[Section], path: str, topic: str, variable: str
) -> Iterator[Key]:
    for name, field in section.model_fields.items():
        key_path, key_topic = f"{path}{name}", f"{topic}{name}"
        key_variable = f"{variable}{name.upper()}"
        inner = sections_in(field.annotation)
        if not inner:
            yield Key(key_path, key_topic, key_variable, section, name)
        item, index = ("[]", "__0") if is_list(field) else ("", "")
        for one in inner:
            tag = f".{kind_of(one)}" if len(inner) > 1 else ""
            yield from _keys(
                one,
                f"{key_path}{item}.",
                f"{key_topic}{tag}.",
                f"{key_variable}{index}__",
            )


def sections_in(annotation: Any) -> tuple[type[Section], ...]:
    """Return the sections that a type holds: none, one, or one per kind."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return (annotation,)
    inner = map(sections_in, arguments_of(annotation))
    return tuple(chain.from_iterable(inner))


def kind_of(section: type[Section]) -> str:
    """Return the value of `kind` that chooses a section among others, or ''."""
    kind = section.model_fields.get("kind")
    return str(arguments_of(kind.annotation)[0]) if kind is not None else ""


def is_list(field: FieldInfo) -> bool:
    """Return whether a key holds a list."""
    return origin_of(field.annotation) is tuple


def is_optional(field: FieldInfo) -> bool:
    """Return whether a key may be left without a value."""
    return types.NoneType in arguments_of(field.annotation)


def is_secret(field: FieldInfo) -> bool:
    """Return whether a key's value must not be shown."""
    return _plain(field.annotation) is SecretStr


def is_text(field: FieldInfo) -> bool:
    """Return whether a key's value is one text, whatever is written in it."""
    if is_list(field) or sections_in(field.annotation):
        return False
    return written(field).name not in {"true or false", "whole number"}


def choices(field: FieldInfo) -> tuple[str, ...]:
    """Return the words that a key, or an item of its list, allows.

    None if it allows more than words.
    """
    annotation = field.annotation
    item = arguments_of(annotation)[0] if is_list(field) else annotation
    if origin_of(item) is Literal:
        return tuple(map(str, arguments_of(item)))
    return ()


def written(field: FieldInfo) -> Written:
    """Return how the value of a key, or an item of its list, is written."""
    for entry in (*field.metadata, *_decorations(field.annotation)):
        if isinstance(entry, Written):
            return entry
    annotation = field.annotation
    item = arguments_of(annotation)[0] if is_list(field) else annotation
    return _WRITTEN[_plain(item)]


def bounds(field: FieldInfo) -> str:
    """Return the range of a number in words, such as `from 1 to 64`, or ''."""
    show = written(field).show
    least = most = above = below = ""
    for entry in field.metadata:
        match entry:
            case annotated_types.Ge(ge):
                least = show(ge)
            case annotated_types.Le(le):
                most = show(le)
            case annotated_types.Gt(gt):
                above = f"more than {show(gt)}"
            case annotated_types.Lt(lt):
                below = f"less than {show(lt)}"
    if least:
        return f"from {least} to {most}" if most else f"{least} or more"
    return " and ".join(filter(None, (above, below)))


def default(field: FieldInfo) -> Any:
    """Return the default of a key as config.yaml shows it, None for none."""
    value = field.default
    if value is None or value is PydanticUndefined:
        return None
    if isinstance(value, tuple):
        return [
            item.model_dump(mode="json", exclude_unset=True)
            if isinstance(item, Section)
            else item
            for item in value
        ]
    if isinstance(value, bool) or written(field).show is str:
        return value if isinstance(value, bool | int) else str(value)
    return written(field).show(value)


def _decorations(annotation: Any) -> Iterator[Any]:
    if origin_of(annotation) is Annotated:
        yield from arguments_of(annotation)[1:]
    for inner in arguments_of(annotation):
        yield from _decorations(inner)


def _plain(annotation: Any) -> Any:
    """Return a type without what decorates it: Annotated, a tuple's items, None."""
    origin = origin_of(annotation)
    if origin is Annotated:
        return _plain(arguments_of(annotation)[0])
    if origin in {Union, types.UnionType}:
        inner = [a for a in arguments_of(annotation) if a is not types.NoneType]
        return _plain(inner[0]) if len(inner) == 1 else annotation
    return origin if origin in {tuple, Literal} else annotation

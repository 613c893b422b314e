"""Documents become settings, or sentences about everything that is wrong with them.

Rules that concern several keys run only where each of the keys is valid. So what is
wrong is replaced by something valid and validation is repeated until it finds nothing
new: people hear of everything at once.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from runtime import schema
from runtime.places import locate
from runtime.problems import closest
from runtime.sentences import problem
from runtime.settings import Section, Settings, Target

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

    from runtime.places import Place

_PASSES: Final = 10


def validate(document: dict[str, Any]) -> Settings | list[tuple[str, str]]:
    """Return the settings, or the path and the sentence of each problem."""
    document = _without_empty_sections(document, Settings)
    found: dict[tuple[str, str], None] = {}
    tried: set[tuple[str, str]] = set()
    for _ in range(_PASSES):
        told = {path for path, _ in found}
        try:
            settings = Settings.model_validate(document)
        except ValidationError as error:
            errors = [e for e in error.errors() if not _follows_from_others(e)]
        else:
            return list(found) or settings
        for details in errors:
            place = locate(details["loc"])
            path, sentence = problem(details, place)
            _repair(document, details, place, path, again=(path, sentence) in tried)
            tried.add((path, sentence))
            # What was told of before holds a stand-in by now, which nobody wrote.
            if path not in told:
                found.setdefault((path, sentence))
    return list(found)


def _without_empty_sections(document: Any, section: type[Section]) -> Any:
    """Return a copy without sections whose keys are all commented out."""
    if not isinstance(document, dict):
        return document
    copied = copy.deepcopy(document)
    for name, field in section.model_fields.items():
        inner = schema.sections_in(field.annotation)
        if not inner or schema.is_list(field) or name not in copied:
            continue
        if copied[name] is None:
            del copied[name]
        else:
            copied[name] = _without_empty_sections(copied[name], inner[0])
    return copied


def _follows_from_others(error: ErrorDetails) -> bool:
    """Return whether a list is only called short because its items are wrong."""
    return error["type"] == "too_short" and len(error["input"]) > 0


def _repair(
    document: dict[str, Any],
    error: ErrorDetails,
    place: Place,
    path: str,
    *,
    again: bool,
) -> None:
    """Put something valid in the place of what is wrong: its default or an example.

    Where that was tried before, the whole section is replaced.
    """
    if error["type"].startswith("union_tag"):
        _repair_kind(_holder(document, place), place)
        return
    for step in re.findall(r"[^.\[\]]+", path.removeprefix(place.path)):
        place = place.below(int(step) if step.isdecimal() else step)
    if Target in place.owners and not place.is_item:
        # Left with other keys the target might be taken for another one.
        place = locate(place.steps[:-1])
    while not place.sections and (place.is_item or again):
        place = locate(place.steps[:-1])
    _replace(_holder(document, place), place)


def _holder(document: dict[str, Any], place: Place) -> Any:
    """Return the section or list of a document that a place is in.

    A section that is left out, whose defaults do not go with the rest, is made.
    """
    holder: Any = document
    for step in place.steps[:-1]:
        if isinstance(holder, dict):
            holder.setdefault(step, {})
        holder = holder[step]
    return holder


def _replace(holder: Any, place: Place) -> None:
    step = place.steps[-1]
    if place.is_item:
        _stand_in(holder, place)
    elif place.field is not None and place.field.is_required():
        holder[step] = _example(place.field, place)
    else:
        holder.pop(step, None)


def _repair_kind(holder: Any, place: Place) -> None:
    kinds = [schema.kind_of(section) for section in place.sections]
    meant = closest(str(holder[place.steps[-1]].get("kind")), kinds)
    if meant:
        holder[place.steps[-1]]["kind"] = meant
    else:
        _stand_in(holder, place)


def _stand_in(holder: Any, place: Place) -> None:
    """Replace an item by an example of the same name, which others may have too."""
    old, section = holder[place.steps[-1]], place.sections[0]
    fields = {n: f for n, f in section.model_fields.items() if f.is_required()}
    example = {name: _example(field, place) for name, field in fields.items()}
    if isinstance(old, dict) and "name" in fields.keys() & old.keys():
        example["name"] = old["name"]
    holder[place.steps[-1]] = example


def _example(field: FieldInfo, place: Place) -> Any:
    """Return a valid value; names and URLs differ from place to place, as they must."""
    if words := schema.choices(field):
        return words[0]
    (example, *_) = field.examples or [None]
    if field.annotation is str and schema.written(field).name == "name":
        return f"{example}-{'-'.join(map(str, place.steps))}"
    if field.annotation is str and schema.written(field).name == "URL":
        host = "-".join(map(str, place.steps))
        return urlsplit(str(example))._replace(netloc=host).geturl()
    return copy.deepcopy(example)

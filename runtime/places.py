"""Where in the settings pydantic found something: from its location to our path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime import schema
from runtime.problems import join
from runtime.settings import Section, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class Place:
    """A key, an item or a section of the settings.

    `steps` lead to it in a document and `path` says so to people. `field` declares it
    (an item is declared by its list; None at the top and for unknown keys) and `owners`
    are the sections that could hold it, `sections` those that it could hold.
    """

    steps: tuple[str | int, ...] = ()
    path: str = ""
    field: FieldInfo | None = None
    owners: tuple[type[Section], ...] = ()
    sections: tuple[type[Section], ...] = (Settings,)

    @property
    def is_item(self) -> bool:
        """Whether the place is an item of a list."""
        return bool(self.steps) and isinstance(self.steps[-1], int)

    @property
    def is_list(self) -> bool:
        """Whether the place holds a list."""
        return (
            self.field is not None and schema.is_list(self.field) and not self.is_item
        )

    @property
    def is_section(self) -> bool:
        """Whether the place holds a section."""
        return bool(self.sections) and not self.is_list

    def below(self, step: str | int) -> Place:
        """Return the place that a key or an index leads to from here."""
        steps, path = (*self.steps, step), join(self.path, step)
        if isinstance(step, int):
            return Place(steps, path, self.field, self.owners, self.sections)
        for section in self.sections:
            if field := section.model_fields.get(step):
                inner = schema.sections_in(field.annotation)
                return Place(steps, path, field, self.sections, inner)
        return Place(steps, path, None, self.sections, ())

    def as_kind(self, kind: str) -> Place:
        """Return the same place, known to be of a kind."""
        chosen = tuple(s for s in self.sections if schema.kind_of(s) == kind)
        return Place(self.steps, self.path, self.field, self.owners, chosen)


def locate(location: Iterable[str | int]) -> Place:
    """Return the place of a location as pydantic gives it, kinds among the keys."""
    place = Place()
    for step in location:
        kinds = {schema.kind_of(s) for s in place.sections} - {""}
        if place.is_item and len(kinds) > 1 and step in kinds:
            place = place.as_kind(str(step))
        else:
            place = place.below(step)
    return place

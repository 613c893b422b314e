"""What is probed, how and when, as it is written: read as config.yaml is.

An entry is a destination, a job, a module or a maintenance. Whether it comes by the
API, from a command or from config.yaml, it has the same keys, the same rules and the
same sentences about what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter

from runtime.probing.jobs import Destination, Job, Maintenance
from runtime.probing.probes import Probe
from runtime.problems import join
from runtime.validation import validate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runtime.section import Section

_MENTION: Final = {"host": "0.0.0.0"}  # noqa: S104 - stands for any host, is not bound


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of entries: what one is called, and its key in config.yaml."""

    word: str
    key: str


DESTINATION: Final = Kind("destination", "destinations")
JOB: Final = Kind("job", "jobs")
MODULE: Final = Kind("module", "modules")
MAINTENANCE: Final = Kind("maintenance", "maintenance")
KINDS: Final = (MODULE, DESTINATION, JOB, MAINTENANCE)
"""All kinds, those first that others name."""

_LONGEST: Final = 500
"""Letters of what is said about a key; what was sent may be longer."""
_READERS: Final[dict[Kind, TypeAdapter[Any]]] = {
    DESTINATION: TypeAdapter(Destination),
    JOB: TypeAdapter(Job),
    MODULE: TypeAdapter(Probe),
    MAINTENANCE: TypeAdapter(Maintenance),
}


class WrongEntry(ValueError):  # noqa: N818 - named as what it is about
    """An entry cannot be used; `problems` are dotted keys and what is wrong there."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        said = (f"{key}: {text}" if key else text for key, text in problems)
        super().__init__("; ".join(said))


@dataclass(frozen=True, slots=True)
class Around:
    """What is there already and an entry has to go with.

    `destinations` are names, `modules` and `jobs` documents.
    """

    destinations: Sequence[str] = ()
    modules: Sequence[Mapping[str, Any]] = ()
    jobs: Sequence[Mapping[str, Any]] = ()


def read(kind: Kind, document: Mapping[str, Any], around: Around) -> Section:
    """Return the settings of an entry; raise WrongEntry with everything wrong.

    What is wrong with a job of `around` because of the entry is said with its name.
    """
    probes: dict[str, list[Any]] = {
        "destinations": [{"name": name, **_MENTION} for name in around.destinations],
        "modules": list(map(dict, around.modules)),
        "jobs": list(map(dict, around.jobs)),
    }
    probes[kind.key] = [dict(document)] + [
        other
        for other in probes.get(kind.key, [])
        if other.get("name") != document.get("name")
    ]
    found = validate({"probes": probes})
    if isinstance(found, list):
        raise WrongEntry([_placed(kind, around, *problem) for problem in found])
    entries: tuple[Section, ...] = getattr(found.probes, kind.key)
    return entries[0]


def refuse_strange(document: Mapping[str, Any]) -> None:
    """Raise WrongEntry for texts that databases do not take."""
    if strange := list(_strange(document, "")):
        raise WrongEntry([(key, "holds a sign that is no text") for key in strange])


def written(entry: Section) -> dict[str, Any]:
    """Return all settings of an entry as people write them, durations as text."""
    return entry.model_dump(mode="json")


def stored(kind: Kind, document: Mapping[str, Any]) -> Section:
    """Return the settings of an entry that was valid when it was stored."""
    reader: TypeAdapter[Any] = _READERS[kind]
    entry: Section = reader.validate_python(document)
    return entry


def _strange(value: object, key: str) -> Iterator[str]:
    """Yield the keys of texts that databases do not take: NUL, halves of characters."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
            yield key
    elif isinstance(value, Mapping):
        for step, inner in value.items():
            yield from _strange(inner, join(key, step))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _strange(inner, join(key, place))


def _placed(kind: Kind, around: Around, path: str, sentence: str) -> tuple[str, str]:
    """Return a problem as it is said to who wrote one entry and no file."""
    if len(sentence) > _LONGEST:
        sentence = f"{sentence[:_LONGEST]}..."
    own = f"probes.{kind.key}[0]"
    if path == own or path.startswith((f"{own}.", f"{own}[")):
        key = path.removeprefix(own).removeprefix(".")
        return key, sentence.replace(f"{own}.", "")
    other = path.removeprefix("probes.jobs[").partition("]")[0]
    name = around.jobs[int(other)]["name"] if other.isdecimal() else path
    return "", f"the job {name!r} could not be done with it: {sentence}"

"""Dockerfiles as values: stages of instructions, and what reaches the build."""

from __future__ import annotations

import fnmatch
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction with its continuation lines joined."""

    name: str
    rest: str

    @property
    def exec_form(self) -> list[str] | None:
        """The words of a JSON array, as CMD takes, None for shell form."""
        found = re.search(r"\[.*\]$", self.rest)
        return list(json.loads(found[0])) if found else None


@dataclass(slots=True)
class Stage:
    """What follows one FROM."""

    image: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, name: str) -> list[Instruction]:
        return [each for each in self.instructions if each.name == name]

    def last(self, name: str) -> Instruction:
        return self.all(name)[-1]

    def copied(self) -> list[tuple[str, str]]:
        """Return (source, destination) of what comes from the build context."""
        pairs = []
        for each in self.all("COPY"):
            if not each.rest.startswith("--from="):
                *sources, destination = each.rest.split()
                pairs += [(source, destination) for source in sources]
        return pairs


def read(path: Path) -> list[Stage]:
    """Return the stages of a Dockerfile."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(), flags=re.MULTILINE)
    stages: list[Stage] = []
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if not line.strip():
            continue
        name, rest = line.split(maxsplit=1)
        if name == "FROM":
            image, *alias = rest.split()
            stages.append(Stage(image, alias[1] if alias else ""))
        else:
            stages[-1].instructions.append(Instruction(name, rest))
    return stages


def ignored(path: str, rules: Path) -> bool:
    """Tell whether a .dockerignore keeps a path out of the build."""
    out = False
    for line in rules.read_text().splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!")
            names = [path, *(path[: at.start()] for at in re.finditer("/", path))]
            if any(fnmatch.fnmatch(name, pattern) for name in names):
                out = not line.startswith("!")
    return out

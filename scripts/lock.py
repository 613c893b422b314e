"""Writes constraints.txt: the versions that are installed of what the project needs.

    python -m scripts.lock

Names and versions only, sorted, so that the file is the same wherever it is written.
What else happens to be installed is left out, and so is the project itself.
"""

from __future__ import annotations

import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT: Final = Path(__file__).parents[1]
_HEAD: Final = "# Written by `make lock`: what `make run` and `make test` install.\n"


def declared(project: Mapping[str, Any]) -> Iterator[Requirement]:
    """Yield what pyproject.toml asks for, in the project and in its groups."""
    groups = project["dependency-groups"].values()
    for wanted in (project["project"]["dependencies"], *groups):
        for text in wanted:
            if isinstance(text, str):  # else it includes another group
                yield Requirement(text)


def closure(wanted: Iterator[Requirement]) -> dict[str, str]:
    """Return the versions of what is wanted and of all that it needs in turn.

    Raises PackageNotFoundError for what is not installed.
    """
    versions: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    open_ends = [(one, "") for one in wanted]
    while open_ends:
        requirement, extra = open_ends.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        found = metadata.distribution(requirement.name)
        name = canonicalize_name(requirement.name)
        versions[name] = str(Version(found.version))
        for chosen in ("", *requirement.extras):
            if (name, chosen) not in seen:
                seen.add((name, chosen))
                needed = map(Requirement, found.requires or ())
                open_ends += [(one, chosen) for one in needed]
    return versions


def lock(versions: Mapping[str, str]) -> str:
    """Return constraints for pip."""
    lines = [f"{name}=={version}\n" for name, version in sorted(versions.items())]
    return _HEAD + "".join(lines)


def main() -> int:
    """Write constraints.txt; return the exit code."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    try:
        versions = closure(declared(project))
    except metadata.PackageNotFoundError as missing:
        print(f"{missing.name} is not installed: make check installs it")
        return 1
    (ROOT / "constraints.txt").write_text(lock(versions), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

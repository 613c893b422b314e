"""Writes the generated pages, or says which are stale.

    python -m scripts.docs            write them
    python -m scripts.docs --check    fail with a diff where one is stale

A page is a file that is generated as a whole, or one with sections between
`<!-- generated: NAME -->` and `<!-- end -->`, the rest being written by people.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts import rules_page
from scripts.pages import (
    api,
    commands,
    configuration,
    known_names,
    left_out,
    metrics,
    otlp,
    schema,
    snapshot,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Page:
    """A file and what is generated in it: by section, or as a whole under ''."""

    path: str
    sections: Mapping[str, Callable[[], str]]

    def text(self, current: str) -> str:
        """Return what the file should hold, given what it holds.

        Raises ValueError when a section has no place in it.
        """
        if "" in self.sections:
            return self.sections[""]()
        for name, generate in self.sections.items():
            begin, end = f"<!-- generated: {name} -->", "<!-- end -->"
            place = re.compile(f"{re.escape(begin)}\n.*?{end}", re.DOTALL)
            if not place.search(current):
                raise ValueError(f"{self.path}: has no lines {begin} and {end}")
            before, after = place.split(current, maxsplit=1)
            current = f"{before}{begin}\n\n{generate()}\n\n{end}{after}"
        return current


PAGES: Final = (
    Page("config.yaml", {"": configuration.file}),
    Page("docs/configuration.md", {"settings": configuration.tables}),
    Page(
        "docs/metrics.md",
        {
            "exporter": metrics.exporter,
            "left out": left_out.render,
            "bridge": metrics.bridge,
        },
    ),
    Page("exporter/compat/data/known.txt", {"": known_names.render}),
    Page("docs/cli.md", {"exporter": commands.exporter, "bridge": commands.bridge}),
    Page("docs/api.md", {"api": api.reference}),
    Page("docs/live.md", {"snapshot": snapshot.keys}),
    Page("docs/schema.md", {"tables": schema.tables}),
    Page("docs/otlp.md", {"conventions": otlp.conventions}),
    Page("docs/rules.md", {"": rules_page.render}),
)


def stale(root: Path, pages: Sequence[Page]) -> dict[Path, str]:
    """Return the new text of each page that does not hold it."""
    found: dict[Path, str] = {}
    for page in pages:
        path = root / page.path
        current = path.read_text(encoding="utf-8") if path.exists() else ""
        text = page.text(current)
        if text != current:
            found[path] = text
    return found


def diff(path: Path, text: str) -> str:
    """Return how a file differs from the text that it should hold."""
    current = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = difflib.unified_diff(
        current.splitlines(keepends=True),
        text.splitlines(keepends=True),
        f"{path.name} as it is",
        f"{path.name} as the code has it",
    )
    return "".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Write or check all pages; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.docs")
    parser.add_argument("--check", action="store_true", help="change nothing")
    check = parser.parse_args(arguments).check
    found = stale(ROOT, PAGES)
    for path, text in found.items():
        if check:
            sys.stderr.write(f"{diff(path, text)}\n{path.name} is stale: make docs\n")
        else:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")
    return 1 if check and found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

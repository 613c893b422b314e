"""Whatever a page names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    page
    for folder in (".", "docs", "docs/decisions", "grafana")
    for page in sorted((ROOT / folder).glob("*.md"))
]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def prose(page: Path) -> str:
    """Return the text of a page without its blocks of code."""
    return re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, made as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.+)$", prose(page))
    words = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {word.replace(" ", "-") for word in words}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


TOP = "|".join(sorted(path.name for path in ROOT.iterdir() if path.name[0] != "."))


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = re.findall(rf"`((?:{TOP})/[\w./-]*)`", prose(page))
    assert [path for path in named if not is_there(ROOT / path)] == []


def is_there(path: Path) -> bool:
    """Return whether a path exists; modules may be named without their suffix."""
    return path.exists() or path.with_name(f"{path.name}.py").exists()

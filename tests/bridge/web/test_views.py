from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from bridge.version import version

if TYPE_CHECKING:
    from tests.bridge.application import Application

PAGES = {
    "/": {
        *(
            f"{name}.js"
            for name in ("ask", "chart", "compare", "explain", "holes", "legend")
        ),
        "status.js",
        "status.css",
        "icon.svg",
        "uplot/uPlot.iife.min.js",
        "uplot/uPlot.min.css",
    },
    "/probing": {
        *(f"{name}.js" for name in ("ask", "smoke", "entries", "results", "probing")),
        "status.css",
        "probing.css",
        "icon.svg",
    },
}
"""The files that each page loads."""
FILES = sorted(set.union(*PAGES.values()))
TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
SCRIPTS = [
    (path, name)
    for path in PAGES
    for name in sorted(PAGES[path])
    if "/" not in name and name.endswith(".js")
]


class Page(HTMLParser):
    """Collects what a browser would load or run, and what it would label."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: set[str] = set()
        self.inline: list[str] = []
        self.ids: list[str] = []
        self.labelled_by: set[str] = set()
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        self._script = tag in {"script", "style"}
        if tag in {"script", "img"}:
            self.loaded.add(facts.get("src") or "")
        if tag == "link":
            self.loaded.add(facts.get("href") or "")
        if "style" in facts or any(name.startswith("on") for name in facts):
            self.inline.append(tag)
        if facts.get("id"):
            self.ids.append(facts["id"] or "")
        self.labelled_by.update((facts.get("aria-labelledby") or "").split())

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.inline.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self._script = False


def read(bridge: Application, path: str) -> Page:
    page = Page()
    page.feed(bridge.get(path).text)
    return page


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_html_that_runs_nothing_but_its_own_files(
    bridge: Application, path: str
) -> None:
    page = read(bridge, path)
    response = bridge.get(path)
    assert response.status_code == 200
    assert response.content_type == "text/html; charset=utf-8"
    assert response.headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' "
        "data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    assert page.inline == []
    assert page.loaded == {f"/static/{name}" for name in PAGES[path]}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_its_version(bridge: Application, path: str) -> None:
    assert f"Epimetheus {version()} ·" in bridge.get(path).text


@pytest.mark.parametrize("path", PAGES)
def test_what_names_a_part_of_a_page_is_there(bridge: Application, path: str) -> None:
    page = read(bridge, path)
    assert len(set(page.ids)) == len(page.ids)
    assert page.labelled_by <= set(page.ids)


@pytest.mark.parametrize(("path", "name"), SCRIPTS)
def test_scripts_use_only_elements_that_their_page_has(
    bridge: Application, path: str, name: str
) -> None:
    script = bridge.get(f"/static/{name}").text
    used = set(re.findall(r'\$\("([\w-]+)"\)', script))
    assert used <= set(read(bridge, path).ids)
    assert used or name in {"ask.js", "compare.js", "smoke.js"}


@pytest.mark.parametrize(("path", "name"), SCRIPTS)
def test_scripts_make_no_markup_out_of_text(
    bridge: Application, path: str, name: str
) -> None:
    script = bridge.get(f"/static/{name}").text
    for dangerous in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "eval(",
        "write(",
    ):
        assert dangerous not in script


@pytest.mark.parametrize("name", FILES)
def test_files_of_the_page_are_answered_and_kept_by_browsers(
    bridge: Application, name: str
) -> None:
    response = bridge.get(f"/static/{name}")
    assert (response.status_code, response.content_type) == (
        200,
        f"{TYPES[name.rpartition('.')[2]]}; charset=utf-8",
    )
    assert "max-age=3600" in response.headers["Cache-Control"]
    etag = response.headers["ETag"]
    client = bridge.app.test_client()
    again = client.get(f"/static/{name}", headers={"If-None-Match": etag})
    assert again.status_code == 304
    again.close()


@pytest.mark.parametrize(
    "path",
    [
        "/static/../views.py",
        "/static/%2e%2e/views.py",
        "/static//etc/passwd",
        "/static/uplot",
        "/static/nothing.js",
    ],
)
def test_nothing_else_is_answered(bridge: Application, path: str) -> None:
    assert bridge.get(path).status_code in {404, 308}


def test_the_charts_come_with_their_licence(bridge: Application) -> None:
    assert "The MIT License" in bridge.get("/static/uplot/LICENSE").text
    notice = bridge.get("/static/uplot/NOTICE.txt").text
    script = bridge.get("/static/uplot/uPlot.iife.min.js").text
    assert "(v1.6.32)" in script[:100]
    assert "uPlot 1.6.32" in notice
    assert "uPlot 1.6.32" in bridge.get("/").text

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from bridge.version import version

if TYPE_CHECKING:
    from tests.bridge.application import Application

SCRIPTS = ("ask", "chart", "explain", "holes", "legend", "status")
FILES = {
    **{f"{name}.js": "text/javascript; charset=utf-8" for name in SCRIPTS},
    "status.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml; charset=utf-8",
    "uplot/uPlot.iife.min.js": "text/javascript; charset=utf-8",
    "uplot/uPlot.min.css": "text/css; charset=utf-8",
}


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


@pytest.fixture
def page(bridge: Application) -> Page:
    read = Page()
    read.feed(bridge.get("/").text)
    return read


def test_the_page_is_html_that_runs_nothing_but_its_own_files(
    bridge: Application, page: Page
) -> None:
    response = bridge.get("/")
    assert response.status_code == 200
    assert response.content_type == "text/html; charset=utf-8"
    assert response.headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' "
        "data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    assert page.inline == []
    assert page.loaded == {f"/static/{name}" for name in FILES}


def test_the_page_says_its_version(bridge: Application) -> None:
    assert f"Epimetheus {version()} ·" in bridge.get("/").text


def test_what_names_a_part_of_the_page_is_there(page: Page) -> None:
    assert len(set(page.ids)) == len(page.ids)
    assert page.labelled_by <= set(page.ids)


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_use_only_elements_that_the_page_has(
    bridge: Application, page: Page, name: str
) -> None:
    script = bridge.get(f"/static/{name}.js").text
    used = set(re.findall(r'\$\("([\w-]+)"\)', script))
    assert used <= set(page.ids)
    assert used or name == "ask"


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_make_no_markup_out_of_text(bridge: Application, name: str) -> None:
    script = bridge.get(f"/static/{name}.js").text
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
    assert (response.status_code, response.content_type) == (200, FILES[name])
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

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

from exporter.composition import registry_of
from runtime.settings import Settings
from tests.bridge.web.conftest import CHROMIUM, FLAGS
from tests.exporter.live.watching import Counting, Exporter, events, exporter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1200, "height": 800})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console",
        lambda said: (
            complaints.append(said.text)
            if said.type == "error" and "401" not in said.text
            else None
        ),
    )
    yield opened
    context.close()
    assert complaints == []


def test_a_stream_has_the_headers_that_it_needs() -> None:
    with exporter() as here, here.get("/live") as response:
        assert response.status == 200
        told = {name.lower(): value for name, value in response.getheaders()}
        assert told.pop("date").endswith("GMT")
        assert told == {
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-store",
            "x-accel-buffering": "no",
            "x-content-type-options": "nosniff",
            "connection": "close",
        }
        assert response.readline() == b"retry: 2000\n"


def test_collectors_are_chosen() -> None:
    one, two = Counting("one"), Counting("two")
    with exporter(one=one, two=two) as here:
        with here.get("/live?collect[]=two") as response:
            _, event = next(events(response))
        assert {"node_two_total"} == {n for n in event["rates"] if "scrape" not in n}
        assert one.asked == 0


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("interval=0", "interval is a whole number of seconds from 1 to 5."),
        ("interval=1.5", "interval is a whole number of seconds from 1 to 5."),
        ("interval=1&interval=2", "interval is a whole number of seconds from 1 to 5."),
        ("collect[]=nix", "unknown collector 'nix'; enabled are one."),
        (
            "every=1",
            "'every' is no parameter here; known are interval, collect[], exclude[].",
        ),
    ],
)
def test_wishes_that_mean_nothing_are_a_bad_request(query: str, reason: str) -> None:
    with exporter() as here, here.get(f"/live?{query}") as response:
        assert (response.status, response.read().decode()) == (400, f"{reason}\n")


def test_head_takes_no_connection() -> None:
    with exporter() as here, here.get("/live", "HEAD") as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert here.live.families()[0].samples[0][1] == 0


def test_the_stream_needs_the_token_and_the_page_does_not() -> None:
    with exporter(token="s3cret") as here:  # noqa: S106 - of this test alone
        assert here.get("/live").status == 401
        assert here.get("/live", Authorization="Bearer s3cret").status == 200
        with here.get("/live", Accept="text/html,*/*") as shown:
            assert shown.headers["Content-Type"].startswith("text/html")
            assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
            assert b"<title>Live" in shown.read()
        assert here.get("/live.js").status == 200


@pytest.mark.setting("exporter.live.max_clients")
def test_so_many_clients_may_watch_as_the_settings_say() -> None:
    settings = Settings.model_validate({"exporter": {"live": {"max_clients": 2}}})
    with exporter(most=settings.exporter.live.max_clients) as here:
        statuses = [here.get("/live").status for _ in range(3)]
        assert statuses == [200, 200, 503]
    with exporter(most=0) as here:
        assert here.get("/live").status == 503


def test_curl_reads_the_stream() -> None:
    curl = shutil.which("curl")
    assert curl is not None
    with exporter() as here:
        asked = [curl, "-sN", "--max-time", "1", f"{here.server.address.url}/live"]
        told = subprocess.run(asked, capture_output=True, check=False)
    assert told.stdout.startswith(b"retry: 2000\n\n")
    assert b'\ndata: {"time":' in told.stdout


@pytest.fixture
def machine() -> Iterator[Exporter]:
    registry = registry_of(Settings().exporter)
    collectors = registry._jobs
    chosen = {
        name: collectors[name].args[0]
        for name in ("cpu", "memory", "disk", "network", "load", "stat")
    }
    with exporter(**chosen) as here:
        yield here


def test_event_source_reads_the_stream(page: Page, machine: Exporter) -> None:
    page.goto(f"{machine.server.address.url}/live.html?interval=5")
    told = page.evaluate(
        """() => new Promise((done) => {
          const source = new EventSource("/live?interval=1");
          source.onmessage = (event) => {
            source.close();
            done([event.lastEventId, JSON.parse(event.data).gauges.node_load1.length]);
          };
        })"""
    )
    assert told[0].endswith("-1")
    assert told[1] == 1


def test_the_page_draws_what_comes(page: Page, machine: Exporter) -> None:
    page.goto(f"{machine.server.address.url}/live.html?interval=1")
    memory = page.locator("#memory svg")
    expect(memory).to_have_attribute("aria-label", re.compile(r"([2-9]|\d\d+) points"))
    for name in ("cpu", "memory", "disk", "network"):
        line = page.locator(f"#{name} svg path").first
        assert (line.get_attribute("d") or "").startswith("M")
        assert "\N{EN DASH}" not in page.locator(f"#{name} .key b").first.inner_text()
    expect(page.locator("#state")).to_contain_text("every 1 s")
    assert "Load, 1 min" in page.locator("#facts").inner_text()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#state")).to_have_text("Paused.")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#state")).to_contain_text("every 1 s")


def test_the_page_asks_for_the_token(page: Page) -> None:
    with exporter(token="s3cret") as here:  # noqa: S106 - of this test alone
        page.goto(f"{here.server.address.url}/live.html")
        page.get_by_label("Token").fill("s3cret")
        page.get_by_role("button", name="Use", exact=True).click()
        expect(page.locator("#state")).to_contain_text("every 2 s")

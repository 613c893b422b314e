"""The page of the last results, of the real program, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from tests.exporter.probed import banner, talking
from tests.exporter.probing import running_prober
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = browser.new_page()
        page.set_default_timeout(30_000)
        yield page
        browser.close()


def test_a_destination_is_probed_and_its_log_read(page: Page, tmp_path: Path) -> None:
    ssh = {"name": "ssh", "kind": "tcp", "exchanges": [{"expect": "^SSH-"}]}
    with talking(banner) as port:
        destinations = [
            {"name": "server", "host": f"127.0.0.1:{port}"},
            {"name": "gone", "host": f"127.0.0.1:{free_port()}"},
        ]
        with running_prober(tmp_path, [ssh], [], destinations) as url:
            page.goto(url)
            page.get_by_role("link", name="Probes").click()
            assert page.get_by_text("There is nothing here yet.").is_visible()
            for name, outcome in (("server", "succeeded"), ("gone", "failed, refused")):
                page.goto(f"{url}/probes")
                page.get_by_label("Target").fill(name)
                page.get_by_label("Module").select_option("ssh")
                page.get_by_role("button", name="Probe").click()
                assert f"Probe {outcome}" in page.locator("body").inner_text()
            page.goto(f"{url}/probes")
            rows = page.locator("details")
            assert rows.count() == 2
            assert rows.first.get_attribute("class") == "failed"
            rows.first.locator("summary").click()
            assert page.get_by_text(
                "the destination refused the connection"
            ).is_visible()
            rows.last.locator("summary").click()
            assert "is what was expected" in rows.last.locator("pre").inner_text()
            page.get_by_role("link", name="Failures").click()
            assert page.locator("details").count() == 1

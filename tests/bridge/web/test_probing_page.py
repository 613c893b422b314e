"""The page of what is probed, in a real browser."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from bridge.probing.catalogue import Catalogue
from bridge.probing.entries import DESTINATION, MAINTENANCE
from bridge.probing.intake import take
from runtime.probing.wire import Batch
from tests.bridge.application import Application, application
from tests.bridge.probing.runs import NOON_MS, past, result, run, stage
from tests.bridge.web.browser import served, table

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from models.database import Database

DASH = "\N{EN DASH}"
SMOKED = """
    () => {
        const canvas = document.querySelector("#smoke canvas");
        const { data } = canvas.getContext("2d").getImageData(
            0, 0, canvas.width, canvas.height);
        const seen = new Set();
        for (let at = 0; at < data.length; at += 4)
            if (data[at + 3]) seen.add(data.slice(at, at + 3).join());
        return seen.size;
    }
"""
"""How many colours the plot has."""


@pytest.fixture(autouse=True)
def _probed(db: Database) -> None:
    catalogue = stage(db, "a", "b")
    document = {"name": "c", "host": "c.example.org", "display_name": "<i>C</i>"}
    catalogue.create(DESTINATION, document, "test")
    past(db, 40)


@pytest.fixture
def place(url: str) -> str:
    return f"{url}probing"


def test_what_is_probed_is_listed(
    page: Page, place: str, complaints: list[str]
) -> None:
    page.goto(place)
    expect(page.locator("#summary")).to_have_text("3 destinations, 1 job, 1 agent")
    assert [row[:3] for row in table(page, "destinations")] == [
        ["a", "a.example.org", "unknown"],
        ["b", "b.example.org", "unknown"],
        ["<i>C</i>", "c.example.org", "unknown"],
    ]
    assert [row[:5] for row in table(page, "jobs")] == [
        ["ping", "30s", "icmp", "a b", "running"]
    ]
    assert table(page, "agents")[0][0] == "edge"
    expect(page.locator("#shown")).to_be_hidden()
    assert complaints == []


def test_a_destination_is_shown_with_its_smoke_and_results(
    page: Page, place: str, complaints: list[str]
) -> None:
    page.goto(place)
    page.get_by_role("button", name="b", exact=True).click()
    expect(page.locator("#shown-title")).to_have_text("b")
    expect(page.locator("#figures")).to_contain_text("97.5 %")
    expect(page.locator("#smoke-note")).to_contain_text("40 packets, 1 lost (2.5 %)")
    assert page.evaluate(SMOKED) > 3
    expect(page.locator("#results tbody tr")).to_have_count(20)
    first = table(page, "results")[0]
    assert first[1:5] == ["b", "ping", "edge", "icmp"]
    assert first[5].startswith("timeout")
    assert [one[7] for one in table(page, "results")[:2]] == ["100 %", "0 %"]
    page.get_by_role("button", name="Older").click()
    expect(page.locator("#results tbody tr")).to_have_count(40)
    page.evaluate("refresh()")
    expect(page.locator("#results tbody tr")).to_have_count(40)
    assert "destination=b" in page.url
    page.reload()
    expect(page.locator("#shown-title")).to_have_text("b")
    assert complaints == []


def test_shares_are_neither_all_nor_nothing_by_rounding(page: Page, place: str) -> None:
    page.goto(place)
    shares = "[0, 1, 0.996, 0.125, 1e-7, 0.9999999, null]"
    assert page.evaluate(f"{shares}.map(percent)") == [
        "0 %",
        "100 %",
        "99.6 %",
        "12.5 %",
        "< 0.001 %",
        "> 99.999 %",
        DASH,
    ]


def test_a_column_under_the_pointer_is_told(page: Page, place: str) -> None:
    page.goto(f"{place}?destination=b&range=6h")
    canvas = page.locator("#smoke canvas")
    expect(page.locator("#smoke-note")).to_contain_text("packets")
    box = canvas.bounding_box()
    assert box is not None
    # From noon on, an hour before the end of six; the middle of a bucket is told.
    canvas.hover(position={"x": 62 + (box["width"] - 70) * 5.05 / 6, "y": 100})
    expect(page.locator("#smoke-note")).to_contain_text("median 490 µs")


def test_failures_are_shown_alone_and_a_result_whole(page: Page, place: str) -> None:
    page.goto(f"{place}?destination=b")
    expect(page.locator("#results tbody tr")).to_have_count(20)
    page.get_by_label("only failures").check()
    expect(page.locator("#results tbody tr")).to_have_count(1)
    page.locator("#results tbody button").click()
    expect(page.locator("#detail-title")).to_have_text(
        "icmp of b from edge, 2026-11-21 12:39:00"
    )
    expect(page.locator("#detail-body")).to_contain_text("Round-trip times: lost")
    page.locator("#detail-close").click()
    expect(page.locator("#detail")).to_be_hidden()


def test_the_hops_of_a_trace_are_a_table(page: Page, place: str, db: Database) -> None:
    hops = [
        {
            "ttl": 1,
            "addresses": ["192.0.2.1"],
            "sent": 3,
            "received": 3,
            "rtts": [0.001],
        },
        {"ttl": 2, "addresses": [], "sent": 3, "received": 0, "rtts": []},
    ]
    at = NOON_MS + 3_000_000
    trace = result(
        "a", probe="traceroute", kind="traceroute", began_ms=at, facts={"hops": hops}
    )
    told = run(trace, scheduled_ms=at, began_ms=at, ended_ms=at + 20)
    assert take(db, Batch(agent="edge", runs=(told,)), at + 100).receipt.accepted == 1
    page.goto(f"{place}?destination=a&probe=traceroute")
    page.locator("#results tbody button").first.click()
    cells = page.locator("#detail-body tbody tr").all()
    assert [row.locator("td").all_inner_texts()[:4] for row in cells] == [
        ["1", "192.0.2.1", "1.00 ms", "0 %"],
        ["2", "*", DASH, "100 %"],
    ]


def test_results_are_downloaded(page: Page, place: str) -> None:
    page.goto(f"{place}?destination=b")
    expect(page.locator("#results tbody tr")).to_have_count(20)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == "b.csv"
    with download.value.path().open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40
    assert {row["destination"] for row in rows} == {"b"}


def test_a_destination_is_added_changed_and_removed(
    page: Page, place: str, complaints: list[str]
) -> None:
    page.goto(place)
    page.locator("[data-make=destinations]").click()
    page.get_by_label("Name", exact=True).fill("new")
    page.get_by_label("Host", exact=True).fill("192.0.2.7")
    page.get_by_label("Tags").fill("lan, wan")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#destinations tbody tr")).to_have_count(4)
    page.get_by_role("button", name="Edit new").click()
    page.get_by_label("Probed").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="192.0.2.7")).to_contain_text("inactive")
    assert table(page, "destinations")[-1][4] == "lan wan"
    page.get_by_role("button", name="Edit new").click()
    page.locator("#remove").click()
    page.get_by_role("button", name="Remove new for good?").click()
    expect(page.locator("#destinations tbody tr")).to_have_count(3)
    assert complaints == []


def test_what_is_wrong_is_said_in_the_dialog(page: Page, place: str) -> None:
    page.goto(place)
    page.locator("[data-make=destinations]").click()
    page.get_by_label("Name", exact=True).fill("a b")
    page.get_by_label("Host", exact=True).fill("192.0.2.7")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#editor-problems")).to_contain_text(
        "name: 'a b' is not a name"
    )
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Edit ping").click()
    page.get_by_label("Windows").fill("[{")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#editor-problems")).to_contain_text("windows: ")
    expect(page.locator("#editor")).to_be_visible()


def test_marks_are_explained(page: Page, place: str, db: Database) -> None:
    at = NOON_MS + 3_000_000
    marked = result("b", began_ms=at, marks=("starved",))
    told = run(marked, scheduled_ms=at, began_ms=at, ended_ms=at + 20)
    take(db, Batch(agent="edge", runs=(told,)), at + 1000)
    page.goto(f"{place}?destination=b")
    mark = page.locator("#results tbody tr").first.get_by_text("starved")
    expect(mark).to_have_attribute("title", re.compile("waited for a CPU"))


def test_what_is_not_there_is_said(page: Page, place: str) -> None:
    page.goto(f"{place}?destination=gone")
    summary = page.locator("#summary")
    expect(summary).to_contain_text("The bridge says: ")
    expect(summary).to_contain_text("there is no destination 'gone'")
    expect(page.locator("#shown")).to_be_hidden()
    expect(page.locator("#key-form")).to_be_hidden()


def test_maintenance_is_shown_with_whom_it_is_about(
    page: Page, place: str, bridge: Application
) -> None:
    catalogue = Catalogue(bridge.db, bridge.clock)
    windows = [{"start": "00:00", "end": "24:00"}]
    pause = {"name": "disks", "destinations": ["b"], "windows": windows}
    catalogue.create(MAINTENANCE, pause, "test")
    over = {"name": "done", "end": "2020-01-01T00:00:00Z"}
    catalogue.create(MAINTENANCE, over, "test")
    page.goto(place)
    expect(page.locator("#maintenance tbody tr")).to_have_count(2)
    assert [row[2] for row in table(page, "maintenance")] == ["going on", "over"]
    assert [row[2] for row in table(page, "destinations")] == [
        "unknown",
        "unknown in maintenance: disks",
        "unknown",
    ]


def test_what_is_in_use_says_by_whom(page: Page, place: str) -> None:
    page.goto(place)
    page.get_by_role("button", name="Edit a", exact=True).click()
    page.locator("#remove").click()
    page.locator("#remove").click()
    expect(page.locator("#editor-problems")).to_contain_text("ping")


def test_nobody_undoes_what_somebody_else_changed(
    page: Page, place: str, bridge: Application
) -> None:
    page.goto(place)
    page.get_by_role("button", name="Edit ping").click()
    expect(page.get_by_label("Every")).to_have_value("30s")
    client = bridge.app.test_client()
    client.patch(
        "/api/v1/jobs/ping", json={"interval": "1m"}, headers={"If-Match": "*"}
    )
    page.get_by_label("Every").fill("10s")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#editor-problems")).to_contain_text("open it again")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Edit ping").click()
    expect(page.get_by_label("Every")).to_have_value("1m")


def test_a_test_waits_for_its_agent(page: Page, place: str, db: Database) -> None:
    page.goto(f"{place}?destination=a")
    page.get_by_role("button", name="Test now").click()
    expect(page.locator("#test-note")).to_contain_text("edge")


def test_destinations_are_searched(page: Page, place: str) -> None:
    page.goto(place)
    expect(page.locator("#destinations tbody tr")).to_have_count(3)
    page.locator("#query").fill("B.EXAMPLE")
    expect(page.locator("#destinations tbody tr")).to_have_count(1)
    page.locator("#status").select_option("active")
    expect(page.locator("#destinations")).to_contain_text("None is like that.")


@pytest.mark.parametrize("width", [400, 1200])
def test_the_page_fits(page: Page, place: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{place}?destination=b")
    expect(page.locator("#results tbody tr")).to_have_count(20)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_key_is_asked_for(page: Page, db: Database) -> None:
    bridge = application(db, auth="keys")
    key = bridge.key("read")
    with served(bridge) as url:
        page.goto(f"{url}probing")
        expect(page.locator("#summary")).to_have_text("A key is needed.")
        page.get_by_label("Key with scope").fill(key)
        page.get_by_role("button", name="Use key").click()
        expect(page.locator("#destinations tbody tr")).to_have_count(3)
        page.get_by_role("button", name="Edit a", exact=True).click()
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#editor-problems")).to_contain_text("admin")

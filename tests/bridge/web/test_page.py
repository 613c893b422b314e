"""The status page in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from models.queries.events import EventRow, record
from tests.bridge.application import NOON, Application, application
from tests.bridge.history import HOUR, MINUTE, counter
from tests.bridge.web.browser import served, table

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from models.database import Database
    from tests.bridge.history import History

DASH = "\N{EN DASH}"


@pytest.fixture(autouse=True)
def _past(history: History, db: Database) -> None:
    labels = {"instance": "<b>127.0.0.1</b>:9105"}
    number = history.series("node_load1", labels)
    history.gauges("node_load1", MINUTE, NOON, [float(n % 7) for n in range(58)])
    assert number
    for code in ("200", "500"):
        requests = history.series("requests_total", {"code": code}, kind="counter")
        rows = {NOON + at * 60: counter(60.0 * at) for at in range(58)}
        history.rows(MINUTE, requests, rows)
    history.mark(MINUTE, [NOON + 600, NOON + 660], "lost", reason="not recording")
    history.mark(HOUR, [NOON])
    event = EventRow(
        "local",
        "a",
        NOON * 1000,
        "scrape",
        "availability",
        "timeout",
        "<i>no answer</i>",
        occurrences=3,
    )
    record(db, event)


def test_the_page_shows_sources_coverage_errors_and_history(
    page: Page, url: str, complaints: list[str]
) -> None:
    page.goto(url)
    expect(page.locator("#chart canvas")).to_be_visible()
    expect(page.locator("#summary")).to_contain_text("1 source, ")
    assert table(page, "sources") == [
        ["local", "scrape", "4", "2 min", "56 done, 2 lost", "1 done", "0 done"]
    ]
    assert table(page, "events") == [
        ["2026-11-21 12:00:00", "availability: timeout", "<i>no answer</i>", "3"]
    ]
    strip = page.get_by_role("img", name="local: 94.9 % of 59 minutes done, 2 holes")
    expect(strip).to_be_visible()
    titles = strip.locator("title").all_text_contents()
    assert titles[-4:] == [
        "before the first window: 2026-11-20 14:00:00 to 2026-11-21 12:00:00",
        "done: 2026-11-21 12:00:00 to 2026-11-21 12:59:00",
        "lost: 2026-11-21 12:10:00 to 2026-11-21 12:12:00, not recording",
        "missing: 2026-11-21 12:58:00 to 2026-11-21 12:59:00",
    ]
    page.get_by_text("2 holes").click()
    assert table(page, "holes") == [
        [
            "local, minutes",
            "2026-11-21 12:58:00",
            "2026-11-21 12:59:00",
            "missing",
            DASH,
        ],
        [
            "local, minutes",
            "2026-11-21 12:10:00",
            "2026-11-21 12:12:00",
            "lost",
            "not recording",
        ],
    ]
    expect(page.locator("#chart-note")).to_have_text(
        "By minute: finest with at most 1500 points that covers the range (58)."
    )
    assert table(page, "legend") == [
        ["node_load1", "avg", "1", "-1", "7"],
        ['node_load1{instance="<b>127.0.0.1</b>:9105"}', "avg", *[DASH] * 3],
    ]
    assert complaints == []


def test_another_selector_and_range_are_shown_and_kept_in_the_address(
    page: Page, url: str, complaints: list[str]
) -> None:
    page.goto(url)
    expect(page.locator("#chart canvas")).to_be_visible()
    page.get_by_label("PromQL selector").fill('requests_total{code="500"}')
    page.get_by_label("PromQL selector").press("Enter")
    expect(page.locator("#legend tbody tr")).to_have_count(1)
    page.get_by_role("button", name="6h").click()
    expect(page.get_by_role("button", name="6h")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert table(page, "legend") == [
        ['requests_total{code="500"}', "rate", "57", "0", "57"]
    ]
    page.reload()
    expect(page.locator("#chart canvas")).to_be_visible()
    expect(page.get_by_label("PromQL selector")).to_have_value(
        'requests_total{code="500"}'
    )
    assert page.get_by_role("button", name="6h").get_attribute("aria-pressed") == "true"
    assert complaints == []


def test_a_wrong_selector_is_explained_in_the_page(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.locator("#chart canvas")).to_be_visible()
    page.get_by_label("PromQL selector").fill("rate(up[5m])")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#chart-note")).to_have_text(
        "'rate(up[5m])' is more than a PromQL selector: a range belongs into start and "
        "end, so leave out `[...]`"
    )
    expect(page.locator("#chart canvas")).to_have_count(0)


def test_series_are_hidden_and_shown_with_the_keyboard(
    page: Page, url: str, complaints: list[str]
) -> None:
    page.goto(f"{url}?match=requests_total")
    chart = page.locator("#chart")
    expect(chart).to_have_attribute(
        "aria-label", "2 series, 116 points; figures in the table below"
    )
    box = page.get_by_role("checkbox", name='Show requests_total{code="200"}')
    box.focus()
    page.keyboard.press("Space")
    expect(chart).to_have_attribute(
        "aria-label", "1 series, 58 points; figures in the table below"
    )
    again = page.get_by_role("checkbox", name='Show requests_total{code="200"}')
    expect(again).to_be_focused()
    expect(again).not_to_be_checked()
    page.evaluate("refresh()")
    expect(again).to_be_focused()
    expect(again).not_to_be_checked()
    page.keyboard.press("Space")
    expect(chart).to_have_attribute(
        "aria-label", "2 series, 116 points; figures in the table below"
    )
    assert complaints == []


def test_series_of_several_sources_are_told_apart_by_them(
    page: Page, url: str, history: History, complaints: list[str]
) -> None:
    history.series("requests_total", {"code": "500"}, source="other", kind="counter")
    page.goto(f'{url}?match=requests_total{{code="500"}}')
    expect(page.locator("#chart canvas")).to_be_visible()
    assert [row[0] for row in table(page, "legend")] == [
        'requests_total{code="500"} from local',
        'requests_total{code="500"} from other',
    ]
    name = 'Show requests_total{code="500"} from other'
    expect(page.get_by_role("checkbox", name=name)).to_be_checked()
    assert complaints == []


def test_values_under_the_cursor_are_told_in_the_table(page: Page, url: str) -> None:
    page.goto(f"{url}?match=requests_total")
    plot = page.locator("#chart .u-over")
    expect(plot).to_be_visible()
    size = plot.bounding_box()
    assert size is not None
    plot.hover(position={"x": size["width"] / 2, "y": size["height"] / 2})
    heading = page.locator("#legend thead th").nth(2)
    expect(heading).to_have_text("12:30")
    assert [row[2] for row in table(page, "legend")] == ["30", "30"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(page: Page, url: str, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto(url)
    expect(page.locator("#chart canvas")).to_be_visible()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 400
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    dark = {"light": "rgb(245, 246, 248)", "dark": "rgb(20, 23, 27)"}
    assert background == dark[scheme]


@pytest.mark.setting("bridge.auth")
def test_a_key_is_asked_for_and_kept_until_it_is_forgotten(
    page: Page, db: Database
) -> None:
    bridge = application(db, auth="keys")
    key = bridge.key("read")
    with served(bridge) as url:
        page.goto(url)
        field = page.get_by_label("Key with scope read")
        expect(field).to_be_focused()
        expect(page.locator("#chart canvas")).to_have_count(0)
        field.fill("epk_wrong")
        field.press("Enter")
        expect(page.locator("#key-reason")).to_have_text("the key is not known here")
        field.fill(key)
        page.get_by_role("button", name="Use key").click()
        expect(page.locator("#chart canvas")).to_be_visible()
        expect(field).to_be_hidden()
        page.reload()
        expect(page.locator("#chart canvas")).to_be_visible()
        page.get_by_role("button", name="Forget key").click()
        expect(page.get_by_label("Key with scope read")).to_be_visible()


def test_a_key_without_the_scope_is_told_why(page: Page, db: Database) -> None:
    bridge = application(db, auth="keys")
    key = bridge.key("probe")
    with served(bridge) as url:
        page.goto(url)
        page.get_by_label("Key with scope read").fill(key)
        page.get_by_role("button", name="Use key").click()
        expect(page.locator("#summary")).to_have_text("The bridge refused.")
        expect(page.locator("#key-reason")).to_contain_text("has no scope 'read'")


def test_a_bridge_that_went_away_is_said(page: Page, bridge: Application) -> None:
    with served(bridge) as url:
        page.goto(url)
        expect(page.locator("#chart canvas")).to_be_visible()
    page.evaluate("refresh()")
    expect(page.locator("#summary")).to_contain_text("The bridge does not answer: ")

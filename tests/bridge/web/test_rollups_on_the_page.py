"""Percentiles, calendars, restatements and explanations in a real browser."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from bridge.rollup.buckets.layouts import layout_id
from bridge.rollup.days.calendars import Calendar, Rules
from models.queries import calendars, ledger, retained
from models.queries.layouts import remember
from models.queries.restatements import Restated, record
from tests.bridge.application import NOON
from tests.bridge.history import DAY, HOUR, MINUTE, Row, gauge
from tests.bridge.rollup.families import SMALL, Scrape, windows
from tests.bridge.web.browser import table

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from models.database import Database
    from tests.bridge.history import History

BERLIN = Calendar("berlin", Rules.of(ZoneInfo("Europe/Berlin")))


@pytest.fixture
def latency(history: History, db: Database) -> int:
    """A histogram, a minute of which has three observations up to 1."""
    remember(db, {layout_id(SMALL): SMALL})
    (rows,) = windows([Scrape(0, (0, 0, 0)), Scrape(1, (3, 3, 3))])
    number = history.series("latency", {"job": "shop"}, kind="histogram")
    row = Row(sum=1.5, first=0.0, last=3.0, increase=3.0, buckets=rows.buckets[0])
    starts = range(NOON, NOON + 600, 60)
    history.rows(MINUTE, number, dict.fromkeys(starts, row))
    history.mark(MINUTE, starts)
    return number


@pytest.fixture
def load(history: History) -> int:
    return history.gauges("node_load1", MINUTE, NOON, [float(n % 7) for n in range(58)])


@pytest.fixture
def berlin(history: History, db: Database) -> None:
    rules = str(BERLIN.rules)
    calendars.write(
        db, calendars.Listed("berlin", "Europe/Berlin", rules, "kept", changed_at=0)
    )
    number = history.series("node_load1")
    days = [BERLIN.day(date(2026, 11, day)) for day in range(9, 16)]
    hours = [at for day in days for at in range(day.start, day.end, 3600)]
    history.rows(HOUR, number, dict.fromkeys(hours, gauge(2.0)))
    history.mark(HOUR, hours)
    history.mark(MINUTE, [NOON])
    starts = [day.start for day in days]
    ledger.mark(db, "local", "day@berlin", starts[:3], "done", "", 0)
    ledger.mark(db, "local", "day@berlin", starts[3:4], "partial", "1 hour is lost", 0)


def test_percentiles_of_a_histogram_are_lines_with_their_bounds(
    page: Page, url: str, latency: int, complaints: list[str]
) -> None:
    page.goto(f"{url}?match=latency")
    expect(page.locator("#chart canvas")).to_be_visible()
    name = 'latency{job="shop"}'
    rows = table(page, "legend")
    assert [row[:2] for row in rows] == [[name, p] for p in ("p50", "p95", "p99")]
    assert [row[2] for row in rows] == [
        "0.5 (0 to 1)",
        "0.95 (0 to 1)",
        "0.99 (0 to 1)",
    ]
    page.get_by_role("checkbox", name=f"Show {name} p95").uncheck()
    expect(page.locator("#chart")).to_have_attribute(
        "aria-label", "1 series, 20 points; figures in the table below"
    )
    assert complaints == []


def test_another_aggregate_is_shown_and_kept_in_the_address(
    page: Page, url: str, load: int, complaints: list[str]
) -> None:
    page.goto(url)
    expect(page.locator("#chart canvas")).to_be_visible()
    page.get_by_label("show", exact=True).select_option("changes")
    expect(page.locator("#legend tbody td").nth(1)).to_have_text("changes")
    page.reload()
    expect(page.get_by_label("show", exact=True)).to_have_value("changes")
    expect(page.locator("#legend tbody td").nth(1)).to_have_text("changes")
    assert complaints == []


def test_weeks_of_a_calendar_are_shown_under_their_dates(
    page: Page, url: str, berlin: None, complaints: list[str]
) -> None:
    page.goto(f"{url}?range=30d&by=week")
    expect(page.locator("#chart-note")).to_contain_text("By week: asked for.")
    page.get_by_label("calendar").select_option("berlin")
    expect(page.locator("#chart-note")).to_have_text(
        "By week of berlin: asked for. 2 windows are not over or not merged yet."
    )
    expect(page.locator("#chart canvas")).to_be_visible()
    plot = page.locator("#chart .u-over")
    size = plot.bounding_box()
    assert size is not None
    plot.hover(position={"x": size["width"] * 0.6, "y": 50})
    heading = page.locator("#legend thead th").nth(2)
    expect(heading).to_have_text("2026-11-09")
    page.get_by_role("button", name="2", exact=True).click()
    expect(page.locator("#explain-body")).to_contain_text("merged from others")
    page.get_by_label("by", exact=True).select_option("hour")
    expect(page.locator("#chart-note")).to_contain_text("By hour: asked for.")
    expect(page.get_by_label("calendar")).to_be_disabled()
    assert complaints == []


def test_a_page_without_calendars_offers_none(page: Page, url: str, load: int) -> None:
    page.goto(url)
    expect(page.locator("#chart canvas")).to_be_visible()
    expect(page.get_by_label("calendar")).to_be_hidden()


def test_a_month_of_holes_has_a_row_for_each_day_and_strips_of_days(  # noqa: PLR0917 - fixtures
    page: Page,
    url: str,
    db: Database,
    history: History,
    berlin: None,
    complaints: list[str],
) -> None:
    first = BERLIN.day(date(2026, 11, 9)).start
    retained.keep(db, [retained.Kept("local", "hour", "", first, first, 0)])
    history.mark(DAY, [DAY.floor(NOON) - DAY.width])
    page.goto(url)
    expect(page.locator("#chart-note")).not_to_be_empty()
    page.get_by_role("button", name="Last month").click()
    hours = page.get_by_role("img", name="local: 55.8 % of 301 hours done, 2 holes")
    expect(hours).to_be_visible()
    told = hours.locator("title").all_text_contents()
    expired = (
        "expired: 2026-10-22 00:00:00 to 2026-11-08 23:00:00, "
        "kept since 2026-11-08T23:00:00Z only"
    )
    assert expired in told
    strip = page.get_by_role(
        "img", name="local: 25 % of 12 days of berlin done, 2 holes"
    )
    titles = [one.get_attribute("title") for one in strip.locator("i").all()]
    assert titles[2] == (
        "partial: 2026-11-11 23:00:00 to 2026-11-12 23:00:00, 1 hour is lost"
    )
    page.reload()
    expect(hours).to_be_visible()
    assert complaints == []


def test_what_was_restated_is_marked_and_explained(
    page: Page, url: str, db: Database, load: int, complaints: list[str]
) -> None:
    before, after = '{"count": 4, "sum": 6.0}', '{"count": 5, "sum": 7.5}'
    at = NOON + 1800
    with db.atomic():
        record(
            db,
            [
                Restated(
                    load, "minute", at, 2, "local", at + 60, "late", 1, before, after
                )
            ],
        )
    page.goto(url)
    mark = page.locator(".restated")
    expect(mark).to_have_count(1)
    assert mark.get_attribute("title") == (
        "restated: 2026-11-21 12:30:00\n"
        "node_load1: late; count 4 → 5; sum 6 → 7.5 (on 2026-11-21 12:31:00)"
    )
    mark.click()
    panel = page.locator("#explain")
    expect(panel.locator("h2")).to_have_text("node_load1 at 12:30")
    expect(panel).to_contain_text("The ledger says done.")
    expect(panel.locator("li").last).to_contain_text("count 4 → 5")
    page.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()
    page.get_by_role("checkbox", name="Show node_load1").uncheck()
    expect(mark).to_have_count(0)
    assert complaints == []


def test_a_point_that_is_clicked_is_explained(
    page: Page, url: str, history: History, load: int, complaints: list[str]
) -> None:
    other = history.series("node_load1", {"instance": "<i>b</i>"})
    history.rows(MINUTE, other, {NOON + at * 60: gauge(50.0) for at in range(58)})
    page.goto(url)
    plot = page.locator("#chart .u-over")
    expect(plot).to_be_visible()
    size = plot.bounding_box()
    assert size is not None
    plot.click(position={"x": size["width"] / 2, "y": size["height"] * 0.9})
    title = page.locator("#explain-title")
    expect(title).to_have_text("node_load1 at 12:30")
    expect(page.locator("#explain")).to_contain_text("4 of 4 samples")
    plot.click(position={"x": size["width"] / 2, "y": size["height"] * 0.1})
    expect(title).to_have_text('node_load1{instance="<i>b</i>"} at 12:30')
    expect(page.locator("#explain")).to_contain_text("from 49 to 50")
    assert complaints == []


def test_the_newest_number_is_explained_with_the_keyboard(
    page: Page, url: str, load: int, history: History
) -> None:
    history.rows(HOUR, load, {NOON - 3600: gauge(3.0)})
    history.mark(HOUR, [NOON - 3600], "partial", reason="1 of 60 minutes is lost")
    page.goto(f"{url}?by=hour&range=6h")
    expect(page.locator("#chart canvas")).to_be_visible()
    page.locator("#legend .link").focus()
    page.keyboard.press("Enter")
    panel = page.locator("#explain")
    expect(panel.locator("summary")).to_contain_text("58 of them with a row")
    panel.locator("summary").click()
    expect(panel.locator("tbody tr").first).to_contain_text("4 of 4")


def test_a_source_that_has_no_days_yet_is_not_at_nought_per_cent(
    page: Page, url: str, load: int
) -> None:
    page.goto(f"{url}?holes=month")
    days = page.get_by_role("img", name="local: no days yet, 0 holes")
    expect(days).to_be_visible()

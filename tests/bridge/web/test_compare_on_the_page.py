"""The chart with an earlier time beside it, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.bridge.application import NOON
from tests.bridge.history import MINUTE, gauge
from tests.bridge.web.browser import table

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.bridge.history import History

DAY = 86400


@pytest.fixture
def load(history: History) -> None:
    number = history.series("node_load1")
    for days, value in ((0, 3.0), (1, 2.0)):
        starts = range(NOON - days * DAY, NOON - days * DAY + 3480, 60)
        history.rows(MINUTE, number, dict.fromkeys(starts, gauge(value)))
        history.mark(MINUTE, starts)


@pytest.mark.usefixtures("load")
def test_yesterday_is_drawn_dashed_with_the_change_in_the_legend(
    page: Page, url: str, complaints: list[str]
) -> None:
    page.goto(url)
    expect(page.locator("#chart canvas")).to_be_visible()
    assert table(page, "legend")[0][1] == "avg"
    page.get_by_label("compare with").select_option("yesterday")
    chart = page.locator("#chart")
    expect(chart).to_have_attribute(
        "aria-label",
        "1 series, 58 points, yesterday dashed; figures in the table below",
    )
    assert table(page, "legend")[0][1] == "avg, +50 % since yesterday"
    expect(page.locator("#chart-note")).to_contain_text("Dashed is yesterday.")
    dashes = page.evaluate(
        "chart.series.map((one) => one.dash || null).filter(Boolean)"
    )
    assert dashes == [[6, 5]]
    drawn = page.evaluate("chart.data[chart.data.length - 1]")
    assert drawn == [2.0] * 58
    page.reload()
    expect(page.get_by_label("compare with")).to_have_value("yesterday")
    expect(page.locator("#legend tbody td").nth(1)).to_have_text(
        "avg, +50 % since yesterday"
    )
    assert complaints == []


@pytest.mark.usefixtures("load")
def test_where_nothing_is_known_of_it_the_reason_is_told(
    page: Page, url: str, complaints: list[str]
) -> None:
    page.goto(f"{url}?compare=last_week")
    expect(page.locator("#legend tbody td").nth(1)).to_have_text(
        "avg, nothing is known of the range before"
    )
    page.get_by_label("by", exact=True).select_option("week")
    expect(page.locator("#chart-note")).to_contain_text("Weeks are not compared.")
    expect(page.locator("#legend tbody td").nth(1)).to_have_text("avg")
    page.get_by_label("compare with").select_option("nothing")
    expect(page.locator("#chart-note")).not_to_contain_text("Weeks are not")
    assert complaints == []

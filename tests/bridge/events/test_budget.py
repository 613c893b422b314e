from __future__ import annotations

from bridge.events.budget import BUDGET, budget_event

DAY = 1_699_920_000


def test_a_day_of_folding_is_one_event() -> None:
    one, two = budget_event("main", DAY, 5), budget_event("main", DAY, 5)
    assert one == two
    assert (one.detector, one.type, one.time) == (BUDGET, "series_budget", DAY * 1000)
    assert one.message == (
        "Source main has its 5 series (max_series); new ones are folded into series "
        'with the label overflow="true", which keep the totals.'
    )
    assert budget_event("main", DAY + 86400, 5).time != one.time

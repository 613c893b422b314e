from __future__ import annotations

import pytest

from bridge.probing.baselines import Figures, compare, figures_of
from models.queries.probe_hours import Echoes
from runtime.probing.jobs import Baseline

USUAL = [Figures(100, 100, 0.010), Figures(100, 98, 0.012), Figures(100, 100, 0.011)]


def test_the_figures_of_an_hour_leave_out_what_a_starved_host_measured() -> None:
    figures = figures_of(
        [
            Echoes(5, 5, 0.010, ""),
            Echoes(5, 4, 0.012, ""),
            Echoes(5, 0, None, "clock_stepped"),
            Echoes(5, 1, 0.9, "starved,clock_stepped"),
        ]
    )

    assert figures == Figures(15, 9, 0.011)
    assert figures.loss == pytest.approx(0.4)


def test_an_hour_without_requests_is_neither_slow_nor_lossy() -> None:
    assert Figures().loss is None
    assert compare(Figures(), USUAL, Baseline()).verdict == ""


@pytest.mark.parametrize(
    ("hour", "verdict"),
    [
        (Figures(100, 100, 0.011), ""),
        (Figures(100, 100, 0.022), ""),
        (Figures(100, 100, 0.023), "slow"),
        (Figures(100, 96, 0.011), ""),
        (Figures(100, 94, 0.011), "lossy"),
        (Figures(100, 50, 0.030), "slow,lossy"),
        (Figures(100, 0, None), "lossy"),
    ],
)
def test_an_hour_is_worse_by_a_factor_and_by_an_amount(
    hour: Figures, verdict: str
) -> None:
    assert compare(hour, USUAL, Baseline()).verdict == verdict


def test_nothing_is_usual_of_which_fewer_than_two_weeks_are_known() -> None:
    compared = compare(Figures(100, 10, 1.0), USUAL[:1], Baseline())

    assert (compared.verdict, compared.usual_rtt, compared.usual_loss) == (
        "",
        None,
        None,
    )


@pytest.mark.setting("probes.baseline.factor")
def test_how_many_times_slower_counts_is_settled() -> None:
    hour = Figures(100, 100, 0.030)

    assert compare(hour, USUAL, Baseline(factor=2)).slow
    assert not compare(hour, USUAL, Baseline(factor=3)).slow


@pytest.mark.setting("probes.baseline.slower")
def test_how_much_slower_counts_at_least_is_settled() -> None:
    hour = Figures(100, 100, 0.030)
    short, long = ({"slower": text} for text in ("18ms", "20ms"))

    assert compare(hour, USUAL, Baseline.model_validate(short)).slow
    assert not compare(hour, USUAL, Baseline.model_validate(long)).slow

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.answers.probes.quantiles import Quantiles

SHARES = (0.0, 0.5, 0.95, 1.0)
PAGES = st.lists(st.lists(st.floats(1e-6, 1e4), max_size=30), max_size=8)


def filled(pages: list[list[float]], exact: int) -> Quantiles:
    quantiles = Quantiles(exact)
    for page in pages:
        quantiles.add(np.array(page, np.float64))
    return quantiles


@given(PAGES)
def test_few_are_exact(pages: list[list[float]]) -> None:
    found = filled(pages, 1000)
    whole = [time for page in pages for time in page]
    wanted = np.quantile(whole, SHARES).tolist() if whole else [None] * len(SHARES)
    assert found.is_exact
    assert list(found.of(SHARES)) == wanted


@given(PAGES, st.integers(0, 20))
def test_many_are_right_to_half_a_percent(pages: list[list[float]], exact: int) -> None:
    found = filled(pages, exact)
    whole = [time for page in pages for time in page]
    assert found.is_exact == (len(whole) <= exact)
    if whole and not found.is_exact:
        wanted = np.quantile(whole, SHARES, method="lower")
        assert list(found.of(SHARES)) == pytest.approx(wanted.tolist(), rel=0.0051)

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.folded import FoldedIdsSpent, folded_id, overflow_labels, overflow_of


@given(st.integers(1, 2**24 - 1), st.integers(-(2**63), 2**63 - 1))
def test_a_folded_id_says_what_it_is_folded_into(overflow: int, hash_: int) -> None:
    number = folded_id(overflow, hash_)
    assert -(2**63) <= number < 0
    ids = np.array([number, overflow], np.int64)
    assert overflow_of(ids).tolist() == [overflow, overflow]


def test_ids_beyond_the_bits_are_refused() -> None:
    with pytest.raises(FoldedIdsSpent, match="raise max_series"):
        folded_id(2**24, 0)


def test_an_overflow_series_keeps_few_labels() -> None:
    labels = '{"instance":"i","job":"j","pod":"p"}'
    assert overflow_labels(labels, ("job",)) == '{"job":"j","overflow":"true"}'
    assert overflow_labels(labels, ("zone",)) == '{"overflow":"true"}'

from __future__ import annotations

import re

from runtime.probing.reasons import MEANINGS, Reason


def test_every_reason_has_a_meaning_of_its_own() -> None:
    assert set(MEANINGS) == set(Reason)
    assert len(set(MEANINGS.values())) == len(Reason)


def test_reasons_are_words_that_fit_a_label() -> None:
    for reason in Reason:
        assert reason is Reason.NONE or re.fullmatch(r"[a-z]+(_[a-z]+)*", reason)


def test_success_is_the_empty_word() -> None:
    assert not Reason.NONE
    assert all(reason for reason in Reason if reason is not Reason.NONE)

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.answers.errors import QuestionError
from bridge.answers.probes.asked import Asked, picked
from bridge.answers.times import Span
from models.queries.results import Picked
from tests.probed import BEGIN, known, result, run, store

if TYPE_CHECKING:
    from models.database import Database


def test_names_become_numbers_and_times_milliseconds(db: Database) -> None:
    known(db, "a", "b")
    store(db, run(BEGIN, result("a")))
    asked = Asked("gateways", "b", "here", "icmp", "icmp", "timeout", success=False)
    assert picked(db, asked, Span(1.5, 2.25)) == Picked(
        job=1,
        destination=2,
        agent=1,
        probe="icmp",
        kind="icmp",
        reason="timeout",
        success=False,
        start=1500,
        end=2250,
    )
    assert picked(db, Asked()) == Picked()


@pytest.mark.parametrize("word", ["job", "destination", "agent"])
def test_who_never_was_is_named(db: Database, word: str) -> None:
    with pytest.raises(QuestionError, match=f"there is no {word} 'nobody'") as wrong:
        picked(db, Asked(**{word: "nobody"}))  # type: ignore[arg-type]
    assert wrong.value.parameter == word

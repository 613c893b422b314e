from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bridge.events.observer import Observer, Origin
from bridge.events.trust import Teller
from bridge.rollup.correction.amending import APPLIED, Amended
from bridge.rollup.verification.verifier import Looked
from bridge.rollup.verification.verify import DIFFERS, verify
from bridge.rollup.windows import Window
from models.directory import SeriesDirectory
from models.queries.corrections import CorrectionRow
from models.queries.ledger import Entry
from tests.bridge.rollup.builders import HOUR, rows
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from models.database import Database


@pytest.fixture
def teller(db: Database) -> Teller:
    origin = Origin("main", "team", "production")
    return Teller(Observer(origin, (), SeriesDirectory(db), FakeClock(), holes=True))


def test_a_correction_is_an_event_at_the_start_of_its_span(teller: Teller) -> None:
    row = CorrectionRow(3, "main", "up", HOUR, HOUR + 60, "ignore", "why", "me", 5)
    event = teller.amended(Amended(row, APPLIED, "3 rows of 1 series changed"))
    assert (event.type, event.detector) == ("correction_applied", "corrections")
    assert (event.time, event.workspace) == (HOUR * 1000, "team")
    assert event.message == (
        "Correction 3 of up (why) was applied: 3 rows of 1 series changed."
    )
    assert json.loads(event.metadata)["author"] == "me"
    revoked = teller.amended(Amended(row, "revoked", ""))
    assert revoked.fingerprint != event.fingerprint


def test_rows_that_differ_are_an_event_of_their_minute(teller: Teller) -> None:
    compared = verify(rows({"sum": 2.0}), rows({"sum": 3.0}))
    entry = Entry("main", "minute", HOUR, "done")
    event = teller.differs(Looked(Window(HOUR), DIFFERS, entry, 4, compared))
    assert (event.type, event.occurrences) == ("rollup_differs", 1)
    assert event.message == (
        f"1 rows of the minute {HOUR} of source main are not what its samples make "
        "them."
    )
    assert json.loads(event.metadata) == {"series": [1]}

from __future__ import annotations

from typing import TYPE_CHECKING

from models.queries import verifications
from models.queries.verifications import VerificationRow, latest, record

if TYPE_CHECKING:
    import pytest

    from models.database import Database


def test_the_newest_of_each_minute_stays(db: Database) -> None:
    record(db, [VerificationRow("s", 60, 1, "differs", 4, 4, 1, 1, "[1]")])
    record(
        db,
        [VerificationRow("s", 60, 2, "same"), VerificationRow("t", 60, 3, "aged")],
    )
    assert latest(db, None, 9) == [
        VerificationRow("t", 60, 3, "aged"),
        VerificationRow("s", 60, 2, "same"),
    ]
    assert latest(db, "s", 9) == [VerificationRow("s", 60, 2, "same")]
    assert latest(db, "s", 9, "aged") == []
    assert len(latest(db, None, 1)) == 1


def test_old_ones_make_room(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifications, "KEPT", 3)
    for n in range(6):
        record(db, [VerificationRow("s", 60 * n, n, "same")])
    assert [one.at for one in latest(db, "s", 99)] == [5, 4, 3]

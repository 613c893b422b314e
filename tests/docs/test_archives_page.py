"""The statements of docs/archives.md run on archives."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from models import archive
from models.archive import Content
from models.database import open_database
from models.migrate import Migrations
from tests.bridge.history import DAY, HOUR, History, counter

PAGE = Path(__file__).parents[2] / "docs" / "archives.md"
BEGIN = 1_769_904_000


def test_the_statements_of_the_page_answer(tmp_path: Path) -> None:
    db = open_database(f"sqlite:///{tmp_path}/source.db")
    Migrations(db).up()
    history = History(db)
    number = history.series("a_total", kind="counter")
    history.rows(DAY, number, {BEGIN: counter(7.0)})
    history.mark(HOUR, [BEGIN], "partial")
    content = Content(BEGIN, BEGIN + 86400, ("hour", "day"), [number])
    notes = dict.fromkeys(("what", "from", "to", "made_at", "version"), "x")
    for name in ("this-year.db", "last-year.db"):
        archive.write(db, tmp_path / name, content, notes, lambda _: None)
        open_database(f"sqlite:///{tmp_path}/source.db")  # bind the tables again
    db.close()
    text = "".join(re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL))
    text = text.replace("'last-year.db'", f"'{tmp_path}/last-year.db'")
    with closing(sqlite3.connect(tmp_path / "this-year.db")) as plain:
        answers = [plain.execute(one).fetchall() for one in text.split(";")[:-1]]
    attached = answers.pop(4)
    assert attached == []
    assert all(answers)
    assert answers[3] == [("a_total", "{}", 7.0)]
    assert answers[4] == [("a_total", "{}", 7.0, 7.0)]

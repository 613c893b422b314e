from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.bridge.history import DAY, HOUR, counter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bridge.cli.conftest import Shell
    from tests.bridge.history import History

BEGIN = 1_700_006_400
SPAN = ("--from", str(BEGIN), "--to", str(BEGIN + 86400))
AT = ("--start", str(BEGIN), "--end", str(BEGIN + 86400))


@pytest.fixture
def past(history: History) -> None:
    hours = range(BEGIN, BEGIN + 86400, 3600)
    for name in ("a_total", "b_total"):
        number = history.series(name, kind="counter")
        history.rows(HOUR, number, {start: counter(2.0) for start in hours})
        history.rows(DAY, number, {BEGIN: counter(48.0)})
    history.mark(HOUR, hours)
    history.mark(DAY, [BEGIN])


def test_an_archive_is_read_without_the_database(
    used: Shell, past: None, tmp_path: Path
) -> None:
    used.configure(
        "sources:\n- {name: local, kind: prometheus, url: 'http://a:1'}\n"
        "- name: s\n  kind: scrape\n  targets:\n"
        "  - {url: 'http://b:2/metrics?token=hidden'}\n"
    )
    file = tmp_path / "archive.db"
    result = used.run("archive", str(file), *SPAN, "--match", '{__name__=~"a.*"}')
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == "0 of 1 series archived"
    assert f"{file}: checksum " in result.stdout
    assert "0001" not in result.stderr
    assert b"hidden" not in file.read_bytes()
    assert used.run("archive", str(file), "--verify").exit_code == 0

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    copy = shutil.copy(file, elsewhere / "copy.db")
    used.configure("")
    used.database.rename(tmp_path / "gone.db")
    asked = ("--archive", str(copy), *AT, "--resolution", "day")
    found = used.run("query", '{__name__=~".+"}', *asked, "--aggregate", "increase")
    assert found.exit_code == 0, found.output
    lines = [line.split() for line in found.stdout.splitlines()]
    assert [line[0] for line in lines] == ["SERIES", "a_total"]
    assert lines[1][-1] == "48"
    covered = used.run("coverage", *asked)
    assert covered.exit_code == 0, covered.output
    assert covered.stdout.splitlines()[1].split()[:4] == ["local", "day", "1", "1"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["x.db"], 2, "say with --from where the archive begins"),
        (["x.db", *SPAN, "--resolutions", "week"], 2, "week is none of minute, hour"),
        (["x.db", *SPAN, "--match", "no_such"], 1, "no series is chosen"),
        (["x.db", *SPAN, "--match", "{"], 2, "match: "),
        (["absent.db", "--verify"], 1, "there is no file"),
    ],
)
def test_wrong_wishes_are_refused_with_the_reason(
    used: Shell, past: None, arguments: list[str], code: int, said: str
) -> None:
    result = used.run("archive", *arguments)
    assert result.exit_code == code, result.output
    assert said in " ".join(result.stderr.split())

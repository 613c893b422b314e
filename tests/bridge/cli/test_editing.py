"""What `destination`, `job`, `module` and `maintenance` have in common."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from models.queries import catalogue as changes
from models.queries import entries as table

if TYPE_CHECKING:
    from pathlib import Path

    from models.database import Database
    from tests.bridge.cli.conftest import Shell

GATEWAY = ("gateway", "host=192.0.2.1", "tags=[lan, core]")


def told(shell: Shell, *arguments: str) -> Any:
    """Return the JSON that a command prints."""
    result = shell.run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return orjson.loads(result.stdout)


@pytest.mark.parametrize(
    ("word", "key", "pairs"),
    [
        ("destination", "destinations", ["host=192.0.2.1"]),
        ("job", "jobs", ["interval=30s", "tags=[lan]", "on_failure.traceroute=true"]),
        ("module", "modules", ["kind=icmp", "count=5"]),
        ("maintenance", "maintenance", ["windows=[{start: 22:00, end: 06:00}]"]),
    ],
)
def test_an_entry_lives_and_dies(
    used: Shell, word: str, key: str, pairs: list[str]
) -> None:
    made = told(used, word, "add", "it", *pairs)
    assert (made["name"], made["origin"], made["revision"]) == ("it", "api", 1)
    assert told(used, word, "show", "it") == made
    assert told(used, word, "list") == {key: [made]}
    listed = used.run(word, "list").output.splitlines()
    assert listed[0].startswith("NAME")
    assert listed[1].startswith("it ")
    shown = used.run(word, "show", "it").output
    assert "revision" in shown
    assert used.run(word, "remove", "it").output == f"removed {word} it\n"
    gone = used.run(word, "show", "it")
    assert gone.exit_code == 1
    assert gone.stderr == f"epimetheus: there is no {word} 'it'\n"


def test_settings_are_changed_one_by_one(used: Shell) -> None:
    used.run("destination", "add", *GATEWAY, "description=In the cellar")
    changed = told(
        used, "destination", "change", "gateway", "description=", "enabled=false"
    )
    settings = changed["settings"]
    assert (settings["description"], settings["enabled"]) == ("", False)
    assert settings["tags"] == ["core", "lan"]
    nothing = used.run("destination", "change", "gateway")
    assert nothing.exit_code == 2
    assert "write what is to be changed" in nothing.stderr


def test_maintenance_of_everything_says_so(used: Shell) -> None:
    used.run("maintenance", "add", "old", "end=2020-01-01T00:00:00Z")
    used.run("maintenance", "add", "web", "end=2999-01-01T00:00:00Z", "tags=[web]")
    lines = used.run("maintenance", "list").output.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["old", "all"], ["web", "-"]]
    assert [line.split()[-2] for line in lines[1:]] == ["over", "going_on"]


def test_settings_come_from_a_file(used: Shell, tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text("interval: 1m\ntags: [lan]\nwindows:\n  - {start: 08:30}\n")
    made = told(used, "job", "add", "office", "interval=5m", "--file", str(file))
    assert made["settings"]["interval"] == "5m"
    assert made["settings"]["windows"][0]["start"] == "08:30"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["add", "a b", "host=x"], 2, "epimetheus: name: 'a b' is not a name"),
        (["add", "a", "host=x y"], 2, "epimetheus: host: 'x y' is not a host"),
        (["add", "a", "hots=x"], 2, "epimetheus: hots: is no key here; did you mean"),
        (["add", "a", "host"], 2, "'host' is no KEY=VALUE"),
        (["add", "a", "host=[x"], 2, "host: line 1"),
        (["add", "a", "x=1", "x.y=2"], 2, "x.y: x has a value of its own"),
        (["add", "gateway", "host=x"], 1, "there is a destination 'gateway' already"),
        (["remove", "gateway"], 1, "is used by job j; change these first"),
    ],
)
def test_what_cannot_be_is_said(
    used: Shell, arguments: list[str], code: int, words: str
) -> None:
    used.run("destination", "add", *GATEWAY)
    used.run("job", "add", "j", "destinations=[gateway]")
    result = used.run("destination", *arguments)
    assert result.exit_code == code, result.output
    assert words in result.stderr


def test_everything_wrong_has_a_line(used: Shell) -> None:
    result = used.run("job", "add", "j", "interval=5", "probes=[x]", "tags=[a]")
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert [line.split(":")[1] for line in lines] == [" interval", " probes"]


def test_config_yaml_keeps_its_own(used: Shell, db: Database) -> None:
    used.run("destination", "add", *GATEWAY)
    row = table.find(db, "destinations", "gateway")
    assert row is not None
    changes.replace(
        db, "destinations", row.document, revision=None, origin="config", now=1
    )
    result = used.run("destination", "change", "gateway", "host=x")
    assert result.exit_code == 1
    assert "belongs to config.yaml" in result.stderr


def test_lists_are_narrowed(used: Shell) -> None:
    used.run("destination", "add", *GATEWAY)
    used.run("destination", "add", "printer", "host=p", "tags=[lan]")
    both = told(used, "destination", "list", "--tag", "lan")
    assert len(both["destinations"]) == 2
    one = told(used, "destination", "list", "--tag", "lan", "--tag", "core")
    assert [it["name"] for it in one["destinations"]] == ["gateway"]
    found = told(used, "destination", "list", "--query", "PRINT")
    assert [it["name"] for it in found["destinations"]] == ["printer"]


def test_who_changes_is_logged(used: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "grace")
    result = used.run("--log-level", "info", "destination", "add", *GATEWAY)
    log = orjson.loads(result.stderr)
    assert (log["what"], log["by"]) == ("made destination", "grace")


def test_without_a_database_it_is_said(shell: Shell) -> None:
    result = shell.run("destination", "list")
    assert result.exit_code == 1
    assert "there is no database" in result.stderr

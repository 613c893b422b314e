"""The shipped config.yaml shows every key, and what is commented out is right."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from runtime import config, schema
from runtime.probing.probes import Probe
from scripts.pages import configuration

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.settings import Settings

KINDS = [schema.kind_of(section) for section in schema.sections_in(Probe)]


def section(name: str) -> list[str]:
    """Return the lines of a list below `probes`, as they are shipped."""
    lines = configuration.file().splitlines()
    first = lines.index(f"  {name}: []")
    following = lines[first + 1 :]
    ends = (
        place
        for place, line in enumerate(following)
        if line and not re.match("  #(#|-|  )", line)
    )
    return following[: next(ends, len(following))]


def uncommented(lines: list[str]) -> str:
    """Take away the signs before items and before the keys that are left out."""
    text = "\n".join(re.sub(r"^  #", "  ", line) for line in lines)
    return re.sub(
        r"^( +)#((?:valid_|splay|start|end|port)\S*: )",
        r"\1\2",
        text,
        flags=re.MULTILINE,
    )


def load(text: str, tmp_path: Path) -> Settings:
    file = tmp_path / "config.yaml"
    file.write_text(f"probes:\n{text}\n", encoding="utf-8")
    return config.load(file, {})


def test_modules_of_every_kind_are_shown_and_may_be_uncommented(tmp_path: Path) -> None:
    lines = section("modules")
    text = "\n".join(lines)
    assert [kind for kind in KINDS if f"kind: {kind}\n" in text] == KINDS
    modules = load(f"  modules:\n{uncommented(lines)}", tmp_path).probes.modules
    assert [module.name for module in modules] == [f"my-{kind}" for kind in KINDS]


def test_a_job_with_all_its_keys_may_be_uncommented(tmp_path: Path) -> None:
    text = "\n".join(
        f"  {name}:\n{uncommented(section(name))}" for name in ("destinations", "jobs")
    )
    named = text.replace("destinations: []", "destinations: [gateway]")
    (job,) = load(named, tmp_path).probes.jobs
    assert job.valid_from is not None
    assert job.valid_until is not None
    assert job.splay == 5


def test_maintenance_with_all_its_keys_may_be_uncommented(tmp_path: Path) -> None:
    text = f"  maintenance:\n{uncommented(section('maintenance'))}"
    (one,) = load(text, tmp_path).probes.maintenance
    assert one.start is not None
    assert one.end is not None


@pytest.mark.parametrize(
    "shown",
    [
        "        #instance: web-1:9105",
        "    #bridge: http://127.0.0.1:9106",
        "    #key_file: /run/secrets/key",
        "  #  #splay: 5s",
    ],
)
def test_keys_that_are_left_out_show_what_belongs_there(shown: str) -> None:
    assert shown in configuration.file().splitlines()


def test_a_word_that_is_empty_is_shown_in_quotes() -> None:
    assert "One of '', smtp, imap" in configuration.file()

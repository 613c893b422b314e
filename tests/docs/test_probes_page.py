"""docs/probes.md says what the program does: its reasons, its examples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from runtime.probing.jobs import BUILT_IN
from runtime.probing.reasons import MEANINGS
from runtime.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "probes.md").read_text(encoding="utf-8")
EXAMPLES = [
    text
    for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    if not text.startswith("# prometheus.yml")
]


def test_every_reason_is_there_with_its_meaning() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|`]+) \|$", PAGE, re.MULTILINE)
    told = {reason: meaning for reason, meaning in rows if reason in set(MEANINGS)}
    assert told == {str(reason): text for reason, text in MEANINGS.items() if reason}


def test_every_kind_is_there() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| (yes|no)\b.*\|$", PAGE, re.MULTILINE)
    assert {kind for kind, built_in in rows if built_in == "yes"} == BUILT_IN.keys()
    assert {kind for kind, _ in rows} == {*BUILT_IN, "dns"}


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_are_valid_settings(text: str) -> None:
    Settings.model_validate(yaml.safe_load(text))

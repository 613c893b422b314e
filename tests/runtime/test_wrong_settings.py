"""Wrong settings: each small file, and beside it in tests/golden all that is said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from runtime import schema
from runtime.config import SettingsError, load
from runtime.sentences import SENTENCES
from runtime.settings import Settings
from runtime.validation import validate

if TYPE_CHECKING:
    from tests.conftest import Golden

WRONG = Path(__file__).parents[1] / "data" / "config" / "wrong"
NAMES = sorted(path.stem for path in WRONG.glob("*.yaml"))

SOURCES: dict[str, dict[str, Any]] = {
    "prometheus": {"url": "http://127.0.0.1:9090"},
    "scrape": {"targets": [{"url": "http://127.0.0.1:9105/metrics"}]},
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "calendars[]": {"name": "berlin", "zone": "Europe/Berlin"},
    "probes": {"destinations": [{"name": "one", "host": "192.0.2.1"}]},
    "probes.destinations[]": {"name": "one", "host": "192.0.2.1"},
    "probes.jobs[]": {"name": "one", "destinations": ["one"]},
    "probes.maintenance[]": {"name": "one", "end": "2026-11-21T08:00:00Z"},
    "probes.modules[]": {"name": "one", "query": "example.org"},
    "probes.modules[].header_lacks[]": {"header": "Server", "regex": "x"},
    "probes.modules[].header_matches[]": {"header": "Server", "regex": "x"},
    "probes.status": {"error_after": 1000},
    "retention.rules[]": {"match": "up"},
    "rollup.dips[]": {"match": "up", "tolerance": "10%"},
    "rollup.distinct[]": {"name": "pods", "match": "up", "label": "pod"},
    "rollup.distributions[]": {"match": "up"},
}
"""Keys that an item of a list needs beside another one."""
TOPICS = [key.topic for key in schema.every_key()]
VALUES: list[Any] = [
    None,
    True,
    5,
    -5,
    1.5,
    "x",
    "",
    "0s",
    [],
    [5],
    [[]],
    {},
    {"x": 1},
    [{}],
]


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_file_gives_its_exact_problems(
    name: str, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(WRONG)
    with pytest.raises(SettingsError) as caught:
        load(Path(f"{name}.yaml"), {})
    assert str(caught.value) == "\n".join(caught.value.problems)
    golden(f"config/{name}.txt", f"{caught.value}\n")


def test_there_is_a_wrong_file_for_every_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(WRONG)
    said: set[str] = set()

    def hear(key: str) -> Any:
        def say(*arguments: Any) -> str:
            said.add(key)
            return sentences[key](*arguments)

        return say

    sentences = dict(SENTENCES)
    for key in sentences:
        monkeypatch.setitem(SENTENCES, key, hear(key))
    for name in NAMES:
        with pytest.raises(SettingsError):
            load(Path(f"{name}.yaml"), {})
    assert SENTENCES.keys() - said == set()


def siblings(path: str, key: schema.Key) -> dict[str, Any]:
    """Return what an item of a list needs beside a key in it."""
    needed = EXAMPLES.get(path, {})
    if path != "probes.modules[]":
        return needed
    kind = key.topic.split(".")[2]
    known = needed if kind == "dns" else {"name": needed["name"]}
    return {**known, "kind": kind}


def document(key: schema.Key, value: Any) -> dict[str, Any]:
    """Return a document that is valid but perhaps for one key."""
    if not key.topic.startswith("sources."):
        *above, name = key.path.split(".")
        found: dict[str, Any] = {name: value}
        while above:
            found = {**siblings(".".join(above), key), **found}
            step = above.pop()
            inner = [found] if step.endswith("[]") else found
            found = {step.removesuffix("[]"): inner}
        return found
    kind = key.topic.split(".")[1]
    source = {"name": "main", "kind": kind, **SOURCES[kind]}
    if ".targets." in key.topic:
        target = {"url": "http://127.0.0.1:9105/metrics", key.name: value}
        source["targets"] = [target]
    else:
        source[key.name] = value
    return {"sources": [source]}


@pytest.mark.parametrize("key", list(schema.every_key()), ids=TOPICS)
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_every_wrong_value_of_every_key_is_put_into_words(
    key: schema.Key, value: Any
) -> None:
    content = document(key, value)
    try:
        Settings.model_validate(content)
    except ValidationError as error:
        kinds = {details["type"] for details in error.errors()}
    else:
        assert isinstance(validate(content), Settings)
        return
    assert kinds <= SENTENCES.keys() | {"union_tag_invalid", "union_tag_not_found"}
    problems = validate(content)
    assert isinstance(problems, list)
    assert problems
    for path, sentence in problems:
        assert path.startswith(key.path.replace("[]", "[0]"))
        assert sentence[-1] not in " ;:"
        assert "Input should" not in sentence
        assert "object at 0x" not in sentence


trees = st.recursive(
    st.sampled_from(VALUES),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from([*Settings.model_fields, "name", "kind", "url", "level"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(list(Settings.model_fields)), trees))
def test_whatever_is_written_gives_settings_or_problems(
    content: dict[str, Any],
) -> None:
    found = validate(content)
    assert isinstance(found, Settings) or len(found) > 0
    assert isinstance(found, Settings) or len(set(found)) == len(found)


def test_validation_leaves_the_document_as_it_was() -> None:
    content = yaml.safe_load((WRONG / "everything_at_once.yaml").read_text())
    before = yaml.safe_dump(content)
    assert isinstance(validate(content), list)
    assert yaml.safe_dump(content) == before


def test_defaults_that_do_not_go_with_the_rest_are_told() -> None:
    found = validate({"rollup": {"settle": "10000d"}})
    assert isinstance(found, list)
    assert [path for path, _ in found] == ["retention.minute"]

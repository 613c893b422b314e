from __future__ import annotations

from typing import Any

import pytest

from runtime import schema
from runtime.overrides import apply
from runtime.settings import Settings

EVENTS = Settings().events
LOCAL = {
    "name": "local",
    "kind": "scrape",
    "targets": [{"url": "http://127.0.0.1:9105/metrics", "job": "node"}],
}


def applied(
    document: dict[str, Any], **environ: str
) -> tuple[dict[str, Any], list[str]]:
    problems: list[str] = []
    apply(document, {f"EPIMETHEUS__{k}": v for k, v in environ.items()}, problems)
    return document, problems


def test_a_variable_sets_a_key_and_makes_its_section() -> None:
    assert applied({}, LOG__LEVEL="debug") == ({"log": {"level": "debug"}}, [])
    assert applied({}, EXPORTER__COLLECTORS__CPU__ENABLED="false") == (
        {"exporter": {"collectors": {"cpu": {"enabled": False}}}},
        [],
    )


def test_a_variable_wins_over_the_file_and_leaves_the_rest() -> None:
    document = {"log": {"level": "error", "format": "text"}, "rollup": None}
    assert applied(document, LOG__LEVEL="debug", ROLLUP__CATCH_UP="7") == (
        {"log": {"level": "debug", "format": "text"}, "rollup": {"catch_up": 7}},
        [],
    )


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("BRIDGE__WORKERS", "4", 4),
        ("BRIDGE__WORKERS", "many", "many"),
        ("EVENTS__DOWN", "true", True),
        ("EVENTS__DOWN", "no", "no"),
        ("EVENTS__DOWN", "", None),
        ("ROLLUP__SETTLE", "15", "15"),
        ("DATABASE__CACHE", "64MiB", "64MiB"),
        ("DATABASE__PASSWORD", "'p: #x'", "'p: #x'"),
        ("DATABASE__PASSWORD", "true", "true"),
        ("DATABASE__PASSWORD_FILE", "", None),
        ("LOG__LEVEL", '"debug"', "debug"),
        ("EXPORTER__COLLECTORS__VMSTAT__FIELDS", "a: #b", "a: #b"),
        ("EVENTS__STATUS_LABELS", "[code, status]", ["code", "status"]),
        ("EVENTS__STATUS_LABELS", "", None),
        ("LOG", "{level: debug, format: json}", {"level": "debug", "format": "json"}),
        ("SOURCES", "[]", []),
    ],
)
def test_texts_are_taken_as_they_are_and_the_rest_is_yaml(
    variable: str, text: str, value: object
) -> None:
    document, problems = applied({}, **{variable: text})
    for step in variable.lower().split("__"):
        document = document[step]
    assert document == value
    assert problems == []


def test_items_are_set_by_number_in_order_and_sections_before_their_keys() -> None:
    variables = {
        "SOURCES": "[{name: a}]",
        "SOURCES__10__NAME": "k",
        **{f"SOURCES__{n}__NAME": f"n{n}" for n in range(9, 0, -1)},
    }
    document, problems = applied({}, **variables)
    names = [source["name"] for source in document["sources"]]
    assert names == ["a", *(f"n{n}" for n in range(1, 10)), "k"]
    assert problems == []


def test_a_list_that_is_not_in_the_file_begins_as_its_default() -> None:
    document, problems = applied(
        {},
        SOURCES__0__TARGETS__0__URL="http://exporter:9105/metrics",
        SOURCES__0__TARGETS__1__URL="http://other:9105/metrics",
        EVENTS__ENDPOINT_LABELS__7="view",
    )
    assert document["sources"] == [
        LOCAL
        | {
            "targets": [
                {"url": "http://exporter:9105/metrics"},
                {"url": "http://other:9105/metrics"},
            ]
        }
    ]
    assert document["events"]["endpoint_labels"] == [*EVENTS.endpoint_labels, "view"]
    assert problems == []


def test_another_kind_drops_the_keys_that_only_the_former_has() -> None:
    document, problems = applied(
        {},
        SOURCES__0__INITIAL_HISTORY="1d",
        SOURCES__0__KIND="prometheus",
        SOURCES__0__URL="http://prometheus:9090",
    )
    assert document["sources"] == [
        {
            "name": "local",
            "kind": "prometheus",
            "initial_history": "1d",
            "url": "http://prometheus:9090",
        }
    ]
    assert problems == []


def test_an_unknown_kind_keeps_all_keys_for_the_message_about_it() -> None:
    document, _ = applied({"sources": [dict(LOCAL)]}, SOURCES__0__KIND="promtheus")
    assert document["sources"] == [LOCAL | {"kind": "promtheus"}]


@pytest.mark.parametrize(
    ("variable", "problem"),
    [
        ("LOG__LEVLE", "names no key; did you mean EPIMETHEUS__LOG__LEVEL?"),
        ("COLOUR", "names no key"),
        ("", "names no key"),
        ("LOG__", "names no key; did you mean EPIMETHEUS__LOG__LEVEL?"),
        ("LOG__LEVEL__X", "names no key; did you mean EPIMETHEUS__LOG__LEVEL?"),
        ("SOURCES__X__URL", "names no key; did you mean EPIMETHEUS__SOURCES__0__URL?"),
        (
            "SOURCES__1__URI",
            "names no key; did you mean EPIMETHEUS__SOURCES__0__URL?",
        ),
        ("SOURCES__3__URL", "the list has one item so far, the next number is 1"),
        (
            "SOURCES__0__TARGETS__99999__URL",
            "names no key; did you mean EPIMETHEUS__SOURCES__0__TARGETS__0__URL?",
        ),
    ],
)
def test_a_variable_that_names_no_key_is_a_problem(variable: str, problem: str) -> None:
    _, problems = applied({}, **{variable: "x"})
    assert problems == [f"EPIMETHEUS__{variable}: {problem}"]


def test_a_number_beyond_the_end_of_a_list_is_a_problem() -> None:
    document = {"events": {"status_labels": ["code", "status"]}}
    _, problems = applied(document, EVENTS__STATUS_LABELS__3="x")
    assert problems == [
        (
            "EPIMETHEUS__EVENTS__STATUS_LABELS__3: the list has 2 items so far, "
            "the next number is 2"
        )
    ]


def test_a_number_after_an_empty_list_is_zero() -> None:
    _, problems = applied({"sources": []}, SOURCES__1__URL="x")
    assert problems == [
        "EPIMETHEUS__SOURCES__1__URL: the list is empty so far, the next number is 0"
    ]


def test_one_underscore_too_few_is_noticed() -> None:
    problems: list[str] = []
    environ = {
        "EPIMETHEUS_LOG_LEVEL": "debug",
        "EPIMETHEUS__LOG_LEVEL": "debug",
        "EPIMETHEUS_CONFIG": "/etc/epimetheus/config.yaml",
        "LOG_LEVEL": "debug",
        "PATH": "/usr/bin",
    }
    assert apply({}, environ, problems) == {}
    assert problems == [
        "EPIMETHEUS_LOG_LEVEL: names no key; did you mean EPIMETHEUS__LOG__LEVEL?",
        "EPIMETHEUS__LOG_LEVEL: names no key; did you mean EPIMETHEUS__LOG__LEVEL?",
    ]


def test_an_empty_secret_is_a_problem() -> None:
    document, problems = applied({}, EXPORTER__TOKEN="")
    assert document == {}
    assert problems == [
        "EPIMETHEUS__EXPORTER__TOKEN: is empty; give it a value or unset it"
    ]


def test_what_is_no_yaml_is_a_problem() -> None:
    document, problems = applied({}, EVENTS__STATUS_LABELS="[code")
    assert document == {}
    assert problems == [
        (
            "EPIMETHEUS__EVENTS__STATUS_LABELS: line 1, column 1: "
            "the bracket that begins here is never closed"
        )
    ]


def test_what_the_file_has_in_the_place_of_a_section_is_left_for_validation() -> None:
    document = {"log": 5, "sources": {"name": "x"}}
    assert applied(document, LOG__LEVEL="debug", SOURCES__0__NAME="y") == (
        {"log": 5, "sources": {"name": "x"}},
        [],
    )


def test_every_key_has_a_variable_that_sets_it() -> None:
    for key in schema.every_key():
        problems: list[str] = []
        origins = apply({}, {key.variable: "x"}, problems)
        assert problems == []
        assert origins == {key.path.replace("[]", "[0]"): key.variable}

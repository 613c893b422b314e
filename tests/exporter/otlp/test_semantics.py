from __future__ import annotations

import re

import pytest
from opentelemetry.semconv._incubating.attributes import (
    cpu_attributes,
    disk_attributes,
    network_attributes,
    process_attributes,
    system_attributes,
)
from opentelemetry.semconv._incubating.metrics import system_metrics
from opentelemetry.semconv.schemas import Schemas

from exporter.otlp.semantics import REPLACED, RULES, SCHEMA, Rule

ATTRIBUTES = {
    value: values
    for module in (
        cpu_attributes,
        disk_attributes,
        network_attributes,
        process_attributes,
        system_attributes,
    )
    for name, value in vars(module).items()
    if isinstance(value, str) and name.isupper()
    for values in [
        vars(module).get("".join(map(str.capitalize, name.split("_"))) + "Values")
    ]
}
RULE_IDS = [" ".join((rule.name, *rule.fixed.values())) for rule in RULES]


def source() -> str:
    assert system_metrics.__file__ is not None
    with open(system_metrics.__file__, encoding="utf-8") as file:  # noqa: PTH123
        return file.read()


SAID = {
    name: (instrument, unit)
    for name, instrument, unit in re.findall(
        r'Final = "(\S+)"\n"""\n[^"]*?Instrument: (\w+)\nUnit: (\S+)\n', source()
    )
}


def test_the_version_is_one_that_the_library_knows() -> None:
    assert Schemas.V1_44_0.value == SCHEMA


@pytest.mark.parametrize("rule", RULES, ids=RULE_IDS)
def test_rules_are_those_of_the_conventions(rule: Rule) -> None:
    assert SAID[rule.name] == (rule.instrument, rule.unit)
    assert {*rule.labels.values(), *rule.fixed} <= ATTRIBUTES.keys()


@pytest.mark.parametrize("rule", RULES, ids=RULE_IDS)
def test_words_that_the_conventions_have_are_written_as_they_do(rule: Rule) -> None:
    for key, value in rule.fixed.items():
        values = ATTRIBUTES[key]
        if values is not None:
            assert value in {one.value for one in values}
    if rule.worded:
        values = ATTRIBUTES[rule.labels[rule.worded]]
        known = {one.value for one in values} if values else set()
        own = {"uninterruptible", "idle", "traced"}
        assert {to for to in rule.words.values() if to} <= known | own


def test_nothing_is_told_by_two_rules_in_the_same_words() -> None:
    assert len(set(RULE_IDS)) == len(RULES)
    named = [(rule.name, tuple(rule.fixed)) for rule in RULES]
    assert len({name for name, _ in named}) == len(set(named))


def test_words_can_be_read_back() -> None:
    for rule in RULES:
        told = [to for to in rule.words.values() if to is not None]
        assert len(set(told)) == len(told)


def test_what_is_replaced_can_be_told_from_what_replaces_it() -> None:
    """Families that are only parts of sums follow from the others."""
    solved = {r.terms[0] for r in RULES if len(r.terms) == 1 and not r.keeps}
    sums = [rule for rule in RULES if len(rule.terms) > 1 and not rule.keeps]
    for _ in sums:
        for rule in sums:
            unknown = {name for name, _ in rule.signed} - solved
            if len(unknown) == 1:
                solved |= unknown
    assert solved >= REPLACED

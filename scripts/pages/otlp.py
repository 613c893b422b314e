"""What of the exporter's metrics has a semantic convention, for docs/otlp.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.otlp.semantics import RULES, VERSION
from scripts.pages.markdown import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.otlp.semantics import Rule

_HEAD: Final = ("metric", "unit", "instrument", "attributes", "made of")


def conventions() -> str:
    """Return the table of the conventions."""
    rows = [
        (
            f"`{rule.name}`",
            f"`{rule.unit}`",
            rule.instrument,
            "<br>".join(_attributes(rule)),
            _terms(rule),
        )
        for rule in RULES
    ]
    told = f"The conventions are those of version {VERSION}."
    return f"{told}\n\n{table(_HEAD, rows)}"


def _attributes(rule: Rule) -> Iterator[str]:
    for key, value in rule.fixed.items():
        yield f"`{key}` is `{value}`"
    for label, key in rule.labels.items():
        words = [
            f"`{word}` is `{to}`" if to else f"not `{word}`"
            for word, to in rule.words.items()
            if label == rule.worded
        ]
        yield f"`{key}` from `{label}`" + (f" ({', '.join(words)})" if words else "")


def _terms(rule: Rule) -> str:
    parts = [f"{'- ' if sign < 0 else '+ '}`{name}`" for name, sign in rule.signed]
    if rule.counted:
        label, value = rule.counted
        return f"the number of `{rule.terms[0]}` whose `{label}` is `{value}`"
    kept = ", which are sent as well" if rule.keeps else ""
    return " ".join(parts).removeprefix("+ ") + kept

"""The page of dashboards and their names, without a script."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from exporter.compat.reading import summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exporter.compat.reading import Reading
    from exporter.compat.verdict import State, Verdict

_PARTS: Final[tuple[tuple[State, str], ...]] = (
    ("unknown", "Not served by this exporter"),
    ("silent", "Known, with nothing to say on this machine"),
    ("served", "Served"),
)


def page(readings: Iterable[Reading]) -> str:
    """Return the page."""
    return _PAGE.format(style=_STYLE, parts="".join(map(_dashboard, readings)))


def _dashboard(reading: Reading) -> str:
    parts = [
        _names(state, heading, found)
        for state, heading in _PARTS
        if (found := reading.of(state))
    ]
    return (
        f"<section><h2>{html.escape(reading.title)}"
        f" <small>{html.escape(reading.number)}</small></h2>"
        f"<p>{html.escape(summary(reading))}</p>{''.join(parts)}</section>\n"
    )


def _names(state: State, heading: str, found: Sequence[Verdict]) -> str:
    rows = "".join(
        f"<tr><td><code>{html.escape(one.name)}</code><td>{html.escape(one.why)}\n"
        for one in found
    )
    shown = "" if state == "served" else " open"
    return (
        f"<details class={state}{shown}><summary>{heading}: {len(found)}</summary>"
        f"<table>{rows}</table></details>"
    )


_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Dashboards · Epimetheus exporter</title>
<style>{style}</style>
<header><h1>Dashboards</h1><a href="./">Exporter</a><a href="metrics">Metrics</a>
<a href="?format=json">JSON</a></header>
<p>What dashboards of grafana.com ask for, and what this machine has of it now. Any
other dashboard or file of rules: <code>epimetheus-exporter --compat FILE</code>.
{parts}</html>
"""

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --dim: #888; --bad: #c62828;
 --good: #2e7d32 }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --good: #81c784 } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem;
 padding: 0 1rem; overflow-wrap: anywhere }
header { display: flex; gap: 1.2rem; align-items: baseline }
h1 { margin: 0 auto 0 0; font-size: 1.6rem }
section { border-top: 1px solid var(--line); margin-top: 1.5rem }
h2 { font-size: 1.2rem; margin: .8rem 0 0 }
small { color: var(--dim); font-weight: 400 }
p { margin: .3rem 0 .6rem }
summary { cursor: pointer }
.unknown summary { color: var(--bad) }
.served summary { color: var(--good) }
table { border-collapse: collapse; margin: .3rem 0 .8rem 1rem }
td { padding: .05rem 1rem .05rem 0; vertical-align: top }
td + td { color: var(--dim) }
"""

"""The markup and the style of the page of the last results."""

from __future__ import annotations

from typing import Final

NOTHING: Final = "<p class=nothing>There is nothing here yet.</p>"

ROW: Final = """<details id="r{number}" class="{state}">
<summary><span class=when>{when}</span>
<span class=what>{destination}</span> <span class=module>{probe}</span>
<span class=outcome>{outcome}</span> <span class=took>{seconds}</span>
<span class=origin>{origin}</span></summary>
<div class=inside>{inside}</div></details>
"""

FORM: Final = """<form action="probe">
<label>Target
<input name="target" list="destinations" required autocomplete="off"></label>
<datalist id="destinations">{destinations}</datalist>
<label>Module <select name="module">{modules}</select></label>
<label class=check>
<input type="checkbox" name="debug" value="true" checked> tell each step</label>
<button>Probe</button></form>"""

PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Probes · Epimetheus exporter</title>
<style>{style}</style>
<header><h1>Probes</h1><a href="./">Exporter</a><a href="metrics">Metrics</a>
<a href="?format=json">JSON</a></header>
{form}
<nav>{tabs}<span class=count>{count}, newest first, times in UTC</span></nav>
<main>{rows}</main>
</html>
"""

STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --dim: #888; --bad: #c62828;
 --good: #2e7d32; --soft: #8881 }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --good: #81c784 } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem;
 padding: 0 1rem }
header { display: flex; gap: 1.2rem; align-items: baseline }
h1 { margin: 0 auto 0 0; font-size: 1.6rem }
form { display: flex; flex-wrap: wrap; gap: .6rem 1rem; align-items: center;
 margin: 1.2rem 0; padding: .8rem 1rem; background: var(--soft); border-radius: .5rem }
input:not([type]), select, button { font: inherit; padding: .2rem .5rem }
input:not([type]) { width: 16rem }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1rem; padding-bottom: .5rem }
nav a[aria-current] { font-weight: 700; color: inherit; text-decoration: none }
.count { margin-left: auto; color: var(--dim) }
main { border-top: 1px solid var(--line) }
details { border-bottom: 1px solid var(--line) }
summary { display: grid; gap: 0 1rem; padding: .4rem .3rem; cursor: pointer;
 grid-template-columns: 12.5rem minmax(8rem, 1fr) 8rem 11rem 5rem 9rem;
 font-variant-numeric: tabular-nums }
summary > span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
summary:hover, details[open] > summary { background: var(--soft) }
.when, .origin, .module { color: var(--dim) }
.when::before { content: "▸ " }
details[open] .when::before { content: "▾ " }
.when b { color: CanvasText; font-weight: 400 }
.took { text-align: right }
.ok .outcome { color: var(--good) }
.failed .outcome { color: var(--bad); font-weight: 600 }
.inside { padding: .2rem 1rem 1rem; overflow-wrap: anywhere }
.why b { color: var(--bad) }
.why { margin: .6rem 0 }
.more { margin: .6rem 0 0 }
dl { display: flex; flex-wrap: wrap; gap: .3rem 1.5rem; margin: .6rem 0 }
dt { color: var(--dim); font-size: .85em }
dd { margin: 0 }
pre { overflow-x: auto; margin: 0; padding: .7rem 1rem; border-radius: .5rem;
 background: var(--soft); font: 13px/1.5 ui-monospace, monospace;
 white-space: pre-wrap }
.nothing { padding: 2rem; text-align: center; color: var(--dim) }
@media (max-width: 50rem) { summary { grid-template-columns: 1fr auto }
 .module, .origin { display: none } .took { grid-column: 2 } }
"""

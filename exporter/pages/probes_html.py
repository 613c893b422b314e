"""The page of the last results, without a script; every word of others is escaped."""

from __future__ import annotations

import html
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from exporter.pages.probes_template import FORM, NOTHING, PAGE, ROW, STYLE
from exporter.pages.ring import SCHEDULED
from runtime.probing.reasons import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.pages.ring import Kept
    from runtime.probing.wire import Result

_MILLI: Final = 1e-3
_MICRO: Final = 1e-6


def page(
    kept: Sequence[Kept],
    asked: Mapping[str, str],
    *,
    modules: Iterable[str],
    destinations: Iterable[str],
) -> str:
    """Return the page; `asked` are the parameters it was asked for with."""
    failures = sum(not one.result.succeeded for one in kept)
    return PAGE.format(
        style=STYLE,
        form=_form(modules, destinations),
        tabs=_tabs(asked),
        count=f"{len(kept)} results, {failures} failed",
        rows="".join(map(_row, kept)) or NOTHING,
    )


def seconds_text(seconds: float) -> str:
    """Return a duration with three digits that matter and a unit that fits."""
    for limit, factor, unit in ((_MILLI, 1e6, "µs"), (1.0, 1e3, "ms")):
        if seconds < limit:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s" if seconds < 1000 else f"{seconds:.0f} s"  # noqa: PLR2004


def _form(modules: Iterable[str], destinations: Iterable[str]) -> str:
    names = "".join(f"<option>{html.escape(name)}" for name in modules)
    known = "".join(
        f'<option value="{html.escape(name)}">' for name in dict.fromkeys(destinations)
    )
    return FORM.format(modules=names, destinations=known)


def _tabs(asked: Mapping[str, str]) -> str:
    only = asked.get("only", "")
    narrowed = {
        name: asked[name] for name in ("destination", "module") if asked.get(name)
    }
    links = []
    for text, value in (("All", ""), ("Failures", "failures")):
        parameters = {**narrowed, **({"only": value} if value else {})}
        current = ' aria-current="page"' if value == only else ""
        links.append(
            f'<a href="?{html.escape(urlencode(parameters))}"{current}>{text}</a>'
        )
    chosen = "".join(
        f" · {html.escape(name)} <b>{html.escape(value)}</b>"
        for name, value in narrowed.items()
    )
    rest = ' · <a href="?">everything</a>' if narrowed else ""
    return f"{' '.join(links)}{chosen}{rest}"


def _row(kept: Kept) -> str:
    result = kept.result
    return ROW.format(
        number=kept.number,
        state="ok" if result.succeeded else "failed",
        when=_when(result.began_ms),
        destination=html.escape(result.destination),
        probe=html.escape(result.probe),
        outcome=html.escape(result.reason.replace("_", " ") or "ok"),
        seconds=seconds_text(result.seconds),
        origin=_origin(kept.job),
        inside=_inside(result),
    )


def _origin(job: str) -> str:
    if job == SCHEDULED:
        return "a job"
    return f"job {html.escape(job)}" if job else "asked for"


def _when(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    shown = f"{moment:%Y-%m-%d <b>%H:%M:%S</b>}"
    return f'<time datetime="{moment.isoformat()}">{shown}</time>'


def _inside(result: Result) -> str:
    parts = []
    if not result.succeeded:
        meaning = MEANINGS.get(result.reason, "")  # type: ignore[call-overload]  # a Reason equals its word
        parts.append(
            f"<p class=why><b>{html.escape(result.message)}</b><br>"
            f"{html.escape(meaning)}</p>"
        )
    facts = {"address": result.address, "kind": result.kind}
    facts |= {name: seconds_text(value) for name, value in result.phases.items()}
    if result.sent:
        facts["answered"] = f"{result.received} of {result.sent}"
    if result.marks:
        facts["marks"] = ", ".join(result.marks)
    pairs = "".join(
        f"<div><dt>{html.escape(name)}<dd>{html.escape(value)}</div>"
        for name, value in facts.items()
        if value
    )
    parts.append(f"<dl>{pairs}</dl>")
    lines = "\n".join(f"{at:.6f}  {text}" for at, text in result.log)
    if lines:
        parts.append(f"<pre>{html.escape(lines)}</pre>")
    alone = urlencode({"destination": result.destination})
    again = urlencode(
        {"target": result.destination, "module": result.probe, "debug": "true"}
    )
    parts.append(
        f'<p class=more><a href="?{html.escape(alone)}">All of this destination</a> · '
        f'<a href="probe?{html.escape(again)}">Probe again</a></p>'
    )
    return "".join(parts)

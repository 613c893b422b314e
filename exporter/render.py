"""Families as text: the format 0.0.4 of Prometheus and OpenMetrics 1.0.

What a line begins with, and with it all escaping, is worked out once per series; so is
the whole line while its value does not change. The bytes are those of
prometheus_client's `generate_latest`, at a small part of its cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.collectors.base import Family, Metric

_MOST_METRICS: Final = 4096
"""Metrics that are remembered; only files of others could ever name so many."""

_EDGES: Final = {"histogram": "le", "summary": "quantile"}
"""The label that tells apart the samples of one series, by the kind of the metric."""

_KEEP: Final = 16
"""Lines of vanished series that a family may keep beyond twice its size."""


_Line: TypeAlias = "tuple[float | None, str, str]"
_NEW: Final[_Line] = (None, "", "")


class _Block:
    """What is remembered of a family: its head, and the last line of each series."""

    __slots__ = ("head", "lines")

    def __init__(self, head: str) -> None:
        self.head = head
        self.lines: dict[tuple[str, ...], _Line] = {}


class Renderer:
    """Writes families in one format; may be shared by scrapes at the same time."""

    def __init__(self, head: Callable[[Metric], str], end: str) -> None:
        self._head = head
        self._end = end
        self._blocks: dict[Metric, _Block] = {}

    def render(self, families: Iterable[Family]) -> bytes:
        """Return the exposition; what is no valid text becomes a question mark."""
        out: list[str] = []
        append = out.append
        if len(self._blocks) > _MOST_METRICS:
            self._blocks = {}
        for metric, samples in families:
            block = self._blocks.get(metric)
            if block is None:
                block = self._blocks[metric] = _Block(self._head(metric))
            out.append(block.head)
            lines = block.lines
            for labels, value in samples:
                last, text, prefix = lines.get(labels) or _NEW
                # 0.0 equals -0.0 and is not written like it.
                if not (last is value or (value and last == value)):
                    prefix = prefix or _prefix(metric, labels)
                    text = f"{prefix}{go_float(value)}\n"
                    lines[labels] = (value, text, prefix)
                append(text)
            if len(lines) > 2 * len(samples) + _KEEP:
                block.lines = {
                    labels: lines[labels] for labels, _ in samples if labels in lines
                }
        out.append(self._end)
        return "".join(out).encode("utf-8", "replace")


def text_renderer() -> Renderer:
    """Return a renderer of the text format 0.0.4."""
    return Renderer(_text_head, end="")


def openmetrics_renderer() -> Renderer:
    """Return a renderer of OpenMetrics 1.0."""
    return Renderer(_openmetrics_head, end="# EOF\n")


def _text_head(metric: Metric) -> str:
    text = metric.help.replace("\\", r"\\").replace("\n", r"\n")
    kind = "untyped" if metric.kind == "unknown" else metric.kind
    return f"# HELP {metric.name} {text}\n# TYPE {metric.name} {kind}\n"


def _openmetrics_head(metric: Metric) -> str:
    name, kind = metric.name, metric.kind
    if kind == "counter":
        # A counter of a file of others may be called what none is in this format.
        if name.endswith("_total"):
            name = name.removesuffix("_total")
        else:
            kind = "unknown"
    return f"# HELP {name} {_escape(metric.help)}\n# TYPE {name} {kind}\n"


def _prefix(metric: Metric, labels: tuple[str, ...]) -> str:
    name, names = metric.name, metric.labels
    if metric.kind in _EDGES:
        *labels_before, suffix, edge = labels
        name += suffix
        labels = (*labels_before, edge) if edge else tuple(labels_before)
        names = (*names, _EDGES[metric.kind]) if edge else names
    if not labels:
        return f"{name} "
    pairs = sorted(zip(names, labels, strict=True))
    inside = ",".join(f'{label}="{_escape(value)}"' for label, value in pairs)
    return f"{name}{{{inside}}} "


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


_GO_EXPONENT_FROM: Final = 1_000_000


def go_float(value: float) -> str:
    """Return a number as Go writes it, which turns to exponents sooner than Python."""
    text = repr(float(value))
    if value >= _GO_EXPONENT_FROM and (dot := text.find(".")) > 0 and "e" not in text:
        digits = f"{text[0]}.{text[1:dot]}{text[dot + 1 :]}".rstrip("0").rstrip(".")
        return f"{digits}e+{dot - 1:02d}"
    return _SPECIAL.get(text, text)


_SPECIAL: Final = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}

"""Which format and which compression a client wants, by RFC 9110 section 12.

Prometheus prefers OpenMetrics, people with curl get the text format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Format:
    """A format that can be answered."""

    name: Literal["text", "openmetrics"]
    media_type: str
    version: str

    @property
    def content_type(self) -> str:
        """The value of the header Content-Type."""
        return f"{self.media_type}; version={self.version}; charset=utf-8"


TEXT: Final = Format("text", "text/plain", "0.0.4")
OPENMETRICS: Final = Format("openmetrics", "application/openmetrics-text", "1.0.0")
FORMATS: Final = (
    TEXT,
    OPENMETRICS,
    # What this exporter says is the same in the draft and in the standard.
    Format("openmetrics", "application/openmetrics-text", "0.0.1"),
)
"""Every format, in the order of preference of a client that takes anything."""


@dataclass(frozen=True, slots=True)
class _Range:
    """An element of a header Accept or Accept-Encoding."""

    value: str
    quality: float
    parameters: Mapping[str, str]


def choose_format(accept: str | None) -> Format:
    """Return the format that the header Accept likes best.

    An unknown version of a known format is not that format. A client that accepts
    none of ours gets the text format, which is what Prometheus' own libraries do.
    """
    ranges = _parse(accept or "*/*")
    refused = [wanted for wanted in ranges if wanted.quality == 0]
    for wanted in sorted(ranges, key=lambda wanted: -wanted.quality):
        for offered in _offers(wanted):
            if wanted.quality and not any(
                "*" not in other.value and offered in _offers(other)
                for other in refused
            ):
                return offered
    return TEXT


def accepts_gzip(accept_encoding: str | None) -> bool:
    """Whether the header Accept-Encoding allows gzip."""
    qualities = {
        wanted.value: wanted.quality for wanted in _parse(accept_encoding or "")
    }
    return qualities.get("gzip", qualities.get("*", 0.0)) > 0


def prefers_json(accept: str | None) -> bool:
    """Whether the header Accept likes JSON better than HTML, which browsers name."""
    qualities = {wanted.value: wanted.quality for wanted in _parse(accept or "")}
    return qualities.get("application/json", 0.0) > qualities.get("text/html", 0.0)


def _offers(wanted: _Range) -> list[Format]:
    return [
        offered
        for offered in FORMATS
        if _covers(wanted.value, offered.media_type)
        and wanted.parameters.get("version", _default(offered)) == offered.version
    ]


def _covers(wanted: str, media_type: str) -> bool:
    if wanted in {"*/*", "*"}:
        return True
    kind, _, rest = wanted.partition("/")
    return wanted == media_type or (rest == "*" and media_type.startswith(f"{kind}/"))


def _default(offered: Format) -> str:
    return TEXT.version if offered.name == "text" else OPENMETRICS.version


def _parse(header: str) -> list[_Range]:
    ranges = []
    for element in header.split(","):
        value, *rest = (part.strip() for part in element.split(";"))
        if not value:
            continue
        parameters = {}
        for part in rest:
            name, _, text = part.partition("=")
            parameters[name.strip().lower()] = text.strip().strip('"')
        quality = _quality(parameters.pop("q", "1"))
        ranges.append(_Range(value.lower(), quality, parameters))
    return ranges


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0

"""The words for requests over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.blackbox.base import REGEX, by_phase, gauge, values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.collectors.base import Family
    from runtime.probing.probes import Probe
    from runtime.probing.wire import Result

PHASES: Final = gauge(
    "http_duration_seconds",
    "Duration of http request by phase, summed over all redirects",
    "phase",
)
VALUES: Final = {
    "content_length": gauge("http_content_length", "Length of http content response"),
    "redirects": gauge("http_redirects", "The number of redirects"),
    "ssl": gauge("http_ssl", "Indicates if SSL was used for the final redirect"),
    "status": gauge("http_status_code", "Response HTTP status code"),
    "uncompressed_bytes": gauge(
        "http_uncompressed_body_length", "Length of uncompressed response body"
    ),
    "version": gauge(
        "http_version", "Returns the version of HTTP of the probe response"
    ),
    "failed_due_to_regex": REGEX,
}
MODIFIED: Final = gauge(
    "http_last_modified_timestamp_seconds",
    "Returns the Last-Modified HTTP response header in unixtime",
)


def families(result: Result, settings: Probe) -> Iterable[Family]:
    """Yield what is said of a request and its answer."""
    del settings
    yield by_phase(
        PHASES, result, "connect", "processing", "resolve", "tls", "transfer"
    )
    yield from values(VALUES, result.facts)
    if "last_modified" in result.facts:
        yield MODIFIED.of(result.facts["last_modified"])

"""How to push: the settings, and the variables of OpenTelemetry where they are silent.

What is set in config.yaml, or by EPIMETHEUS__EXPORTER__OTLP__..., wins over a variable
for metrics, such as OTEL_EXPORTER_OTLP_METRICS_TIMEOUT, and that over the one for all
signals, such as OTEL_EXPORTER_OTLP_TIMEOUT. An empty variable counts as not set.
Source: OpenTelemetry's specification, "OTLP Exporter Configuration" and "Environment
Variables".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import unquote, urlsplit

import structlog

from runtime.config import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runtime.otlp_settings import Otlp

log = structlog.get_logger(__name__)

Names = Literal["semantic", "prometheus", "both"]

PATH: Final = "/v1/metrics"
INTERVAL: Final = 60.0
TIMEOUT: Final = 10.0
_SIGNAL: Final = "OTEL_EXPORTER_OTLP_METRICS_"
_ALL: Final = "OTEL_EXPORTER_OTLP_"
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ATTRIBUTES: Final = "OTEL_RESOURCE_ATTRIBUTES"
_PROTOCOL: Final = "http/protobuf"


@dataclass(frozen=True, slots=True)
class Options:
    """What a push needs; `url` is that of the request, durations are in seconds.

    `headers` may be secret and are not shown. `resource` are attributes that were
    asked for. A client's certificate and key may be one file.
    """

    url: str
    interval: float = INTERVAL
    timeout: float = TIMEOUT
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    gzip: bool = True
    names: Names = "semantic"
    resource: Mapping[str, str] = field(default_factory=dict)
    queue: int = 10
    certificate: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None


def options_of(
    settings: Otlp, environ: Mapping[str, str], headers: str | None
) -> Options | None:
    """Return how to push, or None where nothing is to be pushed.

    `headers` are those of the settings, from wherever they were read. Raises
    SettingsError with every problem of what is to be used.
    """
    known = _Variables({k: v.strip() for k, v in environ.items() if v.strip()})
    url = _url(settings, known)
    if known.is_disabled or url is None:
        known.refuse()
        return None
    told = known.signal("HEADERS") if headers is None else ("exporter.otlp", headers)
    options = Options(
        url=url,
        interval=settings.interval
        or known.milliseconds(known.named("OTEL_METRIC_EXPORT_INTERVAL"))
        or INTERVAL,
        timeout=settings.timeout or _timeout(known),
        headers=dict(known.headers(told)),
        gzip=_compression(settings, known) == "gzip",
        names=settings.names,
        resource=_resource(settings, known),
        queue=settings.queue,
        certificate=settings.certificate or known.file(known.signal("CERTIFICATE")),
        client_certificate=known.file(known.signal("CLIENT_CERTIFICATE")),
        client_key=known.file(known.signal("CLIENT_KEY")),
    )
    known.refuse()
    _refuse_unusable(options)
    if protocol := known.signal("PROTOCOL")[1].replace(_PROTOCOL, ""):
        log.warning("metrics are pushed otherwise", asked=protocol, by=_PROTOCOL)
    return options


Told = tuple[str, str]
"""The name of a variable, and its text, '' where it is not set."""


class _Variables:
    """The variables of OpenTelemetry, and what is wrong with those that are used."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: list[str] = []

    def refuse(self) -> None:
        """Raise SettingsError if there was a problem."""
        if self._problems:
            raise SettingsError(self._problems)

    @property
    def is_disabled(self) -> bool:
        """Whether all of OpenTelemetry is switched off; only `true` does that."""
        return self._environ.get("OTEL_SDK_DISABLED", "").lower() == "true"

    def named(self, name: str) -> Told:
        """Return a variable."""
        return name, self._environ.get(name, "")

    def signal(self, name: str) -> Told:
        """Return the variable of metrics, or else that of all signals."""
        own = self.named(f"{_SIGNAL}{name}")
        return own if own[1] else self.named(f"{_ALL}{name}")

    def milliseconds(self, told: Told) -> float | None:
        """Return the seconds that a variable says, None if it is not set."""
        name, text = told
        if not text:
            return None
        if not (text.isascii() and text.isdecimal() and int(text)):
            self.problem(name, f"{text!r} is not a whole number of milliseconds")
            return None
        return int(text) / 1000

    def file(self, told: Told) -> Path | None:
        """Return the path that a variable says, None if it is not set."""
        name, text = told
        if text and not Path(text).is_file():
            self.problem(name, f"there is no file {text}")
        return Path(text) if text else None

    def headers(self, told: Told) -> Iterator[tuple[str, str]]:
        """Yield names and values of headers; a value may be secret and is not told."""
        name = told[0]
        for number, (key, value) in enumerate(self.pairs(told, secret=True), start=1):
            if not _TOKEN.fullmatch(key) or not re.fullmatch(r"[\t -~]*", value):
                self.problem(name, f"header {number} is not one of HTTP")
            else:
                yield key.lower(), value

    def pairs(self, told: Told, *, secret: bool = False) -> Iterator[tuple[str, str]]:
        """Yield the pairs of a text such as `key1=value1,key2=value2`."""
        name, text = told
        for number, item in enumerate(filter(str.strip, text.split(",")), start=1):
            key, equals, value = item.partition("=")
            if not (equals and key.strip()):
                shown = "" if secret else f", {item.strip()!r},"
                self.problem(name, f"item {number}{shown} is not key=value")
            else:
                yield unquote(key.strip()), unquote(value.strip())

    def problem(self, name: str, reason: str) -> None:
        """Note what is wrong with a variable."""
        self._problems.append(f"{name}: {reason}")


def _url(settings: Otlp, known: _Variables) -> str | None:
    if settings.endpoint is not None:
        return settings.endpoint + PATH
    own, common = known.named(f"{_SIGNAL}ENDPOINT"), known.named(f"{_ALL}ENDPOINT")
    name, text = own if own[1] else common
    if not text:
        return None
    if not _is_url(text):
        # What stands before an @ may be a password.
        known.problem(name, "is not an http(s) URL without user information")
        return None
    return text if own[1] else text.rstrip("/") + PATH


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        known = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return False
    return bool(known) and "@" not in text and not re.search(r"\s", text)


def _timeout(known: _Variables) -> float:
    """Return the shorter of what an exchange and what a whole export may take."""
    exchange = known.milliseconds(known.signal("TIMEOUT")) or TIMEOUT
    export = known.milliseconds(known.named("OTEL_METRIC_EXPORT_TIMEOUT"))
    return min(exchange, export or exchange)


def _compression(settings: Otlp, known: _Variables) -> str:
    if settings.compression != "auto":
        return settings.compression
    name, text = known.signal("COMPRESSION")
    if text not in {"", "gzip", "none"}:
        known.problem(name, f"{text!r} is neither gzip nor none")
    return text or "gzip"


def _refuse_unusable(options: Options) -> None:
    if not options.url.startswith("https:"):
        return
    # Loaded by who needs it only.
    from exporter.otlp.trust import context  # noqa: PLC0415

    try:
        context(options.certificate, options.client_certificate, options.client_key)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SettingsError(
            [f"exporter.otlp: the certificates cannot be used: {reason}"]
        ) from error


def _resource(settings: Otlp, known: _Variables) -> dict[str, str]:
    found = dict(known.pairs(known.named(_ATTRIBUTES)))
    name = known.named("OTEL_SERVICE_NAME")[1]
    if name:
        found["service.name"] = name
    for text in settings.resource:
        key, _, value = text.partition("=")
        found[key.strip()] = value.strip()
    return found

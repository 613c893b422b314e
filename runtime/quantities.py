"""Durations, sizes, percentages and addresses as people write them in config.yaml."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BeforeValidator, GetCoreSchemaHandler, PlainSerializer
from pydantic_core import CoreSchema, core_schema

if TYPE_CHECKING:
    from collections.abc import Callable

_NUMBER: Final = r"([0-9]{1,12}(?:\.[0-9]{1,12})?)"
_SECONDS: Final = {
    "y": 31536000.0,
    "w": 604800.0,
    "d": 86400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 0.001,
}
_DURATION: Final = re.compile("".join(f"(?:{_NUMBER}{unit})?" for unit in _SECONDS))
_SIZE: Final = re.compile(rf"{_NUMBER}\s*(B|KiB|MiB|GiB|KB|MB|GB)")
_ADDRESS: Final = re.compile(
    r"(?:\[(?P<v6>[\w.%]*:[\w.:%]+)\]|(?P<host>[\w.-]+))"
    r":(?P<port>[0-9]{1,5})",
    re.ASCII,
)
_HIGHEST_PORT: Final = 65535
_BYTES: Final = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}


@dataclass(frozen=True, slots=True)
class Written:
    """How people write a value: what it is called, an example, and how it is shown."""

    name: str
    example: str
    show: Callable[[Any], str] = str


def parse_duration(text: object) -> float:
    """Return the seconds of a Prometheus-style duration such as `15s` or `1h30m`.

    Exact to the millisecond. Raises ValueError for anything else: a bare number says
    no unit.
    """
    if isinstance(text, str) and text and (match := _DURATION.fullmatch(text)):
        pairs = zip(match.groups(default="0"), _SECONDS.values(), strict=True)
        return round(sum(float(number) * unit for number, unit in pairs), 3)
    raise ValueError(
        f"{text!r} is not a duration; write a number with a unit "
        "(ms, s, m, h, d, w, y), for example 15s or 1h30m"
    )


def format_duration(seconds: float) -> str:
    """Return the shortest text that `parse_duration` reads back to the same value."""
    rest = round(seconds * 1000)
    parts: list[str] = []
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, round(_SECONDS[unit] * 1000))
        if count:
            parts.append(f"{count}{unit}")
    if rest:
        parts.append(f"{rest}ms")
    return "".join(parts) or "0s"


def parse_size(text: object) -> int:
    """Return the bytes of a size such as `64MiB`; raise ValueError otherwise."""
    if isinstance(text, str) and (match := _SIZE.fullmatch(text)):
        return int(float(match[1]) * _BYTES[match[2]])
    raise ValueError(
        f"{text!r} is not a size; write a number with a unit "
        "(B, KiB, MiB, GiB, KB, MB, GB), for example 64MiB"
    )


def format_size(size: int) -> str:
    """Return the shortest text that `parse_size` reads back to the same value."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return f"{size}B"


def parse_share(text: object) -> float:
    """Return the part of one that a percentage such as `10%` is; raise ValueError."""
    if isinstance(text, str) and (match := re.fullmatch(rf"{_NUMBER}\s*%", text)):
        return float(match[1]) / 100
    raise ValueError(f"{text!r} is not a percentage; write for example 10%")


def format_share(share: float) -> str:
    """Return a text that `parse_share` reads back."""
    return f"{share * 100:.12g}%"


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    Written("duration", "15s", format_duration),
]
"""Seconds, written as `15s`."""

Share = Annotated[
    float,
    BeforeValidator(parse_share),
    PlainSerializer(format_share, return_type=str),
    Written("percentage", "10%", format_share),
]
"""A part of one, written as `10%`."""

Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(format_size, return_type=str),
    Written("size", "64MiB", format_size),
]
"""Bytes, written as `64MiB`."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens: a host (name, IPv4 or IPv6) and a TCP port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: object) -> Address:
        """Read `127.0.0.1:9105` or `[::1]:9105`; raise ValueError for anything else."""
        if isinstance(text, cls):
            return text
        if isinstance(text, str) and (match := _ADDRESS.fullmatch(text)):
            host, port = match["v6"] or match["host"], int(match["port"])
            if port <= _HIGHEST_PORT:
                return cls(host, port)
        raise ValueError(
            f"{text!r} is not an address; write host:port, "
            "for example 127.0.0.1:9105 or [::1]:9105"
        )

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the address."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def url(self) -> str:
        """The address as an http URL without a path."""
        return f"http://{self}"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )

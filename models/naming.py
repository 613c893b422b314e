"""What identifies a series, and what is known of one: plain values, no database."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN: Final = "unknown"
"""The kind of a series of which nobody said one."""


def canonical(labels: Mapping[str, str]) -> str:
    """Return labels as the text that identifies them (RULES R75).

    JSON with sorted keys and no spaces, without empty values and without `__name__`.
    Raises ValueError for text that is not valid Unicode.
    """
    kept = {
        name: value for name, value in labels.items() if value and name != "__name__"
    }
    try:
        return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError as error:
        raise ValueError(f"labels are not valid text: {error}") from error


def fingerprint_of(source: str, metric: str, labels: str) -> int:
    """Return the 64-bit hash by which a series is looked up; it may collide."""
    text = f"{source}\x00{metric}\x00{labels}".encode()
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """What is known of a series; `labels` as `canonical` gives them."""

    metric: str
    labels: str
    kind: str = UNKNOWN
    unit: str = ""
    help: str = ""

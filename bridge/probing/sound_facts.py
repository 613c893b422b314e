"""Whether facts of a result are what their readers take them for.

What else they hold is the kind's own affair, and only told as it came.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LARGEST: Final = 256 * 2**10
"""Bytes of the facts of a result as JSON; those of a page of results are in memory."""

_FINGERPRINT: Final = re.compile(r"[0-9a-f]{1,64}")
_LATEST: Final = 2**40
"""Seconds since 1970, farther away than any certificate ends."""
_ENDS: Final = ("leaf_not_after", "chain_expiry", "earliest_expiry")
_VALID: Final = ("not_before", "not_after")
_LONGEST_JITTER: Final = 86400.0


def wrong_facts(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with facts, with the key it is about."""
    if not facts:
        return
    size = len(msgspec.json.encode(facts))
    if size > LARGEST:
        yield f"facts: are {size} bytes, more than {LARGEST}"
    jitter = facts.get("jitter", 0)
    if not (_is_number(jitter) and 0 <= jitter < _LONGEST_JITTER):
        yield "facts.jitter: is not a duration"
    if not _is_list(facts.get("hops"), _is_hop):
        yield "facts.hops: are not objects with `addresses`"
    yield from _wrong_session("facts", facts)
    tls = facts.get("tls")
    if isinstance(tls, dict):
        yield from _wrong_session("facts.tls", tls)
    elif tls is not None:
        yield "facts.tls: is not an object"


def _wrong_session(key: str, session: Mapping[str, Any]) -> Iterator[str]:
    if not _is_list(session.get("chain"), _is_certificate):
        yield f"{key}.chain: is not of certificates with `sha256`"
    for name in _ENDS:
        if not _is_time(session.get(name)):
            yield f"{key}.{name}: is no time in UTC seconds"


def _is_list(value: object, fits: Any) -> bool:
    return value is None or (isinstance(value, list) and all(map(fits, value)))


def _is_hop(hop: object) -> bool:
    return isinstance(hop, dict) and _is_list(hop.get("addresses"), _is_text)


def _is_certificate(one: object) -> bool:
    return (
        isinstance(one, dict)
        and _is_text(one.get("sha256"))
        and _FINGERPRINT.fullmatch(one["sha256"]) is not None
        and all(_is_time(one.get(name)) for name in _VALID)
    )


def _is_time(value: object) -> bool:
    return value is None or (_is_number(value) and abs(value) < _LATEST)  # type: ignore[arg-type]  # a number


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)

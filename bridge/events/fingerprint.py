"""The identity of a failure: what its recurrences have in common."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_BYTES: Final = 16


def fingerprint(detector: str, *identity: str | Mapping[str, str]) -> str:
    """Return 32 hex digits that stand for a kind of failure.

    They depend on the detector and on the parts of the identity in their order, on
    labels as a set, and on nothing else: no count, no time and no source, which is a
    column of its own. The same in every process and on every machine, for good.
    """
    parts = [part if isinstance(part, str) else dict(part) for part in identity]
    text = json.dumps([detector, *parts], sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=_BYTES).hexdigest()

"""Regular expressions over what others send, in time linear in its length.

Probes read what anybody may have written, and an expression that takes exponential time
for some text would stop all probes: so it is RE2, as in Prometheus' programs.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import re2

if TYPE_CHECKING:
    from collections.abc import Iterable


@functools.lru_cache(maxsize=1024)
def compiled(pattern: str) -> Any:
    """Return a compiled expression; the settings have checked it."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def first_missing(patterns: Iterable[str], text: bytes) -> str | None:
    """Return the first expression that does not match, None if all do."""
    for pattern in patterns:
        if compiled(pattern).search(text) is None:
            return pattern
    return None


def first_matching(patterns: Iterable[str], text: bytes) -> str | None:
    """Return the first expression that matches, None if none does."""
    for pattern in patterns:
        if compiled(pattern).search(text) is not None:
            return pattern
    return None

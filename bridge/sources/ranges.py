"""Regular expressions for half-open ranges of text.

A matcher can only say "equal" or "matches"; to divide all values a label may ever have
into ranges, each range becomes an expression. Ranges leave nothing out by construction,
so that a value nobody has seen yet is in exactly one of them. The expressions are
anchored by Prometheus and use only syntax that RE2 and Python's `re` share.
"""

from __future__ import annotations

from typing import Final

_ANY: Final = "(?s:.*)"
_SOME: Final = "(?s:.+)"
_LAST: Final = "\U0010ffff"
_SURROGATES: Final = range(0xD800, 0xE000)
SMALLEST: Final = "\0"
"""The smallest text that is not empty."""


def between(low: str, high: str | None) -> str:
    """Return an expression for the texts `low <= text < high`, by code points.

    No `high` is no bound; the empty `low` includes the empty text, which is how a
    matcher sees a label that is not there. Raises ValueError for an empty range.
    """
    if high is None:
        return _from(low)
    if low >= high:
        raise ValueError(f"nothing is between {low!r} and {high!r}")
    if low == SMALLEST:
        return _below(high, empty=False)
    shared = _shared(low, high)
    tail, below = low[len(shared) :], high[len(shared) :]
    if not tail:
        return _literal(shared) + _below(below)
    pieces = [_literal(tail[0]) + _from(tail[1:])]
    if inner := _class(_after(tail[0]), _before(below[0])):
        pieces.append(inner + _ANY)
    if below[1:]:
        pieces.append(_literal(below[0]) + _below(below[1:]))
    return f"{_literal(shared)}(?:{'|'.join(pieces)})"


def separator(left: str, right: str) -> str:
    """Return the shortest text that is above `left` and not above `right`.

    Raises ValueError unless `left < right`.
    """
    if left >= right:
        raise ValueError(f"{left!r} is not below {right!r}")
    for length in range(1, len(right)):
        if right[:length] > left:
            return right[:length]
    return right


def _shared(low: str, high: str) -> str:
    pairs = zip(low, high, strict=False)
    length = next((at for at, (a, b) in enumerate(pairs) if a != b), len(low))
    return low[:length]


def _from(low: str) -> str:
    if not low:
        return _ANY
    if low == SMALLEST:
        return _SOME
    pieces = [_literal(low[0]) + _from(low[1:])]
    if larger := _class(_after(low[0]), _LAST):
        pieces.append(larger + _ANY)
    return f"(?:{'|'.join(pieces)})"


def _below(high: str, *, empty: bool = True) -> str:
    pieces = [""] if empty else []
    if smaller := _class(SMALLEST, _before(high[0])):
        pieces.append(smaller + _ANY)
    if high[1:]:
        pieces.append(_literal(high[0]) + _below(high[1:]))
    return f"(?:{'|'.join(pieces)})"


def _after(char: str) -> str | None:
    if char == _LAST:
        return None
    code = ord(char) + 1
    return chr(_SURROGATES.stop if code in _SURROGATES else code)


def _before(char: str) -> str | None:
    if char == SMALLEST:
        return None
    code = ord(char) - 1
    return chr(_SURROGATES.start - 1 if code in _SURROGATES else code)


def _class(low: str | None, high: str | None) -> str:
    """Return a character class, empty text if there is no such character."""
    if low is None or high is None or low > high:
        return ""
    return f"[{_member(low)}-{_member(high)}]"


def _member(char: str) -> str:
    if char.isalnum() or not char.isascii():
        return char
    return f"\\x{ord(char):02x}"


def _literal(text: str) -> str:
    return "".join(char if char == "_" else _member(char) for char in text)

"""When a server that has no time now wants to be asked again."""

from __future__ import annotations

from email.utils import parsedate_to_datetime


def retry_after(text: str, now: float) -> float | None:
    """Return the seconds that a header `Retry-After` asks for (RFC 9110, 10.2.3).

    `now` are UTC seconds, for a header that is a date. None if it says nothing.
    """
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - now, 0.0)
    except (ValueError, OverflowError):
        return None

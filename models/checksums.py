"""Comparing a table of two databases by checksums of its rows.

A checksum is taken over the values themselves, floats by their bits, so that it is the
same on both engines exactly if the rows are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

import msgspec

from models.pages import Row, key_of, pages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from peewee import Database

    from models.shape import Shape


@dataclass(frozen=True, slots=True)
class Compared:
    """What comparing a table brought.

    `rows` are those of the source, `checksum` is of all of them in the order of the
    key, in hexadecimal; `difference` is empty if the target has the same.
    """

    table: str
    rows: int
    checksum: str
    difference: str = ""


def digest(rows: Sequence[Row]) -> bytes:
    """Return the checksum of some rows."""
    return hashlib.blake2b(msgspec.msgpack.encode(rows), digest_size=16).digest()


class Checksum:
    """The checksum of a table, from the checksums of its pages."""

    def __init__(self) -> None:
        self._whole = hashlib.blake2b(digest_size=16)
        self.rows = 0

    def add(self, rows: Sequence[Row]) -> bytes:
        """Take in the next page and return its own checksum."""
        page = digest(rows)
        self._whole.update(page)
        self.rows += len(rows)
        return page

    def hexadecimal(self) -> str:
        """Return the checksum of all pages so far; it depends on the pages' size."""
        return self._whole.hexdigest()


def compare(
    source: Database,
    target: Database,
    table: Shape,
    compared: Callable[[int], object],
    size: int,
) -> Compared:
    """Compare a table page by page; `compared` hears how many rows were.

    Within transactions of both. The first difference is named.
    """
    whole = Checksum()
    difference = ""
    pairs = zip_longest(pages(source, table, size), pages(target, table, size))
    for ours, theirs in pairs:
        if ours:
            page = whole.add(ours)
        if not ours or not theirs or page != digest(theirs):
            difference = difference or _first(table, ours or [], theirs or [])
        compared(whole.rows)
    return Compared(table.name, whole.rows, whole.hexadecimal(), difference)


def _first(table: Shape, ours: Sequence[Row], theirs: Sequence[Row]) -> str:
    for mine, other in zip_longest(ours, theirs):
        if mine == other:
            continue
        if mine is None:
            return f"the target has more: {_told(table, other)}"
        if other is None:
            return f"the target lacks {_told(table, mine)}"
        if key_of(table, mine) != key_of(table, other):
            return (
                f"where the source has {_told(table, mine)}, "
                f"the target has {_told(table, other)}"
            )
        columns = zip(table.columns, mine, other, strict=True)
        name, was, now = next(each for each in columns if each[1] != each[2])
        return (
            f"{_told(table, mine)} differs in {name}: {_short(was)} in the source, "
            f"{_short(now)} in the target"
        )
    return "the rows differ in the type of a value"


def _told(table: Shape, row: Row) -> str:
    values = zip(table.key, key_of(table, row), strict=True)
    return ", ".join(f"{name} {value}" for name, value in values)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - a line

"""Connections that a forked child inherits: never used and never closed by it.

Closing an inherited SQLite connection can drop the parent's locks, and closing an
inherited PostgreSQL connection tells the server that the parent has gone. So the child
forgets its parent's connections without closing them, and opens its own.
"""

from __future__ import annotations

import ctypes
import os
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_connections: weakref.WeakSet[Any] = weakref.WeakSet()
_forgetters: weakref.WeakSet[Any] = weakref.WeakSet()
_pinned: list[Any] = []


def watch_connection(connection: Any) -> None:
    """Keep the connection alive in children forked from now on."""
    _connections.add(connection)


def watch_database(database: Any) -> None:
    """Let `database.dispose()` be called in children forked from now on."""
    _forgetters.add(database)


def _pin() -> None:
    _pinned.extend(_connections)


def _unpin() -> None:
    _pinned.clear()


def _abandon() -> None:
    immortal: Callable[[Any], None] = ctypes.pythonapi.Py_IncRef
    for connection in _pinned:
        immortal(ctypes.py_object(connection))
    _pinned.clear()
    for database in _forgetters:
        database.abandon()


os.register_at_fork(before=_pin, after_in_parent=_unpin, after_in_child=_abandon)

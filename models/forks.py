"""Connections that a forked child inherits: never used and never closed by it.

Closing an inherited SQLite connection can drop the parent's locks, and closing an
inherited PostgreSQL connection tells the server that the parent has gone. So the child
forgets its parent's connections without closing them, and opens its own.
"""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from typing import Any, Final

_connections: Final[weakref.WeakValueDictionary[int, Any]] = (
    weakref.WeakValueDictionary()
)
_databases: Final[weakref.WeakValueDictionary[int, Any]] = weakref.WeakValueDictionary()
_pinned: Final[list[Any]] = []


def watch_connection(connection: Any) -> None:
    """Have children that are forked from now on leave the connection alone."""
    _connections[id(connection)] = connection


def watch_database(database: Any) -> None:
    """Have children that are forked from now on connect to the database anew."""
    _databases[id(database)] = database


def _pin() -> None:
    # Connections of threads that end with the fork would be closed by the child.
    _pinned.extend(reference() for reference in _connections.valuerefs())


def _unpin() -> None:
    _pinned.clear()


def _abandon() -> None:
    for connection in _pinned:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))  # never collected
    _pinned.clear()
    for database in [reference() for reference in _databases.valuerefs()]:
        if database is not None:
            database._lock = threading.Lock()  # noqa: SLF001 - a thread may have had it
            database.dispose()


os.register_at_fork(before=_pin, after_in_parent=_unpin, after_in_child=_abandon)

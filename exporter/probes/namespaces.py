"""Doing something in another network namespace, without moving there."""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from exporter.probes.base import ProbeFailed
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

NAMED: Final = Path("/run/netns")
"""Where `ip netns add` puts namespaces."""
_CLONE_NEWNET: Final = 0x40000000


def in_namespace(namespace: str, act: Callable[[], T]) -> T:
    """Return what `act` returns in a network namespace, by name or path.

    It is done in a thread of its own that ends right after, so that no other thread is
    ever elsewhere; sockets stay in the namespace in which they were opened. '' is this
    process's own and needs no thread. Raises ProbeFailed where the namespace cannot be
    entered, and what `act` raises.
    """
    if not namespace:
        return act()
    found: list[T] = []
    failed: list[BaseException] = []

    def enter_and_act() -> None:
        try:
            _enter(namespace)
            found.append(act())
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            failed.append(error)

    thread = threading.Thread(target=enter_and_act, name="namespace")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]


def identity_of(namespace: str) -> int:
    """Return what tells a namespace from a later one of its name, 0 if it is gone."""
    if not namespace:
        return 0
    try:
        return _path(namespace).stat().st_ino
    except OSError:
        return 0


def _path(namespace: str) -> Path:
    return Path(namespace) if "/" in namespace else NAMED / namespace


def _enter(namespace: str) -> None:
    try:
        descriptor = os.open(_path(namespace), os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise ProbeFailed(
            Reason.WRONG_SETTINGS,
            f"there is no network namespace {namespace!r}: {error.strerror}",
        ) from None
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(descriptor, _CLONE_NEWNET) == 0:
            return
        number = ctypes.get_errno()
    finally:
        os.close(descriptor)
    reason = Reason.NO_PERMISSION if number == 1 else Reason.WRONG_SETTINGS
    raise ProbeFailed(
        reason,
        f"cannot enter the network namespace {namespace!r} (needs CAP_SYS_ADMIN): "
        f"{os.strerror(number)}",
    )

"""What a child process owes to its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def die_with_parent(
    parent: int | None = None, by: signal.Signals = signal.SIGTERM
) -> None:
    """Have the kernel send a signal to this process when its parent ends.

    To be called first thing in the child. `parent` is the process id that the parent
    had: where it is gone already, the signal comes at once. It may come several times
    in a row, once for each thread of a parent that is killed. Does nothing outside
    Linux. Raises OSError when the kernel refuses.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(by), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), by)

"""How full the mounted filesystems are.

A mount of a server that went away blocks whoever asks it, for ever and unkillably. So
each is asked in a lane, and while one does not answer it is an error and is not asked
again.
"""

from __future__ import annotations

import os
import re
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from exporter.collectors.base import Family, Host, Metric, read_bytes
from exporter.lanes import Answer, Lanes

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.settings import FilesystemCollector as Options

log = structlog.get_logger(__name__)

_LABELS = ("device", "mountpoint", "fstype")


def _gauge(name: str, text: str) -> Metric:
    return Metric(f"node_filesystem_{name}", "gauge", text, _LABELS)


SIZE = _gauge("size_bytes", "Filesystem size in bytes.")
FREE = _gauge("free_bytes", "Filesystem free space in bytes.")
AVAILABLE = _gauge(
    "avail_bytes", "Filesystem space available to non-root users in bytes."
)
FILES = _gauge("files", "Filesystem total file nodes.")
FILES_FREE = _gauge("files_free", "Filesystem total free file nodes.")
READONLY = _gauge("readonly", "Filesystem read-only status.")
DEVICE_ERROR = _gauge(
    "device_error",
    "Whether an error occurred while getting statistics for the given device.",
)

_SHARE_OF_DEADLINE: Final = 0.8
"""Of the collector's own deadline, so that one mount never costs the others."""

_ESCAPE = re.compile(rb"\\([0-3][0-7]{2})")
_READONLY_OPTIONS = {b"ro", b"emergency_ro"}

GAUGES = (SIZE, FREE, AVAILABLE, FILES, FILES_FREE)

Sizes = tuple[int, ...]
"""Values of GAUGES; systems that do not number files leave the last two out."""


class Mount(NamedTuple):
    """A mounted filesystem; the path is what the kernel says, escapes resolved."""

    device: str
    path: bytes
    kind: str
    readonly: bool


def ask(path: bytes) -> Sizes:
    """Return the sizes of the filesystem that holds the path; may never return."""
    found = os.statvfs(path)
    unit = found.f_frsize
    return (
        found.f_blocks * unit,
        found.f_bfree * unit,
        found.f_bavail * unit,
        found.f_files,
        found.f_ffree,
    )


class Filesystem:
    """Reads the mounts of the first process, and asks each."""

    def __init__(
        self, host: Host, options: Options, ask: Callable[[bytes], Sizes] = ask
    ) -> None:
        self._host = host
        self._mounts_excluded = re.compile(options.exclude_mounts)
        self._kinds_excluded = re.compile(options.exclude_types)
        self._timeout = min(options.mount_timeout, host.deadline * _SHARE_OF_DEADLINE)
        self._root = os.fsencode(host.rootfs.rstrip("/"))
        self._ask = ask
        self._lanes: Lanes[bytes, Sizes] = Lanes("mounts", host.clock)
        self._troubles: dict[bytes, str] = {}

    def collect(self) -> list[Family]:
        """Return sizes of the mounts that answer, and which of them do not."""
        mounts = self._mounts()
        answers = self._lanes.run(
            {
                mount.path: partial(self._ask, self._root + mount.path)
                for mount in mounts.values()
            },
            self._timeout,
        )
        self._report(answers)
        return _families(
            [
                (labels, mount, answers[mount.path].value)
                for labels, mount in mounts.items()
            ]
        )

    def _mounts(self) -> dict[tuple[str, ...], Mount]:
        mounts: dict[tuple[str, ...], Mount] = {}
        for mount in self.mounted():
            path = strip_root(mount.path, self._root)
            name = path.decode("utf-8", "replace")
            if self._mounts_excluded.search(name):
                continue
            if self._kinds_excluded.search(mount.kind):
                continue
            labels = (mount.device, name, mount.kind)
            mounts.setdefault(labels, mount._replace(path=path))
        return mounts

    def mounted(self) -> list[Mount]:
        """Return all mounts of the host, from the view of its first process.

        That is the host's view from inside a container too; with hidepid only root
        has it, and others take their own.
        """
        try:
            mountinfo = read_bytes(f"{self._host.procfs}/1/mountinfo")
        except (FileNotFoundError, PermissionError):
            mountinfo = read_bytes(f"{self._host.procfs}/self/mountinfo")
        return parse_mounts(mountinfo)

    def _report(self, answers: dict[bytes, Answer[Sizes]]) -> None:
        troubles = {
            path: trouble
            for path, answer in answers.items()
            if (trouble := _trouble(answer))
        }
        for path, trouble in troubles.items():
            if self._troubles.get(path) != trouble:
                mountpoint = path.decode("utf-8", "replace")
                log.warning("mount has no sizes", mountpoint=mountpoint, reason=trouble)
        for path in (self._troubles.keys() - troubles.keys()) & answers.keys():
            mountpoint = path.decode("utf-8", "replace")
            log.info("mount has sizes again", mountpoint=mountpoint)
        self._troubles = troubles


def _trouble(answer: Answer[Sizes]) -> str | None:
    if answer.is_missing:
        return "does not answer"
    return str(answer.error) if answer.error else None


def _families(
    found: list[tuple[tuple[str, ...], Mount, Sizes | None]],
) -> list[Family]:
    answered = [(labels, sizes) for labels, _, sizes in found if sizes is not None]
    families = [
        Family(
            DEVICE_ERROR,
            [(labels, int(sizes is None)) for labels, _, sizes in found],
        ),
        Family(READONLY, [(labels, int(mount.readonly)) for labels, mount, _ in found]),
    ]
    for index, metric in enumerate(GAUGES):
        samples = [
            (labels, sizes[index]) for labels, sizes in answered if index < len(sizes)
        ]
        families.append(Family(metric, samples))
    return [family for family in families if family.samples]


def parse_mounts(mountinfo: bytes) -> list[Mount]:
    """Return the mounts of a mountinfo file, see proc_pid_mountinfo(5).

    Lines that are cut short, as a kernel may hand out while mounts change, are left
    out.
    """
    mounts = []
    for line in mountinfo.split(b"\n"):
        before, separator, after = line.partition(b" - ")
        left, right = before.split(b" "), after.split(b" ")
        if not separator or len(left) < 6 or len(right) < 3:  # noqa: PLR2004 - fields
            continue
        options = {*left[5].split(b","), *right[2].split(b",")}
        mounts.append(
            Mount(
                device=_unescape(right[1]).decode("utf-8", "replace"),
                path=_unescape(left[4]),
                kind=_unescape(right[0]).decode("utf-8", "replace"),
                readonly=bool(options & _READONLY_OPTIONS),
            )
        )
    return mounts


def strip_root(path: bytes, root: bytes) -> bytes:
    """Return the path as the host sees it, if its root is mounted at `root`."""
    if root and (path == root or path.startswith(root + b"/")):
        return path[len(root) :] or b"/"
    return path


def _unescape(field: bytes) -> bytes:
    return _ESCAPE.sub(lambda match: bytes((int(match[1], 8),)), field)

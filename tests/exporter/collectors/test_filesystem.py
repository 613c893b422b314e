from __future__ import annotations

import dataclasses
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog.testing

from exporter.collectors.filesystem import (
    Filesystem,
    Mount,
    Sizes,
    ask,
    parse_mounts,
    strip_root,
)
from runtime.clock import SystemClock
from runtime.settings import FilesystemCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host

SIZES = (1000, 500, 400, 90, 80)

MOUNTINFO = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
28 27 254:1 / /data ro,relatime shared:2 master:1 - xfs /dev/vdb rw
"""

GAUGES = ("size_bytes", "free_bytes", "avail_bytes", "files", "files_free")


def _of(found: dict[str, dict[tuple[str, ...], float]], name: str) -> dict[str, float]:
    """Return the values of a gauge by mount point."""
    values = found.get(f"node_filesystem_{name}", {})
    return {mountpoint: value for (_, mountpoint, _), value in values.items()}


@pytest.fixture
def real_time_host(empty_host: Host) -> Host:
    write(empty_host, {"proc/1/mountinfo": MOUNTINFO})
    return dataclasses.replace(empty_host, clock=SystemClock())


class Asked:
    """Answers for mounts; those in `hung` block until they are let go."""

    def __init__(self, *hung: bytes, root: str) -> None:
        self._hung = {os.fsencode(root) + path for path in hung}
        self._root = len(root)
        self.paths: list[bytes] = []
        self.let_go = threading.Event()

    def __call__(self, path: bytes) -> Sizes:
        self.paths.append(path[self._root :])
        if path in self._hung:
            self.let_go.wait(30)
        return SIZES


def test_sizes_of_each_mount_have_device_mountpoint_and_type(
    real_time_host: Host,
) -> None:
    filesystem = Filesystem(real_time_host, FilesystemCollector(), lambda _path: SIZES)
    root, data = ("/dev/vda", "/", "ext4"), ("/dev/vdb", "/data", "xfs")
    assert values(filesystem.collect()) == {
        f"node_filesystem_{name}": {root: value, data: value}
        for name, value in zip(GAUGES, SIZES, strict=True)
    } | {
        "node_filesystem_device_error": {root: 0, data: 0},
        "node_filesystem_readonly": {root: 0, data: 1},
    }


def test_the_sizes_are_those_of_statvfs(tmp_path: Path) -> None:
    found = os.statvfs(tmp_path)
    size, _, _, files, _ = ask(os.fsencode(tmp_path))
    assert (size, files) == (found.f_blocks * found.f_frsize, found.f_files)


@pytest.mark.setting("exporter.paths.rootfs")
def test_mounts_are_asked_below_the_root_of_the_settings(real_time_host: Host) -> None:
    asked = Asked(root="")
    Filesystem(real_time_host, FilesystemCollector(), asked).collect()
    root = os.fsencode(real_time_host.rootfs)
    assert asked.paths == [root + b"/", root + b"/data"]


@pytest.mark.setting("exporter.collectors.filesystem.mount_timeout")
def test_a_hung_mount_is_an_error_and_is_not_asked_again_before_it_answers(
    real_time_host: Host,
) -> None:
    options = FilesystemCollector(mount_timeout="250ms")
    asked = Asked(b"/data", root=real_time_host.rootfs)
    filesystem = Filesystem(real_time_host, options, asked)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            found = values(filesystem.collect())
            assert _of(found, "device_error") == {"/": 0, "/data": 1}
            assert _of(found, "readonly") == {"/": 0, "/data": 1}
            assert _of(found, "size_bytes") == {"/": 1000}
    assert [(line["event"], line["mountpoint"], line["reason"]) for line in logs] == [
        ("mount has no sizes", "/data", "does not answer")
    ]
    assert sorted(asked.paths) == [b"/", b"/", b"/", b"/data"]

    asked.let_go.set()
    with structlog.testing.capture_logs() as logs:
        while _of(found, "device_error")["/data"]:
            found = values(filesystem.collect())
    assert _of(found, "size_bytes") == {"/": 1000, "/data": 1000}
    assert [line["event"] for line in logs] == ["mount has sizes again"]


@pytest.mark.setting("exporter.collectors.filesystem.mount_timeout")
@pytest.mark.parametrize(
    ("timeout", "deadline", "waits"), [("200ms", 5.0, 0.2), ("5s", 5.0, 4.0)]
)
def test_a_mount_may_take_the_timeout_but_never_the_whole_deadline(
    empty_host: Host, timeout: str, deadline: float, waits: float
) -> None:
    host = dataclasses.replace(empty_host, deadline=deadline)
    filesystem = Filesystem(host, FilesystemCollector(mount_timeout=timeout))
    assert filesystem._timeout == waits


def test_a_mount_that_refuses_is_an_error(real_time_host: Host) -> None:
    def refuse(path: bytes) -> Sizes:
        if path.endswith(b"data"):
            raise PermissionError(13, "Permission denied")
        return SIZES

    filesystem = Filesystem(real_time_host, FilesystemCollector(), refuse)
    with structlog.testing.capture_logs() as logs:
        filesystem.collect()
        found = values(filesystem.collect())
    assert [(line["mountpoint"], line["reason"]) for line in logs] == [
        ("/data", "[Errno 13] Permission denied")
    ]
    assert _of(found, "device_error") == {"/": 0, "/data": 1}
    assert _of(found, "files") == {"/": 90}


@pytest.mark.setting("exporter.collectors.filesystem.exclude_mounts")
@pytest.mark.setting("exporter.collectors.filesystem.exclude_types")
@pytest.mark.parametrize(
    ("options", "mounts"),
    [
        (FilesystemCollector(), {"/", "/data"}),
        (FilesystemCollector(exclude_mounts="^/data$"), {"/"}),
        (FilesystemCollector(exclude_types="^xfs$"), {"/"}),
        (
            FilesystemCollector(exclude_mounts="^$", exclude_types="^ext4$"),
            {"/proc", "/data"},
        ),
    ],
)
def test_mounts_and_types_that_the_settings_exclude_are_left_out(
    real_time_host: Host, options: FilesystemCollector, mounts: set[str]
) -> None:
    filesystem = Filesystem(real_time_host, options, lambda _path: SIZES)
    assert _of(values(filesystem.collect()), "size_bytes").keys() == mounts


def test_the_same_mount_twice_is_exposed_once(real_time_host: Host) -> None:
    write(real_time_host, {"proc/1/mountinfo": MOUNTINFO + MOUNTINFO})
    filesystem = Filesystem(real_time_host, FilesystemCollector(), lambda _path: SIZES)
    assert len(values(filesystem.collect())["node_filesystem_size_bytes"]) == 2


def test_where_the_first_process_is_hidden_the_own_mounts_are_taken(
    empty_host: Host,
) -> None:
    write(empty_host, {"proc/self/mountinfo": MOUNTINFO})
    host = dataclasses.replace(empty_host, clock=SystemClock())
    filesystem = Filesystem(host, FilesystemCollector(), lambda _path: SIZES)
    assert _of(values(filesystem.collect()), "size_bytes").keys() == {"/", "/data"}


def test_escapes_and_odd_bytes_in_mountinfo_are_read() -> None:
    line = rb"36 35 0:9 / /a\040b\011c\134d rw,nosuid - fuse.my\040fs srv:/x\012y rw"
    assert parse_mounts(line + b"\n" + b"37 35 0:9 / /\xff rw - tmpfs  ro\n") == [
        Mount("srv:/x\ny", b"/a b\tc\\d", "fuse.my fs", readonly=False),
        Mount("", b"/\xff", "tmpfs", readonly=True),
    ]


@pytest.mark.parametrize(
    "line",
    [b"", b"27 1 254:0 / / rw,relatime", b"27 1 - ext4", b"27 1 254:0 / / rw - "],
)
def test_lines_that_are_cut_short_are_left_out(line: bytes) -> None:
    assert parse_mounts(line + b"\n") == []


@pytest.mark.parametrize(
    ("path", "root", "expected"),
    [
        (b"/boot", b"", b"/boot"),
        (b"/host/boot", b"/host", b"/boot"),
        (b"/host", b"/host", b"/"),
        (b"/hostel", b"/host", b"/hostel"),
    ],
)
def test_the_root_is_stripped_from_mount_points(
    path: bytes, root: bytes, expected: bytes
) -> None:
    assert strip_root(path, root) == expected


def test_mounts_whose_names_are_no_text_are_still_asked(real_time_host: Host) -> None:
    mountinfo = b"28 27 254:1 / /\xff rw - xfs /dev/vdb rw\n"
    Path(real_time_host.procfs, "1", "mountinfo").write_bytes(mountinfo)
    asked = Asked(root=real_time_host.rootfs)
    filesystem = Filesystem(real_time_host, FilesystemCollector(), asked)
    found = values(filesystem.collect())
    assert _of(found, "size_bytes") == {"/\N{REPLACEMENT CHARACTER}": 1000}
    assert asked.paths == [b"/\xff"]

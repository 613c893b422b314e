from __future__ import annotations

import errno
import os
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.perf_events import (
    ATTRIBUTES,
    CACHE,
    DTLB,
    MISS,
    READ_FORMAT,
    SOFTWARE,
    WRITE,
    Event,
    Linux,
    Reading,
    parse_reading,
)

if TYPE_CHECKING:
    from pathlib import Path

# struct perf_event_attr of linux/perf_event.h as of PERF_ATTR_SIZE_VER0.
OFFSETS = {
    "type": (0, 4),
    "size": (4, 4),
    "config": (8, 8),
    "sample_period": (16, 8),
    "sample_type": (24, 8),
    "read_format": (32, 8),
    "flags": (40, 8),
    "wakeup_events": (48, 4),
    "bp_type": (52, 4),
    "config1": (56, 8),
}
FIRST_SIZE = 64

PROGRAM = """
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#define AT(field) printf(#field " %zu\\n", offsetof(struct perf_event_attr, field))
int main(void) {
  AT(type); AT(size); AT(config); AT(sample_period); AT(sample_type); AT(read_format);
  AT(wakeup_events); AT(bp_type); AT(config1);
  printf("VER0 %d\\n", PERF_ATTR_SIZE_VER0);
  printf("format %d\\n", PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED
         | PERF_FORMAT_TOTAL_TIME_RUNNING);
  printf("tlb %d\\n", PERF_COUNT_HW_CACHE_DTLB | PERF_COUNT_HW_CACHE_OP_WRITE << 8
         | PERF_COUNT_HW_CACHE_RESULT_MISS << 16);
  printf("types %d %d\\n", PERF_TYPE_SOFTWARE, PERF_TYPE_HW_CACHE);
  printf("cloexec %d\\n", (int)PERF_FLAG_FD_CLOEXEC);
  return 0;
}
"""


def test_fields_are_where_the_kernel_looks_for_them() -> None:
    codes = ATTRIBUTES.format.removeprefix("=")
    assert len(codes) == len(OFFSETS)
    for at, (offset, size) in enumerate(OFFSETS.values()):
        assert struct.calcsize(f"={codes[:at]}") == offset
        assert struct.calcsize(codes[at]) == size
    assert ATTRIBUTES.size == FIRST_SIZE


def test_attributes_say_what_is_counted_and_how_it_is_read() -> None:
    packed = Event.of_cache(DTLB, WRITE, MISS).attributes()
    assert len(packed) == FIRST_SIZE
    assert struct.unpack_from("=IIQ", packed) == (CACHE, FIRST_SIZE, 0x10103)
    assert struct.unpack_from("=Q", packed, 32) == (READ_FORMAT,)
    assert packed[40:] == bytes(24)


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a compiler")
def test_the_layout_is_that_of_the_header(tmp_path: Path) -> None:
    (tmp_path / "at.c").write_text(PROGRAM)
    subprocess.run(["cc", "-o", "at", "at.c"], cwd=tmp_path, check=True, timeout=60)
    said = subprocess.check_output([tmp_path / "at"], text=True, timeout=60)
    lines = dict(line.split(" ", 1) for line in said.splitlines())
    offsets = {name: str(offset) for name, (offset, _) in OFFSETS.items()}
    del offsets["flags"]
    assert offsets.items() <= lines.items()
    assert lines["VER0"] == str(FIRST_SIZE)
    assert lines["format"] == str(READ_FORMAT)
    assert lines["tlb"] == str(Event.of_cache(DTLB, WRITE, MISS).config)
    assert lines["types"] == f"{SOFTWARE} {CACHE}"
    assert lines["cloexec"] == "8"


def test_a_reading_is_times_and_counts() -> None:
    assert parse_reading(struct.pack("=5Q", 2, 90, 30, 7, 8)) == Reading(90, 30, (7, 8))
    assert parse_reading(b"") is None


def test_the_kernel_counts_context_switches_of_a_cpu() -> None:
    linux = Linux()
    leader = linux.open(Event(SOFTWARE, 3), 0, -1)
    member = linux.open(Event(SOFTWARE, 2), 0, leader)
    try:
        assert not os.get_inheritable(leader)
        before = linux.read(leader, 2)
        subprocess.run(["true"], check=True, timeout=60)
        after = linux.read(leader, 2)
        assert before is not None
        assert after is not None
        assert after.enabled > before.enabled
        assert after.running <= after.enabled
        assert after.counts[1] >= before.counts[1]
    finally:
        linux.close(member)
        linux.close(leader)


def test_what_cannot_be_counted_says_why() -> None:
    with pytest.raises(OSError, match="Invalid argument") as raised:
        Linux().open(Event(SOFTWARE, 3), 4095, -1)
    assert raised.value.errno in {errno.EINVAL, errno.ENODEV}

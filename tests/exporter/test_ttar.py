from __future__ import annotations

from typing import TYPE_CHECKING

from tests.exporter.ttar import unpack

if TYPE_CHECKING:
    from pathlib import Path


def test_folders_files_and_links_come_out_as_they_went_in(tmp_path: Path) -> None:
    archive = tmp_path / "archive.ttar"
    archive.write_bytes(
        b"# Archive\n"
        b"Directory: sys/empty\nMode: 755\n# ttar - -\n"
        b"Path: sys/lines\nLines: 2\none\ntwo\nMode: 644\n# ttar - -\n"
        b"Path: sys/open\nLines: 1\nno newline at the endEOF\nMode: 644\n# ttar - -\n"
        b"Path: sys/binary\nLines: 1\naNULLBYTEb\nMode: 644\n# ttar - -\n"
        b"Path: sys/nothing\nLines: 0\nMode: 644\n# ttar - -\n"
        b"Path: sys/link\nSymlinkTo: lines\n"
    )
    unpack(archive, tmp_path)
    root = tmp_path / "sys"
    assert (root / "empty").is_dir()
    assert (root / "lines").read_bytes() == b"one\ntwo\n"
    assert (root / "open").read_bytes() == b"no newline at the end"
    assert (root / "binary").read_bytes() == b"a\0b\n"
    assert (root / "nothing").read_bytes() == b""
    assert (root / "link").read_bytes() == b"one\ntwo\n"

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from pydantic import SecretStr

from runtime.config import SettingsError, read_secret

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.touch(mode=0o600)
    return path


def test_nothing_set_is_no_secret() -> None:
    assert read_secret(None, None) is None


def test_a_value_is_taken_before_a_file(file: Path) -> None:
    assert read_secret(SecretStr("hunter2"), file) == "hunter2"


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b" hunter2 ", " hunter2 "),
        ("gr\u00fcn\n".encode(), "gr\u00fcn"),
    ],
)
def test_one_newline_at_the_end_is_no_part_of_a_secret(
    file: Path, content: bytes, secret: str
) -> None:
    file.write_bytes(content)
    assert read_secret(None, file) == secret


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the secret is empty"),
        (b"\n", "the secret is empty"),
        (b"one\ntwo\n", "the secret is more than one line"),
        (b"one\n\n", "the secret is more than one line"),
        (b"\xff\xfe", "the secret is not UTF-8 text"),
        (b"x" * 65537, "the secret is longer than 64 KiB"),
    ],
)
def test_what_cannot_be_a_secret_is_refused(
    file: Path, content: bytes, problem: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        read_secret(None, file)
    assert caught.value.problems == (f"{file}: {problem}",)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read_secret(None, tmp_path / "none")
    assert caught.value.problems == (
        f"{tmp_path}/none: the secret cannot be read: no such file or directory",
    )


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read_secret(None, tmp_path)
    assert caught.value.problems == (
        f"{tmp_path}: the secret cannot be read: is a directory",
    )


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o644, True)])
def test_a_file_that_everybody_can_read_is_warned_about(
    file: Path, mode: int, *, warned: bool
) -> None:
    file.write_text("hunter2\n")
    os.chmod(file, mode)  # noqa: PTH101 - the mode as it is, whatever the umask
    expected: list[Any] = [
        {
            "event": "secret file can be read by everybody",
            "file": str(file),
            "log_level": "warning",
        }
    ]
    with structlog.testing.capture_logs() as logs:
        assert read_secret(None, file) == "hunter2"
    assert logs == (expected if warned else [])

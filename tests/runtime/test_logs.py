from __future__ import annotations

import io
import json
import logging
import re
import warnings
from typing import Any

import pytest
import structlog

from runtime.logs import configure
from runtime.settings import Log

ISO_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def without_time(record: dict[str, Any]) -> dict[str, Any]:
    assert ISO_UTC.fullmatch(record.pop("timestamp"))
    return record


def test_a_json_line_holds_time_level_logger_event_and_facts() -> None:
    stream = io.StringIO()
    configure(Log(format="json"), stream)
    structlog.get_logger("bridge.engine").info("window done", source="local", rows=7)
    (record,) = lines(stream)
    assert without_time(record) == {
        "level": "info",
        "logger": "bridge.engine",
        "event": "window done",
        "source": "local",
        "rows": 7,
    }


def test_logs_of_libraries_come_out_in_the_same_form() -> None:
    stream = io.StringIO()
    configure(Log(format="json"), stream)
    logging.getLogger("urllib3").warning("retry %d", 2, extra={"host": "h"})
    (record,) = lines(stream)
    assert without_time(record) == {
        "level": "warning",
        "logger": "urllib3",
        "event": "retry 2",
        "host": "h",
    }


def test_python_warnings_are_logged() -> None:
    stream = io.StringIO()
    configure(Log(format="json"), stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure(Log(format="json"), stream)
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(capture=False)
    (record,) = lines(stream)
    assert record["logger"] == "py.warnings"
    assert "DeprecationWarning: old ways" in record["event"]


def test_an_exception_is_one_json_line_with_its_traceback() -> None:
    stream = io.StringIO()
    configure(Log(format="json"), stream)
    try:
        int("too late")
    except ValueError:
        structlog.get_logger("x").exception("failed")
    (record,) = lines(stream)
    assert record["level"] == "error"
    assert record["exception"].startswith("Traceback (most recent call last):")
    assert record["exception"].endswith(
        "ValueError: invalid literal for int() with base 10: 'too late'"
    )


@pytest.mark.setting("log.level")
@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_messages_below_the_level_are_left_out(level: str, written: list[str]) -> None:
    stream = io.StringIO()
    configure(Log.model_validate({"level": level, "format": "json"}), stream)
    ours, library = structlog.get_logger("ours"), logging.getLogger("library")
    for logger in (ours, library):
        for method in ("debug", "info", "warning", "error"):
            getattr(logger, method)("said")
    assert [(r["logger"], r["level"]) for r in lines(stream)] == [
        (logger, level) for logger in ("ours", "library") for level in written
    ]


@pytest.mark.setting("log.format")
@pytest.mark.parametrize(
    ("form", "stream", "is_json"),
    [
        ("auto", io.StringIO(), True),
        ("auto", Terminal(), False),
        ("json", Terminal(), True),
        ("text", io.StringIO(), False),
    ],
)
def test_auto_is_text_on_a_terminal_and_json_elsewhere(
    form: str, stream: io.StringIO, *, is_json: bool
) -> None:
    configure(Log.model_validate({"format": form}), stream)
    structlog.get_logger("x").info("hello")
    assert stream.getvalue().startswith("{") is is_json


def test_text_has_colours_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    pipe, terminal, plain = io.StringIO(), Terminal(), Terminal()
    for stream in (pipe, terminal):
        configure(Log(format="text"), stream)
        structlog.get_logger("x").info("hello", rows=7)
    monkeypatch.setenv("NO_COLOR", "1")
    configure(Log(format="text"), plain)
    structlog.get_logger("x").info("hello", rows=7)
    assert "\x1b[" in terminal.getvalue()
    for stream in (pipe, plain):
        time, rest = stream.getvalue().split(" ", 1)
        assert ISO_UTC.fullmatch(time)
        assert re.sub(r" +", " ", rest) == "[info ] hello [x] rows=7\n"


def test_a_traceback_in_text_does_not_show_local_variables() -> None:
    stream = io.StringIO()
    configure(Log(format="text"), stream)
    hidden = "hunter2"
    try:
        int(hidden[:0])
    except ValueError:
        structlog.get_logger("x").exception("failed")
    assert "ValueError: invalid literal" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_values_under_the_names_of_secrets_are_hidden(form: str) -> None:
    stream = io.StringIO()
    configure(Log.model_validate({"format": form}), stream)
    secrets = dict.fromkeys(("token", "password", "api_key"), "hunter2")
    structlog.get_logger("x").info("asked", **secrets)
    logging.getLogger("y").info("asked", extra={"authorization": "hunter2"})
    assert "hunter2" not in stream.getvalue()
    assert stream.getvalue().count("**********") == 4


def test_configuring_again_replaces_the_stream() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure(Log(), first)
    configure(Log(), second)
    structlog.get_logger("x").info("hello")
    logging.getLogger("y").info("hello")
    assert first.getvalue() == ""
    assert len(lines(second)) == 2

"""Logs on one stream: text for people, JSON lines for machines.

Loggers of libraries go the same way as ours, so that a line looks the same wherever it
comes from. Values under the names of secrets are never written.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Final, TextIO

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

    from runtime.settings import Log

HIDDEN: Final = "**********"
"""What stands in for a secret, in logs and in dumps of the settings."""

_SECRETS: Final = frozenset(
    {"api_key", "authorization", "bearer_token", "password", "secret", "token"}
)


def configure(log: Log, stream: TextIO) -> None:
    """Write everything from `log.level` up to the stream, in the asked format.

    Times are ISO 8601 in UTC. May be called again; the last call wins.
    """
    level = logging.getLevelNamesMapping()[log.level.upper()]
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *_shared()],
            processors=_written(log, stream),
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        _hide_secrets,
    ]


def _written(log: Log, stream: TextIO) -> list[Processor]:
    text = stream.isatty() if log.format == "auto" else log.format == "text"
    if text:
        render: list[Processor] = [
            structlog.dev.ConsoleRenderer(
                colors=stream.isatty() and not os.environ.get("NO_COLOR"),
                # The default shows local variables, and with them secrets.
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    else:
        render = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render]


def _hide_secrets(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    del logger, method
    for name in event.keys() & _SECRETS:
        event[name] = HIDDEN
    return event

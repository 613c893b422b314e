"""The command `epimetheus-exporter`: builds the parts, starts and stops them.

Exit codes: 0 for a clean end, 1 if it cannot listen or, with --once, if a collector
failed, 2 for wrong usage or wrong settings. With --compat, 1 if a name is not known or
an expression is not understood.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click
import structlog

from exporter.composition import registry_of, services
from exporter.otlp.options import options_of
from exporter.render import text_renderer
from exporter.server import CannotListen
from exporter.telemetry import Telemetry, version
from runtime import config, logs, service
from runtime.clock import SystemClock

if TYPE_CHECKING:
    from exporter.otlp.options import Options
    from exporter.registry import Registry
    from runtime.settings import Settings

log = structlog.get_logger(__name__)

_CANNOT_RUN: Final = 1
_WRONG_SETTINGS: Final = 2


@click.command()
@click.option(
    "--config",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Settings file; ./config.yaml if it exists, defaults otherwise.",
)
@click.option("--check", is_flag=True, help="Check the settings and exit.")
@click.option("--once", is_flag=True, help="Print the metrics and exit.")
@click.option(
    "--compat",
    metavar="[FILE]",
    is_flag=False,
    flag_value="",
    help="Print which metrics of a Grafana dashboard or a file of rules are served,"
    " of well-known dashboards without a file, and exit.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="Overrides log.level.",
)
@click.version_option(version(), prog_name="epimetheus-exporter")
def command(
    path: Path | None,
    compat: str | None,
    log_level: str | None,
    *,
    check: bool,
    once: bool,
) -> None:
    """Measure this host and answer Prometheus at /metrics."""
    if check:
        sections = ("exporter", "probes")
        sys.exit(config.check(path, os.environ, sys.stdout, sections, _push_of))
    try:
        settings = config.load(path, os.environ)
        level = {"level": log_level} if log_level else {}
        settings = settings.model_copy(
            update={"log": settings.log.model_copy(update=level)}
        )
        logs.configure(settings.log, sys.stderr)
        exporter = settings.exporter
        token = config.read_secret(exporter.token, exporter.token_file)
        key = config.read_secret(exporter.prober.key, exporter.prober.key_file)
        push = _push_of(settings)
    except config.SettingsError as error:
        _end(_WRONG_SETTINGS, *error.problems)
    registry = registry_of(exporter)
    if once:
        _print_once(registry)
    elif compat is not None:
        _print_compat(registry, compat)
    else:
        _serve(settings, registry, token, key, push)


def _push_of(settings: Settings) -> Options | None:
    """Return how to push, if at all; raises SettingsError."""
    otlp = settings.exporter.otlp
    headers = config.read_secret(otlp.headers, otlp.headers_file)
    return options_of(otlp, os.environ, headers)


def _print_once(registry: Registry) -> None:
    found = registry.scrape(registry.names)
    families = (*found.families, *Telemetry(SystemClock()).families())
    click.echo(text_renderer().render(families), nl=False)
    if any(report.state in {"failed", "hung"} for report in found.reports):
        sys.exit(_CANNOT_RUN)


def _print_compat(registry: Registry, file: str) -> None:
    # What reads PromQL costs memory that only who asks for it spends.
    from exporter.compat import files, reading  # noqa: PLC0415
    from exporter.compat.verdict import judge_of  # noqa: PLC0415

    try:
        asked = files.read_file(Path(file)) if file else None
    except files.NotReadable as error:
        _end(_WRONG_SETTINGS, str(error))
    judge = judge_of(registry, [Telemetry(SystemClock()).families])
    readings = reading.of_lists(judge)
    if asked is not None:
        readings = [reading.of_asked(judge, asked)]
    for one in readings:
        for line in reading.lines(one):
            click.echo(line)
    if not all(one.is_fine for one in readings):
        sys.exit(_CANNOT_RUN)


def _serve(
    settings: Settings,
    registry: Registry,
    token: str | None,
    key: str | None,
    push: Options | None,
) -> None:
    exporter = settings.exporter
    if token is None and not exporter.listen.is_loopback:
        log.warning(
            "everyone who reaches this address can read the metrics",
            listen=str(exporter.listen),
            remedy="set exporter.token_file",
        )
    parts = services(settings, registry, token, key, push)
    stop = threading.Event()
    service.stop_on_signals(stop)
    # What is there now stays; without it in the way, collections are short.
    gc.freeze()
    try:
        service.run(parts, stop)
    except CannotListen as error:
        _end(_CANNOT_RUN, str(error))


def _end(code: int, *problems: str) -> NoReturn:
    for problem in problems:
        click.echo(f"epimetheus-exporter: {problem}", err=True)
    sys.exit(code)


def main() -> None:
    """Run the command; the entry point of the installed script."""
    command()


if __name__ == "__main__":
    main()

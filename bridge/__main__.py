"""The command `epimetheus`: keeps rollups, answers questions, looks after itself.

Exit codes: 0 for success, 1 if something failed, 2 for wrong usage or settings.
Commands are loaded when they are used, so that `--help` is quick.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click

from bridge.cli.invocation import Invocation
from bridge.version import version

COMMANDS: Final = {
    "serve": "Keep rollups and answer questions until a signal ends it.",
    "check": "Check the settings, the database and the sources.",
    "migrate": "Show or change what the tables of the database look like.",
    "key": "Create, list and revoke API keys.",
    "coverage": "Show which windows are done, and which are not and why.",
    "move": "Copy everything into another database, and compare.",
    "archive": "Write the rollups of a span into one file.",
    "backfill": "Roll up history that the sources still have.",
    "retention": "Delete what is older than the settings keep it.",
    "query": "Print rollups of series.",
    "compare": "Compare series with an earlier time.",
    "explain": "Say what a number is made of.",
    "verify": "Compare rollups with what the sources have now.",
    "restatements": "Print what was changed after it had been said.",
    "correct": "Say that samples were wrong, and take it back.",
    "destination": "List and edit what is probed; tell how it is.",
    "job": "List and edit who probes what and when; start and stop it.",
    "module": "List and edit named probes.",
    "maintenance": "List and edit when destinations are left alone.",
    "run": "List runs of jobs, and export what they found.",
}
"""The commands; each is the click command `command` of `bridge.cli.NAME`."""

_WRONG_SETTINGS: Final = 2


class Commands(click.Group):
    """Knows the commands by name, and loads the one that is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which they are shown."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command, None if there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"bridge.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write what the commands do, without loading them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what an operator can mend is said in a line each."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            # The failures that are known come with the commands that meet them.
            from bridge.cli.failures import explain  # noqa: PLC0415 - see above

            explained = explain(error)
            if explained is None:
                raise
            for line in explained.lines:
                click.echo(f"epimetheus: {line}", err=True)
            ctx.exit(explained.code)


@click.group(cls=Commands, invoke_without_command=True)
@click.option(
    "--config",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Settings file; ./config.yaml if it exists, defaults otherwise.",
)
@click.option("--check", is_flag=True, help="Check the settings and exit.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="Overrides log.level.",
)
@click.version_option(version(), prog_name="epimetheus")
@click.pass_context
def command(
    ctx: click.Context, path: Path | None, log_level: str | None, *, check: bool
) -> None:
    """Keep the long memory of Prometheus: exact rollups in plain SQL."""
    ctx.obj = Invocation(path, log_level, os.environ)
    if check:
        from runtime import config  # noqa: PLC0415 - pydantic is slow to load

        sections = ("database", "sources")
        ctx.exit(config.check(path, os.environ, sys.stdout, sections))
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        ctx.exit(_WRONG_SETTINGS)


def main() -> None:
    """Run the command; the entry point of the installed script."""
    command()


if __name__ == "__main__":
    main()

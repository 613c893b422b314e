"""The subcommands that destinations, jobs, modules and maintenance have in common.

Keys and values are those of config.yaml: `epimetheus job add lan interval=30s
tags=[lan]`. What a command changes, agents do within seconds.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.probed import as_json, nested, print_json, probed, read_pairs
from bridge.cli.tables import show
from bridge.probing.documents import entry_document
from models.queries.entries import Sought
from runtime.document import read as read_document
from runtime.problems import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bridge.probing.entries import Kind

_MOST: Final = 100_000
_EXAMPLES: Final = {
    "destinations": "'tags=[lan, web]'",
    "jobs": "'destinations=[gateway]' 'windows=[{start: 08:30, end: 17:00}]'",
    "modules": "kind=http 'statuses=[2xx, \"404\"]'",
    "maintenance": "'tags=[web]' end=2026-11-22T06:00:00Z",
}
_PAIRS: Final = click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...")
_FILE: Final = click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keys and values from a YAML file, below those of the command line.",
)


def add_commands(
    group: click.Group,
    kind: Kind,
    headings: Sequence[str],
    row: Callable[[dict[str, Any]], Sequence[str]],
) -> None:
    """Give a group list, show, add, change and remove.

    `row` makes a line of the list of an entry as the API tells it.
    """
    group.add_command(_list(kind, headings, row))
    group.add_command(_show(kind))
    group.add_command(_add(kind))
    group.add_command(_change(kind))
    group.add_command(_remove(kind))


def _list(
    kind: Kind,
    headings: Sequence[str],
    row: Callable[[dict[str, Any]], Sequence[str]],
) -> click.Command:
    @click.command("list", help=f"List {kind.key}, by name.")
    @click.option("--query", default="", help="Only what has this text somewhere.")
    @click.option("--tag", "tags", multiple=True, help="Only what has all these tags.")
    @as_json
    @pass_invocation
    def command(
        invocation: Invocation, *, query: str, tags: tuple[str, ...], plain: bool
    ) -> None:
        with probed(invocation) as here:
            found = here.catalogue.listed(kind, Sought(query, tags), limit=_MOST)
            told = [entry_document(entry, here.now) for entry in found]
        if plain:
            print_json({kind.key: told})
        else:
            show(headings, [row(one) for one in told])

    return command


def _show(kind: Kind) -> click.Command:
    @click.command("show", help=f"Show a {kind.word} with all its settings.")
    @click.argument("name")
    @as_json
    @pass_invocation
    def command(invocation: Invocation, name: str, *, plain: bool) -> None:
        with probed(invocation) as here:
            told = entry_document(here.catalogue.entry(kind, name), here.now)
        _print(told, plain=plain)

    return command


def _add(kind: Kind) -> click.Command:
    @click.command(
        "add",
        short_help=f"Add the {kind.word} NAME, by the keys of config.yaml.",
        help=f"Add the {kind.word} NAME, by the keys of config.yaml; values are YAML, "
        f"in quotes for the shell: {_EXAMPLES[kind.key]}.",
    )
    @click.argument("name")
    @_PAIRS
    @_FILE
    @as_json
    @pass_invocation
    def command(
        invocation: Invocation,
        name: str,
        pairs: tuple[str, ...],
        *,
        file: Path | None,
        plain: bool,
    ) -> None:
        document = {**_read(file), **read_pairs(pairs), "name": name}
        document = {key: value for key, value in document.items() if value is not None}
        with probed(invocation) as here:
            made = here.catalogue.create(kind, document, here.author)
            told = entry_document(made, here.now)
        _print(told, plain=plain)

    return command


def _change(kind: Kind) -> click.Command:
    @click.command(
        "change",
        help=f"Change settings of the {kind.word} NAME; `KEY=` gives a key its default "
        "again.",
    )
    @click.argument("name")
    @_PAIRS
    @_FILE
    @as_json
    @pass_invocation
    def command(
        invocation: Invocation,
        name: str,
        pairs: tuple[str, ...],
        *,
        file: Path | None,
        plain: bool,
    ) -> None:
        patch = {**_read(file), **read_pairs(pairs)}
        if not patch:
            raise click.UsageError("write what is to be changed, as KEY=VALUE")
        with probed(invocation) as here:
            changed = here.catalogue.patch(kind, name, patch, here.author)
            told = entry_document(changed, here.now)
        _print(told, plain=plain)

    return command


def _remove(kind: Kind) -> click.Command:
    @click.command("remove", help=f"Remove a {kind.word} that no other entry names.")
    @click.argument("name")
    @pass_invocation
    def command(invocation: Invocation, name: str) -> None:
        with probed(invocation) as here:
            here.catalogue.remove(kind, name, here.author)
        click.echo(f"removed {kind.word} {name}")

    return command


def _print(told: dict[str, Any], *, plain: bool) -> None:
    if plain:
        print_json(told)
        return
    facts = {key: told[key] for key in ("origin", "revision")}
    show(("key", "value"), list(nested({**told["settings"], **facts})))


def _read(file: Path | None) -> dict[str, Any]:
    """Return the keys of a file; raise SettingsError."""
    problems: list[str] = []
    found = {} if file is None else read_document(file, problems)
    if problems:
        raise SettingsError(problems)
    return found

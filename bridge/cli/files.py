"""Results as files, for the commands that export them."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any, Final, cast

import click

from bridge.answers.probes import exports
from bridge.answers.probes.asked import Asked, picked
from bridge.cli.probed import span_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from bridge.answers.times import Span
    from bridge.cli.probed import Probed
    from models.queries.results import Picked

FORMATS: Final = ("csv", "json", "xlsx")


def to_file(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options --format and --output."""
    form = click.option(
        "--format", "form", default="csv", type=click.Choice(FORMATS), help="What kind."
    )
    output = click.option(
        "--output",
        default="-",
        type=click.File("wb", lazy=True),
        help="File to write; standard output without.",
    )
    return form(output(command))


def export(
    here: Probed,
    asked: Asked,
    times: tuple[str | None, str | None],
    form: str,
    output: BinaryIO,
) -> None:
    """Write all results that are asked for, oldest first; raise QuestionError."""
    span = span_of(*times, here.now)
    of = picked(here.db, asked, span)
    if form == "csv":
        output.writelines(text.encode() for text in exports.to_csv(here.db, of))
    elif form == "json":
        output.writelines(exports.to_json(here.db, of))
        output.write(b"\n")
    else:
        _workbook(here, of, span, output)


def _workbook(here: Probed, of: Picked, span: Span, output: BinaryIO) -> None:
    # It is large, and only this format needs it.
    from bridge.answers.probes import workbook  # noqa: PLC0415 - see above

    if sys.stdout.isatty() and getattr(output, "name", "-") in {"-", "<stdout>"}:
        raise click.UsageError("a workbook is no text: name a file with --output")
    book = io.BytesIO()
    workbook.write(here.db, of, span, cast("BinaryIO", book))
    output.write(book.getvalue())

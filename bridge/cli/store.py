"""The database as commands find it that only look at it."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bridge.answers.find import check_source
from bridge.cli.failures import CommandError
from bridge.storage import open_store, refuse_unfinished
from models.archive import opened
from models.migrate import Migrations
from models.queries.series import count_by_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.database import Database
    from runtime.settings import Settings

_SQLITE: Final = "sqlite:///"


@contextmanager
def existing_store(settings: Settings) -> Iterator[Database]:
    """Give the database, and close it; nothing is made and nothing is migrated.

    Raises CommandError where it is not there or has pending migrations, and MoveRefused
    where it is the target of a move that has not ended.
    """
    refuse_absent(settings)
    db = open_store(settings.database)
    try:
        refuse_unfinished(db)
        pending = Migrations(db).pending()
        if pending:
            raise CommandError(
                f"migrations are pending: {', '.join(pending)}; "
                "run `epimetheus migrate up`"
            )
        yield db
    finally:
        db.close()


@contextmanager
def asked_store(settings: Settings, archive: Path | None) -> Iterator[Database]:
    """Give the database, or instead of it an archive, which is only read.

    Raises CommandError as `existing_store`, and ArchiveError.
    """
    if archive is None:
        with existing_store(settings) as db:
            yield db
    else:
        with opened(archive) as db:
            yield db


def refuse_unknown(db: Database, settings: Settings, source: str | None) -> None:
    """Raise QuestionError for a source that neither settings nor series know."""
    configured = {one.name for one in settings.sources}
    check_source(source, sorted(configured | set(count_by_source(db))))


def refuse_absent(settings: Settings) -> None:
    """Raise CommandError if the database is a file that does not exist."""
    url = settings.database.url
    if url.startswith(_SQLITE) and not Path(url.removeprefix(_SQLITE)).exists():
        raise CommandError(
            f"there is no database at {url.removeprefix(_SQLITE)} yet: "
            "`epimetheus serve` makes it, or `epimetheus migrate up`"
        )

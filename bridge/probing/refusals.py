"""Why what is probed was not changed; see also `bridge.probing.entries.WrongEntry`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.probing.catalogue import Entry
    from bridge.probing.entries import Kind


class NoSuchEntry(LookupError):  # noqa: N818 - a state of the catalogue
    """There is no entry of that name."""

    def __init__(self, kind: Kind, name: str) -> None:
        super().__init__(f"there is no {kind.word} {name!r}")


class NameTaken(Exception):  # noqa: N818 - same
    """There is an entry of that name already."""

    def __init__(self, kind: Kind, name: str) -> None:
        super().__init__(
            f"there is a {kind.word} {name!r} already; choose another name"
        )


class OwnedByConfig(Exception):  # noqa: N818 - same
    """The entry is written in config.yaml, and is changed only there."""

    def __init__(self, kind: Kind, name: str) -> None:
        super().__init__(
            f"the {kind.word} {name!r} belongs to config.yaml: change it there, under "
            f"probes.{kind.key}, and restart the bridge"
        )


class ChangedMeanwhile(Exception):  # noqa: N818 - same
    """Somebody else changed the entry since it was read; `current` is what it is."""

    def __init__(self, current: Entry) -> None:
        self.current = current
        super().__init__(
            f"the {current.kind.word} {current.name!r} was changed since you read it; "
            "look at what it is now, and send its ETag as If-Match"
        )


class InUse(Exception):  # noqa: N818 - same
    """Others name the entry; `users` are what they are called, such as `job a`."""

    def __init__(self, kind: Kind, name: str, users: Sequence[str]) -> None:
        self.users = tuple(users)
        super().__init__(
            f"the {kind.word} {name!r} is used by {', '.join(users)}; "
            "change these first"
        )

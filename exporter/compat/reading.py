"""What is told of the names of dashboards: as values, and as lines for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.compat import known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.compat.files import Asked
    from exporter.compat.verdict import Judge, State, Verdict


class Reading(NamedTuple):
    """What becomes of the names of one dashboard or file; `number` is grafana.com's."""

    title: str
    number: str
    verdicts: list[Verdict]
    places: dict[str, str]
    unread: list[tuple[str, str, str]]

    def of(self, state: State) -> list[Verdict]:
        """Return the verdicts with a state, in the order of names."""
        return [one for one in self.verdicts if one.state == state]

    @property
    def is_fine(self) -> bool:
        """Whether all of it was understood, and every name is known."""
        return not self.unread and not self.of("unknown")


def of_lists(judge: Judge) -> list[Reading]:
    """Return what becomes of the dashboards whose names are known here."""
    return [
        Reading(title, number, judge.judge(known.list_of(number)), {}, [])
        for number, title in known.LISTS.items()
    ]


def of_asked(judge: Judge, asked: Asked) -> Reading:
    """Return what becomes of the names of a file."""
    verdicts = judge.judge(sorted(asked.names), asked.recorded)
    return Reading(asked.title, "", verdicts, asked.names, asked.unread)


def as_json(reading: Reading) -> dict[str, Any]:
    """Return a reading as it is told to programs."""
    return {
        "title": reading.title,
        "number": reading.number,
        "names": [
            {**one._asdict(), "where": reading.places.get(one.name, "")}
            for one in reading.verdicts
        ],
        "unread": [
            {"where": where, "expr": text, "why": why}
            for where, text, why in reading.unread
        ],
    }


def lines(reading: Reading) -> Iterator[str]:
    """Yield lines for a terminal: the sums, then what is not simply served."""
    number = f" ({reading.number})" if reading.number else ""
    yield f"{reading.title}{number}: {summary(reading)}"
    for one in reading.of("silent"):
        yield f"  silent   {one.name}: {one.why}"
    for one in reading.of("unknown"):
        where = reading.places.get(one.name)
        yield f"  unknown  {one.name}" + (f" (in {where})" if where else "")
    for where, text, why in reading.unread:
        yield f"  unread   {' '.join(text.split())} (in {where}): {why}"


def summary(reading: Reading) -> str:
    """Return how many names there are, and what becomes of them."""
    text = (
        f"{len(reading.verdicts)} names, {len(reading.of('served'))} served,"
        f" {len(reading.of('silent'))} silent here,"
        f" {len(reading.of('unknown'))} unknown"
    )
    return text + (f", {len(reading.unread)} unread" if reading.unread else "")

"""Results as a workbook: all of them, what they come to, and charts of it.

Rows go to disk as they are written, so that memory does not grow with them. A sheet has
no more than 1,048,576 rows; further results are on further sheets.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from bridge.answers.probes import charts
from bridge.answers.probes.analytics import MOST_TIMED, SHARES, Figures, figures
from bridge.answers.probes.asked import milliseconds
from bridge.answers.probes.distribution import distribution
from bridge.answers.probes.exports import COLUMNS, TIMES, cell, instant, record
from bridge.answers.probes.quantiles import EXACT, Quantiles
from bridge.answers.writing import harmless
from models.queries import probe_figures, results

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import BinaryIO

    from bridge.answers.times import Span
    from models.database import Database
    from models.queries.results import Picked

SHEETS: Final = ("Results", "Summary", "Success rate", "Distribution")
ROWS: Final = 1_048_576
"""Rows of a sheet, its heading among them."""
_LONGEST: Final = 32_767
"""Characters of a cell."""
_LINES: Final = 20
"""Destinations that have a line of their own; if there are more, probes have."""
_TIME: Final = 'yyyy-mm-dd"T"hh:mm:ss.000"Z"'
_OPTIONS: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
    "nan_inf_to_errors": True,
    "remove_timezone": True,
}
_NAMES: Final = tuple(
    field.name for field in fields(Figures) if field.name not in {"name", "percentiles"}
)
_HEAD: Final = ("destination", "probe", *_NAMES, *(f"rtt_{name}" for name in SHARES))


def write(
    db: Database, of: Picked, span: Span, file: BinaryIO, rows: int = ROWS
) -> None:
    """Write the results of a span, which `of` must be within, as a workbook (xlsx).

    Texts are never formulas: those that look like one get a leading apostrophe.
    """
    # It is large, and only exports need it.
    import xlsxwriter  # noqa: PLC0415 - see above

    book = xlsxwriter.Workbook(file, _OPTIONS)
    try:
        _Book(book, rows).fill(db, of, span)
    finally:
        book.close()


class _Book:
    """A workbook that is being written, sheet by sheet."""

    def __init__(self, book: Any, rows: int) -> None:
        self._book = book
        self._rows = rows
        self._time = book.add_format({"num_format": _TIME})
        self._percent = book.add_format({"num_format": "0.00%"})
        self._bold = book.add_format({"bold": True})

    def fill(self, db: Database, of: Picked, span: Span) -> None:
        sheets = [self._book.add_worksheet(name) for name in SHEETS]
        self._results(sheets[0], db, of)
        self._summary(sheets[1], db, of)
        self._success(sheets[2], db, of, span)
        self._distribution(sheets[3], db, of, span)

    def _heading(self, sheet: Any, names: Iterable[str]) -> None:
        for column, name in enumerate(names):
            sheet.write_string(0, column, name, self._bold)
        sheet.freeze_panes(1, 0)

    def _row(
        self, sheet: Any, line: int, values: Iterable[object], style: Any = None
    ) -> None:
        for column, value in enumerate(values):
            if isinstance(value, str):
                # Longer ones, such as facts of long traces, are cut off by Excel.
                sheet.write_string(line, column, value[:_LONGEST])
            elif value is not None:
                sheet.write_number(line, column, value, style)

    def _results(self, sheet: Any, db: Database, of: Picked) -> None:
        line, number = self._rows, 0
        for row in results.stream(db, of):
            if line == self._rows:
                number += 1
                if number > 1:
                    sheet = self._book.add_worksheet(f"{SHEETS[0]} {number}")
                self._heading(sheet, COLUMNS)
                line = 1
            told = record(row)
            for column, name in enumerate(COLUMNS):
                if name in TIMES:
                    sheet.write_datetime(line, column, instant(told[name]), self._time)
            self._row(
                sheet,
                line,
                (None if name in TIMES else cell(told[name]) for name in COLUMNS),
            )
            line += 1
        if not number:
            self._heading(sheet, COLUMNS)
        sheet.set_column(0, 1, 26)

    def _summary(self, sheet: Any, db: Database, of: Picked) -> None:
        self._heading(sheet, _HEAD)
        pairs = ("destination", "probe")
        tallies = probe_figures.tallies(db, of, pairs)
        times = {tally.key: Quantiles(EXACT // MOST_TIMED) for tally in tallies}
        if len(times) <= MOST_TIMED:
            for page in probe_figures.trips(db, of, pairs):
                if page.group in times:
                    times[page.group].add(page.seconds)
        for line, tally in enumerate(tallies, 1):
            told = figures(tally, times[tally.key])
            values = [getattr(told, name) for name in _NAMES]
            shares = [told.percentiles[name] for name in SHARES]
            self._row(sheet, line, (*map(harmless, tally.key), *values, *shares))
        last = len(tallies)
        self._chart(sheet, "column", SHEETS[1], last, [_HEAD.index("success_rate")])

    def _success(self, sheet: Any, db: Database, of: Picked, span: Span) -> None:
        names = probe_figures.tallies(db, of, ("destination",))
        by = "destination" if len(names) <= _LINES else "probe"
        chart = charts.line(db, of, span, "success", by)
        width = (chart.width or 1) * 1000
        start = milliseconds(span.start) // width * width
        self._heading(sheet, ("time", *(harmless(one.label) for one in chart.datasets)))
        columns = [one.data for one in chart.datasets]
        for place in range(len(chart.labels)):
            at = instant(start + place * width)
            sheet.write_datetime(place + 1, 0, at, self._time)
            values = (None, *(column[place] for column in columns))
            self._row(sheet, place + 1, values, self._percent)
        sheet.set_column(0, 0, 26)
        several = list(range(1, len(columns) + 1))
        self._chart(sheet, "line", SHEETS[2], len(chart.labels), several)

    def _distribution(self, sheet: Any, db: Database, of: Picked, span: Span) -> None:
        self._heading(sheet, ("up to (seconds)", "round-trip times"))
        width = max(int(span.end - span.start), 1)
        found = distribution(db, of, span, width, per_doubling=4)
        totals = found.counts.sum(axis=0).tolist()
        pairs = list(zip(found.bounds.tolist(), totals, strict=True))
        for line, pair in enumerate(pairs, 1):
            self._row(sheet, line, pair)
        self._chart(sheet, "column", SHEETS[3], len(pairs), [1])

    def _chart(
        self, sheet: Any, kind: str, name: str, last: int, columns: Sequence[int]
    ) -> None:
        """Put a chart of some columns beside a table, by its first column."""
        if not last or not columns:
            return
        chart = self._book.add_chart({"type": kind})
        for column in columns:
            chart.add_series(
                {
                    "name": [name, 0, column],
                    "categories": [name, 1, 0, last, 0],
                    "values": [name, 1, column, last, column],
                }
            )
        chart.set_title({"name": name})
        sheet.insert_chart(1, max(columns) + 2, chart, {"x_scale": 2, "y_scale": 1.5})

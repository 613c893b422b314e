from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.answers.errors import QuestionError
from bridge.answers.times import Span, Stretch, format_time, read_span, read_time
from bridge.rollup.windows import Resolution

NOW = 1_795_255_200.5
EXAMPLES = "2026-11-21T10:00:00Z, 1795255200, -1h or now"
NEEDS_ZONE = f"it needs a clock time and a zone, as {EXAMPLES}"
PLUS_IS_SPACE = "write the + of a time zone as %2B in a URL, or use Z"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("now", NOW),
        ("-1h", NOW - 3600),
        ("now-7d", NOW - 604_800),
        ("-1h30m", NOW - 5400),
        ("1795255200", 1_795_255_200.0),
        ("1795255200.25", 1_795_255_200.25),
        ("-60", -60.0),
        ("0", 0.0),
        ("2026-11-21T10:00:00Z", 1_795_255_200.0),
        ("2026-11-21T10:00:00.5Z", 1_795_255_200.5),
        ("2026-11-21t10:00:00z", 1_795_255_200.0),
        ("2026-11-21 10:00:00Z", 1_795_255_200.0),
        ("2026-11-21T11:00:00+01:00", 1_795_255_200.0),
        (" 2026-11-21T10:00:00Z ", 1_795_255_200.0),
    ],
)
def test_times_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert read_time(text, NOW, "start") == seconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("yesterday", f"'yesterday' is not a time; write {EXAMPLES}"),
        ("1h", f"'1h' is not a time; write {EXAMPLES}"),
        ("-1x", f"'-1x' is not a time; write {EXAMPLES}"),
        ("+1h", f"'+1h' is not a time; write {EXAMPLES}"),
        ("", f"'' is not a time; write {EXAMPLES}"),
        ("٣", f"'٣' is not a time; write {EXAMPLES}"),
        (
            "2026-11-21",
            f"'2026-11-21' is not a time: {NEEDS_ZONE}",
        ),
        (
            "2026-11-21T10:00:00",
            f"'2026-11-21T10:00:00' is not a time: {NEEDS_ZONE}",
        ),
        (
            "2026-11-21T11:00:00 01:00",
            f"'2026-11-21T11:00:00 01:00' is not a time: {PLUS_IS_SPACE}",
        ),
        (
            "1795255200000",
            "'1795255200000' is outside the years 1 to 9999; Unix times are in seconds",
        ),
        (
            "-99999y",
            "'-99999y' is outside the years 1 to 9999; Unix times are in seconds",
        ),
    ],
)
def test_anything_else_is_refused_with_what_to_write(text: str, message: str) -> None:
    with pytest.raises(QuestionError) as caught:
        read_time(text, NOW, "end")
    assert (caught.value.parameter, str(caught.value)) == ("end", message)


def test_the_last_hour_is_meant_if_nothing_is_said() -> None:
    assert read_span(None, None, NOW) == Span(NOW - 3600, NOW)
    assert read_span(None, "0", NOW) == Span(-3600, 0)
    assert read_span("-1d", None, NOW) == Span(NOW - 86400, NOW)
    assert read_span(None, None, NOW, 60.0) == Span(NOW - 60, NOW)


@pytest.mark.parametrize("end", ["2026-11-21T10:00:00Z", "2026-11-21T09:00:00Z"])
def test_a_span_that_ends_before_it_starts_is_refused(end: str) -> None:
    with pytest.raises(QuestionError) as caught:
        read_span("2026-11-21T10:00:00Z", end, NOW)
    assert str(caught.value) == (
        f"start (2026-11-21T10:00:00Z) is not before end ({end})"
    )


@pytest.mark.rule(1)
def test_a_span_is_widened_to_whole_windows() -> None:
    minute = Resolution.MINUTE
    assert Span(59.5, 60.5).outward(minute) == Stretch(minute, 0, 120)
    assert Span(60, 120).outward(minute) == Stretch(minute, 60, 120)
    assert Span(-0.5, 0.5).outward(minute) == Stretch(minute, -60, 60)


@pytest.mark.parametrize(
    ("start", "end", "parameter", "said"),
    [
        ("then", None, "--from", "'then' is not a time"),
        (None, "then", "--to", "'then' is not a time"),
        ("60", "0", "--from", "--from (1970-01-01T00:01:00Z) is not before --to ("),
    ],
)
def test_ends_are_called_as_they_are_where_they_are_written(
    start: str | None, end: str | None, parameter: str, said: str
) -> None:
    with pytest.raises(QuestionError) as caught:
        read_span(start, end, NOW, names=("--from", "--to"))
    assert caught.value.parameter == parameter
    assert str(caught.value).startswith(said)


@given(
    st.floats(-1e9, 1e10, allow_nan=False),
    st.floats(0.001, 1e8),
    st.sampled_from(Resolution),
)
def test_a_stretch_is_the_shortest_that_holds_its_span(
    start: float, length: float, resolution: Resolution
) -> None:
    span = Span(start, start + length)
    stretch = span.outward(resolution)
    assert stretch.start <= span.start < stretch.start + resolution.width
    assert stretch.end - resolution.width < span.end <= stretch.end
    assert stretch.start % resolution.width == stretch.end % resolution.width == 0
    assert stretch.windows * resolution.width == stretch.end - stretch.start


def test_a_stretch_is_cut_by_windows() -> None:
    stretch = Stretch(Resolution.MINUTE, 0, 600)
    assert stretch.newest(3) == Stretch(Resolution.MINUTE, 420, 600)
    assert stretch.newest(99) == stretch
    assert stretch.within(60, 120) == Stretch(Resolution.MINUTE, 60, 120)
    assert stretch.within(-60, 9999) == stretch
    assert stretch.within(660, 720).windows == 0
    assert stretch.within(-120, -60).windows == 0


def test_times_are_written_in_utc() -> None:
    assert format_time(1_795_255_200) == "2026-11-21T10:00:00Z"
    assert format_time(0.5) == "1970-01-01T00:00:00.500000Z"

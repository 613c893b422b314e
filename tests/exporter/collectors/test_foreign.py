from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter.collectors.foreign import BadText, Foreign, parse
from tests.exporter.recorded import RECORDED


def test_samples_are_read_with_their_labels() -> None:
    text = (
        "# a comment\n\n"
        "# HELP jobs_total Jobs \\\\ done.\\n\n"
        "# TYPE jobs_total counter\n"
        '  jobs_total{b = "x\\"y\\\\z\\n", a="1",}\t3 \n'
        "free +Inf\n"
    )
    found = parse(text)
    jobs = found["jobs_total"]
    assert (jobs.kind, jobs.help) == ("counter", "Jobs \\ done.\n")
    assert jobs.samples == [("", (("a", "1"), ("b", 'x"y\\z\n')), 3)]
    assert found["free"].samples == [("", (), math.inf)]
    assert (found["free"].kind, found["free"].help) == ("unknown", None)


def test_parts_of_a_distribution_are_its_samples() -> None:
    text = (
        "# TYPE wait histogram\n"
        'wait_bucket{le="+Inf"} 2\nwait_sum 3\nwait_count 2\n'
        "# TYPE size summary\n"
        'size{quantile="0.5"} 1\nsize_count 2\n'
        "other_count 7\nsize_bucket 1\n"
    )
    found = parse(text)
    assert [suffix for suffix, _, _ in found["wait"].samples] == [
        "_bucket",
        "_sum",
        "_count",
    ]
    assert [suffix for suffix, _, _ in found["size"].samples] == ["", "_count"]
    assert found["other_count"].samples == [("", (), 7)]
    assert found["size_bucket"].samples == [("", (), 1)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("up 1", "the last line does not end"),
        ("up 1\ndown\n", "line 2: is no sample: 'down'"),
        ("up 1 1441205977284\n", "line 1: has a timestamp"),
        ("up one\n", "could not convert string to float"),
        ("up 1_0\n", "'1_0' is no number"),
        ("up{a=b} 1\n", "are no labels: 'a=b'"),
        ('up{a="b"c="d"} 1\n', "are no labels"),
        ('up{a="1",a="2"} 1\n', "label a is there twice"),
        ('up{__name__="x"} 1\n', "label __name__ is there twice, or is reserved"),
        ('up{a="\\t"} 1\n', r"there is no escape '\\\\t'"),
        ("# HELP up A.\n# HELP up B.\n", "line 2: a second HELP of up"),
        ("# TYPE up gauge\n# TYPE up gauge\n", "line 2: a second TYPE of up"),
        ("up 1\n# TYPE up gauge\n", "line 2: a second TYPE of up, or one after"),
        ("# TYPE up stateset\n", "'stateset' is no type"),
        ("# TYPE h histogram\nh_bucket 1\n", "is no sample of the histogram h"),
        ("# TYPE h histogram\nh 1\n", "is no sample of the histogram h"),
        ("# TYPE s summary\ns 1\n", "is no sample of the summary s"),
        ("# TYPE s summary\ns_sum{quantile='1'} 1\n", "are no labels"),
        ("1up 1\n", "is no sample"),
    ],
)
def test_what_is_not_in_the_format_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadText, match=reason):
        parse(text)


@given(st.text(max_size=60))
def test_no_text_is_worse_than_refused(text: str) -> None:
    with contextlib.suppress(BadText):
        parse(text)


def test_a_large_exposition_is_read_as_others_read_it() -> None:
    text = (RECORDED / "e2e-output.txt").read_text(encoding="utf-8")
    theirs = {
        family.name: len(family.samples)
        for family in text_string_to_metric_families(text)
        if family.samples
    }
    ours = {
        name.removesuffix("_total") if read.kind == "counter" else name: len(
            read.samples
        )
        for name, read in parse(text).items()
    }
    assert ours == theirs


def test_others_may_call_their_metrics_what_they_like() -> None:
    assert Foreign("things", "counter", "Things.").of(1).samples == (((), 1),)

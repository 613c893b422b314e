from __future__ import annotations

import math
import urllib.request
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import UnknownMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from bridge.receivers.exposition import Exposition, Parser
from bridge.receivers.lines import ExpositionError
from bridge.sources.metadata import Family
from tests.servers import RealNodeExporter, RealPrometheus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from prometheus_client.metrics_core import Metric
    from prometheus_client.samples import Sample

Found = list[tuple[str, dict[str, str], str]]


def found(exposition: Exposition) -> Found:
    """Return samples as tuples; values as text, so that NaN equals NaN."""
    return [
        (identity.metric, dict(identity.labels), repr(value))
        for identity, value in zip(exposition.series, exposition.values, strict=True)
    ]


def parse(text: str, *, is_openmetrics: bool = False) -> Exposition:
    return Parser().parse(text.encode(), openmetrics=is_openmetrics)


TEXT = """\
# HELP http_requests_total The total, with a \\\\ and a\\nnew line and a "quote".
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3\t1395066363000

# just a comment
  # HELP is not this
file_time_seconds{path="C:\\\\A\\\\B.TXT",error="Cannot find:\\n\\"x\\""} 1.458255915e9
metric_without_timestamp_and_labels 12.47
  leading_blanks {  a = "b" , c="d",  } -3.5e-3
something_weird{problem="division by zero }"} +Inf -3982045
empty{} NaN
empty_label{a=""} -Inf
# TYPE latency histogram
latency_bucket{le="+Inf"} 1e3
utf8{name="端口 é"} 5"""


def test_the_examples_of_the_format_are_read() -> None:
    exposition = parse(TEXT)
    assert found(exposition) == [
        ("http_requests_total", {"method": "post", "code": "200"}, "1027.0"),
        ("http_requests_total", {"method": "post", "code": "400"}, "3.0"),
        (
            "file_time_seconds",
            {"path": r"C:\A\B.TXT", "error": 'Cannot find:\n"x"'},
            "1458255915.0",
        ),
        ("metric_without_timestamp_and_labels", {}, "12.47"),
        ("leading_blanks", {"a": "b", "c": "d"}, "-0.0035"),
        ("something_weird", {"problem": "division by zero }"}, "inf"),
        ("empty", {}, "nan"),
        ("empty_label", {"a": ""}, "-inf"),
        ("latency_bucket", {"le": "+Inf"}, "1000.0"),
        ("utf8", {"name": "端口 é"}, "5.0"),
    ]
    assert exposition.times == [
        1395066363000,
        1395066363000,
        None,
        None,
        None,
        -3982045,
        *[None] * 4,
    ]
    assert exposition.families == {
        "http_requests_total": Family(
            "counter", 'The total, with a \\ and a\nnew line and a "quote".'
        ),
        "latency": Family("histogram"),
    }


OPENMETRICS = """\
# TYPE acme_http_router_request_seconds summary
# UNIT acme_http_router_request_seconds seconds
# HELP acme_http_router_request_seconds Latency, \\"quoted\\".
acme_http_router_request_seconds_sum{path="/api/v1",method="GET"} 9036.32 1395066363.5
acme_http_router_request_seconds_created{path="/api/v1",method="GET"} 1605281325.0
# TYPE foo histogram
foo_bucket{le="0.1"} 8 # {} 0.054
foo_bucket{le="1"} 11 123 # {trace_id="KOO } # {5a"} 0.67 1520879607.789
foo_bucket{le="} # {"} 12 # {trace_id="x"} 0.1
# TYPE state stateset
state{state="on"} 1
# EOF
"""


def test_openmetrics_is_read_without_its_exemplars() -> None:
    parser = Parser()
    for _ in range(2):
        exposition = parser.parse(OPENMETRICS.encode(), openmetrics=True)
        assert found(exposition) == [
            (
                "acme_http_router_request_seconds_sum",
                {"path": "/api/v1", "method": "GET"},
                "9036.32",
            ),
            (
                "acme_http_router_request_seconds_created",
                {"path": "/api/v1", "method": "GET"},
                "1605281325.0",
            ),
            ("foo_bucket", {"le": "0.1"}, "8.0"),
            ("foo_bucket", {"le": "1"}, "11.0"),
            ("foo_bucket", {"le": "} # {"}, "12.0"),
            ("state", {"state": "on"}, "1.0"),
        ]
        assert exposition.times == [1395066363500, None, None, 123_000, None, None]
        assert exposition.families == {
            "acme_http_router_request_seconds": Family(
                "summary", 'Latency, "quoted".', "seconds"
            ),
            "foo": Family("histogram"),
            "state": Family("stateset"),
        }


def test_names_in_quotes_may_be_any_text() -> None:
    text = '# TYPE "my.name" gauge\n{"my.name","a.b"="c",d="e"} 1\n{ "x y" } 2\n'
    exposition = parse(text)
    assert found(exposition) == [
        ("my.name", {"a.b": "c", "d": "e"}, "1.0"),
        ("x y", {}, "2.0"),
    ]
    assert exposition.families == {"my.name": Family("gauge")}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a", "line 1: a number and perhaps a time are expected, not '' in 'a'"),
        ("a one", "line 1: a number and perhaps a time are expected, not ' one'"),
        ("a 1_000", "a number and perhaps a time are expected"),
        ("a 0x1p3", "a number and perhaps a time are expected"),
        ("a 1\r", "a number and perhaps a time are expected"),
        ("a 1 2.5", "a number and perhaps a time are expected"),
        ("a 1 2 3", "a number and perhaps a time are expected"),
        ("a 1 99999999999999999999", "a number and perhaps a time are expected"),
        ("a 1\nb 2\n3c 4", "line 3: a metric name is expected in '3c 4'"),
        ("{} 1", "a metric name is expected"),
        ('{a="b"} 1', "a metric name is expected"),
        ('a{b="c" 1', "a comma or } is expected after a label"),
        ('a{b="c" d="e"} 1', "a comma or } is expected after a label"),
        ('a{b="c"', "a comma or } is expected after a label"),
        ("a{b=c} 1", "the value of label 'b' is not quoted text"),
        ('a{b="c} 1', "the value of label 'b' is not quoted text"),
        ('a{b="c\\"} 1', "the value of label 'b' is not quoted text"),
        ("a{,} 1", "a label is expected"),
        ('a{0="c"} 1', "a label is expected"),
        ('a{b="c",b="d"} 1', "the label 'b' is there twice"),
        ('a{__name__="c"} 1', "__name__ must not be given as a label"),
        ('a{"c"} 1', "two metric names, 'a' and 'c'"),
        ("# TYPE a thing", "'thing' is not a type of metric"),
        ("# TYPE a info", "'info' is not a type of metric"),
        ("# TYPE 0 gauge", "a metric name is expected"),
        ("# TYPE a{} gauge", "a blank is expected after the metric name"),
        ("<!DOCTYPE html>", "a metric name is expected in '<!DOCTYPE html>'"),
        ("a" * 100 + "%", f"in '{'a' * 80}'..."),
        ("a " + "b" * 900, f"not ' {'b' * 79}'... in 'a {'b' * 78}'..."),
        ("# TYPE a " + "b" * 900, f"'{'b' * 80}'... is not a type of metric"),
        ("a{" + "b" * 900 + "=1}", f"of label '{'b' * 80}'... is not quoted text"),
    ],
)
def test_the_first_fault_is_told_with_its_line(text: str, reason: str) -> None:
    with pytest.raises(ExpositionError) as caught:
        parse(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a 1\n", "the text does not end with # EOF"),
        ("", "the text does not end with # EOF"),
        ("# EOF\na 1\n", "line 2: there is text after # EOF"),
        ("a 1\n\n# EOF\n", "line 2: OpenMetrics has no empty lines"),
        ("# hello\n# EOF\n", "line 1: OpenMetrics has no comments"),
        ("# TYPE a untyped\n# EOF\n", "'untyped' is not a type of metric"),
        ("a 1 nan\n# EOF\n", "'nan' is not a time in seconds"),
    ],
)
def test_openmetrics_is_stricter(text: str, reason: str) -> None:
    with pytest.raises(ExpositionError) as caught:
        parse(text, is_openmetrics=True)
    assert reason in str(caught.value)


def test_text_that_is_not_utf8_is_refused() -> None:
    for body in (b'a{b="\xff"} 1', b"# HELP a \xff"):
        with pytest.raises(ExpositionError, match="line 1: the text is not UTF-8"):
            Parser().parse(body)


def test_no_text_is_no_sample() -> None:
    assert found(parse("")) == []
    assert found(parse("\n\n")) == []


def test_more_samples_than_allowed_are_refused() -> None:
    text = b"a 1\nb 2\nc 3\n"
    assert len(Parser().parse(text, limit=3).values) == 3
    with pytest.raises(ExpositionError, match="there are more than 2 samples"):
        Parser().parse(text, limit=2)


def test_lines_that_come_back_are_the_same_identities() -> None:
    parser = Parser()
    first = parser.parse(b'a{x="1"} 1\nb 2\na{x="1"} 3\n')
    second = parser.parse(b'b 5 6\na{x="1"}\t7\nnew 1\n')
    assert first.series[0] is first.series[2]
    assert second.series[0] is first.series[1]
    assert second.series[1] is first.series[0]
    values = [value for _, _, value in found(second)]
    assert values == ["5.0", "7.0", "1.0"]
    with pytest.raises(ExpositionError):
        parser.parse(b"b 1\nbroken\n")
    third = parser.parse(b"b 1\nnew 2\n")
    assert third.series == second.series[::2]
    assert parser.parse(b'a{x="1"} 1').series[0] is not first.series[0]


def test_a_line_known_is_checked_as_strictly_as_a_new_one() -> None:
    parser = Parser()
    parser.parse(b'a{x="1"} 1\n')
    for line in (b'a{x="1"}', b'a{x="1"}1', b'a{x="1"} one', b'a{x="1"} 1}'):
        with pytest.raises(ExpositionError):
            parser.parse(line)


class Fixed(Collector):
    """Exposes metrics as they are."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True)
LABELS = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,4}", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8"), max_size=8)


def openmetrics_of(registry: CollectorRegistry) -> bytes:
    text: bytes = openmetrics(registry)  # type: ignore[no-untyped-call]  # untyped there
    return text


def _sample(sample: Sample) -> tuple[str, dict[str, str], str]:
    return (sample.name, dict(sample.labels), repr(float(sample.value)))


@given(
    name=NAMES,
    help_text=VALUES,
    samples=st.dictionaries(
        st.dictionaries(LABELS, VALUES, max_size=3).map(
            lambda d: tuple(sorted(d.items()))
        ),
        st.floats(),
        max_size=4,
    ),
)
def test_what_the_client_library_renders_is_read_back(
    name: str, help_text: str, samples: dict[tuple[tuple[str, str], ...], float]
) -> None:
    metric = UnknownMetricFamily(name, help_text)
    for labels, value in samples.items():
        metric.add_sample(name, dict(labels), value)
    registry = CollectorRegistry()
    registry.register(Fixed([metric]))
    expected = [(name, dict(labels), repr(value)) for labels, value in samples.items()]
    for text, is_openmetrics in (
        (generate_latest(registry), False),
        (openmetrics_of(registry), True),
    ):
        parser = Parser()
        for _ in range(2):
            exposition = parser.parse(text, openmetrics=is_openmetrics)
            assert found(exposition) == expected
        assert set(exposition.families) == {name}


def test_every_type_of_the_client_library_is_read_with_its_family() -> None:
    registry = CollectorRegistry()
    Counter("jobs", "Jobs.", ["kind"], registry=registry).labels("a").inc(2)
    Gauge("temp", "Temperature.", registry=registry).set(math.pi)
    Histogram("lat", "Latency.", registry=registry, unit="seconds").observe(0.3)
    Summary("rpc", "Calls.", registry=registry).observe(5)
    text = parse(generate_latest(registry).decode())
    assert {name: said.type for name, said in text.families.items()} == {
        "jobs_total": "counter",
        "jobs_created": "gauge",
        "temp": "gauge",
        "lat_seconds": "histogram",
        "lat_seconds_created": "gauge",
        "rpc": "summary",
        "rpc_created": "gauge",
    }
    other = parse(openmetrics_of(registry).decode(), is_openmetrics=True)
    assert {name: (said.type, said.unit) for name, said in other.families.items()} == {
        "jobs": ("counter", ""),
        "temp": ("gauge", ""),
        "lat_seconds": ("histogram", "seconds"),
        "rpc": ("summary", ""),
    }
    assert sorted(map(repr, found(text))) == sorted(map(repr, found(other)))


def by_the_library(text: str) -> Found:
    return [
        _sample(sample)
        for metric in text_string_to_metric_families(text)
        for sample in metric.samples
    ]


def test_real_expositions_are_read_as_the_client_library_reads_them(
    tmp_path: Path,
) -> None:
    with (
        RealNodeExporter(tmp_path / "node") as node,
        RealPrometheus(tmp_path / "prometheus") as prometheus,
    ):
        for server in (node, prometheus):
            with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as answer:
                text = answer.read().decode()
            ours = found(parse(text))
            assert len(ours) > 200
            assert sorted(map(repr, ours)) == sorted(map(repr, by_the_library(text)))

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric as ClientMetric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics
from prometheus_client.utils import floatToGoString

from exporter.collectors.base import Family, Kind, Metric, distribution
from exporter.render import go_float, openmetrics_renderer, text_renderer

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: not name.endswith("_total") and name != "le"
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ["", '"', "\\", "\n", '\\"\n', "a=b,c", "{}", "\r", "ä"]
)
VALUES = st.floats() | st.integers(-(2**64), 2**64) | st.sampled_from([0, 0.0, -0.0, 1])
EDGES = ("0.005", "1.0", "+Inf")


@st.composite
def metrics(draw: st.DrawFn) -> Metric:
    kinds: tuple[Kind, ...] = ("counter", "gauge", "histogram", "unknown")
    kind = draw(st.sampled_from(kinds))
    name = draw(NAMES) + ("_total" if kind == "counter" else "")
    labels = tuple(draw(st.lists(NAMES, max_size=3, unique=True)))
    return Metric(name, kind, draw(TEXTS), labels)


def samples(metric: Metric) -> st.SearchStrategy[list[tuple[tuple[str, ...], float]]]:
    labels = st.tuples(*(TEXTS for _ in metric.labels))
    if metric.kind == "histogram":
        counts = st.lists(st.integers(0, 2**40), min_size=3, max_size=3)
        series = st.lists(
            st.tuples(labels, counts, VALUES), max_size=3, unique_by=lambda one: one[0]
        )
        return series.map(
            lambda found: [
                sample
                for labels, counts, total in found
                for sample in distribution(labels, EDGES, counts, total)
            ]
        )
    return st.lists(
        st.tuples(labels, VALUES), max_size=4, unique_by=lambda pair: pair[0]
    )


class Client:
    """The same families as prometheus_client knows them."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def collect(self) -> list[ClientMetric]:
        found = []
        for metric, values in self._families:
            family = ClientMetric(
                metric.name.removesuffix("_total"), metric.help, metric.kind
            )
            for labels, value in values:
                named = dict(zip(metric.labels, labels, strict=False))
                suffix, edge = ("", "")
                if metric.kind == "histogram":
                    *_, suffix, edge = labels
                extra = {"le": edge} if edge else {}
                family.add_sample(metric.name + suffix, {**named, **extra}, value)
            found.append(family)
        return found


@given(st.data())
def test_both_formats_are_those_of_prometheus_client_byte_for_byte(
    data: st.DataObject,
) -> None:
    chosen = data.draw(st.lists(metrics(), max_size=3))
    text, open_metrics = text_renderer(), openmetrics_renderer()
    # Twice, so that remembered lines have to do for changed values as well.
    for _ in range(2):
        families = [Family(metric, data.draw(samples(metric))) for metric in chosen]
        assert text.render(families) == generate_latest(Client(families))
        assert open_metrics.render(families) == openmetrics(Client(families))  # type: ignore[no-untyped-call]  # as above


@given(VALUES)
def test_numbers_are_written_as_go_does(value: float) -> None:
    assert go_float(value) == floatToGoString(value)  # type: ignore[no-untyped-call]  # untyped library


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.0"),
        (True, "1.0"),
        (999_999, "999999.0"),
        (1_000_000, "1e+06"),
        (2_466_170, "2.46617e+06"),
        (-1_000_000, "-1000000.0"),
        (2**64, "1.8446744073709552e+19"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_numbers_look_like_this(value: float, text: str) -> None:
    assert go_float(value) == text


def test_the_two_formats_name_types_and_counters_differently() -> None:
    families = [
        Metric("forks_total", "counter", 'Say "hi".').of(3),
        Metric("oom_kill", "unknown", "Back\\slash.").of(0),
    ]
    assert text_renderer().render(families).decode() == (
        '# HELP forks_total Say "hi".\n# TYPE forks_total counter\nforks_total 3.0\n'
        "# HELP oom_kill Back\\\\slash.\n# TYPE oom_kill untyped\noom_kill 0.0\n"
    )
    assert openmetrics_renderer().render(families).decode() == (
        '# HELP forks Say \\"hi\\".\n# TYPE forks counter\nforks_total 3.0\n'
        "# HELP oom_kill Back\\\\slash.\n# TYPE oom_kill unknown\noom_kill 0.0\n"
        "# EOF\n"
    )


def test_a_histogram_is_buckets_a_count_and_a_sum() -> None:
    metric = Metric("rtt_seconds", "histogram", "Times.", ("host",))
    samples = distribution(("a",), EDGES, (2, 1, 0), 0.75)
    head = "# HELP rtt_seconds Times.\n# TYPE rtt_seconds histogram\n"
    assert text_renderer().render([Family(metric, samples)]).decode() == (
        f'{head}rtt_seconds_bucket{{host="a",le="0.005"}} 2.0\n'
        'rtt_seconds_bucket{host="a",le="1.0"} 3.0\n'
        'rtt_seconds_bucket{host="a",le="+Inf"} 3.0\n'
        'rtt_seconds_count{host="a"} 3.0\n'
        'rtt_seconds_sum{host="a"} 0.75\n'
    )


def test_a_summary_is_quantiles_a_count_and_a_sum() -> None:
    metric = Metric("size_bytes", "summary", "Sizes.", ("host",))
    samples = [(("a", "", "0.5"), 1), (("a", "_count", ""), 2), (("a", "_sum", ""), 3)]
    head = "# HELP size_bytes Sizes.\n# TYPE size_bytes summary\n"
    assert text_renderer().render([Family(metric, samples)]).decode() == (
        f'{head}size_bytes{{host="a",quantile="0.5"}} 1.0\n'
        'size_bytes_count{host="a"} 2.0\n'
        'size_bytes_sum{host="a"} 3.0\n'
    )


def test_metrics_that_others_name_are_not_remembered_without_end() -> None:
    renderer = text_renderer()
    for number in range(5000):
        renderer.render([Metric(f"job_{number}", "gauge", "Job.").of(1)])
    assert len(renderer._blocks) < 4200


def test_text_that_cannot_be_encoded_costs_no_scrape() -> None:
    metric = Metric("odd", "gauge", "Odd.", ("name",))
    rendered = text_renderer().render([Family(metric, [(("\udcff",), 1)])])
    assert rendered.endswith(b'odd{name="?"} 1.0\n')


def test_lines_of_series_that_are_gone_are_forgotten() -> None:
    metric = Metric("veth", "gauge", "Comes and goes.", ("device",))
    renderer = text_renderer()
    for number in range(1000):
        renderer.render([Family(metric, [((f"veth{number}",), 1)])])
    assert len(renderer._blocks[metric].lines) < 50


def test_labels_that_do_not_fit_the_metric_are_a_mistake() -> None:
    metric = Metric("one", "gauge", "One.", ("device",))
    with pytest.raises(ValueError, match="zip"):
        text_renderer().render([Family(metric, [(("a", "b"), 1)])])

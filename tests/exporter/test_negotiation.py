from __future__ import annotations

import pytest

from exporter.negotiation import OPENMETRICS, TEXT, accepts_gzip, choose_format

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
    "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
    "encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;"
    "escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, TEXT.content_type),
        ("", TEXT.content_type),
        ("*/*", TEXT.content_type),
        ("text/*", TEXT.content_type),
        ("text/html,*/*;q=0.8", TEXT.content_type),
        (PROMETHEUS_2, OPENMETRICS.content_type),
        (PROMETHEUS_3, OPENMETRICS.content_type),
        ("application/openmetrics-text", OPENMETRICS.content_type),
        ("APPLICATION/OpenMetrics-Text; Version=1.0.0", OPENMETRICS.content_type),
        (
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text; version=0.0.1; charset=utf-8",
        ),
        ('application/openmetrics-text; version="1.0.0"', OPENMETRICS.content_type),
        ("application/*", OPENMETRICS.content_type),
        ("application/openmetrics-text;version=9.9.9", TEXT.content_type),
        ("text/plain;version=1.0.0,application/*;q=0.1", OPENMETRICS.content_type),
        ("application/openmetrics-text;q=0.2,text/plain;q=0.3", TEXT.content_type),
        ("application/openmetrics-text;q=0,*/*", TEXT.content_type),
        ("text/plain;q=0,*/*", OPENMETRICS.content_type),
        ("application/openmetrics-text;q=much,text/plain;q=0.1", TEXT.content_type),
        ("application/openmetrics-text;q=1.5", TEXT.content_type),
        ("image/png", TEXT.content_type),
        (";;,,q=1", TEXT.content_type),
    ],
)
def test_the_format_is_the_one_the_client_likes_best(
    accept: str | None, content_type: str
) -> None:
    assert choose_format(accept).content_type == content_type


@pytest.mark.parametrize(
    ("accept_encoding", "accepted"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("deflate, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*", True),
        ("*;q=0", False),
        ("br, identity", False),
    ],
)
def test_gzip_is_used_only_where_it_is_accepted(
    accept_encoding: str | None, *, accepted: bool
) -> None:
    assert accepts_gzip(accept_encoding) is accepted

"""The bridge's own metrics: what moves has a counter.

Built once in `__main__` and handed to the parts. Where PROMETHEUS_MULTIPROC_DIR is set
before prometheus_client is imported, all processes of the bridge share them through
files, and any API worker can answer for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Instruments of the bridge; labels are in the order of their names.

    No label is called `job` or `instance`: Prometheus puts those on every sample.
    """

    cycle_seconds: Histogram
    windows: Counter
    windows_failed: Counter
    samples: Counter
    rows: Counter
    rows_restated: Counter
    source_requests: Counter
    source_seconds: Histogram
    source_bytes: Counter
    source_up: Gauge
    series_folded: Gauge
    scrapes: Counter
    scrape_seconds: Histogram
    samples_dropped: Counter
    events: Counter
    retention_rows: Counter
    retention_windows: Counter
    retention_held: Gauge
    verify_windows: Counter
    verify_rows: Counter
    results_judged: Counter
    destinations: Gauge
    troubles: Gauge
    judgement_lag: Gauge
    writer_queue: Gauge
    writer_jobs: Counter
    writer_seconds: Histogram
    probe_plans: Counter
    probe_batches: Counter
    probe_runs: Counter
    probe_results: Counter
    beats: Counter
    beats_failed: Counter
    beats_skipped: Counter
    http_requests: Counter
    http_seconds: Histogram

    @classmethod
    def create(cls, registry: CollectorRegistry) -> Self:
        """Build all instruments in a registry."""

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"epimetheus_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(
                f"epimetheus_{name}",
                text,
                labels,
                registry=registry,
                multiprocess_mode="livemostrecent",
            )

        def seconds(name: str, text: str, *labels: str) -> Histogram:
            return Histogram(
                f"epimetheus_{name}_seconds",
                text,
                labels,
                registry=registry,
                buckets=_SECONDS,
            )

        return cls(
            cycle_seconds=seconds(
                "cycle", "Time to read, roll up and commit one window.", "source"
            ),
            windows=counter(
                "windows_finished",
                "Windows committed, by the state they were given.",
                "source",
                "resolution",
                "state",
            ),
            windows_failed=counter(
                "windows_failed",
                "Windows that could not be done, and are tried again.",
                "source",
            ),
            samples=counter("samples", "Raw samples rolled up.", "source"),
            rows=counter("rows_written", "Rollup rows committed.", "resolution"),
            rows_restated=counter(
                "rows_restated",
                "Rows that were changed after they had been said, but for those of "
                "local days and backfills.",
                "source",
                "resolution",
            ),
            source_requests=counter(
                "source_requests", "Requests to sources.", "source", "outcome"
            ),
            source_seconds=seconds(
                "source_request", "Duration of requests to sources.", "source"
            ),
            source_bytes=counter(
                "source_response_bytes", "Bytes of answers of sources.", "source"
            ),
            source_up=gauge(
                "source_up", "Whether the source answered last time.", "source"
            ),
            series_folded=gauge(
                "series_folded",
                "Series beyond the budget that the newest window added up.",
                "source",
            ),
            scrapes=counter(
                "scrapes", "Scrapes of targets, by outcome.", "source", "outcome"
            ),
            scrape_seconds=seconds("scrape", "Duration of scrapes.", "source"),
            samples_dropped=counter(
                "samples_dropped",
                "Samples that were received and not kept, by reason.",
                "source",
                "reason",
            ),
            events=counter("events_recorded", "Error events recorded.", "detector"),
            retention_rows=counter(
                "retention_rows",
                "Rows deleted as they were older than people keep them.",
                "resolution",
            ),
            retention_windows=counter(
                "retention_windows",
                "Windows deleted with all their rows.",
                "resolution",
            ),
            retention_held=gauge(
                "retention_held_seconds",
                "Time that is old enough to be deleted and stays, as what is made "
                "from it is not finished.",
                "source",
                "resolution",
            ),
            verify_windows=counter(
                "verify_windows",
                "Finished minutes that were looked at again, by what was found.",
                "source",
                "outcome",
            ),
            verify_rows=counter(
                "verify_rows",
                "Rows of such minutes that were computed again, by how they compare.",
                "source",
                "outcome",
            ),
            results_judged=counter(
                "results_judged",
                "Results of probes that were judged: good, bad, or ignored as they "
                "tell nothing of the destination.",
                "outcome",
            ),
            destinations=gauge(
                "destinations",
                "Destinations that are probed, by status; inactive ones are not.",
                "status",
            ),
            troubles=gauge(
                "destinations_failing",
                "Destinations of which some probe fails, as some agent sees it.",
            ),
            judgement_lag=gauge(
                "judgement_lag_seconds",
                "Age of the oldest run that came and was not judged; 0 if none waits.",
            ),
            writer_queue=gauge("writer_queue_length", "Jobs that wait to be written."),
            writer_jobs=counter(
                "writer_jobs", "Jobs of the writer.", "name", "outcome"
            ),
            writer_seconds=seconds("writer_job", "Duration of writer jobs.", "name"),
            probe_plans=counter(
                "probe_plans",
                "Plans that agents asked for, by whether they had them.",
                "outcome",
            ),
            probe_batches=counter(
                "probe_batches", "Batches of runs from agents, by outcome.", "outcome"
            ),
            probe_runs=counter(
                "probe_runs",
                "Runs from agents: kept, kept already, or refused.",
                "outcome",
            ),
            probe_results=counter(
                "probe_results", "Results of runs that were not refused."
            ),
            beats=counter("beats", "Beats of scheduled jobs.", "name"),
            beats_failed=counter("beats_failed", "Beats whose job raised.", "name"),
            beats_skipped=counter(
                "beats_skipped", "Beats left out as the job still ran.", "name"
            ),
            http_requests=counter(
                "http_requests", "Requests answered.", "route", "method", "status"
            ),
            http_seconds=seconds("http_request", "Duration of requests.", "route"),
        )

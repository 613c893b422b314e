"""What the dashboard of the bridge shows, a file for each stage of its work."""

from __future__ import annotations

from grafana.bridge import engine, overview, probing, service, sources, windows
from grafana.dashboard import Dashboard, Variable

DASHBOARD = Dashboard(
    uid="epimetheus-bridge",
    title="Epimetheus / Bridge",
    description="The bridge itself: what is done, what is missing, and what it costs.",
    variables=(
        Variable("job", "Job", "label_values(epimetheus_build_info, job)"),
        Variable(
            "instance",
            "Instance",
            'label_values(epimetheus_build_info{job="$job"}, instance)',
        ),
        Variable(
            "source",
            "Source",
            'label_values(epimetheus_windows{job="$job", instance="$instance"},'
            " source)",
            every=True,
        ),
        Variable(
            "resolution",
            "Resolution, calendar",
            'label_values(epimetheus_windows{job="$job", instance="$instance"},'
            " resolution)",
            every=True,
        ),
    ),
    rows=(
        overview.ROW,
        windows.ROW,
        engine.CYCLES,
        engine.WRITER,
        sources.REQUESTS,
        sources.SCRAPES,
        probing.ROW,
        service.EVENTS,
        service.API,
        service.STORAGE,
    ),
    alerts="$target",
)

"""What the dashboard of probes shows, a file for each thing that is asked of them."""

from __future__ import annotations

from grafana.dashboard import Dashboard, Variable
from grafana.probes import echoes, jobs, outcomes, overview, prober, routes
from grafana.probes.selectors import PROBER

_SEEN = "netprobe_success"

DASHBOARD = Dashboard(
    uid="epimetheus-probes",
    title="Epimetheus / Probes",
    description="Destinations as the exporters of all vantage points see them.",
    variables=(
        Variable(
            "instance",
            "Vantage point",
            "label_values(epimetheus_prober_up, instance)",
            every=True,
        ),
        Variable(
            "job_name",
            "Job",
            'label_values(netprobe_job_state{instance=~"$instance"}, job_name)',
            every=True,
        ),
        Variable(
            "destination",
            "Destination",
            f'label_values({_SEEN}{{instance=~"$instance", job_name=~"$job_name"}},'
            " destination)",
            every=True,
        ),
        Variable(
            "probe",
            "Probe",
            f'label_values({_SEEN}{{instance=~"$instance", job_name=~"$job_name",'
            ' destination=~"$destination"}, probe)',
            every=True,
        ),
    ),
    rows=(
        overview.ROW,
        echoes.ROW,
        outcomes.ROW,
        outcomes.SERVICES,
        outcomes.CERTIFICATES,
        routes.ROW,
        jobs.ROW,
        prober.ACCURACY,
        prober.AGENT,
    ),
    alerts=PROBER,
)

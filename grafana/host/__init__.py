"""What the dashboard of a host shows, a file for each part of a machine."""

from __future__ import annotations

from grafana.dashboard import Dashboard, Variable
from grafana.host import (
    counters,
    cpu,
    groups,
    kernel,
    memory,
    network,
    overview,
    programs,
    pushing,
    storage,
)

DASHBOARD = Dashboard(
    uid="epimetheus-host",
    title="Epimetheus / Host",
    description="One host, as measured by epimetheus-exporter or node_exporter.",
    variables=(
        Variable("job", "Job", "label_values(node_uname_info, job)"),
        Variable(
            "nodename", "Host", 'label_values(node_uname_info{job="$job"}, nodename)'
        ),
        Variable(
            "instance",
            "Instance",
            'label_values(node_uname_info{job="$job", nodename="$nodename"}, instance)',
        ),
    ),
    rows=(
        overview.ROW,
        cpu.ROW,
        memory.ROW,
        memory.PAGING,
        cpu.PRESSURE,
        counters.ROW,
        programs.ROW,
        groups.USE,
        groups.LIMITS,
        storage.DISKS,
        storage.FILESYSTEMS,
        network.ROW,
        kernel.ROW,
        kernel.COLLECTORS,
        pushing.ROW,
    ),
    alerts="$target",
)
"""Variables are derived from node_uname_info, as dashboard 1860 of Grafana does."""

"""What the choices at the top of the dashboard select."""

from __future__ import annotations

from typing import Final

PROBER: Final = 'instance=~"$instance"'
"""Metrics of the prober and the agent themselves."""
JOB: Final = f'{PROBER}, job_name=~"$job_name"'
"""Metrics of jobs."""
DESTINATION: Final = f'{PROBER}, destination=~"$destination"'
"""Metrics of destinations."""
PROBE: Final = f'{JOB}, destination=~"$destination", probe=~"$probe"'
"""Metrics of probes of destinations."""
WHO: Final = "destination, probe, instance"
"""Labels of a probe as a vantage point sees it; jobs that share it are one."""
NAMED: Final = "{{destination}} {{probe}} ({{instance}})"
"""The same as the name of a line."""


def rate(metric: str, selector: str = PROBE, by: str = WHO) -> str:
    """Return how fast a counter rises, added up by some labels."""
    return f"sum by ({by}) (rate({metric}{{{selector}}}[$__rate_interval]))"


def increase(metric: str, selector: str = PROBE, by: str = WHO) -> str:
    """Return how much a counter rose, added up by some labels."""
    return f"sum by ({by}) (increase({metric}{{{selector}}}[$__rate_interval]))"


def worst(metric: str, selector: str = PROBE, by: str = WHO) -> str:
    """Return the largest value by some labels."""
    return f"max by ({by}) ({metric}{{{selector}}})"


def quantile(share: str, histogram: str, selector: str, by: str) -> str:
    """Return a quantile of a histogram by some labels."""
    buckets = rate(f"{histogram}_bucket", selector, f"le, {by}")
    return f"histogram_quantile({share}, {buckets})"

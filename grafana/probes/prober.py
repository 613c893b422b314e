"""How far what is measured can be trusted: the prober and the agent themselves."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.probes.selectors import PROBER, increase, quantile, worst
from grafana.shapes import Graph, Query, States, warn

_HERE = "{{instance}}"


def _quantiles(histogram: str) -> tuple[Query, ...]:
    return tuple(
        Query(quantile(share, histogram, PROBER, "instance"), f"{_HERE} {word}")
        for share, word in (("0.5", "median"), ("0.99", "99 %"))
    )


def _counted(metric: str, word: str) -> Query:
    return Query(increase(metric, PROBER, "instance"), f"{word} ({_HERE})")


def _now(metric: str, word: str) -> Query:
    return Query(worst(metric, PROBER, "instance"), f"{word} ({_HERE})")


ACCURACY = Row(
    "Accuracy",
    (
        Graph(
            "Lateness of the prober",
            "s",
            "How late the prober comes to its beat of 10 ms. Echo requests are stamped "
            "by the kernel, all other times contain it.",
            _quantiles("epimetheus_prober_loop_lag_seconds"),
            warn(0.02, 0.1),
        ),
        Graph(
            "Stamps of kernel and prober",
            "s",
            "Time between the kernel's stamp of a reply and the prober's: how far off "
            "round trips would be without the kernel's.",
            _quantiles("epimetheus_prober_stamp_error_seconds"),
        ),
        States(
            "Starved",
            "Whether tasks of the host wait for CPUs: results are marked then.",
            (_now("epimetheus_prober_starved", "starved"),),
            ("well", "starved"),
            bad=1,
        ),
        States(
            "Prober",
            "Whether the process that probes runs.",
            (Query(f"min by (instance) (epimetheus_prober_up{{{PROBER}}})", _HERE),),
            ("down", "up"),
        ),
        Graph(
            "Waited for",
            "none",
            "Echo requests and other probes in flight, and open sockets.",
            (
                _now("epimetheus_prober_in_flight", "in flight"),
                Query(
                    f"sum by (family, kind, instance) "
                    f"(epimetheus_prober_sockets{{{PROBER}}})",
                    f"{{{{family}}}} {{{{kind}}}} sockets ({_HERE})",
                ),
            ),
        ),
        Graph(
            "Trouble of the prober",
            "none",
            "Restarts, dropped messages and datagrams, probes that had to wait, traces "
            "that were not made, names that did not resolve or resolve to something "
            "else.",
            (
                _counted("epimetheus_prober_restarts_total", "restarts"),
                _counted("epimetheus_prober_messages_dropped_total", "dropped"),
                _counted(
                    "epimetheus_prober_datagrams_dropped_total", "datagrams dropped"
                ),
                _counted("epimetheus_prober_waits_total", "had to wait"),
                _counted("epimetheus_prober_traces_left_out_total", "no trace"),
                _counted("epimetheus_resolver_failures_total", "not resolved"),
                _counted("epimetheus_resolver_changes_total", "other address"),
            ),
        ),
    ),
)

AGENT = Row(
    "Agent",
    (
        States(
            "Bridge answers",
            "Whether the bridge answered well the last time.",
            (Query(f"min by (instance) (epimetheus_agent_up{{{PROBER}}})", _HERE),),
            ("no", "yes"),
        ),
        Graph(
            "Age of the plan",
            "s",
            "Time since the bridge last said that the plan is current.",
            (_now("epimetheus_agent_plan_age_seconds", "plan"),),
            warn(60, 900),
        ),
        Graph(
            "Unsent runs",
            "none",
            "Runs that the bridge does not have yet.",
            (_now("epimetheus_agent_runs_unsent", "runs"),),
        ),
        Graph(
            "Spool",
            "bytes",
            "Size of the unsent runs on disk; the oldest are dropped at "
            "`exporter.prober.spool`.",
            (_now("epimetheus_agent_spool_bytes", "size"),),
        ),
        Graph(
            "Oldest unsent run",
            "s",
            "Time since the oldest run was taken that the bridge does not have.",
            (_now("epimetheus_agent_oldest_unsent_age_seconds", "age"),),
            warn(60, 900),
        ),
        States(
            "Spool on disk",
            "Whether unsent runs are written to disk; in memory only otherwise.",
            (
                Query(
                    f"min by (instance) (epimetheus_agent_spool_on_disk{{{PROBER}}})",
                    _HERE,
                ),
            ),
            ("in memory", "on disk"),
        ),
        Graph(
            "Exchanges with the bridge",
            "none",
            "Requests for the plan, and batches of runs, by what became of them.",
            tuple(
                Query(
                    increase(metric, PROBER, "outcome, instance"),
                    f"{word} {{{{outcome}}}} ({_HERE})",
                )
                for metric, word in (
                    ("epimetheus_agent_polls_total", "plan:"),
                    ("epimetheus_agent_batches_total", "batch:"),
                )
            ),
        ),
        Graph(
            "Runs sent and given up",
            "none",
            "Runs that were taken over, that the bridge has, that it had already, and "
            "that were given up.",
            (
                _counted("epimetheus_agent_runs_spooled_total", "taken"),
                _counted("epimetheus_agent_runs_sent_total", "sent"),
                _counted("epimetheus_agent_runs_duplicate_total", "sent twice"),
                _counted("epimetheus_agent_tests_sent_total", "tests"),
                Query(
                    increase(
                        "epimetheus_agent_runs_dropped_total",
                        PROBER,
                        "reason, instance",
                    ),
                    f"given up: {{{{reason}}}} ({_HERE})",
                ),
            ),
        ),
    ),
)

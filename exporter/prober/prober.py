"""The prober as the rest of the exporter sees it: work goes in, runs come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.collectors.base import Family
    from exporter.probes.base import Target
    from runtime.probing.jobs import Destination
    from runtime.probing.probes import Probe
    from runtime.probing.rules import Rules
    from runtime.probing.wire import Plan, Result, Run, TestResult


class ProberGone(Exception):  # noqa: N818 - what happened
    """A question that the prober's process cannot answer now; the message says why."""


class Prober:
    """Hands plans to the prober's process, and what it finds to who wants it.

    The process is started with the first plan that has a job or a test, or with the
    first question. Safe to use from several threads.
    """

    def start(self) -> None:
        """Begin; a plan that was given before is worked on from now on."""
        raise NotImplementedError

    def stop(self) -> None:
        """End the process; what it still tells goes to the callbacks before."""
        raise NotImplementedError

    def work(self, plan: Plan) -> None:
        """Have this plan worked on instead of the one before; may precede `start`."""
        raise NotImplementedError

    def on_run(self, callback: Callable[[Run], None]) -> None:
        """Call this for every run that ends, in a thread of the prober; be quick.

        To be set before `start`. Without it, runs are only counted.
        """
        raise NotImplementedError

    def on_test(self, callback: Callable[[TestResult], None]) -> None:
        """Call this for every test of the plan that is done; as `on_run`."""
        raise NotImplementedError

    def ask(
        self,
        probe: Probe,
        target: Target,
        timeout: float,
        guard: Rules | None = None,
    ) -> Result:
        """Probe a target now and return what was found; blocks for `timeout` at most.

        `guard` says whom it may talk to; None lets everything pass. Raises ProberGone.
        """
        raise NotImplementedError

    @property
    def destinations(self) -> Mapping[str, Destination]:
        """The destinations of the plan by name."""
        raise NotImplementedError

    @property
    def plan(self) -> Plan:
        """The plan that is worked on."""
        raise NotImplementedError

    @property
    def latest(self) -> Sequence[Result]:
        """The newest result of each probe of each destination, but of echoes."""
        raise NotImplementedError

    def families(self) -> list[Family]:
        """Return what is known of destinations, jobs and the process itself, now."""
        raise NotImplementedError

"""What may be asked for at `/probe`: modules by name, and destinations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from runtime.probing.jobs import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.probing.jobs import Destination, Job
    from runtime.probing.probes import Probe


class Planned(Protocol):
    """What names modules, destinations and jobs: a plan, or the settings."""

    @property
    def modules(self) -> Sequence[Probe]:
        """The named probes."""

    @property
    def destinations(self) -> Sequence[Destination]:
        """What is probed."""

    @property
    def jobs(self) -> Sequence[Job]:
        """Who probes what, and when."""


def modules(*planned: Planned, any_module: bool) -> dict[str, Probe]:
    """Return the modules that may be used; what is planned first goes first.

    Without `any_module` only those of jobs.
    """
    found = dict(BUILT_IN)
    for plan in reversed(planned):
        found |= {module.name: module for module in plan.modules}
    if any_module:
        return found
    used = {name for plan in planned for job in plan.jobs for name in job.probes}
    return {name: module for name, module in found.items() if name in used}


def destination(text: str, *planned: Planned) -> Destination | None:
    """Return the enabled destination of this name, or else of this host."""
    known = [one for plan in planned for one in plan.destinations if one.enabled]
    by_host = {one.host: one for one in reversed(known)}
    by_name = {one.name: one for one in reversed(known)}
    return by_name.get(text) or by_host.get(text)

"""`/probe`: probes a target now and answers with metrics, as blackbox_exporter does."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

import structlog

from exporter import blackbox
from exporter.collectors.base import Family, Metric
from exporter.negotiation import TEXT, choose_format
from exporter.pages import catalogue, fitting, targets
from exporter.pages.answer import exposition, plain
from exporter.pages.debug import debug_text
from exporter.pages.questions import BadQuestion, Question, is_from_here
from exporter.prober.prober import ProberGone
from exporter.probes.base import Target
from exporter.probes.guard import RuleGuard
from exporter.render import openmetrics_renderer, text_renderer

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from exporter.pages.answer import Answer
    from exporter.pages.catalogue import Planned
    from exporter.pages.limits import Limits
    from exporter.pages.ring import Ring
    from runtime.prober_settings import ProbePage as Settings
    from runtime.probing.probes import Probe
    from runtime.probing.rules import Rules
    from runtime.probing.wire import Plan, Result

log = structlog.get_logger(__name__)

PROBES: Final = Metric(
    "epimetheus_exporter_probes_total",
    "counter",
    "Requests for probes, by what became of them.",
    ("outcome",),
)
IN_FLIGHT: Final = Metric(
    "epimetheus_exporter_probes_in_flight",
    "gauge",
    "Probes that somebody asked for and that go on now.",
)

Outcome = Literal["answered", "bad_request", "refused", "limited", "busy", "failed"]
_OUTCOMES: Final[tuple[Outcome, ...]] = (
    "answered",
    "bad_request",
    "refused",
    "limited",
    "busy",
    "failed",
)
_STATUS: Final[dict[Outcome, str]] = {
    "bad_request": "400 Bad Request",
    "refused": "403 Forbidden",
    "limited": "429 Too Many Requests",
    "busy": "503 Service Unavailable",
    "failed": "503 Service Unavailable",
}
_FIRST_MODULES: Final = ("http_2xx", "http")
"""What is used where a request names no module, as blackbox_exporter has it."""


class Asked(Protocol):
    """What probes on request: the prober."""

    @property
    def plan(self) -> Plan:
        """The plan that is worked on."""

    def ask(
        self, probe: Probe, target: Target, timeout: float, guard: Rules | None = None
    ) -> Result:
        """Probe a target now; raise ProberGone."""


class _Refused(Exception):  # noqa: N818 - an outcome of a request
    def __init__(self, outcome: Outcome, why: str, retry_after: int = 0) -> None:
        super().__init__(why)
        self.outcome = outcome
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be done for a request."""

    module: Probe
    target: Target
    seconds: float
    rules: Rules


class ProbePage:
    """Answers `/probe` out of what the prober finds.

    `configured` is what this host's settings plan, in addition to the prober's plan.
    With `everyone`, no token is needed to come here; then only requests from this host
    may debug.
    """

    def __init__(
        self,
        prober: Asked,
        configured: Planned,
        settings: Settings,
        limits: Limits,
        ring: Ring,
        *,
        gzip_level: int,
        everyone: bool,
    ) -> None:
        self._prober = prober
        self._configured = configured
        self._settings = settings
        self._limits = limits
        self._ring = ring
        self._gzip_level = gzip_level
        self._everyone = everyone
        self._changed = threading.Lock()
        self._counts = dict.fromkeys(_OUTCOMES, 0)

    def __call__(self, environ: WSGIEnvironment) -> Answer:
        """Probe what a request asks for, and answer with what was found."""
        try:
            answer = self._answer(environ)
        except _Refused as refused:
            self._count(refused.outcome)
            seconds = refused.retry_after
            retry = (("Retry-After", str(seconds)),) if seconds else ()
            return plain(_STATUS[refused.outcome], f"{refused}.", *retry)
        except Exception:
            log.exception("probe failed")
            self._count("failed")
            return plain("500 Internal Server Error", "The probe failed; see the log.")
        self._count("answered")
        return answer

    def families(self) -> list[Family]:
        """Return what became of requests so far."""
        counts = [((outcome,), count) for outcome, count in self._counts.items()]
        return [Family(PROBES, counts), IN_FLIGHT.of(self._limits.in_flight)]

    def _count(self, outcome: Outcome) -> None:
        with self._changed:
            self._counts[outcome] += 1

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        wait = self._limits.take(environ.get("REMOTE_ADDR", ""))
        if wait:
            raise _Refused("limited", "this client asks for too many probes", wait)
        try:
            question = Question.of(environ)
            work = self._work(question)
        except (BadQuestion, targets.BadTarget, fitting.DoesNotFit) as error:
            raise _Refused("bad_request", str(error)) from error
        if question.debug and self._everyone and not is_from_here(environ):
            raise _Refused("refused", "debug needs a token, see exporter.token_file")
        result = self._ask(work)
        self._ring.add(result)
        return self._told(question, work, result, environ)

    def _work(self, question: Question) -> _Work:
        planned = (self._prober.plan, self._configured)
        module = self._module(question.module, planned)
        if question.hostname:
            module = fitting.for_host(module, question.hostname)
        seconds = question.seconds(self._settings.timeout, self._settings.offset)
        known = catalogue.destination(question.target, *planned)
        if known is not None:
            target = Target(known.name, known.host)
            rules = targets.rules(self._settings.allow, known.host)
        else:
            target = Target(question.target, question.target)
            rules = self._rules_of_others(question.target, module)
        return _Work(fitting.within(module, seconds), target, seconds, rules)

    def _module(self, asked: str, planned: tuple[Planned, ...]) -> Probe:
        known = catalogue.modules(*planned, any_module=self._settings.any_module)
        names = (asked,) if asked else _FIRST_MODULES
        for name in names:
            if name in known:
                return known[name]
        raise BadQuestion(
            f"unknown module {names[0]!r}; known are {', '.join(sorted(known))}"
        )

    def _rules_of_others(self, target: str, module: Probe) -> Rules:
        if fitting.tells_secrets(module):
            raise _Refused(
                "refused",
                f"module {module.name!r} sends secrets, which only configured "
                "destinations get",
            )
        wanted = targets.read(target)
        rules = targets.rules(self._settings.allow)
        if not RuleGuard(rules).may_allow(wanted.host):
            raise _Refused(
                "refused",
                "target is no configured destination, and no rule of "
                "exporter.probe.allow is for it",
            )
        return rules

    def _ask(self, work: _Work) -> Result:
        if not self._limits.begin():
            raise _Refused("busy", "as many probes go on as may go on at once", 1)
        try:
            return self._prober.ask(
                work.module, work.target, work.seconds, guard=work.rules
            )
        except ProberGone as error:
            raise _Refused("failed", str(error), 1) from error
        finally:
            self._limits.end()

    def _told(
        self,
        question: Question,
        work: _Work,
        result: Result,
        environ: WSGIEnvironment,
    ) -> Answer:
        families = blackbox.families(result, work.module)
        wanted = TEXT if question.debug else choose_format(environ.get("HTTP_ACCEPT"))
        # A renderer remembers its lines, of which there are other ones each time.
        renderer = text_renderer() if wanted is TEXT else openmetrics_renderer()
        metrics = renderer.render(families)
        if question.debug:
            return plain("200 OK", debug_text(result, work.module, metrics))
        return exposition(metrics, wanted, environ, self._gzip_level)

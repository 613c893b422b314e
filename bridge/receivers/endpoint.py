"""One target: asks it for its exposition and names its series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from bridge.receivers.exposition import Exposition, Parser
from bridge.receivers.lines import ExpositionError, Identity, TooManySamples
from bridge.sources.base import SourceError
from bridge.sources.client import Client, Reply
from bridge.sources.known import facts_of, part_bound
from bridge.sources.members import Role
from bridge.sources.metadata import Family, describe, family_of, is_affected
from models.directory import SeriesFacts, canonical
from runtime.config import SettingsError, read_secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bridge.sources.known import Resolve
    from runtime import settings

_OK: Final = 200
_UNAUTHORIZED: Final = frozenset({401, 403})
_ACCEPT: Final = (
    "text/plain;version=0.0.4,"
    "application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1"
)
_LEAST_BYTES: Final = 2**20
_BYTES_PER_SAMPLE: Final = 1024


Place: TypeAlias = tuple[int, int, float]
"""The id of a series, what part of it is meant (a `Role`), and a bucket's bound."""


class ScrapeError(Exception):
    """A scrape that brought nothing; `reason` is a word as of `SourceError`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Endpoint:
    """A target with its connection, and what is remembered of its last scrape.

    All methods are for one thread at a time. A body may have 1 KiB per sample allowed,
    and 1 MiB in any case.
    """

    def __init__(
        self, target: settings.Target, *, timeout: float, max_samples: int
    ) -> None:
        self._target = target
        self._max_samples = max_samples
        self._client = Client(
            target.url,
            timeout=timeout,
            max_response=max(_LEAST_BYTES, max_samples * _BYTES_PER_SAMPLE),
            gzip=True,
        )
        self._headers = {
            "accept": _ACCEPT,
            "x-prometheus-scrape-timeout-seconds": f"{timeout:g}",
        }
        self._token: str | None = None
        self._parser = Parser()
        self._places: dict[Identity, Place] = {}
        self._families: dict[str, Family] = {}

    @property
    def job(self) -> str:
        """The value of the label `job`."""
        return self._target.job

    @property
    def instance(self) -> str:
        """The value of the label `instance`: as set, else host and port of the URL."""
        return self._target.instance_label

    def fetch(self) -> Exposition:
        """Ask the target; raises ScrapeError."""
        headers = self._headers | self._authorization()
        try:
            reply = self._client.request("GET", "", headers=headers)
        except SourceError as error:
            raise ScrapeError(error.reason, str(error)) from error
        self._refuse(reply)
        kind = reply.headers.get("content-type", "")
        try:
            return self._parser.parse(
                reply.body,
                openmetrics=kind.startswith("application/openmetrics-text"),
                limit=self._max_samples,
            )
        except TooManySamples as error:
            raise ScrapeError("too_large", str(error)) from error
        except ExpositionError as error:
            raise ScrapeError("garbage", str(error)) from error

    def places(
        self,
        found: Exposition,
        resolve: Resolve,
    ) -> tuple[list[Place], int]:
        """Return where each sample belongs, and how many exposed series are new.

        Series are resolved when they appear, and when what the target says of their
        family has changed.
        """
        there = dict.fromkeys(found.series)
        known = self._known_of(found)
        added = sum(identity not in self._places for identity in there)
        missing = [identity for identity in there if identity not in known]
        if missing:
            known.update(self._met(missing, found, resolve))
        self._places, self._families = known, found.families
        return [known[identity] for identity in found.series], added

    def own_facts(self, metric: str) -> SeriesFacts:
        """Return a gauge about the scrape itself, such as `up`."""
        labels = canonical({"job": self.job, "instance": self.instance})
        return SeriesFacts(metric, labels, "gauge")

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _authorization(self) -> dict[str, str]:
        """Return the header with the token; its file is read when first needed."""
        target = self._target
        if self._token is None:
            try:
                token = read_secret(target.bearer_token, target.bearer_token_file)
            except SettingsError as error:
                raise ScrapeError("unauthorized", str(error)) from error
            self._token = token or ""
        return {"authorization": f"Bearer {self._token}"} if self._token else {}

    def _refuse(self, reply: Reply) -> None:
        """Raise ScrapeError unless the answer is an exposition.

        Redirects are refused: the token is for this address and no other. A token that
        was not accepted is read anew for the next scrape, as it may have been renewed.
        """
        if reply.status == _OK:
            return
        if reply.status in _UNAUTHORIZED:
            self._token = None
            raise ScrapeError(
                "unauthorized", f"the target answered {reply.status}: check its token"
            )
        if location := reply.headers.get("location"):
            raise ScrapeError("rejected", f"the target redirects to {location}")
        raise ScrapeError("status", f"the target answered {reply.status}")

    def _known_of(self, found: Exposition) -> dict[Identity, Place]:
        """Return the places that are still right for what is there now."""
        before, now = self._families, found.families
        changed = {
            name
            for name in before.keys() | now.keys()
            if before.get(name) != now.get(name)
        }
        there = ((identity, self._places.get(identity)) for identity in found.series)
        return {
            identity: known
            for identity, known in there
            if known is not None
            and not (changed and is_affected(identity.metric, changed))
        }

    def _met(
        self, missing: Sequence[Identity], found: Exposition, resolve: Resolve
    ) -> dict[Identity, Place]:
        own = {"job": self.job, "instance": self.instance}
        labels = [target_labels(identity, own) for identity in missing]
        histograms = _by_buckets(found)
        described = [
            describe(identity.metric, one, found.families, histograms)
            for identity, one in zip(missing, labels, strict=True)
        ]
        met = list(zip(missing, labels, described, strict=True))
        ids = resolve(
            [facts_of(identity.metric, one, said) for identity, one, said in met]
        )
        return {
            identity: (number, int(said.role), part_bound(one, said.role))
            for number, (identity, one, said) in zip(ids.tolist(), met, strict=True)
        }


def _by_buckets(found: Exposition) -> set[str]:
    """Return the families that their buckets alone show to be histograms."""
    return {
        family_of(identity.metric, Role.BUCKET)
        for identity in found.series
        if identity.metric.endswith("_bucket")
        and describe(identity.metric, dict(identity.labels), {}).role is Role.BUCKET
    }


def target_labels(identity: Identity, own: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of a series with those of its target, which win.

    What the target exposes under the same name is kept as `exported_` and the name, as
    Prometheus does where `honor_labels` is off.
    """
    labels = {name: value for name, value in identity.labels if value}
    for name in own:
        value = labels.pop(name, None)
        if value is not None:
            renamed = f"exported_{name}"
            while renamed in labels or renamed in own:
                renamed = f"exported_{renamed}"
            labels[renamed] = value
    return {**labels, **own}

"""What scripts and jobs of this host left in files of the text format, `*.prom`.

A file is parsed when it changes, and costs a scrape one look at its time otherwise.
One that is wrong is left out as a whole and said to be so, as are a family that
contradicts an earlier one and a series that is there twice: Prometheus would refuse
the scrape for any of them.
"""

from __future__ import annotations

import glob
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from exporter.collectors.base import Family, Host, Metric
from exporter.collectors.foreign import Foreign, Read, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from exporter.collectors.base import Kind
    from runtime.settings import TextfileCollector as Options

log = structlog.get_logger(__name__)

MTIME = Metric(
    "node_textfile_mtime_seconds",
    "gauge",
    "Unixtime mtime of textfiles successfully read.",
    ("file",),
)
SCRAPE_ERROR = Metric(
    "node_textfile_scrape_error",
    "gauge",
    "1 if there was an error opening or reading a file, 0 otherwise",
)

_LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a file; more is no metrics of a host."""

_OURS: Final = (
    "epimetheus_",
    "netprobe_",
    "node_scrape_",
    "node_textfile_",
    "process_",
    "smokeping_",
)
"""How names begin that no file may give; the exporter says them of itself."""


class Stamp(NamedTuple):
    """What tells that a file has not changed."""

    mtime_ns: int
    size: int
    inode: int


@dataclass(frozen=True, slots=True)
class File:
    """What was read of a file, or why it could not be."""

    stamp: Stamp | None
    families: tuple[Read, ...] = ()
    trouble: str = ""


class Textfile:
    """Reads all files `*.prom` of the directories of the settings."""

    def __init__(self, host: Host, options: Options) -> None:
        del host
        self._directories = options.directories
        self._files: dict[str, File] = {}
        self._folders: dict[str, str] = {}
        self._merged = Merged(())
        self._told: dict[str, str] = {}

    def collect(self) -> list[Family]:
        """Return the families of all files, their times, and whether one was wrong."""
        self._folders = {}
        before = list(self._files.items())
        self._files = {path: self._read(path) for path in self._paths()}
        # The same files as before are the same objects.
        now = list(self._files.items())
        if len(now) != len(before) or any(
            one[1] is not other[1] for one, other in zip(now, before, strict=True)
        ):
            self._merged = Merged(now, self._merged.metrics)
        troubles = self._folders | self._merged.troubles
        self._tell(troubles)
        return [
            *self._merged.families,
            *self._mtimes(),
            SCRAPE_ERROR.of(int(bool(troubles))),
        ]

    def _paths(self) -> Iterator[str]:
        for pattern in self._directories:
            for folder in sorted(glob.glob(pattern)) or [pattern]:  # noqa: PTH207
                try:
                    names = sorted(os.listdir(folder))  # noqa: PTH208
                except OSError as error:
                    self._folders[folder] = str(error)
                    continue
                for name in names:
                    if name.endswith(".prom"):
                        yield f"{folder.rstrip('/')}/{name}"

    def _read(self, path: str) -> File:
        known = self._files.get(path)
        stamp = None
        try:
            handle = _open(path)
            try:
                found = os.fstat(handle)
                stamp = Stamp(found.st_mtime_ns, found.st_size, found.st_ino)
                if known and known.stamp == stamp:
                    return known
                text = _text(handle, found)
            finally:
                os.close(handle)
            return File(stamp, tuple(parse(text).values()))
        except (OSError, ValueError) as error:
            trouble = str(error)
        if known and known.stamp == stamp and known.trouble == trouble:
            return known
        return File(stamp, trouble=trouble)

    def _mtimes(self) -> list[Family]:
        samples = [
            ((path,), file.stamp.mtime_ns / 1e9)
            for path, file in self._files.items()
            if file.stamp and not file.trouble
        ]
        return [Family(MTIME, samples)] if samples else []

    def _tell(self, troubles: dict[str, str]) -> None:
        for where, trouble in troubles.items():
            if self._told.get(where) != trouble:
                log.warning("textfile is left out", where=where, reason=trouble)
        for where in self._told.keys() - troubles.keys():
            log.info("textfile is served again", where=where)
        self._told = troubles


def _open(path: str) -> int:
    """Return a descriptor of a regular file; raise OSError, or ValueError if not one.

    Opening alone does something to some devices, such as to start a watchdog.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - half the price
        raise ValueError("is no regular file")
    # It may be a pipe by now, which would block for ever without a writer.
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK)


def _text(handle: int, found: os.stat_result) -> str:
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("is no regular file")
    if found.st_size > _LARGEST:
        raise ValueError(f"has {found.st_size} bytes; {_LARGEST} are the most")
    content = b""
    while piece := os.read(handle, 1 << 20):
        content += piece
        # It may grow meanwhile, and files of procfs do not tell their size.
        if len(content) > _LARGEST:
            raise ValueError(f"has more than {_LARGEST} bytes")
    return content.decode()


class Merged:
    """The families of several files as one exposition, and what had to be left out."""

    def __init__(
        self,
        files: Sequence[tuple[str, File]],
        metrics: dict[tuple[object, ...], Metric] | None = None,
    ) -> None:
        self.troubles = {path: file.trouble for path, file in files if file.trouble}
        self.metrics: dict[tuple[object, ...], Metric] = {}
        self._before = metrics or {}
        self._parts: dict[str, list[tuple[str, Read]]] = {}
        for path, file in files:
            for read in file.families:
                self._take(path, read)
        self.families = tuple(self._family(parts) for parts in self._parts.values())

    def _take(self, path: str, read: Read) -> None:
        others = self._parts.setdefault(read.name, [])
        reason = ""
        if read.name.startswith(_OURS):
            reason = "is a name of the exporter's own"
        elif others and others[0][1].kind != read.kind:
            reason = f"has another type in {others[0][0]}"
        elif read.help and any(one.help not in {None, read.help} for _, one in others):
            reason = f"has another help in {others[0][0]}"
        if reason:
            self.troubles.setdefault(path, f"{read.name} {reason}")
        else:
            others.append((path, read))
        if not others:
            del self._parts[read.name]

    def _family(self, parts: list[tuple[str, Read]]) -> Family:
        name, kind = parts[0][1].name, parts[0][1].kind
        files = ", ".join(path for path, _ in parts)
        text = next((read.help for _, read in parts if read.help), None)
        rows = [(path, sample) for path, read in parts for sample in read.samples]
        edge = {"histogram": "le", "summary": "quantile"}.get(kind, "")
        names = sorted({key for _, (_, labels, _) in rows for key, _ in labels})
        names = [key for key in names if key != edge]
        metric = self._metric(
            name, kind, text or f"Metric read from {files}", tuple(names)
        )
        seen: dict[tuple[str, ...], float] = {}
        for path, (suffix, labels, value) in rows:
            pairs = dict(labels)
            key = tuple(pairs.get(label, "") for label in names)
            if edge:
                key = (*key, suffix, pairs.get(edge, ""))
            if key in seen:
                self.troubles.setdefault(path, f"a series of {name} is there twice")
            seen.setdefault(key, value)
        return Family(metric, _complete(kind, seen) if edge else list(seen.items()))

    def _metric(
        self, name: str, kind: Kind, text: str, labels: tuple[str, ...]
    ) -> Metric:
        """Return the same metric as before, since renderers remember by identity."""
        key = (name, kind, text, labels)
        metric = self._before.get(key) or Foreign(name, kind, text, labels)
        return self.metrics.setdefault(key, metric)


def _complete(
    kind: Kind, seen: dict[tuple[str, ...], float]
) -> list[tuple[tuple[str, ...], float]]:
    """Return the samples by series, with those that every distribution has."""
    series: dict[tuple[str, ...], dict[tuple[str, str], float]] = {}
    for (*labels, suffix, edge), value in seen.items():
        series.setdefault(tuple(labels), {})[suffix, edge] = value
    samples: list[tuple[tuple[str, ...], float]] = []
    for key, found in series.items():
        count = found.pop(("_count", ""), 0.0)
        total = found.pop(("_sum", ""), 0.0)
        if kind == "histogram":
            found.setdefault(("_bucket", "+Inf"), count)
        samples += [((*key, *which), value) for which, value in found.items()]
        samples += [((*key, "_count", ""), count), ((*key, "_sum", ""), total)]
    return samples


def yield_to_others(families: Iterable[Family]) -> list[Family]:
    """Return the families without those of files that a collector has as well.

    They make the same mistake as a wrong file: the error is shown, and told once.
    """
    families = list(families)
    if not any(isinstance(metric, Foreign) for metric, _ in families):
        return families
    measured = {
        metric.name for metric, _ in families if not isinstance(metric, Foreign)
    }
    clashing = {
        metric.name
        for metric, _ in families
        if isinstance(metric, Foreign) and metric.name in measured
    }
    if not clashing:
        return families
    log.debug("collectors measure what files say too", names=sorted(clashing))
    return [
        SCRAPE_ERROR.of(1) if family.metric is SCRAPE_ERROR else family
        for family in families
        if not (isinstance(family.metric, Foreign) and family.metric.name in clashing)
    ]

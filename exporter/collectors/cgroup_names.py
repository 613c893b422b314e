"""What the path of a control group tells of who made it.

Container runtimes and systemd name their groups by rules, so that a container can be
known without asking the runtime. What is not named like that is a plain group.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_ID: Final = r"[0-9a-f]{64}"
_SHORT: Final = 12
"""Characters of a container's id that people see, as in `docker ps`."""

_CONTAINERS: Final = (
    ("docker", re.compile(rf"/docker[-/](?P<id>{_ID})(?:\.scope)?")),
    ("podman", re.compile(rf"/libpod-(?P<id>{_ID})(?:\.scope)?(?:/container)?")),
    ("containerd", re.compile(rf"/cri-containerd[-:](?P<id>{_ID})(?:\.scope)?")),
    ("cri-o", re.compile(rf"/crio-(?P<id>{_ID})(?:\.scope)?(?:/container)?")),
    ("kubernetes", re.compile(rf"/kubepods[^/]*/.*[/-](?P<id>{_ID})")),
    ("lxc", re.compile(r"/lxc\.payload\.(?P<name>[^/]+)")),
    ("nspawn", re.compile(r"/machine-(?P<name>[^/]+)\.scope(?:/payload)?")),
    ("nspawn", re.compile(r"/systemd-nspawn@(?P<name>[^/]+)\.service(?:/payload)?")),
)
_POD: Final = re.compile(r"pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})")
_ESCAPE: Final = re.compile(r"\\x([0-9a-f]{2})")


class Named(NamedTuple):
    """Who made a group, the container that it is, and the pod that it belongs to.

    A container has the short id that the runtime shows, or a name; texts are empty
    where there is none.
    """

    maker: str
    container: str = ""
    pod: str = ""


def name_of(path: str) -> Named:
    """Return what the path of a group, from the root of all groups, tells."""
    found = _POD.search(path)
    pod = found[1].replace("_", "-") if found else ""
    for maker, pattern in _CONTAINERS:
        # Groups inside a container are its own business.
        match = re.fullmatch(rf".*{pattern.pattern}", path)
        if match is not None:
            parts = match.groupdict()
            name = parts.get("id", "")[:_SHORT] or unescape(parts.get("name", ""))
            return Named(maker, name, pod)
    if pod or path.startswith("/kubepods"):
        return Named("kubernetes", "", pod)
    if path.endswith((".slice", ".service", ".scope", ".socket", ".mount", ".swap")):
        return Named("systemd")
    return Named("")


def unescape(text: str) -> str:
    r"""Return a name of systemd with its escapes such as `\x2d` resolved."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)

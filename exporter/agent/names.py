"""What an agent is called."""

from __future__ import annotations

import re
import socket


def agent_name(wanted: str, host: str | None = None) -> str:
    """Return the name of the agent: the wanted one, or what the host's name makes."""
    if wanted:
        return wanted
    name = socket.gethostname() if host is None else host
    return re.sub(r"[^A-Za-z0-9_.-]", "-", name)[:64] or "exporter"

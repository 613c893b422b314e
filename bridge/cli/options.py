"""What options are called that several commands have."""

from __future__ import annotations

from typing import Final

FROM_TO: Final = ("--from", "--to")
"""Both ends of a span, where they are not `--start` and `--end`."""

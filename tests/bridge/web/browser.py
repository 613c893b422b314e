"""Serves the application to a browser, and reads its tables."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from werkzeug.serving import make_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.bridge.application import Application


@contextmanager
def served(bridge: Application) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, bridge.app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def table(page: Page, name: str) -> list[list[str]]:
    rows = page.locator(f"#{name} tbody tr").all()
    return [row.locator("td").all_inner_texts() for row in rows]

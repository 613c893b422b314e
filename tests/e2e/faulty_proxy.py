"""A proxy before Prometheus that answers badly, in turns and from a seed."""

from __future__ import annotations

import collections
import contextlib
import http.server
import random
import threading
import time
import urllib.error
import urllib.request
from typing import Self

FAULTS = ("503", "garbage", "truncated", "slow", "reset")


class FaultyProxy:
    """Forwards requests, but a share of the answers is spoilt."""

    def __init__(self, upstream: str, share: float, seed: int = 1) -> None:
        self.upstream = upstream
        self.share = share
        self.spoilt: collections.Counter[str] = collections.Counter()
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def choose(self) -> str | None:
        """Say how to spoil the next answer, None for not at all."""
        with self._lock:
            if self._chance.random() >= self.share:
                return None
            fault = FAULTS[sum(self.spoilt.values()) % len(FAULTS)]
            self.spoilt[fault] += 1
            return fault


class _Handler(http.server.BaseHTTPRequestHandler):
    owner: FaultyProxy
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._forward(None)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self._forward(self.rfile.read(length))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
        pass

    def _forward(self, body: bytes | None) -> None:
        fault = self.owner.choose()
        if fault == "503":
            self._answer(503, b"busy", "text/plain")
        elif fault == "garbage":
            self._answer(200, b'{"status":"success","data":{"resu\x00', "text/html")
        elif fault == "reset":
            self.close_connection = True
        else:
            self._answer_truly(body, fault)

    def _answer_truly(self, body: bytes | None, fault: str | None) -> None:
        request = urllib.request.Request(self.owner.upstream + self.path, data=body)
        kind = self.headers.get("Content-Type")
        if kind:
            request.add_header("Content-Type", kind)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, data = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, data = error.code, error.read()
        except OSError:
            self._answer(502, b"bad gateway", "text/plain")
            return
        if fault == "slow":
            time.sleep(4)
        kept = data[: len(data) // 2] if fault == "truncated" else data
        with contextlib.suppress(OSError):
            self._answer(status, kept, "application/json", length=len(data))
        if fault == "truncated":
            self.close_connection = True

    def _answer(
        self, status: int, data: bytes, kind: str, length: int | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length or len(data)))
        self.end_headers()
        self.wfile.write(data)

from __future__ import annotations

import socket
import time

from exporter.probes.echo import LARGEST
from exporter.probes.harbour import Harbour
from tests.exporter.probes.responder import Responder
from tests.exporter.probes.volleying import settings


def test_what_leaves_from_one_place_has_one_port() -> None:
    with Responder() as responder:
        harbour = Harbour("auto", bytes(LARGEST), time.time_ns, transmit_stamps=False)
        plain = settings(namespace=responder.namespace)
        sourced = settings(namespace=responder.namespace, source="127.0.0.9")
        first = harbour.port(socket.AF_INET, plain)
        assert harbour.port(socket.AF_INET, plain) is first
        assert harbour.port(socket.AF_INET, sourced) is not first
        harbour.port(socket.AF_INET6, plain)
        assert harbour.sockets == {
            (socket.AF_INET, "datagram"): 2,
            (socket.AF_INET6, "datagram"): 1,
        }
        harbour.close()
        assert harbour.sockets == {}

"""Networks of routers in namespaces of their own, gone when the test ends."""

from __future__ import annotations

import os
import socket
import subprocess
from ipaddress import ip_address
from itertools import count
from typing import TYPE_CHECKING, Self

from exporter.probes.namespaces import in_namespace

if TYPE_CHECKING:
    from collections.abc import Iterable

_NUMBERS = count()
_ON = (
    "net/ipv4/ip_forward",
    "net/ipv6/conf/all/forwarding",
    "net/ipv4/fib_multipath_hash_policy",
    "net/ipv6/fib_multipath_hash_policy",
)
_OFF = (
    "net/ipv4/conf/all/rp_filter",
    "net/ipv4/conf/default/rp_filter",
    # Addresses are of use at once, without looking for duplicates first.
    "net/ipv6/conf/default/accept_dad",
    "net/ipv6/conf/default/dad_transmits",
)


class Chain:
    """A row of hosts, each a router for the next: `10.99.N.1` - `10.99.N.2`.

    Host N has the left end of link N and the right end of link N-1; of IPv6 the same
    as `fd99:N::1`. The first host is where traces begin, the last where they end.
    """

    def __init__(self, hosts: int) -> None:
        self._mark = f"t{os.getpid()}x{next(_NUMBERS)}h"
        self.names = [f"{self._mark}{number}" for number in range(hosts)]

    def __enter__(self) -> Self:
        _ip(f"netns add {name}" for name in self.names)
        try:
            for name in self.names:
                _prepare(name)
            for number in range(len(self.names) - 1):
                self.link(number, number + 1, number)
            self._route()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        _ip(f"netns del {name}" for name in self.names)

    @property
    def source(self) -> str:
        """The namespace of the first host."""
        return self.names[0]

    def address(self, host: int, family: int = 4) -> str:
        """Return the address that a host answers from to the first one."""
        return str(ip_address(_address(host - 1, 2, family)))

    def wait_for_ipv6(self) -> None:
        """Wait until the last host answers; links take a moment until they are up."""
        end = (self.address(len(self.names) - 1, 6), 9)
        with in_namespace(self.source, _udp) as sock:
            sock.settimeout(0.05)
            sock.connect(end)
            for _ in range(200):
                try:
                    sock.send(b"?")
                    sock.recv(1)
                except ConnectionRefusedError:
                    return
                except OSError:
                    continue
        raise RuntimeError("the last host does not answer")

    def link(self, left: int, right: int, number: int) -> None:
        """Connect two hosts by the link of a number."""
        one, other = f"a{number}", f"b{number}"
        left_name, right_name = self.names[left], self.names[right]
        peer = f"peer name {other} netns {right_name}"
        _ip([f"link add {one} netns {left_name} type veth {peer}"])
        for name, device, end in ((left_name, one, 1), (right_name, other, 2)):
            _ip(
                [
                    f"addr add {_address(number, end, 4)}/24 dev {device}",
                    f"addr add {_address(number, end, 6)}/64 dev {device} nodad",
                    f"link set {device} up",
                ],
                name,
            )

    def add_host(self) -> int:
        """Add a host that nothing is connected to yet; return its number."""
        name = f"{self._mark}{len(self.names)}"
        _ip([f"netns add {name}"])
        self.names.append(name)
        _prepare(name)
        return len(self.names) - 1

    def tell(self, host: int, *commands: str) -> None:
        """Have `ip` carry out commands on a host."""
        _ip(commands, self.names[host])

    def silence(self, host: int) -> None:
        """Let a host forward, and say nothing itself."""
        self.tell(host, "rule add iif lo blackhole", "-6 rule add iif lo blackhole")

    def set(self, host: int, path: str, value: str) -> None:
        """Set a parameter of the kernel on a host."""
        _run("netns", "exec", self.names[host], "sh", "-c", _echo(path, value))

    def _route(self) -> None:
        last = len(self.names) - 1
        for host, name in enumerate(self.names):
            commands = []
            for link in range(last):
                if link < host - 1:
                    via = (host - 1, 1)
                elif link > host:
                    via = (host, 2)
                else:
                    continue
                commands += [
                    f"route add 10.99.{link}.0/24 via {_address(*via, 4)}",
                    f"-6 route add fd99:{link}::/64 via {_address(*via, 6)}",
                ]
            _ip(commands, name)


def _udp() -> socket.socket:
    return socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)


def _address(link: int, end: int, family: int) -> str:
    return f"10.99.{link}.{end}" if family == 4 else f"fd99:{link}::{end}"


def _prepare(name: str) -> None:
    _ip(["link set lo up"], name)
    lines = [_echo(path, "1") for path in _ON] + [_echo(path, "0") for path in _OFF]
    _run("netns", "exec", name, "sh", "-c", "\n".join(lines))


def _echo(path: str, value: str) -> str:
    return f"echo '{value}' > /proc/sys/{path}"


def _ip(commands: Iterable[str], namespace: str = "") -> None:
    """Carry out commands in two goes: those that begin with -6 are for IPv6."""
    lines = list(commands)
    place = ("-n", namespace) if namespace else ()
    for family in ("", "-6 "):
        some = [line for line in lines if line.startswith("-6 ") == bool(family)]
        if some:
            text = "\n".join(line.removeprefix(family) for line in some)
            _run(*family.split(), *place, "-batch", "-", text=text)


def _run(*arguments: str, text: str = "") -> None:
    done = subprocess.run(
        ["ip", *arguments], input=text, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {text}: {done.stderr}")

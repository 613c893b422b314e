"""The same modules for blackbox_exporter and for us, by the same names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

HTTP: Final = {"prober": "http", "timeout": "500ms"}
TCP: Final = {"prober": "tcp", "timeout": "500ms"}
DNS: Final = {"prober": "dns", "timeout": "500ms"}


def theirs(ca_file: Path) -> dict[str, Any]:
    """Return what blackbox.yml has as `modules`."""
    ca = {"tls_config": {"ca_file": str(ca_file)}}
    own = {"preferred_ip_protocol": "ip4"}

    def http(**settings: Any) -> dict[str, Any]:
        return {**HTTP, "http": {**own, **ca, **settings}}

    def tcp(*exchanges: dict[str, Any], **settings: Any) -> dict[str, Any]:
        talk = {"query_response": list(exchanges)}
        return {**TCP, "tcp": {**own, **ca, **talk, **settings}}

    def dns(**settings: Any) -> dict[str, Any]:
        return {**DNS, "dns": {**own, "query_name": "example.org", **settings}}

    return {
        "http": http(),
        "http_still": http(follow_redirects=False, valid_status_codes=[302]),
        "http_body": http(fail_if_body_not_matches_regexp=["hello w.*d"]),
        "http_lacks": http(fail_if_body_matches_regexp=["hello"]),
        "http_header": http(
            fail_if_header_not_matches=[{"header": "Server", "regexp": "nginx"}]
        ),
        "http_plain": http(fail_if_ssl=True),
        "http_tls": http(fail_if_not_ssl=True),
        "http_packed": http(compression="gzip"),
        "http_blind": http(tls_config={"insecure_skip_verify": True}),
        "tcp": tcp(),
        "tcp_tls": tcp(tls=True),
        "tcp_ssh": tcp({"expect": "^SSH-2.0-.*"}),
        "tcp_ftp": tcp({"expect": "^220 "}),
        "tcp_echo": tcp(
            {"expect": "PING (.*)", "send": "PONG ${1}"}, {"expect": "welcome"}
        ),
        "tcp_mail": tcp(
            {"expect": "^220 .*"},
            {"send": "EHLO me"},
            {"expect": "^250 STARTTLS"},
            {"send": "STARTTLS"},
            {"expect": "^220 .*"},
            {"starttls": True},
            {"send": "EHLO me"},
            {"expect": "^250 .*"},
            tls_config={"ca_file": str(ca_file), "server_name": "localhost"},
        ),
        "dns": dns(query_type="A"),
        "dns_soa": dns(query_type="SOA"),
        "dns_none": dns(query_name="nothing.example.org", query_type="A"),
        "dns_expected": dns(
            query_name="nothing.example.org",
            query_type="A",
            valid_rcodes=["NXDOMAIN"],
        ),
        "dns_match": dns(
            query_type="A",
            validate_answer_rrs={"fail_if_not_matches_regexp": [r".*192\.0\.2\..*"]},
        ),
        "dns_lacks": dns(
            query_type="A",
            validate_answer_rrs={"fail_if_matches_regexp": [r".*192\.0\.2\.2"]},
        ),
        "dns_silent": dns(query_name="silent.example.org", query_type="A"),
        "icmp": {"prober": "icmp", "timeout": "1s", "icmp": own},
    }


def ours(ca_file: Path) -> list[dict[str, Any]]:
    """Return the same modules as config.yaml has them."""
    ca = {"tls_settings": {"ca_file": str(ca_file)}}

    def http(name: str, **settings: Any) -> dict[str, Any]:
        return {
            "name": name, "kind": "http", "timeout": "500ms", "family": "ipv4",
            **ca, **settings,
        }  # fmt: skip

    def tcp(name: str, *exchanges: dict[str, Any], **settings: Any) -> dict[str, Any]:
        return {
            "name": name, "kind": "tcp", "timeout": "500ms", "family": "ipv4",
            **ca, "exchanges": list(exchanges), **settings,
        }  # fmt: skip

    def dns(name: str, **settings: Any) -> dict[str, Any]:
        return {
            "name": name, "kind": "dns", "timeout": "500ms", "family": "ipv4",
            "query": "example.org", **settings,
        }  # fmt: skip

    return [
        http("http"),
        http("http_still", follow_redirects=False, statuses=["302"]),
        http("http_body", body_matches=["hello w.*d"]),
        http("http_lacks", body_lacks=["hello"]),
        http("http_header", header_matches=[{"header": "Server", "regex": "nginx"}]),
        http("http_plain", tls="forbidden"),
        http("http_tls", tls="required"),
        http("http_packed", compression=True),
        http("http_blind", tls_settings={"verify": False}),
        tcp("tcp"),
        tcp("tcp_tls", tls=True),
        tcp("tcp_ssh", {"expect": "^SSH-2.0-.*"}),
        tcp("tcp_ftp", {"expect": "^220 "}),
        tcp(
            "tcp_echo",
            {"expect": "PING (.*)", "send": r"PONG \1"},
            {"expect": "welcome"},
        ),
        tcp(
            "tcp_mail",
            {"expect": "^220 .*", "send": "EHLO me"},
            {"expect": "^250 STARTTLS", "send": "STARTTLS"},
            {"expect": "^220 .*", "starttls": True},
            {"send": "EHLO me"},
            {"expect": "^250 .*"},
            tls_settings={"ca_file": str(ca_file), "server_name": "localhost"},
        ),
        dns("dns"),
        dns("dns_soa", record_type="SOA"),
        dns("dns_none", query="nothing.example.org"),
        dns("dns_expected", query="nothing.example.org", rcodes=["NXDOMAIN"]),
        dns("dns_match", answer_matches=[r".*192\.0\.2\..*"]),
        dns("dns_lacks", answer_lacks=[r".*192\.0\.2\.2"]),
        dns("dns_silent", query="silent.example.org"),
        {"name": "icmp", "kind": "icmp"},
    ]  # fmt: skip

"""Why a probe failed: one word of a closed list, never a bare false."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """Why a probe failed; `NONE` is a success.

    The words are part of the wire, of metrics and of stored results: they may be added
    to, and never change their meaning.
    """

    NONE = ""
    TIMEOUT = "timeout"
    REFUSED = "refused"
    RESET = "reset"
    UNREACHABLE = "unreachable"
    TTL_EXCEEDED = "ttl_exceeded"
    TOO_BIG = "too_big"
    NOT_RESOLVED = "not_resolved"
    NO_ADDRESS = "no_address"
    NOT_ALLOWED = "not_allowed"
    NO_PERMISSION = "no_permission"
    SEND_FAILED = "send_failed"
    TLS_FAILED = "tls_failed"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_NOT_YET_VALID = "certificate_not_yet_valid"
    CERTIFICATE_WRONG_NAME = "certificate_wrong_name"
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    TLS_UNWANTED = "tls_unwanted"
    TLS_MISSING = "tls_missing"
    WRONG_STATUS = "wrong_status"
    WRONG_VERSION = "wrong_version"
    BODY_MISMATCH = "body_mismatch"
    HEADER_MISMATCH = "header_mismatch"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    TOO_LARGE = "too_large"
    NOT_EXPECTED = "not_expected"
    WRONG_RCODE = "wrong_rcode"
    ANSWER_MISMATCH = "answer_mismatch"
    PROTOCOL_ERROR = "protocol_error"
    NOT_REACHED = "not_reached"
    WRONG_SETTINGS = "wrong_settings"
    ABORTED = "aborted"
    INTERNAL_ERROR = "internal_error"


MEANINGS: Final[dict[Reason, str]] = {
    Reason.NONE: "the probe succeeded",
    Reason.TIMEOUT: "nothing came back in time",
    Reason.REFUSED: "the destination refused the connection",
    Reason.RESET: "the connection was cut off",
    Reason.UNREACHABLE: "a router or the host says that there is no way",
    Reason.TTL_EXCEEDED: "a router says that the packet went too far",
    Reason.TOO_BIG: "the packet is too big for the path and may not be divided",
    Reason.NOT_RESOLVED: "the name could not be resolved",
    Reason.NO_ADDRESS: "the name has no address of the wanted family",
    Reason.NOT_ALLOWED: "the guard does not allow the address",
    Reason.NO_PERMISSION: "this host does not permit such sockets",
    Reason.SEND_FAILED: "this host could not send",
    Reason.TLS_FAILED: "TLS could not be agreed on",
    Reason.CERTIFICATE_EXPIRED: "a certificate is no longer valid",
    Reason.CERTIFICATE_NOT_YET_VALID: "a certificate is not valid yet",
    Reason.CERTIFICATE_WRONG_NAME: "the certificate is for another name",
    Reason.CERTIFICATE_UNTRUSTED: "nobody that is trusted vouches for the certificate",
    Reason.TLS_UNWANTED: "TLS was used where it must not be",
    Reason.TLS_MISSING: "TLS was not used where it must be",
    Reason.WRONG_STATUS: "the HTTP status is not a wanted one",
    Reason.WRONG_VERSION: "the HTTP version is not a wanted one",
    Reason.BODY_MISMATCH: "the body does not match, or matches what it must not",
    Reason.HEADER_MISMATCH: "a header does not match, or matches what it must not",
    Reason.TOO_MANY_REDIRECTS: "redirects lead on and on",
    Reason.TOO_LARGE: "the answer is larger than allowed",
    Reason.NOT_EXPECTED: "the destination did not say what was expected",
    Reason.WRONG_RCODE: "the name server's response code is not a wanted one",
    Reason.ANSWER_MISMATCH: "the records do not match, or match what they must not",
    Reason.PROTOCOL_ERROR: "the answer does not follow the protocol",
    Reason.NOT_REACHED: "the trace ended before the destination",
    Reason.WRONG_SETTINGS: "the probe's settings do not fit the destination",
    Reason.ABORTED: "the prober was stopped meanwhile",
    Reason.INTERNAL_ERROR: "the prober failed; its log says why",
}
"""What each reason means, for people."""

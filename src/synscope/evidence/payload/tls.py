"""Recognise TLS records in first bytes (RFC 8446 §5.1, RFC 5246 §6.2): hello messages and clear alerts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from synscope.evidence.payload.protocols import Alert, Payload, Protocol

_HEADER: Final = 5
_ALERT: Final = 21
_HANDSHAKE: Final = 22
_CHANGE_CIPHER_SPEC: Final = 20
_APPLICATION_DATA: Final = 23
_RECORD_TYPES: Final = frozenset({_CHANGE_CIPHER_SPEC, _ALERT, _HANDSHAKE, _APPLICATION_DATA, 24})
_ENCRYPTED_ALERT: Final = 19
_MAX_RECORD: Final = 16_384 + 2_048
_VERSIONS: Final = frozenset({(3, 0), (3, 1), (3, 2), (3, 3), (3, 4)})
_ALERT_BYTES: Final = 2

HANDSHAKES: Final[dict[int, Protocol]] = {
    1: Protocol.TLS_CLIENT_HELLO,
    2: Protocol.TLS_SERVER_HELLO,
}

ALERTS: Final[dict[int, str]] = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
}
"""The TLS alert registry (RFC 8446 §6, RFC 5246 §7.2, RFC 6066 §9, RFC 7301, RFC 7507)."""

CLOSE_NOTIFY: Final = 0

CERTIFICATE_REJECTED: Final = frozenset({42, 43, 44, 45, 46, 48, 113, 114})
"""Alerts by which a client turns down the server's certificate. 49 and 116 speak of the client's own."""


def recognise_tls(data: bytes) -> Payload | None:
    """Return what the TLS records at the start of ``data`` say, or ``None`` when they are none."""
    first = next(records_of(data), None)
    if first is None:
        return None
    kind, length, body = first
    alert = next(filter(None, (_alert(*record) for record in records_of(data))), None)
    if kind == _HANDSHAKE:
        protocol = HANDSHAKES.get(body[0], Protocol.TLS_RECORD) if body else Protocol.TLS_RECORD
    else:
        protocol = Protocol.TLS_ALERT if kind == _ALERT else Protocol.TLS_RECORD
    return Payload(protocol, alert=alert, first_record=_HEADER + length)


def records_of(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield type, announced length and the kept bytes of each record that starts within ``data``."""
    at = 0
    while at + _HEADER <= len(data):
        kind, major, minor = data[at], data[at + 1], data[at + 2]
        length = int.from_bytes(data[at + 3 : at + _HEADER])
        if kind not in _RECORD_TYPES or (major, minor) not in _VERSIONS or not 0 < length <= _MAX_RECORD:
            return
        at += _HEADER
        yield kind, length, data[at : at + length]
        at += length


def is_lone_alert(data: bytes) -> bool:
    """Whether the first record is an alert, encrypted or not, change_cipher_spec aside.

    In TLS 1.3 an encrypted one is two bytes, its type, and the tag of the cipher (RFC 8446 §5.2).
    """
    first = next((record for record in records_of(data) if record[0] != _CHANGE_CIPHER_SPEC), None)
    if first is None:
        return False
    kind, length, _ = first
    return kind == _ALERT or (kind == _APPLICATION_DATA and length == _ENCRYPTED_ALERT)


def _alert(kind: int, length: int, body: bytes) -> Alert | None:
    """Return the alert of a record; an encrypted one is longer than two bytes and says nothing."""
    if kind != _ALERT or length != _ALERT_BYTES or len(body) != _ALERT_BYTES or body[0] not in {1, 2}:
        return None
    return Alert(body[0], body[1], ALERTS.get(body[1], "unassigned"))

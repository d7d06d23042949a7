"""What a server of HTTP/2 says in its header blocks, as far as the kept bytes show it: the status, and gRPC's.

Input: beginnings of what the server said, cut anywhere, chosen by a stranger. A header block can only be decoded with
all before it (RFC 7541 §2.3), which no capture promises. What is looked for is what the first answer of a connection
writes out: ``:status`` by the static table or as a literal, and ``grpc-status`` as a literal (gRPC over HTTP/2).
Sources: RFC 9113 §4.1 and §6.2, RFC 7541 §5.2, §6 and appendices A and B; gRPC's status codes.
"""

# ruff: noqa: PLR2004 - offsets and codes of wire formats, each read once next to its meaning

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

_FRAME_HEADER: Final = 9
_HEADERS: Final = 1
_PADDED: Final = 0x08
_PRIORITY: Final = 0x20
_STATUS_BY_INDEX: Final = {0x88: 200, 0x89: 204, 0x8A: 206, 0x8B: 304, 0x8C: 400, 0x8D: 404, 0x8E: 500}
_STATUS_LITERALS: Final = frozenset({0x48, 0x08, 0x18})
"""A literal with the name of entry 8 of the static table: to be indexed, not to be, never to be."""
_GRPC_STATUS: Final = (b"\x88\x9a\xca\xc8\xb2\x12\x34\xda\x8f", b"\x0bgrpc-status")
"""The name with its length, by Huffman's code and plain."""
_HUFFMAN: Final = 0x80
_LONGEST_VALUE: Final = 3
_FIRST_ERROR: Final = 400

GRPC_CODES: Final = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"),
    *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE"),
    *("UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
)
"""The names of gRPC's status codes, by number."""


def http2_error(said: Sequence[bytes]) -> str:
    """Return the error that a server of HTTP/2 told last, in words; empty where it told none.

    ``said``: beginnings of what it said, the oldest first.
    """
    found = [error for data in said for error in _told(data)]
    return found[-1] if found else ""


def _told(data: bytes) -> Iterator[str]:
    """Yield, in order, what each header block says; empty for a good answer."""
    for block in _header_blocks(data):
        code = _grpc_status(block)
        if code is not None:
            yield f"gRPC status {code} {GRPC_CODES[code]}" if code else ""
            continue
        status = _status(block)
        if status is not None:
            yield f"HTTP/2 status {status}" if status >= _FIRST_ERROR else ""


def _header_blocks(data: bytes) -> Iterator[bytes]:
    """Yield the kept part of each HEADERS frame's block."""
    at = 0
    while at + _FRAME_HEADER <= len(data):
        length = int.from_bytes(data[at : at + 3])
        kind, flags = data[at + 3], data[at + 4]
        at += _FRAME_HEADER
        if kind == _HEADERS:
            skipped = (1 if flags & _PADDED else 0) + (5 if flags & _PRIORITY else 0)
            yield data[at + skipped : at + length]
        at += length


def _status(block: bytes) -> int | None:
    if not block:
        return None
    if block[0] in _STATUS_LITERALS:
        digits = _digits(block[1:])
        return int(digits) if len(digits) == 3 else None
    return _STATUS_BY_INDEX.get(block[0])


def _grpc_status(block: bytes) -> int | None:
    for name in _GRPC_STATUS:
        at = block.rfind(name)
        if at >= 0:
            digits = _digits(block[at + len(name) :])
            code = int(digits) if digits else len(GRPC_CODES)
            return code if code < len(GRPC_CODES) else None
    return None


def _digits(value: bytes) -> str:
    """Return the digits of a string literal; empty where it is anything else."""
    if not value:
        return ""
    length = value[0] & ~_HUFFMAN
    coded = value[1 : 1 + length]
    if len(coded) != length or not 0 < length <= _LONGEST_VALUE:
        return ""
    if not value[0] & _HUFFMAN:
        return coded.decode() if coded.isdigit() else ""
    return _huffman_digits(coded)


def _huffman_digits(coded: bytes) -> str:
    """Decode digits of Huffman's code: 0 to 2 have five bits, 3 to 9 six; ones fill the last byte up."""
    bits = f"{int.from_bytes(coded):0{8 * len(coded)}b}"
    digits, at = "", 0
    while len(bits) - at >= 8 or "0" in bits[at:]:
        short = int(bits[at : at + 5].ljust(5, "1"), 2)
        if short < 3:
            digits, at = digits + str(short), at + 5
            continue
        long = int(bits[at : at + 6].ljust(6, "1"), 2) - 0b011001
        if not 0 <= long <= 6:
            return ""
        digits, at = digits + str(3 + long), at + 6
    return digits

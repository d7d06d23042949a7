"""SYN152: the client does not accept the server's certificate, or the server misses the client's."""

from __future__ import annotations

from synscope.causes.cause import Cause, Fix, Sign, never, no, on_each_os, seldom, usually, where, yes
from synscope.model import Answer, Kind, Stage

CAUSE = Cause(
    code="SYN152",
    slug="tls-certificate",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The client rejects the certificate of the server on port {port}",
    summary="The TCP connection to port {port} works; the TLS handshake fails, likely over the certificate.",
    meaning=(
        "The server shows a certificate that the client does not trust: self-signed, expired, of an "
        "unknown authority, or made for another name than 'localhost'. The client then sends an alert "
        "(unknown CA, bad certificate, certificate expired) or just closes. In TLS 1.3 that alert may be "
        "encrypted, and only its place, right after the server's certificate, tells. Or the server asks for a "
        "certificate of the client (mutual TLS) and gets none that it takes: then it is the server that closes, "
        "after the client's part of the handshake."
    ),
    documented_in=("A", "B"),
    stops=(Stage.TALK,),
    predicts=(
        usually(
            "tls-certificate-rejected",
            "client-error-certificate",
            "client-error-own-certificate",
            "tls-left-unused",
            "tls-left-after-upgrade",
            "tls-refused-after-finished",
            "tls-alert",
        ),
        seldom("command-succeeded"),
        never("tls-no-common-version"),
        never(Sign("tls-spoken", Answer.NO)),
    ),
    decided_by="the client's message, or the result of verifying the certificate",
    checks=on_each_os(
        linux="openssl s_client -connect {host}:{port} -servername localhost -verify_return_error </dev/null",
        macos="openssl s_client -connect {host}:{port} -servername localhost -verify_return_error </dev/null",
        windows='curl.exe -v "https://{host}:{port}/"',
        expect="'verify error': self-signed, expired, unknown issuer, or a name that does not match",
        then="trust or replace it. 'Verification: OK' means that this client has another trust store",
    ),
    fixes=(
        Fix(
            "Give the client a certificate and key that the server's authority signed (curl --cert, --key).",
            where(sign="client-error-own-certificate"),
        ),
        "Use a certificate for the name the client uses (localhost; 127.0.0.1 as IP entry): see mkcert.",
        "Or let the client trust the authority that signed it (its trust store may not be the system's).",
        "An expired one: renew it and reload the server. Switching verification off is for a test only.",
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc8446.html#section-6.2",
        "https://docs.openssl.org/master/man1/openssl-s_client/",
        "https://letsencrypt.org/docs/certificates-for-localhost/",
    ),
    proof=(
        yes("tls-certificate-rejected", "tls-alert"),
        yes("client-error-certificate", "tls-spoken") + no("command-succeeded"),
    ),
    shows_by=(
        yes(
            "tls-certificate-rejected",
            "client-error-certificate",
            "client-error-own-certificate",
            "tls-left-unused",
            "tls-left-after-upgrade",
            "tls-refused-after-finished",
            "tls-alert",
        ),
    ),
    says=(
        ("tls-certificate-rejected", "The client turned the certificate down."),
        ("client-error-certificate", "The client says so itself."),
        ("client-error-own-certificate", "{observed}."),
        ("tls-left-unused", "The client finished the handshake and left without a request."),
        ("tls-left-after-upgrade", "The client finished the handshake and did not log in."),
        ("tls-refused-after-finished", "The server closed in place of an answer."),
        ("tls-alert", "One side ended the TLS handshake with an alert."),
    ),
    headlines=(
        (
            "client-error-own-certificate",
            "The server on port {port} wants a certificate of the client, or another",
        ),
        (
            "tls-refused-after-finished",
            "The server on port {port} turned the client down in TLS: likely it wants a client's certificate",
        ),
    ),
)

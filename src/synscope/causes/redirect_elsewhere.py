"""SYN157: the answer sends the client to another place, and that one does not serve it."""

from __future__ import annotations

from synscope.causes.cause import Cause, Fix, on_each_os, only, probing, seldom, usually, where, yes
from synscope.model import Kind, Stage

_HTTP = where(protocol="http tls h2c")
_ANOTHER = "another host, port or scheme than the client used"
_CONNECT = "connect there from where the client runs. If that fails, correct what the service announces"

CAUSE = Cause(
    code="SYN157",
    slug="redirect-elsewhere",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="Port {port} sends the client elsewhere, and it fails there",
    summary="Port {port} answers well; its answer names another place, and the client does not get on there.",
    meaning=(
        "A redirect (Location), a cluster's MOVED or ASK, and the broker addresses of Kafka's metadata name the "
        "place where the client is to ask next. They come from the service's configuration and often miss how the "
        "client reaches it: the port is lost behind a mapping, the scheme is https where nobody speaks TLS, the "
        "name or address is one of a container network. The first connection is well; the second fails, or nobody "
        "makes it."
    ),
    documented_in=("field",),
    stops=(Stage.SERVE,),
    predicts=(
        usually("redirects-elsewhere"),
        usually("redirect-target-failed", "client-error-other-port", "sent-elsewhere-in-vain"),
        seldom("http-client-error", "http-server-error", "service-error"),
    ),
    decided_by="the place that the answer names, and whether the client can connect to it",
    checks=(
        *only(
            where(protocol="redis"),
            on_each_os(
                linux="redis-cli -h {address} -p {port} cluster nodes",
                macos="redis-cli -h {address} -p {port} cluster nodes",
                windows="redis-cli -h {address} -p {port} cluster nodes",
                expect=_ANOTHER,
                then=_CONNECT,
            ),
        ),
        *only(where(protocol="kafka"), probing(_ANOTHER, _CONNECT)),
        *only(
            _HTTP,
            on_each_os(
                linux='curl -sI "http://{host}:{port}/" | grep -iE "^HTTP|^location"',
                macos='curl -sI "http://{host}:{port}/" | grep -iE "^HTTP|^location"',
                windows='curl.exe -sI "http://{host}:{port}/" | Select-String "^HTTP|^location"',
                expect=_ANOTHER,
                then=_CONNECT,
            ),
        ),
    ),
    fixes=(
        Fix(
            "nginx: absolute_redirect off, or port_in_redirect; so a redirect keeps the client's host and port.",
            _HTTP,
        ),
        Fix(
            "Let the service redirect to the address that clients use: base URL, X-Forwarded-Host and -Port.",
            _HTTP,
        ),
        Fix("Set advertised.listeners to the address that clients use.", where(protocol="kafka")),
        Fix(
            "Set cluster-announce-ip and cluster-announce-port to what clients use.", where(protocol="redis")
        ),
        "Let the service announce the address that its clients use.",
        "Or ask at the final place from the start.",
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc9110.html#section-15.4",
        "https://nginx.org/en/docs/http/ngx_http_core_module.html#absolute_redirect",
        "https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/",
        "https://kafka.apache.org/documentation/#brokerconfigs_advertised.listeners",
    ),
    proof=(yes("redirect-target-failed"),),
    shows_by=(yes("redirects-elsewhere"),),
    refines=("application-error",),
    says=(
        ("redirect-target-failed", "{observed}."),
        ("sent-elsewhere-in-vain", "{observed}."),
        ("redirects-elsewhere", "{observed}."),
    ),
    headlines=(
        ("redirect-target-failed", "{observed}"),
        ("redirects-elsewhere", "{observed}"),
    ),
)

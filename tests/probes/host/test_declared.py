"""What the configuration of gateways says of a port."""

from __future__ import annotations

from synscope.probes.host.declared import of_haproxy, of_java, of_nginx, of_stunnel
from synscope.probes.host.snapshot import JAVA_DEBUGGER, PROXY_LINE, TLS


def test_haproxy() -> None:
    text = "frontend f\n bind 127.0.0.1:8080 accept-proxy\n bind :8443,:9443 ssl crt x.pem\n# bind :1 ssl\n bind *:80"
    assert dict(of_haproxy(text)) == {8080: (PROXY_LINE,), 8443: (TLS,), 9443: (TLS,), 80: ()}


def test_nginx() -> None:
    text = "server { listen 8080 proxy_protocol; listen [::]:443 ssl; # listen 9 ssl;\n listen unix:/x; }"
    assert dict(of_nginx(text)) == {8080: (PROXY_LINE,), 443: (TLS,)}


def test_stunnel() -> None:
    text = "; accept = 1\n[a]\naccept = 127.0.0.1:8443\nconnect = 80\n[b]\nclient = yes\naccept = 6380\n"
    assert dict(of_stunnel(text)) == {8443: (TLS,)}


def test_java() -> None:
    words = (
        "-agentlib:jdwp=server=y,suspend=n,address=*:5005",
        "-Xrunjdwp:server=y,address=8000",
    )
    assert dict(of_java(("java", *words, "A"))) == {5005: (JAVA_DEBUGGER,), 8000: (JAVA_DEBUGGER,)}
    assert not dict(of_java(("java", "-agentlib:jdwp=server=n,address=127.0.0.1:5005", "-Xrunjdwp:server=y")))

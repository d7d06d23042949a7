"""What the configuration of gateways says of a port."""

from __future__ import annotations

from synscope.probes.host.declared import (
    of_haproxy,
    of_hitch,
    of_java,
    of_memcached,
    of_mosquitto,
    of_nginx,
    of_stunnel,
    of_varnish,
)
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


def test_mosquitto() -> None:
    text = "allow_anonymous true\nlistener 1884 127.0.0.1\ncertfile c.pem\nlistener 1885\n# certfile x\n"
    assert dict(of_mosquitto(text)) == {1883: (), 1884: (TLS,), 1885: ()}
    assert dict(of_mosquitto("certfile c.pem")) == {1883: (TLS,)}


def test_hitch() -> None:
    words = ("hitch", "--frontend=[127.0.0.1]:8443+/c.pem", "-f", "[*]:443", "--backend=[::1]:80")
    assert dict(of_hitch(words, 'frontend = "[*]:9443"\n# frontend = "[*]:1"\nbackend = "[::1]:2"')) == {
        8443: (TLS,),
        443: (TLS,),
        9443: (TLS,),
    }


def test_varnish() -> None:
    words = ("varnishd", "-a", "http=:6081", "-a", "p=127.0.0.1:6086,PROXY", "-a:6087,PROXY")
    assert dict(of_varnish(words)) == {6086: (PROXY_LINE,), 6087: (PROXY_LINE,)}


def test_memcached() -> None:
    assert dict(of_memcached(("memcached", "-Z", "-p", "11300"))) == {11300: (TLS,)}
    assert dict(of_memcached(("memcached", "--enable-ssl"))) == {11211: (TLS,)}
    assert not dict(of_memcached(("memcached", "-p", "11300")))


def test_java() -> None:
    words = (
        "-agentlib:jdwp=server=y,suspend=n,address=*:5005",
        "-Xrunjdwp:server=y,address=8000",
    )
    assert dict(of_java(("java", *words, "A"))) == {5005: (JAVA_DEBUGGER,), 8000: (JAVA_DEBUGGER,)}
    assert not dict(of_java(("java", "-agentlib:jdwp=server=n,address=127.0.0.1:5005", "-Xrunjdwp:server=y")))

"""Scenarios in which the handshake completes: those with trouble after it, and those that work."""

from __future__ import annotations

from tests.scenarios.scenario import CURL, HERE, Scenario

DONE = "completed"
V6 = "[::1]:8080"
CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $TRY/key -out $TRY/crt"
    " -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1; cat $TRY/crt $TRY/key >$TRY/pem"
)
TLS = ("tls 127.0.0.1 8080 --certificate $TRY/pem",)
NGINX = (
    "printf 'error_log stderr; pid $TRY/pid; events {} http { access_log off; client_body_temp_path $TRY/b;"
    " proxy_temp_path $TRY/p; fastcgi_temp_path $TRY/f; uwsgi_temp_path $TRY/u; scgi_temp_path $TRY/s;"
    " server { listen 127.0.0.1:8080; location / { proxy_pass http://127.0.0.1:9090; } } }' |"
    ' sed "s#\\$TRY#$TRY#g" >$TRY/conf; nginx -p $TRY -c $TRY/conf >/dev/null 2>&1'
)
STOP = ("kill $(cat $TRY/pid)",)

TROUBLE = (
    Scenario("stopped", "server-hung", DONE, serve=("http 127.0.0.1 8080",), then=("kill -STOP $S1",)),
    Scenario("accepts and says nothing", "server-hung", DONE, serve=("silent 127.0.0.1 8080",)),
    Scenario(
        "never accepts",
        "server-hung",
        DONE,
        serve=("idle 127.0.0.1 8080",),
        also=("accept-queue-overflow",),
        long=True,
    ),
    Scenario(
        "out of descriptors",
        "resource-limits",
        DONE,
        "exec 3<>/dev/tcp/127.0.0.1/8080 4<>/dev/tcp/127.0.0.1/8080; sleep 0.2;" + f" {CURL} http://{HERE}/",
        serve=("silent 127.0.0.1 8080 --files 2",),
        packets=("resource-limits", "server-hung"),
    ),
    Scenario(
        "answers after the client's time",
        "client-timeout-too-short",
        DONE,
        f"curl -sS --max-time 0.4 http://{HERE}/; sleep 0.6",
        serve=("http 127.0.0.1 8080 --seconds 0.8",),
    ),
    Scenario(
        "answers after the client's time, python",
        "client-timeout-too-short",
        DONE,
        f"/usr/bin/python3 -c 'import urllib.request as u; u.urlopen(\"http://{HERE}/\", timeout=0.3)'; sleep 0.6",
        serve=("http 127.0.0.1 8080 --seconds 0.7",),
        long=True,
    ),
    Scenario(
        "https to a plain server",
        "protocol-mismatch",
        DONE,
        f"{CURL} -k https://{HERE}/",
        serve=("http 127.0.0.1 8080 --status 400",),
    ),
    Scenario(
        "https to nginx without TLS",
        "protocol-mismatch",
        DONE,
        f"{CURL} -k https://{HERE}/",
        setup=(NGINX,),
        after=STOP,
        needs=("nginx",),
        long=True,
    ),
    Scenario(
        "http to nginx with TLS",
        "protocol-mismatch",
        DONE,
        f"{CURL} http://{HERE}/",
        setup=(
            CERTIFICATE,
            NGINX.replace(
                "127.0.0.1:8080;",
                "127.0.0.1:8080 ssl; ssl_certificate $TRY/pem; ssl_certificate_key $TRY/pem;",
            ),
        ),
        after=STOP,
        needs=("nginx",),
    ),
    Scenario(
        "http to a TLS server that says nothing",
        "protocol-mismatch",
        DONE,
        setup=(CERTIFICATE,),
        serve=TLS,
        also=("application-error",),
        long=True,
    ),
    Scenario(
        "http to openssl s_server",
        "protocol-mismatch",
        DONE,
        also=("application-error",),
        client=f"{CURL} http://{HERE}/",
        setup=(
            CERTIFICATE,
            "openssl s_server -quiet -accept 8080 -cert $TRY/crt -key $TRY/key </dev/zero >/dev/null 2>&1 &"
            " echo $! >$TRY/pid; sleep 0.3",
        ),
        after=STOP,
        long=True,
    ),
    Scenario(
        "ssh where http was meant",
        "protocol-mismatch",
        DONE,
        serve=("greet 127.0.0.1 8080 --text 'SSH-2.0-OpenSSH_9.2p1\\r\\n'",),
    ),
    Scenario(
        "HTTP/2 where HTTP/1.1 was meant",
        "protocol-mismatch",
        DONE,
        f"{CURL} --http2-prior-knowledge http://{HERE}/",
        serve=("http 127.0.0.1 8080 --status 400",),
        long=True,
    ),
    Scenario(
        "smtp where http was meant",
        "protocol-mismatch",
        DONE,
        serve=("greet 127.0.0.1 8080 --text '220 mail ESMTP Postfix\\r\\n'",),
        long=True,
    ),
    Scenario(
        "redis where http was meant",
        "protocol-mismatch",
        DONE,
        serve=("greet 127.0.0.1 8080 --text '-ERR wrong number of arguments for get command\\r\\n'",),
        long=True,
    ),
    Scenario(
        "the certificate is turned down",
        "tls-certificate",
        DONE,
        f"{CURL} https://localhost:8080/",
        "localhost:8080",
        setup=(CERTIFICATE,),
        serve=TLS,
    ),
    Scenario(
        "the certificate has another name",
        "tls-certificate",
        DONE,
        f"{CURL} --cacert $TRY/crt https://{HERE}/",
        setup=(CERTIFICATE.replace(",IP:127.0.0.1", ""),),
        serve=TLS,
        in_packets=False,
    ),
    Scenario(
        "the certificate is turned down, python",
        "tls-certificate",
        DONE,
        "/usr/bin/python3 -c 'import urllib.request as u; u.urlopen(\"https://localhost:8080/\", timeout=2)'",
        "localhost:8080",
        setup=(CERTIFICATE,),
        serve=TLS,
        long=True,
    ),
    Scenario(
        "404",
        "application-error",
        DONE,
        f"{CURL} -f http://{HERE}/x",
        serve=("http 127.0.0.1 8080 --status 404",),
    ),
    Scenario(
        "401",
        "application-error",
        DONE,
        f"{CURL} -f http://{HERE}/x",
        serve=("http 127.0.0.1 8080 --status 401",),
        long=True,
    ),
    Scenario(
        "500",
        "application-error",
        DONE,
        f"{CURL} -f http://{HERE}/x",
        serve=("http 127.0.0.1 8080 --status 500",),
        long=True,
    ),
    Scenario("closes without an answer", "application-error", DONE, serve=("close 127.0.0.1 8080",)),
    Scenario(
        "resets without an answer", "application-error", DONE, serve=("reset 127.0.0.1 8080",), long=True
    ),
    Scenario(
        "dies of the request",
        "crashed-after-bind",
        DONE,
        serve=("crash 127.0.0.1 8080",),
        setup=("ulimit -c 0",),
        also=("application-error",),
        packets=("crashed-after-bind", "application-error"),
    ),
    Scenario(
        "502, the gateway's port",
        "gateway-upstream",
        DONE,
        f"{CURL} -f http://{HERE}/",
        setup=(NGINX,),
        after=STOP,
        needs=("nginx",),
    ),
    Scenario(
        "502, the upstream's port",
        "service-not-running",
        "SYN-RST",
        f"{CURL} -f http://{HERE}/",
        "127.0.0.1:9090",
        setup=(NGINX,),
        after=STOP,
        needs=("nginx",),
        also=("gateway-upstream",),
        packets=("service-not-running", "gateway-upstream"),
    ),
    Scenario(
        "504",
        "gateway-upstream",
        DONE,
        f"{CURL} -f http://{HERE}/",
        serve=("http 127.0.0.1 8080 --status 504",),
        long=True,
    ),
    Scenario(
        "503, the model is loading",
        "llm-backend",
        DONE,
        f'{CURL} -f http://127.0.0.1:11434/v1/chat/completions -d \'{{"model": "m"}}\'',
        "127.0.0.1:11434",
        serve=(
            'http 127.0.0.1 11434 --status 503 --text \'{"error":{"message":"Loading model","code":503}}\'',
        ),
    ),
    Scenario(
        "a context server hangs up on what it was sent",
        "context-service",
        DONE,
        f"{CURL} http://{HERE}/mcp -H 'Accept: text/event-stream'"
        ' -d \'{"jsonrpc":"2.0","method":"initialize","id":1}\'',
        serve=("close 127.0.0.1 8080",),
        also=("application-error",),
    ),
    Scenario(
        "a forwarder without its target",
        "container-mapping",
        DONE,
        serve=("forward 127.0.0.1 8080 --to 9090",),
        also=("application-error", "gateway-upstream"),
        packets=("container-mapping", "application-error"),
    ),
    Scenario(
        "another program has the port",
        "port-conflict",
        DONE,
        f"/usr/bin/python3 -m http.server 8080 --bind 127.0.0.1 & sleep 0.5; {CURL} -f http://{HERE}/app",
        serve=("http 127.0.0.1 8080 --status 404",),
        also=("application-error",),
        packets=("port-conflict", "application-error"),
        long=True,
    ),
)

WORKS = (
    Scenario("plain", "", DONE, serve=("http 127.0.0.1 8080",)),
    Scenario("plain, IPv6", "", DONE, f"{CURL} http://{V6}/", V6, serve=("http :: 8080",), long=True),
    Scenario("TLS", "", DONE, f"{CURL} -k https://{HERE}/", setup=(CERTIFICATE,), serve=TLS),
    Scenario(
        "a proxy, and no_proxy",
        "",
        DONE,
        serve=("http 127.0.0.1 8080",),
        environment={"http_proxy": "http://127.0.0.1:3128", "no_proxy": "localhost,127.0.0.1"},
    ),
    Scenario(
        "through a forwarder", "", DONE, serve=("http 127.0.0.1 9090", "forward 127.0.0.1 8080 --to 9090")
    ),
    Scenario(
        "happy eyeballs",
        "",
        DONE,
        "/usr/bin/python3 -c 'import urllib.request as u; u.urlopen(\"http://localhost:8080/\", timeout=2)'",
        "localhost:8080",
        serve=("http 127.0.0.1 8080",),
        hosts="::1 localhost\n127.0.0.1 localhost\n",
    ),
    Scenario("redirected", "", DONE, serve=("http 127.0.0.1 8080 --status 302",), long=True),
    Scenario("slow but in time", "", DONE, serve=("http 127.0.0.1 8080 --seconds 0.6",), long=True),
    Scenario(
        "a firewall that lets it pass",
        "",
        DONE,
        serve=("http 127.0.0.1 8080",),
        setup=(
            "nft 'add table inet t; add chain inet t c { type filter hook input priority 0; policy drop; };"
            " add rule inet t c ct state established accept; add rule inet t c tcp dport 8080 accept;"
            " add rule inet t c tcp sport 8080 accept;"
            " add rule inet t c meta l4proto tcp ip saddr 127.0.0.0/8 accept'",
        ),
        long=True,
    ),
    Scenario("open to the network", "", DONE, serve=("http 0.0.0.0 8080",), long=True),
    Scenario(
        "fifty connections",
        "",
        DONE,
        "for i in $(seq 50); do exec 3<>/dev/tcp/127.0.0.1/8080;"
        " printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3 >/dev/null; done",
        serve=("http 127.0.0.1 8080",),
        long=True,
    ),
    Scenario("a bare connect", "", DONE, "exec 3<>/dev/tcp/127.0.0.1/8080", serve=("http 127.0.0.1 8080",)),
)

COMPLETED = (*TROUBLE, *WORKS)

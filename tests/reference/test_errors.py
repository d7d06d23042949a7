"""Pasted error messages are recognised, in the words of the programs that print them."""

from __future__ import annotations

import errno
import re
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.reference.error_meaning import GAP
from synscope.reference.errors import ERRORS, TEXT_LIMIT, ErrorMeaning, System, close_matches, find, port_in
from synscope.reference.errors_services import SERVICE_ERRORS, named_in

LABELS = {"SYN-no-reply", "SYN-RST", "completed", "client-never-sent", "half-open"}

SLUGS = {
    *("service-not-running", "crashed-before-bind", "crashed-after-bind", "startup-race", "wrong-port"),
    *("port-out-of-range", "wrong-bind-address", "address-family-mismatch", "loopback-down", "firewall-drop"),
    *("firewall-reject", "proxy-misdirect", "port-conflict", "name-resolution", "resource-limits"),
    *("accept-queue-overflow", "server-hung", "client-timeout-too-short", "security-policy", "stack-fault"),
    *("protocol-mismatch", "application-error", "gateway-upstream", "llm-backend", "context-service"),
    *("control-plane-endpoint", "container-mapping", "tls-certificate", "bind-permission-denied"),
    *("client-blocks-port", "exposure", "service-loading", "service-limit", "host-refused"),
}

PASTED: tuple[tuple[str, str], ...] = (
    ("bind failed with errno 98", "EADDRINUSE"),
    ("channel 2: open failed: connect failed: Connection refused", "ECONNREFUSED"),
    ("-DENIED Redis is running in protected mode because protected mode is enabled", "Redis protected mode"),
    ("LOADING Redis is loading the dataset in memory", "Redis loading"),
    ('FATAL:  no pg_hba.conf entry for host "172.17.0.2", user "a", database "b"', "PostgreSQL pg_hba.conf"),
    ("Exceeded MaxStartups", "sshd MaxStartups"),
    ("Host '172.17.0.1' is not allowed to connect to this MySQL server", "MySQL host not allowed"),
    ("HTTP 421 Invalid Host", "host name not allowed"),
    ("Server: AirTunes/775.3.1", "AirPlay receiver"),
    # refused
    ("ConnectionRefusedError: [Errno 111] Connection refused", "ECONNREFUSED"),
    ("ConnectionRefusedError: [Errno 61] Connection refused", "ECONNREFUSED"),
    ("[Errno 61]", "ECONNREFUSED"),
    ("[Errno 111] Connect call failed ('127.0.0.1', 8080)", "ECONNREFUSED"),
    (
        (
            "ConnectionRefusedError: [WinError 10061] No connection could be made because the target machine "
            "actively refused it"
        ),
        "ECONNREFUSED",
    ),
    (
        "System.Net.Sockets.SocketException (10061): Es konnte keine Verbindung hergestellt werden",
        "ECONNREFUSED",
    ),
    ("Socket error code 10061", "ECONNREFUSED"),
    ("WSAECONNREFUSED", "ECONNREFUSED"),
    (
        "curl: (7) Failed to connect to localhost port 29185 after 0 ms: Couldn't connect to server",
        "ECONNREFUSED",
    ),
    ("curl: (7) Failed to connect to localhost port 8080: Connection refused", "ECONNREFUSED"),
    ("curl 7", "ECONNREFUSED"),
    ("cURL error 7: Failed to connect to 127.0.0.1 port 9200", "ECONNREFUSED"),
    ("The command 'curl -f http://localhost/health' failed with exit code 7", "ECONNREFUSED"),
    ("exit code 7", "ECONNREFUSED"),
    ("java.net.ConnectException: Connection refused (Connection refused)", "ECONNREFUSED"),
    ("dial tcp 127.0.0.1:8080: connect: connection refused", "ECONNREFUSED"),
    (
        "Error: connect ECONNREFUSED 127.0.0.1:8080\n    at TCPConnectWrap.afterConnect (net.js:1)",
        "ECONNREFUSED",
    ),
    ("{ errno: -111, syscall: 'connect', port: 3000 }", "ECONNREFUSED"),
    ('Os { code: 111, kind: ConnectionRefused, message: "Connection refused" }', "ECONNREFUSED"),
    ("tcp connect error: refused (os error 111)", "ECONNREFUSED"),
    ("This site can\u2019t be reached. localhost refused to connect. ERR_CONNECTION_REFUSED", "ECONNREFUSED"),
    ("[ERROR] handshake failed; returned -1, net_error -102", "ECONNREFUSED"),
    ("Firefox can\u2019t establish a connection to the server at localhost:8080.", "ECONNREFUSED"),
    (
        'psql: error: connection to server at "localhost" (::1), port 5432 failed: Connection refused',
        "ECONNREFUSED",
    ),
    ("could not connect to server: Connection refused (0x0000274D/10061)", "ECONNREFUSED"),
    (
        (
            "org.postgresql.util.PSQLException: Connection to localhost:5432 refused. Check that the hostname and "
            "port are correct and that the postmaster is accepting TCP/IP connections."
        ),
        "ECONNREFUSED",
    ),
    ("ERROR 2003 (HY000): Can't connect to MySQL server on '127.0.0.1' (111)", "ECONNREFUSED"),
    ("SQLSTATE[HY000] [2002] Connection refused", "ECONNREFUSED"),
    ("Error 111 connecting to localhost:6379. Connection refused.", "ECONNREFUSED"),
    ("Could not connect to Redis at 127.0.0.1:6379: Connection refused", "ECONNREFUSED"),
    (
        'connect() failed (111: Connection refused) while connecting to upstream, upstream: "http://127.0.0.1:9/"',
        "ECONNREFUSED",
    ),
    (
        (
            'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp '
            '127.0.0.1:50051: connect: connection refused"'
        ),
        "ECONNREFUSED",
    ),
    ("connect:errno=111", "ECONNREFUSED"),
    ("\x1b[31mconnect econnrefused ::1:3000\x1b[0m", "ECONNREFUSED"),
    ("TypeError: fetch failed\n  [cause]: AggregateError [ECONNREFUSED]:", "ECONNREFUSED"),
    # timed out
    ("TimeoutError: [Errno 110] Connection timed out", "ETIMEDOUT"),
    ("[Errno 60] Operation timed out", "ETIMEDOUT"),
    (
        "[WinError 10060] A connection attempt failed because the connected party did not properly respond",
        "ETIMEDOUT",
    ),
    ("localhost took too long to respond. ERR_CONNECTION_TIMED_OUT", "ETIMEDOUT"),
    ("curl: (28) Connection timed out after 3001 milliseconds", "ETIMEDOUT"),
    ("curl: (28) Failed to connect to localhost port 81 after 2000 ms: Timeout was reached", "ETIMEDOUT"),
    ("dial tcp 10.0.0.1:80: i/o timeout", "ETIMEDOUT"),
    ("socket.timeout: timed out", "ETIMEDOUT"),
    ("java.net.SocketTimeoutException: connect timed out", "ETIMEDOUT"),
    # silence after the handshake
    ("HTTPConnectionPool(host='localhost', port=8000): Read timed out. (read timeout=5)", "read timeout"),
    ("curl: (28) Operation timed out after 5001 milliseconds with 0 bytes received", "read timeout"),
    ("net/http: request canceled (Client.Timeout exceeded while awaiting headers)", "read timeout"),
    # reset, aborted, pipe
    (
        "requests: ('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))",
        "ECONNRESET",
    ),
    ("curl: (56) Recv failure: Connection reset by peer", "ECONNRESET"),
    ("[WinError 10054] An existing connection was forcibly closed by the remote host", "ECONNRESET"),
    ("The connection was reset. ERR_CONNECTION_RESET", "ECONNRESET"),
    (
        "curl: (35) OpenSSL SSL_connect: Connection reset by peer in connection to localhost:8443",
        "ECONNRESET",
    ),
    ("Error: read ECONNRESET", "ECONNRESET"),
    ("[Errno 54]", "ECONNRESET"),
    (
        "[WinError 10053] An established connection was aborted by the software in your host machine",
        "ECONNABORTED",
    ),
    ("ConnectionAbortedError: [Errno 103] Software caused connection abort", "ECONNABORTED"),
    ("BrokenPipeError: [Errno 32] Broken pipe", "EPIPE"),
    ("Error: write EPIPE", "EPIPE"),
    # unreachable
    ("curl: (7) Failed to connect to 127.0.0.1 port 8080: No route to host", "EHOSTUNREACH"),
    ("OSError: [Errno 65] No route to host", "EHOSTUNREACH"),
    ("connect EHOSTUNREACH 192.168.1.2:80", "EHOSTUNREACH"),
    ("[WinError 10065] A socket operation was attempted to an unreachable host", "EHOSTUNREACH"),
    ("OSError: [Errno 101] Network is unreachable", "ENETUNREACH"),
    ("connect ENETUNREACH ::1:80 - Local (:::0)", "ENETUNREACH"),
    ("OSError: [Errno 100] Network is down", "ENETDOWN"),
    # addresses
    ("OSError: [Errno 99] Cannot assign requested address", "EADDRNOTAVAIL"),
    ("connect EADDRNOTAVAIL ::1:8080 - Local (:::0)", "EADDRNOTAVAIL"),
    ("dial tcp [::1]:80: connect: cannot assign requested address", "EADDRNOTAVAIL"),
    ("Error: listen EADDRNOTAVAIL: address not available 192.168.1.9:3000", "EADDRNOTAVAIL (bind)"),
    ("listen tcp 10.0.0.9:80: bind: cannot assign requested address", "EADDRNOTAVAIL (bind)"),
    (
        "[Errno 99] error while attempting to bind on address ('1.2.3.4', 8000): cannot assign requested address",
        "EADDRNOTAVAIL (bind)",
    ),
    ("OSError: [Errno 98] Address already in use", "EADDRINUSE"),
    ("Error: listen EADDRINUSE: address already in use :::3000", "EADDRINUSE"),
    ("[Errno 48]", "EADDRINUSE"),
    (
        (
            "[WinError 10048] Only one usage of each socket address (protocol/network address/port) is normally "
            "permitted"
        ),
        "EADDRINUSE",
    ),
    ("Bind for 0.0.0.0:8080 failed: port is already allocated", "EADDRINUSE"),
    ("Web server failed to start. Port 8080 was already in use.", "EADDRINUSE"),
    # permission
    ("Error: listen EACCES: permission denied 0.0.0.0:80", "EACCES (bind)"),
    (
        "  self.socket.bind(self.server_address)\nPermissionError: [Errno 13] Permission denied",
        "EACCES (bind)",
    ),
    ("nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)", "EACCES (bind)"),
    (
        (
            "listen tcp 0.0.0.0:50000: bind: An attempt was made to access a socket in a way forbidden by its access "
            "permissions."
        ),
        "EACCES (bind)",
    ),
    ("[WinError 10013]", "EACCES (bind)"),
    ("connect EACCES 127.0.0.1:8080", "EACCES"),
    ("dial tcp 127.0.0.1:8080: connect: permission denied", "EACCES"),
    ("PermissionError: [Errno 1] Operation not permitted", "EPERM"),
    # limits and families
    ("OSError: [Errno 24] Too many open files", "EMFILE"),
    ("accept: too many open files in system", "ENFILE"),
    ("[WinError 10055] No buffer space", "ENOBUFS"),
    ("write ENOBUFS", "ENOBUFS"),
    ("OSError: [Errno 97] Address family not supported by protocol", "EAFNOSUPPORT"),
    ("connect EINVAL 127.0.0.1:0", "EINVAL"),
    ("OSError: [Errno 92] Protocol not available", "ENOPROTOOPT"),
    ("ERROR 2002 (HY000): Can't connect (115: Operation now in progress)", "EINPROGRESS"),
    ("[Errno 57] Socket is not connected", "ENOTCONN"),
    (
        (
            'psql: error: connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: No such file or '
            "directory"
        ),
        "ENOENT (socket file)",
    ),
    ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "ENOENT (socket file)"),
    # names
    ("socket.gaierror: [Errno -2] Name or service not known", "EAI_NONAME"),
    ("gaierror: [Errno 8] nodename nor servname provided, or not known", "EAI_NONAME"),
    ("gaierror: [Errno 11001] getaddrinfo failed", "EAI_NONAME"),
    ("Error: getaddrinfo ENOTFOUND locahost", "EAI_NONAME"),
    ("curl: (6) Could not resolve host: nosuch.invalid", "EAI_NONAME"),
    ("DNS_PROBE_FINISHED_NXDOMAIN / ERR_NAME_NOT_RESOLVED", "EAI_NONAME"),
    ("dial tcp: lookup db: no such host", "EAI_NONAME"),
    ("[Errno -3] Temporary failure in name resolution", "EAI_AGAIN"),
    ("getaddrinfo EAI_AGAIN postgres", "EAI_AGAIN"),
    # ports the client refuses
    ("OverflowError: connect(): port must be 0-65535.", "ERR_SOCKET_BAD_PORT"),
    ("RangeError [ERR_SOCKET_BAD_PORT]: Port should be >= 0 and < 65536.", "ERR_SOCKET_BAD_PORT"),
    ("java.lang.IllegalArgumentException: port out of range:619009", "ERR_SOCKET_BAD_PORT"),
    ("http://localhost:619009/: Bad port number.", "ERR_SOCKET_BAD_PORT"),
    ("TypeError: getsockaddrarg: port must be 0-65535", "ERR_SOCKET_BAD_PORT"),
    ('Err(Error { kind: InvalidInput, message: "invalid port value" })', "ERR_SOCKET_BAD_PORT"),
    ('psql: error: invalid port number: "619009"', "ERR_SOCKET_BAD_PORT"),
    ("docker: invalid hostPort: 619009", "ERR_SOCKET_BAD_PORT"),
    ("dial tcp: address 619009: invalid port", "ERR_SOCKET_BAD_PORT"),
    ('[emerg] invalid port in upstream "localhost:619009" in nginx.conf:1', "ERR_SOCKET_BAD_PORT"),
    ("curl: (3) URL using bad/illegal format or missing URL", "ERR_INVALID_URL"),
    ("TypeError: Failed to parse URL from http://localhost:619009\n [cause]: Invalid URL", "ERR_INVALID_URL"),
    ("This page isn't working: ERR_UNSAFE_PORT", "ERR_UNSAFE_PORT"),
    ("TypeError: fetch failed\n  [cause]: Error: bad port\n at makeNetworkError", "ERR_UNSAFE_PORT"),
    # proxies
    ("net::ERR_PROXY_CONNECTION_FAILED", "ERR_PROXY_CONNECTION_FAILED"),
    ("curl: (5) Could not resolve proxy: nosuch.invalid", "ERR_PROXY_CONNECTION_FAILED"),
    ("curl: (97) cannot complete SOCKS5 connection to localhost. (1)", "ERR_PROXY_CONNECTION_FAILED"),
    (
        "ProxyError('Cannot connect to proxy.', NewConnectionError('[Errno 111] Connection refused'))",
        "ERR_PROXY_CONNECTION_FAILED",
    ),
    ("proxyconnect tcp: dial tcp 127.0.0.1:3128: connect: connection refused", "ERR_PROXY_CONNECTION_FAILED"),
    ("net::ERR_TUNNEL_CONNECTION_FAILED", "ERR_TUNNEL_CONNECTION_FAILED"),
    ("curl: (56) CONNECT tunnel failed, response 403", "ERR_TUNNEL_CONNECTION_FAILED"),
    ("HTTP/1.1 407 Proxy Authentication Required", "HTTP 407"),
    # early closes
    ("curl: (52) Empty reply from server", "ERR_EMPTY_RESPONSE"),
    ("localhost didn\u2019t send any data. ERR_EMPTY_RESPONSE", "ERR_EMPTY_RESPONSE"),
    (
        "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
        "ERR_EMPTY_RESPONSE",
    ),
    ("Error: socket hang up { code: 'ECONNRESET' }", "ERR_EMPTY_RESPONSE"),
    ('Get "http://localhost:8080/": EOF', "ERR_EMPTY_RESPONSE"),
    ("curl: (18) transfer closed with 5 bytes remaining to read", "incomplete response"),
    # protocols
    ("curl: (35) error:0A00010B:SSL routines::wrong version number", "ERR_SSL_PROTOCOL_ERROR"),
    (
        "ssl.SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)",
        "ERR_SSL_PROTOCOL_ERROR",
    ),
    (
        "write EPROTO 140:error:1408F10B:SSL routines:ssl3_get_record:wrong version number",
        "ERR_SSL_PROTOCOL_ERROR",
    ),
    ("curl: (35) error:0A0000C6:SSL routines::packet length too long", "ERR_SSL_PROTOCOL_ERROR"),
    ("localhost sent an invalid response. ERR_SSL_PROTOCOL_ERROR", "ERR_SSL_PROTOCOL_ERROR"),
    ("http: server gave HTTP response to HTTPS client", "ERR_SSL_PROTOCOL_ERROR"),
    ("400 Bad Request: The plain HTTP request was sent to HTTPS port", "plain HTTP to an HTTPS port"),
    ("Client sent an HTTP request to an HTTPS server.", "plain HTTP to an HTTPS port"),
    ("Error: Unexpected server response: 404", "WebSocket handshake failed"),
    (
        (
            "WebSocket connection to 'ws://localhost:3000/' failed: Error during WebSocket handshake: "
            "Unexpected response code: 200"
        ),
        "WebSocket handshake failed",
    ),
    (
        "websockets.exceptions.InvalidStatus: server rejected WebSocket connection: HTTP 404",
        "WebSocket handshake failed",
    ),
    ("websocket: bad handshake", "WebSocket handshake failed"),
    ("curl: (1) Received HTTP/0.9 when not allowed", "ERR_INVALID_HTTP_RESPONSE"),
    ("http.client.BadStatusLine: SSH-2.0-OpenSSH_9.2", "ERR_INVALID_HTTP_RESPONSE"),
    ("ERR_INVALID_HTTP_RESPONSE", "ERR_INVALID_HTTP_RESPONSE"),
    ("error reading server preface: http2: frame too large", "ERR_HTTP2_PROTOCOL_ERROR"),
    # certificates
    ("NET::ERR_CERT_AUTHORITY_INVALID", "CERTIFICATE_VERIFY_FAILED"),
    (
        "curl: (56) error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0",
        "CERTIFICATE_REQUIRED",
    ),
    (
        "javax.net.ssl.SSLHandshakeException: Received fatal alert: certificate_required",
        "CERTIFICATE_REQUIRED",
    ),
    ("remote error: tls: certificate required", "CERTIFICATE_REQUIRED"),
    ("TLS/SSL error: Validation of SSL server certificate failed", "CERTIFICATE_VERIFY_FAILED"),
    ("javax.net.ssl.SSLHandshakeException: Received fatal alert: unknown_ca", "CERTIFICATE_VERIFY_FAILED"),
    ('server certificate for "x" does not match host name "localhost"', "CERTIFICATE_VERIFY_FAILED"),
    ("SSLHandshakeException: Received fatal alert: protocol_version", "ERR_SSL_PROTOCOL_ERROR"),
    ("SSL connection error: error:0A000102:SSL routines::unsupported protocol", "ERR_SSL_PROTOCOL_ERROR"),
    ("Error: A TLS error occurred.", "ERR_SSL_PROTOCOL_ERROR"),
    ("net::ERR_CERT_COMMON_NAME_INVALID", "CERTIFICATE_VERIFY_FAILED"),
    ("net::ERR_CERT_DATE_INVALID", "CERTIFICATE_VERIFY_FAILED"),
    ("curl: (60) SSL certificate problem: self-signed certificate", "CERTIFICATE_VERIFY_FAILED"),
    (
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1006)",
        "CERTIFICATE_VERIFY_FAILED",
    ),
    ("Error: self signed certificate { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }", "CERTIFICATE_VERIFY_FAILED"),
    ("x509: certificate signed by unknown authority", "CERTIFICATE_VERIFY_FAILED"),
    # answers
    ("HTTP/1.1 404 Not Found", "HTTP 4xx"),
    ("Request failed with status code 404", "HTTP 4xx"),
    ("500 Internal Server Error", "HTTP 500"),
    ("curl: (22) The requested URL returned error: 502", "HTTP 502"),
    ("urllib.error.HTTPError: HTTP Error 502: Bad Gateway", "HTTP 502"),
    ("HTTP 503", "HTTP 503"),
    ("504 Gateway Time-out nginx", "HTTP 504"),
    ("blocked by CORS policy: No 'Access-Control-Allow-Origin' header is present", "CORS"),
    ("TypeError: Failed to fetch", "FETCH_FAILED"),
    ("StatusCode.UNAVAILABLE, details: failed to connect to all addresses", "gRPC UNAVAILABLE"),
    ('{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}', "model loading"),
    ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", "GPU out of memory"),
)


def names(text: str) -> list[str]:
    return [meaning.name for meaning in find(text)]


@pytest.mark.parametrize(("text", "name"), PASTED)
def test_a_pasted_line_finds_its_error_first(text: str, name: str) -> None:
    assert names(text)[:1] == [name]


@pytest.mark.parametrize(("text", "name"), PASTED)
def test_noise_around_the_line_changes_nothing(text: str, name: str) -> None:
    noisy = f'Traceback (most recent call last):\n  File "/app/main.py", line 111, in <module>\n{text}\n\tat x.y:61'
    expected = [] if text == "exit code 7" else [name]
    assert names(noisy)[:1] == expected


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.name)
def test_every_row_is_found_by_its_name_and_its_spellings(error: ErrorMeaning) -> None:
    assert names(error.name)[:1] == [error.name]
    for spelling in (*error.spellings, *error.hints):
        assert error.name in names(spelling.replace(GAP, " some words "))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.name)
def test_every_row_is_complete(error: ErrorMeaning) -> None:
    assert error.spellings or error.hints
    assert error.meaning.endswith(".")
    assert error.on_the_wire.endswith(".")
    assert error.labels
    assert set(error.labels) <= LABELS
    assert error.cause_slugs
    assert set(error.cause_slugs) <= SLUGS
    assert len(set(error.cause_slugs)) == len(error.cause_slugs)
    assert error.references
    assert all(re.fullmatch(r"https://\S+", reference) for reference in error.references)


def test_no_spelling_is_claimed_by_two_rows_and_gaps_stay_single() -> None:
    spellings = [spelling.lower() for error in ERRORS for spelling in error.spellings]
    assert len(spellings) == len(set(spellings))
    assert all(spelling.count(GAP) <= 1 and not spelling.startswith(GAP) for spelling in spellings)
    assert len({error.name for error in ERRORS}) == len(ERRORS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "111",
        "8080",
        "619009",
        "port 111",
        "localhost:111",
        "10061",
        "it does not work",
        "curl 7.88.1",
    ],
)
def test_numbers_that_are_no_codes_and_empty_texts_find_nothing(text: str) -> None:
    assert find(text) == ()


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("[Errno 61]", "The number 61 means this on macOS; on Linux it is ENODATA."),
        ("[Errno 48]", "The number 48 means this on macOS; on Linux it is ELNRNG."),
        ("[Errno 60]", "The number 60 means this on macOS; on Linux it is ENOSTR."),
        ("[Errno 104]", "The number 104 means this on Linux; on macOS it is ENOTRECOVERABLE."),
    ],
)
def test_an_ambiguous_number_alone_carries_a_note(text: str, note: str) -> None:
    assert find(text)[0].meaning.endswith(note)


def test_a_number_beside_its_text_needs_no_note() -> None:
    assert "ENODATA" not in find("[Errno 61] Connection refused")[0].meaning


def test_text_wins_over_number() -> None:
    assert names("curl: (7) Failed to connect: No route to host")[:2] == ["EHOSTUNREACH", "ECONNREFUSED"]


def test_the_gateway_is_mentioned_after_the_refusal_in_its_log() -> None:
    text = "connect() failed (111: Connection refused) while connecting to upstream"
    assert names(text)[:2] == ["ECONNREFUSED", "HTTP 502"]


def test_both_readings_of_a_permission_error_are_offered() -> None:
    assert names("EACCES")[:2] == ["EACCES", "EACCES (bind)"]


@pytest.mark.skipif(sys.platform != "linux", reason="the numbers of Linux can only be checked on Linux")
@pytest.mark.parametrize(
    "error", [error for error in ERRORS if hasattr(errno, error.name)], ids=lambda row: row.name
)
def test_linux_numbers_agree_with_this_system(error: ErrorMeaning) -> None:
    numbers = {number for system, number in error.numbers if system is System.LINUX}
    assert getattr(errno, error.name) in numbers
    assert numbers <= {getattr(errno, error.name), errno.EAGAIN}


def test_what_lies_beyond_the_limit_is_not_read() -> None:
    assert find("x" * TEXT_LIMIT + " ECONNREFUSED") == ()


@pytest.mark.parametrize(
    "piece",
    ["port ", "bind ", "unix ", "curl ", "ssl ", "mysql server on ", "err_a", "(", "1", "\x1b[", "a.", "::"],
)
def test_hostile_repetition_stays_quick(piece: str) -> None:
    text = piece * (2 * TEXT_LIMIT // len(piece))
    start = time.perf_counter()
    find(text)
    port_in(text)
    close_matches(text)
    assert time.perf_counter() - start < 2


@given(st.text(max_size=400))
def test_any_text_is_accepted(text: str) -> None:
    assert len(find(text)) <= 6
    assert len(close_matches(text)) <= 3
    port = port_in(text)
    assert port is None or 0 <= port < 10**9


@given(st.text(max_size=60), st.sampled_from(ERRORS), st.text(max_size=60))
def test_a_name_is_found_in_any_surroundings(before: str, error: ErrorMeaning, after: str) -> None:
    assert (
        error.name in names(f"{before} {error.name} {after}")
        or len(find(f"{before} {error.name} {after}")) == 6
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ECONREFUSED", "ECONNREFUSED"),
        ("what is econnrefussed", "ECONNREFUSED"),
        ("ERR_CONECTION_REFUSED", "ERR_CONNECTION_REFUSED"),
        ("EADRINUSE", "EADDRINUSE"),
        ("ETIMEOUT", "ETIMEDOUT"),
        ("ConectionResetError", "ConnectionResetError"),
    ],
)
def test_a_misspelt_name_is_guessed(text: str, name: str) -> None:
    assert close_matches(text)[0] == name


@pytest.mark.parametrize("text", ["", "hello there", "ECONNREFUSED", "8080"])
def test_no_guess_without_a_misspelling(text: str) -> None:
    assert close_matches(text) == ()


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("connect ECONNREFUSED 127.0.0.1:8080", 8080),
        ("connect ECONNREFUSED ::1:3000", 3000),
        ("listen EADDRINUSE: address already in use :::3000", 3000),
        ("dial tcp [::1]:50051: connect: connection refused", 50051),
        ("dial tcp db:5432: i/o timeout", 5432),
        ("read tcp 127.0.0.1:52440->127.0.0.1:8080: read: connection reset by peer", 8080),
        ("Failed to connect to localhost port 29185 after 0 ms", 29185),
        ("HTTPConnectionPool(host='localhost', port=8000): Max retries exceeded", 8000),
        ("Connect call failed ('127.0.0.1', 29185)", 29185),
        ('connection to server at "localhost" (::1), port 5432 failed', 5432),
        ("GET http://myhost:9200/_search", 9200),
        ("http://localhost:619009/: Bad port number.", 619009),
        ("port out of range:619009", 619009),
        ("Port should be >= 0 and < 65536. Received type number (619009).", 619009),
        ("dial tcp: address 619009: invalid port", 619009),
        ("Bad port '619009'", 619009),
        ('invalid port number: "619009"', 619009),
        ("docker: invalid hostPort: 619009", 619009),
        ('client: 127.0.0.1, server: localhost:80, upstream: "http://127.0.0.1:8080/"', 8080),
        ("(UNKNOWN) [127.0.0.1] 8080 (http-alt) : Connection refused", 8080),
        ("{ errno: -111, address: '127.0.0.1', port: 5173 }", 5173),
        ("Error 111 connecting to localhost:6379. Connection refused.", 6379),
        ("Firefox can't establish a connection to the server at localhost:8080.", 8080),
        # The target's URL, then the proxy at which the connect failed.
        (
            "unable to access 'http://127.0.0.1:8081/a': Failed to connect to 127.0.0.1 port 7890 after 0 ms",
            7890,
        ),
        ("request to http://localhost:8081/-/ping failed, reason: connect ECONNREFUSED 127.0.0.1:3129", 3129),
        (
            'Get "http://localhost:8081/": proxyconnect tcp: dial tcp 127.0.0.1:7890: connect: connection refused',
            7890,
        ),
        ("artifact from http://localhost:8081/x: Connect to 127.0.0.1:7890 [/127.0.0.1] failed", 7890),
        ("8080", 8080),
        (":619009", 619009),
        ("OverflowError: connect(): port must be 0-65535.", None),
        ("[Errno 111] Connection refused", None),
        ('File "main.py", line 80', None),
        ("at Object.<anonymous> (server.js:10:25)", None),
        ("port 12345678901234567890", None),
        ("", None),
    ],
)
def test_the_port_in_a_message(text: str, port: int | None) -> None:
    assert port_in(text) == port


@pytest.mark.parametrize("error", SERVICE_ERRORS, ids=lambda error: error.name)
def test_what_a_service_says_is_found_without_patterns_as_well(error: ErrorMeaning) -> None:
    assert error.remedy
    for spelling in error.spellings:
        text = f"the server said “{spelling.replace(GAP, 'some words')}”, and that was all"
        assert error in named_in(text)
    assert named_in("connection refused") == ()

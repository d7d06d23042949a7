"""Errors a client raises by itself, before or instead of reaching the target: rows of the error table.

Input: nothing. Output: ``CLIENT_ERRORS``. Covers names that do not resolve, ports and addresses the client
refuses, and proxies.

Sources: getaddrinfo(3), the WHATWG URL and Fetch standards, the error lists of curl, Chromium and Node;
each row names its own.
"""

from __future__ import annotations

from synscope.reference import sources
from synscope.reference.error_meaning import ErrorMeaning, System

__all__ = ["CLIENT_ERRORS"]

_NOTHING = "Nothing to the target: the client stops before any packet."

CLIENT_ERRORS: tuple[ErrorMeaning, ...] = (
    ErrorMeaning(
        name="EAI_NONAME",
        spellings=(
            "EAI_NONAME",
            "EAI_NODATA",
            "ENOTFOUND",
            "ERR_NAME_NOT_RESOLVED",
            "NS_ERROR_UNKNOWN_HOST",
            "NSURLErrorDomain Code=-1003",
            "WSAHOST_NOT_FOUND",
            "CURLE_COULDNT_RESOLVE_HOST",
            "DNS_PROBE_FINISHED_NXDOMAIN",
            "Could not resolve host",
            "Could not resolve hostname",
            "Couldn't resolve host",
            "could not translate host name",
            "Name or service not known",
            "nodename nor servname provided, or not known",
            "No address associated with hostname",
            "No such host is known",
            "no such host",
            "getaddrinfo failed",
            "getaddrinfo ENOTFOUND",
            "NameResolutionError",
            "UnknownHostException",
            "Unknown host",
            "unable to resolve host address",
            "server IP address could not be found",
            "host not found in upstream",
            "failed to lookup address information",
            "bad address '",
            "Unknown MySQL server host",
            "Unknown server host",
        ),
        numbers=(
            (System.LINUX, -2),
            (System.LINUX, -5),
            (System.MACOS, 8),
            (System.WINDOWS, 11001),
            (System.WINDOWS, 11004),
            (System.CURL, 6),
            (System.CHROMIUM, -105),
        ),
        hints=("socket.gaierror", "gaierror"),
        meaning="The name in the address has no IP address: not in the hosts file, not in DNS, or misspelt.",
        on_the_wire="No SYN to the target; often a DNS query for the name, which for localhost is itself a sign.",
        labels=("client-never-sent",),
        cause_slugs=("name-resolution", "wrong-port", "container-mapping"),
        references=(sources.GETADDRINFO_3, sources.WINSOCK, sources.CURL, sources.CHROMIUM),
    ),
    ErrorMeaning(
        name="EAI_AGAIN",
        spellings=(
            "EAI_AGAIN",
            "WSATRY_AGAIN",
            "Temporary failure in name resolution",
            "Try again … name resolution",
            "server misbehaving",
            "DNS_PROBE_FINISHED_NO_INTERNET",
        ),
        numbers=((System.LINUX, -3), (System.WINDOWS, 11002)),
        meaning="The name server could not be asked or did not answer, so the name is neither known nor unknown.",
        on_the_wire="No SYN to the target; DNS queries without an answer.",
        labels=("client-never-sent",),
        cause_slugs=("name-resolution", "firewall-drop", "container-mapping"),
        references=(sources.GETADDRINFO_3, sources.WINSOCK),
    ),
    ErrorMeaning(
        name="ERR_SOCKET_BAD_PORT",
        spellings=(
            "ERR_SOCKET_BAD_PORT",
            "Port should be >= 0 and < 65536",
            "port must be 0-65535",
            "getsockaddrarg",
            "OverflowError … port must be",
            "port out of range",
            "Port out of range 0-65535",
            "Bad port number",
            "Bad port '",
            "port number too large",
            "port number invalid",
            "invalid port number",
            "invalid port value",
            "invalid port in",
            "Port number was not a decimal number",
            "address … invalid port",
            "Invalid port specification",
            "invalid hostPort",
            "invalid containerPort",
            "port number must be between",
            "port number above 0xFFFF",
            "port … is out of range",
            "port must be between",
            "port must be a number between",
            "port should be a number between",
            "port should be between",
            "is not in 0..=65535",
            "is not in 1..=65535",
            "invalid TCP port",
            "expected port component",
            "strconv.ParseUint: parsing … value out of range",
            "not a valid port",
            "Servname not supported for ai_socktype",
        ),
        hints=("invalid port", "URL using bad/illegal format"),
        meaning="The number is no TCP port: ports end at 65535. The client checked it and stopped.",
        on_the_wire=(
            "Nothing. A client that does not check sends its SYN to the number modulo 65536 instead, "
            "for 619009 to 29185."
        ),
        labels=("client-never-sent",),
        cause_slugs=("port-out-of-range", "wrong-port"),
        references=(f"{sources.RFC_9293}#section-3.1", sources.NODE, sources.CURL),
    ),
    ErrorMeaning(
        name="ERR_INVALID_URL",
        spellings=(
            "ERR_INVALID_URL",
            "CURLE_URL_MALFORMAT",
            "Invalid URL",
            "InvalidURL",
            "Failed to parse URL",
            "URL using bad/illegal format",
            "URL using bad/illegal format or missing URL",
            "MalformedURLException",
            "URISyntaxException",
            "nonnumeric port",
            "LocationParseError",
        ),
        numbers=((System.CURL, 3), (System.CHROMIUM, -300)),
        meaning="The client cannot read the address. With a port above 65535 in it, the port is the reason.",
        on_the_wire=_NOTHING,
        labels=("client-never-sent",),
        cause_slugs=("port-out-of-range", "wrong-port"),
        references=(sources.URL_SPEC, sources.CURL, sources.CHROMIUM, sources.NODE),
    ),
    ErrorMeaning(
        name="ERR_UNSAFE_PORT",
        spellings=(
            "ERR_UNSAFE_PORT",
            "Error: bad port",
            "NS_ERROR_PORT_ACCESS_NOT_ALLOWED",
            "This address is restricted",
            "uses a network port which is normally used for purposes other than Web browsing",
            "Not allowed to use restricted network port",
        ),
        numbers=((System.CHROMIUM, -312),),
        hints=("bad port",),
        meaning=(
            "The port is valid, but browsers and fetch refuse it: they keep a list of ports that belong to other "
            "protocols, such as 6000 and 6665 to 6669."
        ),
        on_the_wire=_NOTHING,
        labels=("client-never-sent",),
        cause_slugs=("client-blocks-port",),
        references=(sources.FETCH_PORTS, sources.CHROMIUM),
    ),
    ErrorMeaning(
        name="ERR_PROXY_CONNECTION_FAILED",
        spellings=(
            "ERR_PROXY_CONNECTION_FAILED",
            "NS_ERROR_PROXY_CONNECTION_REFUSED",
            "CURLE_COULDNT_RESOLVE_PROXY",
            "CURLE_PROXY",
            "Could not resolve proxy",
            "Couldn't resolve proxy",
            "Cannot connect to proxy",
            "Unable to connect to proxy",
            "ProxyError",
            "proxyconnect tcp: dial tcp",
            "proxy server is refusing connections",
            "cannot complete SOCKS5 connection",
            "cannot complete SOCKS4 connection",
            "ERR_SOCKS_CONNECTION_FAILED",
            "ERR_MANDATORY_PROXY_CONFIGURATION_FAILED",
        ),
        numbers=((System.CURL, 5), (System.CURL, 97), (System.CHROMIUM, -130), (System.CHROMIUM, -120)),
        meaning="The client goes through a proxy, and the proxy itself cannot be reached or refused the request.",
        on_the_wire="No SYN to the target; a SYN to the proxy's port (3128, 8080, 1080 and the like) instead.",
        labels=("client-never-sent",),
        cause_slugs=("proxy-misdirect", "service-not-running"),
        references=(sources.CURL, sources.CHROMIUM, "https://everything.curl.dev/usingcurl/proxies/env.html"),
    ),
    ErrorMeaning(
        name="ERR_TUNNEL_CONNECTION_FAILED",
        spellings=(
            "ERR_TUNNEL_CONNECTION_FAILED",
            "CONNECT tunnel failed",
            "Tunnel connection failed",
            "from proxy after CONNECT",
            "Proxy CONNECT aborted",
            "tunneling socket could not be established",
        ),
        numbers=((System.CHROMIUM, -111),),
        meaning=(
            "The proxy was reached but would not open a tunnel to the target. For localhost that is no wonder: "
            "the proxy would have to connect to itself."
        ),
        on_the_wire="No SYN to the target from the client; a connection to the proxy with CONNECT localhost in it.",
        labels=("client-never-sent",),
        cause_slugs=("proxy-misdirect",),
        references=(f"{sources.RFC_9110}#section-9.3.6", sources.CHROMIUM, sources.CURL),
    ),
    ErrorMeaning(
        name="HTTP 407",
        spellings=(
            "Proxy Authentication Required",
            "407 Proxy Authentication Required",
            "ERR_PROXY_AUTH_UNSUPPORTED",
        ),
        numbers=((System.HTTP, 407),),
        meaning="A proxy answered and wants a login, so the request for localhost went to the proxy.",
        on_the_wire="No SYN to the target from the client; a completed connection to the proxy with a 407 answer.",
        labels=("client-never-sent",),
        cause_slugs=("proxy-misdirect",),
        references=(f"{sources.RFC_9110}#section-15.5.8",),
    ),
    ErrorMeaning(
        name="FETCH_FAILED",
        spellings=(),
        hints=(
            "Failed to fetch",
            "fetch failed",
            "NetworkError when attempting to fetch resource",
            "ERR_NETWORK",
            "Network Error",
            "ERR_FAILED",
            "Load failed",
            "network request failed",
        ),
        meaning=(
            "A script's request failed and the browser hides the reason from the script. The browser's console or "
            "network panel, or the cause that Node prints below, has the real error."
        ),
        on_the_wire="Anything: a refusal, a completed exchange the script may not read, or nothing at all.",
        labels=("SYN-RST", "completed", "client-never-sent"),
        cause_slugs=("service-not-running", "application-error", "client-blocks-port", "tls-certificate"),
        references=(sources.FETCH_CORS, sources.NODE),
    ),
)

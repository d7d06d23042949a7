"""Errors the kernel returns to a client or a server: rows of the error table.

Input: nothing. Output: ``KERNEL_ERRORS``. Covers connect, bind, listen, accept, send and the limits of
the system.

Sources: the Linux manual pages, RFC 9293, Microsoft's Winsock error list, and errno.h of Linux and macOS
for the numbers; each row names its own. What a capture shows was measured on Linux.
"""

from __future__ import annotations

from synscope.reference import sources
from synscope.reference.error_meaning import ErrorMeaning, System, errno

__all__ = ["KERNEL_ERRORS"]

KERNEL_ERRORS: tuple[ErrorMeaning, ...] = (
    ErrorMeaning(
        name="ECONNREFUSED",
        spellings=(
            "ECONNREFUSED",
            "WSAECONNREFUSED",
            "ERR_CONNECTION_REFUSED",
            "NS_ERROR_CONNECTION_REFUSED",
            "NSURLErrorCannotConnectToHost",
            "NSURLErrorDomain Code=-1004",
            "ConnectionRefused",
            "ConnectionRefusedError",
            "Connection refused",
            "connection … refused. Check that the hostname and port are correct",
            "connection was refused",
            "actively refused it",
            "refused to connect",
            "can't establish a connection to the server at",
            "can't connect to the server",
        ),
        numbers=(*errno(111, 61, 10061), (System.CURL, 7), (System.CHROMIUM, -102)),
        hints=(
            "Connect call failed",
            "An error occurred during a connection to",
            "Couldn't connect to server",
            "Could not connect to server",
            "Failed to connect to",
            "Unable to connect to the remote server",
            "All connection attempts failed",
            "Broker may not be available",
            "could not be established. Broker",
            "Is the server running on that host and accepting TCP/IP connections",
            "Can't connect to MySQL server on",
            "Could not connect to Redis at",
            "CURLE_COULDNT_CONNECT",
        ),
        meaning=(
            "The other side answered the connection request with a refusal, almost always because no program "
            "listens on that address and port. curl reports every failed connect as code 7, so there the text "
            "behind it decides."
        ),
        on_the_wire=(
            "A SYN, then an RST from the server within a millisecond on loopback. When an ICMP port unreachable "
            "comes back instead of an RST, a firewall rejected the SYN."
        ),
        labels=("SYN-RST", "SYN-no-reply"),
        cause_slugs=(
            "service-not-running",
            "wrong-port",
            "address-family-mismatch",
            "wrong-bind-address",
            "startup-race",
            "crashed-after-bind",
            "container-mapping",
            "firewall-reject",
        ),
        references=(
            sources.CONNECT_2,
            f"{sources.RFC_9293}#section-3.10.7.1",
            sources.WINSOCK,
            sources.CHROMIUM,
        ),
    ),
    ErrorMeaning(
        name="ETIMEDOUT",
        spellings=(
            "ETIMEDOUT",
            "WSAETIMEDOUT",
            "ERR_CONNECTION_TIMED_OUT",
            "NS_ERROR_NET_TIMEOUT",
            "NSURLErrorDomain Code=-1001",
            "Connection timed out",
            "connect timed out",
            "connection attempt timed out",
            "dial tcp … i/o timeout",
            "Connect Timeout Error",
            "ConnectTimeoutError",
            "ConnectTimeout",
            "UND_ERR_CONNECT_TIMEOUT",
            "did not properly respond after a period of time",
            "took too long to respond",
            "Failed to connect … Timeout was reached",
        ),
        numbers=(*errno(110, 60, 10060), (System.CURL, 28), (System.CHROMIUM, -118)),
        hints=("timed out", "timeout", "ERR_TIMED_OUT", "Operation timed out", "Timeout was reached"),
        meaning=(
            "No answer came before the client or the kernel gave up. Windows repeats a refused SYN for about two "
            "seconds, so there a client with a short limit can say timeout for what was a refusal."
        ),
        on_the_wire=(
            "The SYN repeated with no answer; or SYN-ACKs that the client never acknowledges, when the answer is "
            "dropped on its way back. On loopback this points to a dropped SYN or a full accept queue, since a "
            "closed port is refused at once."
        ),
        labels=("SYN-no-reply", "half-open", "completed"),
        cause_slugs=(
            "firewall-drop",
            "accept-queue-overflow",
            "server-hung",
            "container-mapping",
            "client-timeout-too-short",
            "service-not-running",
        ),
        references=(sources.CONNECT_2, f"{sources.RFC_9293}#section-3.8.3", sources.WINSOCK, sources.CURL),
    ),
    ErrorMeaning(
        name="ECONNRESET",
        spellings=(
            "ECONNRESET",
            "WSAECONNRESET",
            "ERR_CONNECTION_RESET",
            "NS_ERROR_NET_RESET",
            "ConnectionResetError",
            "ConnectionReset",
            "Connection reset by peer",
            "Connection was reset",
            "connection reset",
            "forcibly closed by the remote host",
            "Recv failure: Connection was reset",
            "Recv failure: Connection reset by peer",
            "wsarecv: An existing connection was forcibly closed",
            "SSL_ERROR_SYSCALL … Connection reset by peer",
        ),
        numbers=(*errno(104, 54, 10054), (System.CURL, 56), (System.CHROMIUM, -101)),
        hints=("SSL_ERROR_SYSCALL", "NSURLErrorDomain Code=-1005", "The network connection was lost"),
        meaning=(
            "The connection was established, then the other side ended it abruptly: the program crashed, closed "
            "with unread data, or a forwarder in between found no one behind it."
        ),
        on_the_wire="The handshake completes, then the server sends an RST, often right after the request.",
        labels=("completed", "half-open"),
        cause_slugs=(
            "container-mapping",
            "application-error",
            "crashed-after-bind",
            "protocol-mismatch",
            "accept-queue-overflow",
            "context-service",
            "firewall-reject",
        ),
        references=(f"{sources.RFC_9293}#section-3.5.2", sources.ERRNO_3, sources.WINSOCK, sources.CHROMIUM),
    ),
    ErrorMeaning(
        name="ECONNABORTED",
        spellings=(
            "ECONNABORTED",
            "WSAECONNABORTED",
            "ERR_CONNECTION_ABORTED",
            "ConnectionAbortedError",
            "Software caused connection abort",
            "aborted by the software in your host machine",
        ),
        numbers=(*errno(103, 53, 10053), (System.CHROMIUM, -103)),
        hints=("Connection aborted",),
        meaning=(
            "The local side gave the connection up: its own time limit, an antivirus or a VPN in between, or a "
            "protocol error. On a server, accept returns it when the client left before it was accepted. axios "
            "uses the same word for its own time limit."
        ),
        on_the_wire="The handshake completes, then the client ends it, or data goes unacknowledged until then.",
        labels=("completed", "half-open"),
        cause_slugs=("client-timeout-too-short", "firewall-drop", "security-policy", "application-error"),
        references=(sources.ACCEPT_2, sources.ERRNO_3, sources.WINSOCK),
    ),
    ErrorMeaning(
        name="EPIPE",
        spellings=("EPIPE", "BrokenPipeError", "BrokenPipe", "Broken pipe", "write: broken pipe"),
        numbers=((System.LINUX, 32), (System.MACOS, 32)),
        meaning="This side wrote to a connection that the other side had closed already.",
        on_the_wire="The handshake completes; a FIN or RST of the peer comes before the data that failed.",
        labels=("completed",),
        cause_slugs=(
            "client-timeout-too-short",
            "application-error",
            "crashed-after-bind",
            "protocol-mismatch",
        ),
        references=(sources.SEND_2, sources.ERRNO_3),
    ),
    ErrorMeaning(
        name="EHOSTUNREACH",
        spellings=(
            "EHOSTUNREACH",
            "WSAEHOSTUNREACH",
            "ERR_ADDRESS_UNREACHABLE",
            "HostUnreachable",
            "No route to host",
            "NoRouteToHostException",
            "Host is unreachable",
            "attempted to an unreachable host",
        ),
        numbers=(*errno(113, 65, 10065), (System.CHROMIUM, -109)),
        meaning=(
            "Something said the host cannot be reached. For a local address that is seldom true routing: a "
            "firewall that rejects with 'host prohibited' produces the same error."
        ),
        on_the_wire=(
            "A SYN answered by ICMP host unreachable or administratively prohibited (type 3 code 1, 10 or 13; "
            "ICMPv6 type 1 code 3). On a real network also: ARP without an answer and no SYN."
        ),
        labels=("SYN-no-reply", "client-never-sent"),
        cause_slugs=("firewall-reject", "container-mapping", "name-resolution", "loopback-down"),
        references=(sources.CONNECT_2, sources.ICMP_7, sources.WINSOCK),
    ),
    ErrorMeaning(
        name="ENETUNREACH",
        spellings=(
            "ENETUNREACH",
            "WSAENETUNREACH",
            "NetworkUnreachable",
            "Network is unreachable",
            "Network unreachable",
            "attempted to an unreachable network",
        ),
        numbers=errno(101, 51, 10051),
        meaning=(
            "The kernel has no route to the address. For a loopback address: the interface is down or has no "
            "address of that family, as when IPv6 is switched off."
        ),
        on_the_wire="Usually nothing: the SYN is never sent. With a rejecting firewall, an ICMP net unreachable.",
        labels=("client-never-sent", "SYN-no-reply"),
        cause_slugs=("loopback-down", "address-family-mismatch", "firewall-reject", "name-resolution"),
        references=(sources.CONNECT_2, sources.ICMP_7, sources.WINSOCK),
    ),
    ErrorMeaning(
        name="ENETDOWN",
        spellings=("ENETDOWN", "WSAENETDOWN", "Network is down", "ERR_INTERNET_DISCONNECTED"),
        numbers=(*errno(100, 50, 10050), (System.CHROMIUM, -106)),
        meaning="The interface the packet would leave by is switched off.",
        on_the_wire="Nothing: the SYN is never sent.",
        labels=("client-never-sent",),
        cause_slugs=("loopback-down", "stack-fault", "name-resolution"),
        references=(sources.ERRNO_3, sources.WINSOCK),
    ),
    ErrorMeaning(
        name="EADDRNOTAVAIL",
        spellings=(
            "EADDRNOTAVAIL",
            "WSAEADDRNOTAVAIL",
            "AddrNotAvailable",
            "ERR_ADDRESS_INVALID",
            "Cannot assign requested address",
            "Can't assign requested address",
            "connect … Cannot assign requested address",
            "requested address is not valid in its context",
        ),
        numbers=(*errno(99, 49, 10049), (System.CHROMIUM, -108)),
        meaning=(
            "The kernel could not give the client an address and port of its own. Either all ephemeral ports to "
            "that target are in use (many short connections left in TIME-WAIT), or no interface has an address of "
            "that family, as ::1 with IPv6 switched off. Port 0 as the target gives it on macOS and Windows."
        ),
        on_the_wire="Nothing for the failing try; often many successful connections just before it.",
        labels=("client-never-sent",),
        cause_slugs=("resource-limits", "address-family-mismatch", "loopback-down", "wrong-bind-address"),
        references=(sources.CONNECT_2, sources.IP_7, sources.WINSOCK),
    ),
    ErrorMeaning(
        name="EADDRNOTAVAIL (bind)",
        spellings=(
            "listen EADDRNOTAVAIL",
            "listen EADDRNOTAVAIL: address not available",
            "bind … Cannot assign requested address",
            "bind … Can't assign requested address",
            "bind … requested address is not valid in its context",
            "bind … EADDRNOTAVAIL",
        ),
        hints=("EADDRNOTAVAIL", "Cannot assign requested address", "Can't assign requested address"),
        meaning="The server asked to listen on an address that no interface of this machine (or container) has.",
        on_the_wire="Clients get SYN then RST, since nobody listens.",
        labels=("SYN-RST",),
        cause_slugs=("wrong-bind-address", "crashed-before-bind", "loopback-down", "container-mapping"),
        references=(sources.BIND_2, sources.IP_7, sources.WINSOCK),
    ),
    ErrorMeaning(
        name="EADDRINUSE",
        spellings=(
            "EADDRINUSE",
            "WSAEADDRINUSE",
            "AddrInUse",
            "ERR_ADDRESS_IN_USE",
            "Address already in use",
            "bind: address already in use",
            "bind … Address already in use",
            "address is already in use",
            "port is already allocated",
            "port is already in use",
            "port … is already in use",
            "port … was already in use",
            "port … is in use",
            "Something is already running on port",
            "Only one usage of each socket address",
        ),
        numbers=(*errno(98, 48, 10048), (System.CHROMIUM, -147)),
        meaning=(
            "Another socket holds the address and port: another program, an old instance of the same one, or a "
            "connection that is still closing. On Windows a client that has used up its ephemeral ports gets the "
            "same number."
        ),
        on_the_wire=(
            "Clients reach whoever holds the port: handshakes complete, with the wrong program. If the holder does "
            "not listen, SYN then RST."
        ),
        labels=("completed", "SYN-RST"),
        cause_slugs=("port-conflict", "crashed-before-bind", "container-mapping", "resource-limits"),
        references=(sources.BIND_2, sources.IP_7, sources.WINSOCK),
    ),
    ErrorMeaning(
        name="EACCES (bind)",
        spellings=(
            "listen EACCES",
            "listen EACCES: permission denied",
            "bind … Permission denied",
            "bind … EACCES",
            "Permission denied … bind",
            "Permission denied: could not bind",
            "forbidden by its access permissions",
            "bind: An attempt was made to access a socket in a way forbidden by its access permissions",
            "permission denied to listen on port",
            "cannot expose privileged port",
        ),
        numbers=errno(13, 13, 10013),
        hints=("EACCES", "WSAEACCES", "Permission denied"),
        meaning=(
            "The server may not listen there. On Unix: a port below 1024 without the privilege. On Windows: the "
            "port lies in an excluded range (Hyper-V and WSL reserve some) or another program holds it "
            "exclusively. A security policy can say it anywhere."
        ),
        on_the_wire="Clients get SYN then RST, since nobody listens.",
        labels=("SYN-RST",),
        cause_slugs=("bind-permission-denied", "crashed-before-bind", "port-conflict", "security-policy"),
        references=(
            sources.BIND_2,
            sources.IP_7,
            sources.WINSOCK,
            (
                "https://learn.microsoft.com/en-us/troubleshoot/windows-server/networking/"
                "default-dynamic-port-range-tcpip-chang"
            ),
        ),
    ),
    ErrorMeaning(
        name="EACCES",
        spellings=(
            "EACCES",
            "WSAEACCES",
            "ERR_NETWORK_ACCESS_DENIED",
            "connect EACCES",
            "connect … permission denied",
            "dial tcp … permission denied",
        ),
        numbers=(*errno(13, 13, 10013), (System.CHROMIUM, -138)),
        hints=("PermissionError", "Permission denied"),
        meaning=(
            "The kernel forbade the connect: a local security policy or firewall, a broadcast address, or an "
            "ICMPv6 rejection. When a server says it while it starts, it was not allowed to bind the port."
        ),
        on_the_wire="Usually nothing leaves. With a rejecting IPv6 firewall, an ICMPv6 error that quotes the SYN.",
        labels=("client-never-sent", "SYN-no-reply"),
        cause_slugs=("security-policy", "bind-permission-denied", "firewall-reject"),
        references=(sources.CONNECT_2, sources.BIND_2, sources.WINSOCK),
    ),
    ErrorMeaning(
        name="EPERM",
        spellings=("EPERM", "Operation not permitted", "connect EPERM", "connect: operation not permitted"),
        numbers=((System.LINUX, 1), (System.MACOS, 1)),
        meaning="A local rule refused the packet or the call: an OUTPUT rule of the firewall, seccomp or a sandbox.",
        on_the_wire="Nothing to the target.",
        labels=("client-never-sent",),
        cause_slugs=("security-policy", "firewall-drop", "firewall-reject", "bind-permission-denied"),
        references=(sources.CONNECT_2, sources.ERRNO_3),
    ),
    ErrorMeaning(
        name="EMFILE",
        spellings=("EMFILE", "WSAEMFILE", "Too many open files", "socket: too many open files"),
        numbers=errno(24, 24, 10024),
        meaning="The process has used up its file descriptors (ulimit -n), so it can open or accept no connection.",
        on_the_wire=(
            "If the client is out of descriptors, nothing. If the server is: handshakes complete (the kernel does "
            "them), then silence; later SYNs stay unanswered once the accept queue is full."
        ),
        labels=("completed", "client-never-sent", "SYN-no-reply"),
        cause_slugs=("resource-limits", "accept-queue-overflow", "server-hung"),
        references=(sources.SOCKET_2, sources.ACCEPT_2, sources.WINSOCK),
    ),
    ErrorMeaning(
        name="ENFILE",
        spellings=("ENFILE", "Too many open files in system", "File table overflow"),
        numbers=((System.LINUX, 23), (System.MACOS, 23)),
        meaning="The whole system has used up its file descriptors.",
        on_the_wire="As for EMFILE: nothing from a client, silence after the handshake from a server.",
        labels=("completed", "client-never-sent", "SYN-no-reply"),
        cause_slugs=("resource-limits",),
        references=(sources.SOCKET_2, sources.ACCEPT_2),
    ),
    ErrorMeaning(
        name="ENOBUFS",
        spellings=(
            "ENOBUFS",
            "WSAENOBUFS",
            "No buffer space available",
            "lacked sufficient buffer space or because a queue was full",
            "ERR_INSUFFICIENT_RESOURCES",
        ),
        numbers=(*errno(105, 55, 10055), (System.CHROMIUM, -12)),
        meaning="The system ran out of memory or ports for sockets; on Windows mostly ephemeral ports.",
        on_the_wire="Nothing for the failing try; often many connections just before it.",
        labels=("client-never-sent", "SYN-no-reply"),
        cause_slugs=("resource-limits", "stack-fault"),
        references=(sources.SOCKET_2, sources.WINSOCK),
    ),
    ErrorMeaning(
        name="ENOMEM",
        spellings=(
            "ENOMEM",
            "Cannot allocate memory",
            "java.lang.OutOfMemoryError",
            "Out of memory: Killed process",
        ),
        numbers=((System.LINUX, 12), (System.MACOS, 12)),
        hints=("OOMKilled", "exit code 137", "exited with code 137"),
        meaning="The process or the machine is out of memory; the kernel may have killed the server for it.",
        on_the_wire="Successes, then SYN and RST once the server is gone; or silence while it struggles.",
        labels=("SYN-RST", "completed"),
        cause_slugs=("resource-limits", "crashed-after-bind", "llm-backend"),
        references=(sources.SOCKET_2, sources.ERRNO_3),
    ),
    ErrorMeaning(
        name="EAFNOSUPPORT",
        spellings=(
            "EAFNOSUPPORT",
            "WSAEAFNOSUPPORT",
            "Address family not supported by protocol",
            "Address family for hostname not supported",
            "address incompatible with the requested protocol",
            "Protocol family unavailable",
        ),
        numbers=errno(97, 47, 10047),
        meaning="The system has no support for this address family, usually IPv6 switched off in the kernel.",
        on_the_wire="Nothing over that family; a client that falls back shows a SYN over the other one.",
        labels=("client-never-sent",),
        cause_slugs=("address-family-mismatch", "loopback-down", "name-resolution"),
        references=(sources.SOCKET_2, sources.WINSOCK),
    ),
    ErrorMeaning(
        name="EINVAL",
        spellings=("EINVAL", "WSAEINVAL", "Invalid argument"),
        numbers=errno(22, 22, 10022),
        meaning=(
            "The call got an argument that makes no sense: a port outside its range, an address of the wrong "
            "length, a link-local IPv6 address without its interface, or a socket used twice."
        ),
        on_the_wire="Nothing: the call fails before any packet.",
        labels=("client-never-sent",),
        cause_slugs=("port-out-of-range", "wrong-bind-address", "address-family-mismatch"),
        references=(sources.CONNECT_2, sources.BIND_2, sources.WINSOCK),
    ),
    ErrorMeaning(
        name="ENOPROTOOPT",
        spellings=("ENOPROTOOPT", "WSAENOPROTOOPT", "Protocol not available", "Bad protocol option"),
        numbers=errno(92, 42, 10042),
        meaning="On connect: an ICMP 'protocol unreachable' came back, so something on the path rejects TCP itself.",
        on_the_wire="A SYN answered by ICMP type 3 code 2. From setsockopt it has nothing to do with the wire.",
        labels=("SYN-no-reply",),
        cause_slugs=("firewall-reject", "stack-fault"),
        references=(sources.ICMP_7, sources.WINSOCK),
    ),
    ErrorMeaning(
        name="EINPROGRESS",
        spellings=(
            "EINPROGRESS",
            "WSAEWOULDBLOCK",
            "EWOULDBLOCK",
            "EAGAIN",
            "Operation now in progress",
            "Resource temporarily unavailable",
            "non-blocking socket operation could not be completed immediately",
        ),
        numbers=(
            *errno(115, 36, 10036),
            (System.LINUX, 11),
            (System.MACOS, 35),
            (System.WINDOWS, 10035),
        ),
        meaning=(
            "The call would have had to wait: the connection was not there yet, or no answer had come, when the "
            "program looked or its time limit struck. As a final error it means a timeout."
        ),
        on_the_wire="A SYN without an answer so far, or a completed handshake with no data yet.",
        labels=("SYN-no-reply", "completed"),
        cause_slugs=("firewall-drop", "server-hung", "client-timeout-too-short", "accept-queue-overflow"),
        references=(sources.CONNECT_2, sources.WINSOCK),
    ),
    ErrorMeaning(
        name="ENOTCONN",
        spellings=(
            "ENOTCONN",
            "WSAENOTCONN",
            "Transport endpoint is not connected",
            "Socket is not connected",
            "socket is not connected and (when sending",
        ),
        numbers=errno(107, 57, 10057),
        meaning="The program used a socket that was never connected or had lost its connection already.",
        on_the_wire="Look at the try before: a refusal, a reset or a withdrawn SYN.",
        labels=("SYN-RST", "completed", "client-never-sent"),
        cause_slugs=("service-not-running", "crashed-after-bind", "application-error"),
        references=(sources.ERRNO_3, sources.WINSOCK),
    ),
    ErrorMeaning(
        name="ENOENT (socket file)",
        spellings=(
            "connection to server on socket … failed",
            "Can't connect to local MySQL server through socket",
            "Can't connect to local server through socket",
            "Cannot connect to the Docker daemon at unix",
            "Can't connect to MySQL server on … No such file or directory",
            "mysqli_sql_exception: No such file or directory",
            "[2002] No such file or directory",
            "2002: No such file or directory",
            "(HY000/2002): No such file or directory",
            "No such file or directory - connect(2) for",
            "connections on Unix domain socket",
            "unix … no such file or directory",
            "unix … connect: connection refused",
            "connect ENOENT",
        ),
        meaning=(
            "The client did not use TCP at all: it tried a Unix socket file, which is missing or has no server. "
            "Name 127.0.0.1 and the port to use TCP instead."
        ),
        on_the_wire="Nothing: Unix sockets do not appear in a capture.",
        labels=("client-never-sent",),
        cause_slugs=("service-not-running", "crashed-before-bind", "wrong-bind-address", "container-mapping"),
        references=(sources.UNIX_7, sources.CONNECT_2),
    ),
)

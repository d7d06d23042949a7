"""Hands the page and its events to browsers, from a thread of its own.

Input: files that never change, a ``Log``. Output: an HTTP server on 127.0.0.1. It does nothing but hand out what
it holds: there is no request that changes anything or opens a file, so it can run in the process that has given up
its rights. Everything it needs is imported and read before that: the constructor binds, ``start`` serves.

Invariants: each connection holds at most one event that was not sent; connections, readers, headers and waiting
times are bounded.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import tornado.platform.asyncio  # noqa: F401 - Tornado itself imports it only when the first server is made
from tornado import iostream, web
from tornado.httpserver import HTTPServer

from synscope.model import Endpoint
from synscope.web.access import ADDRESS, HEADERS, STRICT_POLICY, Access, Refused
from synscope.web.log import Log

EVENTS: Final = "events"
"""Name of the stream of events."""
MOST_READERS: Final = 128
_MOST_CONNECTIONS: Final = 256
_MOST_HEADERS: Final = 16_384
_MOST_BODY: Final = 1_024
_HEADERS_S: Final = 10.0
"""Seconds a client has to send a request; also what an idle connection may last."""
_STUCK_S: Final = 30.0
"""Seconds after which a reader that takes nothing is let go: its browser comes back and is told what it missed."""
_ALIVE_S: Final = 15.0
"""Seconds after which a reader is written to although nothing is new, so that one that is gone is noticed."""
_START_S: Final = 10.0
_CLOSE_S: Final = 1.0
_PORTS_TRIED: Final = 50
_POLL_S: Final = 0.02


class File(NamedTuple):
    """What is handed out under one name."""

    content_type: str
    body: bytes
    policy: str = STRICT_POLICY
    """Its Content-Security-Policy."""


class _Site:
    """What the handlers of one server share."""

    def __init__(self, log: Log, files: Mapping[str, File], access: Access) -> None:
        self.log = log
        self.files = dict(files)
        self.access = access
        self.news = asyncio.Event()
        self.readers = 0
        self.closed = False

    def close(self) -> None:
        """Let every reader go."""
        self.closed = True
        self.awake()

    def awake(self) -> None:
        """Wake every reader."""
        self.news.set()
        self.news = asyncio.Event()


class _Handler(web.RequestHandler):
    """Answers every request."""

    def initialize(self, site: _Site) -> None:
        self._site = site
        self._name = ""
        self._gone = False

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Content-Security-Policy", STRICT_POLICY)
        for name, value in HEADERS:
            self.set_header(name, value)

    def compute_etag(self) -> None:
        """Nothing is cached, so nothing is compared."""

    def prepare(self) -> None:
        request = self.request
        hosts = request.headers.get_list("Host")
        try:
            self._name = self._site.access.admit(request.method or "", request.uri or "", hosts)
        except Refused as refused:
            raise web.HTTPError(refused.status) from None

    def write_error(self, status_code: int, **_: Any) -> None:  # noqa: ANN401 - Tornado's own
        self.finish(HTTPStatus(status_code).phrase + "\n")

    async def get(self) -> None:
        if self._name == EVENTS:
            await self._stream()
            return
        file = self._site.files.get(self._name)
        if file is None:
            raise web.HTTPError(HTTPStatus.NOT_FOUND)
        self.set_header("Content-Type", file.content_type)
        self.set_header("Content-Security-Policy", file.policy)
        await self.finish(file.body)

    async def _stream(self) -> None:
        site = self._site
        if site.readers >= MOST_READERS:
            raise web.HTTPError(HTTPStatus.SERVICE_UNAVAILABLE)
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        site.readers += 1
        try:
            with suppress(iostream.StreamClosedError, TimeoutError):
                await self._tell(_number(self.request.headers.get("Last-Event-ID")))
        finally:
            site.readers -= 1
        # One that is stuck would keep what was written to it.
        if self.request.connection is not None:
            self.detach().close()

    async def _tell(self, at: int | None) -> None:
        site = self._site
        await self._send(b"retry: 1000\n\n")
        while not self._gone and not site.closed:
            news = site.news
            piece = site.log.next(at)
            if piece is not None:
                await self._send(piece.data)
                at = piece.at
                continue
            try:
                await asyncio.wait_for(news.wait(), _ALIVE_S)
            except TimeoutError:
                await self._send(b": still there\n\n")

    async def _send(self, data: bytes) -> None:
        self.write(data)
        await asyncio.wait_for(self.flush(), _STUCK_S)

    def on_connection_close(self) -> None:
        """Wake this reader (and the others), so that it notices."""
        self._gone = True
        self._site.awake()


class _LimitedServer(HTTPServer):
    """An HTTP server with a limit to its connections."""

    def handle_stream(self, stream: iostream.IOStream, address: tuple[Any, ...]) -> None:
        if len(self._connections) >= _MOST_CONNECTIONS:
            stream.close()
            return
        super().handle_stream(stream, address)


class PageServer:
    """The server of one capture's page. Make it, ``start`` it, ``close`` it."""

    def __init__(
        self,
        log: Log,
        files: Mapping[str, File],
        port: int = 0,
        unwanted: Callable[[int], bool] = lambda _: False,
    ) -> None:
        """Bind a port, by default one that the system chooses and that is not ``unwanted``. Raises ``OSError``."""
        # What Tornado has to say about malformed requests is not for the terminal.
        logging.getLogger("tornado").addHandler(logging.NullHandler())
        self._socket = _bound(port, unwanted)
        self.port: int = self._socket.getsockname()[1]
        access = Access(self.port)
        self.url = access.url
        self._log = log
        self._site = _Site(log, files, access)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="synscope-web", daemon=True)

    @property
    def endpoints(self) -> frozenset[Endpoint]:
        """Where browsers connect to; "localhost" may lead them to the other address first."""
        return frozenset({Endpoint(ADDRESS, self.port), Endpoint("::1", self.port)})

    @property
    def readers(self) -> int:
        """How many pages listen."""
        return self._site.readers

    def start(self) -> None:
        """Serve from now on."""
        self._socket.listen()
        self._thread.start()
        self._ready.wait(_START_S)

    def offer(self, name: str, file: File) -> None:
        """Hand out one more file."""
        self._site.files[name] = file

    def close(self, patience_s: float = 0.0) -> None:
        """Stop; the readers may stay until they leave by themselves, for so long. May be called again."""
        deadline = time.monotonic() + patience_s
        while self._site.readers and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        loop, over = self._loop, self._over
        if loop is not None and over is not None:
            with suppress(RuntimeError):  # it is closed already
                loop.call_soon_threadsafe(over.set)
            self._thread.join(_START_S)
        self._socket.close()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._log.wake(self._wake)
        application = web.Application(
            default_handler_class=_Handler,
            default_handler_args={"site": self._site},
            log_function=lambda _: None,
        )
        server = self._server = _LimitedServer(
            application,
            max_header_size=_MOST_HEADERS,
            max_body_size=_MOST_BODY,
            idle_connection_timeout=_HEADERS_S,
            body_timeout=_HEADERS_S,
        )
        self._socket.setblocking(False)
        server.add_socket(self._socket)
        self._ready.set()
        await self._over.wait()
        server.stop()
        self._site.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(server.close_all_connections(), _CLOSE_S)

    def _wake(self) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # it is closed already
                self._loop.call_soon_threadsafe(self._site.awake)


def _bound(port: int, unwanted: Callable[[int], bool]) -> socket.socket:
    for _ in range(_PORTS_TRIED):
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if port:  # one that was given may have been somebody's page a minute ago
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((ADDRESS, port))
        except OSError:
            bound.close()
            raise
        if port or not unwanted(bound.getsockname()[1]):
            return bound
        bound.close()
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,15}", text) else None

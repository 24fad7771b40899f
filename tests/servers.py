"""Small servers on loopback that behave well or badly, to test what fetches from a network.

>>> with Misbehaving({"/a": ok_json({"a": 1})}) as server:
...     client.get(server.url("/a"))
...     assert server.count("/a") == 1
"""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

ERROR_PAGE = b"<!DOCTYPE html>\n<html><head><title>Storing</title></head><body>Even geduld</body></html>"
EXCEPTION_REPORT = (
    b'<?xml version="1.0"?><ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1">'
    b"<ows:Exception><ows:ExceptionText>kapot</ows:ExceptionText></ows:Exception></ows:ExceptionReport>"
)
LONG_AGO = "Mon, 02 Nov 2015 08:00:00 GMT"


@dataclass(frozen=True)
class Seen:
    """One request as the server saw it; header names are lower case."""

    path: str
    query: str
    headers: Mapping[str, str]
    at: float


@dataclass
class Exchange:
    """What a route gets: the request, and ways to answer."""

    handler: BaseHTTPRequestHandler
    seen: Seen
    number: int  # of the request for this path, from 1
    server: Misbehaving

    def answer(self, body: bytes = b"", status: int = 200, **headers: str) -> None:
        """A sound answer; header names are written with ``_``."""
        self.start(status, Content_Length=str(len(body)), **headers)
        self.send(body)

    def start(self, status: int = 200, **headers: str) -> None:
        """Status line and headers."""
        self.handler.send_response(status)
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()

    def send(self, data: bytes) -> None:
        """Bytes of the body, counted."""
        self.handler.wfile.write(data)
        self.handler.wfile.flush()
        self.server.add_sent(self.seen.path, len(data))

    def hang_up(self, *, reset: bool = False) -> None:
        """Break the connection; with `reset` the way a crashed server does."""
        self.handler.close_connection = True
        sock = self.handler.connection
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.handler.rfile.close()  # or the reset waits for this reference
            sock.close()
        else:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


Route = Callable[[Exchange], None]


@dataclass
class Misbehaving:
    """A threaded server with a route per path; use as a context manager.

    Parameters
    ----------
    routes : dict of str to Route
        May be changed while the server runs.
    tls : ssl.SSLContext, optional
        Makes it an https server.
    """

    routes: dict[str, Route] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    requests: list[Seen] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    at_once: int = 0
    most_at_once: int = 0
    connections: int = 0

    def __enter__(self) -> Misbehaving:
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """Address of a path."""
        return f"{'https' if self.tls else 'http'}://{host}:{self._server.server_address[1]}{path}"

    def seen(self, path: str) -> list[Seen]:
        """The requests for a path, in order."""
        return [request for request in self.requests if request.path == path]

    def count(self, path: str | None = None) -> int:
        """Number of requests, for one path or all."""
        return len(self.requests) if path is None else len(self.seen(path))

    def add_sent(self, path: str, count: int) -> None:
        """Count bytes of bodies."""
        with self._lock:
            self.sent[path] = self.sent.get(path, 0) + count

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """Record a request and hand it to its route."""
        parts = urlsplit(handler.path)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Seen(parts.path, parts.query, headers, time.monotonic())
        with self._lock:
            self.requests.append(request)
            number = self.count(parts.path)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.routes.get(parts.path, status(404))(Exchange(handler, request, number, self))
        except OSError:
            handler.close_connection = True  # the client hung up, as it should on what is wrong
        finally:
            with self._lock:
                self.at_once -= 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """Stay silent: clients hang up on purpose."""


def _handler_of(server: Misbehaving) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            server.connections += 1
            super().setup()

        def do_GET(self) -> None:
            server.handle(self)

        def log_message(self, *_: object) -> None:
            pass

        def finish(self) -> None:
            with suppress(OSError, ValueError):
                super().finish()

    return Handler


# Good behaviour --------------------------------------------------------------------------


def ok(body: bytes, kind: str = "application/octet-stream", **headers: str) -> Route:
    """A sound answer."""
    return lambda x: x.answer(body, Content_Type=kind, **headers)


def ok_json(value: object, **headers: str) -> Route:
    """A sound JSON answer."""
    return ok(json.dumps(value).encode(), "application/json", **headers)


def compressed(body: bytes, coding: str = "gzip", kind: str = "application/json") -> Route:
    """A body in gzip, deflate, or deflate without its header (raw)."""
    return ok(squeeze(body, coding), kind, Content_Encoding="deflate" if coding == "raw" else coding)


def squeeze(body: bytes, coding: str) -> bytes:
    """Compress the way a server does."""
    if coding == "gzip":
        return gzip.compress(body)
    engine = zlib.compressobj(wbits=-15 if coding == "raw" else 15)
    return engine.compress(body) + engine.flush()


def conditional(body: bytes, etag: str = "", modified: str = "", kind: str = "application/octet-stream") -> Route:
    """ETag and Last-Modified; 304 when the client has this version."""

    def route(x: Exchange) -> None:
        headers = _validators(etag, modified)
        asked = x.seen.headers.get("if-none-match"), x.seen.headers.get("if-modified-since")
        same = asked[0] == etag if asked[0] is not None else asked[1] is not None and asked[1] == modified
        if same:
            x.answer(b"", 304, **headers)
        else:
            x.answer(body, 200, Content_Type=kind, **headers)

    return route


def ranged(body: bytes, etag: str = "", modified: str = "", cut: int | None = None, ranges: bool = True) -> Route:
    """Serve Range (or not); the first request breaks off after `cut` bytes."""

    def route(x: Exchange) -> None:
        headers = _validators(etag, modified)
        wanted, same = x.seen.headers.get("range"), x.seen.headers.get("if-range") in (etag or None, modified or None)
        first = int(wanted.removeprefix("bytes=").rstrip("-")) if ranges and wanted and same else 0
        if first >= len(body):
            x.answer(b"", 416, Content_Range=f"bytes */{len(body)}")
            return
        if first:
            headers["Content_Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
        x.start(206 if first else 200, Content_Length=str(len(body) - first), **headers)
        if cut is not None and x.number == 1:
            x.send(body[first:cut])
            x.hang_up()
        else:
            x.send(body[first:])

    return route


def _validators(etag: str, modified: str) -> dict[str, str]:
    return ({"ETag": etag} if etag else {}) | ({"Last_Modified": modified} if modified else {})


# Bad behaviour ---------------------------------------------------------------------------


def status(code: int, **headers: str) -> Route:
    """Always this status: 404, 503."""
    return lambda x: x.answer(b"", code, **headers)


def first(times: int, bad: Route, good: Route) -> Route:
    """One behaviour a number of times, then another."""
    return lambda x: (bad if x.number <= times else good)(x)


def busy_then(good: Route, retry_after: str = "1", times: int = 1) -> Route:
    """429 with Retry-After, then well."""
    return first(times, status(429, Retry_After=retry_after), good)


def failing_then(good: Route, times: int, code: int = 500) -> Route:
    """500 a number of times, then well."""
    return first(times, status(code), good)


def truncated(body: bytes, missing: int = 10, kind: str = "application/json", **headers: str) -> Route:
    """Content-Length promises more than comes."""

    def route(x: Exchange) -> None:
        x.start(200, Content_Type=kind, Content_Length=str(len(body) + missing), **headers)
        x.send(body)
        x.hang_up()

    return route


def chunked(body: bytes, *, complete: bool, in_chunk: bool = False, kind: str = "application/json") -> Route:
    """Chunked; when not complete cut off between chunks, or within one."""

    def route(x: Exchange) -> None:
        x.start(200, Content_Type=kind, Transfer_Encoding="chunked")
        half = len(body) // 2
        for part in (body[:half], body[half:]):
            x.send(b"%x\r\n%s\r\n" % (len(part), part))
        if complete:
            x.send(b"0\r\n\r\n")
            return
        if in_chunk:
            x.send(b"ff\r\nabc")
        x.hang_up()

    return route


def error_page(kind: str = "text/html; charset=utf-8", body: bytes = ERROR_PAGE) -> Route:
    """Status 200 with a page that says that something is wrong."""
    return ok(body, kind)


def bomb(megabytes: int = 300, coding: str = "gzip") -> Route:
    """A small answer that decodes to very much."""
    wbits = {"gzip": 31, "deflate": 15, "raw": -15}[coding]
    engine = zlib.compressobj(9, zlib.DEFLATED, wbits)
    # After a full flush the same bytes may be repeated: the end is never reached.
    first_ten, next_ten = (engine.compress(bytes(10_000_000)) + engine.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    data = first_ten + next_ten * (megabytes // 10 - 1)
    return ok(data, "application/json", Content_Encoding="deflate" if coding == "raw" else coding)


def redirect(to: str, code: int = 302) -> Route:
    """To another address: a path (a loop when its own), another server, file://."""
    return lambda x: x.answer(b"", code, Location=to)


def redirect_chain(path: str, length: int, end: Route) -> Iterator[tuple[str, Route]]:
    """Routes path0 to path<length>, of which the last one answers: ``routes |= dict(redirect_chain(...))``."""
    for number in range(length):
        yield f"{path}{number}", redirect(f"{path}{number + 1}")
    yield f"{path}{length}", end


def drip(body: bytes = b" " * 1000, every_s: float = 0.1, *, head: bool = False) -> Route:
    """A byte at a time; with `head` already in the headers."""

    def route(x: Exchange) -> None:
        if head:
            x.handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        else:
            x.start(200, Content_Type="application/json", Content_Length=str(len(body)))
        for place in range(len(body)):
            x.send(body[place : place + 1])
            time.sleep(every_s)

    return route


def silent(seconds: float) -> Route:
    """Takes the request and says nothing."""

    def route(x: Exchange) -> None:
        time.sleep(seconds)
        x.hang_up()

    return route


def reset() -> Route:
    """Breaks the connection at once."""
    return lambda x: x.hang_up(reset=True)


# A server that just answers ----------------------------------------------------------------

Query = dict[str, str]
Given = tuple[int, dict[str, str], bytes]


@dataclass(slots=True)
class Small:
    """A small server: its address and what it was asked."""

    url: str
    asked: list[tuple[str, Query, dict[str, str]]] = field(default_factory=list)

    @property
    def queries(self) -> list[Query]:
        return [query for _, query, _ in self.asked]


@contextmanager
def serving(answer: Callable[[str, Query], object]) -> Iterator[Small]:
    """Answer every request with JSON, or with (status, headers, body)."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            small.asked.append((parts.path, query, {k.lower(): v for k, v in self.headers.items()}))
            given = answer(parts.path, query)
            status, headers, body = given if isinstance(given, tuple) else (200, {}, json.dumps(given).encode())
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    small = Small(f"http://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield small
    finally:
        http.shutdown()
        http.server_close()
        thread.join()

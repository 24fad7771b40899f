"""One request on one connection: checked address, total time, errors in our words, and a body that is complete.

Used by :mod:`dgdo_geo.sources.http` only.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http.client import HTTPException
from typing import Any

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    IncompleteRead,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)
from urllib3.util.connection import allowed_gai_family, create_connection

from dgdo_geo.errors import DataError
from dgdo_geo.sources.addresses import plain, shown, where
from dgdo_geo.sources.guard import Guard
from dgdo_geo.texts import text

AT_ONCE = 2  # requests to one host
PAUSE_S = 0.1  # between the starts of requests to one host
CHUNK = 65536
LOOSE = ("", "text/plain", "application/octet-stream", "binary/octet-stream")  # types that say nothing
REASONS = {  # the Dutch words stand in [fetch] of knowledge/texts/fetch.toml
    "name": "host name not found",
    "certificate": "certificate cannot be verified",
    "timeout": "no answer in time",
    "broken": "connection refused or broken",
    "too_many": "too many redirects",
    "scheme": "to something else than a plain http(s) address",
    "insecure": "from https to http",
}
_HTML = re.compile(rb"(<\?xml[^>]*>)?(\s|<!--.*?-->)*<(!doctype\s+html|html|head|body)\b", re.I | re.S)
_EXCEPTION = re.compile(rb"<(\w+:)?(Service)?Exception(Report)\b")
_HERE = threading.local()  # .watch: the request that this thread is making


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take.

    Attributes
    ----------
    max_bytes : int
        Of the decoded body.
    connect_s, read_s : float
        To connect to one address, and between two bytes.
    total_s : float
        For one request from connecting to the last byte; every try and every redirect is a request.
    tries : int
        After 429, 500, 502, 503, 504, a broken connection or a body that is not complete.
    backoff_s : float
        Before the second try; doubles every time. A longer Retry-After goes first, up to a minute.
    redirects : int
    """

    max_bytes: int = 500_000_000
    connect_s: float = 10.0
    read_s: float = 60.0
    total_s: float = 600.0
    tries: int = 4
    backoff_s: float = 0.5
    redirects: int = 5


def because(reason: str) -> dict[str, Any]:
    """The reason for a message, in English and Dutch."""
    return {"reason": REASONS[reason], "reason_nl": text("fetch", reason)}


# One request on one connection ---------------------------------------------------------------


class Again(Exception):
    """This try failed in a way that may pass; ``counts`` is False when only a partial file was useless."""

    def __init__(self, error: DataError, wait: float = 0.0, *, counts: bool = True) -> None:
        super().__init__(str(error))
        self.error, self.wait, self.counts = error, wait, counts


class _Private(Exception):
    """The address lies in a private network; it is the only argument."""


class Watch:
    """Ends a request after its total time, whatever it is waiting for: shutting the socket down wakes every read."""

    def __init__(self, limits: Limits, guard: Guard | None) -> None:
        self.ends = time.monotonic() + limits.total_s
        self.seconds = f"{limits.total_s:g}"
        self.guard = guard
        self.over = False
        self.count: int | None = None  # bytes of the body; None before the body
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(limits.total_s, self._stop)
        self._timer.daemon = True

    def __enter__(self) -> Watch:
        _HERE.watch = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def hold(self, sock: socket.socket | None) -> None:
        """Remember the socket of the request."""
        self._socket = sock
        if self.over:
            self._stop()

    def _stop(self) -> None:
        self.over = True
        if self._socket is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # past SSLSocket, which another thread reads


class _Connection(HTTPConnection):
    """A connection whose address is checked, and that its watch can end."""

    def connect(self) -> None:
        super().connect()
        _HERE.watch.hold(self.sock)

    def request(self, *args: Any, **kwargs: Any) -> None:
        _HERE.watch.hold(self.sock)
        super().request(*args, **kwargs)

    def _new_conn(self) -> socket.socket:
        watch: Watch = _HERE.watch
        try:
            found = socket.getaddrinfo(self._dns_host.strip("[]"), self.port, allowed_gai_family(), socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(self.host, self, socket.gaierror(str(error))) from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            if watch.guard is not None and not watch.guard.allows(address):
                raise _Private(address)
        last: OSError = TimeoutError("no address answered in time")
        for address in addresses:
            timeout = min(self.timeout or watch.ends, watch.ends - time.monotonic())
            if timeout <= 0:
                break
            try:
                sock = create_connection((address, self.port), timeout, self.source_address, self.socket_options)
                peer = str(sock.getpeername()[0])
            except OSError as error:
                last = error
                continue
            if watch.guard is not None and not watch.guard.allows(peer):
                sock.close()
                raise _Private(peer)
            return sock
        if isinstance(last, TimeoutError):
            raise ConnectTimeoutError(str(last)) from last
        raise NewConnectionError(self, str(last)) from last


class _SecureConnection(_Connection, HTTPSConnection):
    """The same over TLS; certificates are always verified, urllib3's default."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def pools() -> PoolManager:
    """Pools of checked connections."""
    manager = PoolManager(num_pools=16, maxsize=AT_ONCE)
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return manager


class Gate:
    """Turns at one host."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._next = 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a place, and until the last start is long enough ago."""
        with self._places:
            with self._lock:
                start = max(time.monotonic(), self._next)
                self._next = start + PAUSE_S
            time.sleep(max(0.0, start - time.monotonic()))
            yield


@contextmanager
def explained(url: str, watch: Watch) -> Iterator[None]:
    """Turn what goes wrong on the network into our errors."""
    try:
        yield
    except _Private as private:
        raise DataError("source_private", **where(url), address=private.args[0]) from None
    except LocationParseError as error:
        raise DataError("source_address", url=shown(url)) from error
    except (HTTPError, HTTPException) as error:
        if not watch.over:
            raise _failure(url, error, watch.count) from error
    if watch.over:
        raise DataError("source_slow", **where(url), seconds=watch.seconds)


def _failure(url: str, error: Exception, count: int | None) -> Exception:
    cause = error.args[0] if error.args else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return DataError("source_unreachable", **where(url), **because("certificate"))
    late = isinstance(error, ReadTimeoutError | ConnectTimeoutError) and not isinstance(error, NewConnectionError)
    if count is not None and not late:
        return Again(DataError("source_truncated", **where(url), count=count))
    reason = "name" if isinstance(error, NameResolutionError) else "timeout" if late else "broken"
    return Again(DataError("source_unreachable", **where(url), **because(reason)))


# The body ------------------------------------------------------------------------------------


def received(response: BaseHTTPResponse, watch: Watch) -> Iterator[bytes]:
    """The body as it travels; IncompleteRead unless all of it came."""
    missing, watch.count = response.length_remaining, 0
    while data := response.read1(CHUNK, decode_content=False):
        watch.count += len(data)
        yield data
    if missing is not None and watch.count != missing:
        raise IncompleteRead(watch.count, missing - watch.count)


def decoded(chunks: Iterator[bytes], gzip: bool) -> Iterator[bytes]:
    """Decompress in pieces of at most CHUNK bytes, so that a bomb takes no memory; DecodeError unless complete."""
    engine = None
    try:
        for data in chunks:
            while data:
                if engine is None or engine.eof:
                    if engine is not None and not (gzip and data[:1] == b"\x1f"):
                        break  # rubbish after the end, which other programs ignore too
                    # Some servers send deflate without the header of zlib.
                    engine = zlib.decompressobj(31 if gzip else 15 if data[0] & 15 == 8 else -15)
                if piece := engine.decompress(data, CHUNK):
                    yield piece
                data = engine.unused_data if engine.eof else engine.unconsumed_tail
        if engine is not None and (piece := engine.flush()):
            yield piece
    except zlib.error as error:
        raise DecodeError(str(error)) from error
    if engine is not None and not engine.eof:
        raise DecodeError("compressed data are cut off")


def _family(kind: str) -> str:
    """Types that servers mix up are one family."""
    if kind in ("text/html", "application/xhtml+xml"):
        return "html"
    for family in ("xml", "json"):
        if kind.endswith(f"+{family}") or kind in (f"text/{family}", f"application/{family}"):
            return family
    return kind


def check_content(url: str, kind: str, head: bytes, accept: Collection[str], *, page: bool) -> None:
    """Refuse an answer of another kind than asked for, such as an error page with status 200.

    Parameters
    ----------
    url : str
    kind : str
        Content-Type.
    head : bytes
        First bytes of the body.
    accept : collection of str
        Media types, ``image/*`` too. Empty: everything is good, except HTML when `page` is False.
    page : bool
        Whether an HTML page is good when `accept` is empty.
    """
    kind = kind.partition(";")[0].strip().lower()
    wanted = [name.partition(";")[0].strip().lower() for name in accept]
    families = {_family(name) for name in wanted} | {_family(kind) for name in wanted if fnmatchcase(kind, name)}
    start = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    found = ""
    if _HTML.match(start) or _family(kind) == "html":
        found = "" if "html" in families or (page and not accept) else "HTML"
    elif accept and kind not in LOOSE and _family(kind) not in families:
        found = plain(kind)
    elif accept and (_EXCEPTION.search(start) or (start[:1] == b"<" and not families & {"html", "xml"})):
        found = "XML"
    if found:
        raise DataError("source_content", **where(url), found=found, wanted=", ".join(wanted) or "data")

"""Fetch over http(s): politely, within limits, and with one clear error for everything that can go wrong.

Proxies of the environment are not used: behind a proxy nobody could check which address is really connected to.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from urllib.parse import urlencode, urljoin

from urllib3 import BaseHTTPResponse, Timeout

from dgdo_geo.errors import DataError
from dgdo_geo.sources.addresses import parsed, plain, shown, where
from dgdo_geo.sources.guard import Guard
from dgdo_geo.sources.part import Memory, Part, seconds
from dgdo_geo.sources.wire import (
    Again,
    Gate,
    Limits,
    Watch,
    because,
    check_content,
    decoded,
    explained,
    pools,
    received,
)

__all__ = ["Client", "Limits", "Reply", "Validators", "shown"]

LONGEST_WAIT_S = 60.0  # between two tries, whatever Retry-After says
SNIFF = 512  # bytes in which an error page is recognised
TRY_AGAIN = (429, 500, 502, 503, 504)
MOVED = (301, 302, 303, 307, 308)
# Headers that go along to another host; what the caller added may be a secret.
KEPT = ("user-agent", "accept", "accept-encoding", "if-none-match", "if-modified-since", "range", "if-range")
# Not imported: the package also offers `open_explorer`, and imports go one way.
AGENT = f"dgdo-geo/{sys.modules['dgdo_geo'].__version__}"
DEFAULT = Limits()
_saving: dict[Path, threading.Lock] = {}


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server said about a version, to ask later whether that has changed."""

    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer of a server.

    Attributes
    ----------
    url : str
        After redirects, with its secrets; see :func:`shown`.
    status : int
        200, or 304 (not changed; only after a question with validators).
    headers : mapping of str to str
        Lower-case names. After a 304 without validators those of the question stand here.
    body : bytes
        Decoded; empty after a download and a 304.
    tries : int
        1 when the first try succeeded.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    tries: int

    @property
    def validators(self) -> Validators:
        """What to keep for the next question."""
        return Validators(self.headers.get("etag", ""), self.headers.get("last-modified", ""))

    def json(self) -> object:
        """Return the body as JSON; DataError (source_not_json) if it is not."""
        try:
            found: object = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise DataError("source_not_json", **where(self.url), reason=plain(error)) from error
        return found


def _retry_after(value: str) -> float:
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    return max(0.0, seconds(value) - time.time()) if value else 0.0


# The client ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Ask:
    """What is asked, over all tries and redirects."""

    url: str
    sink: Memory
    accept: Collection[str] = ()
    known: Validators | None = None
    own: Mapping[str, str] = field(default_factory=dict)

    def headers(self) -> dict[str, str]:
        """Headers of the next try."""
        found = {"User-Agent": AGENT, "Accept": ", ".join(self.accept) or "*/*"}
        found |= {name.title(): value for name, value in self.own.items()}
        if self.known is not None and self.known.etag:
            found["If-None-Match"] = self.known.etag
        if self.known is not None and self.known.modified:
            found["If-Modified-Since"] = self.known.modified
        return found | self.sink.headers()


class Client:
    """Fetches from official sources; safe to share between threads.

    At most two requests at a time go to one host, with a small pause between them.

    Parameters
    ----------
    limits : Limits
    guard : Guard, optional
        For an address that a stranger typed: refuses what is not on the open internet.
    headers : mapping of str to str, optional
        Sent with every request; not to another host after a redirect.
    """

    def __init__(
        self, limits: Limits = DEFAULT, *, guard: Guard | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self._limits = limits
        self._guard = guard
        self._headers = dict(headers or {})
        self._pools = pools()
        self._gates: dict[str, Gate] = {}

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        accept: Collection[str] = (),
        known: Validators | None = None,
    ) -> Reply:
        """Fetch into memory.

        Parameters
        ----------
        url : str
        params : mapping of str to str, optional
            Added to the query.
        headers : mapping of str to str, optional
        accept : collection of str
            Media types. When given, an answer of another kind (an error page) is an error.
        known : Validators, optional
            Of the version at hand; the answer is status 304 if that is still the newest.

        Raises
        ------
        DataError
        """
        if params:
            base = url.partition("#")[0]
            url = f"{base}{'&' if '?' in base else '?'}{urlencode(params)}"
        sink = Memory()
        return self._fetch(_Ask(url, sink, accept, known, self._headers | dict(headers or {})))

    def download(
        self,
        url: str,
        to: Path,
        *,
        known: Validators | None = None,
        on_bytes: Callable[[int, int | None], None] | None = None,
        accept: Collection[str] = (),
    ) -> Reply:
        """Fetch into a file, which changes only when all of it came; goes on where an earlier try was cut off.

        Parameters
        ----------
        url : str
        to : Path
        known : Validators, optional
            Of the file that is there now; without a file they are not used.
        on_bytes : callable, optional
            Called with the bytes so far and the total, None where the server does not say it.
        accept : collection of str
            Media types. When empty, only an HTML page is refused, unless `to` is one.

        Raises
        ------
        DataError
        """
        with _saving.setdefault(to.absolute(), threading.Lock()):
            part = Part(url, to, on_bytes)
            try:
                reply = self._fetch(_Ask(url, part, accept, known if to.is_file() else None, self._headers))
                if reply.status == 200:
                    part.finish()
                else:
                    part.forget()
            finally:
                part.close()
        return reply

    def _fetch(self, ask: _Ask) -> Reply:
        if parsed(ask.url) is None:
            raise DataError("source_address", url=shown(ask.url))
        tries = 1
        while True:
            try:
                url, status, headers = self._follow(ask)
                return Reply(url, status, headers, ask.sink.data.getvalue(), tries)
            except Again as again:
                wait = 0.0
                if again.counts:
                    if tries >= self._limits.tries:
                        raise again.error from again.__cause__
                    wait = max(again.wait, self._limits.backoff_s * 2 ** (tries - 1))
                    tries += 1
            time.sleep(min(wait, LONGEST_WAIT_S))

    def _follow(self, ask: _Ask) -> tuple[str, int, dict[str, str]]:
        """One try, over redirects."""
        url, headers = ask.url, ask.headers()
        for _ in range(self._limits.redirects + 1):
            if self._guard is not None:
                self._guard.check_url(url)
            gate = self._gates.setdefault(where(url)["host"], Gate())
            with (
                gate.turn(),
                Watch(self._limits, self._guard) as watch,
                explained(url, watch),
                closing(self._open(url, headers)) as response,
            ):
                found = {name.lower(): value for name, value in response.headers.items()}
                if response.status not in MOVED or not found.get("location"):
                    return url, self._take(response, found, ask, url, watch), found
            new = _redirected(url, found["location"])
            old_parts, new_parts = parsed(url), parsed(new)
            if old_parts and new_parts and (old_parts.host, old_parts.port) != (new_parts.host, new_parts.port):
                headers = {name: value for name, value in headers.items() if name.lower() in KEPT}
            url = new
        raise DataError("source_redirects", **where(url), **because("too_many"))

    def _open(self, url: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        timeout = Timeout(connect=self._limits.connect_s, read=self._limits.read_s)
        return self._pools.urlopen(
            "GET", url, redirect=False, headers=headers, retries=False, timeout=timeout, preload_content=False
        )

    def _take(self, response: BaseHTTPResponse, found: dict[str, str], ask: _Ask, url: str, watch: Watch) -> int:
        """Judge the status and take in the body; gives 200 or 304."""
        sink, status = ask.sink, response.status
        error = DataError("source_status", **where(url), status=status)
        if status == 304 and ask.known is not None:
            etag = found.setdefault("etag", ask.known.etag)
            found.setdefault("last-modified", ask.known.modified)
            if etag.removeprefix("W/") == ask.known.etag.removeprefix("W/"):
                return 304
            ask.known = None  # the server speaks of another version than ours
            raise Again(error, counts=False)
        if status in TRY_AGAIN:
            raise Again(error, _retry_after(found.get("retry-after", "")))
        resumed = status == 206 and sink.resumes(found)
        if status in (206, 416) and sink.asked and not resumed:
            sink.forget()
            raise Again(error, counts=False)
        if status != 200 and not resumed:
            raise error
        self._body(response, found, ask, url, watch, resumed)
        return 200

    def _body(
        self, response: BaseHTTPResponse, found: dict[str, str], ask: _Ask, url: str, watch: Watch, resumed: bool
    ) -> None:
        sink, limit, length = ask.sink, self._limits.max_bytes, response.length_remaining
        too_large = DataError("source_too_large", **where(url), limit=limit)
        codings = [name for name in re.split(r"[,\s]+", found.get("content-encoding", "").lower()) if name]
        codings = [name.removeprefix("x-") for name in reversed(codings) if name != "identity"]
        if len(codings) > 2 or not {"gzip", "deflate"}.issuperset(codings):
            wrong = plain(found["content-encoding"])
            raise DataError("source_content", **where(url), found=wrong, wanted="gzip, deflate")
        total = None if length is None or codings else length + (sink.size if resumed else 0)
        if (total or length or 0) > limit:
            sink.forget()
            raise too_large
        chunks = received(response, watch)
        for name in codings:
            chunks = decoded(chunks, name == "gzip")
        head = b""
        while not resumed and len(head) < SNIFF and (data := next(chunks, b"")):
            head += data
        if not resumed:
            check_content(url, found.get("content-type", ""), head, ask.accept, page=sink.page)
        sink.begin(found, total, resumed)
        for data in chain([head] if head else [], chunks):
            if sink.size + len(data) > limit:
                sink.forget()
                raise too_large
            sink.write(data)


def _redirected(url: str, location: str) -> str:
    """The address that a redirect leads to."""
    try:
        new = urljoin(url, location.encode("latin-1", "ignore").decode("utf-8", "replace"))  # http.client reads latin-1
    except ValueError:
        new = ""
    old_parts, new_parts = parsed(url), parsed(new)
    if new_parts is None:
        raise DataError("source_redirects", **where(url), **because("scheme"))
    if old_parts and old_parts.scheme == "https" and new_parts.scheme == "http":
        raise DataError("source_redirects", **where(url), **because("insecure"))
    return new

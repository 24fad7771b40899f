"""What Streamlit does not let one set: the language of the page, safe headers, and a log without personal data."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import sys
import time
from functools import cache
from html import escape
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dgdo_geo.texts import section, text
from dgdo_geo.web.elements import BASE_MAP
from dgdo_geo.web.online import INSTANCE, is_online

GONE = 499
"""In the log only: the visitor left before there was an answer."""
SCRIPT = Path(__file__).parent / "static" / "dgdo-page.js"
DROPPED = (b"accept-encoding", b"if-none-match", b"if-modified-since")
PERMISSIONS = b"camera=(), microphone=(), geolocation=(), payment=(), usb=(), clipboard-write=(self), fullscreen=(self)"
"""What a page may use of the computer of the visitor: it may put its link on the clipboard."""
COMPONENT = "/component/"
"""Part of the path of a component of Streamlit, such as the frame of the map."""

_access = logging.getLogger("dgdo_geo.web.access")


class DutchHtml:
    """Make the page and the frame of the map Dutch: language, title, and Streamlit's own texts; leave all else alone."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and mend the answer when it is an HTML page."""
        if scope["type"] != "http" or not _is_page(scope["path"]):
            await self.app(scope, receive, send)
            return
        scope = dict(scope, headers=[h for h in scope["headers"] if h[0] not in DROPPED])
        start: Message = {}
        parts: list[bytes] = []

        async def grab(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            body, headers = b"".join(parts), list(start["headers"])
            if any(k == b"content-type" and v.startswith(b"text/html") for k, v in headers):
                body = _dutch(body, is_page=COMPONENT not in scope["path"])
                headers = [h for h in headers if h[0] not in (b"content-length", b"etag")]
                headers.append((b"content-length", str(len(body)).encode()))
            await send(dict(start, headers=headers))
            await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, grab)


class SafeHeaders:
    """Say to the browser what a page may do: nothing from or to other addresses, no frame around it elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add the headers to its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        added = _safe(scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [h for h in message.get("headers", ()) if h[0].lower() not in added]
                message = dict(message, headers=[*kept, *added.items()])
            await send(message)

        await self.app(scope, receive, with_headers)


class AccessLog:
    """One line of JSON per request: method, route, status and milliseconds; no address, no values, no visitor."""

    def __init__(self, app: ASGIApp, base_path: str = "") -> None:
        self.app = app
        self.base = f"/{base_path.strip('/')}" if base_path.strip("/") else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note how it went."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status = GONE

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            status = 500 if isinstance(sys.exception(), Exception) else status
            took = round((time.perf_counter() - began) * 1e3, 1)
            route = route_name(scope["path"].removeprefix(self.base))
            line = {"method": scope["method"], "route": route, "status": status, "ms": took}
            _access.log(logging.WARNING if status >= 500 else logging.INFO, "%s", json.dumps(line))


_ROUTES = (
    (r"/gezond", "/gezond"),
    (r"/geo/gemeenten\.geojson", "/geo/gemeenten.geojson"),
    (r"/geo/gemeente/[^/]+/[^/]+/[^/]+\.geojson", "/geo/gemeente/{code}/{activity}/{band}.geojson"),
    (r"/geo/vlak/[^/]+/[^/]+/[^/]+\.geojson", "/geo/vlak/{code}/{activity}/{band}.geojson"),
    (r"/geo/gebied/[^/]+/[^/]+\.geojson", "/geo/gebied/{kind}/{code}.geojson"),
    (r"/geo/laag/[^/]+\.geojson", "/geo/laag/{layer}.geojson"),
    (r"/geo/.*", "/geo/…"),
    (r"/tiles/laag/[^/]+/[^/]+/[^/]+/[^/]+\.png", "/tiles/laag/{layer}/{z}/{x}/{y}.png"),
    (r"/tiles/(?:[^/]+/){5}[^/]+\.png", "/tiles/{kind}/{activity}/{band}/{z}/{x}/{y}.png"),
    (r"/tiles/.*", "/tiles/…"),
    (r"/vendor/.*", "/vendor/…"),
    (r"/_stcore/.*", "/_stcore/…"),
    (r"/static/.*", "/static/…"),
    (r"/media/.*", "/media/…"),
    (r"/component/.*", "/component/…"),
)


def route_name(path: str) -> str:
    """The route of a path without its values; every page of the app is "page".

    >>> route_name("/tiles/verdict/geothermie/0/8/131/84.png"), route_name("/hier")
    ('/tiles/{kind}/{activity}/{band}/{z}/{x}/{y}.png', 'page')
    """
    return next((name for pattern, name in _ROUTES if re.fullmatch(pattern, path, re.DOTALL)), "page")


def _safe(scope: Scope) -> dict[bytes, bytes]:
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    sockets = f" ws://{host} wss://{host}" if re.fullmatch(r"[\w.:\[\]-]{1,255}", host) else ""
    tiles = " " + "/".join(BASE_MAP.split("/")[:3]) if is_online() else ""
    # The frame of the map evaluates the script of the map; the page itself does not need that.
    run = " 'unsafe-eval'" if COMPONENT in scope["path"] else ""
    policy = (
        "default-src 'self'; "
        f"script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' blob:{run}; "
        "style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data: blob:{tiles}; "
        "font-src 'self' data:; "
        f"connect-src 'self'{sockets}; "
        "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
    )
    return {
        b"content-security-policy": policy.encode("latin-1"),
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"same-origin",
        b"x-frame-options": b"SAMEORIGIN",
        b"permissions-policy": PERMISSIONS,
        b"cross-origin-opener-policy": b"same-origin",
        b"cross-origin-resource-policy": b"same-origin",
    }


def _dutch(html: bytes, *, is_page: bool) -> bytes:
    html = html.replace(b'<html lang="en"', b'<html lang="nl"', 1)
    if not is_page:
        return html
    title, no_script = (escape(text("web_shell", key)) for key in ("title", "no_script"))
    html = re.sub(rb"<title>.*?</title>", f"<title>{title}</title>".encode(), html, count=1, flags=re.DOTALL)
    missing = f"<noscript><p>{no_script}</p></noscript>".encode()
    html = re.sub(rb"<noscript>.*?</noscript>", missing, html, count=1, flags=re.DOTALL)
    html = re.sub(rb'<link rel="service-desc"[^>]*>', b"", html, count=1)
    return html.replace(b"</body>", _our_script() + b"</body>", 1)


@cache
def _our_script() -> bytes:
    said = {"widgets": section("web_widgets"), "shell": section("web_shell"), "instance": INSTANCE}
    words = json.dumps(said, ensure_ascii=False)
    # Inside a script nothing is escaped; this is the one way out of it.
    words = words.replace("<", "\\u003c")
    tag = hashlib.sha256(SCRIPT.read_bytes()).hexdigest()[:12]
    data = f'<script type="application/json" id="dgdo-words">{words}</script>'
    return f'{data}<script src="./vendor/{SCRIPT.name}?v={tag}"></script>'.encode()


def _is_page(path: str) -> bool:
    last = path.rsplit("/", 1)[-1]
    other = any(part in path for part in ("/_stcore", "/geo/", "/tiles/", "/vendor/", "/media/", "/static/"))
    return not other and ("." not in last or path.endswith("st_folium/index.html"))

"""What Streamlit does not let one set: the language of the page."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

DROPPED = (b"accept-encoding", b"if-none-match", b"if-modified-since")


class DutchHtml:
    """Rewrite ``<html lang="en">`` to Dutch in the page and in the frame of the map; leave all else alone."""

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
                body = body.replace(b'<html lang="en"', b'<html lang="nl"', 1)
                headers = [h for h in headers if h[0] not in (b"content-length", b"etag")]
                headers.append((b"content-length", str(len(body)).encode()))
            await send(dict(start, headers=headers))
            await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, grab)


def _is_page(path: str) -> bool:
    last = path.rsplit("/", 1)[-1]
    other = any(part in path for part in ("/_stcore", "/geo/", "/vendor/", "/media/", "/static/"))
    return not other and ("." not in last or path.endswith("st_folium/index.html"))

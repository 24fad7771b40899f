"""What the server answers beside the pages: health, vendored files, polygons for the map."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

import dgdo_geo
from dgdo_geo.errors import DgdoGeoError, InputError
from dgdo_geo.web import geojson, opened

STATIC = Path(__file__).parent / "static"
GEOJSON = "application/geo+json"

_made: opened.Bounded[tuple[bytes, str]] = opened.Bounded(96)
"""Compressed answers with their ETag."""


def routes(base_path: str = "") -> list[BaseRoute]:
    """All routes; ``base_path`` is ``server.baseUrlPath``, which Streamlit does not put before routes of others."""
    base = f"/{base_path.strip('/')}" if base_path.strip("/") else ""
    return [
        Route(f"{base}/gezond", health),
        Route(f"{base}/geo/gemeenten.geojson", national_outline),
        Route(f"{base}/geo/gemeente/{{code}}/{{activity}}/{{band}}.geojson", verdict_polygons),
        Route(f"{base}/geo/{{rest:path}}", unknown_address),
        Mount(f"{base}/vendor/leaflet", StaticFiles(directory=STATIC / "vendor" / "leaflet")),
        Mount(f"{base}/vendor", StaticFiles(directory=STATIC)),
    ]


def health(request: Request) -> Response:
    """Whether questions can be answered: version, and how many layers have which status."""
    try:
        states = opened.explorer().states.values()
    except DgdoGeoError as error:
        body = {"status": "error", "version": dgdo_geo.__version__, "message_nl": error.message_nl}
        return JSONResponse(body, status_code=503)
    counts = Counter(state.status.value for state in states)
    layers = {word: counts.get(word, 0) for word in ("available", "not_loaded", "unreadable")}
    return JSONResponse({"status": "ok", "version": dgdo_geo.__version__, "layers": layers})


def national_outline(request: Request) -> Response:
    """All municipalities, simplified."""
    return _polygons(request, ("gemeenten",), lambda: geojson.municipalities(opened.explorer()))


def verdict_polygons(request: Request) -> Response:
    """The polygons of one activity in one municipality; ``?op=JJJJ-MM-DD`` for another peildatum."""
    code, activity, band = (request.path_params[name] for name in ("code", "activity", "band"))
    try:
        on = date.fromisoformat(request.query_params.get("op") or date.today().isoformat())
    except ValueError:
        return unknown_address(request)
    if not (re.fullmatch(r"GM\d{4}", code) and re.fullmatch(r"\d{1,2}", band)):
        return unknown_address(request)
    key = (code, activity, int(band), on)
    return _polygons(request, key, lambda: geojson.verdicts(opened.explorer(), code, activity, int(band), on))


def unknown_address(request: Request) -> Response:
    """An address below /geo that does not exist: never a page, so that the map can tell."""
    return JSONResponse({"error": "not_found", "path": request.url.path}, status_code=404)


def _polygons(request: Request, key: tuple[object, ...], make: Callable[[], bytes]) -> Response:
    try:
        known = opened.version(opened.explorer())
        content, etag = _made.get((known, *key), lambda: _tagged(make()))
    except InputError as error:
        return JSONResponse({"error": error.key, "message_nl": error.message_nl}, status_code=404)
    except DgdoGeoError as error:
        return JSONResponse({"error": error.key, "message_nl": error.message_nl}, status_code=503)
    # An address that names the state of layers and rules never changes its content.
    lasting = request.query_params.get("v") == known
    cache = "public, max-age=86400" if lasting else "no-cache"
    headers = {"ETag": etag, "Cache-Control": cache, "Vary": "Accept-Encoding"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(content, media_type=GEOJSON, headers={**headers, "Content-Encoding": "gzip"})
    return Response(opened.decompressed(content), media_type=GEOJSON, headers=headers)


def _tagged(content: bytes) -> tuple[bytes, str]:
    return opened.compressed(content), f'"{hashlib.sha256(content).hexdigest()[:20]}"'

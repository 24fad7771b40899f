"""What the server answers beside the pages: health, vendored files, polygons and tiles for the map.

Every name in an address is looked up in the catalogue or the rule base; none becomes part of a path.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, deque
from collections.abc import Callable
from datetime import date
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

import dgdo_geo
from dgdo_geo.errors import DgdoGeoError, InputError
from dgdo_geo.model import RegionKind
from dgdo_geo.query import Explorer
from dgdo_geo.web import geojson, opened, own_layers, places, tiles
from dgdo_geo.web.online import INSTANCE
from dgdo_geo.web.tiles import TileAddress

STATIC = Path(__file__).parent / "static"
GEOJSON, PNG = "application/geo+json", "image/png"
MALFORMED = ("tile_unknown", "view_box_wrong", "date_wrong")
"""Errors of an address that cannot be right, whatever is loaded: 400. What is not there is 404."""
TOO_MUCH = ("view_too_full",)
NUMBER = re.compile(r"\d{1,7}")
Asked = tuple[tuple[object, ...], Callable[[], bytes]]
"""What tells one answer from another, and what makes it."""
Asking = Callable[[Explorer], Asked]
"""Reads the question from the address; raises InputError when that cannot be done."""

_polygons: opened.Bounded[tuple[bytes, str]] = opened.Bounded(96)
"""Compressed answers with their ETag."""
_tiles: opened.Bounded[tuple[bytes, str]] = opened.Bounded(2048)
"""Tiles with their ETag; a few kilobytes each."""
_last: deque[tuple[Explorer, str]] = deque(maxlen=1)
"""The workspace that was asked last, with its version."""


def routes(base_path: str = "") -> list[BaseRoute]:
    """All routes; ``base_path`` is ``server.baseUrlPath``, which Streamlit does not put before routes of others."""
    base = f"/{base_path.strip('/')}" if base_path.strip("/") else ""
    return [
        Route(f"{base}/gezond", health),
        Route(f"{base}/geo/gemeenten.geojson", national_outline),
        Route(f"{base}/geo/gemeente/{{code}}/{{activity}}/{{band}}.geojson", verdict_polygons),
        Route(f"{base}/geo/gebied/{{kind}}/{{code}}.geojson", region_outline),
        Route(f"{base}/geo/vlak/{{code}}/{{activity}}/{{band}}.geojson", own_polygons),
        Route(f"{base}/geo/laag/{{layer}}.geojson", layer_features),
        Route(f"{base}/geo/{{rest:path}}", unknown_address),
        Route(f"{base}/tiles/laag/{{layer}}/{{z}}/{{x}}/{{y}}.png", layer_tile),
        Route(f"{base}/tiles/{{kind}}/{{activity}}/{{band}}/{{z}}/{{x}}/{{y}}.png", verdict_tile),
        Route(f"{base}/tiles/{{rest:path}}", unknown_address),
        Mount(f"{base}/vendor/leaflet", StaticFiles(directory=STATIC / "vendor" / "leaflet")),
        Mount(f"{base}/vendor", StaticFiles(directory=STATIC)),
    ]


def health(request: Request) -> Response:
    """Whether questions can be answered: version, name of this process, and how many layers have which status."""
    try:
        states = opened.explorer().states.values()
    except DgdoGeoError as error:
        body = {"status": "error", "version": dgdo_geo.__version__, "message_nl": error.message_nl}
        return JSONResponse(body, status_code=503)
    counts = Counter(state.status.value for state in states)
    layers = {word: counts.get(word, 0) for word in ("available", "not_loaded", "unreadable")}
    about = {"status": "ok", "version": dgdo_geo.__version__, "instance": INSTANCE, "layers": layers}
    return JSONResponse(about, headers={"Cache-Control": "no-store"})


# Polygons ---------------------------------------------------------------------------------


def national_outline(request: Request) -> Response:
    """All municipalities, simplified."""
    return _geojson(request, lambda explorer: (("gemeenten",), lambda: geojson.municipalities(explorer)))


def verdict_polygons(request: Request) -> Response:
    """The polygons of one activity in one municipality; ``?op=JJJJ-MM-DD`` for another peildatum."""

    def asked(explorer: Explorer) -> Asked:
        code, activity = request.path_params["code"], request.path_params["activity"]
        if not re.fullmatch(r"GM\d{4}", code):
            raise InputError("region_unknown", kind=RegionKind.MUNICIPALITY.value, name=code)
        band, on = _band(request, explorer), _day(request)
        return (code, activity, band, on), lambda: geojson.verdicts(explorer, code, activity, band, on)

    return _geojson(request, asked)


def region_outline(request: Request) -> Response:
    """The outline of a province, water board, DGDO region or the country."""

    def asked(explorer: Explorer) -> Asked:
        kind, code = request.path_params["kind"], request.path_params["code"]
        if kind not in [one.value for one in (*places.PLACE_KINDS, RegionKind.POLYGON)]:
            raise InputError("region_unknown", kind=kind[:40], name=code)
        place = places.find(explorer, RegionKind(kind), code)
        return ("gebied", place), lambda: geojson.region(explorer, place)

    return _geojson(request, asked)


def own_polygons(request: Request) -> Response:
    """The polygons of one activity in an area of one's own; ``?op=JJJJ-MM-DD`` for another peildatum."""

    def asked(explorer: Explorer) -> Asked:
        place = places.find(explorer, RegionKind.POLYGON, request.path_params["code"])
        activity, band, on = request.path_params["activity"], _band(request, explorer), _day(request)
        key = (place, activity, band, on)
        return key, lambda: geojson.own_verdicts(explorer, place, activity, band, on)

    return _geojson(request, asked)


def layer_features(request: Request) -> Response:
    """The features of a layer in view: ``?zoom=9&vak=west,zuid,oost,noord``, in degrees."""

    def asked(explorer: Explorer) -> Asked:
        layer = request.path_params["layer"]
        explorer.layer(layer)
        box, zoom = request.query_params.get("vak", ""), request.query_params.get("zoom", "")
        if not (re.fullmatch(r"-?\d{1,3}(\.\d{1,9})?(,-?\d{1,3}(\.\d{1,9})?){3}", box) and NUMBER.fullmatch(zoom)):
            raise InputError("view_box_wrong", value=f"{box[:60]}, zoom {zoom[:10]}")
        corners = tuple(float(value) for value in box.split(","))
        key = ("laag", layer, corners, int(zoom))
        return key, lambda: geojson.layer_in_view(explorer, layer, corners, int(zoom))

    return _geojson(request, asked)


# Tiles ------------------------------------------------------------------------------------


def verdict_tile(request: Request) -> Response:
    """A tile of what the map shows for one activity; ``?op=JJJJ-MM-DD`` for another peildatum."""

    def asked(explorer: Explorer) -> Asked:
        kind, activity = request.path_params["kind"], request.path_params["activity"]
        address, band, on = _tile(request), _band(request, explorer), _day(request)
        key = (kind, activity, band, on, address)
        return key, lambda: tiles.verdict_tile(explorer, kind, activity, band, on, address)

    return _answer(request, asked, _tiles, PNG)


def layer_tile(request: Request) -> Response:
    """A tile of where a layer holds."""

    def asked(explorer: Explorer) -> Asked:
        layer, address = request.path_params["layer"], _tile(request)
        explorer.layer(layer)
        return ("laag", layer, address), lambda: tiles.layer_tile(explorer, layer, address)

    return _answer(request, asked, _tiles, PNG)


def unknown_address(request: Request) -> Response:
    """An address below /geo or /tiles that does not exist: never a page, so that the map can tell."""
    return JSONResponse({"error": "not_found", "path": request.url.path}, status_code=404)


# What is asked, and the answer ------------------------------------------------------------


def _explorer(version: str | None) -> tuple[Explorer, str]:
    """The workspace and its version; the last one without looking at the disk when the address names that version."""
    if version is not None and opened.HIDDEN_MARK in version:
        hidden = own_layers.hidden(version)
        if hidden is None:
            raise InputError("own_layers_gone")
        return hidden, version
    last = _last[-1] if _last else None
    if last is None or last[1] != version:
        explorer = opened.explorer()
        last = explorer, opened.version(explorer)
        _last.append(last)
    return last


def _band(request: Request, explorer: Explorer) -> int:
    band = request.path_params["band"]
    if not NUMBER.fullmatch(band):
        activity = explorer.knowledge.activity(request.path_params["activity"])
        raise InputError("band_unknown", activity=activity.name_nl, count=len(activity.bands))
    return int(band)


def _day(request: Request) -> date:
    value = request.query_params.get("op")
    if not value:
        return date.today()
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise InputError("date_wrong", value=value) from None


def _tile(request: Request) -> TileAddress:
    parts = [request.path_params[name] for name in ("z", "x", "y")]
    if not all(NUMBER.fullmatch(part) for part in parts):
        raise InputError("tile_unknown", zoom=parts[0][:10], column=parts[1][:10], row=parts[2][:10])
    return TileAddress(*(int(part) for part in parts))


def _geojson(request: Request, asked: Asking) -> Response:
    return _answer(request, asked, _polygons, GEOJSON)


def _answer(
    request: Request,
    asked: Asking,
    kept: opened.Bounded[tuple[bytes, str]],
    media: str,
) -> Response:
    """The content that was asked, made or from memory; what is wrong with the question, as JSON."""
    is_text = media == GEOJSON
    try:
        explorer, known = _explorer(request.query_params.get("v"))
        key, make = asked(explorer)
        content, etag = kept.get((known, *key), lambda: _tagged(make(), is_text=is_text))
    except InputError as error:
        status = 400 if error.key in MALFORMED else 413 if error.key in TOO_MUCH else 404
        return JSONResponse({"error": error.key, "message_nl": error.message_nl}, status_code=status)
    except DgdoGeoError as error:
        return JSONResponse({"error": error.key, "message_nl": error.message_nl}, status_code=503)
    # An address that names the state of layers and rules never changes its content.
    lasting = request.query_params.get("v") == known
    who = "private" if opened.HIDDEN_MARK in known else "public"
    cache = f"{who}, max-age=86400" if lasting else "no-cache"
    headers = {"ETag": etag, "Cache-Control": cache}
    if is_text:
        headers["Vary"] = "Accept-Encoding"
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if not is_text:
        return Response(content, media_type=media, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(content, media_type=media, headers={**headers, "Content-Encoding": "gzip"})
    return Response(opened.decompressed(content), media_type=media, headers=headers)


def _tagged(content: bytes, *, is_text: bool) -> tuple[bytes, str]:
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    return opened.compressed(content) if is_text else content, tag

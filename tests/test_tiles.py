"""Tiles of the map: they show what the answers say, join at their edges, and refuse what does not exist."""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import warnings
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from rasterio.errors import NotGeoreferencedWarning
from starlette.applications import Starlette
from starlette.middleware import Middleware
from streamlit.testing.v1 import AppTest
from worlds import at

from dgdo_geo.errors import InputError, NotInForceError
from dgdo_geo.model import Potential, Verdict, outcome_of
from dgdo_geo.model.patterns import MOTIF_PX, PATTERNS
from dgdo_geo.query import Explorer
from dgdo_geo.query.displayed import displayed
from dgdo_geo.web import elements, geojson, opened, places, routes, tiles
from dgdo_geo.web.middleware import AccessLog, SafeHeaders, route_name
from dgdo_geo.web.tiles import TileAddress

TODAY = date.today()
ZEEWOLDE, ZWOLLE, ASSEN = "GM0050", "GM0193", "GM0106"
TO_MERCATOR = pyproj.Transformer.from_crs(28992, 3857, always_xy=True)
TO_RD = pyproj.Transformer.from_crs(3857, 28992, always_xy=True)
WORLD_M = 2 * 20_037_508.342789244


def tile_at(x: float, y: float, zoom: int) -> TileAddress:
    """The tile that holds an RD point."""
    east, north = TO_MERCATOR.transform(x, y)
    side = WORLD_M / 2**zoom
    return TileAddress(zoom, math.floor(east / side + 2**zoom / 2), math.floor(2**zoom / 2 - north / side))


def picture(png: bytes) -> tuple[np.ndarray, dict[str, str]]:
    """Colours as (rows, columns, 4), and the tags; read by GDAL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.MemoryFile(png) as memory, memory.open() as file:
            colours = file.colormap(1)
            table = np.array([colours.get(i, (0, 0, 0, 0)) for i in range(256)], np.uint8)
            return table[file.read(1)], file.tags()


def words_of(png: bytes, kind: str) -> np.ndarray:
    """The word that every pixel shows, by its ground colour; "" where it shows a motif, an edge or nothing."""
    pixels, _ = picture(png)
    words = np.full(pixels.shape[:2], "", object)
    for key, pattern in PATTERNS[kind].items():
        ground = [int(pattern.colour[i : i + 2], 16) for i in (1, 3, 5)]
        words[(pixels[..., :3] == ground).all(axis=2) & (pixels[..., 3] == 255)] = key
    return words


# What the cells say -----------------------------------------------------------------------


@pytest.mark.parametrize("code", [ZEEWOLDE, ZWOLLE, ASSEN])
@pytest.mark.parametrize("activity", ["geothermie", "hto", "drinkwater"])
def test_cells_say_what_the_exact_polygons_say(explorer: Explorer, code: str, activity: str) -> None:
    """The polygons are noded and judged by other code; they must hold the same at the centre of every cell."""
    found = displayed(explorer, 500.0)
    parts = found.parts(activity, 0, TODAY)
    polygons = explorer.verdict_map(code, activity, TODAY)
    x, y = np.meshgrid(found.grid.x_m(), found.grid.y_m())
    looked = 0
    for row in polygons.itertuples():
        # Not within a millimetre of an edge: there the side is a matter of rounding.
        inside = shapely.contains_xy(row.geometry.buffer(-0.001), x.ravel(), y.ravel()).reshape(x.shape)
        rows = found.row[inside]
        looked += len(rows)
        assert (rows >= 0).all()
        assert {Verdict(int(v)).key for v in parts.verdict[rows]} <= {row.verdict}
        assert {Verdict(int(v)).key for v in parts.indication[rows]} <= {row.indication}
        assert {Potential(int(p)).key for p in parts.potential[rows]} <= {row.potential}
        assert set(parts.conclusive[rows]) <= {row.conclusive}
    area = explorer.regions.municipalities.geometry[code].area
    assert looked == pytest.approx(area / 500.0**2, rel=0.05)


def test_cells_of_two_squares(tiny: Explorer) -> None:
    """Zone A of the world of two squares: outside it another answer than inside; outside the land nothing."""
    found = displayed(tiny, 250.0)
    activity = next(iter(tiny.knowledge.activities))
    holds = found.presence_of("zones")

    def row_at(x: float, y: float) -> int:
        east, north = at(x, y)
        grid = found.grid
        return int(found.row[int((grid.north_m - north) // grid.cell_m), int((east - grid.west_m) // grid.cell_m)])

    assert holds[row_at(3.7, 3.7)] == 3
    assert holds[row_at(7.5, 7.5)] == 0
    assert row_at(-5, -5) == -1
    assert len(found.parts(activity, 0, TODAY)) == len(found.presence)


def test_shares_of_a_province_agree_with_its_table(explorer: Explorer) -> None:
    found = displayed(explorer)
    parts = found.parts("geothermie", 0, TODAY)
    region = explorer.regions.find(places.RegionKind.PROVINCE, "PV24")
    shape = explorer.regions.geometry(region)
    west, south, east, north = shape.bounds
    grid = found.grid
    rows = slice(int((grid.north_m - north) // 100), int((grid.north_m - south) // 100) + 1)
    columns = slice(int((west - grid.west_m) // 100), int((east - grid.west_m) // 100) + 1)
    x, y = np.meshgrid(grid.x_m()[columns], grid.y_m()[rows])
    cells = found.row[rows, columns][shapely.contains_xy(shape, x.ravel(), y.ravel()).reshape(x.shape)]
    outcomes = np.array(
        [outcome_of(Verdict(int(v)), bool(c)) for v, c in zip(parts.verdict, parts.conclusive, strict=True)]
    )[cells]
    answer = explorer.for_region("PV24", TODAY, activities=["geothermie"]).answers[0]
    exact: dict[str, float] = {}
    for part in answer.areas:
        key = outcome_of(part.verdict, part.conclusive)
        exact[key] = exact.get(key, 0.0) + part.area_m2
    assert len(exact) > 1
    for key, area in exact.items():
        assert (outcomes == key).sum() * 1e4 == pytest.approx(area, rel=0.01)


# Pictures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("zoom", [7, 10, 13])
@pytest.mark.parametrize("kind", list(PATTERNS))
def test_pixels_show_the_word_of_their_place(explorer: Explorer, zoom: int, kind: str) -> None:
    address = tile_at(159_178, 484_914, zoom)
    words = words_of(tiles.verdict_tile(explorer, kind, "geothermie", 0, TODAY, address), kind)
    found = tiles.cells(explorer)
    pixel = WORLD_M / 2**zoom / 256
    column, row = np.meshgrid(np.arange(256) + 0.5, np.arange(256) + 0.5)
    x, y = TO_RD.transform(
        (address.column * 256 + column) * pixel - WORLD_M / 2, WORLD_M / 2 - (address.row * 256 + row) * pixel
    )
    at_row, at_column = found.grid.row_of(y), found.grid.column_of(x)
    # A cell further than a fifth of a cell from its edge: the places between the knots are interpolated.
    inside = (at_row >= 0) & (at_column >= 0) & (words != "")
    for value, origin in ((x, found.grid.west_m), (y, found.grid.north_m)):
        part = ((value - origin) / 100.0) % 1
        inside &= (part > 0.2) & (part < 0.8)
    parts = found.parts("geothermie", 0, TODAY)
    numbers = found.row[at_row[inside], at_column[inside]]
    assert len(numbers) > 1000
    expected = [word(parts, int(n), kind) for n in numbers]
    assert list(words[inside]) == expected
    if zoom == 10 and kind == "verdict":
        assert {"excluded", "unknown"} <= set(expected)


def word(parts: Any, number: int, kind: str) -> str:
    """The word of a distinct pair, as on the polygons of a municipality; "" for -1."""
    if number < 0:
        return ""
    row = {
        "verdict": Verdict(int(parts.verdict[number])).key,
        "indication": Verdict(int(parts.indication[number])).key,
        "conclusive": bool(parts.conclusive[number]),
        "potential": Potential(int(parts.potential[number])).key,
        "rules": "",
        "area_m2": 1.0,
    }
    return str(geojson._described(row, {})["outcome" if kind == "verdict" else kind])


def test_neighbouring_tiles_join(explorer: Explorer) -> None:
    """Where all is unknown the pattern repeats every 12 pixels, across the seam too; 256 is no multiple of 12."""
    left = tile_at(205_000, 505_000, 13)
    both = [TileAddress(13, left.column + i, left.row) for i in (0, 1)]
    pixels = np.hstack(
        [picture(tiles.verdict_tile(explorer, "verdict", "udg", 0, TODAY, one))[0] for one in both]
    ).astype(int)
    assert len(np.unique(pixels.reshape(-1, 4), axis=0)) >= 2
    assert (pixels[:, 256 - 60 : 256 + 48] == pixels[:, 256 - 48 : 256 + 60]).all()
    below = picture(
        tiles.verdict_tile(explorer, "verdict", "udg", 0, TODAY, TileAddress(13, left.column, left.row + 1))
    )[0].astype(int)
    down = np.vstack([pixels[:, :256], below])
    assert (down[256 - 60 : 256 + 48] == down[256 - 48 : 256 + 60]).all()


def test_a_tile_says_what_it_is_and_is_empty_outside(explorer: Explorer) -> None:
    pixels, tags = picture(tiles.verdict_tile(explorer, "verdict", "geothermie", 0, TODAY, TileAddress(8, 120, 84)))
    assert "alleen weergave" in " ".join(tags.values())
    assert pixels.shape == (256, 256, 4)
    assert not pixels[..., 3].any()


def test_a_layer_is_hatched_where_it_holds(explorer: Explorer) -> None:
    zone = explorer.layer("boringsvrije_zones").to_gdf().geometry.iloc[0]
    middle = zone.representative_point()
    pixels, _ = picture(tiles.layer_tile(explorer, "boringsvrije_zones", tile_at(middle.x, middle.y, 14)))
    assert pixels[..., 3].any()
    assert set(np.unique(pixels[..., 3])) >= {0, 255}
    with pytest.raises(InputError, match="layer"):
        tiles.layer_tile(explorer, "gemeenten", tile_at(middle.x, middle.y, 14))


@pytest.mark.parametrize("pattern", [p for patterns in PATTERNS.values() for p in patterns.values()])
def test_motif_covers_what_its_shapes_cover(pattern: Any) -> None:
    """Against GEOS: the shapes as polygons, cut by every pixel."""
    motif = pattern.motif
    drawn = [shapely.Point(dot).buffer(motif.size, quad_segs=64) for dot in motif.dots]
    drawn += [shapely.LineString([line[:2], line[2:]]).buffer(motif.size / 2, cap_style="flat") for line in motif.lines]
    shape = shapely.union_all(drawn)
    exact = [[shapely.box(x, y, x + 1, y + 1).intersection(shape).area for x in range(12)] for y in range(12)]
    assert motif.coverage().shape == (MOTIF_PX, MOTIF_PX)
    assert np.abs(motif.coverage() - exact).max() < 0.06


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (("oordeel", "geothermie", 0, TODAY), InputError),
        (("verdict", "goud", 0, TODAY), InputError),
        (("verdict", "geothermie", 9, TODAY), InputError),
        (("verdict", "geothermie", -1, TODAY), InputError),
        (("verdict", "geothermie", 0, date(1999, 1, 1)), NotInForceError),
    ],
)
def test_what_does_not_exist_is_refused(explorer: Explorer, asked: Any, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        tiles.verdict_tile(explorer, *asked, TileAddress(8, 131, 84))


@pytest.mark.parametrize("address", [(5, 1, 1), (17, 1, 1), (8, -1, 0), (8, 256, 0), (8, 0, 256)])
def test_tiles_that_do_not_exist_are_refused(address: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match="tile"):
        TileAddress(*address)


# By address -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def app(explorer: Explorer) -> Any:
    """The routes on the start set."""
    patch = pytest.MonkeyPatch()
    patch.setattr(opened, "explorer", lambda: explorer)
    routes._last.clear()
    yield Starlette(routes=routes.routes(), middleware=[Middleware(AccessLog), Middleware(SafeHeaders)])
    patch.undo()
    routes._last.clear()


def ask(app: Any, path: str, query: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One request, without a server."""
    sent: list[dict[str, Any]] = []

    async def call() -> None:
        waiting = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> dict[str, Any]:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        pairs = {"host": "test", **headers}
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in pairs.items()],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        }  # fmt: skip
        await app(scope, receive, send)

    asyncio.run(call())
    head = {k.decode().lower(): v.decode() for k, v in sent[0]["headers"]}
    return sent[0]["status"], head, b"".join(m.get("body", b"") for m in sent[1:])


TILE = "/tiles/verdict/geothermie/0/8/131/84.png"
VIEW = "zoom=9&vak=5.2,52.2,5.8,52.6"


def test_a_tile_by_address_is_kept_by_the_browser(app: Any, explorer: Explorer) -> None:
    status, head, body = ask(app, TILE, f"op={TODAY}&v={opened.version(explorer)}")
    assert (status, head["content-type"], head["cache-control"]) == (200, "image/png", "public, max-age=86400")
    assert body == tiles.verdict_tile(explorer, "verdict", "geothermie", 0, TODAY, TileAddress(8, 131, 84))
    assert len(body) < 10_000
    status, again, nothing = ask(app, TILE, f"op={TODAY}", if_none_match=head["etag"])
    assert (status, nothing, again["cache-control"]) == (304, b"", "no-cache")


@pytest.mark.parametrize(
    ("path", "query", "status", "error"),
    [
        ("/tiles/verdict/geothermie/0/x/131/84.png", "", 400, "tile_unknown"),
        ("/tiles/verdict/geothermie/0/8/-1/84.png", "", 400, "tile_unknown"),
        ("/tiles/verdict/geothermie/0/8/999/84.png", "", 400, "tile_unknown"),
        ("/tiles/verdict/geothermie/0/99999999999/1/1.png", "", 400, "tile_unknown"),
        ("/tiles/laag/boringsvrije_zones/3/1/1.png", "", 400, "tile_unknown"),
        (TILE, "op=gisteren", 400, "date_wrong"),
        (TILE, "op=1999-01-01", 404, "date_before_rules"),
        ("/tiles/kaart/geothermie/0/8/131/84.png", "", 404, "map_kind_unknown"),
        ("/tiles/verdict/goud/0/8/131/84.png", "", 404, "activity_unknown"),
        ("/tiles/verdict/geothermie/9/8/131/84.png", "", 404, "band_unknown"),
        ("/tiles/verdict/geothermie/x/8/131/84.png", "", 404, "band_unknown"),
        ("/tiles/laag/bestaat_niet/8/131/84.png", "", 404, "layer_unknown"),
        ("/tiles/laag/../../etc/passwd", "", 404, "not_found"),
        ("/tiles/iets", "", 404, "not_found"),
        ("/geo/gebied/provincie/PV99.geojson", "", 404, "region_unknown"),
        ("/geo/gebied/eiland/Texel.geojson", "", 404, "region_unknown"),
        ("/geo/gebied/waterschap/x.geojson", "", 503, "layer_not_loaded"),
        ("/geo/laag/bestaat_niet.geojson", VIEW, 404, "layer_unknown"),
        ("/geo/laag/natura2000.geojson", VIEW, 503, "layer_not_loaded"),
        ("/geo/laag/breuken.geojson", "", 400, "view_box_wrong"),
        ("/geo/laag/breuken.geojson", "zoom=9&vak=5,52,4,53", 400, "view_box_wrong"),
        ("/geo/laag/breuken.geojson", "zoom=9&vak=5,52,6", 400, "view_box_wrong"),
        ("/geo/laag/breuken.geojson", "zoom=99&vak=5,52,6,53", 400, "view_box_wrong"),
        ("/geo/laag/breuken.geojson", "zoom=9&vak=nan,52,6,53", 400, "view_box_wrong"),
        ("/geo/gemeente/GM0193/geothermie/0.geojson", "op=2026-13-01", 400, "date_wrong"),
    ],
)
def test_a_wrong_address_is_told_apart(app: Any, path: str, query: str, status: int, error: str) -> None:
    found, head, body = ask(app, path, query)
    answer = json.loads(body)
    assert (found, head["content-type"]) == (status, "application/json")
    assert answer["error"].startswith(error)
    assert error == "not_found" or answer["message_nl"]


def test_every_own_answer_has_safe_headers(app: Any) -> None:
    for path in ("/gezond", TILE, "/geo/gemeenten.geojson", "/vendor/dgdo-map.js", "/geo/anders"):
        _, head, _ = ask(app, path, accept_encoding="gzip")
        assert head["x-content-type-options"] == "nosniff", path
        assert head["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'self'" in head["content-security-policy"]
        assert "unsafe-eval'" not in head["content-security-policy"].replace("wasm-unsafe-eval'", "")
        assert "pdok" not in head["content-security-policy"]
    _, head, _ = ask(app, "/component/streamlit_folium.st_folium/index.html", host="kwaad;script-src *")
    assert "'unsafe-eval'" in head["content-security-policy"]
    assert "kwaad" not in head["content-security-policy"]


def test_base_map_is_allowed_only_online(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGDO_ONLINE", "1")
    policy = ask(app, "/gezond")[1]["content-security-policy"]
    assert "img-src 'self' data: blob: https://service.pdok.nl;" in policy
    assert policy.count("pdok") == 1


def test_log_names_the_route_and_no_value(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="dgdo_geo.web.access"):
        ask(app, TILE, "punt=203000,503000", host="bezoeker")
        ask(app, "/tiles/verdict/geheim/0/8/131/84.png")
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "dgdo_geo.web.access"]
    assert [line["status"] for line in lines] == [200, 404]
    assert {line["route"] for line in lines} == {"/tiles/{kind}/{activity}/{band}/{z}/{x}/{y}.png"}
    assert all(set(line) == {"method", "route", "status", "ms"} for line in lines)
    assert not any(word in caplog.text for word in ("203000", "127.0.0.1", "bezoeker", "geheim"))


def test_every_route_has_a_name_in_the_log() -> None:
    paths = [route.path for route in routes.routes()]
    assert len(paths) > 8
    for path in paths:
        filled = path.replace("{rest:path}", "x").replace("{", "").replace("}", "")
        assert route_name(filled if "vendor" not in filled else filled + "/x") != "page", path


def test_features_of_a_layer_in_view(app: Any, explorer: Explorer) -> None:
    status, _, body = ask(app, "/geo/laag/drinkwaterwinningen.geojson", "zoom=12&vak=6,52.4,6.3,52.6")
    names = {feature["properties"]["name"] for feature in json.loads(body)["features"]}
    frame = explorer.layer("drinkwaterwinningen").to_gdf().to_crs(4326)
    inside = set(frame.cx[6.0:6.3, 52.4:52.6]["name"])
    assert status == 200 and inside
    assert inside <= names
    assert len(names) < len(frame)
    coarse = json.loads(ask(app, "/geo/laag/netwerkdichtheid.geojson", "zoom=7&vak=3,50,8,54")[2])
    fine = ask(app, "/geo/laag/netwerkdichtheid.geojson", "zoom=14&vak=6,52.4,6.3,52.6", accept_encoding="gzip")
    assert len(coarse["features"]) == 342
    assert 0 < len(json.loads(gzip.decompress(fine[2]))["features"]) < 30
    assert len(json.dumps(coarse)) < 2_000_000


def test_too_many_features_are_not_left_out_silently(
    app: Any, explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geojson, "MOST_IN_VIEW", 10)
    status, _, body = ask(app, "/geo/laag/drinkwaterwinningen.geojson", "zoom=7&vak=3,50,8,53.9")
    assert status == 413
    assert "192" in json.loads(body)["message_nl"] and "Zoom in" in json.loads(body)["message_nl"]


def test_outside_of_a_region_and_its_outline(app: Any, explorer: Explorer) -> None:
    features = json.loads(ask(app, "/geo/gebied/provincie/PV24.geojson")[2])["features"]
    outside, outline = (shapely.geometry.shape(feature["geometry"]) for feature in features)
    assert [feature["properties"]["kind"] for feature in features] == ["outside", "outline"]
    assert outline.geom_type in ("MultiLineString", "LineString")
    assert not shapely.contains_xy(outside, 5.75, 52.75)  # the Noordoostpolder
    assert shapely.contains_xy(outside, 6.1, 52.5)  # Zwolle
    holes = sum(shapely.Polygon(ring).area for ring in outside.interiors)
    degree_km2 = 111.2 * 111.3 * math.cos(math.radians(52.5))
    exact = explorer.regions.geometry(explorer.regions.find(places.RegionKind.PROVINCE, "PV24")).area
    assert holes * degree_km2 == pytest.approx(exact / 1e6, rel=0.02)


# Overlays ---------------------------------------------------------------------------------


def test_overlays_follow_the_wish_and_say_what_is_missing(explorer: Explorer) -> None:
    wanted = ("breuken", "boringsvrije_zones", "natura2000", "gemeenten", "bestaat_niet", "breuken")
    found, problems = elements.overlays(explorer, wanted)
    assert [item.layer.id for item in found] == ["breuken", "boringsvrije_zones"]
    assert all("(schematisch)" in item.label for item in found)
    assert len({(item.colour, item.dashes) for item in found}) == 2
    assert len(problems) == 2
    assert "niet geladen" in problems[0] and "grens" in problems[1]


def test_more_overlays_than_lines_are_named(explorer: Explorer) -> None:
    wanted = tuple(i for i in explorer.states if i.startswith("potentie_"))[: len(elements.LINES) + 1]
    found, problems = elements.overlays(explorer, wanted)
    assert len(found) == len(elements.LINES)
    assert explorer.states[wanted[-1]].layer.title_nl in problems[0]


def test_a_layer_of_many_polygons_comes_as_tiles(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "MOST_FEATURES", 5)
    monkeypatch.setattr(elements, "_tiled", opened.Bounded(4))
    zones, faults = elements.overlays(explorer, ("boringsvrije_zones", "breuken"))[0]
    assert (zones.is_tiled, faults.is_tiled) == (True, False)
    assert zones.drawn("1", 0).url.startswith("../../tiles/laag/boringsvrije_zones/")
    assert faults.drawn("1", 1).url == "../../geo/laag/breuken.geojson?v=1"


def test_browser_may_use_nothing_but_the_clipboard(app: Any) -> None:
    _, head, _ = ask(app, "/gezond")
    allowed = dict(item.strip().split("=") for item in head["permissions-policy"].split(","))
    assert {name for name, who in allowed.items() if who == "()"} >= {"camera", "microphone", "geolocation"}
    assert allowed["clipboard-write"] == "(self)"
    assert head["cross-origin-opener-policy"] == head["cross-origin-resource-policy"] == "same-origin"


def test_log_has_a_line_per_question_without_the_question(caplog: pytest.LogCaptureFixture) -> None:
    page = AppTest.from_file(str(Path(routes.__file__).with_name("main.py")), default_timeout=60)
    page.query_params.update({"punt": "203000,503000", "activiteit": "geothermie"})
    with caplog.at_level("INFO", logger="dgdo_geo.web.access"):
        page.run()
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "dgdo_geo.web.access"]
    assert [(line["question"], line["status"]) for line in lines] == [("/", "ok")]
    assert set(lines[0]) == {"question", "status", "ms"} and lines[0]["ms"] > 0
    assert not any(word in caplog.text for word in ("203000", "geothermie", "Zwolle"))

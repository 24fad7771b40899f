"""Every protocol against every way in which a server goes wrong, at the moment that the data themselves are asked for.

What comes before (capabilities, a list of layers, a feed) is sound, so that the misbehaviour meets the reader of the
data. ``test_fetching.py`` lets the first question fail. What only some protocols can do wrong (paging that is ignored, a
total that changes) is in ``test_services.py``.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import servers
import test_fetching as fetching
import test_services as services
from mapserver import mapserver
from servers import Exchange, Misbehaving, Query, Route
from worlds import World

from dgdo_geo.intake.fetching import FetchFile, fetch
from dgdo_geo.sources import wire
from dgdo_geo.sources.http import Client, Limits
from dgdo_geo.sources.service_types import FEATURES, FILES, GRIDS, Service, Wanted
from dgdo_geo.sources.services import fetch_source

MOST = 2_000_000
WAYS: dict[str, tuple[Route, str]] = {
    "429": (servers.status(429, Retry_After="0"), "429"),
    "500": (servers.status(500), "500"),
    "503": (servers.status(503), "503"),
    "error page": (servers.error_page(), "HTML|html"),
    "exception with status 200": (servers.ok(servers.EXCEPTION_REPORT, "text/xml"), "kapot|begint|JSON|XML"),
    "truncated": (servers.truncated(b'{"a": 1', 50), "niet volledig"),
    "cut off between chunks": (servers.chunked(b'{"type": "Feat', complete=False), "niet volledig"),
    "another type": (servers.ok(b"\x89PNG\r\n\x1a\n" + bytes(200), "image/png"), "."),
    "gzip bomb": (servers.bomb(20), "groter dan|kapot|niet volledig"),
    "redirects without end": (lambda x: x.answer(b"", 302, Location=x.handler.path), "verwijst te vaak"),
    "redirect to a file": (servers.redirect("file:///etc/hostname"), "geen gewoon|niet naar een gewoon webadres"),
    "slow drip": (servers.drip(b" " * 500, 0.05), "nog niet klaar"),
    "nothing": (servers.ok(b"", "application/octet-stream"), "."),
}
"""Each with what the message must tell."""
Sound = Callable[[str, Query], object]


def of_answer(answer: Sound) -> Route:
    """A route from an answer as the small servers give it: JSON, or (status, headers, body)."""

    def route(x: Exchange) -> None:
        given = answer(x.seen.path, dict(parse_qsl(x.seen.query, keep_blank_values=True)))
        if not isinstance(given, tuple):
            given = 200, {}, json.dumps(given).encode()
        status, headers, body = given
        x.answer(
            body, status, **{"Content_Type": "application/json", **{k.replace("-", "_"): v for k, v in headers.items()}}
        )

    return route


class Spoilt(Misbehaving):
    """A sound server, of which the requests for data can be spoilt."""

    def __init__(self, sound: Route, is_data: str) -> None:
        super().__init__()
        self.sound, self.is_data = sound, re.compile(is_data)
        self.spoil: Route | None = None
        self.spoilt = 0
        self.routes = _Every(self)  # type: ignore[assignment]

    def route(self, x: Exchange) -> None:
        """Answer one request."""
        if self.spoil is not None and self.is_data.search(f"{x.seen.path}?{x.seen.query}"):
            self.spoilt += 1
            self.spoil(x)
        else:
            self.sound(x)


class _Every(dict[str, Route]):
    """The same route for every path."""

    def __init__(self, server: Spoilt) -> None:
        self.server = server

    def get(self, path: str, default: Any = None) -> Any:
        return self.server.route


FEED = b"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><entry>
<title>Natuur</title><link rel="alternate" href="a.geojson" type="application/geo+json"/></entry></feed>"""
TABLE: fetching.Table = {
    "x": (("x",), [200_050, 200_150]),
    "y": (("y",), [500_050, 500_150]),
    "kans": (("y", "x"), [[3, 12], [12, 12]]),
}


def feed_or_file(x: Exchange) -> None:
    """An ATOM feed and the file that it names."""
    if x.seen.path == "/feed":
        x.answer(FEED, Content_Type="application/atom+xml")
    else:
        x.answer(fetching.geojson(), Content_Type="application/geo+json")


def passed_on(url: str) -> Route:
    """To another server."""

    def route(x: Exchange) -> None:
        with urllib.request.urlopen(f"{url}{x.handler.path}", timeout=60) as answer:
            x.answer(answer.read(), Content_Type=answer.headers["Content-Type"])

    return route


SOUND: dict[str, tuple[Route, str, str, dict[str, Any]]] = {
    "ogc_api_features": (
        of_answer(services.gokoala(lambda _: services.collection([services.point(1), services.point(2)]))),
        "/items", "/ogc/v1", {"layer": "zones"},
    ),
    "wfs": (
        of_answer(services.geoserver(services.rows, 25)),
        "outputFormat=", "/geoserver/ows", {"layer": "gdw_ng_facility_utm"},
    ),
    "arcgis": (
        of_answer(services.arcgis_server()),
        "resultOffset=|resultRecordCount=", "/arcgis/rest/services/x/FeatureServer", {"layer": "5"},
    ),
    "fdsn_event": (of_answer(lambda *_: services.text(services.EVENTS)), "/query", "/fdsnws/event/1", {}),
    "opendap": (of_answer(fetching.opendap(TABLE)), r"\.dods\?kans", "/zand.nc", {"crs": "EPSG:28992"}),
    "file": (servers.ok(fetching.geojson(), "application/geo+json"), "/natuur", "/natuur.geojson", {}),
    "atom": (feed_or_file, "/a.geojson", "/feed", {"layer": "Natuur"}),
}  # fmt: skip
"""Of every protocol: a sound server, which requests are for data, the address, and further keys."""
OF_MAPSERVER = {
    "wcs": ("GetCoverage", {"layer": "hoogte", "bbox": (180_000, 510_000, 181_000, 511_000)}),
    "wms": ("GetMap", {"layer": "vlakken", "cell_m": 100, "bbox": (20_000, 320_000, 30_000, 330_000)}),
}


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mapserver(tmp_path_factory.mktemp("mapserver"), count=100) as running:
        yield running.url


def test_every_protocol_is_here() -> None:
    assert {*SOUND, *OF_MAPSERVER} == {*FEATURES, *GRIDS, *FILES}


@pytest.mark.parametrize("protocol", [*SOUND, *OF_MAPSERVER])
def test_what_a_server_does_wrong_with_the_data_leaves_the_last_good_version(
    tiny_world: World, tmp_path: Path, protocol: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "PAUSE_S", 0.001)
    monkeypatch.setattr("dgdo_geo.store.shipped_layers_dir", lambda: tiny_world.shipped)
    if protocol in OF_MAPSERVER:
        is_data, keys = OF_MAPSERVER[protocol]
        sound, path = passed_on(request.getfixturevalue("maps")), "/wfs"
    else:
        sound, is_data, path, keys = SOUND[protocol]
    choices = [Wanted.of()] if protocol in GRIDS else []
    with ExitStack() as stack:
        good = stack.enter_context(Misbehaving({"/natuur.geojson": servers.ok(fetching.geojson())}))
        assert fetching.take(tiny_world, fetching.of_file(good)).status == "new"
        server = stack.enter_context(Spoilt(sound, is_data))
        service = Service(protocol=protocol, url=server.url(path), **keys)
        got = fetch_source(service, Client(Limits(tries=1)), choices=choices, folder=tmp_path)
        assert got.layer, "the server is not sound without its misbehaviour"
        before = state(tiny_world)
        for name, (spoil, told) in WAYS.items():
            server.spoil, server.spoilt = spoil, 0
            seconds = 2.0 if name == "slow drip" else 60.0
            client = Client(Limits(max_bytes=MOST, connect_s=5, read_s=20, total_s=seconds, tries=2, backoff_s=0.01))
            grid = {"grid": {"classes": ["natuur"]}} if choices else {}
            file = {"evidence_nl": "Test.", "service": service, "declare": fetching.DECLARED, **grid}
            files = {"natuur": FetchFile.model_validate(file)}
            [item] = fetch(["natuur"], tiny_world.workspace, client=client, files=files).items
            assert server.spoilt > 0, f"{name}: the data were not asked for ({item.message_nl})"
            assert item.status == "failed", name
            assert re.search(told, item.message_nl), f"{name}: {item.message_nl}"
            assert state(tiny_world) == before, name
    assert tiny_world.open().layer("natuur").to_gdf().geometry.area.tolist() == [1e6]


def state(world: World) -> dict[str, bytes]:
    """Every file of the workspace but the status of the last fetch."""
    return {
        path.relative_to(world.workspace).as_posix(): path.read_bytes()
        for path in world.workspace.rglob("*")
        if path.is_file() and path != world.workspace / "fetch" / "natuur.json"
    }

"""``fetch``: official data into the workspace; what fails leaves the last good version and a dated status."""

from __future__ import annotations

import json
import re
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from servers import (
    LONG_AGO,
    Exchange,
    Given,
    Misbehaving,
    Query,
    Route,
    conditional,
    error_page,
    ok,
    ranged,
    reset,
    serving,
    status,
    truncated,
)
from typer.testing import CliRunner
from worlds import EAST, NORTH, Feature, World, frame, square

from dgdo_geo import store
from dgdo_geo.cli import app
from dgdo_geo.errors import DeclarationError, InputError
from dgdo_geo.intake import freshness
from dgdo_geo.intake.fetching import FetchFile, fetch, fetch_files
from dgdo_geo.intake.versions import record_added, versions
from dgdo_geo.model import NO_DATA
from dgdo_geo.sources.http import Client, Limits
from dgdo_geo.sources.service_types import FEATURES, FILES, GRIDS

RD = "http://www.opengis.net/def/crs/EPSG/0/28992"
DECLARED = {"source": "Test", "licence": "CC0", "quality": "official", "accuracy_m": 10, "absence": "conclusive"}
QUICK = Limits(connect_s=2, read_s=2, total_s=5, tries=1, backoff_s=0.01)


class Collection:
    """A collection of squares behind OGC API Features, two a page, that a test can change and break."""

    def __init__(self) -> None:
        self.squares: dict[str, tuple[float, float]] = {"a": (1, 1), "b": (3, 1), "c": (5, 1)}
        self.kinds: dict[str, str] = {}
        self.more: dict[str, dict[str, Any]] = {}
        self.status = 200
        self.base = ""

    def features(self) -> list[dict[str, Any]]:
        found = []
        for name, (x, y) in self.squares.items():
            west, south = EAST + 1000 * x, NORTH + 1000 * y
            ring = [
                [west, south],
                [west + 1000, south],
                [west + 1000, south + 1000],
                [west, south + 1000],
                [west, south],
            ]
            kind = self.kinds.get(name, "natuur")
            found.append(
                {
                    "type": "Feature",
                    "id": name,
                    "geometry": {"type": "Polygon", "coordinates": [ring]},
                    "properties": {"code": name, "naam": f"Gebied {name}", "soort": kind, **self.more.get(name, {})},
                }
            )
        return found

    def answer(self, path: str, query: Query) -> dict[str, Any]:
        if path == "/collections/natuur/items":
            start = int(query.get("cursor", "0"))
            every = self.features()
            links = []
            if start + 2 < len(every):
                crs = query.get("crs", [""])[0]
                links = [{"rel": "next", "href": f"{self.base}{path}?cursor={start + 2}&crs={crs}&f=json"}]
            return {"type": "FeatureCollection", "features": every[start : start + 2], "links": links}
        collection = {"id": "natuur", "crs": [RD], "storageCrs": RD}
        if path == "/collections":
            return {"collections": [collection], "links": []}
        return collection


@pytest.fixture
def collection() -> Iterator[Collection]:
    served = Collection()

    def answer(path: str, query: Query) -> Given:
        headers = {"Content-Type": "application/geo+json", "Content-Crs": f"<{RD}>"}
        return served.status, headers, json.dumps(served.answer(path, query)).encode()

    with serving(answer) as server:
        served.base = server.url
        yield served


def file_for(collection: Collection, **changes: Any) -> FetchFile:
    """A fetch file for the layer ``natuur`` of the tiny world."""
    data: dict[str, Any] = {
        "evidence_nl": "Een server van de test.",
        "service": {"protocol": "ogc_api_features", "url": collection.base, "layer": "natuur"},
        "columns": {"id": "code", "name": "naam"},
        "classes": {"columns": ["soort"]},
        "declare": DECLARED,
    }
    return FetchFile.model_validate(data | changes)


def run(world: World, collection: Collection, **changes: Any) -> freshness.Freshness:
    files = {"natuur": file_for(collection, **changes)}
    [item] = fetch(["natuur"], world.workspace, client=Client(QUICK), files=files).items
    return item


@pytest.fixture
def world(tiny_world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The tiny world, in which ``fetch`` finds the declarations of the drawing."""
    monkeypatch.setattr("dgdo_geo.store.shipped_layers_dir", lambda: tiny_world.shipped)
    tiny_world.open()
    return tiny_world


def names(world: World) -> list[str]:
    return sorted(world.open().layer("natuur").to_gdf()["feature_id"])


def test_a_fetched_layer_is_used_in_the_next_answer(world: World, collection: Collection) -> None:
    item = run(world, collection)
    assert (item.status, item.features, item.source_layer, item.message_nl) == ("new", 3, "natuur", "")
    assert item.bytes > 0
    explorer = world.open()
    assert explorer.states["natuur"].status == "available"
    assert names(world) == ["a", "b", "c"]
    assert explorer.layer("natuur").to_gdf().crs.to_epsg() == 28992
    assert freshness.read(world.workspace)["natuur"] == item


def test_the_second_time_nothing_changed_and_nothing_is_written(world: World, collection: Collection) -> None:
    run(world, collection)
    product = next(world.workspace.glob("layers/*/natuur/product-*.parquet"))
    before = (product.name, product.stat().st_mtime_ns)
    first = freshness.read(world.workspace)["natuur"]
    item = run(world, collection)
    assert (item.status, item.changed, item.changes.is_none) == ("unchanged", first.changed, True)
    assert (product.name, product.stat().st_mtime_ns) == before


def test_what_changed_since_the_version_before_is_counted(world: World, collection: Collection) -> None:
    run(world, collection)
    del collection.squares["a"]
    collection.squares["b"] = (3.5, 1)
    collection.squares["d"] = (7, 1)
    item = run(world, collection)
    assert item.status == "changed"
    changes = item.changes
    assert (changes.added, changes.gone, changes.moved, changes.reclassified) == (1, 1, 1, 0)
    assert changes.added_m2 == pytest.approx(1.5e6)
    assert changes.gone_m2 == pytest.approx(1.5e6)
    assert names(world) == ["b", "c", "d"]


def test_another_name_or_value_of_the_same_area_is_a_change(world: World, collection: Collection) -> None:
    collection.more = {"a": {"vakken": [1, 2], "jaar": 2020}, "b": {"jaar": None}, "c": {}}
    run(world, collection)
    assert run(world, collection).status == "unchanged"
    collection.more["c"] = {"naam": "Nieuwe naam"}
    collection.more["a"] = {"vakken": [1, 3], "jaar": 2020}
    item = run(world, collection)
    assert item.status == "changed"
    assert (item.changes.altered, item.changes.moved, item.changes.added_m2) == (2, 0, 0.0)
    frame = world.open().layer("natuur").to_gdf()
    assert "Nieuwe naam" in set(frame["name"])


@pytest.mark.parametrize("status", [404, 500])
def test_a_source_that_fails_leaves_the_last_good_version(world: World, collection: Collection, status: int) -> None:
    good = run(world, collection)
    collection.status = status
    item = run(world, collection)
    assert item.status == "failed"
    assert item.changed == good.changed
    assert "127.0.0.1" in item.message_nl
    assert names(world) == ["a", "b", "c"]
    assert freshness.read(world.workspace)["natuur"].status == "failed"


def test_the_list_of_layers_tells_when_a_layer_was_fetched_and_why_it_failed(
    world: World, collection: Collection
) -> None:
    first = run(world, collection)
    place = ["--workspace", str(world.workspace)]
    shown = " ".join(CliRunner().invoke(app, ["layers", *place], catch_exceptions=False).stdout.split())
    assert f"Voor het laatst opgehaald op {first.checked[:10]}" in shown

    collection.status = 500
    failed = run(world, collection)
    answer = json.loads(CliRunner().invoke(app, ["layers", "--json", *place], catch_exceptions=False).stdout)
    schema = json.loads((Path(__file__).parents[1] / "docs/schema/layers.schema.json").read_text(encoding="utf-8"))
    rows = {row["id"]: row["fetched"] for row in answer["layers"]}
    assert {layer for layer, known in rows.items() if known is not None} == {"natuur"}
    jsonschema.Draft202012Validator({"$ref": "#/$defs/fetched", "$defs": schema["$defs"]}).validate(rows["natuur"])
    assert (rows["natuur"]["status"], rows["natuur"]["changed"]) == ("failed", first.changed)
    shown = " ".join(CliRunner().invoke(app, ["layers", *place], catch_exceptions=False).stdout.split())
    assert f"Ophalen is mislukt op {failed.checked[:10]}" in shown
    assert "127.0.0.1" in shown
    assert f"De versie die we op {first.changed[:10]}" in shown


def test_a_value_that_has_no_class_is_refused_by_name(world: World, collection: Collection) -> None:
    run(world, collection)
    collection.kinds["c"] = "pretpark"
    item = run(world, collection)
    assert item.status == "failed"
    assert "pretpark" in item.message_nl
    assert names(world) == ["a", "b", "c"]


def test_a_layer_that_fails_does_not_stop_the_others(world: World, collection: Collection) -> None:
    good = file_for(collection)
    bad = file_for(collection, service={"protocol": "wfs", "url": "http://127.0.0.1:9/wfs", "layer": "x"})
    found = fetch([], world.workspace, client=Client(QUICK), files={"natuur": good, "zones": bad})
    assert found.not_done == ()
    assert {item.layer: item.status for item in found.items} == {"natuur": "new", "zones": "failed"}
    assert world.open().states["zones"].status == "available"


def test_a_layer_that_cannot_be_fetched_is_refused_before_anything_is_asked(world: World) -> None:
    with pytest.raises(InputError, match="cannot be fetched"):
        fetch(["zones"], world.workspace, files={})
    with pytest.raises(InputError, match="unknown layer"):
        fetch(["bestaat-niet"], world.workspace, files={})
    assert not (world.workspace / "fetch").exists()


def test_a_status_that_cannot_be_read_counts_as_unknown(world: World, collection: Collection) -> None:
    run(world, collection)
    (world.workspace / "fetch" / "natuur.json").write_text("{", encoding="utf-8")
    assert freshness.read(world.workspace) == {}
    assert run(world, collection).status == "unchanged"


# Other versions of the same ----------------------------------------------------------------


def test_what_is_said_of_a_layer_is_replaced_when_the_file_says_otherwise(world: World, collection: Collection) -> None:
    """Another accuracy changes answers, although no polygon did."""
    run(world, collection)
    declare = {**DECLARED, "accuracy_m": 250}
    item = run(world, collection, declare=declare)
    assert (item.status, item.changes) == ("changed", freshness.Changes(declaration=True))
    assert world.open().states["natuur"].layer.accuracy_m == 250
    assert run(world, collection, declare=declare).status == "unchanged"


def test_the_last_versions_are_remembered(
    world: World, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert freshness.HISTORY == 20
    monkeypatch.setattr(freshness, "HISTORY", 4)
    for number in range(6):
        collection.squares["d"] = (7, number % 9 + 0.5)
        item = run(world, collection)
        assert item.status in ("new", "changed"), number
    assert len(item.history) == 4
    assert item.history[0].changes == item.changes
    assert {event.changes.moved for event in item.history} == {1}
    assert run(world, collection).history == item.history
    collection.status = 404
    assert run(world, collection).history == item.history


def test_a_layer_that_somebody_replaced_by_a_file_is_compared_with_that_file(
    world: World, collection: Collection
) -> None:
    run(world, collection)
    own = frame([Feature(square(1, 1, 2, 2), "natuur")], ["a"])
    opened = store.open_workspace(world.workspace, shipped=world.shipped)
    before = versions(opened, ["natuur"])["natuur"]
    store.write_layer(opened, opened.entries["natuur"].layer, own)
    added = record_added(opened, "natuur", "eigen.gpkg", own, before)
    assert (added.status, added.changes.gone, added.source_layer) == ("added", 2, "eigen.gpkg")
    assert freshness.read(world.workspace)["natuur"] == added
    item = run(world, collection)
    assert (item.status, item.changes.added) == ("changed", 2)
    assert [event.changes.gone for event in item.history] == [0, 2, 0]


# Files -------------------------------------------------------------------------------------

ETAG = '"een"'
LONG = 400_000
"""Bytes of a file that is large enough to be cut off."""


def geojson(west: float = 1.0, padding: int = 0) -> bytes:
    """One square of natuur, as GeoJSON in EPSG:28992."""
    x, y = EAST + 1000 * west, NORTH + 1000
    ring = [[x, y], [x + 1000, y], [x + 1000, y + 1000], [x, y + 1000], [x, y]]
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"code": "a", "naam": "Gebied a"},
    }
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}
    return json.dumps({"type": "FeatureCollection", "crs": crs, "features": [feature]}).encode() + b" " * padding


def of_file(server: Misbehaving, path: str = "/natuur.geojson", **changes: Any) -> FetchFile:
    data: dict[str, Any] = {
        "evidence_nl": "Een server van de test.",
        "service": {"protocol": "file", "url": server.url(path)},
        "columns": {"id": "code", "name": "naam"},
        "classes": {"fixed": "natuur"},
        "declare": DECLARED,
    }
    return FetchFile.model_validate(data | changes)


def take(world: World, file: FetchFile, layer: str = "natuur", limits: Limits = QUICK) -> freshness.Freshness:
    [item] = fetch([layer], world.workspace, client=Client(limits), files={layer: file}).items
    return item


def left_over(world: World) -> list[str]:
    return sorted(path.name for path in (world.workspace / "fetch").rglob("*") if path.suffix != ".json")


def test_a_file_goes_the_way_of_an_added_one_and_leaves_nothing_behind(world: World) -> None:
    with Misbehaving({"/natuur.geojson": ok(geojson(), "application/geo+json")}) as server:
        item = take(world, of_file(server))
    assert (item.status, item.features, item.source_layer) == ("new", 1, "natuur.geojson")
    assert item.bytes == len(geojson())
    assert names(world) == ["a"]
    assert left_over(world) == []


@pytest.mark.parametrize("kind", ["etag", "modified"])
def test_a_file_that_did_not_change_is_not_sent_again(world: World, kind: str) -> None:
    told = {"etag": ETAG} if kind == "etag" else {"modified": LONG_AGO}
    with Misbehaving({"/natuur.geojson": conditional(geojson(), **told)}) as server:
        first = take(world, of_file(server))
        again = take(world, of_file(server))
        assert server.sent["/natuur.geojson"] == len(geojson())
        asked = server.seen("/natuur.geojson")[1].headers
    assert (asked.get("if-none-match"), asked.get("if-modified-since")) == (told.get("etag"), told.get("modified"))
    assert (again.status, again.changed, again.features) == ("unchanged", first.changed, 1)
    assert again.checked >= first.checked
    assert again.bytes == 0
    assert (again.etag, again.modified, again.product) == (first.etag, first.modified, first.product)
    assert names(world) == ["a"]
    assert left_over(world) == []


def test_a_file_that_did_change_is_read(world: World) -> None:
    with Misbehaving({"/natuur.geojson": conditional(geojson(), ETAG)}) as server:
        take(world, of_file(server))
        server.routes["/natuur.geojson"] = conditional(geojson(3), '"twee"')
        item = take(world, of_file(server))
    assert (item.status, item.changes.moved, item.etag) == ("changed", 1, '"twee"')


@pytest.mark.parametrize("what", ["another fetch.toml", "gone", "damaged", "replaced by somebody", "status unreadable"])
def test_the_server_is_not_asked_for_changes_of_what_we_do_not_have(world: World, what: str) -> None:
    with Misbehaving({"/natuur.geojson": conditional(geojson(), ETAG)}) as server:
        first = take(world, of_file(server))
        product = next(world.workspace.glob("layers/*/natuur/product-*.parquet"))
        file = of_file(server)
        if what == "another fetch.toml":
            file = of_file(server, columns={"id": "code"})
        elif what == "gone":
            product.unlink()
        elif what == "damaged":
            product.write_bytes(product.read_bytes()[:-1])
        elif what == "replaced by somebody":
            opened = store.open_workspace(world.workspace, shipped=world.shipped)
            own = frame([Feature(square(7, 7, 8, 8), "natuur")])
            store.write_layer(opened, opened.entries["natuur"].layer, own)
        else:
            (world.workspace / "fetch" / "natuur.json").write_text("[]", encoding="utf-8")
        item = take(world, file)
        asked = server.seen("/natuur.geojson")[1].headers
    assert "if-none-match" not in asked
    assert "if-modified-since" not in asked
    assert item.status == {"gone": "new", "damaged": "new", "status unreadable": "unchanged"}.get(what, "changed")
    assert names(world) == ["a"]
    assert first.status == "new"


def test_a_download_that_was_cut_off_goes_on_the_next_time(world: World) -> None:
    body = geojson(padding=LONG)
    with Misbehaving({"/natuur.geojson": ranged(body, ETAG, cut=300_000)}) as server:
        failed = take(world, of_file(server))
        assert failed.status == "failed"
        assert "niet volledig" in failed.message_nl
        assert left_over(world) == [".natuur.geojson.part", "natuur"]
        sent = server.sent["/natuur.geojson"]
        item = take(world, of_file(server))
        assert server.seen("/natuur.geojson")[1].headers["range"] == f"bytes={sent}-"
        assert server.sent["/natuur.geojson"] == len(body)
    assert (item.status, item.features) == ("new", 1)
    assert left_over(world) == []


def test_a_part_of_an_older_version_is_not_completed_with_a_newer_one(world: World) -> None:
    with Misbehaving({"/natuur.geojson": ranged(geojson(1, LONG), ETAG, cut=300_000)}) as server:
        assert take(world, of_file(server)).status == "failed"
        server.routes["/natuur.geojson"] = ranged(geojson(4, LONG), '"twee"')
        assert take(world, of_file(server)).status == "new"
    assert world.open().layer("natuur").to_gdf().total_bounds[0] == EAST + 4000


@pytest.mark.parametrize(
    ("route", "told"),
    [
        (error_page(), "HTML"),
        (truncated(geojson(), kind="application/geo+json"), "niet volledig"),
        (status(404), "404"),
        (ok(b"{", "application/geo+json"), "natuur.geojson"),
        (ok(b"PK\x03\x04", "application/geo+json"), "natuur.geojson"),
    ],
)
def test_a_file_that_is_wrong_leaves_the_last_good_version(world: World, route: Route, told: str) -> None:
    with Misbehaving({"/natuur.geojson": ok(geojson())}) as server:
        good = take(world, of_file(server))
        product = next(world.workspace.glob("layers/*/natuur/product-*.parquet")).read_bytes()
        server.routes["/natuur.geojson"] = route
        item = take(world, of_file(server))
    assert item.status == "failed"
    assert told in item.message_nl
    assert (item.changed, item.product) == (good.changed, good.product)
    assert next(world.workspace.glob("layers/*/natuur/product-*.parquet")).read_bytes() == product
    assert left_over(world) == []


def test_a_feed_that_points_to_another_file_is_not_asked_with_the_date_of_the_old_one(world: World) -> None:
    """The new file may be older than the old one was; "not changed" would be about another file."""

    def feed(name: str) -> Route:
        xml = f"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><entry>
            <title>Natuur</title><link rel="alternate" href="{name}" type="application/geo+json"/></entry></feed>"""
        return ok(xml.encode(), "application/atom+xml")

    newer, older = "Mon, 02 Nov 2026 08:00:00 GMT", LONG_AGO

    def not_since(body: bytes, modified: str) -> Route:
        def route(x: Exchange) -> None:
            told = x.seen.headers.get("if-modified-since")
            is_old = told is not None and parsedate_to_datetime(told) >= parsedate_to_datetime(modified)
            x.answer(b"" if is_old else body, 304 if is_old else 200, Last_Modified=modified)

        return route

    routes = {"/feed": feed("a.geojson"), "/a.geojson": not_since(geojson(1), newer)}
    with Misbehaving(routes) as server:
        file = of_file(server, service={"protocol": "atom", "url": server.url("/feed"), "layer": "Natuur"})
        assert take(world, file).status == "new"
        assert take(world, file).status == "unchanged"
        server.routes |= {"/feed": feed("b.geojson"), "/b.geojson": not_since(geojson(5), older)}
        item = take(world, file)
    assert (item.status, item.source_layer, item.changes.moved) == ("changed", "b.geojson", 1)


# Grids -------------------------------------------------------------------------------------


def ascii_grid(values: list[list[float]]) -> bytes:
    """An ESRI ASCII grid of 1 km cells from the south-west corner of Westdorp."""
    head = f"ncols {len(values[0])}\nnrows {len(values)}\nxllcorner {EAST}\nyllcorner {NORTH}\ncellsize 1000\n"
    return (head + "NODATA_value -9999\n" + "\n".join(" ".join(map(str, row)) for row in values)).encode()


def test_a_grid_in_a_file_becomes_a_layer(world: World) -> None:
    """Two cells of promising sand, one without potential, and one about which nothing is known."""
    with Misbehaving({"/zand.asc": ok(ascii_grid([[12, 12], [3, -9999]]), "text/plain")}) as server:
        file = of_file(
            server,
            "/zand.asc",
            crs="EPSG:28992",
            columns={},
            classes={},
            grid={"thresholds": [10], "classes": ["geen", "kansrijk"]},
            declare={**DECLARED, "absence": "unknown"},
        )
        item = take(world, file, "potentie_zand")
        assert item.status == "new"
        assert take(world, file, "potentie_zand").status == "unchanged"
        server.routes["/zand.asc"] = ok(ascii_grid([[12, 3], [3, -9999]]), "text/plain")
        assert take(world, file, "potentie_zand").status == "changed"
    product = world.open().layer("potentie_zand").to_gdf()
    area = product.geometry.area.groupby(product["class"]).sum()
    assert area.to_dict() == {"geen": 2e6, "kansrijk": 1e6, NO_DATA: 1e6}


Table = dict[str, tuple[tuple[str, ...], list[list[float]] | list[float]]]


def opendap(table: Table) -> Callable[[str, Query], Given]:
    """A data set behind OPeNDAP: per name its axes and values; whole arrays and ranges can be asked for."""

    def declared(name: str, shape: tuple[int, ...]) -> str:
        sizes = "".join(f"[{axis} = {size}]" for axis, size in zip(table[name][0], shape, strict=True))
        return f"    Float64 {name}{sizes};\n"

    def answer(path: str, query: Query) -> Given:
        values = {name: np.array(numbers, ">f8") for name, (_, numbers) in table.items()}
        if path.endswith(".das"):
            return 200, {"Content-Type": "text/plain"}, b"Attributes {\n}\n"
        if path.endswith(".dods"):
            asked = next(iter(query)) if query else ""
            ranges = {name: re.findall(r"\[(\d+):(?:1:)?(\d+)\]", rest) for name, rest in re.findall(PART, asked)}
            assert ranges, asked
            values = {
                name: values[name][tuple(slice(int(a), int(b) + 1) for a, b in found)] if found else values[name]
                for name, found in ranges.items()
            }
        text = "".join(declared(name, found.shape) for name, found in values.items())
        body = f"Dataset {{\n{text}}} zand;\n".encode()
        if path.endswith(".dods"):
            body += b"\nData:\n"
            for found in values.values():
                body += struct.pack(">II", found.size, found.size) + found.tobytes()
        return 200, {"Content-Type": "application/octet-stream"}, body

    return answer


PART = r"(\w+)((?:\[[\d:]+\])*)"


def test_grids_of_a_service_become_a_layer_with_depths(world: World) -> None:
    """Power decides on the class; the depth of the top comes from a second variable of the same data set."""
    table: Table = {
        "x": (("x",), [EAST + 500, EAST + 1500]),
        "y": (("y",), [NORTH + 500, NORTH + 1500]),
        "power": (("y", "x"), [[3, 12], [12, 12]]),
        "depth": (("y", "x"), [[1500, 1500], [1500, 1500]]),
    }
    grid = {"variable": "power", "thresholds": [10], "classes": ["geen", "kansrijk"], "top": {"variable": "depth"}}
    with serving(lambda path, query: opendap(table)(path, query)) as server:
        service = {"protocol": "opendap", "url": f"{server.url}/zand.nc", "crs": "EPSG:28992"}
        data = {
            "evidence_nl": "Test.", "service": service, "grid": grid, "declare": {**DECLARED, "absence": "unknown"},
        }  # fmt: skip
        file = FetchFile.model_validate(data)
        item = take(world, file, "potentie_zand")
        assert (item.status, item.message_nl) == ("new", "")
        assert item.bytes > 0
        assert take(world, file, "potentie_zand").status == "unchanged"
        product = world.open().layer("potentie_zand").to_gdf()
        assert product.geometry.area.groupby(product["class"]).sum().to_dict() == {"geen": 1e6, "kansrijk": 3e6}
        assert set(product["top_max_m"]) == {1500.0}
        low = product[product["class"] == "geen"].total_bounds
        assert tuple(low) == (EAST, NORTH, EAST + 1000, NORTH + 1000), "upside down"
        table["power"] = (("y", "x"), [[12, 12], [12, 12]])
        item = take(world, file, "potentie_zand")
    assert item.status == "changed"
    assert item.changes.added_m2 == pytest.approx(0, abs=1e-6)
    assert item.changes.reclassified + item.changes.added + item.changes.gone + item.changes.moved > 0


SERVICES: dict[str, dict[str, Any]] = {
    "ogc_api_features": {"layer": "x"},
    "wfs": {"layer": "x"},
    "arcgis": {"layer": "0"},
    "fdsn_event": {},
    "wcs": {"layer": "x"},
    "wms": {"layer": "x", "cell_m": 100},
    "opendap": {"crs": "EPSG:28992"},
    "file": {},
    "atom": {"layer": "x"},
}
"""Every protocol, with the keys that it needs."""


def test_every_protocol_is_tried_below() -> None:
    assert set(SERVICES) == {*FEATURES, *GRIDS, *FILES}


@pytest.mark.parametrize("route", [status(500), error_page(), reset()], ids=["500", "error page", "reset"])
@pytest.mark.parametrize("protocol", SERVICES)
def test_a_service_that_fails_touches_nothing(
    world: World, collection: Collection, protocol: str, route: Route
) -> None:
    good = run(world, collection)
    before = {path: path.read_bytes() for path in world.workspace.rglob("*") if path.is_file()}
    with Misbehaving() as server:
        server.routes = dict.fromkeys(("/a.gpkg", "/a.gpkg.dds", "/a.gpkg/collections", "/a.gpkg/query"), route)
        service = {"protocol": protocol, "url": server.url("/a.gpkg"), **SERVICES[protocol]}
        grid = {"grid": {"classes": ["natuur"]}} if protocol in GRIDS else {}
        data = {"evidence_nl": "Test.", "service": service, "declare": DECLARED, **grid}
        item = take(world, FetchFile.model_validate(data))
        assert server.count() > 0
    assert item.status == "failed"
    assert item.message_nl
    assert item.checked >= good.checked
    assert (item.changed, item.product, item.features) == (good.changed, good.product, good.features)
    after = {path: path.read_bytes() for path in world.workspace.rglob("*") if path.is_file()}
    status_file = world.workspace / "fetch" / "natuur.json"
    assert {path for path in before | after if before.get(path) != after.get(path)} == {status_file}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"service": {"protocol": "opendap", "url": "https://x.nl/a.nc"}}, "grid: needed for protocol opendap"),
        ({"grid": {"classes": ["a"]}}, "grid: not for protocol ogc_api_features"),
        ({"read": {"layer": "a"}}, "read: for a file only"),
    ],
)
def test_a_fetch_file_that_does_not_fit_its_protocol_is_refused(
    collection: Collection, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        file_for(collection, **changes)


# The command -------------------------------------------------------------------------------


@pytest.fixture
def with_fetch_files(world: World, collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ships is the drawing, and ``fetch`` knows two layers, of which one cannot be reached."""
    bad = file_for(collection, service={"protocol": "wfs", "url": "http://127.0.0.1:9/wfs", "layer": "x"})
    files = {"natuur": file_for(collection), "zones": bad}
    monkeypatch.setattr("dgdo_geo.intake.fetching.fetch_files", lambda folder=None: files)
    monkeypatch.setattr("dgdo_geo.query.opening.read_knowledge", world.read_knowledge)
    monkeypatch.setattr("dgdo_geo.intake.fetching.Client", lambda limits=None: Client(QUICK))


@pytest.mark.usefixtures("with_fetch_files")
def test_the_command_ends_with_a_table_and_tells_which_answers_change(world: World, collection: Collection) -> None:
    place = ["--workspace", str(world.workspace)]
    done = CliRunner().invoke(app, ["fetch", *place], catch_exceptions=False, env={"COLUMNS": "200"})
    assert done.exit_code == 3, "one layer failed"
    rows = [line.split() for line in done.stdout.splitlines()]
    head = next(row for row in rows if row[:1] == ["laag"])
    assert head == ["laag", "uitkomst", "objecten", "km²", "erbij", "km²", "eraf", "gelezen", "sec."]
    natuur = next(row for row in rows if row[:1] == ["natuur"])
    assert natuur[1:5] == ["opgehaald", "3", "3,00", "0,00"]
    assert ["zones", "mislukt"] in rows
    assert "zones: niet opgehaald. We kunnen 127.0.0.1 niet bereiken" in done.stdout
    assert "Wat er in de antwoorden verandert" in done.stdout
    # In Westdorp nature could not be looked up; now it can. 100 km2 less the core, in which another rule is stricter.
    assert "ging van ‘onbekend’ naar ‘geen bekende beperking’ voor zout, 300 tot 1.000 m diep" in done.stdout

    kept = freshness.read(world.workspace)["natuur"].flips
    assert kept is not None
    assert (kept.status, kept.layers) == ("compared", ("natuur",))
    # Closer than 10 m to the edges of the three squares, 12 km in all, it stays unknown.
    outcomes = sum(row.area_m2 for row in kept.rows if row.kind == "outcome")
    assert outcomes == pytest.approx(99e6 - 12_000 * 20, rel=1e-4)
    listed = CliRunner().invoke(app, ["layers", *place], catch_exceptions=False, env={"COLUMNS": "200"}).stdout
    assert "ging van ‘onbekend’ naar" in " ".join(listed.split())

    again = CliRunner().invoke(app, ["fetch", "natuur", *place], catch_exceptions=False)
    assert again.exit_code == 0
    assert "Wat er in de antwoorden" not in again.stdout
    assert freshness.read(world.workspace)["natuur"].flips == kept


@pytest.mark.usefixtures("with_fetch_files")
def test_the_json_of_the_command_is_pure_and_fits_the_schema(world: World, collection: Collection) -> None:
    place = ["--workspace", str(world.workspace)]
    CliRunner().invoke(app, ["fetch", "natuur", *place], catch_exceptions=False)
    collection.squares["a"] = (1.5, 1)
    done = CliRunner().invoke(app, ["fetch", "--json", *place])
    answer = json.loads(done.stdout)
    schema = json.loads((Path(__file__).parents[1] / "docs/schema/layers.schema.json").read_text(encoding="utf-8"))
    checked = jsonschema.Draft202012Validator({"$ref": "#/$defs/fetched", "$defs": schema["$defs"]})
    assert {row["layer"]: row["status"] for row in answer["layers"]} == {"natuur": "changed", "zones": "failed"}
    for row in answer["layers"]:
        checked.validate(row)
    assert answer["not_done"] == []
    flips = next(row for row in answer["layers"] if row["layer"] == "natuur")["flips"]
    assert flips["status"] == "compared"
    # Half a square turns to attention and half a square back, less the 10 m along its edges that is not certain.
    moved = {(row["before"], row["after"]): row["area_m2"] for row in flips["rows"] if row["kind"] == "outcome"}
    certain = pytest.approx(480 * 980, rel=1e-3)
    assert moved["attention", "no_known_constraint"] == certain
    assert moved["no_known_constraint", "attention"] == certain
    assert {place["name"] for row in flips["rows"] for place in row["places"]} == {"Westdorp"}


@pytest.mark.usefixtures("with_fetch_files")
def test_comparing_can_be_skipped_and_that_is_said(world: World) -> None:
    place = ["--workspace", str(world.workspace)]
    done = CliRunner().invoke(app, ["fetch", "natuur", "--zonder-vergelijking", *place], catch_exceptions=False)
    assert "omdat u dat niet wilde" in " ".join(done.stdout.split())
    kept = freshness.read(world.workspace)["natuur"].flips
    assert kept is not None
    assert (kept.status, kept.rows) == ("skipped", ())


@pytest.mark.usefixtures("with_fetch_files")
def test_when_it_cannot_be_compared_the_reason_is_told(world: World) -> None:
    (world.home("gemeenten") / "product.parquet").write_bytes(b"kapot")
    place = ["--workspace", str(world.workspace)]
    done = CliRunner().invoke(app, ["fetch", "natuur", *place], catch_exceptions=False)
    assert done.exit_code == 0
    assert "We kunnen niet vergelijken welke antwoorden veranderen: " in " ".join(done.stdout.split())
    kept = freshness.read(world.workspace)["natuur"].flips
    assert kept is not None
    assert kept.status == "failed"
    assert "gemeenten" in kept.message_nl


def wait_for(child: subprocess.Popen[str], is_so: Callable[[], bool]) -> None:
    """Wait until something is so, while the child lives."""
    end = time.monotonic() + 180  # a busy machine takes long to start a program
    while not is_so():
        assert time.monotonic() < end, "it did not happen"
        if child.poll() is not None:
            raise AssertionError(child.communicate()[1])
        time.sleep(0.05)


def test_ctrl_c_leaves_what_is_done_and_says_what_is_not(world: World, collection: Collection) -> None:
    """One layer is done at once; two others hang on a server that says nothing."""
    script = """
import json, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started the tests in the background
from dgdo_geo import store
from pathlib import Path
from dgdo_geo.intake import fetching
shipped, knowledge, files = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
store.shipped_layers_dir = lambda: shipped
fetching.fetch_files = lambda folder=None: {k: fetching.FetchFile.model_validate(v) for k, v in files.items()}
from dgdo_geo.cli import main
sys.argv = ["dgdo-geo", *sys.argv[4:]]
main()
"""
    ended = threading.Event()

    def says_nothing(x: Exchange) -> None:
        ended.wait(300)
        x.hang_up()

    with Misbehaving({"/slow.geojson": says_nothing}) as server:
        # Another name for the same computer: no more than two requests at a time go to one host.
        address = server.url("/slow.geojson", host="localhost")
        slow = of_file(server, service={"protocol": "file", "url": address})
        files = {
            "natuur": file_for(collection).model_dump(mode="json", exclude_unset=True),
            "zones": slow.model_dump(mode="json", exclude_unset=True),
            "schets": slow.model_dump(mode="json", exclude_unset=True),
        }
        arguments = [str(world.shipped), str(world.knowledge), json.dumps(files), "fetch", "--json"]
        arguments += ["--workspace", str(world.workspace)]
        with subprocess.Popen(
            [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as child:
            try:
                wait_for(child, lambda: (world.workspace / "fetch" / "natuur.json").exists() and server.count() > 1)
                child.send_signal(signal.SIGINT)
                # Whoever waits for the server needs four times a minute: the tries of the client. A clock that is
                # sharper would measure how busy the machine is.
                out, err = child.communicate(timeout=120)
                assert server.at_once == 2, "it waited for the server"
            finally:
                child.kill()
                ended.set()
    assert child.returncode == 130, err
    answer = json.loads(out)
    assert {row["layer"]: row["status"] for row in answer["layers"]} == {"natuur": "new"}
    assert answer["not_done"] == ["schets", "zones"]
    assert answer["layers"][0]["flips"]["status"] == "skipped"
    assert names(world) == ["a", "b", "c"]


def test_a_host_that_cannot_be_reached_is_not_tried_for_every_layer(world: World, collection: Collection) -> None:
    bad = file_for(collection, service={"protocol": "wfs", "url": "http://127.0.0.1:9/wfs", "layer": "x"})
    files = dict.fromkeys(("zones", "schets", "breuk", "natuur"), bad)
    tries: list[str] = []

    class Counting(Client):
        def get(self, url: str, *args: Any, **named: Any) -> Any:
            tries.append(url)
            return super().get(url, *args, **named)

    found = fetch([], world.workspace, client=Counting(QUICK), files=files)
    assert [item.status for item in found.items] == ["failed"] * 4
    assert all("127.0.0.1" in item.message_nl for item in found.items)
    assert 1 <= len(tries) <= 3, "at most once in each thread"


# The shipped files -------------------------------------------------------------------------


def test_every_shipped_file_says_where_its_address_comes_from_and_fits_its_layer() -> None:
    from dgdo_geo.catalogue import read_catalogue, shipped_layers_dir

    entries = read_catalogue([shipped_layers_dir()])
    files = fetch_files()
    assert files
    for layer_id, file in files.items():
        classes = {item.id for item in entries[layer_id].layer.classes}
        assert file.evidence_nl
        assert file.service.url.startswith("https://")
        assert {file.classes.fixed} - {None} <= classes
        assert set(file.classes.values.values()) <= classes


def test_a_wrong_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "natuur" / "natura2000" / "fetch.toml"
    path.parent.mkdir(parents=True)
    path.write_text('evidence_nl = "x"\nservise = 1\n', encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"natura2000/fetch\.toml.*servise"):
        fetch_files(tmp_path)

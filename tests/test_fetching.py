"""``fetch``: official data into the workspace; what fails leaves the last good version and a dated status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from servers import Given, Query, serving
from typer.testing import CliRunner
from worlds import EAST, NORTH, World

from dgdo_geo.cli import app
from dgdo_geo.errors import DeclarationError, InputError
from dgdo_geo.intake import freshness
from dgdo_geo.intake.fetching import FetchFile, fetch, fetch_files
from dgdo_geo.sources.http import Client, Limits

RD = "http://www.opengis.net/def/crs/EPSG/0/28992"
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
        "declare": {
            "source": "Test",
            "licence": "CC0",
            "quality": "official",
            "accuracy_m": 10,
            "absence": "conclusive",
        },
    }
    return FetchFile.model_validate(data | changes)


def run(world: World, collection: Collection, **changes: Any) -> freshness.Freshness:
    [item] = fetch(["natuur"], world.workspace, client=Client(QUICK), files={"natuur": file_for(collection, **changes)})
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
    assert {item.layer: item.status for item in found} == {"natuur": "new", "zones": "failed"}
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

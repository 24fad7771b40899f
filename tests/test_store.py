"""The workspace on disk: what is written is whole, what is damaged is named, and nothing stale is used."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from pyarrow import parquet
from worlds import KM2, TODAY, Feature, World, at, frame, layer, line, square

from dgdo_geo import store
from dgdo_geo.catalogue import read_catalogue
from dgdo_geo.errors import DataError, DgdoGeoError, InputError
from dgdo_geo.model import Cause, LayerState, LayerStatus, Verdict
from dgdo_geo.overlay import engine
from dgdo_geo.query import Explorer, open_explorer
from dgdo_geo.query.joint import hash_of, overlay_inputs

TITLE = {"title_nl": "Nieuwe zones"}


def files(folder: Path) -> dict[str, bytes]:
    """Everything below a folder, to see that nothing changed."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# Writing -----------------------------------------------------------------------------------


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    store.write_atomic(tmp_path / "deep" / "a.txt", b"old")
    store.write_atomic(tmp_path / "deep" / "a.txt", b"new")
    assert files(tmp_path) == {"deep/a.txt": b"new"}


class Interrupted(BaseException):
    """The power goes off: no ``except Exception`` sees it."""


def cut_off(*_: object, **__: object) -> None:
    raise Interrupted


def disk_full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("failure", [cut_off, disk_full])
@pytest.mark.parametrize("moment", [(Path, "replace"), (os, "fsync"), (Path, "chmod")], ids=lambda m: m[1])
def test_an_interrupted_write_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: tuple[object, str], failure: Callable[..., None]
) -> None:
    store.write_atomic(tmp_path / "a.txt", b"old")
    with monkeypatch.context() as patch:
        patch.setattr(*moment, failure)
        with pytest.raises((Interrupted, OSError)):
            store.write_atomic(tmp_path / "a.txt", b"new")
    assert files(tmp_path) == {"a.txt": b"old"}


def new_zones() -> gpd.GeoDataFrame:
    return frame([Feature(square(0, 0, 1, 1), name="Nieuw")])


def test_a_layer_in_the_workspace_replaces_the_shipped_one(tiny_world: World) -> None:
    workspace = store.open_workspace(tiny_world.workspace, create=True, shipped=tiny_world.shipped)
    before = files(tiny_world.shipped)
    stored = store.write_layer(workspace, layer("zones", ["zone", "kern"], **TITLE), new_zones())
    assert stored.sha256 == store.file_hash(workspace.path / "layers" / "groundwater" / "zones" / str(stored.product))
    explorer = tiny_world.open()
    assert explorer.states["zones"].layer == stored
    assert explorer.layer("zones").to_gdf()["name"].tolist() == ["Nieuw"]
    assert files(tiny_world.shipped) == before
    assert explorer.for_region("GM9001", TODAY, activities=["warmte"]).answers[0].constraints[
        0
    ].area_m2 == pytest.approx(KM2)


def test_a_newer_product_takes_the_place_of_the_older_one(tiny_world: World) -> None:
    workspace = store.open_workspace(tiny_world.workspace, create=True, shipped=tiny_world.shipped)
    folder = workspace.path / "layers" / "groundwater" / "zones"
    for shape in (square(0, 0, 1, 1), square(0, 0, 2, 2), square(0, 0, 2, 2)):
        stored = store.write_layer(workspace, layer("zones"), frame([Feature(shape)]))
        assert sorted(p.name for p in folder.iterdir()) == ["layer.toml", stored.product]
    assert not list(workspace.path.glob(".new-*"))


@pytest.mark.parametrize(
    "moment",
    [(gpd.GeoDataFrame, "to_parquet"), (store.shutil, "move"), (store, "write_atomic"), (Path, "replace")],
    ids=lambda m: m[1],
)
@pytest.mark.parametrize("failure", [cut_off, disk_full])
def test_an_interrupted_load_leaves_the_old_layer_whole(
    tiny_world: World, monkeypatch: pytest.MonkeyPatch, moment: tuple[object, str], failure: Callable[..., None]
) -> None:
    workspace = store.open_workspace(tiny_world.workspace, create=True, shipped=tiny_world.shipped)
    old = store.write_layer(workspace, layer("zones", ["zone", "kern"], **TITLE), new_zones())
    with monkeypatch.context() as patch:
        patch.setattr(*moment, failure)
        with pytest.raises((Interrupted, DataError)):
            store.write_layer(workspace, layer("zones", ["zone", "kern"]), frame([Feature(square(5, 5, 6, 6))]))
    explorer = tiny_world.open()
    assert explorer.states["zones"].status is LayerStatus.AVAILABLE
    assert explorer.states["zones"].layer == old
    assert explorer.layer("zones").to_gdf()["name"].tolist() == ["Nieuw"]
    store.write_layer(workspace, layer("zones", ["zone", "kern"]), frame([Feature(square(5, 5, 6, 6), name="Nieuwer")]))
    assert tiny_world.open().layer("zones").to_gdf()["name"].tolist() == ["Nieuwer"]


def test_a_full_disk_is_said_in_words(tiny_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = store.open_workspace(tiny_world.workspace, create=True, shipped=tiny_world.shipped)
    monkeypatch.setattr(gpd.GeoDataFrame, "to_parquet", disk_full)
    with pytest.raises(DataError, match="No space left on device") as caught:
        store.write_layer(workspace, layer("zones"), new_zones())
    assert caught.value.exit_code == 3
    assert "Er is niets gewijzigd" in caught.value.message_nl


# The schema --------------------------------------------------------------------------------

BOW_TIE = shapely.Polygon([at(0, 0), at(1, 1), at(1, 0), at(0, 1)])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda f: f.drop(columns=["note", "base_max_m"]), "missing columns: note, base_max_m"),
        (lambda f: f.to_crs(4326), "CRS"),
        (lambda f: f.set_crs(None, allow_override=True), "CRS is None"),
        (lambda f: f.iloc[:0], "no features"),
        (lambda f: f.assign(feature_id="a"), "feature_id not unique: a"),
        (lambda f: f.assign(**{"class": "moeras"}), "undeclared classes: moeras"),
        (lambda f: f.assign(top_min_m=[1, 2]), "column top_min_m is not a float"),
        (lambda f: f.assign(accuracy_m=["ca. 5", "6"]), "column accuracy_m is not a float"),
        (lambda f: f.set_geometry([None, square(0, 0, 1, 1)], crs=28992), "features without geometry"),
        (lambda f: f.set_geometry([shapely.Polygon(), square(0, 0, 1, 1)], crs=28992), "features without geometry"),
        (lambda f: f.set_geometry([square(0, 0, 1, 1), shapely.Point(at(0, 0))], crs=28992), "geometry is not polygon"),
        (lambda f: f.set_geometry([square(0, 0, 1, 1), BOW_TIE], crs=28992), "invalid geometry: f2"),
    ],
)
def test_a_product_that_breaks_the_schema_is_not_stored(
    tiny_world: World, change: Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame], problem: str
) -> None:
    good = frame([Feature(square(0, 0, 1, 1)), Feature(square(2, 0, 3, 1))])
    assert store.schema_problems(good, layer("zones")) == []
    bad = change(good)
    assert [p for p in store.schema_problems(bad, layer("zones")) if p.startswith(problem)]
    workspace = store.open_workspace(tiny_world.workspace, create=True, shipped=tiny_world.shipped)
    with pytest.raises(DataError, match="zones"):
        store.write_layer(workspace, layer("zones"), bad)
    assert list(files(tiny_world.workspace)) == ["workspace.json"]


@pytest.mark.parametrize(("geometry", "shape"), [("line", line((0, 0), (1, 1))), ("point", shapely.Point(at(1, 1)))])
def test_lines_and_points_are_layers_too(geometry: str, shape: shapely.Geometry) -> None:
    declared = layer("zones", geometry=geometry)
    assert store.schema_problems(frame([Feature(shape)]), declared) == []
    assert store.schema_problems(frame([Feature(square(0, 0, 1, 1))]), declared) == [f"geometry is not {geometry}"]


@pytest.mark.parametrize(
    "depths", [(200.0, 100.0, np.inf, np.inf), (0.0, 0.0, 300.0, 200.0), (500.0, 500.0, 100.0, 100.0)]
)
def test_depths_that_contradict_each_other_are_refused(depths: tuple[float, float, float, float]) -> None:
    assert store.schema_problems(frame([Feature(square(0, 0, 1, 1), depths=depths)]), layer("zones"))


def test_boundaries_without_a_province_are_named(tiny_world: World) -> None:
    workspace = store.open_workspace(tiny_world.workspace, create=True, shipped=tiny_world.shipped)
    with pytest.raises(DgdoGeoError, match="province"):
        store.write_layer(
            workspace,
            layer("gemeenten", ["gemeente"], family="boundaries"),
            frame([Feature(square(0, 0, 10, 10), "gemeente")], ["GM9001"]),
        )
        tiny_world.open().for_region("GM9001", TODAY)


def test_a_missing_note_is_no_note(tiny_world: World) -> None:
    workspace = store.open_workspace(tiny_world.workspace, create=True, shipped=tiny_world.shipped)
    features = frame([Feature(square(0, 0, 1, 1)), Feature(square(1, 0, 2, 1), note="Let op.")])
    store.write_layer(workspace, layer("zones", ["zone", "kern"]), features.assign(note=[None, "Let op."]))
    answer = tiny_world.open().for_region("GM9001", TODAY, activities=["warmte"]).answers[0]
    assert sorted(f.note for f in answer.constraints[0].features) == ["", "Let op."]


# Opening -----------------------------------------------------------------------------------


def make(folder: Path, **content: str) -> Path:
    folder.mkdir()
    for name, text in content.items():
        (folder / name.replace("_json", ".json")).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({"workspace_json": "{"}, "workspace_corrupt"),
        ({"workspace_json": ""}, "workspace_corrupt"),
        ({"workspace_json": "[]"}, "workspace_corrupt"),
        ({"workspace_json": "null"}, "workspace_corrupt"),
        ({"workspace_json": '{"version": 1}'}, "workspace_corrupt"),
        ({"workspace_json": '{"format": 2}'}, "workspace_format"),
        ({"workspace_json": '{"format": 0}'}, "workspace_format"),
        ({"brief": "Beste Jan"}, "workspace_foreign"),
    ],
)
@pytest.mark.parametrize("create", [False, True])
def test_a_folder_that_is_no_workspace_of_ours_is_refused_and_not_touched(
    tiny_world: World, tmp_path: Path, content: dict[str, str], key: str, create: bool
) -> None:
    folder = make(tmp_path / "mijn map", **content)
    before = files(folder)
    with pytest.raises(DataError) as caught:
        store.open_workspace(folder, create=create, shipped=tiny_world.shipped)
    assert caught.value.key == key
    assert "mijn map" in caught.value.message_nl
    assert files(folder) == before


def test_a_file_is_no_workspace(tiny_world: World, tmp_path: Path) -> None:
    (tmp_path / "bestand").write_text("x")
    with pytest.raises(DataError) as caught:
        store.open_workspace(tmp_path / "bestand", create=True, shipped=tiny_world.shipped)
    assert caught.value.key == "workspace_not_a_folder"


def test_a_named_workspace_that_is_not_there_is_not_made_in_silence(tiny_world: World, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        store.open_workspace(tmp_path / "weg", shipped=tiny_world.shipped)
    assert not (tmp_path / "weg").exists()
    store.open_workspace(tmp_path / "weg", create=True, shipped=tiny_world.shipped)
    assert json.loads((tmp_path / "weg" / "workspace.json").read_text()) == {"format": store.FORMAT}


def test_an_empty_folder_may_become_a_workspace(tiny_world: World, tmp_path: Path) -> None:
    folder = make(tmp_path / "leeg")
    assert len(store.open_workspace(folder, shipped=tiny_world.shipped).entries) == 9
    assert files(folder) == {}


def test_the_environment_names_the_default_workspace(
    tiny_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(store.WORKSPACE_VARIABLE, str(tmp_path / "werk"))
    with pytest.raises(InputError, match="werk does not exist"):
        store.open_workspace(shipped=tiny_world.shipped)
    assert not (tmp_path / "werk").exists()
    (tmp_path / "werk").mkdir()
    assert store.open_workspace(shipped=tiny_world.shipped).path == tmp_path / "werk"
    monkeypatch.delenv(store.WORKSPACE_VARIABLE)
    assert store.default_workspace().name == "dgdo-geo"


def test_a_workspace_that_cannot_be_made_is_said_in_words(
    tiny_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "mkdir", disk_full)
    with pytest.raises(DataError) as caught:
        store.open_workspace(tmp_path / "werk", create=True, shipped=tiny_world.shipped)
    assert caught.value.key == "workspace_not_writable"


# A layer that cannot be read ---------------------------------------------------------------


def flip_one_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def sign(path: Path) -> None:
    """Declare the file as it is, so that only its content is wrong."""
    toml = path.parent / "layer.toml"
    declared = read_catalogue([path.parents[2]])[path.parent.name].layer
    toml.write_text(store.layer_toml(declared.model_copy(update={"sha256": store.file_hash(path)})), encoding="utf-8")


def no_parquet(path: Path) -> None:
    path.write_bytes(b"PAR1 is not enough")
    sign(path)


def no_geometry(path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(path)
    sign(path)


def other_schema(path: Path) -> None:
    new_zones().drop(columns="note").to_parquet(path, index=False)
    sign(path)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (flip_one_bit, "gewijzigd of beschadigd"),
        (Path.unlink, "ontbreekt"),
        (no_parquet, "niet te lezen"),
        (no_geometry, "niet te lezen"),
        (other_schema, "schema"),
    ],
)
def test_a_damaged_layer_stops_nothing_and_answers_nothing(
    tiny_world: World, damage: Callable[[Path], None], words: str
) -> None:
    damage(tiny_world.home("zones") / "product.parquet")
    explorer = tiny_world.open()
    state = explorer.states["zones"]
    assert state.status is LayerStatus.UNREADABLE
    assert words in state.detail_nl
    assert explorer.states["schets"].status is LayerStatus.AVAILABLE
    with pytest.raises(DataError, match="zones"):
        explorer.layer("zones").to_gdf()
    for answer in (
        explorer.at_point(*at(2.5, 2.5), TODAY, activities=["bodem"]).answers[0],
        explorer.for_region("GM9001", TODAY, activities=["bodem"]).answers[0],
    ):
        assert {(u.rule.id, u.cause) for u in answer.unanswered} == {
            ("r-zone", Cause.UNREADABLE),
            ("r-kern", Cause.UNREADABLE),
        }
        assert answer.verdict is Verdict.NO_KNOWN_CONSTRAINT
        assert answer.outcome == "unknown"
        assert not answer.conclusive


@pytest.mark.parametrize("boundaries", ["gemeenten", "provincies"])
def test_without_boundaries_nothing_can_be_answered(tiny_world: World, boundaries: str) -> None:
    flip_one_bit(tiny_world.home(boundaries) / "product.parquet")
    with pytest.raises(DataError, match=boundaries) as caught:
        tiny_world.open()
    assert caught.value.key == "boundaries_missing"


# The stored overlay ------------------------------------------------------------------------


def table_path(explorer: Explorer) -> Path:
    return explorer.workspace.path / "overlay" / explorer.overlay.hash / "rows.parquet"


def zone_km2(explorer: Explorer) -> float:
    """What the country answer says about the zone: 16 km2 of zone A, and nothing certain about B."""
    [constraint] = [
        c
        for c in explorer.for_region("NL", TODAY, activities=["warmte"]).answers[0].constraints
        if c.rule.id == "r-zone"
    ]
    return float(constraint.area_m2 or 0) / KM2


class Counting:
    """Counts how often the overlay is computed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.regions = 0
        original = engine.joint_areas

        def counted(regions, *args, **options):  # type: ignore[no-untyped-def]
            self.regions += len(regions)
            return original(regions, *args, **options)

        monkeypatch.setattr(engine, "joint_areas", counted)


def test_a_stored_overlay_is_used_again(tiny_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(monkeypatch)
    first = tiny_world.open()
    assert zone_km2(first) == pytest.approx(16)
    assert zone_km2(first) == pytest.approx(16)
    assert counting.regions == 2
    again = tiny_world.open()
    assert again.overlay.hash == first.overlay.hash
    assert again.for_region("NL", TODAY).to_dict() == first.for_region("NL", TODAY).to_dict()
    assert counting.regions == 2


def test_building_the_overlay_tells_its_progress_and_stores_it(tiny_world: World) -> None:
    explorer = tiny_world.open()
    told: list[tuple[int, int]] = []
    rows = explorer.build_overlay(lambda done, of: told.append((done, of)))
    assert told[-1] == (2, 2)
    assert told == sorted(told)
    assert len(pd.read_parquet(table_path(explorer))) == rows > 2
    told.clear()
    assert explorer.build_overlay(lambda done, of: told.append((done, of))) == rows
    assert told == []


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def rewritten(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    """Damage that leaves a readable file with the same metadata."""

    def damage(path: Path) -> None:
        table = parquet.read_table(path)
        parquet.write_table(change(table).replace_schema_metadata(table.schema.metadata), path)

    return damage


def with_text_for_areas(table: pa.Table) -> pa.Table:
    return table.set_column(table.schema.get_field_index("area_m2"), "area_m2", pa.array(["x"] * table.num_rows))


def with_unknown_combinations(table: pa.Table) -> pa.Table:
    return table.set_column(
        table.schema.get_field_index("combination"), "combination", pa.array([99_999] * table.num_rows, pa.int32())
    )


def with_an_unknown_municipality(table: pa.Table) -> pa.Table:
    return table.set_column(0, "municipality", pa.array(["GM0000"] * table.num_rows))


def without_metadata(path: Path) -> None:
    parquet.write_table(parquet.read_table(path).replace_schema_metadata({}), path)


def one_bit_flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(bytes(content))


def with_fewer_keys(path: Path) -> None:
    path = path.with_name("combinations.parquet")
    table = parquet.read_table(path)
    parquet.write_table(table.drop_columns(table.column_names[-1]), path)


def without_combinations(path: Path) -> None:
    path.with_name("combinations.parquet").unlink()


@pytest.mark.parametrize(
    "damage",
    [
        truncated,
        emptied,
        one_bit_flipped,
        rewritten(lambda table: table.drop_columns("combination")),
        rewritten(lambda table: table.slice(0, 1)),
        rewritten(with_text_for_areas),
        rewritten(with_unknown_combinations),
        rewritten(with_an_unknown_municipality),
        without_metadata,
        with_fewer_keys,
        without_combinations,
        Path.unlink,
    ],
)
def test_a_damaged_overlay_is_made_anew(tiny_world: World, damage: Callable[[Path], None]) -> None:
    explorer = tiny_world.open()
    explorer.build_overlay()
    stored = parquet.read_table(table_path(explorer))
    damage(table_path(explorer))
    again = tiny_world.open()
    assert zone_km2(again) == pytest.approx(16)
    assert parquet.read_table(table_path(again)).equals(stored)


def test_an_overlay_of_other_layers_is_not_used(tiny_world: World) -> None:
    first = tiny_world.open()
    assert zone_km2(first) == pytest.approx(16)
    workspace = store.open_workspace(tiny_world.workspace, shipped=tiny_world.shipped)
    store.write_layer(workspace, layer("zones", ["zone", "kern"]), new_zones())
    second = tiny_world.open()
    assert second.overlay.hash != first.overlay.hash
    assert zone_km2(second) == pytest.approx(1)
    assert zone_km2(first) == pytest.approx(16)


def test_the_overlay_hash_follows_layers_accuracy_and_distances(tiny_world: World) -> None:
    explorer = tiny_world.open()
    states = dict(explorer.states)

    distances = explorer.knowledge.distances()

    def overlay_hash(states: dict[str, LayerState], distances: Mapping[str, Sequence[float]]) -> str:
        return hash_of(overlay_inputs(states, distances))

    same = overlay_hash(states, distances)
    assert same == explorer.overlay.hash
    zones = states["zones"]
    vaguer = zones.layer.model_copy(update={"accuracy_m": 10.0})
    renamed = zones.layer.model_copy(update={"title_nl": "Anders"})

    assert overlay_hash(states, {**distances, "zones": (100.0,)}) != same
    assert overlay_hash(states | {"zones": replace(zones, hash="0")}, distances) != same
    assert overlay_hash(states | {"zones": replace(zones, layer=vaguer)}, distances) != same
    assert overlay_hash(states | {"zones": replace(zones, status=LayerStatus.UNREADABLE)}, distances) != same
    assert overlay_hash(states | {"zones": replace(zones, layer=renamed)}, distances) == same


def test_only_the_latest_overlays_are_kept(tiny_world: World) -> None:
    workspace = store.open_workspace(tiny_world.workspace, create=True, shipped=tiny_world.shipped)
    for i in range(6):
        store.write_tables(workspace, f"t{i}", {"rows": pa.table({"a": [i]})}, keep=4)
        path = workspace.path / "overlay" / f"t{i}"
        os.utime(path, (1_000_000 + i, 1_000_000 + i))
    assert sorted(p.stem for p in (workspace.path / "overlay").iterdir()) == ["t2", "t3", "t4", "t5"]
    found = store.read_tables(workspace, "t5")
    assert found is not None
    assert found["rows"]["a"].to_pylist() == [5]
    assert store.read_tables(workspace, "t0") is None


def test_a_workspace_that_cannot_be_written_still_answers(tiny_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    explorer = tiny_world.open()
    monkeypatch.setattr(store, "write_atomic", disk_full)
    assert zone_km2(explorer) == pytest.approx(16)


def test_asking_about_one_municipality_or_point_writes_nothing(tiny_world: World) -> None:
    store.open_workspace(tiny_world.workspace, create=True, shipped=tiny_world.shipped)
    before = files(tiny_world.workspace)
    explorer = open_explorer(tiny_world.workspace, shipped=tiny_world.shipped, knowledge=tiny_world.read_knowledge())
    explorer.at_point(*at(1, 1), TODAY)
    explorer.for_region("GM9001", TODAY)
    explorer.in_area(square(1, 1, 12, 2), TODAY)
    assert files(tiny_world.workspace) == before


def test_two_explorers_may_build_the_same_overlay(tiny_world: World) -> None:
    explorers = [tiny_world.open(), tiny_world.open()]
    threads = [threading.Thread(target=e.build_overlay) for e in explorers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [zone_km2(e) for e in explorers] == pytest.approx([16, 16])
    assert [p.name for p in (tiny_world.workspace / "overlay").iterdir()] == [explorers[0].overlay.hash]
    assert zone_km2(tiny_world.open()) == pytest.approx(16)

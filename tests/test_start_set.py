"""The layers that ship with the program keep what they promise."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import math
import shutil
import sys
import tomllib
from functools import cache
from pathlib import Path
from types import ModuleType

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from dgdo_geo.model import Family, Layer, Quality

LAYERS = Path(__file__).resolve().parents[1] / "layers"
SOURCES = LAYERS / "sources"
DECLARATIONS = sorted(LAYERS.glob("*/*/layer.toml"))
TEXTS = ["feature_id", "name", "class", "source", "note"]
NUMBERS = ["top_min_m", "top_max_m", "base_min_m", "base_max_m", "accuracy_m"]
DUTCH = {"kansrijk": "promising", "mogelijk": "possible", "onbekend": "unknown", "geen": "none"}
KINDS = {"polygon": {3, 6}, "line": {1, 5}, "point": {0, 4}}


@cache
def declared(path: Path) -> Layer:
    with path.open("rb") as file:
        return Layer.model_validate(tomllib.load(file))


@cache
def product(layer_id: str) -> gpd.GeoDataFrame:
    folder = next(LAYERS.glob(f"*/{layer_id}"))
    return gpd.read_parquet(folder / "product.parquet")


def source_rows(name: str) -> list[dict[str, str]]:
    with (SOURCES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


LOADED = [path for path in DECLARATIONS if declared(path).product]
POTENTIAL = [declared(path).id for path in LOADED if declared(path).family is Family.POTENTIAL]


@pytest.mark.parametrize("path", DECLARATIONS, ids=lambda p: p.parent.name)
def test_declaration_is_complete(path: Path) -> None:
    layer = declared(path)
    assert layer.id == path.parent.name
    assert layer.classes
    assert layer.licence
    assert layer.attribution
    assert layer.scale_nl
    assert (layer.product is not None) == (path.parent / "product.parquet").exists()
    if layer.quality is Quality.SCHEMATIC:
        assert layer.absence.value == "unknown"


def test_ids_are_unique() -> None:
    ids = [path.parent.name for path in DECLARATIONS]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", LOADED, ids=lambda p: p.parent.name)
def test_product_is_the_declared_file(path: Path) -> None:
    layer = declared(path)
    data = (path.parent / str(layer.product)).read_bytes()
    assert hashlib.sha256(data).hexdigest() == layer.sha256


@pytest.mark.parametrize("path", LOADED, ids=lambda p: p.parent.name)
def test_product_follows_the_schema(path: Path) -> None:
    layer = declared(path)
    frame = product(layer.id)
    assert len(frame) > 0
    assert frame.crs.to_epsg() == 28992
    assert list(frame.columns[:10]) == ["feature_id", "name", "class", *NUMBERS, "source", "note"]
    assert all(pd.api.types.is_string_dtype(frame[column]) for column in TEXTS)
    assert all(frame[column].dtype == np.float64 for column in NUMBERS)
    assert not frame[TEXTS].isna().to_numpy().any()
    assert (frame[["feature_id", "name", "class", "source"]] != "").to_numpy().all()
    assert frame["feature_id"].is_unique
    assert set(frame["class"]) <= {item.id for item in layer.classes}
    assert shapely.is_valid(frame.geometry.to_numpy()).all()
    assert set(shapely.get_type_id(frame.geometry.to_numpy())) <= KINDS[layer.geometry]


@pytest.mark.parametrize("path", LOADED, ids=lambda p: p.parent.name)
def test_depths_are_in_order(path: Path) -> None:
    frame = product(path.parent.name)
    for first, second in [("top_min_m", "top_max_m"), ("base_min_m", "base_max_m"), ("top_min_m", "base_max_m")]:
        assert not (frame[first] > frame[second]).any()
    assert not (frame["top_min_m"] < 0).any()
    assert (frame["accuracy_m"].isna() | (frame["accuracy_m"] > 0)).all()


def test_counts_of_boundaries() -> None:
    municipalities, provinces = product("gemeenten"), product("provincies")
    assert len(municipalities) == 342
    assert len(provinces) == 12
    assert set(municipalities["feature_id"]) == {row["gm_code"] for row in source_rows("gemeenten.csv")}
    assert set(municipalities["province"]) == set(provinces["feature_id"])
    assert "Fryslân" in set(provinces["name"])
    assert set(provinces["dgdo_region"]) == {"Noord", "Oost", "Zuid", "West"}
    assert municipalities.area.min() > 5e6


@pytest.mark.parametrize("layer_id", ["gemeenten", "provincies", "netwerkdichtheid"])
def test_boundaries_are_a_coverage(layer_id: str) -> None:
    assert shapely.coverage_is_valid(product(layer_id).geometry.to_numpy())


def test_province_is_the_union_of_its_municipalities() -> None:
    municipalities = product("gemeenten")
    for row in product("provincies").itertuples():
        own = municipalities[municipalities["province"] == row.feature_id].geometry.to_numpy()
        union = shapely.coverage_union_all(own)
        assert math.isclose(union.area, row.geometry.area, rel_tol=1e-9)
        assert union.symmetric_difference(row.geometry).area < 1.0


def test_country_has_no_gaps_but_water_and_baarle_hertog() -> None:
    country = shapely.coverage_union_all(product("gemeenten").geometry.to_numpy())
    holes = [shapely.Polygon(ring) for part in shapely.get_parts(country) for ring in part.interiors]
    baarle = shapely.Point(123000, 383000)
    near_baarle = [hole for hole in holes if hole.distance(baarle) < 10_000]
    water = [hole for hole in holes if hole.distance(baarle) >= 10_000]
    assert 15 <= len(near_baarle) <= 30
    assert sum(hole.area for hole in near_baarle) < 3e6
    assert all(hole.area > 10_000 for hole in water)


def test_centres_lie_in_their_municipality() -> None:
    municipalities = product("gemeenten").set_index("feature_id").geometry
    far = []
    for row in source_rows("gemeenten.csv"):
        centre = shapely.Point(float(row["x_rd"]), float(row["y_rd"]))
        if municipalities[row["gm_code"]].distance(centre) > 500:
            far.append(row["naam"])
    # the centre of the bounding box, which for these two lies in a neighbour or in open water
    assert set(far) <= {"Rotterdam", "Reimerswaal"}


@pytest.mark.parametrize("layer_id", POTENTIAL)
def test_potential_features_do_not_overlap(layer_id: str) -> None:
    shapes = product(layer_id).geometry.to_numpy()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pair = first < second
    shared = shapely.area(shapely.intersection(shapes[first[pair]], shapes[second[pair]]))
    assert not (shared > 1.0).any()


def test_every_sketch_of_potential_is_in_one_layer() -> None:
    drawn = sorted(feature for layer_id in POTENTIAL for feature in product(layer_id)["feature_id"])
    assert drawn == sorted(row["id"] for row in source_rows("potentie_schematisch.csv"))


def test_a_potential_layer_serves_one_activity() -> None:
    assert len(POTENTIAL) == 27
    assert all(product(layer_id)["activiteit_id"].nunique() == 1 for layer_id in POTENTIAL)


def test_control_points_of_potential() -> None:
    wrong = []
    for row in source_rows("potentie_controlepunten.csv"):
        frame = product(row["layer_id"])
        point = shapely.Point(float(row["x_rd"]), float(row["y_rd"]))
        found = list(frame.loc[frame.contains(point), "class"])
        if found != [DUTCH[row["expected_class"]]]:
            wrong.append((row["cp_id"], row["layer_id"], row["expected_class"], found))
    assert not wrong


@pytest.mark.parametrize(
    ("zone", "top_min", "top_max"),
    [
        ("boringsvrije-zone-veenendaal", 30, 30),
        ("roerdalslenk-zone-iii-bij-heel-en-beegden", 80, 80),
        ("boringsvrije-zone-zuidelijk-flevoland", 3, 8),
        ("venloschol", 5, 35),
        ("boringsvrije-zone-salland-diep", 0, math.nan),
    ],
)
def test_limit_depth_of_boringsvrije_zones(zone: str, top_min: float, top_max: float) -> None:
    found = product("boringsvrije_zones").set_index("feature_id").loc[zone]
    assert found["top_min_m"] == top_min
    assert found["top_max_m"] == pytest.approx(top_max, nan_ok=True)
    assert math.isinf(found["base_min_m"])
    assert math.isinf(found["base_max_m"])


def test_protection_areas_hold_for_the_whole_column() -> None:
    frame = product("grondwaterbescherming")
    assert (frame[["top_min_m", "top_max_m"]] == 0).to_numpy().all()
    assert np.isinf(frame[["base_min_m", "base_max_m"]]).to_numpy().all()


def test_every_zone_is_in_a_layer() -> None:
    layers = ("grondwaterbescherming", "boringsvrije_zones", "strategische_grondwatervoorraden")
    drawn = {name for layer_id in layers for name in product(layer_id)["name"]}
    assert drawn == {row["naam"] for row in source_rows("zones_schematisch.csv")}


def test_network_density_splits_in_thirds() -> None:
    assert set(product("netwerkdichtheid")["class"].value_counts()) == {114}


def test_the_start_set_stays_small() -> None:
    sizes = {path.parent.name: path.stat().st_size for path in LAYERS.glob("*/*/product.parquet")}
    assert sizes["gemeenten"] < 1_500_000
    assert sum(sizes.values()) < 4_000_000


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_start_set", LAYERS / "build_start_set.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["build_start_set"] = module
    spec.loader.exec_module(module)
    return module


def test_rebuilding_twice_gives_the_same_bytes(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(LAYERS, tmp_path / "layers", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(script, "LAYERS", tmp_path / "layers")
    wanted = {"potentie_rot", "boringsvrije_zones", "breuken", "bevingen"}
    once, again = ({row[0]: row[2] for row in script.rebuild(wanted, tmp_path)} for _ in range(2))
    assert set(once) == wanted
    assert once == again

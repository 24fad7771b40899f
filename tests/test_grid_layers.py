"""Grids as layers: cells become outlines with a class and depths, and the answers rest on them."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import rasterio
import rasterio.features
import shapely
from exactextract import exact_extract
from hypothesis import given
from hypothesis import strategies as st
from rasterio import Affine

from dgdo_geo import harmonise, intake, store
from dgdo_geo.errors import DgdoGeoError, InputError
from dgdo_geo.intake import grid_loading, outlines
from dgdo_geo.intake.outlines import DEPTHS, outline
from dgdo_geo.intake.rasters import GridOptions
from dgdo_geo.intake.recipe import RecipeLayer
from dgdo_geo.knowledge import read_knowledge
from dgdo_geo.model import NO_DATA
from dgdo_geo.overlay.encode import depth_ranges
from dgdo_geo.query import Explorer, open_explorer
from dgdo_geo.sources import grid_archive
from dgdo_geo.sources.grids import GridFile

RD, ED50 = "EPSG:28992", "EPSG:23031"
WEST, NORTH = 200_000.0, 502_000.0
GAP = np.nan
CLASSES = {"thresholds": [2.0, 5.0], "classes": ["none", "possible", "promising"]}
# Drawn on paper: 1 km cells; "none" below 2, "promising" from 5 on, one cell without a value.
PAPER = np.array([[1.0, 2.0, 3.0], [4.0, GAP, 6.0]])
PAPER_CLASS = [["none", "possible", "possible"], ["possible", NO_DATA, "promising"]]
DECLARE = {
    "source": "Verzonnen", "licence": "CC0", "reference_date": "2026-01-01", "quality": "official",
    "accuracy_m": 500, "absence": "unknown",
}  # fmt: skip


def grid(values: Any, crs: str = RD, cell: float = 1000.0, **changes: Any) -> GridFile:
    place = {"west": WEST, "north": NORTH, "cell": cell, "crs": crs, **changes}
    return GridFile(np.asarray(values, float), **place)


def outlined(
    source: Any, /, *, report: harmonise.Report | None = None, top: Any = None, base: Any = None, **options: Any
) -> Any:
    given = {
        k: v if isinstance(v, GridFile) else grid(v) for k, v in {"top": top, "base": base}.items() if v is not None
    }
    chosen = GridOptions.model_validate({**CLASSES, **dict.fromkeys(given, {}), **options})
    cells = source if isinstance(source, GridFile) else grid(source)
    return outline(cells, chosen, report or harmonise.Report("raster", "laag"), **given)


def key_of(act: Any) -> str:
    with pytest.raises(DgdoGeoError) as caught:
        act()
    assert caught.value.message_nl
    return caught.value.key


# Outlines --------------------------------------------------------------------------------


def test_the_grid_on_paper():
    report = harmonise.Report("raster", "laag")
    frame = outlined(PAPER, report=report)
    found = {row.id: (row["class"], row.cells, row.value_min, row.value_max) for _, row in frame.iterrows()}
    # Cells that touch in a corner only are two features.
    assert found == {
        "200500_501500": ("none", 1, 1.0, 1.0),
        "201500_501500": ("possible", 2, 2.0, 3.0),
        "200500_500500": ("possible", 1, 4.0, 4.0),
        "201500_500500": (NO_DATA, 1, pytest.approx(math.nan, nan_ok=True), pytest.approx(math.nan, nan_ok=True)),
        "202500_500500": ("promising", 1, 6.0, 6.0),
    }
    assert shapely.box(201_000, 501_000, 203_000, 502_000).equals(frame.set_index("id").geometry["201500_501500"])
    assert (frame["top_min_m"] == 0).all() and np.isinf(frame["base_min_m"]).all()
    notes = " ".join(report.notes_nl)
    assert "met een waarde: 5, zonder: 1" in notes
    assert "none (1), possible (3), promising (1)" in notes
    assert f"{NO_DATA}: 1" in notes


def test_cells_without_a_value_get_the_class_that_is_said():
    left_out, none = outlined(PAPER, no_data=""), outlined(PAPER, no_data="none")
    assert left_out["cells"].sum() == 5
    assert left_out.geometry.area.sum() == 5e6
    assert none["class"].value_counts().to_dict() == {"none": 2, "possible": 2, "promising": 1}


def test_codes_get_the_class_of_their_number_and_an_unknown_one_is_named():
    codes = np.array([[10.0, 20.0], [GAP, 10.5]])
    values = {"values": {"10": "none", "20.0": "possible", "10.5": "none"}, "thresholds": [], "classes": []}
    frame = outlined(codes, **values)
    assert frame["class"].tolist() == ["none", "possible", NO_DATA, "none"]
    codes[0, 0] = 30
    with pytest.raises(InputError) as caught:
        outlined(codes, **values)
    assert caught.value.key == "grid_value_unknown"
    assert "30" in caught.value.message_nl
    # Whatever is written with few digits in a file of float32 is the number of the recipe.
    short = GridFile(np.array([[0.1, 0.7]], np.float32), WEST, NORTH, 1000.0, RD)
    exact = {"values": {"0.1": "none", "0.7": "possible"}, "thresholds": [], "classes": []}
    assert outlined(short, **exact)["class"].tolist() == ["none", "possible"]
    assert outlined(short, thresholds=[0.1, 0.7])["class"].tolist() == ["possible", "promising"]


CELL_VALUES = st.sampled_from([1.0, 3.0, 6.0, math.nan])
SMALL = st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(
    lambda size: st.tuples(*[st.lists(CELL_VALUES, min_size=math.prod(size), max_size=math.prod(size))] * 1).map(
        lambda lists: np.array(lists[0]).reshape(size)
    )
)


def class_of(value: float) -> str:
    return NO_DATA if math.isnan(value) else "none" if value < 2 else "possible" if value < 5 else "promising"


@given(SMALL, st.sampled_from([100.0, 0.1, 333.3]))
def test_outlines_cover_every_cell_with_its_class_exactly_once(values, cell):
    frame = outlined(grid(values, cell=cell))
    rows, columns = values.shape
    assert shapely.is_valid(frame.geometry.to_numpy()).all()
    assert frame["id"].is_unique
    assert frame["cells"].sum() == values.size
    for row in range(rows):
        for column in range(columns):
            place = shapely.box(
                WEST + column * cell, NORTH - (row + 1) * cell, WEST + (column + 1) * cell, NORTH - row * cell
            )
            inside = frame[shapely.contains(frame.geometry.to_numpy(), place.centroid)]
            assert inside["class"].tolist() == [class_of(values[row, column])]
            shared = shapely.area(shapely.intersection(frame.geometry.to_numpy(), place))
            assert shared[inside.index[0]] == pytest.approx(cell**2, rel=1e-6)
            assert shared.sum() == pytest.approx(cell**2, rel=1e-6)
    # Two features of one class never share an edge: they would be one.
    for _, same in frame.groupby("class"):
        shapes = same.geometry.to_numpy()
        for i in range(len(shapes)):
            touching = shapely.intersection(shapes[i], shapes[i + 1 :])
            assert (shapely.length(touching) < cell / 2).all()


@given(SMALL)
def test_areas_agree_with_rasterio_and_exactextract(values):
    cell = 100.0
    frame = outlined(grid(values, cell=cell))
    transform = Affine(cell, 0, WEST, 0, -cell, NORTH)
    drawn = rasterio.features.rasterize(
        zip(frame.geometry, range(len(frame)), strict=True), values.shape, -1, transform=transform
    )
    assert [class_of(v) for v in values.ravel()] == frame["class"].to_numpy()[drawn.ravel()].tolist()
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            width=values.shape[1],
            height=values.shape[0],
            count=1,
            dtype="float64",
            transform=transform,
            crs=RD,
        ) as file:
            file.write(np.nan_to_num(values, nan=-1), 1)
        with memory.open() as file:
            found = exact_extract(
                file, frame.set_crs(RD, allow_override=True), ["count", "min", "max"], output="pandas"
            )
    np.testing.assert_allclose(found["count"], frame["cells"])
    low, high = (frame[name].fillna(-1) for name in ("value_min", "value_max"))
    np.testing.assert_array_equal(found["min"], low)
    np.testing.assert_array_equal(found["max"], high)


def test_ids_stay_when_another_part_of_the_grid_changes():
    first, again = outlined(PAPER), outlined(PAPER)
    assert first["id"].tolist() == again["id"].tolist()
    changed = PAPER.copy()
    changed[0, 0] = 9
    other = outlined(changed).set_index("id")
    assert set(other.index) == set(first["id"])
    taller = grid(np.vstack([[[7.0, 7.0, 7.0]], PAPER]), north=NORTH + 1000)
    assert set(outlined(taller)["id"]) == {*first["id"], "200500_502500"}


def test_too_many_outlines_or_depths_are_refused(monkeypatch):
    monkeypatch.setattr(outlines, "MAX_OUTLINES", 4)
    assert key_of(lambda: outlined(PAPER)) == "grid_outlines"
    monkeypatch.setattr(outlines, "MAX_KINDS", 3)
    assert key_of(lambda: outlined(PAPER)) == "grid_kinds"


# Depths ----------------------------------------------------------------------------------

ONE = np.array([[3.0]])


def depths(**options: Any) -> tuple[float, ...]:
    frame = outlined(ONE, **options)
    assert len(frame) == 1
    return tuple(frame[list(DEPTHS)].iloc[0])


NAP = {"datum": "nap", "positive": "up", "ground_level_m": (0, 12)}
CASES: list[tuple[dict[str, Any], tuple[float, ...]]] = [
    ({}, (0, 0, math.inf, math.inf)),
    ({"top": [[1500.0]]}, (1500, 1500, math.inf, math.inf)),
    ({"top": [[1510.0]]}, (1500, 1550, math.inf, math.inf)),
    ({"base": [[1510.0]]}, (0, 0, 1500, 1550)),
    ({"top": [[1510.0]], "base": [[1600.0]]}, (1500, 1550, 1600, 1600)),
    ({"top": [[1510.0]], "base": [[1511.0]]}, (1500, 1550, 1500, 1550)),
    ({"top": [[1510.0]], "depth_step_m": 1}, (1510, 1510, math.inf, math.inf)),
    ({"top": [[1500.0005]]}, (1500, 1500, math.inf, math.inf)),
    ({"top": [[-1500.0]], "positive": "up"}, (1500, 1500, math.inf, math.inf)),
    # 1495 m below NAP is 1495 to 1507 m below ground level.
    ({"top": [[-1495.0]], **NAP, "depth_step_m": 1}, (1495, 1507, math.inf, math.inf)),
    ({"top": [[-1495.0]], **NAP}, (1450, 1550, math.inf, math.inf)),
    ({"top": [[1495.0]], **NAP, "positive": "down", "depth_step_m": 1}, (1495, 1507, math.inf, math.inf)),
    # A top above ground level is cut off at ground level.
    ({"top": [[5.0]], "base": [[-300.0]], **NAP, "depth_step_m": 1}, (0, 7, 300, 312)),
]


@pytest.mark.parametrize(("options", "wanted"), CASES)
def test_depths_become_metres_below_ground_level(options, wanted):
    assert depths(**options) == wanted


@given(st.floats(1, 5000), st.floats(1, 800), st.floats(-7, 300), st.floats(0, 20), st.sampled_from([1.0, 50.0, 250.0]))
def test_the_true_depth_always_lies_between_the_limits(depth, thick, low, more, step):
    """Whatever the ground level is within its range: rounding never loses a depth."""
    options = {"datum": "nap", "positive": "up", "ground_level_m": (low, low + more), "depth_step_m": step}
    frame = outlined(ONE, top=[[low - depth]], base=[[low - depth - thick]], **options)
    a, b, c, d = frame[list(DEPTHS)].iloc[0]
    for ground in (low, low + more / 2, low + more):
        top, base = ground - (low - depth), ground - (low - depth - thick)
        assert a <= top + 1.1e-3 and top <= b + 1.1e-3
        assert c <= base + 1.1e-3 and base <= d + 1.1e-3
    assert b - a < more + 2 * step + 1e-6
    assert a < d


def test_a_depth_that_is_not_known_says_so():
    values = np.array([[3.0, 3.0, 3.0, 3.0, GAP]])
    top = [[1000.0, GAP, 1000.0, 1000.0, 1000.0]]
    base = [[1200.0, 1200.0, GAP, 1000.0, 1200.0]]
    report = harmonise.Report("raster", "laag")
    frame = outlined(values, top=top, base=base, report=report).set_index("id")
    nan, inf = math.nan, math.inf
    wanted = [
        (1000, 1000, 1200, 1200), (nan, nan, 1200, 1200), (1000, 1000, nan, nan), (nan,) * 4, (0, 0, inf, inf),
    ]  # fmt: skip
    np.testing.assert_array_equal(frame[list(DEPTHS)].to_numpy(), wanted)
    # What the overlay makes of it: anything may be, so that no depth gives a yes or a no.
    ranges = depth_ranges(frame)
    assert (ranges[3].top_min_m, ranges[3].top_max_m, ranges[3].base_min_m, ranges[3].base_max_m) == (0, inf, 0, inf)
    notes = " ".join(report.notes_nl)
    assert "niet bekend is: 3" in notes
    assert "maaiveld ligt: 1" in notes


WRONG_DEPTHS = [
    ({"top": grid([[1.0, 2.0]])}, "grid_cells_differ"),
    ({"top": grid([[1000.0]], west=WEST + 500)}, "grid_cells_differ"),
    ({"base": grid([[1000.0]], cell=990.0)}, "grid_cells_differ"),
    ({"top": grid([[1000.0]], crs=ED50)}, "grid_cells_differ"),
    ({"top": grid([[1000.0]], unit="ft")}, "grid_depth_unit"),
    ({"top": grid([[1.0]], unit="km")}, "grid_depth_unit"),
    ({"top": grid([[1.0]], unit="ms")}, "grid_depth_unit"),
    ({"top": [[GAP]]}, "grid_depth_empty"),
    ({"top": [[-1500.0]]}, "grid_depth_sign"),
    ({"top": [[1500.0]], "positive": "up"}, "grid_depth_sign"),
    ({"top": [[1500.0]], "base": [[1400.0]]}, "grid_depth_order"),
]


@pytest.mark.parametrize(("options", "key"), WRONG_DEPTHS)
def test_depths_that_cannot_be_right_are_refused(options, key):
    assert key_of(lambda: outlined(ONE, **options)) == key
    assert depths(top=grid([[1000.0]], unit="meter")) == (1000, 1000, math.inf, math.inf)


WRONG_OPTIONS = [
    {"classes": []}, {"thresholds": [5.0, 2.0]}, {"thresholds": [2.0, math.inf]}, {"thresholds": [2.0]},
    {"values": {"1": "none"}}, {"classes": [], "values": {"1": "none"}},
    {"classes": [], "thresholds": [], "values": {"een": "none"}},
    {"classes": [], "thresholds": [], "values": {"1": "none", "1.0": "none"}},
    {"datum": "nap", "top": {}}, {"ground_level_m": (0, 1), "top": {}}, {"positive": "up"},
    {"datum": "nap", "ground_level_m": (1, 0), "top": {}}, {"depth_step_m": 0}, {"unit_m": 0}, {"band": 0},
]  # fmt: skip


@pytest.mark.parametrize("options", WRONG_OPTIONS, ids=str)
def test_options_that_contradict_each_other_are_refused(options):
    with pytest.raises(ValueError, match=r"grid|depth_step_m|unit_m|band"):
        GridOptions.model_validate({**CLASSES, **options})


# Another coordinate system ---------------------------------------------------------------


def test_cells_of_another_system_are_moved_corner_by_corner_and_stay_together(tmp_path):
    rng = np.random.default_rng(3)
    values = np.kron(rng.choice([1.0, 3.0, 6.0], (8, 8)), np.ones((5, 5)))
    values[10:12, 5:30] = GAP
    where = {"west": 640_000.0, "north": 5_820_000.0}
    source = grid(values, ED50, 250.0, **where)
    found = bring_in(lambda choice: source, tmp_path)
    frame = found.frame
    assert (found.report.crs_used, found.frame.crs.to_epsg()) == (ED50, 28992)
    assert "ED50" in found.report.operation
    assert found.report.operation_accuracy_m is not None
    assert found.report.repaired == 0
    assert not any("niet omgerekend" in note for note in found.report.notes_nl)
    shapes = frame.geometry.to_numpy()
    assert shapely.coverage_is_valid(shapes)
    assert len(shapely.get_parts(shapely.union_all(shapes))) == 1
    # Independent of geopandas: every corner of the grid by PROJ alone.
    to_rd = pyproj.Transformer.from_crs(ED50, RD, always_xy=True)
    rows, columns = values.shape
    compared = 0
    for row in range(0, rows, 3):
        for column in range(0, columns, 3):
            x, y = where["west"] + (column + 0.5) * 250, where["north"] - (row + 0.5) * 250
            inside = frame[shapely.contains_xy(shapes, *to_rd.transform(x, y))]
            assert inside["class"].tolist() == [class_of(values[row, column])]
            compared += 1
    assert compared > 100
    # An edge is a true line of the source: between two corners it is off by less than a millimetre.
    side = np.array([to_rd.transform(where["west"] + d, where["north"]) for d in np.linspace(0, 250 * columns, 991)])
    outer = shapely.boundary(shapely.union_all(shapes))
    assert shapely.distance(outer, shapely.points(side)).max() < 1e-3


# Into the workspace ----------------------------------------------------------------------


def recipe_of(layer: str = "potentie_rot", **changes: Any) -> RecipeLayer:
    entry: dict[str, Any] = {"layer": layer, "file": "raster.asc", "grid": CLASSES, "declare": DECLARE}
    return RecipeLayer.model_validate({**entry, **changes})


def bring_in(read: Any, folder: Path, **changes: Any) -> Any:
    workspace = store.open_workspace(folder / "werkmap", create=True)
    return grid_loading.bring_in_grid(read, recipe_of(**changes), workspace)


def test_a_grid_becomes_a_product_like_any_other(tmp_path):
    found = bring_in(lambda choice: grid(PAPER), tmp_path)
    workspace = store.open_workspace(tmp_path / "werkmap")
    assert store.schema_problems(found.frame, found.layer) == []
    written = store.write_layer(workspace, found.layer, found.frame)
    read = store.read_product(store.open_workspace(tmp_path / "werkmap").entries["potentie_rot"])
    assert read["name"].tolist() == ["Geen potentie", "Mogelijk", "Mogelijk", "Geen gegevens", "Kansrijk"]
    assert {"value_min", "value_max", "cells"} <= set(read.columns)
    assert not [
        column for column in read.columns if column.startswith(("source_", "grid_")) or column in ("id", "label")
    ]
    assert (found.report.read, found.report.kept, found.report.repaired) == (5, 5, 0)
    again = bring_in(lambda choice: grid(PAPER), tmp_path)
    assert store.write_layer(workspace, again.layer, again.frame).sha256 == written.sha256


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"layer": "bevingen", "declare": {**DECLARE, "absence": "unknown"}}, "grid_not_polygon"),
        ({"grid": {**CLASSES, "classes": ["none", "possible", "zeker"]}}, "class_unknown"),
        ({"grid": {**CLASSES, "no_data": "leeg"}}, "class_unknown"),
        ({"classes": {"fixed": "none"}}, "grid_table_beside"),
        ({"columns": {"name": "naam"}}, "grid_table_beside"),
    ],
)
def test_a_recipe_that_does_not_fit_a_grid_is_refused(tmp_path, changes, key):
    assert key_of(lambda: bring_in(lambda choice: grid(PAPER), tmp_path, **changes)) == key


def test_a_grid_outside_the_country_points_to_a_wrong_crs(tmp_path):
    assert key_of(lambda: bring_in(lambda choice: grid(PAPER, west=5e6), tmp_path)) == "file_outside"


def test_an_accuracy_finer_than_the_cells_is_told(tmp_path):
    fine = bring_in(lambda choice: grid(PAPER), tmp_path, declare={**DECLARE, "accuracy_m": 10})
    assert any("halve cel (500 m)" in note for note in fine.report.notes_nl)
    coarse = bring_in(lambda choice: grid(PAPER), tmp_path)
    assert not any("halve cel" in note for note in coarse.report.notes_nl)


def test_outside_a_grid_an_empty_place_is_no_statement(tmp_path):
    conclusive = {**DECLARE, "absence": "conclusive"}
    found = bring_in(lambda choice: grid(PAPER), tmp_path, declare=conclusive, grid={**CLASSES, "no_data": ""})
    shapes = found.frame.set_index("feature_id").geometry
    everywhere = shapely.box(0, 300_000, 290_000, 620_000)
    hole = shapely.difference(everywhere, shapely.union_all(shapes.to_numpy()))
    # Only the cell without a value, which the recipe leaves out, is really empty.
    assert hole.equals(shapely.box(201_000, 500_000, 202_000, 501_000))
    assert found.frame.set_index("feature_id")["class"][grid_loading.OUTSIDE] == NO_DATA
    assert found.layer.complete_classes == ("promising", "possible", "none")
    assert any("buiten het raster" in note for note in found.report.notes_nl)
    assert grid_loading.OUTSIDE not in bring_in(lambda choice: grid(PAPER), tmp_path).frame["feature_id"].tolist()


# From a recipe to an answer --------------------------------------------------------------

HEADER = "ncols 3\nnrows 2\nxllcorner 200000\nyllcorner 500000\ncellsize 1000\nNODATA_value -9999\n"


def asc(values: Any) -> str:
    rows = [" ".join(f"{-9999 if math.isnan(v) else v:g}" for v in row) for row in np.asarray(values)]
    return HEADER + "\n".join(rows) + "\n"


def zmap(values: Any, west: float, north: float, cell: float) -> str:
    """ZMAP+ as DGM-diep has it: the bounds are those of the nodes, columns run from north to south."""
    rows, columns = np.asarray(values).shape
    bounds = (west + cell / 2, west + (columns - 0.5) * cell, north - (rows - 0.5) * cell, north - cell / 2)
    head = f"@GRID HEADER, GRID, 5\n15, 1.0E+30, , 7, 1\n{rows}, {columns}, " + ", ".join(f"{b:.2f}" for b in bounds)
    lines = [head + "\n0.0, 0.0, 0.0\n@"]
    for column in np.asarray(values).T:
        cells = [f"{1e30 if math.isnan(v) else v:15.7g}" for v in column]
        lines += ["".join(cells[i : i + 5]) for i in range(0, len(cells), 5)]
    return "\n".join(lines) + "\n"


def tiff(path: Path, values: Any, west: float, north: float, cell: float, crs: str) -> None:
    data = np.asarray(values, "float64")
    with rasterio.open(
        path, "w", driver="GTiff", width=data.shape[1], height=data.shape[0], count=1, dtype="float64", crs=crs,
        transform=Affine(cell, 0, west, 0, -cell, north), nodata=math.nan,
    ) as file:  # fmt: skip
        file.write(data, 1)


def recipe_text(
    layer: str, file: str, crs: str, grid_table: str, absence: str = "unknown", accuracy: float = 50
) -> str:
    return (
        f'[[layer]]\nlayer = "{layer}"\nfile = "{file}"\ncrs = "{crs}"\n\n[layer.grid]\n{grid_table}\n\n'
        '[layer.declare]\nsource = "Verzonnen"\nlicence = "CC0"\nreference_date = 2026-01-01\nquality = "official"\n'
        f'accuracy_m = {accuracy}\nabsence = "{absence}"\n'
    )


def run(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dgdo_geo.cli", *words], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def asked(x: float, y: float, explorer: Explorer) -> Any:
    """The same as the command prints; see :func:`asked_by_command`."""
    return explorer.at_point(x, y, activities=["geothermie"]).to_dict()["answers"][0]


def asked_by_command(x: float, y: float, workspace: Path) -> Any:
    out = run("ask", "--punt", str(x), str(y), "--activiteit", "geothermie", "--json", "--workspace", str(workspace))
    return json.loads(out)["answers"][0]


def said_by(answer: Any, layer: str) -> Any:
    (found,) = [item for item in answer["potential_layers"] if item["layer"] == layer]
    return found


TABLE = """thresholds = [2.0, 5.0]
classes = ["none", "possible", "promising"]
datum = "nap"
positive = "up"
ground_level_m = [0, 10]
depth_step_m = 50
top = { file = "top%s" }
base = { file = "basis%s" }"""
TOP = np.array([[-1500.0, -1500, -1500], [-1500, -1500, GAP]])


@pytest.mark.parametrize("kind", [".asc", ".tif", ".zmap"])
def test_from_a_recipe_to_the_answer_at_a_cell(tmp_path, kind):
    if kind == ".zmap":
        crs, cell = ED50, 1000.0
        x, y = pyproj.Transformer.from_crs(RD, ED50, always_xy=True).transform(WEST, NORTH)
        west, north = round(x / cell) * cell, round(y / cell) * cell
    else:
        crs, cell, west, north = RD, 1000.0, WEST, NORTH
    for name, values in (("raster", PAPER), ("top", TOP), ("basis", TOP - 200)):
        path = tmp_path / f"{name}{kind}"
        if kind == ".asc":
            path.write_text(asc(values))
        elif kind == ".zmap":
            path.write_text(zmap(values, west, north, cell))
        else:
            tiff(path, values, west, north, cell, crs)
    recipe = tmp_path / "recept.toml"
    recipe.write_text(recipe_text("potentie_rot", f"raster{kind}", crs, TABLE % (kind, kind)))
    workspace = tmp_path / "werkmap"
    out = run("add", str(recipe), "--opslaan", "--zonder-vergelijking", "--workspace", str(workspace))
    assert "met een waarde: 5, zonder: 1" in out
    explorer = open_explorer(workspace)
    to_rd = pyproj.Transformer.from_crs(crs, RD, always_xy=True)
    for row in range(2):
        for column in range(3):
            place = to_rd.transform(west + (column + 0.5) * cell, north - (row + 0.5) * cell)
            answer, wanted = asked(*place, explorer), PAPER_CLASS[row][column]
            if row == column == 0:
                assert json.loads(json.dumps(answer)) == asked_by_command(*place, workspace)
            said = said_by(answer, "potentie_rot")
            if wanted == NO_DATA:
                assert (said["potential"], said["cause"]) == ("unknown", said["cause"]) and said["cause"]
                assert said["features"] == []
                continue
            assert said["potential"] == wanted
            (feature,) = said["features"]
            assert feature["class"] == wanted
            is_known = not math.isnan(TOP[row, column])
            # 1500 m below NAP under a ground level of 0 to 10 m; the last cell has no depth, so it is not certain.
            depth = (1500, 1550, 1700, 1750) if is_known else (0, None, 0, None)
            found = tuple(feature["depth"][key] for key in ("top_min", "top_max", "base_min", "base_max"))
            assert found == depth
            assert said["certain"] is is_known
            if wanted == "promising":
                assert answer["potential"] == "promising"


def test_a_rule_on_a_grid_is_unanswered_where_there_are_no_data(tmp_path):
    (tmp_path / "natuur.asc").write_text(asc([[1, 1, GAP], [0, 0, 0]]))
    table = 'values = { 1 = "natura2000", 0 = "niets" }'
    recipe = tmp_path / "recept.toml"
    recipe.write_text(recipe_text("natura2000", "natuur.asc", RD, table, "conclusive"))
    assert key_of(lambda: intake.run(intake.read_recipe(recipe), tmp_path / "w")) == "class_unknown"
    recipe.write_text(
        recipe_text("natura2000", "natuur.asc", RD, 'thresholds = []\nclasses = ["natura2000"]', "conclusive")
    )
    run("add", str(recipe), "--opslaan", "--zonder-vergelijking", "--workspace", str(tmp_path / "w"))
    explorer = open_explorer(tmp_path / "w")
    zone, empty, outside, far = (
        asked(*place, explorer)
        for place in ((200_500, 501_500), (202_500, 501_500), (205_500, 501_500), (240_500, 501_500))
    )

    def fired(answer: Any) -> set[str]:
        return {item["rule"] for item in answer["constraints"] if item["layer"] == "natura2000"}

    nearby = {rule.id for rule in read_knowledge().rules if rule.layer == "natura2000" and rule.within}
    assert nearby and fired(zone) - nearby
    for answer, near in ((empty, nearby), (outside, nearby), (far, set())):
        causes = {item["rule"]: item["cause"] for item in answer["unanswered"] if item["layer"] == "natura2000"}
        # A rule about distance is certain where the zone is near, whatever lies at the place itself.
        assert fired(answer) == near
        assert set(causes) == fired(zone) - near
        assert set(causes.values()) == {"no_data"}


def test_a_dry_run_writes_nothing_and_says_what_the_cells_became(tmp_path):
    (tmp_path / "raster.asc").write_text(asc(PAPER))
    recipe = tmp_path / "recept.toml"
    recipe.write_text(
        recipe_text("potentie_rot", "raster.asc", RD, 'thresholds=[2,5]\nclasses=["none","possible","promising"]')
    )
    out = run("add", str(recipe), "--workspace", str(tmp_path / "werkmap"))
    assert "none (1), possible (3), promising (1)" in out
    assert not (tmp_path / "werkmap").exists()


# Files and zips --------------------------------------------------------------------------


def zipped(path: Path, members: Mapping[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


DGM = {
    "DGM/11-ro/RO_dZ_merge_ED50_UTM31.zmap": zmap(PAPER, 640_000, 5_820_000, 1000),
    "DGM/11-ro/RO_tvd_on_offshore_merge_ED50_UTM31.zmap": zmap(TOP, 640_000, 5_820_000, 1000),
    "DGM/11-ro/leesmij.txt": "niet voor ons",
    "DGM/11-ro/RO_twt_merge_ED50_UTM31.zmap": zmap(TOP, 640_000, 5_820_000, 1000),
}


def read_from(path: Path, file: str | None, crs: str | None = ED50, **read: str) -> GridFile:
    source = grid_loading.grid_source(path, recipe_of(read=read).read if read else None, crs)
    return source(GridOptions.model_validate({**CLASSES, "file": file}))


def test_a_member_of_a_zip_is_found_by_name_or_pattern_in_any_folder(tmp_path):
    path = zipped(tmp_path / "11-ro.zip", DGM)
    for file in ("*dZ*merge_*UTM31.zmap", "RO_dZ_merge_ED50_UTM31.zmap", "11-ro/ro_dz_*.zmap", next(iter(DGM))):
        np.testing.assert_array_equal(read_from(path, file).values, PAPER)
    np.testing.assert_array_equal(read_from(path, "*tvd*merge_*UTM31.zmap").values, TOP)
    np.testing.assert_array_equal(read_from(path, None, layer="*tvd*").values, TOP)
    beside = tmp_path / "kaart.asc"
    beside.write_text(asc(PAPER))
    np.testing.assert_array_equal(read_from(beside, "11-ro.zip/*tvd*").values, TOP)
    np.testing.assert_array_equal(read_from(beside, "kaa*.asc").values, PAPER)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["11-ro.zip", "kaart.asc"]
    for file, key in (("*.zmap", "grid_file_many"), (None, "grid_file_many"), ("*.nc", "grid_file_none")):
        with pytest.raises(InputError) as caught:
            read_from(path, file)
        assert caught.value.key == key
        assert "RO_dZ_merge" in caught.value.message_nl


def test_the_prj_of_a_grid_in_a_zip_is_read_too(tmp_path):
    members = {"map/a.asc": asc(PAPER), "map/a.prj": rasterio.CRS.from_epsg(28992).to_wkt()}
    read = read_from(zipped(tmp_path / "a.zip", members), None, crs=None)
    assert (read.crs, read.declared) == (RD, RD)


@pytest.mark.parametrize(
    "file",
    ["../geheim.asc", "/etc/passwd", "a/../../b.asc", "C:/x.asc", "map\\x.asc", "*/x.asc", "../*.asc", "zip.zip/../a"],
)
def test_a_file_outside_the_folder_is_refused(tmp_path, file):
    inside = tmp_path / "map"
    inside.mkdir()
    (tmp_path / "geheim.asc").write_text(asc(PAPER))
    (inside / "raster.asc").write_text(asc(PAPER))
    assert key_of(lambda: read_from(inside / "raster.asc", file, RD)) == "grid_file_outside"


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    inside = tmp_path / "map"
    inside.mkdir()
    (tmp_path / "geheim.asc").write_text(asc(PAPER))
    (inside / "raster.asc").write_text(asc(PAPER))
    (inside / "top.asc").symlink_to(tmp_path / "geheim.asc")
    assert key_of(lambda: read_from(inside / "raster.asc", "top.asc", RD)) == "grid_file_outside"


def test_a_hostile_zip_is_refused(tmp_path):
    good = {"a.asc": asc(PAPER)}
    for name, key in (("../a.asc", "archive_path"), ("b.zip", "archive_nested"), ("A.asc", "archive_twice")):
        assert key_of(lambda: read_from(zipped(tmp_path / "x.zip", {**good, name: "x"}), "a.asc", RD)) == key  # noqa: B023
    (tmp_path / "x.zip").write_bytes(b"PK geen zip")
    assert key_of(lambda: read_from(tmp_path / "x.zip", "a.asc", RD)) == "archive_broken"
    assert key_of(lambda: read_from(tmp_path / "y.zip", "a.asc", RD)) == "file_missing"


def test_a_broken_member_is_named_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(grid_archive.tempfile, "tempdir", str(tmp_path))
    path = zipped(tmp_path / "x.zip", {"map/diep.asc": HEADER + "1 2\n"})
    with pytest.raises(InputError) as caught:
        read_from(path, None, RD)
    assert "diep.asc" in caught.value.message_nl
    assert [p.name for p in tmp_path.iterdir()] == ["x.zip"]


def test_options_of_tables_do_nothing_for_a_grid_and_are_refused(tmp_path):
    (tmp_path / "raster.asc").write_text(asc(PAPER))
    workspace = store.open_workspace(tmp_path / "werkmap", create=True)
    for read in ({"x": "X"}, {"layer": "kaart"}):
        item = recipe_of(read=read, crs=RD)
        key = key_of(lambda: grid_loading.take_in_grid(item, tmp_path / "raster.asc", workspace))  # noqa: B023
        assert key == "grid_table_beside"


# Real files ------------------------------------------------------------------------------


@pytest.mark.real_data
def test_the_reservoir_of_groningen_becomes_a_layer(real_data, tmp_path):
    path = real_data / "geology/groningen_ReservoirModel_thickness.csv"
    options = {
        "thresholds": [100.0, 200.0],
        "classes": ["none", "possible", "promising"],
        "columns": ["X", "Y", "thickness"],
    }
    table = pd.read_csv(path)
    found = grid_loading.take_in_grid(
        recipe_of(grid=options, crs=RD), path, store.open_workspace(tmp_path / "werkmap", create=True)
    )
    frame: gpd.GeoDataFrame = found.frame
    wanted = pd.cut(table.iloc[:, 2], [-math.inf, 100, 200, math.inf], right=False, labels=options["classes"])
    cells = wanted.value_counts().to_dict()
    assert sum(cells.values()) == 5813
    area = frame.geometry.area.groupby(frame["class"]).sum()
    for class_id, count in cells.items():
        assert area[class_id] == pytest.approx(count * 500**2, rel=1e-12)
    tree = shapely.STRtree(frame.geometry.to_numpy())
    sample = table.iloc[::37]
    where, which = tree.query(shapely.points(sample.iloc[:, 0], sample.iloc[:, 1]), predicate="within")
    assert len(where) == len(sample)
    assert frame["class"].to_numpy()[which].tolist() == wanted.iloc[::37].to_numpy()[where].tolist()


@pytest.mark.real_data
def test_a_layer_of_geotop_and_of_chloride_become_layers(real_data, tmp_path):
    workspace = store.open_workspace(tmp_path / "werkmap", create=True)
    strat = {
        "thresholds": [2000.0, 5000.0], "classes": ["none", "possible", "promising"], "variable": "strat",
        "select": {"z": -20.0}, "corners": True,
    }  # fmt: skip
    chloride = {
        "thresholds": [150.0, 1000.0], "classes": ["promising", "possible", "none"],
        "select": {"percentile": "p50", "layer": 20},
    }  # fmt: skip
    for name, options, cells, size in (
        ("geotop_usp.nc", strat, 285, 100),
        ("chloride_hbossche.nc", chloride, 240, 250),
    ):
        item = recipe_of(grid=options, crs=RD)
        found = grid_loading.take_in_grid(item, real_data / "geology" / name, workspace)
        assert found.frame["cells"].sum() == cells
        assert found.frame.geometry.area.sum() == pytest.approx(cells * size**2)
        assert store.schema_problems(found.frame, found.layer) == []
    without: Sequence[str] = [
        key_of(lambda: grid_loading.take_in_grid(recipe_of(grid=strat), real_data / "geology/geotop_usp.nc", workspace))
    ]
    assert without == ["raster_crs"]

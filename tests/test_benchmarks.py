"""The benchmarks: the made-up country is sound, every engine solves a small case by hand, a wrong answer is seen."""

from __future__ import annotations

import ast
import doctest
import importlib
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin

from benchmarks import (
    agreement,
    intake,
    machine,
    oracle,
    ours,
    ours_zonal,
    overlay,
    peers,
    queries,
    reports,
    results,
    tables,
    workload,
)
from benchmarks import inputs as on_disk
from benchmarks.inputs import LAYERS, MANIFEST, MUNICIPALITIES, RASTERS, WORKLOADS, Spec, WorkloadError
from benchmarks.measure import Engine, Measurement, measure
from benchmarks.peers import exact, raster, zonal
from benchmarks.task import Inputs, JointRows, NothingComparedError, Task, compare, from_arrays, layer_areas
from dgdo_geo.overlay.compiled import cache_folder

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(path for path in (ROOT / "benchmarks").rglob("*.py"))


# The made-up country ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> workload.Workload:
    """The smallest workload on disk; nobody changes it."""
    return workload.generate(tmp_path_factory.mktemp("workload"), WORKLOADS["tiny"])


def content(folder: Path) -> tuple[list[bytes], list[bytes], np.ndarray]:
    """Shapes of the municipalities and layers, and the rasters."""
    areas, polygons = on_disk.read_municipalities(folder), on_disk.read_layers(folder / LAYERS)
    with rasterio.open(folder / RASTERS) as source:
        return list(areas.geometry.to_wkb()), list(polygons.geometry.to_wkb()), source.read()


def test_the_same_seed_makes_the_same_country(tiny, tmp_path):
    again = workload.generate(tmp_path / "again", tiny.spec)
    other = workload.generate(tmp_path / "other", replace(tiny.spec, seed=8))
    first, second, third = content(tiny.folder), content(again.folder), content(other.folder)
    assert first[0] == second[0]
    assert first[1] == second[1]
    assert np.array_equal(first[2], second[2])
    assert first[0] != third[0]
    assert first[1] != third[1]


def test_another_scale_leaves_the_municipalities_as_they_are(tiny, tmp_path):
    larger = workload.generate(tmp_path, replace(tiny.spec, scale=0.5))
    assert content(larger.folder)[0] == content(tiny.folder)[0]
    assert larger.polygons > tiny.polygons


def test_municipalities_are_a_valid_coverage(tiny):
    areas = on_disk.read_municipalities(tiny.folder)
    assert len(areas) == tiny.spec.municipalities == 6
    assert areas["id"].tolist() == list(range(6))
    assert areas["code"].is_unique
    assert areas.geometry.geom_type.eq("Polygon").all()
    assert areas.crs.to_epsg() == 28992
    assert shapely.coverage_is_valid(areas.geometry.to_numpy())
    assert 30e6 < areas.area.median() < 400e6
    assert shapely.box(*tiny.bounds).contains(areas.union_all())
    assert all(value % 1000 == 0 for value in tiny.bounds)


def test_raw_layers_are_valid_and_overlap_themselves(tiny):
    frame = on_disk.read_layers(tiny.folder / LAYERS)
    assert len(frame) == tiny.polygons
    assert sorted(frame["layer"].unique()) == list(range(12))
    assert frame.geometry.is_valid.all()
    assert frame.geometry.geom_type.isin(["Polygon", "MultiPolygon"]).all()
    summed = frame.area.groupby(frame["layer"]).sum()
    merged = frame.dissolve("layer").area
    assert (merged <= summed + 1e-3).all()
    assert merged.sum() < 0.99 * summed.sum()


def test_numbers_of_polygons_are_those_of_the_country():
    assert sum(spec.polygons for spec in workload.LAYER_SPECS) == 11_010
    assert WORKLOADS["w1"] == Spec(1.0, 7, 342)
    assert WORKLOADS["w4"] == Spec(4.0, 7, 342)


def test_rasters_have_cells_of_250_m_and_7_percent_nodata(tiny):
    with rasterio.open(tiny.folder / RASTERS) as source:
        values = source.read(masked=True)
        assert source.res == (250.0, 250.0)
        assert tuple(source.bounds) == tiny.bounds
    assert len(values) == 8
    share = np.ma.getmaskarray(values).mean(axis=(1, 2))
    assert share == pytest.approx(0.07, abs=0.005)


def test_a_whole_workload_is_used_again_and_a_damaged_one_is_not(tiny, tmp_path):
    made = workload.generate(tmp_path, tiny.spec)
    before = (tmp_path / LAYERS).stat().st_mtime_ns
    assert workload.ensure(tmp_path, tiny.spec) == made
    assert (tmp_path / LAYERS).stat().st_mtime_ns == before
    with pytest.raises(WorkloadError, match="holds"):
        on_disk.open_workload(tmp_path, WORKLOADS["w1"])
    with (tmp_path / LAYERS).open("ab") as file:
        file.write(b"x")
    with pytest.raises(WorkloadError, match="damaged"):
        on_disk.open_workload(tmp_path, tiny.spec)
    assert workload.ensure(tmp_path, tiny.spec) == made
    assert content(tmp_path)[1] == content(tiny.folder)[1]


def test_half_a_workload_is_none(tiny, tmp_path):
    workload.generate(tmp_path, tiny.spec)
    (tmp_path / MANIFEST).unlink()
    with pytest.raises(WorkloadError, match="no workload"):
        on_disk.open_workload(tmp_path, tiny.spec)


# A case to work out by hand --------------------------------------------------------------

SQUARES = [shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 2000, 1000)]
# The first layer overlaps itself between x = 400 and 600.
ZONES = [(0, shapely.box(0, 0, 600, 1000)), (0, shapely.box(400, 0, 800, 1000)), (1, shapely.box(500, 0, 1500, 500))]
BY_HAND = {
    (0, 0b00): 200 * 500,
    (0, 0b01): 800 * 1000 - 300 * 500,
    (0, 0b10): 200 * 500,
    (0, 0b11): 300 * 500,
    (1, 0b00): 1000 * 1000 - 500 * 500,
    (1, 0b10): 500 * 500,
}
LOW, HIGH, NO_DATA = 1 << 2, 1 << 5, 1 << 6
BY_HAND_WITH_RASTER = {
    (0, 0b01 | NO_DATA): 250 * 250,
    (0, 0b01 | LOW): 750 * 1000 - 250 * 250 - 250 * 500,
    (0, 0b11 | LOW): 250 * 500,
    (0, 0b01 | HIGH): 50 * 500,
    (0, 0b11 | HIGH): 50 * 500,
    (0, 0b00 | HIGH): 200 * 500,
    (0, 0b10 | HIGH): 200 * 500,
    (1, 0b00 | HIGH): 1000 * 1000 - 500 * 500,
    (1, 0b10 | HIGH): 500 * 500,
}


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Two square municipalities, two layers, one raster: -1 west of x = 750, +1 east of it, a cell without data."""
    folder = tmp_path_factory.mktemp("squares")
    areas = gpd.GeoDataFrame({"id": [0, 1], "code": ["GM0001", "GM0002"]}, geometry=SQUARES, crs=28992)
    areas.to_parquet(folder / MUNICIPALITIES)
    numbers, shapes = zip(*ZONES, strict=True)
    gpd.GeoDataFrame({"layer": numbers}, geometry=list(shapes), crs=28992).to_parquet(folder / LAYERS)
    values = np.ones((1, 4, 8), np.float32)
    values[0, :, :3] = -1
    values[0, 0, 0] = -9999
    profile = {"driver": "GTiff", "width": 8, "height": 4, "count": 1, "dtype": "float32", "nodata": -9999}
    transform = from_origin(0, 1000, 250, 250)
    with rasterio.open(folder / RASTERS, "w", **profile, crs="EPSG:28992", transform=transform) as target:
        target.write(values)
    about = {
        "generator": on_disk.GENERATOR,
        "scale": 1,
        "seed": 0,
        "municipalities": 2,
        "layers": ["first", "second"],
        "polygons": 3,
        "vertices": 15,
        "municipality_vertices": 10,
        "bounds": [0, 0, 2000, 1000],
    }
    (folder / MANIFEST).write_text(json.dumps(about), encoding="utf-8")
    inputs = Inputs(folder, tmp_path_factory.mktemp("scratch"))
    outcome(exact.dissolve(inputs, save=True))
    return inputs


def outcome(task: Task) -> dict[str, np.ndarray]:
    """What an engine gives."""
    return dict(task.keep(task.run()))


def as_dict(rows: JointRows) -> dict[tuple[int, int], float]:
    """Rows as (municipality, combination) -> m2."""
    pairs = zip(rows.region.tolist(), rows.mask.tolist(), strict=True)
    return dict(zip(pairs, rows.area_m2.tolist(), strict=True))


@pytest.mark.parametrize(
    "make",
    [
        lambda inputs: exact.polygonize(inputs),
        lambda inputs: exact.polygonize(inputs, threads=2),
        lambda inputs: exact.polygonize(inputs, raw=True),
        lambda inputs: exact.split(inputs),
        lambda inputs: exact.overlay_chain(inputs, sample=20),
        lambda inputs: raster.rasterio_count(inputs, cell_m=25),
        lambda inputs: raster.rasterio_count(inputs, cell_m=100),
        lambda inputs: ours.joint_areas(inputs, workers=1),
        lambda inputs: ours.joint_areas(inputs, workers=2),
        lambda inputs: ours.from_disk(inputs, workers=2),
    ],
    ids=[
        "polygonize",
        "2 threads",
        "raw layers",
        "split",
        "geopandas",
        "25 m",
        "100 m",
        "ours, 1 thread",
        "ours",
        "from disk",
    ],
)
def test_every_engine_solves_the_case_worked_out_by_hand(squares, make):
    assert as_dict(from_arrays(outcome(make(squares)))) == pytest.approx(BY_HAND)


@pytest.mark.parametrize(
    "make",
    [lambda inputs: oracle.with_rasters(inputs), lambda inputs: ours.joint_areas(inputs, workers=2, rasters=True)],
    ids=["oracle", "ours"],
)
def test_raster_classes_are_part_of_the_combination(squares, make):
    assert as_dict(from_arrays(outcome(make(squares)))) == pytest.approx(BY_HAND_WITH_RASTER)


def test_dissolve_counts_a_place_once(squares):
    for options in ({}, {"threads": 2}, {"disjoint": True}, {"disjoint": True, "threads": 2}):
        assert outcome(exact.dissolve(squares, **options))["area_m2"] == pytest.approx([800e3, 500e3])


def test_zonal_mean_leaves_out_what_has_no_data(squares):
    low, high = 750 * 1000 - 250 * 250, 250 * 1000
    tasks = [zonal.exactextract_means(squares)]
    tasks += [ours_zonal.zonal_means(squares, weights_kept=kept) for kept in (True, False)]
    for task in tasks:
        assert outcome(task)["mean"][:, 0] == pytest.approx([(high - low) / (high + low), 1.0])


@pytest.mark.parametrize("name", ["duckdb", "rusterize_25m", "atlite", "rasterstats"])
def test_peers_with_an_environment_of_their_own_solve_it_too(squares, name):
    everything = [*peers.JOINT_CELLS, *peers.PER_LAYER, *peers.ONE_ACTIVITY, *peers.ZONAL_MEANS]
    engine = next(one for one in everything if one.name == name)
    if name == "atlite":
        engine = replace(engine, options={**engine.options, "layers": 2})
    found = measure(engine, squares, repeat=1, install=False)
    if "not installed" in found.problem:
        pytest.skip(found.problem)
    assert found.problem == ""
    assert found.time_s("best") is not None
    assert found.peak_mb > 10
    reference = from_arrays(outcome(exact.polygonize(squares)))
    if name == "duckdb":
        assert found.outcome["area_m2"] == pytest.approx(layer_areas(reference, 2, 2))
    elif name == "rusterize_25m":
        assert as_dict(from_arrays(found.outcome)) == pytest.approx(BY_HAND)
    elif name == "atlite":
        assert found.outcome["open_m2"] == pytest.approx([BY_HAND[0, 0], BY_HAND[1, 0]], rel=0.1)
    else:
        assert found.outcome["mean"][1, 0] == pytest.approx(1.0)


# A wrong answer is seen ------------------------------------------------------------------


@pytest.fixture(scope="module")
def reference(squares) -> JointRows:
    """The right answer."""
    return from_arrays(outcome(exact.polygonize(squares)))


def test_the_right_answer_agrees(reference):
    found = compare(reference, reference)
    assert found.agrees
    assert found.rows == found.reference_rows == 6
    assert found.max_absolute_error_m2 == found.max_relative_error == 0


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        (lambda r: replace(r, area_m2=r.area_m2 + [0.01, -0.01, 0, 0, 0, 0]), (0, 0, 2)),
        (lambda r: JointRows(r.region[1:], r.mask[1:], r.area_m2[1:]), (1, 0, 1)),
        (lambda r: replace(r, mask=r.mask ^ [0, 0, 0, 0, 1, 0]), (1, 1, 2)),
        (lambda r: replace(r, region=1 - r.region), (2, 2, 8)),
    ],
    ids=["1 dm2 moved", "a row lost", "a layer too many", "municipalities changed places"],
)
def test_a_planted_error_is_seen(reference, change, counts):
    found = compare(change(reference), reference)
    assert not found.agrees
    assert (found.missing, found.invented, found.beyond_tolerance) == counts


def test_rounding_is_no_error(reference):
    assert compare(replace(reference, area_m2=reference.area_m2 * (1 + 1e-10)), reference).agrees
    assert compare(replace(reference, area_m2=reference.area_m2 + 9e-4), reference).agrees


def test_a_polygon_that_moved_a_metre_is_seen(squares, reference, tmp_path):
    moved = Inputs(tmp_path, squares.scratch)
    for path in squares.workload.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    frame = on_disk.read_layers(tmp_path / LAYERS)
    frame.loc[2, "geometry"] = shapely.box(501, 0, 1501, 500)
    frame.to_parquet(tmp_path / LAYERS)
    found = compare(from_arrays(outcome(ours.joint_areas(moved, workers=1))), reference)
    assert not found.agrees
    assert found.max_absolute_error_m2 == pytest.approx(500)


def test_falling_back_on_geos_is_no_measurement_of_ours(squares, monkeypatch):
    monkeypatch.setattr("dgdo_geo.overlay.engine.unsound", lambda found, regions: [0])
    with pytest.raises(RuntimeWarning, match="add up"):
        ours.joint_areas(squares, workers=1)


def test_a_wrong_zonal_mean_is_seen():
    right = np.array([[0.5, 1.0], [np.nan, -1.0]])

    def verdict(means: np.ndarray, *, whole_cells: bool = False) -> bool:
        engine = Engine("engine", "engine", "module:function")
        measured = Measurement(engine, seconds=(1.0,), outcome={"mean": means})
        return agreement.means(measured, right, whole_cells=whole_cells)["agrees"]

    assert verdict(right)
    assert not verdict(right + 1e-3)
    assert verdict(right + 1e-3, whole_cells=True)
    assert not verdict(np.array([[0.5, 1.0], [0.0, -1.0]]))
    assert not verdict(np.array([[0.5, np.nan], [np.nan, -1.0]]))
    with pytest.raises(NothingComparedError):
        verdict(np.full((2, 2), np.nan))


def test_comparing_nothing_fails(reference):
    nothing = JointRows(np.empty(0, int), np.empty(0, int), np.empty(0))
    for found, expected in ((nothing, reference), (reference, nothing), (nothing, nothing)):
        with pytest.raises(NothingComparedError):
            compare(found, expected)
    with pytest.raises(NothingComparedError):
        compare(reference, replace(reference, area_m2=reference.area_m2 * 1e-9))


def test_a_reference_that_lost_a_face_is_refused(reference):
    lost = JointRows(reference.region[1:], reference.mask[1:], reference.area_m2[1:])
    exact.check_whole(reference, np.array(SQUARES))
    with pytest.raises(RuntimeError, match="add up"):
        exact.check_whole(lost, np.array(SQUARES))


# Commands --------------------------------------------------------------------------------


def run_overlay(*arguments: str, cache: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does, with an empty cache but for the compiled kernel."""
    command = [sys.executable, "-m", "benchmarks.overlay", *arguments]
    variables = {**os.environ, "XDG_CACHE_HOME": str(cache), "NUMBA_CACHE_DIR": str(cache_folder())}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=variables)


@pytest.fixture(scope="module")
def result(tiny, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What the command says on the smallest workload, without a network."""
    folder, cache = str(tiny.folder), tmp_path_factory.mktemp("cache")
    arguments = ("--workload", "tiny", "--data", folder, "--repeat", "1", "--json", "--no-install")
    done = run_overlay(*arguments, cache=cache)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_overlay_reports_what_the_architecture_promises(result):
    promised = {"wall_s", "peak_mb", "ratio_dissolve_polygonize", "ratio_polygonize", "max_relative_error", "rows"}
    assert result["workload"] == "tiny"
    assert all(isinstance(result[key], int | float) and result[key] >= 0 for key in promised)
    assert result["rows"] > 50
    assert result["ratio_dissolve_polygonize"] > result["ratio_polygonize"] > 0
    # Nobody can say that a faster way of others was left out.
    assert result["ratio_best_exact"] <= result["ratios"]["dissolve_polygonize_2_threads"]
    assert {"dissolve", "polygonize", "polygonize_2_threads", "rasterio_25m", "exactextract"} <= {
        name for name, seconds in result["peers"].items() if seconds
    }


def test_ours_equals_geos_with_and_without_rasters(result):
    for key in ("accuracy", "accuracy_rasters"):
        found = result[key]
        assert found["rows"] > 50
        assert (found["missing"], found["invented"], found["beyond_tolerance"]) == (0, 0, 0)
        assert found["max_absolute_error_m2"] <= 1e-3 or found["max_relative_error"] <= 1e-9
        assert found["total_relative_error"] <= 1e-12
    assert result["accuracy_rasters"]["rows"] > result["accuracy"]["rows"]


def test_a_peer_that_cannot_run_says_why(result):
    by_name = {one["name"]: one for one in result["engines"]}
    for name in ("duckdb", "rusterize_25m"):
        assert result["peers"][name] is None
        assert "not installed" in by_name[name]["problem"]
        assert "not available" in tables.engines([by_name[name]])
    assert result["not_run"]
    for one in result["engines"]:
        assert bool(one["problem"]) == (one["best_s"] is None), one["name"]


def test_all_that_was_measured_agrees(result):
    measured = [one for one in result["engines"] if not one["problem"]]
    assert len(measured) > 8
    references = [one["name"] for one in measured if one["agreement"].get("is_reference")]
    assert references == ["polygonize", "exactextract"]
    elsewhere = (*references, "ours_rasters", "ours_rasters_1_thread")
    assert all(one["agreement"]["agrees"] for one in measured if one["name"] not in elsewhere)
    assert all(one["peak_mb"] >= one["input_mb"] and one["peak_mb"] > 10 for one in measured)
    assert all(one["best_s"] > 0 and one["processor_s"] > 0 for one in measured)


def test_tables_show_every_engine(result):
    text = tables.overlay(result)
    assert all(one["title"] in text for one in result["engines"])
    assert all(title in text for title in result["not_run"])
    assert "## Workload tiny" in text


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--workload", "w9"], 2, "w9"),
        ([], 2, "--workload"),
        (["--workload", "tiny", "--repeat", "0"], 2, "--repeat"),
        (["--workload", "tiny", "--write-results"], 2, "--write-results"),
        (["--workload", "tiny", "--data", "no-such-folder"], 3, "no workload here"),
    ],
    ids=["unknown workload", "no workload", "no repeat", "results of tiny", "missing folder"],
)
def test_wrong_arguments_and_missing_data_have_their_exit_code(arguments, code, message, capsys):
    try:
        found = overlay.main(arguments)
    except SystemExit as stop:
        found = stop.code
    shown = capsys.readouterr()
    assert found == code
    assert message in shown.err
    assert shown.out == ""


def test_damaged_data_are_refused(tiny, tmp_path, capsys):
    workload.generate(tmp_path, tiny.spec)
    (tmp_path / RASTERS).write_bytes(b"")
    assert overlay.main(["--workload", "tiny", "--data", str(tmp_path)]) == 3
    assert "damaged" in capsys.readouterr().err


def test_an_engine_that_fails_is_reported_without_naming_a_folder(squares, capfd):
    found = measure(
        Engine("broken", "broken", "benchmarks.peers.raster:no_such_peer"), squares, repeat=1, install=False
    )
    assert found.problem == "failed with AttributeError"
    assert found.time_s("best") is None
    assert "Traceback" in capfd.readouterr().err


def test_writing_one_section_keeps_the_others(tmp_path):
    page = tmp_path / "RESULTS.md"
    results.write("w4", "four", page)
    results.write("w1", "one", page)
    results.write("queries", "asked", page)
    results.write("w1", "one again", page)
    assert results.read(page) == {"w1": "one again", "w4": "four", "queries": "asked"}
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Results")
    assert text.index("one again") < text.index("four") < text.index("asked")
    with pytest.raises(ValueError, match="no section"):
        results.write("tiny", "", page)


def test_queries_report_every_kind_of_question(capsys):
    assert queries.main(["--json", "--points", "3", "--seconds", "0.5"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["wrong"] == {"point_index": 0, "point": 0}
    assert all(found[key]["count"] >= 1 for key in ("point_index", "point", "area"))
    assert found["country"]["rows"] > 342
    assert "answer at a point" in queries.table(found)


def test_memory_of_a_process_and_of_those_it_started():
    wait = "import sys; held = bytearray(60_000_000); print('ready', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", wait]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        assert set(reports.family(os.getpid())) >= {os.getpid(), child.pid}
        assert 60 < reports.memory_mb(child.pid) < 500
        with reports.watched_memory() as found:
            time.sleep(3 * reports.SAMPLE_S)
        assert max(found) >= reports.memory_mb(child.pid)
    assert reports.memory_mb(child.pid) == 0.0


def test_reports_tell_what_is_measured_and_what_is_extrapolated():
    one = {"count": 5, "best_s": 1.0, "median_s": 1.5, "processor_s": 0.9}
    batch = {
        "municipalities": 10, "of": 342, "workers": 2, "seconds": 30.0, "start_s": 10.0, "each_s": 2.5, "all_s": 860.0,
        "peak_mb": 1234.0, "again_fresh": 0, "again_s": 0.5,
    }  # fmt: skip
    found = {"municipality": one, "province": one, "batch": batch, "machine": machine.describe()}
    assert "All 342: ~860 s, extrapolated" in reports.table(found)
    whole = found | {"batch": batch | {"municipalities": 342, "seconds": 555.0}}
    assert "All 342: 555 s (limit 600 s)" in reports.table(whole)


@pytest.mark.parametrize("wrong", [["--workers", "0"], ["--municipalities", "2"]])
def test_reports_refuse_a_batch_that_says_nothing(wrong, capsys):
    with pytest.raises(SystemExit, match="2"):
        reports.main(wrong)
    assert "needs 1 or more processes" in capsys.readouterr().err


def test_asking_nothing_fails():
    with pytest.raises(NothingComparedError):
        queries.each(lambda thing: thing, [], 1.0)


# House rules -----------------------------------------------------------------------------


def test_examples_in_the_benchmarks_run():
    attempted = 0
    for path in MODULES:
        if ">>>" in path.read_text(encoding="utf-8"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found = doctest.testmod(importlib.import_module(name))
            assert found.failed == 0, name
            attempted += found.attempted
    assert attempted > 5


def test_benchmarks_keep_the_length_of_the_house():
    assert len(MODULES) > 10
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 400, path.name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                length = (node.end_lineno or node.lineno) - node.body[0].lineno
                assert length <= 50 + len((ast.get_docstring(node) or "").splitlines()), f"{path.name}: {node.name}"


def test_intake_loads_what_it_made_and_hears_how_far_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(intake, "default_folder", lambda name: tmp_path / name)
    assert intake.main(["--json", "--polygons", "1200"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["polygons"], found["wrong"]) == (1200, [])
    assert found["wall_s"] > 0
    assert 50 < found["peak_mb"] < 3000
    assert {"inlezen", "geometrie nakijken", "bewaren"} <= set(found["progress"])
    assert "largest memory" in intake.table(found)


def test_intake_sees_a_layer_that_is_not_what_was_in_the_file(tmp_path):
    path = tmp_path / "gebieden.gpkg"
    intake.make(path, 1000)
    raw = pyogrio.read_dataframe(path)
    kept = raw.assign(feature_id=raw["code"], **{"class": raw["soort"].map(intake.KINDS)})
    kept = kept.set_geometry(shapely.make_valid(kept.geometry.to_numpy()), crs=28992)
    assert intake.differences(path, kept) == []
    assert "features" in intake.differences(path, kept.iloc[1:])[0]
    assert intake.differences(path, kept.assign(**{"class": kept["class"].to_numpy()[::-1]})) != []

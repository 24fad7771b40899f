"""Rasters: classes that can be counted on paper, files on disk, and outlines against cell counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from rasterio import Affine

from dgdo_geo.overlay.encode import RasterPlane
from dgdo_geo.overlay.raster import (
    Grid,
    as_plane,
    as_polygons,
    classify,
    grid_of,
    keys_at,
    read_raster,
    recode,
)

NAN = float("nan")
GRID = Grid(10_000.0, 400_000.0, 250.0, 2, 3)


def write(
    path: Path,
    values: NDArray[np.generic],
    *,
    transform: Affine | None = None,
    crs: str | None = "EPSG:28992",
    nodata: float | None = None,
    scale: float = 1.0,
    offset: float = 0.0,
) -> Path:
    """A GeoTIFF with one band on GRID."""
    rows, columns = values.shape
    transform = transform or Affine(GRID.cell_m, 0, GRID.west_m, 0, -GRID.cell_m, GRID.north_m)
    about = {"width": columns, "height": rows, "count": 1, "dtype": values.dtype, "crs": crs, "nodata": nodata}
    with rasterio.open(path, "w", driver="GTiff", transform=transform, **about) as file:
        file.write(values, 1)
        file.scales, file.offsets = (scale,), (offset,)
    return path


# Grid --------------------------------------------------------------------------------------


def test_centres_lie_half_a_cell_from_the_corner() -> None:
    assert GRID.x_m().tolist() == [10_125, 10_375, 10_625]
    assert GRID.y_m().tolist() == [399_875, 399_625]


@pytest.mark.parametrize(
    ("x", "column"), [(9_999.9, -1), (10_000, 0), (10_249.9, 0), (10_250, 1), (10_749.9, 2), (10_750, -1), (NAN, -1)]
)
def test_a_western_edge_belongs_to_its_cell(x: float, column: int) -> None:
    assert GRID.column_of(np.array([x])).tolist() == [column]


@pytest.mark.parametrize(
    ("y", "row"),
    [
        (400_000.1, -1),
        (400_000, -1),
        (399_999.9, 0),
        (399_750, 0),
        (399_749.9, 1),
        (399_500, 1),
        (399_499.9, -1),
        (NAN, -1),
    ],
)
def test_a_southern_edge_belongs_to_its_cell(y: float, row: int) -> None:
    assert GRID.row_of(np.array([y])).tolist() == [row]


@given(st.floats(-1e6, 1e6), st.floats(0.01, 1000), st.integers(1, 60), st.data())
def test_every_centre_finds_its_own_cell(corner: float, cell: float, count: int, data: st.DataObject) -> None:
    grid = Grid(corner, data.draw(st.floats(-1e6, 1e6)), cell, count, count)
    assert grid.column_of(grid.x_m()).tolist() == list(range(count))
    assert grid.row_of(grid.y_m()).tolist() == list(range(count))


def test_a_covering_grid_lies_on_multiples_of_the_cell() -> None:
    assert Grid.covering(10_010, 399_990, 10_260, 400_010, 250) == Grid(10_000.0, 400_250.0, 250.0, 2, 2)
    assert Grid.covering(-10, -10, 10, 10, 10) == Grid(-10.0, 10.0, 10.0, 2, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        (NAN, 0.0, 1.0, 1, 1),
        (0.0, np.inf, 1.0, 1, 1),
        (0.0, 0.0, 0.0, 1, 1),
        (0.0, 0.0, -5.0, 1, 1),
        (0.0, 0.0, NAN, 1, 1),
        (0.0, 0.0, 1.0, 0, 1),
        (0.0, 0.0, 1.0, 1, 0),
    ],
)
def test_a_grid_that_cannot_be_is_refused(wrong: tuple[float, float, float, int, int]) -> None:
    with pytest.raises(ValueError, match="a grid needs"):
        Grid(*wrong)


@pytest.mark.parametrize("wrong", [(10, 0, 10, 5, 1), (0, 5, 5, 5, 1), (0, 0, 5, 5, 0), (NAN, 0, 5, 5, 1)])
def test_a_covering_grid_needs_a_rectangle(wrong: tuple[float, float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="no rectangle"):
        Grid.covering(*wrong)


# Classes -----------------------------------------------------------------------------------


def test_a_value_on_a_threshold_belongs_to_the_class_above() -> None:
    values = np.array([[-1.0, 9.999, 10.0], [10.001, 20.0, NAN]])
    assert classify(values, [10, 20]).tolist() == [[0, 0, 1], [1, 2, 3]]


def test_without_thresholds_there_are_data_and_no_data() -> None:
    assert classify(np.array([[5.0, NAN]]), []).tolist() == [[0, 1]]


def test_a_threshold_has_the_precision_of_the_raster() -> None:
    """0.7 in a file of float32 is 0.69999999, which must not fall below a threshold of 0.7."""
    assert float(np.float32(0.7)) < 0.7
    assert classify(np.array([[0.7]], np.float32), [0.7]).tolist() == [[1]]
    assert classify(np.array([[0.7]]), [0.7]).tolist() == [[1]]


@given(
    arrays(np.float64, (3, 4), elements=st.one_of(st.floats(-100, 100), st.just(NAN))),
    st.lists(st.floats(-100, 100), max_size=5, unique=True).map(sorted),
)
def test_a_code_counts_the_thresholds_at_or_below(values: NDArray[np.float64], thresholds: list[float]) -> None:
    expected = [
        [len(thresholds) + 1 if np.isnan(v) else sum(t <= v for t in thresholds) for v in row]
        for row in values.tolist()
    ]
    found = classify(values, thresholds)
    assert found.dtype == np.int16
    assert found.tolist() == expected


@pytest.mark.parametrize("thresholds", [[2, 1], [1, 1], [NAN], [1, NAN], [np.inf]])
def test_thresholds_must_rise(thresholds: list[float]) -> None:
    with pytest.raises(ValueError, match="must be finite and rise"):
        classify(np.zeros((1, 1)), thresholds)


def test_thresholds_that_fall_together_in_the_precision_of_the_raster_are_refused() -> None:
    with pytest.raises(ValueError, match="must be finite and rise"):
        classify(np.zeros((1, 1), np.float32), [1.0, 1.0 + 1e-12])


def test_an_infinite_value_is_not_a_class() -> None:
    with pytest.raises(ValueError, match="infinite"):
        classify(np.array([[np.inf]]), [1])


def test_class_numbers_become_positions() -> None:
    values = np.array([[30.0, 10.0], [NAN, 20.0]])
    assert recode(values, [10, 30, 20]).tolist() == [[1, 0], [3, 2]]
    assert recode(np.full((1, 2), NAN), []).tolist() == [[0, 0]]


@pytest.mark.parametrize("value", [5.0, 15.0, 99.0, np.inf])
def test_a_value_without_a_class_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="values without a class"):
        recode(np.array([[10.0, value]]), [20, 10])


@pytest.mark.parametrize("classes", [[1, 1], [NAN]])
def test_classes_must_be_different_numbers(classes: list[float]) -> None:
    with pytest.raises(ValueError, match="different numbers"):
        recode(np.array([[1.0]]), classes)


def test_codes_must_fit_the_grid_and_have_keys() -> None:
    codes = np.zeros((2, 3), np.int16)
    plane = as_plane(codes, GRID, [4], outside_key=2)
    assert (plane.code_keys, plane.outside_key, plane.west_m, plane.north_m, plane.cell_m) == (
        (4,),
        2,
        10_000.0,
        400_000.0,
        250.0,
    )
    assert grid_of(plane) == GRID
    with pytest.raises(ValueError, match="shape"):
        as_plane(codes.T, GRID, [4])
    with pytest.raises(ValueError, match="codes 0 to 1"):
        as_plane(codes + np.int16(1) * np.eye(2, 3, dtype=np.int16), GRID, [4])
    with pytest.raises(ValueError, match="codes -1"):
        as_plane(codes - np.int16(1), GRID, [4])


def test_places_get_the_key_of_their_cell() -> None:
    plane = as_plane(np.array([[0, 1, 0], [1, 1, 2]], np.int16), GRID, [7, 8, -1], outside_key=9)
    x, y = np.array([9_000.0, 10_000, 10_300, 10_700, 10_750]), np.array([400_000.0, 399_900, 399_500])
    assert keys_at(plane, x, y).tolist() == [[9, 9, 9, 9, 9], [9, 7, 8, 7, 9], [9, 8, 8, -1, 9]]


# Files -------------------------------------------------------------------------------------


def test_a_raster_keeps_its_values_and_its_place(tmp_path: Path) -> None:
    values = np.array([[1.5, -9999, 2.5], [NAN, 0.7, 1e6]], np.float32)
    read = read_raster(write(tmp_path / "r.tif", values, nodata=-9999))
    assert read.grid == GRID
    assert read.values.dtype == np.float32
    expected = values.copy()
    expected[0, 1] = NAN
    assert np.array_equal(read.values, expected, equal_nan=True)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "uint16"])
def test_whole_numbers_keep_their_value_and_lose_their_no_data(dtype: str, tmp_path: Path) -> None:
    values = np.array([[1, 255, 3], [4, 5, 127]], dtype)
    read = read_raster(write(tmp_path / "r.tif", values, nodata=255))
    assert read.values.dtype == np.float64
    assert np.array_equal(read.values, np.array([[1, NAN, 3], [4, 5, 127]]), equal_nan=True)
    assert recode(read.values, [1, 3, 4, 5, 127]).tolist() == [[0, 5, 1], [2, 3, 4]]


def test_scale_and_offset_are_applied_and_no_data_stays_no_data(tmp_path: Path) -> None:
    values = np.array([[0, 10, 99], [20, 30, 40]], np.int16)
    read = read_raster(write(tmp_path / "r.tif", values, nodata=99, scale=0.5, offset=100.0))
    assert np.array_equal(read.values, np.array([[100, 105, NAN], [110, 115, 120]]), equal_nan=True)


def test_another_band_can_be_read_and_a_missing_one_is_named(tmp_path: Path) -> None:
    about = {"width": 3, "height": 2, "count": 2, "dtype": "float32", "crs": "EPSG:28992"}
    path = tmp_path / "two.tif"
    with rasterio.open(path, "w", driver="GTiff", transform=Affine(250, 0, 10_000, 0, -250, 400_000), **about) as file:
        file.write(np.stack([np.zeros((2, 3)), np.ones((2, 3))]).astype(np.float32))
    assert read_raster(path, 2).values.tolist() == [[1, 1, 1], [1, 1, 1]]
    for band in (0, 3):
        with pytest.raises(ValueError, match=f"two.tif has 2 band.*asked for band {band}"):
            read_raster(path, band)


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"crs": "EPSG:4326"}, "must be in EPSG:28992, is in EPSG:4326"),
        ({"crs": "EPSG:28991"}, "must be in EPSG:28992"),
        ({"crs": None}, "is in no known system"),
        ({"transform": Affine(250, 10, 10_000, 0, -250, 400_000)}, "rotated"),
        ({"transform": Affine(250, 0, 10_000, 10, -250, 400_000)}, "rotated"),
        ({"transform": Affine(250, 0, 10_000, 0, 250, 400_000)}, "not in the north"),
        ({"transform": Affine(-250, 0, 10_000, 0, -250, 400_000)}, "not in the west"),
        ({"transform": Affine(250, 0, 10_000, 0, -249, 400_000)}, "not square: 250.0 by 249.0 m"),
    ],
)
def test_a_raster_that_does_not_fit_is_refused(about: dict[str, object], words: str, tmp_path: Path) -> None:
    path = write(tmp_path / "r.tif", np.zeros((2, 3), np.float32), **about)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=words):
        read_raster(path)


def test_an_infinite_value_in_a_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "r.tif", np.array([[1, np.inf, 2], [3, 4, 5]], np.float32))
    with pytest.raises(ValueError, match=r"r\.tif holds infinite values"):
        read_raster(path)
    infinite_as_no_data = write(tmp_path / "s.tif", np.array([[1, np.inf, 2], [3, 4, 5]], np.float32), nodata=np.inf)
    assert np.isnan(read_raster(infinite_as_no_data).values[0, 1])


@pytest.mark.parametrize("content", [None, b"", b"no raster at all", b"II*\x00garbage"])
def test_a_file_that_is_no_raster_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "broken.tif"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.tif cannot be read"):
        read_raster(path)


def test_a_file_that_is_cut_short_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "short.tif", np.random.default_rng(0).normal(size=(200, 200)).astype(np.float32))
    path.write_bytes(path.read_bytes()[:90_000])
    with pytest.raises(ValueError, match=r"short\.tif cannot be read"):
        read_raster(path)


# Outlines ----------------------------------------------------------------------------------


def plane_of(codes: NDArray[np.int16], keys: tuple[int, ...], cell_m: float = 250.0) -> RasterPlane:
    return RasterPlane(codes, keys, -1, 10_000.0, 400_000.0, cell_m)


def areas(plane: RasterPlane) -> dict[int, float]:
    """Square metres per key; every outline is a valid polygon on the lines of the cells."""
    polygons, key = as_polygons(plane)
    assert len(polygons) == len(key)
    assert shapely.is_valid(polygons).all()
    assert (shapely.get_type_id(polygons) == shapely.GeometryType.POLYGON).all()
    x, y = shapely.get_coordinates(polygons).T if len(polygons) else np.empty((2, 0))
    columns, rows = np.arange(plane.codes.shape[1] + 1), np.arange(plane.codes.shape[0] + 1)
    assert set(x.tolist()) <= set((plane.west_m + columns * plane.cell_m).tolist())
    assert set(y.tolist()) <= set((plane.north_m - rows * plane.cell_m).tolist())
    return {int(k): float(shapely.area(polygons[key == k]).sum()) for k in np.unique(key)}


def test_a_single_cell_is_a_square() -> None:
    polygons, key = as_polygons(plane_of(np.array([[0]], np.int16), (5,)))
    assert key.tolist() == [5]
    assert shapely.equals(polygons[0], shapely.box(10_000, 399_750, 10_250, 400_000))


def test_classes_are_outlined_along_their_cells() -> None:
    """An L of three cells and the corner that is left."""
    polygons, key = as_polygons(plane_of(np.array([[0, 1], [0, 0]], np.int16), (3, 4)))
    by_key = dict(zip(key.tolist(), polygons, strict=True))
    corner = shapely.box(10_250, 399_750, 10_500, 400_000)
    assert shapely.equals(by_key[4], corner)
    assert shapely.equals(by_key[3], shapely.box(10_000, 399_500, 10_500, 400_000).difference(corner))


def test_cells_that_touch_in_a_corner_are_two_polygons() -> None:
    polygons, key = as_polygons(plane_of(np.array([[0, 1], [1, 0]], np.int16), (3, -1)))
    assert key.tolist() == [3, 3]
    assert shapely.area(polygons).tolist() == [62_500, 62_500]


def test_codes_of_one_key_are_one_outline_and_cells_without_a_key_are_none() -> None:
    polygons, key = as_polygons(plane_of(np.array([[0, 1, 2]], np.int16), (6, 6, -1)))
    assert key.tolist() == [6]
    assert shapely.area(polygons).tolist() == [125_000]


def test_a_raster_without_any_key_has_no_outlines() -> None:
    polygons, key = as_polygons(plane_of(np.zeros((3, 3), np.int16), (-1,)))
    assert (len(polygons), len(key)) == (0, 0)
    assert key.dtype == np.intp


def test_no_data_is_a_class_with_an_outline() -> None:
    codes = classify(np.full((2, 3), NAN), [1.0])
    assert areas(as_plane(codes, GRID, [0, 1, 2])) == {2: 6 * 62_500}


@given(
    arrays(np.int16, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 3)),
    st.sampled_from([250.0, 100.0, 33.3]),
)
def test_the_area_of_a_class_is_its_number_of_cells(codes: NDArray[np.int16], cell_m: float) -> None:
    found = areas(plane_of(codes, (10, 11, -1, 10), cell_m))
    expected = {10: np.isin(codes, [0, 3]).sum(), 11: (codes == 1).sum()}
    assert found == pytest.approx({k: n * cell_m**2 for k, n in expected.items() if n}, rel=1e-9)


@given(arrays(np.int16, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=st.integers(0, 2)))
def test_every_cell_lies_in_the_outline_of_its_class_only(codes: NDArray[np.int16]) -> None:
    plane = plane_of(codes, (10, 11, 12))
    polygons, key = as_polygons(plane)
    grid = grid_of(plane)
    x, y = np.meshgrid(grid.x_m(), grid.y_m())
    holds = np.stack([shapely.contains_xy(polygon, x, y) for polygon in polygons])
    assert (holds.sum(axis=0) == 1).all()
    assert (key[holds.argmax(axis=0)] == codes + 10).all()

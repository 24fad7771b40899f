"""Grids of analysts: every format, its traps, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from rasterio import Affine
from scipy.io import netcdf_file

from dgdo_geo.errors import InputError
from dgdo_geo.overlay.raster import Grid, Raster
from dgdo_geo.sources import grid_texts
from dgdo_geo.sources.grids import read_grid

RD = "EPSG:28992"
VALUES = np.array([[1.0, 2.0, 3.0], [4.0, np.nan, 6.0]])
NULL = -9999.0
PLACE = Affine(100, 0, 200_000, 0, -100, 500_200)
ASC = "ncols 3\nnrows 2\nxllcorner 200000\nyllcorner 500000\ncellsize 100\nNODATA_value -9999\n1 2 3\n4 -9999 6\n"
ZMAP = (
    "! gemaakt door de test\n@PERM HEADER, GRID, 2\n12, 1E+30, , 4, 1\n3, 2, 200050, 200150, 500050, 500250, 0, 0\n"
    "0.0, 0.0, 0.0\n@\n"
    "      1.0000      2.0000\n      3.0000\n      4.0000  1.0000E+30\n     -6.5000\n"
)
XYZ = "x y z\n200050 500150 1\n200150 500150 2\n200250 500150 3\n200050 500050 4\n200250 500050 6\n"


def tiff(path, values=VALUES, *, crs=RD, transform=PLACE, null=NULL, **options):
    filled = np.where(np.isnan(values), null, values).astype(options.pop("dtype", "float64"))
    with rasterio.open(
        path, "w", driver="GTiff", width=filled.shape[1], height=filled.shape[0], count=1, dtype=filled.dtype,
        crs=crs, transform=transform, nodata=null, **options,
    ) as file:  # fmt: skip
        file.write(filled, 1)
    return path


def refused(path, **options) -> InputError:
    with pytest.raises(InputError) as caught:
        read_grid(path, **options)
    assert caught.value.exit_code == 2
    assert path.name in caught.value.message_nl or caught.value.key == "crs_unknown"
    return caught.value


def same(read, values=VALUES):
    assert (read.west, read.north, read.cell, read.crs) == (200_000, 500_200, 100, RD)
    np.testing.assert_array_equal(read.values, values)
    # What the overlay wants.
    raster = Raster(read.values, Grid(read.west, read.north, read.cell, *read.values.shape))
    assert raster.grid.rows == 2
    assert read.notes == ()


def test_ascii(tmp_path):
    path = tmp_path / "a.asc"
    path.write_text(ASC)
    same(read_grid(path, crs=RD))
    path.write_text(ASC.replace("corner", "center").replace("200000", "200050").replace("500000", "500050").upper())
    same(read_grid(path, crs=RD))
    assert refused(path).key == "raster_crs"
    (tmp_path / "a.prj").write_text(rasterio.CRS.from_epsg(28992).to_wkt())
    same(read_grid(path))


def test_zmap_columns_run_from_north_to_south(tmp_path):
    path = tmp_path / "a.zmap"
    path.write_text(ZMAP)
    read = read_grid(path, crs="EPSG:23031")
    assert (read.west, read.north, read.cell) == (200_000, 500_300, 100)
    np.testing.assert_array_equal(read.values, [[1, 4], [2, np.nan], [3, -6.5]])
    assert read.notes == ("other_crs", "negative")
    assert "niet omgerekend" in read.notes_nl[0]
    assert "NAP" in read.notes_nl[1]


def test_zmap_numbers_may_touch_each_other(tmp_path):
    path = tmp_path / "a.zmap"
    path.write_text(ZMAP.replace("      1.0000      2.0000", "-1234.567890-2345.678901"))
    assert read_grid(path, crs=RD).values[:2, 0].tolist() == [-1234.56789, -2345.678901]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_geotiff(tmp_path, dtype):
    read = read_grid(tiff(tmp_path / "a.tif", dtype=dtype))
    same(read)
    assert read.values.dtype == (np.float32 if dtype == "float32" else np.float64)
    rasterio.shutil.copy(tmp_path / "a.tif", tmp_path / "cog.tif", driver="COG")
    same(read_grid(tmp_path / "cog.tif"))


def test_a_grid_with_south_up_is_turned_and_told(tmp_path):
    path = tiff(tmp_path / "a.tif", VALUES[::-1], transform=Affine(100, 0, 200_000, 0, 100, 500_000))
    read = read_grid(path)
    assert read.notes == ("south_up",)
    assert read.north == 500_200
    np.testing.assert_array_equal(read.values, VALUES)


def test_another_crs_is_told_and_not_changed(tmp_path):
    path = tiff(tmp_path / "a.tif", crs="EPSG:23031")
    read = read_grid(path)
    assert (read.crs, read.west, read.notes) == ("EPSG:23031", 200_000, ("other_crs",))
    assert "EPSG:23031" in read.notes_nl[0]
    assert read_grid(path, crs=RD).notes == ("crs_overruled",)
    assert refused(path, crs="EPSG:1").key == "crs_unknown"


KINDS = [(".xyz", " "), (".xyz", "  "), *((suffix, mark) for suffix in (".xyz", ".csv") for mark in (",", ";", "\t"))]


@pytest.mark.parametrize(("suffix", "separator"), KINDS)
def test_points_on_a_grid(tmp_path, separator, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_text(XYZ.replace(" ", separator))
    same(read_grid(path, crs=RD))
    if suffix == ".csv":
        same(read_grid(path, crs=RD, columns=("x", "y", "z")))
        assert refused(path, crs=RD, columns=("x", "y", "w")).key == "column_missing"


def test_netcdf_in_either_order_of_rows(tmp_path):
    source = tiff(tmp_path / "a.tif")
    for order in ("YES", "NO"):
        path = tmp_path / f"{order}.nc"
        rasterio.shutil.copy(source, path, driver="netCDF", WRITE_BOTTOMUP=order)
        read = read_grid(path)
        np.testing.assert_array_equal(read.values, VALUES)
        assert (read.west, read.north, read.cell) == (200_000, 500_200, 100)
        assert read.notes == (("south_up",) if order == "YES" else ())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["NO.nc", "YES.nc", "a.tif"]


# NetCDF ----------------------------------------------------------------------------------

EAST, NORTH = np.arange(200_050.0, 200_450, 100), np.arange(500_050.0, 500_350, 100)
DEPTH, AQUIFER = np.array([-2.0, -1.5, -1.0, -0.5, 0.0]), np.array([1.0, 2.0])
AXES = {"x": EAST, "y": NORTH, "z": DEPTH, "layer": AQUIFER}


def expected(x: float, y: float, z: float = 0.0, layer: float = 0.0) -> float:
    """A value that tells where it stands: one can read all coordinates from it."""
    return (x - 200_000) + 1e4 * (y - 500_000) + 1e9 * z + 1e12 * layer


def netcdf(
    path: Path,
    order: Sequence[str],
    axes: Mapping[str, Any] = AXES,
    *,
    attributes: Mapping[str, Mapping[str, str]] | None = None,
    mapping: str = "",
    kinds: Mapping[str, str] | None = None,
) -> Path:
    """A NetCDF with its axes in any order, written without GDAL; ``kinds`` tells which axis is x, y, z or layer."""
    kinds = dict(kinds or {})
    with netcdf_file(path, "w") as file:
        for name in order:
            file.createDimension(name, len(axes[name]))
            axis = file.createVariable(name, "f8", (name,))
            axis[:] = axes[name]
            for key, value in (attributes or {}).get(name, {}).items():
                setattr(axis, key, value)
        variable = file.createVariable("data", "f8", tuple(order))
        meshes = np.meshgrid(*(axes[name] for name in order), indexing="ij")
        variable[:] = expected(**{kinds.get(n, n): mesh for n, mesh in zip(order, meshes, strict=True)})  # type: ignore[arg-type]
        if mapping:
            variable.grid_mapping = mapping
            projection = file.createVariable(mapping, "i4", ())
            projection.grid_mapping_name = "oblique_stereographic"
            projection.spatial_ref = rasterio.CRS.from_epsg(28992).to_wkt()
    return path


def stands_right(read, **place: float) -> None:
    """Every cell holds the value of its own centre."""
    rows, columns = read.values.shape
    assert (rows, columns) == (len(NORTH), len(EAST))
    for row in range(rows):
        for column in range(columns):
            x, y = read.west + (column + 0.5) * read.cell, read.north - (row + 0.5) * read.cell
            assert read.values[row, column] == expected(x, y, **place), (row, column)


@pytest.mark.parametrize("turned", [(), ("x",), ("y",), ("x", "y")], ids=str)
@pytest.mark.parametrize(
    "order", [o for n in (2, 3, 4) for o in permutations(AXES, n) if {"x", "y"} <= set(o)], ids=str
)
def test_netcdf_axes_in_any_order_and_direction(tmp_path, order, turned):
    axes = {name: axis[::-1] if name in turned else axis for name, axis in AXES.items()}
    path = netcdf(tmp_path / "a.nc", order, axes)
    place = {"z": -1.5, "layer": 2.0}
    chosen = {name: value for name, value in place.items() if name in order}
    read = read_grid(path, crs=RD, select=chosen)
    stands_right(read, **chosen)
    assert ("south_up" in read.notes) == ("y" not in turned)
    assert ("east_west" in read.notes) == ("x" in turned)
    # The same layer by its number, along the axes beside the map in the order of the file.
    others = [name for name in order if name in place]
    numbers = [int(np.flatnonzero(axes[name] == place[name])[0]) for name in others]
    band = int(np.ravel_multi_index(numbers, [len(axes[n]) for n in others])) + 1 if others else 1
    np.testing.assert_array_equal(read_grid(path, crs=RD, band=band).values, read.values)
    assert refused(path, crs=RD, band=int(np.prod([len(axes[n]) for n in others])) + 1).key == "raster_band"


NAMES = [("X", "Y"), ("easting", "northing"), ("xc", "yc"), ("Easting", "Northing"), ("x_coordinate", "y_coordinate")]


@pytest.mark.parametrize("names", [*NAMES, ("rij", "kolom")])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_netcdf_axes_of_another_name(tmp_path, names, order):
    kinds = dict(zip(names, ("x", "y"), strict=True))
    axes = dict(zip(names, (EAST, NORTH), strict=True))
    given = {n: {"standard_name": f"projection_{k}_coordinate"} for n, k in kinds.items()}
    attributes = given if names == ("rij", "kolom") else None
    path = netcdf(tmp_path / "a.nc", [names[i] for i in order], axes, kinds=kinds, attributes=attributes)
    stands_right(read_grid(path, crs=RD))
    bare = netcdf(tmp_path / "b.nc", ["rij", "kolom"], {"rij": EAST, "kolom": NORTH}, kinds={"rij": "x", "kolom": "y"})
    assert refused(bare, crs=RD).key == "raster_no_place"


@pytest.mark.parametrize("order", [("x", "y"), ("y", "x"), ("z", "x", "y"), ("x", "y", "z")])
def test_a_square_netcdf_is_read_by_what_it_says_of_its_axes(tmp_path, order):
    axes = {"x": EAST, "y": NORTH[0] + 100 * np.arange(4), "z": DEPTH[:4]}
    attributes = {axis: {"standard_name": f"projection_{axis}_coordinate"} for axis in "xy"}
    select = {"z": -1.5} if "z" in order else {}
    told = read_grid(netcdf(tmp_path / "a.nc", order, axes, attributes=attributes), crs=RD, select=select)
    silent = read_grid(netcdf(tmp_path / "b.nc", order, axes), crs=RD, select=select)
    assert told.values[-1, 0] == expected(EAST[0], axes["y"][0], **select)
    assert told.values[-1, 1] == expected(EAST[1], axes["y"][0], **select)
    if order == ("x", "y", "z"):
        return  # x stands before the last two axes, where GDAL gives its name
    assert "order_assumed" not in told.notes
    assert "order_assumed" in silent.notes
    assert any("controleer" in note for note in silent.notes_nl)


def test_a_place_along_an_axis_is_taken_when_it_is_near_enough(tmp_path):
    path = netcdf(tmp_path / "a.nc", ("z", "y", "x"))
    read = read_grid(path, crs=RD, select={"z": -1.4})
    stands_right(read, z=-1.5)
    assert "nearest" in read.notes
    assert "-1.5" in read.notes_nl[read.notes.index("nearest")]
    assert "nearest" not in read_grid(path, crs=RD, select={"z": -1.5}).notes
    for wrong in (-1.25, 0.3, 99, "KIz1", float("nan")):
        error = refused(path, crs=RD, select={"z": wrong})
        assert error.key == "raster_select_value"
        assert "-1.5" in error.message_nl
    assert refused(path, crs=RD, select={"w": 1}).key == "raster_select_axis"
    assert refused(path, crs=RD, select={"x": EAST[0]}).key == "raster_select_axis"
    assert refused(path, crs=RD, select={"z": -1.5}, band=2).key == "raster_key"
    two = netcdf(tmp_path / "b.nc", ("layer", "z", "y", "x"))
    error = refused(two, crs=RD, select={"z": -1.5})
    assert error.key == "raster_select_missing"
    assert "layer" in error.message_nl


def test_netcdf_in_degrees_is_refused_and_metres_called_so_are_told(tmp_path):
    kinds = {"lon": "x", "lat": "y"}
    degrees = {"lon": np.array([5.0, 5.1, 5.2]), "lat": np.array([52.0, 52.1])}
    path = netcdf(tmp_path / "a.nc", ("lat", "lon"), degrees, kinds=kinds)
    error = refused(path, crs="EPSG:4326")
    assert error.key == "raster_lonlat"
    assert "lon" in error.message_nl
    metres = netcdf(tmp_path / "b.nc", ("lat", "lon"), {"lon": EAST, "lat": NORTH}, kinds=kinds)
    read = read_grid(metres, crs=RD)
    stands_right(read)
    assert "lonlat_names" in read.notes


def test_the_crs_of_a_netcdf_may_have_any_name(tmp_path):
    path = netcdf(tmp_path / "a.nc", ("y", "x"), mapping="oblique_stereographic")
    read = read_grid(path)
    assert (read.crs, read.declared) == (RD, RD)
    stands_right(read)
    read_grid(path, variable="data")
    assert refused(path, variable="date").key == "raster_variable"
    without = netcdf(tmp_path / "b.nc", ("y", "x"))
    assert refused(without).key == "raster_crs"
    assert read_grid(without, crs=RD).declared == ""


@pytest.mark.parametrize("suffix", [".nc", ".csv", ".xyz"])
def test_coordinates_of_corners_move_half_a_cell(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".nc":
        netcdf(path, ("x", "y"))
    else:
        rows = [f"{x} {y} {expected(x, y)}" for x in EAST for y in NORTH]
        path.write_text("\n".join(["x y v", *rows]).replace(" ", "," if suffix == ".csv" else " "))
    centres, corners = read_grid(path, crs=RD), read_grid(path, crs=RD, corners=True)
    np.testing.assert_array_equal(centres.values, corners.values)
    # The cell whose south-west corner is (200050, 500050) is the one with that value.
    assert (centres.west, centres.north) == (200_000, 500_300)
    assert (corners.west, corners.north) == (200_050, 500_350)
    assert corners.values[-1, 0] == expected(200_050, 500_050)
    assert "50 m" in corners.notes_nl[corners.notes.index("corners")]


def test_a_grid_in_kilometres_is_told_and_checked(tmp_path):
    axes = {"x": EAST / 1000, "y": NORTH / 1000}
    path = netcdf(tmp_path / "a.nc", ("y", "x"), axes)
    read = read_grid(path, crs=RD, unit_m=1000, corners=True)
    assert read.west, read.north == pytest.approx((200_050, 500_350))
    assert read.cell == pytest.approx(100)
    assert {"unit_m", "corners"} <= set(read.notes)
    named = netcdf(tmp_path / "b.nc", ("y", "x"), axes, attributes={"x": {"units": "km"}})
    assert refused(named, crs=RD).key == "raster_axis_unit"
    assert read_grid(named, crs=RD, unit_m=1000).cell == pytest.approx(100)
    metres = netcdf(tmp_path / "c.nc", ("y", "x"), attributes={"x": {"units": "m"}, "y": {"units": "meter"}})
    assert refused(metres, crs=RD, unit_m=1000).key == "raster_axis_unit"
    assert read_grid(metres, crs=RD).cell == 100


def test_a_choice_that_does_nothing_is_refused(tmp_path):
    path = tmp_path / "a.asc"
    path.write_text(ASC)
    for choice in (
        {"band": 2},
        {"variable": "data"},
        {"select": {"z": 1}},
        {"corners": True},
        {"columns": ("a", "b", "c")},
    ):
        error = refused(path, crs=RD, **choice)
        assert error.key == "raster_key"
        assert next(iter(choice)) in error.message_nl


def test_the_unit_of_a_geotiff_is_kept(tmp_path):
    path = tiff(tmp_path / "a.tif")
    assert read_grid(path).unit == ""
    with rasterio.open(path, "r+") as file:
        file.units = ("ft",)
    assert read_grid(path).unit == "ft"


# Wrong files -----------------------------------------------------------------------------

BROKEN_ASC = [
    (ASC.replace("1 2 3", "1 x 3"), "raster_number"),
    (ASC.replace("1 2 3", "1,5 2 3"), "raster_number"),
    (ASC.replace("4 -9999 6\n", ""), "raster_count"),
    (ASC + "7 8 9\n", "raster_count"),
    (ASC.replace("cellsize 100\n", ""), "raster_header"),
    (ASC.replace("xllcorner 200000\n", ""), "raster_header"),
    (ASC.replace("ncols 3", "ncols drie"), "raster_header"),
    (ASC.replace("ncols 3", "ncols 3.5"), "raster_header"),
    (ASC.replace("ncols 3", "ncols 0"), "raster_empty"),
    (ASC.replace("ncols 3", "ncols 99999999"), "raster_too_large"),
    (ASC.replace("ncols 3", "ncols 9999"), "raster_count"),
    (ASC.replace("cellsize 100", "dx 100\ndy 50"), "raster_not_square"),
    (ASC.replace("cellsize 100", "cellsize nan"), "raster_header"),
    (ASC.replace("1 2 3\n4 -9999 6", "-9999 -9999 -9999\n-9999 -9999 -9999"), "raster_empty"),
    (ASC.replace("1 2 3", "1 inf 3"), "raster_infinite"),
    ("dit is geen raster\n", "raster_header"),
]
BROKEN_ZMAP = [
    (ZMAP.replace("GRID", "FAULT"), "raster_header"),
    (ZMAP.replace("@PERM", "PERM"), "raster_header"),
    (ZMAP.replace("3, 2, 200050", "3, x, 200050"), "raster_header"),
    (ZMAP.replace("3, 2, 200050", "99999, 99999, 200050"), "raster_too_large"),
    (ZMAP.replace("3, 2, 200050", "99, 99, 200050"), "raster_count"),
    (ZMAP.replace("     -6.5000\n", ""), "raster_count"),
    (ZMAP + "      7.0000\n", "raster_count"),
    (ZMAP.replace("      3.0000", "      drie  "), "raster_number"),
    (ZMAP.replace("      3.0000", "      3.0000      4.0000"), "raster_number"),
    (ZMAP.replace("500250", "500150"), "raster_not_square"),
]
BROKEN_XYZ = [
    (XYZ.replace("200150", "200163"), "raster_not_regular"),
    (XYZ + "200250 500050 7\n", "raster_twice"),
    (XYZ.replace(" 6\n", "\n"), "raster_number"),
    (XYZ.replace(" 6\n", " zes\n"), "raster_number"),
    ("x y z\n", "raster_empty"),
    ("1 1 5\n", "raster_not_regular"),
    ("0 0 1\n10 10 1\n1000000 1000000 1\n", "raster_too_large"),
]


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [("a.asc", *case) for case in BROKEN_ASC]
    + [("a.zmap", *case) for case in BROKEN_ZMAP]
    + [("a.xyz", *case) for case in BROKEN_XYZ],
)
def test_a_broken_text_grid_is_refused(tmp_path, name, content, key):
    path = tmp_path / name
    path.write_text(content)
    assert refused(path, crs=RD).key == key


def test_a_broken_geotiff_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    tilted = Affine(100, 10, 200_000, 10, -100, 500_200)
    for options, key in (
        ({"crs": None}, "raster_crs"),
        ({"transform": tilted}, "raster_rotated"),
        ({"transform": Affine(100, 0, 200_000, 0, -50, 500_200)}, "raster_not_square"),
        ({"transform": Affine.identity()}, "raster_no_place"),
        ({"values": VALUES * np.nan}, "raster_empty"),
        ({"values": np.array([[1, np.inf]])}, "raster_infinite"),
    ):
        assert refused(tiff(path, **options)).key == key
    assert refused(tiff(path), band=2).key == "raster_band"
    path.write_bytes(path.read_bytes()[:200])
    assert refused(path).key == "raster_unreadable"
    path.write_text('<VRTDataset rasterXSize="1" rasterYSize="1"/>')
    assert refused(path).key == "raster_unreadable"


def test_a_grid_that_claims_to_be_huge_takes_no_memory(tmp_path, monkeypatch):
    path = tmp_path / "a.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=200_000, height=200_000, count=1, dtype="float64", crs=RD, SPARSE_OK="TRUE",
        transform=Affine(1, 0, 0, 0, -1, 0), tiled=True, blockxsize=4096, blockysize=4096,
    ):  # fmt: skip
        pass
    assert refused(path).key == "raster_too_large"
    monkeypatch.setattr(grid_texts, "MAX_CELLS", 5)
    assert refused(tiff(tmp_path / "b.tif")).key == "raster_too_large"


def test_another_kind_and_no_file_are_refused(tmp_path):
    (tmp_path / "a.vrt").write_text("<VRTDataset/>")
    assert refused(tmp_path / "a.vrt").key == "raster_kind"
    assert refused(tmp_path / "b.asc").key == "file_missing"
    (tmp_path / "b.asc").touch()
    assert refused(tmp_path / "b.asc").key == "file_empty"


def raw_array(path: Path, variable: str) -> Any:
    """A variable by another driver of GDAL, which knows nothing of axes and coordinates."""
    with (
        pytest.warns(rasterio.errors.NotGeoreferencedWarning),
        rasterio.open(f'HDF5:"{path.as_posix()}"://{variable}') as file,
    ):
        return file.read()


@pytest.mark.real_data
def test_the_real_grids(real_data):
    thickness = read_grid(real_data / "geology/groningen_ReservoirModel_thickness.csv", crs=RD)
    assert int(np.isfinite(thickness.values).sum()) == 5813
    assert (thickness.cell, thickness.values.shape) == (500, (99, 84))
    chloride = real_data / "geology/chloride_hbossche.nc"
    assert refused(chloride).key == "raster_crs"
    assert refused(chloride, crs=RD).key == "raster_empty"
    read = read_grid(chloride, crs=RD, select={"percentile": "p25", "layer": 10})
    assert (read.values.shape, read.cell, read.west, read.north) == ((12, 20), 250, 102_750, 529_500)
    assert read.notes == ()
    # Rows from north to south, as the axis in the file says; GDAL by itself turns them.
    np.testing.assert_array_equal(read.values, read_grid(chloride, crs=RD, band=10).values)
    last = read_grid(chloride, crs=RD, select={"percentile": "p75", "layer": 46})
    np.testing.assert_array_equal(last.values, read_grid(chloride, crs=RD, band=138).values)
    assert "p50" in refused(chloride, crs=RD, select={"percentile": "p10", "layer": 10}).message_nl


@pytest.mark.real_data
def test_the_real_voxels_of_geotop_stand_right_side_up(real_data):
    path = real_data / "geology/geotop_usp.nc"
    assert "lithok" in refused(path, crs=RD).message_nl
    assert refused(path, variable="strat").key == "raster_crs"
    raw = raw_array(path, "strat").astype(float)
    assert raw.shape == (19, 15, 313)
    raw[raw == -127] = np.nan
    x, y, z = (raw_array(path, axis).ravel() for axis in "xyz")
    for level in (1, 60, 100, 104):
        read = read_grid(path, crs=RD, variable="strat", select={"z": float(z[level])}, corners=True)
        assert {"corners", "south_up"} <= set(read.notes)
        assert (read.west, read.north, read.cell) == (x.min(), y.max() + 100, 100)
        compared = 0
        for i, west in enumerate(x):
            for j, south in enumerate(y):
                row, column = round((read.north - south) / 100) - 1, round((west - read.west) / 100)
                np.testing.assert_equal(read.values[row, column], raw[i, j, level])
                compared += 1
        assert compared == 285
    # Halfway between two levels there is no nearest one.
    assert refused(path, crs=RD, variable="strat", select={"z": -20.25}).key == "raster_select_value"

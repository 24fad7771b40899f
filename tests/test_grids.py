"""Grids of analysts: every format, its traps, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from rasterio import Affine

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


@pytest.mark.real_data
def test_the_real_grids(real_data):
    thickness = read_grid(real_data / "geology/groningen_ReservoirModel_thickness.csv", crs=RD)
    assert int(np.isfinite(thickness.values).sum()) == 5813
    assert (thickness.cell, thickness.values.shape) == (500, (99, 84))
    chloride = real_data / "geology/chloride_hbossche.nc"
    assert refused(chloride).key == "raster_crs"
    assert refused(chloride, crs=RD).key == "raster_empty"
    read = read_grid(chloride, crs=RD, band=10)
    assert (read.values.shape, read.cell, read.west, read.north) == ((12, 20), 250, 102_750, 529_500)
    assert read.notes == ("outside_band",)
    geotop = real_data / "geology/geotop_usp.nc"
    assert "lithok" in refused(geotop, crs=RD).message_nl
    assert refused(geotop, crs=RD, variable="strat").key == "raster_axes"

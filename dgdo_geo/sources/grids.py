"""Read analysts' own grids: ESRI ASCII, GeoTIFF, ZMAP+, XYZ points and NetCDF.

The result has row 0 in the north, square cells and NaN where there are no
data, as ``overlay.raster.Raster`` wants. Nothing is reprojected, and no sign
is changed: what looks odd is told in the notes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray

from dgdo_geo.errors import InputError
from dgdo_geo.sources import archives
from dgdo_geo.sources.grid_texts import RawGrid, check_size, read_ascii, read_points, read_zmap
from dgdo_geo.sources.tables import CSV_SUFFIXES
from dgdo_geo.texts import text

SUFFIXES = (".asc", ".tif", ".tiff", ".zmap", ".xyz", *CSV_SUFFIXES, ".nc")
SQUARE = 1e-6
"""Largest difference between width and height of a cell, relative: text files round."""
RD = "EPSG:28992"
# Auxiliary files beside a raster may name other files, and GDAL writes them.
SAFE = {"GDAL_PAM_ENABLED": "NO", "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}", "GDAL_NETCDF_BOTTOMUP": "NO"}


@dataclass(frozen=True, slots=True)
class GridFile:
    """A grid as it stands in a file.

    Attributes
    ----------
    values : numpy.ndarray of float32 or float64, shape (rows, columns)
        Row 0 in the north; NaN where there are no data.
    west, north : float
        North-west corner of the north-west cell, in the unit of ``crs``.
    cell : float
        Width and height of a cell, in the unit of ``crs``.
    crs : str
        As ``EPSG:23031``.
    notes : tuple of str
        Keys of ``[grid_notes]``: what a reader should know.
    notes_nl : tuple of str
        The same in Dutch words.
    """

    values: NDArray[np.floating]
    west: float
    north: float
    cell: float
    crs: str
    notes: tuple[str, ...] = ()
    notes_nl: tuple[str, ...] = ()


def read_grid(
    path: Path,
    *,
    crs: str | None = None,
    band: int = 1,
    variable: str | None = None,
    columns: tuple[str, str, str] | None = None,
) -> GridFile:
    """Read one band of a grid as it is.

    Parameters
    ----------
    path : Path
    crs : str, optional
        Overrules what the file says; needed when it says nothing.
    band : int
        Counted from 1.
    variable : str, optional
        Of a NetCDF with several.
    columns : tuple of str, optional
        Columns of x, y and the value, of a table of points with a header. Without it the first three.

    Raises
    ------
    InputError
        If the file is not there, too large, broken or empty, names no coordinate system while none is given,
        or is rotated, irregular or not square.
    """
    archives.check_path(path)
    suffix = path.suffix.casefold()
    if suffix not in SUFFIXES:
        raise InputError("raster_kind", file=archives.shown(path.name), known=", ".join(SUFFIXES))
    if suffix == ".asc":
        raw = read_ascii(path)
    elif suffix == ".zmap":
        raw = read_zmap(path)
    elif suffix in (".tif", ".tiff"):
        raw = _read_gdal(path, path.resolve().as_posix(), "GTiff", band)
    elif suffix == ".nc":
        raw = _read_netcdf(path, variable, band)
    else:
        raw = read_points(path, columns)
    return _finish(raw, path, crs)


def _finish(raw: RawGrid, path: Path, crs: str | None) -> GridFile:
    """Checks that hold for every kind, and the notes."""
    used = raw.crs if crs is None else _parse_crs(crs)
    if used is None:
        raise InputError("raster_crs", file=path.name)
    if not np.isfinite([raw.west, raw.north, raw.width, raw.height]).all() or raw.width <= 0 or raw.height == 0:
        raise InputError("raster_no_place", file=path.name)
    if abs(raw.width - abs(raw.height)) > SQUARE * raw.width:
        width, height = f"{raw.width:g}", f"{abs(raw.height):g}"
        raise InputError("raster_not_square", file=path.name, width=width, height=height)
    values, north = raw.values, raw.north
    if raw.height < 0:
        values, north = values[::-1].copy(), raw.north - raw.height * len(values)
    if np.isinf(values).any():
        raise InputError("raster_infinite", file=path.name)
    if np.isnan(values).all():
        raise InputError("raster_empty", file=path.name)
    name = used.to_string()
    told: dict[str, str] = {}
    if name != RD:
        told["other_crs"] = text("grid_notes", "other_crs", crs=name if len(name) < 40 else used.name)
    if crs is not None and raw.crs is not None and not used.equals(raw.crs):
        declared = raw.crs.to_string()
        told["crs_overruled"] = text(
            "grid_notes", "crs_overruled", declared=declared if len(declared) < 40 else raw.crs.name, used=name
        )
    if (share := float((values < 0).sum() / np.isfinite(values).sum())) > 0:
        told["negative"] = text("grid_notes", "negative", share=f"{share:.0%}")
    if raw.height < 0:
        told["south_up"] = text("grid_notes", "south_up")
    if raw.bands[1] > 1:
        told["outside_band"] = text("grid_notes", "outside_band", band=raw.bands[0], count=raw.bands[1])
    return GridFile(values, float(raw.west), float(north), float(raw.width), name, tuple(told), tuple(told.values()))


def _parse_crs(value: str) -> pyproj.CRS:
    try:
        return pyproj.CRS.from_user_input(value)
    except pyproj.exceptions.CRSError as error:
        raise InputError("crs_unknown", crs=value) from error


# GDAL ------------------------------------------------------------------------------------


def _read_gdal(path: Path, address: str, driver: str, band: int) -> RawGrid:
    """One band of a file, by one driver only."""
    with _opened(path, address, driver) as file:
        if not 1 <= band <= file.count:
            raise InputError("raster_band", file=path.name, count=file.count, band=band)
        check_size(path, file.height, file.width)
        transform = file.transform
        if transform.is_identity:
            raise InputError("raster_no_place", file=path.name)
        if transform.b != 0 or transform.d != 0:
            raise InputError("raster_rotated", file=path.name)
        with _as_input_error(path):
            values = _values(file, band)
            crs = pyproj.CRS.from_user_input(file.crs) if file.crs else None
        return RawGrid(values, transform.c, transform.f, transform.a, -transform.e, crs, (band, file.count))


def _values(file: rasterio.DatasetReader, band: int) -> NDArray[np.floating]:
    """Values with scale and offset applied; whole numbers become float64, float32 stays."""
    read = file.read(band, masked=True)
    values = read.data.astype(np.float32 if read.dtype == np.float32 else np.float64)
    scale, offset = file.scales[band - 1], file.offsets[band - 1]
    if (scale, offset) != (1.0, 0.0):
        values = values * values.dtype.type(scale) + values.dtype.type(offset)
    values[np.ma.getmaskarray(read)] = np.nan
    return values


@contextmanager
def _as_input_error(path: Path) -> Iterator[None]:
    try:
        yield
    except (rasterio.errors.RasterioError, rasterio.errors.CRSError, pyproj.exceptions.CRSError, ValueError) as error:
        raise InputError("raster_unreadable", file=path.name, reason=str(error).splitlines()[0]) from error


@contextmanager
def _opened(path: Path, address: str, driver: str) -> Iterator[rasterio.DatasetReader]:
    """A file opened by GDAL, without auxiliary files and without a network."""
    with rasterio.Env(**SAFE), warnings.catch_warnings():
        # A file that does not say where it lies is told with a message of ours.
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with _as_input_error(path):
            file = rasterio.open(address, driver=driver)
        with file:
            yield file


def _read_netcdf(path: Path, variable: str | None, band: int) -> RawGrid:
    """One layer of a NetCDF variable with axes y and x."""
    name = path.resolve().as_posix()
    if '"' in name:
        raise InputError("file_name_strange", file=archives.shown(path.name))
    with _opened(path, name, "netCDF") as file:
        known = [address.rpartition(":")[2] for address in file.subdatasets]
    if (variable is None and known) or (variable is not None and known and variable not in known):
        raise InputError("raster_variable", file=path.name, known=", ".join(map(archives.shown, known)))
    address = name if variable is None else f'netcdf:"{name}":{variable}'
    with _opened(path, address, "netCDF") as file:
        tags = file.tags()
        beside = tags.get("NETCDF_DIM_EXTRA", "").strip("{}")
        crs = pyproj.CRS.from_user_input(file.crs) if file.crs else None
        shape, count = (file.height, file.width), file.count
        if not 1 <= band <= count:
            raise InputError("raster_band", file=path.name, count=count, band=band)
        check_size(path, *shape)
        shown = variable or str(file.tags(1).get("NETCDF_VARNAME", "?"))
    x, y = _axis(path, name, "x"), _axis(path, name, "y")
    if {"x", "y"} & set(beside.split(",")) or (x is not None and y is not None and (len(y), len(x)) != shape):
        raise InputError("raster_axes", file=path.name, variable=shown, axes=beside or "-")
    if x is None or y is None:
        raise InputError("raster_no_place", file=path.name)
    with _opened(path, address, "netCDF") as file, _as_input_error(path):
        values = _values(file, band)
    width, height = _step(path, x), -_step(path, y)
    if width < 0:
        raise InputError("raster_rotated", file=path.name)
    return RawGrid(values, x[0] - width / 2, y[0] + height / 2, width, height, crs, (band, count))


def _axis(path: Path, name: str, axis: str) -> NDArray[np.float64] | None:
    """Coordinates of the centres of the cells along one axis, when the file has them."""
    try:
        with _opened(path, f'netcdf:"{name}":{axis}', "netCDF") as file:
            check_size(path, file.height, file.width)
            return np.asarray(file.read(1), np.float64).ravel()
    except InputError:
        return None


def _step(path: Path, axis: NDArray[np.float64]) -> float:
    steps = np.diff(axis)
    if not len(steps) or not np.isfinite(steps).all() or np.ptp(steps) > 1e-3 * abs(steps[0]) or steps[0] == 0:
        raise InputError("raster_not_regular", file=path.name)
    return float((axis[-1] - axis[0]) / len(steps))

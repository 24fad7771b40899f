"""Read analysts' own grids: ESRI ASCII, GeoTIFF, ZMAP+, XYZ points and NetCDF.

The result has row 0 in the north, square cells and NaN where there are no
data, as ``overlay.raster.Raster`` wants. Nothing is reprojected, and no sign
is changed: what looks odd is told in the notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyproj
from numpy.typing import NDArray

from dgdo_geo.errors import InputError
from dgdo_geo.sources import archives
from dgdo_geo.sources.grid_gdal import SAFE as SAFE
from dgdo_geo.sources.grid_gdal import read_tiff
from dgdo_geo.sources.grid_netcdf import read_netcdf
from dgdo_geo.sources.grid_texts import RawGrid, read_ascii, read_points, read_zmap
from dgdo_geo.sources.tables import CSV_SUFFIXES
from dgdo_geo.texts import text

TIFF_SUFFIXES = (".tif", ".tiff")
SUFFIXES = (".asc", *TIFF_SUFFIXES, ".zmap", ".xyz", *CSV_SUFFIXES, ".nc")
SQUARE = 1e-6
"""Largest difference between width and height of a cell, relative: text files round."""
RD = "EPSG:28992"
FITS: Mapping[str, tuple[str, ...]] = {
    "band": (*TIFF_SUFFIXES, ".nc"),
    "variable": (".nc",),
    "select": (".nc",),
    "columns": (".xyz", *CSV_SUFFIXES),
    "corners": (".xyz", *CSV_SUFFIXES, ".nc"),
}
"""Which choice goes with which kind of file; another would do nothing."""


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
    unit : str
        Of the values, as the source says; "" when it does not.
    declared : str or None
        The coordinate system that the source names itself, "" when it names none; None when that was not looked at.
    """

    values: NDArray[np.floating]
    west: float
    north: float
    cell: float
    crs: str
    notes: tuple[str, ...] = ()
    notes_nl: tuple[str, ...] = ()
    unit: str = ""
    declared: str | None = None


def read_grid(
    path: Path,
    *,
    crs: str | None = None,
    band: int = 1,
    variable: str | None = None,
    columns: tuple[str, str, str] | None = None,
    select: Mapping[str, str | float] | None = None,
    corners: bool = False,
    unit_m: float = 1.0,
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
    select : mapping of axis -> coordinate or label, optional
        Position along the axes of a NetCDF other than x and y, in place of ``band``.
    corners : bool
        The x and y of a NetCDF or of points are the south-west corners of the cells, not their centres.
    unit_m : float
        Metres in one unit of x and y.

    Raises
    ------
    InputError
        If the file is not there, too large, broken or empty, names no coordinate system while none is given,
        or is rotated, irregular or not square; or if a choice does not fit the kind of file.
    """
    archives.check_path(path)
    suffix = path.suffix.casefold()
    if suffix not in SUFFIXES:
        raise InputError("raster_kind", file=archives.shown(path.name), known=", ".join(SUFFIXES))
    given = {
        "band": band != 1, "variable": variable is not None, "columns": columns is not None, "select": bool(select),
        "corners": corners,
    }  # fmt: skip
    for key, is_given in given.items():
        if is_given and suffix not in FITS[key]:
            raise InputError("raster_key", file=path.name, choice=key, kinds=", ".join(FITS[key]))
    if select and band != 1:
        raise InputError("raster_key", file=path.name, choice="band", kinds="-")
    if suffix == ".asc":
        raw = read_ascii(path)
    elif suffix == ".zmap":
        raw = read_zmap(path)
    elif suffix in TIFF_SUFFIXES:
        raw = read_tiff(path, band)
    elif suffix == ".nc":
        raw = read_netcdf(path, variable, band, select or {}, unit_m)
    else:
        raw = read_points(path, columns)
    return _finish(_placed(raw, corners=corners, unit_m=unit_m), path, crs)


def _placed(raw: RawGrid, *, corners: bool, unit_m: float) -> RawGrid:
    """The grid where the recipe says that it lies; whatever is moved is told."""
    if corners:
        # The cells were laid around the coordinates; their south-west corners lie there.
        raw = replace(raw, west=raw.west + raw.width / 2, north=raw.north + abs(raw.height) / 2)
        raw.notes["corners"] = text("grid_notes", "corners", half=f"{raw.width / 2 * unit_m:g}")
    if unit_m != 1:
        place = (raw.west * unit_m, raw.north * unit_m, raw.width * unit_m, raw.height * unit_m)
        raw = replace(raw, west=place[0], north=place[1], width=place[2], height=place[3])
        raw.notes["unit_m"] = text("grid_notes", "unit_m", metres=f"{unit_m:g}")
    return raw


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
    name = _named(used)
    told = _told(raw, values, used, is_given=crs is not None)
    declared = "" if raw.crs is None else _named(raw.crs)
    return GridFile(
        values, float(raw.west), float(north), float(raw.width), name,
        tuple(told), tuple(told.values()), raw.unit, declared,
    )  # fmt: skip


def _named(crs: pyproj.CRS) -> str:
    """A CRS as ``EPSG:28992`` where it is one, else as it says itself."""
    epsg = crs.to_epsg()
    return crs.to_string() if epsg is None else f"EPSG:{epsg}"


def _told(raw: RawGrid, values: NDArray[np.floating], used: pyproj.CRS, *, is_given: bool) -> dict[str, str]:
    """What a reader should know, by key of ``[grid_notes]``."""

    def short(crs: pyproj.CRS) -> str:
        name = _named(crs)
        return name if len(name) < 40 else crs.name

    told = {}
    if _named(used) != RD:
        told["other_crs"] = text("grid_notes", "other_crs", crs=short(used))
    if is_given and raw.crs is not None and not used.equals(raw.crs):
        told["crs_overruled"] = text("grid_notes", "crs_overruled", declared=short(raw.crs), used=_named(used))
    if (share := float((values < 0).sum() / np.isfinite(values).sum())) > 0:
        told["negative"] = text("grid_notes", "negative", share=f"{share:.0%}")
    if raw.height < 0:
        told["south_up"] = text("grid_notes", "south_up")
    if raw.bands[1] > 1:
        told["outside_band"] = text("grid_notes", "outside_band", band=raw.bands[0], count=raw.bands[1])
    return told | raw.notes


def _parse_crs(value: str) -> pyproj.CRS:
    try:
        return pyproj.CRS.from_user_input(value)
    except pyproj.exceptions.CRSError as error:
        raise InputError("crs_unknown", crs=value) from error

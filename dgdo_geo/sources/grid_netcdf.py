"""NetCDF: one layer of a variable, whatever its axes are called and in which order they stand.

GDAL gives the last two axes of a variable as rows and columns, the others as
bands, and names only those others. Which two the last ones are is found from
the lengths of the axes that the file has coordinates for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyproj
from numpy.typing import NDArray
from rasterio.windows import Window

from dgdo_geo.errors import InputError
from dgdo_geo.sources import archives
from dgdo_geo.sources.grid_gdal import as_input_error, opened, with_nan
from dgdo_geo.sources.grid_texts import RawGrid, check_size
from dgdo_geo.texts import text

X_NAMES = ("x", "X", "xc", "easting", "Easting", "x_coordinate", "x_rd", "rd_x", "projection_x_coordinate")
Y_NAMES = ("y", "Y", "yc", "northing", "Northing", "y_coordinate", "y_rd", "rd_y", "projection_y_coordinate")
LON_NAMES = ("lon", "longitude", "Longitude", "LON", "Lon")
LAT_NAMES = ("lat", "latitude", "Latitude", "LAT", "Lat")
LARGEST_DEGREE = 360.0
STEP = 1e-3
"""Largest difference between steps of an axis, in steps: text and float32 round."""
METRES = re.compile(r"(m|met(er|re)s?)\b.*", re.IGNORECASE)
KILOMETRES = re.compile(r"(km|kilomet(er|re)s?)\b.*", re.IGNORECASE)
SHOWN = 12
"""Coordinates of an axis in a message, at most."""

Axis = NDArray[np.float64] | tuple[str, ...]
"""Coordinates or labels along an axis."""


@dataclass(slots=True)
class _Variable:
    """A variable as GDAL gives it: its axes in the order of the file.

    Attributes
    ----------
    address : str
        For GDAL.
    name : str
    tags : mapping
        Attributes, as ``axis#attribute``.
    outer : sequence of str
        Axes other than the last two.
    shape : tuple of int
        Length of every axis; the last two are rows and columns of GDAL.
    left : float or None
        Western side as GDAL sees it, along the last axis; None when the file does not tell what its axes are.
    notes : dict
        Keys of ``[grid_notes]`` and their text.
    """

    path: Path
    file: str
    address: str
    name: str
    tags: Mapping[str, str]
    outer: Sequence[str]
    shape: tuple[int, ...]
    left: float | None
    notes: dict[str, str] = field(default_factory=dict)


def read_netcdf(
    path: Path, variable: str | None, band: int, select: Mapping[str, str | float], unit_m: float
) -> RawGrid:
    """Read one layer of a variable with an axis x and an axis y.

    Parameters
    ----------
    variable : str, optional
        Needed when there are several.
    band : int
        Counted from 1, along the axes other than x and y; used without ``select``.
    select : mapping of axis -> coordinate or label
        Position along the axes other than x and y. The nearest coordinate is taken, if it is no further away than
        half a step.
    unit_m : float
        What the recipe says of the unit of x and y, to compare with what the file says.

    Raises
    ------
    InputError
    """
    found = _find(path, variable)
    x_name, x = _map_axis(found, X_NAMES, "x", LON_NAMES)
    y_name, y = _map_axis(found, Y_NAMES, "y", LAT_NAMES)
    for axis in (x_name, y_name):
        _check_unit(found, axis, unit_m)
    names = _names(found, {x_name: len(x), y_name: len(y)}, x_name, x, tuple(select))
    check_size(path, len(y), len(x))
    place, number, count = _position(found, names, (x_name, y_name), band, select)
    values, crs, unit = _values(found, names, place, x_name)
    width, height = _step(path, x), -_step(path, y)
    if width < 0:
        values, x, width = values[:, ::-1], x[::-1], -width
        found.notes["east_west"] = text("grid_notes", "east_west")
    return RawGrid(
        np.ascontiguousarray(values), x[0] - width / 2, y[0] + height / 2, width, height, crs,
        (number, count), unit, found.notes,
    )  # fmt: skip


def _find(path: Path, variable: str | None) -> _Variable:
    """The variable, with what GDAL says of its axes."""
    file = path.resolve().as_posix()
    if '"' in file:
        raise InputError("file_name_strange", file=archives.shown(path.name))
    with opened(path, file, "netCDF") as opening:
        known = [address.rpartition(":")[2] for address in opening.subdatasets]
        known = known or [str(opening.tags(1).get("NETCDF_VARNAME", "?")) if opening.count else "?"]
    if (variable is None and len(known) > 1) or (variable is not None and variable not in known):
        raise InputError("raster_variable", file=path.name, known=", ".join(map(archives.shown, known)))
    address = f'netcdf:"{file}":{variable or known[0]}'
    with opened(path, address, "netCDF") as opening:
        tags = opening.tags()
        outer = [name for name in tags.get("NETCDF_DIM_EXTRA", "").strip("{}").split(",") if name]
        lengths = [_length(path, tags, name, opening.count, len(outer)) for name in outer]
        shape = (*lengths, opening.height, opening.width)
        if int(np.prod(lengths)) != opening.count:
            raise InputError("raster_axes", file=path.name, variable=known[0], axes=", ".join(outer) or "-")
        left = None if opening.transform.is_identity else float(opening.transform.c)
    return _Variable(path, file, address, variable or known[0], tags, outer, shape, left)


def _length(path: Path, tags: Mapping[str, str], name: str, count: int, axes: int) -> int:
    """Length of an axis that GDAL makes bands of."""
    try:
        return int(tags[f"NETCDF_DIM_{name}_DEF"].strip("{}").split(",")[0])
    except (KeyError, ValueError) as error:
        if axes == 1:
            return count
        raise InputError("raster_axes", file=path.name, variable="?", axes=name) from error


# Axes ------------------------------------------------------------------------------------


def _axis(found: _Variable, name: str) -> NDArray[np.float64] | None:
    """Coordinates along one axis, when the file has them."""
    try:
        with opened(found.path, f'netcdf:"{found.file}":{name}', "netCDF") as file:
            if file.height != 1 or file.count != 1:
                return None
            check_size(found.path, 1, file.width)
            with as_input_error(found.path):
                return np.asarray(file.read(1), np.float64).ravel()
    except InputError:
        return None


def _map_axis(
    found: _Variable, names: Sequence[str], axis: str, degrees: Sequence[str]
) -> tuple[str, NDArray[np.float64]]:
    """Name and coordinates of x or y: by its standard name, else by its own name.

    Longitude and latitude are taken when their coordinates are no degrees.
    """
    standard = [
        name
        for name, _, attribute in (tag.rpartition("#") for tag in found.tags)
        if (attribute == "standard_name" and found.tags[f"{name}#standard_name"] == f"projection_{axis}_coordinate")
        or (attribute == "axis" and found.tags[f"{name}#axis"].casefold() == axis)
    ]
    for name in dict.fromkeys((*standard, *names, *degrees)):
        coordinates = _axis(found, name)
        if coordinates is None or len(coordinates) not in found.shape:
            continue
        if name in degrees and np.abs(coordinates).max() <= LARGEST_DEGREE:
            raise InputError("raster_lonlat", file=found.path.name, axis=name)
        if name in degrees:
            found.notes["lonlat_names"] = text("grid_notes", "lonlat_names", axis=name)
        return name, coordinates
    axes = ", ".join(found.outer) or "-"
    if any(_axis(found, name) is not None for name in (*names, *degrees)):
        raise InputError("raster_axes", file=found.path.name, variable=found.name, axes=axes)
    raise InputError("raster_no_place", file=found.path.name)


def _check_unit(found: _Variable, axis: str, unit_m: float) -> None:
    """Refuse an axis in kilometres that is read as metres, and the other way."""
    unit = found.tags.get(f"{axis}#units", "")
    if (KILOMETRES.fullmatch(unit) and unit_m != 1000) or (METRES.fullmatch(unit) and unit_m != 1):
        raise InputError("raster_axis_unit", file=found.path.name, axis=axis, unit=unit, unit_m=f"{unit_m:g}")


def _names(
    found: _Variable, lengths: dict[str, int], x_name: str, x: NDArray[np.float64], asked: Sequence[str]
) -> list[str]:
    """Names of all axes in the order of the file; "" for one that is neither x nor y and has no coordinates.

    Raises
    ------
    InputError
        If x or y is no axis of the variable.
    """
    inner = [name for name in lengths if name not in found.outer]
    shape = found.shape[-2:]
    ways = [
        (first, second)
        for first in (*inner, "")
        for second in (*inner, "")
        if first != second or not first
        if {first, second} >= set(inner)
        if all(not name or lengths[name] == size for name, size in zip((first, second), shape, strict=True))
    ]
    if not ways:
        axes = ", ".join(found.outer) or "-"
        raise InputError("raster_axes", file=found.path.name, variable=found.name, axes=axes)
    if len(ways) > 1 and found.left is not None and x_name in inner:
        # GDAL knew the last axis: its first coordinate lies half a cell from the left side.
        is_x = abs(found.left - x[0]) <= abs(x[1] - x[0]) if len(x) > 1 else False
        ways = [way for way in ways if (way[1] == x_name) == is_x] or ways
    if len(ways) > 1:
        ways = [way for way in ways if way[1] == x_name] or ways
        found.notes["order_assumed"] = text("grid_notes", "order_assumed")
    return [*found.outer, *_named(found, ways[0], [*lengths, *found.outer], asked)]


def _named(found: _Variable, way: tuple[str, str], taken: Sequence[str], asked: Sequence[str]) -> list[str]:
    """The last two axes; one that is not on the map has the name that is asked, or of the only fitting coordinates."""
    marked = (name for name, mark, _ in (tag.rpartition("#") for tag in found.tags) if mark)
    others = [name for name in dict.fromkeys(marked) if name not in ("NC_GLOBAL", found.name, *taken)]
    names: list[str] = []
    for name, size in zip(way, found.shape[-2:], strict=True):
        fitting = [n for n in dict.fromkeys((*asked, *others)) if n not in (*taken, *names) and _fits(found, n, size)]
        # With two of that length there is no telling; then only ``band`` works.
        sure = [n for n in fitting if n in asked] or fitting
        names.append(name or (sure[0] if len(sure) == 1 else ""))
    return names


def _fits(found: _Variable, name: str, size: int) -> bool:
    coordinates = _axis(found, name)
    return coordinates is not None and len(coordinates) == size


# Position --------------------------------------------------------------------------------


def _position(
    found: _Variable, names: Sequence[str], on_map: Sequence[str], band: int, select: Mapping[str, str | float]
) -> tuple[dict[int, int], int, int]:
    """Place along every axis that is not on the map, its number, and how many there are."""
    others = [i for i, name in enumerate(names) if name not in on_map or names.index(name) != i]
    sizes = [found.shape[i] for i in others]
    known = ", ".join(archives.shown(names[i]) or "?" for i in others) or "-"
    if strange := sorted(set(select) - {names[i] for i in others}):
        raise InputError("raster_select_axis", file=found.path.name, axis=strange[0], known=known)
    count = int(np.prod(sizes))
    if not select:
        if not 1 <= band <= count:
            raise InputError("raster_band", file=found.path.name, count=count, band=band)
        place = dict(zip(others, map(int, np.unravel_index(band - 1, sizes) if sizes else ()), strict=True))
        return place, band, count
    place = {}
    for i, size in zip(others, sizes, strict=True):
        if names[i] in select:
            place[i] = _chosen(found, names[i], size, select[names[i]])
        elif size == 1:
            place[i] = 0
        else:
            axis = names[i] or "?"
            raise InputError(
                "raster_select_missing", file=found.path.name, axis=axis, known=_shown(found, names[i], size)
            )
    return place, 1, 1


def _along(found: _Variable, name: str, size: int) -> Axis | None:
    """Coordinates or labels along an axis that is not on the map."""
    coordinates = _axis(found, name) if name else None
    if coordinates is not None and len(coordinates) == size:
        return coordinates
    # GDAL reads no text; it tells it in the attributes.
    labels = [v.strip() for v in found.tags.get(f"NETCDF_DIM_{name}_VALUES", "").strip("{}").split(",")]
    return tuple(labels) if len(labels) == size and all(labels) else None


def _shown(found: _Variable, name: str, size: int) -> str:
    axis = _along(found, name, size)
    if axis is None:
        return "-"
    words = [archives.shown(v) if isinstance(v, str) else f"{v:g}" for v in axis]
    return ", ".join(words if len(words) <= SHOWN else [*words[: SHOWN - 1], "…", words[-1]])


def _chosen(found: _Variable, name: str, size: int, wanted: str | float) -> int:
    """Place along an axis of a label, or of the nearest coordinate within half a step."""
    axis = _along(found, name, size)
    place = None
    if isinstance(axis, tuple):
        place = axis.index(str(wanted)) if axis.count(str(wanted)) == 1 else None
    elif axis is not None and not isinstance(wanted, str):
        place = nearest(axis, wanted)
        if place is not None and axis[place] != wanted:
            found.notes["nearest"] = text(
                "grid_notes", "nearest", axis=name, used=f"{axis[place]:g}", wanted=f"{wanted:g}"
            )
    if place is None:
        raise InputError(
            "raster_select_value", file=found.path.name, axis=name, value=wanted, known=_shown(found, name, size)
        )
    return place


def nearest(axis: NDArray[np.float64], wanted: float) -> int | None:
    """Place of the coordinate nearest to a number; None when it is half a step or more away, or two are as near.

    >>> nearest(np.array([-20.5, -20.0, -19.5]), -20.1), nearest(np.array([-20.5, -20.0]), -20.25)
    (1, None)
    """
    gaps = np.abs(axis - wanted)
    place = int(np.argmin(gaps))
    if gaps[place] == 0:
        return place
    steps = np.abs(np.diff(np.sort(axis)))
    return place if len(steps) and gaps[place] < steps.min() / 2 * (1 - STEP) else None


# Values ----------------------------------------------------------------------------------


def _values(
    found: _Variable, names: Sequence[str], place: Mapping[int, int], x_name: str
) -> tuple[NDArray[np.floating], pyproj.CRS | None, str]:
    """Rows along y and columns along x, as far as they are asked; also the CRS and the unit."""
    last = len(names) - 2
    # Bands count the outer axes, the last of them fastest.
    ranges = [[place[i]] if i in place else range(found.shape[i]) for i in range(last)]
    grid = np.meshgrid(*ranges, indexing="ij") if ranges else []
    bands = np.ravel_multi_index(grid, found.shape[:last]).ravel() + 1 if ranges else np.array([1])
    row, column = (slice(place[i], place[i] + 1) if i in place else slice(0, found.shape[i]) for i in (last, last + 1))
    window = Window(column.start, row.start, column.stop - column.start, row.stop - row.start)
    with opened(found.path, found.address, "netCDF") as file, as_input_error(found.path):
        read = with_nan(file, [int(b) for b in bands], window)
        crs = pyproj.CRS.from_user_input(file.crs) if file.crs else None
        unit = (file.units[0] or "").strip()
    kept = [i for i in range(len(names)) if i not in place]
    values = read.reshape([found.shape[i] for i in kept])
    return (values if names[kept[-1]] == x_name else values.T), crs, unit


def _step(path: Path, axis: NDArray[np.float64]) -> float:
    steps = np.diff(axis)
    if not len(steps) or not np.isfinite(steps).all() or np.ptp(steps) > STEP * abs(steps[0]) or steps[0] == 0:
        raise InputError("raster_not_regular", file=path.name)
    return float((axis[-1] - axis[0]) / len(steps))

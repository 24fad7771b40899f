"""Several raster layers as one: which codes hold in each cell of the kernel's grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.model import Presence
from dgdo_geo.overlay.encode import Encoding, RasterPlane
from dgdo_geo.overlay.raster import as_polygons, grid_of

MILLIMETRES = 1000
LARGEST = 2**62
"""Combinations of raster codes that a number can tell apart."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Rasters of one grid: for each of its cells the mixed-radix number of their codes."""

    ids: NDArray[np.int64]
    row: NDArray[np.intp]
    column: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class RasterStack:
    """All rasters, by the rows and columns of the kernel's grid."""

    groups: tuple[_Group, ...]

    def of_rows(self, first: int, rows: int) -> NDArray[np.uint64]:
        """Number of the codes in every cell of some rows; shape (0, 0) without rasters."""
        if not self.groups:
            return np.empty((0, 0), np.uint64)
        parts = [g.ids[g.row[first : first + rows, None], g.column[None, :]] for g in self.groups]
        return np.ascontiguousarray(sum(parts[1:], parts[0]).astype(np.uint64))


def stack_rasters(
    rasters: Sequence[RasterPlane], west: float, south: float, cell: float, columns: int, rows: int
) -> RasterStack:
    """Look up which raster cell holds each cell of the kernel's grid, and number the codes.

    Raises
    ------
    ValueError
        If there are more combinations of codes than fit in 63 bits.
    """
    middle_x = west + (np.arange(columns, dtype=np.float64) + 0.5) * cell
    middle_y = south + (np.arange(rows, dtype=np.float64) + 0.5) * cell
    groups: dict[tuple[object, ...], _Group] = {}
    radix = 1
    for raster in rasters:
        place = (raster.west_m, raster.north_m, raster.cell_m, raster.codes.shape)
        if place not in groups:
            groups[place] = _empty_group(raster, middle_x, middle_y)
        groups[place].ids[1:, 1:] += (raster.codes.astype(np.int64) + 1) * radix
        radix *= len(raster.code_keys) + 1
        if radix >= LARGEST:
            raise ValueError("too many raster classes together")
    return RasterStack(tuple(groups.values()))


def _empty_group(raster: RasterPlane, x: NDArray[np.float64], y: NDArray[np.float64]) -> _Group:
    """A row and a column before the first stand for everything outside the raster."""
    cells = grid_of(raster)
    ids = np.zeros((cells.rows + 1, cells.columns + 1), np.int64)
    return _Group(ids, cells.row_of(y) + 1, cells.column_of(x) + 1)


def common_cell(rasters: Sequence[RasterPlane]) -> float:
    """Largest cell size in metres whose lines include the lines of all rasters; 0 when there is none.

    Sizes and corners are compared in whole millimetres.
    """
    numbers = []
    for raster in rasters:
        for value in (
            raster.cell_m,
            raster.west_m - rasters[0].west_m,
            raster.north_m - rasters[0].north_m,
        ):
            whole = round(value * MILLIMETRES)
            if abs(whole - value * MILLIMETRES) > 1e-6:
                return 0.0
            numbers.append(whole)
    return math.gcd(*numbers) / MILLIMETRES


def fitted(encoding: Encoding, smallest_m: float) -> Encoding:
    """The same encoding, in which the lines of all rasters lie on one grid of cells.

    A raster whose cells do not fit those of the rasters before it (another
    origin, a size that has no common divisor of ``smallest_m`` or more), or
    whose codes no number can hold besides theirs, is replaced by the outlines
    of its classes.
    """
    kept: list[RasterPlane] = []
    others: list[RasterPlane] = []
    radix = 1
    for raster in encoding.rasters:
        wider = radix * (len(raster.code_keys) + 1)
        if wider < LARGEST and common_cell([*kept, raster]) >= smallest_m:
            kept.append(raster)
            radix = wider
        else:
            others.append(raster)
    return _outlines(replace(encoding, rasters=tuple(kept)), others) if others else encoding


def outlined(encoding: Encoding) -> Encoding:
    """The same encoding with the outlines of all raster classes in place of rasters."""
    return _outlines(replace(encoding, rasters=()), encoding.rasters) if encoding.rasters else encoding


FAR_M = 1e6
"""A place outside a raster lies no further from it than this."""


def _outlines(encoding: Encoding, rasters: Sequence[RasterPlane]) -> Encoding:
    polygons, keys = [encoding.polygons], [encoding.polygon_key]
    for raster in rasters:
        shapes, key = as_polygons(raster)
        polygons.append(shapes)
        keys.append(key)
        if raster.outside_key >= 0:
            rows, columns = raster.codes.shape
            east, south = raster.west_m + columns * raster.cell_m, raster.north_m - rows * raster.cell_m
            inner = shapely.box(raster.west_m, south, east, raster.north_m)
            polygons.append(np.array([shapely.difference(shapely.buffer(inner, FAR_M, join_style="mitre"), inner)]))
            keys.append(np.array([raster.outside_key], np.intp))
    polygon = np.concatenate(polygons)
    level = np.full(len(polygon), Presence.INSIDE, np.int8)
    level[: len(encoding.polygon_level)] = encoding.polygon_level
    return replace(encoding, polygons=polygon, polygon_key=np.concatenate(keys), polygon_level=level)

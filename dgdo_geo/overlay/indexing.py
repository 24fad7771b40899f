"""Build the point index: the edges of every cell, and the polygons around its corner."""

from __future__ import annotations

import math

import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.overlay import kernel, places
from dgdo_geo.overlay.exact import flat_rings
from dgdo_geo.overlay.tally import slot_keys

EDGES_PER_CELL = 2.0
SMALLEST_CELL_M = 20.0


def index_arrays(polygons: NDArray[np.object_]) -> tuple[NDArray[np.generic], ...]:
    """Arrays for :func:`dgdo_geo.overlay.places.polygons_at`, ``grid`` first.

    Parameters
    ----------
    polygons : numpy.ndarray of shapely polygons, shape (p,)
        EPSG:28992; at least one.
    """
    rings = flat_rings(polygons, np.arange(len(polygons)), 0, map)
    grid = _grid(shapely.total_bounds(polygons), len(rings.xy))
    found, n = _registered(rings, grid)
    start = np.zeros(grid.rows * (grid.columns + 1) + 1, np.int64)
    edge, owner = np.empty(n, np.int32), np.empty(n, np.int32)
    kernel.sort_cells(found, n, start, edge, owner)
    corner, member, first = _corners(rings, grid, start, edge, owner)
    ends = np.concatenate([rings.xy[edge], rings.xy[edge + 1]], axis=1)
    is_downward = ends[:, 1] > ends[:, 3]
    ends[is_downward] = ends[is_downward][:, [2, 3, 0, 1]]
    owner = 2 * rings.polygon[owner >> 1] + (owner & 1)
    numbers = np.array([grid.west, grid.south, grid.cell, grid.columns, grid.rows], np.float64)
    return numbers, start, ends, owner.astype(np.int32), corner, member, first


def _grid(bounds: NDArray[np.float64], edges: int) -> kernel.Grid:
    """Cells with a few edges each; shifted off round coordinates, where points like to lie."""
    west, south, east, north = (float(b) for b in bounds)
    cell = max(SMALLEST_CELL_M, math.sqrt((east - west) * (north - south) / edges * EDGES_PER_CELL)) + 0.0137
    west, south = west - 0.3719 * cell, south - 0.4142 * cell
    return kernel.Grid(west, south, cell, math.floor((east - west) / cell) + 1, math.floor((north - south) / cell) + 1)


def _registered(rings: kernel.Rings, grid: kernel.Grid) -> tuple[NDArray[np.int32], int]:
    runs = np.stack([rings.start[:-1], rings.start[1:] - 1, np.arange(len(rings.start) - 1)], axis=1).astype(np.int32)
    room = 2 * len(rings.xy) + 64
    while True:
        found = np.empty((room, 3), np.int32)
        n = kernel.register(rings, runs, grid, 0, grid.rows, 0, found)
        if n <= room:
            return found, int(n)
        room = n


def _corners(
    rings: kernel.Rings,
    grid: kernel.Grid,
    start: NDArray[np.int64],
    edge: NDArray[np.int32],
    owner: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    corner = np.empty((grid.rows, grid.columns), np.int32)
    sets, members = 1 << 16, 1 << 21
    while True:
        index, member, first = np.full(2 * sets, -1, np.int32), np.empty(members, np.int32), np.zeros(sets, np.int64)
        n = places.corner_sets(
            rings, grid, start, edge, owner, slot_keys(len(rings.slot)), corner, index, member, first
        )
        if n >= 0:
            return corner, member[: first[n]].copy(), first[: n + 1].copy()
        sets, members = 4 * sets, 4 * members

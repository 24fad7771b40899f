"""The exact kernel, first part: which edges pass which cell.

Method. A grid is laid over the country. In a cell that no edge passes, the
combination of planes is the same everywhere, so the cell counts as a whole. In
the other cells the edges are cut at their ends and at their crossings into
vertical strips; between two edges that are next to each other in a strip lies
a trapezoid with one combination. The combination at the lower left corner of a
cell follows from the edges that cross the lower side of the cells to its left.
No face is ever put together, so there is nothing that can fail to close.

The row and column of a vertex are computed in one place and are the only truth
about where it lies: whether an edge crosses the lower side of a row is decided
from these whole numbers, so rounding can shift an area by a few ulps but can
never change what lies inside what.

All functions here and in ``sweep`` are compiled and run without the interpreter
lock; threads share only what they read.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dgdo_geo.overlay.compiled import compiled


class Grid(NamedTuple):
    """Square cells: south-west corner and cell size in metres, EPSG:28992, and their numbers."""

    west: float
    south: float
    cell: float
    columns: int
    rows: int


class Rings(NamedTuple):
    """Rings of all polygons as flat arrays.

    Attributes
    ----------
    xy : float64, shape (v, 2)
    start : int64, shape (r + 1,)
        First vertex of every ring.
    polygon : int32, shape (r,)
        Polygon of every ring.
    sign : int8, shape (r,)
        1 when the inside of the polygon lies to the left of the ring as it is stored, else -1.
    slot : int32, shape (p,)
        What a polygon stands for; slots below ``regions`` are regions.
    """

    xy: NDArray[np.float64]
    start: NDArray[np.int64]
    polygon: NDArray[np.int32]
    sign: NDArray[np.int8]
    slot: NDArray[np.int32]
    regions: int


@compiled(inline="always")
def row_of(y, grid):  # type: ignore[no-untyped-def]
    """Row of a vertex; negative south of the grid."""
    return np.int64(np.floor((y - grid.south) * (1.0 / grid.cell)))


@compiled(inline="always")
def column_of(x, grid):  # type: ignore[no-untyped-def]
    """Column of a vertex; negative west of the grid."""
    return np.int64(np.floor((x - grid.west) * (1.0 / grid.cell)))


@compiled()
def ring_signs(xy, start, is_shell, sign, first, last):  # type: ignore[no-untyped-def]
    """Fill ``sign`` for the rings ``first`` to ``last``: 1 when the inside of the polygon lies to the left."""
    for ring in range(first, last):
        x0, y0 = xy[start[ring], 0], xy[start[ring], 1]
        twice = 0.0
        for i in range(start[ring], start[ring + 1] - 1):
            twice += (xy[i, 0] - x0) * (xy[i + 1, 1] - y0) - (xy[i + 1, 0] - x0) * (xy[i, 1] - y0)
        sign[ring] = 1 if (twice > 0) == is_shell[ring] else -1


@compiled()
def band_runs(rings, grid, shift, start, runs, first, last):  # type: ignore[no-untyped-def]
    """Runs of successive edges per band of ``2 ** shift`` rows, for the rings ``first`` to ``last``.

    With an empty ``runs`` only counts, into ``start[band + 1]``; otherwise writes
    (first edge, end, ring) at ``start[band]`` and moves that on.
    """
    bands = len(start) - 1
    for ring in range(first, last):
        begin, end = rings.start[ring], rings.start[ring + 1] - 1
        current, opened = -1, begin
        row = row_of(rings.xy[begin, 1], grid) >> shift
        for i in range(begin, end):
            following = row_of(rings.xy[i + 1, 1], grid) >> shift
            low, high = min(row, following), max(row, following)
            row = following
            if low == current and high == current:
                continue
            if current >= 0:
                _emit(start, runs, current, opened, i, ring)
            current = -1
            if low == high:
                if 0 <= low < bands:
                    current, opened = low, i
            else:
                for band in range(max(low, 0), min(high, bands - 1) + 1):
                    _emit(start, runs, band, i, i + 1, ring)
        if current >= 0:
            _emit(start, runs, current, opened, end, ring)


@compiled(inline="always")
def _emit(start, runs, band, begin, end, ring):  # type: ignore[no-untyped-def]
    if len(runs) == 0:
        start[band + 1] += 1
    else:
        runs[start[band], 0], runs[start[band], 1], runs[start[band], 2] = begin, end, ring
        start[band] += 1


@compiled(inline="always")
def x_at(ax, ay, bx, by, y):  # type: ignore[no-untyped-def]
    """Where the edge from a up to b meets a horizontal line; never outside the edge."""
    x = ax + (y - ay) * (bx - ax) / (by - ay)
    return min(max(x, min(ax, bx)), max(ax, bx))


@compiled()
def register(rings, runs, grid, first_row, rows, n, found):  # type: ignore[no-untyped-def]
    """List the cells that the edges of some runs pass, edge after edge.

    Parameters
    ----------
    n : int
        Records that ``found`` holds already.
    found : int32, shape (m, 3)
        Gets (cell, edge, owner). Cells count along the rows, with before each row one cell more
        that stands for everything west of the grid. An owner is twice the ring, plus one when
        the edge crosses the lower side of the cell.

    Returns
    -------
    n : int
        Records now; more than ``found`` can hold means that it is too short and incomplete.
    """
    wide, room = grid.columns + 1, len(found)
    for run in range(len(runs)):
        ring = runs[run, 2]
        row, column = row_of(rings.xy[runs[run, 0], 1], grid), column_of(rings.xy[runs[run, 0], 0], grid)
        for i in range(runs[run, 0], runs[run, 1]):
            next_row, next_column = row_of(rings.xy[i + 1, 1], grid), column_of(rings.xy[i + 1, 0], grid)
            if row == next_row and column == next_column:
                if 0 <= column < grid.columns and 0 <= row - first_row < rows:
                    if n < room:
                        found[n, 0] = (row - first_row) * wide + column + 1
                        found[n, 1], found[n, 2] = i, 2 * ring
                    n += 1
            else:
                n = _spread(rings, grid, first_row, rows, n, found, i, ring, row, next_row)
            row, column = next_row, next_column
    return n


@compiled()
def _spread(rings, grid, first_row, rows, n, found, i, ring, row_a, row_b):  # type: ignore[no-untyped-def]
    """List an edge that passes more than one cell."""
    ax, ay, bx, by = rings.xy[i, 0], rings.xy[i, 1], rings.xy[i + 1, 0], rings.xy[i + 1, 1]
    if row_a > row_b:
        ax, ay, bx, by, row_a, row_b = bx, by, ax, ay, row_b, row_a
    room = len(found)
    for row in range(max(row_a, first_row), min(row_b, first_row + rows - 1) + 1):
        low = ax if row == row_a else x_at(ax, ay, bx, by, grid.south + row * grid.cell)
        high = bx if row == row_b else x_at(ax, ay, bx, by, grid.south + (row + 1) * grid.cell)
        crossing = column_of(low, grid) if row > row_a else grid.columns
        line = (row - first_row) * (grid.columns + 1)
        west, east = column_of(min(low, high), grid), column_of(max(low, high), grid)
        # Everything west of the grid is one cell, of which only the crossings count.
        crossing = max(crossing, -1)
        first, last = max(west, 0), min(east, grid.columns - 1)
        if crossing == -1:
            first, last = -1, max(last, -1)
        for column in range(first, last + 1):
            if n < room:
                found[n, 0], found[n, 1] = line + column + 1, i
                found[n, 2] = 2 * ring + (1 if column == crossing else 0)
            n += 1
    return n


@compiled()
def sort_cells(found, n, start, edge, owner):  # type: ignore[no-untyped-def]
    """Counting sort of the records by cell; edges of one cell keep their order.

    Parameters
    ----------
    start : int64, shape (cells + 1,)
        Zeros; gets the first record of every cell.

    Returns
    -------
    longest : int
        Most edges in one cell.
    """
    for e in range(n):
        start[found[e, 0] + 1] += 1
    longest = 0
    for cell in range(len(start) - 1):
        longest = max(longest, start[cell + 1])
        start[cell + 1] += start[cell]
    for e in range(n):
        at = start[found[e, 0]]
        edge[at], owner[at] = found[e, 1], found[e, 2]
        start[found[e, 0]] = at + 1
    for cell in range(len(start) - 1, 0, -1):
        start[cell] = start[cell - 1]
    start[0] = 0
    return longest

"""The exact kernel, fifth part: in which polygons does a point lie?

For every cell of a grid the set of polygons around its south-west corner is
kept. A point is reached from that corner along the lower side and then
straight up; each edge of the cell that is passed on the way enters or leaves
its polygon. The way up runs a hair east of the point, so that an edge that
ends exactly there is passed once or not at all.
"""

from __future__ import annotations

import math

import numpy as np

from dgdo_geo.overlay.compiled import compiled
from dgdo_geo.overlay.kernel import x_at

ON_EDGE = -2
"""The point lies too close to an edge (or to the side of a cell) to tell by rounded numbers."""
OFF_GRID = -1
MANY = 64
"""Polygons with edges in one cell that a query can follow; beyond it, GEOS is asked."""


@compiled()
def corner_sets(rings, grid, start, edge, owner, key, corner, index, member, first):  # type: ignore[no-untyped-def]
    """Number the sets of polygons around the corners of all cells.

    Parameters
    ----------
    start, edge, owner
        From :func:`~dgdo_geo.overlay.kernel.sort_cells`, for the whole grid.
    key : uint64, shape (p,)
        A random number for every polygon.
    corner : int32, shape (rows, columns)
        Gets the set of every cell.
    index : int32, a power of two
        Open hash table of sets, all -1.
    member, first : int32
        Get the polygons of all sets, and where each begins.

    Returns
    -------
    sets : int
        Number of sets; -1 when one of the arrays is too short.
    """
    polygons = len(rings.slot)
    inside, place, present = np.zeros(polygons, np.uint8), np.zeros(polygons, np.int32), np.zeros(polygons, np.int32)
    hashes = np.zeros(len(first), np.uint64)
    sets = 0
    first[0] = 0
    for row in range(grid.rows):
        inside[:] = 0
        count, value, is_new, current = 0, np.uint64(0), True, 0
        line = row * (grid.columns + 1)
        for column in range(-1, grid.columns):
            if column >= 0:
                if is_new:
                    current = _intern(inside, present, count, value, hashes, index, member, first, sets)
                    if current < 0:
                        return -1
                    sets, is_new = max(sets, current + 1), False
                corner[row, column] = current
            for e in range(start[line + column + 1], start[line + column + 2]):
                if not owner[e] & 1:
                    continue
                polygon = rings.polygon[owner[e] >> 1]
                is_new = True
                value ^= key[polygon]
                inside[polygon] ^= 1
                if inside[polygon]:
                    place[polygon], present[count] = count, polygon
                    count += 1
                else:
                    count -= 1
                    present[place[polygon]] = present[count]
                    place[present[count]] = place[polygon]
    return sets


@compiled()
def _intern(inside, present, count, value, hashes, index, member, first, sets):  # type: ignore[no-untyped-def]
    """Number of a set, a new one when it was not seen before; -1 when there is no room."""
    mask = np.uint64(len(index) - 1)
    at = (value ^ (value >> np.uint64(29))) & mask
    while index[at] >= 0:
        known = index[at]
        if hashes[known] == value and first[known + 1] - first[known] == count:
            same = True
            for m in range(first[known], first[known + 1]):
                if not inside[member[m]]:
                    same = False
            if same:
                return known
        at = (at + np.uint64(1)) & mask
    if sets + 1 >= len(first) or first[sets] + count > len(member) or 2 * sets >= len(index):
        return -1
    index[at], hashes[sets] = sets, value
    for m in range(count):
        member[first[sets] + m] = present[m]
    first[sets + 1] = first[sets] + count
    return sets


@compiled()
def polygons_at(x, y, grid, tolerance, start, edge, owner, corner, member, first, found):  # type: ignore[no-untyped-def]
    """Polygons that hold a point.

    Parameters
    ----------
    x, y : float
        EPSG:28992, metres.
    grid : float64, shape (5,)
        West, south, cell size, columns, rows.
    tolerance : float
        Distance in metres within which a point counts as on an edge.
    start : int64
        First edge of every cell, one cell before each row standing for everything west of it.
    edge : float64, shape (n, 4)
        Edges, the lower end first.
    owner : int32, shape (n,)
        Twice the polygon, plus one when the edge crosses the lower side of the cell.
    corner, member, first
        From :func:`corner_sets`.
    found : int32, shape (p,)
        Gets the polygons.

    Returns
    -------
    n : int
        Number of polygons found, or ``ON_EDGE`` or ``OFF_GRID``.
    """
    west, south, cell = grid[0], grid[1], grid[2]
    columns, rows = int(grid[3]), int(grid[4])
    column, row = int(math.floor((x - west) * (1.0 / cell))), int(math.floor((y - south) * (1.0 / cell)))
    if not (0 <= column < columns and 0 <= row < rows):
        return OFF_GRID
    left, low = west + column * cell, south + row * cell
    if min(x - left, left + cell - x, y - low, low + cell - y) < tolerance:
        return ON_EDGE
    at = row * (columns + 1) + column + 1
    passed, odd, n = np.empty(MANY, np.int32), np.empty(MANY, np.uint8), 0
    for e in range(start[at], start[at + 1]):
        ax, ay, bx, by = edge[e, 0], edge[e, 1], edge[e, 2], edge[e, 3]
        crossed = _passes(x, y, low, tolerance, ax, ay, bx, by, owner[e] & 1)
        if crossed < 0:
            return ON_EDGE
        if crossed & 1:
            polygon, k = owner[e] >> 1, 0
            while k < n and passed[k] != polygon:
                k += 1
            if k == MANY:
                return ON_EDGE
            if k == n:
                passed[n], odd[n] = polygon, 0
                n += 1
            odd[k] ^= 1
    return _settled(corner[row, column], member, first, passed, odd, n, found)


@compiled(inline="always")
def _passes(x, y, low, tolerance, ax, ay, bx, by, is_crossing):  # type: ignore[no-untyped-def]
    """How often the way to the point passes an edge; -1 when that is too close to tell."""
    dx, dy = bx - ax, by - ay
    length = dx * dx + dy * dy
    along = min(max(((x - ax) * dx + (y - ay) * dy) / length, 0.0), 1.0) if length > 0.0 else 0.0
    if abs(ax + along * dx - x) < tolerance and abs(ay + along * dy - y) < tolerance:
        return -1
    passed = 0
    if is_crossing:
        at = x_at(ax, ay, bx, by, low)
        if dx != 0.0 and abs(at - x) < tolerance:
            return -1
        if at <= x:
            passed += 1
    if min(ax, bx) <= x < max(ax, bx):
        height = ay + (x - ax) * dy / dx
        # Only the part of the edge inside this cell is met on the way up.
        if low <= height < y:
            passed += 1
    return passed


@compiled(inline="always")
def _settled(here, member, first, passed, odd, n, found):  # type: ignore[no-untyped-def]
    """The set of the corner, changed by the polygons that were entered or left."""
    count = 0
    for m in range(first[here], first[here + 1]):
        is_left = False
        for k in range(n):
            if odd[k] and passed[k] == member[m]:
                is_left, odd[k] = True, 0
        if not is_left:
            found[count] = member[m]
            count += 1
    for k in range(n):
        if odd[k]:
            found[count] = passed[k]
            count += 1
    return count


@compiled()
def many_at(points, status, which, grid, tolerance, start, edge, owner, corner, member, first, found):  # type: ignore[no-untyped-def]
    """Polygons at many points: ``status`` as from :func:`polygons_at`, and the polygons in ``which``.

    ``which`` has shape (n, m); a status larger than m means that not all are in it.
    """
    for i in range(len(points)):
        x, y = points[i, 0], points[i, 1]
        n = polygons_at(x, y, grid, tolerance, start, edge, owner, corner, member, first, found)
        status[i] = n
        for k in range(min(n, which.shape[1])):
            which[i, k] = found[k]

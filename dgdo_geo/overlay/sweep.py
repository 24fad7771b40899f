"""The exact kernel, third part: the strips of one cell, and the cells of one band."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dgdo_geo.overlay.compiled import compiled
from dgdo_geo.overlay.kernel import row_of

INSERTION = 64
"""Up to this length insertion sort wins from quicksort."""
UPRIGHT = 1e-12
"""An edge of less width in metres counts as vertical: it has no area beside it, and no slope that a number can hold."""
FEW = 8
"""Up to this many polygons in a cell, combinations are counted in a small table of the cell's own."""


class Scratch(NamedTuple):
    """What one cell needs; local coordinates, metres from its south-west corner.

    ``piece``: left end, height there, right end, slope. ``piece_key``: polygon, its number in the
    cell, and 1 when going up through the piece enters the polygon, -1 when it leaves it.
    ``bottom``, ``bottom_key``: the same for crossings of the lower side, going right.
    ``polygon``: the polygons of the cell. ``turned``: m2 of the cell on the other side of the
    polygon's edge than the south-west corner; positive when the corner lies outside, negative inside.
    ``part``: m2 by the set of polygons that differ from the corner.
    """

    piece: NDArray[np.float64]
    piece_key: NDArray[np.int32]
    bottom: NDArray[np.float64]
    bottom_key: NDArray[np.int32]
    order: NDArray[np.int64]
    bottom_order: NDArray[np.int64]
    active: NDArray[np.int64]
    height: NDArray[np.float64]
    polygon: NDArray[np.int32]
    turned: NDArray[np.float64]
    part: NDArray[np.float64]


def new_scratch(n: int) -> Scratch:
    """Room for cells of up to ``n`` edges."""
    floats, ints = np.empty((n, 4)), np.empty((n, 3), np.int32)
    return Scratch(
        floats,
        ints,
        np.empty(n),
        np.empty((n, 3), np.int32),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.empty(n),
        np.empty(FEW, np.int32),
        np.empty(FEW),
        np.zeros(1 << FEW),
    )


@compiled()
def gather(rings, grid, row, column, edge, owner, first, last, s):  # type: ignore[no-untyped-def]
    """Clip the edges of one cell.

    Returns
    -------
    pieces, crossings : int
        Pieces with a width, and crossings of the lower side.
    polygons : int
        Polygons in the cell; ``FEW`` + 1 when there are more than ``FEW``.
    """
    west, south, cell = grid.west + column * grid.cell, grid.south + row * grid.cell, grid.cell
    pieces, crossings, polygons, local = 0, 0, 0, 0
    for e in range(first, last):
        i, ring = edge[e], owner[e] >> 1
        polygon, sign = rings.polygon[ring], np.int32(rings.sign[ring])
        if polygons == 0 or (polygons <= FEW and s.polygon[local] != polygon):
            local, polygons = _number(s, polygon, polygons)
        ax, ay, bx, by = rings.xy[i, 0], rings.xy[i, 1], rings.xy[i + 1, 0], rings.xy[i + 1, 1]
        up, right = (sign if bx > ax else -sign), (-sign if by > ay else sign)
        if by < ay:
            ax, ay, bx, by = bx, by, ax, ay
        row_a, row_b = row_of(ay, grid), row_of(by, grid)
        ax, ay, bx, by = ax - west, ay - south, bx - west, by - south
        lx, ly, hx, hy = ax, ay, bx, by
        if row_a < row:
            lx, ly = _between(ax - ay * (bx - ax) / (by - ay), ax, bx), 0.0
        if row_b > row:
            hx, hy = _between(ax + (cell - ay) * (bx - ax) / (by - ay), ax, bx), cell
        if owner[e] & 1:
            x = min(max(lx, 0.0), cell)
            s.bottom[crossings] = x
            s.bottom_key[crossings, 0], s.bottom_key[crossings, 1], s.bottom_key[crossings, 2] = polygon, local, right
            crossings += 1
            s.turned[local] += right * (cell - x) * cell
        if lx > hx:
            lx, ly, hx, hy = hx, hy, lx, ly
        if hx <= 0.0 or lx >= cell or hx - lx < UPRIGHT:
            continue
        slope = (hy - ly) / (hx - lx)
        if lx < 0.0:
            lx, ly = 0.0, ly - lx * slope
        if hx > cell:
            hx, hy = cell, hy - (hx - cell) * slope
        s.piece[pieces, 0], s.piece[pieces, 1], s.piece[pieces, 2], s.piece[pieces, 3] = lx, ly, hx, slope
        s.piece_key[pieces, 0], s.piece_key[pieces, 1], s.piece_key[pieces, 2] = polygon, local, up
        s.turned[local] += up * (hx - lx) * (cell - 0.5 * (ly + hy))
        pieces += 1
    return pieces, crossings, polygons


@compiled(inline="always")
def _between(x, a, b):  # type: ignore[no-untyped-def]
    return min(max(x, min(a, b)), max(a, b))


@compiled(inline="always")
def _number(s, polygon, n):  # type: ignore[no-untyped-def]
    """Number of a polygon in the cell; past ``FEW`` they are no longer told apart."""
    for k in range(n):
        if s.polygon[k] == polygon:
            return k, n
    if n < FEW:
        s.polygon[n], s.turned[n] = polygon, 0.0
        return n, n + 1
    return 0, FEW + 1


@compiled()
def sort_by(values, order, n):  # type: ignore[no-untyped-def]
    """Order of the first ``n`` values, into ``order``."""
    if n > INSERTION:
        order[:n] = np.argsort(values[:n], kind="mergesort")
        return
    for i in range(n):
        j = i
        while j > 0 and values[order[j - 1]] > values[i]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = i


@compiled()
def cuts(s, pieces, crossings, cell, x):  # type: ignore[no-untyped-def]
    """All x at which a strip begins or ends, sorted: ends of pieces, and crossings of two polygons.

    Returns
    -------
    x : array
        ``x`` itself, or a longer one when it was too short.
    n : int
    """
    piece, order, active = s.piece, s.order, s.active
    if len(x) < 2 + crossings + 2 * pieces:
        x = np.empty(2 * (2 + crossings + 2 * pieces))
    x[0], x[1], n = 0.0, cell, 2
    for i in range(crossings):
        x[n] = s.bottom[i]
        n += 1
    low, high = -1.0, -1.0
    for i in range(pieces):
        # Edges that follow each other share an end; once is enough.
        before_low, before_high = low, high
        low, high = piece[i, 0], piece[i, 2]
        if low != before_low and low != before_high:
            x[n] = low
            n += 1
        if high != before_low and high != before_high:
            x[n] = high
            n += 1
    sort_by(piece[:, 0], order, pieces)
    opened = 0
    for k in range(pieces):
        i, kept = order[k], 0
        for a in range(opened):
            j = active[a]
            if piece[j, 2] > piece[i, 0]:
                active[kept] = j
                kept += 1
                if s.piece_key[i, 0] != s.piece_key[j, 0]:
                    at = _crossing(piece, i, j)
                    if at >= 0.0:
                        if n == len(x):
                            longer = np.empty(2 * n)
                            longer[:n] = x
                            x = longer
                        x[n] = at
                        n += 1
        active[kept] = i
        opened = kept + 1
    _sort(x, n)
    return x, n


@compiled(inline="always")
def _sort(x, n):  # type: ignore[no-untyped-def]
    if n > INSERTION:
        x[:n].sort()
    else:
        for i in range(1, n):
            value, j = x[i], i
            while j > 0 and x[j - 1] > value:
                x[j] = x[j - 1]
                j -= 1
            x[j] = value


@compiled(inline="always")
def _crossing(piece, i, j):  # type: ignore[no-untyped-def]
    """Where two pieces cross, -1 when they do not."""
    low, high = max(piece[i, 0], piece[j, 0]), min(piece[i, 2], piece[j, 2])
    y_i = piece[i, 1] + (low - piece[i, 0]) * piece[i, 3]
    y_j = piece[j, 1] + (low - piece[j, 0]) * piece[j, 3]
    first = y_i - y_j
    last = first + (high - low) * (piece[i, 3] - piece[j, 3])
    if first * last < 0.0:
        return low + (high - low) * first / (first - last)
    return -1.0


@compiled(inline="always")
def line_up(s, pieces, left, width, opened, began):  # type: ignore[no-untyped-def]
    """The pieces in one strip from low to high, into ``active`` and ``height``; how many, and how many began."""
    piece, order, active, height = s.piece, s.order, s.active, s.height
    kept = 0
    for a in range(opened):
        if piece[active[a], 2] > left:
            active[kept] = active[a]
            kept += 1
    while began < pieces and piece[order[began], 0] <= left:
        if piece[order[began], 2] > left:
            active[kept] = order[began]
            kept += 1
        began += 1
    middle = left + 0.5 * width
    for a in range(kept):
        i, j = active[a], a
        y = piece[i, 1] + (middle - piece[i, 0]) * piece[i, 3]
        while j > 0 and height[j - 1] > y:
            height[j], active[j] = height[j - 1], active[j - 1]
            j -= 1
        height[j], active[j] = y, i
    return kept, began

"""The exact kernel, fourth part: all cells of one band of rows."""

from __future__ import annotations

import numpy as np

from dgdo_geo.overlay.compiled import compiled
from dgdo_geo.overlay.sweep import FEW, cuts, gather, line_up, sort_by
from dgdo_geo.overlay.tally import put, turn


@compiled()
def few_polygons(s, pieces, crossings, x, n, cell):  # type: ignore[no-untyped-def]
    """Areas in one cell by the set of polygons that differ from its corner, into ``s.part``."""
    part = s.part
    opened, began, passed, below = 0, 0, 0, 0
    for t in range(n - 1):
        left, width = x[t], x[t + 1] - x[t]
        if width <= 0.0:
            continue
        while passed < crossings and s.bottom[s.bottom_order[passed]] <= left:
            b = s.bottom_order[passed]
            below ^= 1 << s.bottom_key[b, 1]
            passed += 1
        opened, began = line_up(s, pieces, left, width, opened, began)
        y, here = 0.0, below
        for a in range(opened):
            height, i = s.height[a], s.active[a]
            if height > y:
                part[here] += width * (height - y)
                y = height
            here ^= 1 << s.piece_key[i, 1]
        part[here] += width * (cell - y)


@compiled()
def many_polygons(rings, s, pieces, crossings, x, n, cell, raster, count, words, key, index, rows, area, number):  # type: ignore[no-untyped-def]
    """The same for a cell with any number of polygons, straight into the table."""
    opened, began, passed = 0, 0, 0
    for t in range(n - 1):
        left, width = x[t], x[t + 1] - x[t]
        if width <= 0.0:
            continue
        while passed < crossings and s.bottom[s.bottom_order[passed]] <= left:
            b = s.bottom_order[passed]
            turn(count, words, key, rings.slot[s.bottom_key[b, 0]], s.bottom_key[b, 2], rings.regions)
            passed += 1
        opened, began = line_up(s, pieces, left, width, opened, began)
        y = 0.0
        for a in range(opened):
            i = s.active[a]
            put(index, rows, area, number, words, raster, width * (s.height[a] - y))
            y = max(y, s.height[a])
            turn(count, words, key, rings.slot[s.piece_key[i, 0]], s.piece_key[i, 2], rings.regions)
        put(index, rows, area, number, words, raster, width * (cell - y))
        for a in range(opened):
            i = s.active[a]
            turn(count, words, key, rings.slot[s.piece_key[i, 0]], -s.piece_key[i, 2], rings.regions)
    for b in range(passed):
        back = s.bottom_order[b]
        turn(count, words, key, rings.slot[s.bottom_key[back, 0]], -s.bottom_key[back, 2], rings.regions)


@compiled()
def flush(rings, s, polygons, raster, count, words, key, index, rows, area, number):  # type: ignore[no-untyped-def]
    """Move the areas of one cell from ``s.part`` to the table."""
    for here in range(1 << polygons):
        m2 = s.part[here]
        if m2 == 0.0:
            continue
        s.part[here] = 0.0
        for k in range(polygons):
            if here >> k & 1:
                turn(count, words, key, rings.slot[s.polygon[k]], 1 if s.turned[k] > 0.0 else -1, rings.regions)
        put(index, rows, area, number, words, raster, m2)
        for k in range(polygons):
            if here >> k & 1:
                turn(count, words, key, rings.slot[s.polygon[k]], -1 if s.turned[k] > 0.0 else 1, rings.regions)


@compiled()
def sweep_band(  # type: ignore[no-untyped-def]
    rings, grid, first_row, height, start, edge, owner, rasters, s, count, words, key, index, rows, area, number
):
    """Add up all cells of ``height`` rows.

    Parameters
    ----------
    start, edge, owner
        From :func:`~dgdo_geo.overlay.kernel.sort_cells`.
    rasters : uint64, shape (height, columns) or (0, 0)
        Raster id of every cell.
    s : Scratch
        For as many edges as the fullest cell has.
    count, words, key, index, rows, area, number
        See :mod:`~dgdo_geo.overlay.tally`. ``number[1]`` is 1 afterwards when the table was too small.
    """
    x = np.empty(256)
    full = grid.cell * grid.cell
    for r in range(height):
        line = r * (grid.columns + 1)
        count[:] = 0
        words[:] = 0
        _enter_row(rings, edge, owner, start[line], start[line + 1], count, words, key)
        run, raster = 0.0, np.uint64(0)
        for column in range(grid.columns):
            a, b = start[line + column + 1], start[line + column + 2]
            here = rasters[r, column] if len(rasters) else np.uint64(0)
            if a == b and here == raster:
                run += full
                continue
            put(index, rows, area, number, words, raster, run)
            run, raster = 0.0, here
            if a == b:
                run = full
                continue
            pieces, crossings, polygons = gather(rings, grid, first_row + r, column, edge, owner, a, b, s)
            if polygons == 1:
                # The area of one polygon is a sum over its edges; no strips are needed.
                s.part[1] = min(abs(s.turned[0]), full)
                s.part[0] = full - s.part[1]
            else:
                sort_by(s.bottom, s.bottom_order, crossings)
                x, n = cuts(s, pieces, crossings, grid.cell, x)
            if polygons > FEW:
                many_polygons(
                    rings, s, pieces, crossings, x, n, grid.cell, raster, count, words, key, index, rows, area, number
                )
            else:
                if polygons > 1:
                    few_polygons(s, pieces, crossings, x, n, grid.cell)
                flush(rings, s, polygons, raster, count, words, key, index, rows, area, number)
            for i in range(crossings):
                turn(count, words, key, rings.slot[s.bottom_key[i, 0]], s.bottom_key[i, 2], rings.regions)
        put(index, rows, area, number, words, raster, run)


@compiled()
def _enter_row(rings, edge, owner, first, last, count, words, key):  # type: ignore[no-untyped-def]
    """State of the first column: what is crossed west of the grid."""
    for e in range(first, last):
        ring = owner[e] >> 1
        sign = np.int32(rings.sign[ring])
        right = -sign if rings.xy[edge[e] + 1, 1] > rings.xy[edge[e], 1] else sign
        turn(count, words, key, rings.slot[rings.polygon[ring]], right, rings.regions)

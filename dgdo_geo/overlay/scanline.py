"""The numba kernel of the display grid: runs of cells between edge crossings, row by row.

The cost follows the number of times that an edge crosses a line of cell
centres, not the number of cells. Which polygons hold a centre is decided by
counting the edges west of it (even-odd rule), so the orientation of rings does
not matter. A centre closer to an edge than rounding can tell is decided in
double-double arithmetic, as GEOS does.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dgdo_geo.overlay.compiled import compiled

SPLITTER = 134_217_729.0
"""2^27 + 1: cuts a double into two halves whose products are exact (Dekker 1971)."""
MARGIN = 1e-12
"""Distance to an edge, relative to its coordinates, below which rounding may decide; far above the rounding itself."""
FIRST_ROOM = 64
"""Room for combinations at the start; doubled when full."""


class Planes(NamedTuple):
    """Planes of an encoding, laid out for the kernel.

    Attributes
    ----------
    key, level : int64, shape (p,)
        Evidence key and presence of every polygon.
    random : int64, shape (keys, levels + 1)
        A number for every presence of every key; the hash of a state is made of them by exclusive or.
    inside : int
        Presence of a raster class.
    rasters : int
        Number of rasters.
    """

    key: NDArray[np.int64]
    level: NDArray[np.int64]
    random: NDArray[np.int64]
    inside: int
    rasters: int


class Here(NamedTuple):
    """What holds at one place of a row.

    Attributes
    ----------
    state : int8, shape (keys, up to a multiple of eight)
        Presence of every key.
    counts : int64, shape (keys, levels + 1)
        Number of polygons and raster classes per presence of every key.
    total : int64, shape (1,)
        Hash of the state.
    is_in : bool, shape (p,)
        Whether the place lies in a polygon.
    raster_key : int64, shape (r,)
        Key that a raster has here; -1 for none.
    """

    state: NDArray[np.int8]
    counts: NDArray[np.int64]
    total: NDArray[np.int64]
    is_in: NDArray[np.bool_]
    raster_key: NDArray[np.int64]


# Exact side of an edge --------------------------------------------------------------------


@compiled()
def _difference(a: float, b: float) -> tuple[float, float]:
    """The exact difference of two doubles as a sum of two doubles (Knuth)."""
    high = a - b
    shadow = high - a
    return high, (a - (high - shadow)) - (b + shadow)


@compiled()
def _product(a: float, b: float) -> tuple[float, float]:
    """The exact product of two doubles as a sum of two doubles (Dekker 1971)."""
    high = a * b
    a_big = SPLITTER * a
    a_big -= a_big - a
    b_big = SPLITTER * b
    b_big -= b_big - b
    a_small, b_small = a - a_big, b - b_big
    return high, ((a_big * b_big - high) + a_big * b_small + a_small * b_big) + a_small * b_small


@compiled()
def _is_strictly_west(x: float, y: float, ax: float, ay: float, bx: float, by: float) -> bool:
    """Whether a point lies strictly west of an edge that runs upwards, in double-double arithmetic."""
    ux, ux_low = _difference(bx, ax)
    uy, uy_low = _difference(by, ay)
    px, px_low = _difference(x, ax)
    py, py_low = _difference(y, ay)
    left, left_low = _product(ux, py)
    left_low += ux * py_low + ux_low * py
    right, right_low = _product(uy, px)
    right_low += uy * px_low + uy_low * px
    turn, turn_low = _difference(left, right)
    return turn + (turn_low + (left_low - right_low)) > 0.0


@compiled()
def _first_column(ax: float, ay: float, bx: float, by: float, y: float, west: float, cell: float, columns: int) -> int:
    """First column whose centre is not west of an edge that runs upwards; ``columns`` if none."""
    x = ax + (bx - ax) * ((y - ay) / (by - ay))
    margin = MARGIN * (abs(ax) + abs(bx))
    place = (x - west) / cell - 0.5
    if place <= -1.0:
        return 0
    if place >= columns + 1.0:
        return columns
    column = max(0, min(columns, int(math.ceil(place))))
    while column > 0:
        centre = west + (column - 0.5) * cell
        if centre < x - margin or (centre <= x + margin and _is_strictly_west(centre, y, ax, ay, bx, by)):
            break
        column -= 1
    while column < columns:
        centre = west + (column + 0.5) * cell
        if centre > x + margin or not (centre < x - margin or _is_strictly_west(centre, y, ax, ay, bx, by)):
            break
        column += 1
    return column


@compiled()
def _first_row(limit: float, north: float, cell: float, first: int, last: int) -> int:
    """First row in first..last whose centre lies south of a limit."""
    place = (north - limit) / cell - 0.5
    if place <= first - 1.0:
        return first
    if place >= last + 1.0:
        return last
    row = max(first, min(last, int(math.ceil(place))))
    while row > first and north - (row - 0.5) * cell < limit:
        row -= 1
    while row < last and north - (row + 0.5) * cell >= limit:
        row += 1
    return row


# Crossings --------------------------------------------------------------------------------


@compiled()
def count_crossings(
    rings: NDArray[np.intp],
    ring_start: NDArray[np.intp],
    xy: NDArray[np.float64],
    north: float,
    cell: float,
    first: int,
    last: int,
) -> NDArray[np.int64]:
    """Where the crossings of every row begin, for the rows first..last; shape (rows + 1,).

    Parameters
    ----------
    rings : shape (r,)
        The rings to look at.
    ring_start : shape (all rings + 1,)
        Where every ring begins in ``xy``.
    xy : shape (n, 2)
        EPSG:28992; rings are closed.
    """
    start = np.zeros(last - first + 1, np.int64)
    for ring in rings:
        for i in range(ring_start[ring], ring_start[ring + 1] - 1):
            low, high = min(xy[i, 1], xy[i + 1, 1]), max(xy[i, 1], xy[i + 1, 1])
            for row in range(_first_row(high, north, cell, first, last), _first_row(low, north, cell, first, last)):
                start[row - first + 1] += 1
    return np.cumsum(start)


@compiled()
def fill_crossings(
    rings: NDArray[np.intp],
    ring_start: NDArray[np.intp],
    ring_polygon: NDArray[np.intp],
    xy: NDArray[np.float64],
    west: float,
    north: float,
    cell: float,
    columns: int,
    first: int,
    last: int,
    start: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The crossings of every row: column * 2^32 + polygon, not yet in order. See :func:`count_crossings`.

    An edge counts from its southern end up to, but not at, its northern end.
    """
    crossings = np.empty(start[-1], np.int64)
    place = start.copy()
    for ring in rings:
        for i in range(ring_start[ring], ring_start[ring + 1] - 1):
            ax, ay, bx, by = xy[i, 0], xy[i, 1], xy[i + 1, 0], xy[i + 1, 1]
            if ay > by:  # always upwards: two polygons see their common edge alike
                ax, ay, bx, by = bx, by, ax, ay
            for row in range(_first_row(by, north, cell, first, last), _first_row(ay, north, cell, first, last)):
                y = north - (row + 0.5) * cell
                column = _first_column(ax, ay, bx, by, y, west, cell, columns)
                crossings[place[row - first]] = (column << 32) + ring_polygon[ring]
                place[row - first] += 1
    return crossings


# Combinations -----------------------------------------------------------------------------


@compiled()
def _step(here: Here, random: NDArray[np.int64], key: int, level: int, change: int) -> None:
    """Enter or leave one plane of a key; keeps the presence of the key and the hash of the state."""
    here.counts[key, level] += change
    now = random.shape[1] - 1
    while now > 0 and here.counts[key, now] == 0:
        now -= 1
    here.total[0] ^= random[key, here.state[key]] ^ random[key, now]
    here.state[key] = now


@compiled()
def _place(
    words: NDArray[np.int64], total: int, table: NDArray[np.int64], hashes: NDArray[np.int64], found: NDArray[np.int64]
) -> int:
    """Place of a state in the table, which holds its number there, or -1 when it is new.

    States are compared in full: two of them with one hash stay apart.
    """
    place = total & (len(table) - 1)
    while table[place] >= 0:
        number = table[place]
        if hashes[number] == total:
            differs = np.int64(0)
            for i in range(len(words)):
                differs |= words[i] ^ found[number, i]
            if differs == 0:
                break
        place = (place + 1) & (len(table) - 1)
    return place


@compiled()
def _with_room(
    hashes: NDArray[np.int64], found: NDArray[np.int64], known: int, needed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Table, hashes and states, with room for as many states as needed; the table stays at most half full."""
    room = len(hashes)
    while room < needed:
        room *= 2
    table = np.full(2 * room, -1, np.int64)
    more_hashes, more_found = np.empty(room, np.int64), np.empty((room, found.shape[1]), np.int64)
    for number in range(known):  # loops: whole rows at once take seconds longer to compile
        more_hashes[number] = hashes[number]
        for i in range(found.shape[1]):
            more_found[number, i] = found[number, i]
        place = hashes[number] & (len(table) - 1)
        while table[place] >= 0:
            place = (place + 1) & (len(table) - 1)
        table[place] = number
    return table, more_hashes, more_found


# Sweep ------------------------------------------------------------------------------------


@compiled()
def _leave(raster: int, planes: Planes, here: Here) -> None:
    """Leave the class of a raster."""
    if here.raster_key[raster] >= 0:
        _step(here, planes.random, here.raster_key[raster], planes.inside, -1)
    here.raster_key[raster] = -1


@compiled()
def _change(what: int, planes: Planes, here: Here) -> None:
    """Cross one edge of a polygon, or enter another class of a raster."""
    if what < len(planes.key):
        here.is_in[what] = not here.is_in[what]
        _step(here, planes.random, planes.key[what], planes.level[what], 1 if here.is_in[what] else -1)
        return
    raster, key = divmod(what - len(planes.key), len(planes.random) + 1)
    _leave(raster, planes, here)
    if key > 0:
        here.raster_key[raster] = key - 1
        _step(here, planes.random, key - 1, planes.inside, 1)


@compiled()
def _longer(values: NDArray[np.int64], needed: int) -> NDArray[np.int64]:
    """The same values, in an array that is at least as long as needed."""
    while len(values) < needed:
        values = np.concatenate((values, values))
    return values


@compiled()
def sweep(
    crossings: NDArray[np.int64],
    start: NDArray[np.int64],
    raster_events: NDArray[np.int64],
    raster_start: NDArray[np.int64],
    planes: Planes,
    columns: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Runs of cells with the same combination, for some rows of the window.

    Parameters
    ----------
    crossings, start
        From :func:`fill_crossings` and :func:`count_crossings`.
    raster_events : int64, shape (e,)
        Where a raster enters another class: column * 2^32 + polygons + raster * (keys + 1) + key + 1,
        with key -1 for none.
    raster_start : int64, shape (rows + 1,)
        Where the raster events of every row begin.

    Returns
    -------
    words : int64, shape (c, keys / 8 rounded up)
        The combinations in the order in which they were met: a byte for the presence of every key.
    column, number : int64, shape (runs,)
        First column and combination of every run.
    row_start : int64, shape (rows + 1,)
        Where the runs of every row begin.
    """
    shape, rows = planes.random.shape, len(start) - 1
    words = np.zeros((shape[0] + 7) // 8, np.int64)  # the presence of eight keys each
    here = Here(
        words.view(np.int8),
        np.zeros(shape, np.int64),
        np.zeros(1, np.int64),
        np.zeros(len(planes.key), np.bool_),
        np.full(planes.rasters, -1, np.int64),
    )
    table, hashes = np.full(2 * FIRST_ROOM, -1, np.int64), np.empty(FIRST_ROOM, np.int64)
    found, known = np.empty((FIRST_ROOM, len(words)), np.int64), 0
    run_column, run_number = np.empty(FIRST_ROOM, np.int64), np.empty(FIRST_ROOM, np.int64)
    runs, row_start = 0, np.zeros(rows + 1, np.int64)
    for row in range(rows):
        own = crossings[start[row] : start[row + 1]]
        events = np.concatenate((own, raster_events[raster_start[row] : raster_start[row + 1]]))
        events.sort()
        needed = len(events) + 1
        if known + needed > len(hashes):
            table, hashes, found = _with_room(hashes, found, known, known + needed)
        run_column, run_number = _longer(run_column, runs + needed), _longer(run_number, runs + needed)
        at = 0
        for i in range(needed):
            column = events[i] >> 32 if i < len(events) else columns
            if column > at:
                place = _place(words, here.total[0], table, hashes, found)
                if table[place] < 0:
                    table[place], hashes[known] = known, here.total[0]
                    for k in range(len(words)):
                        found[known, k] = words[k]
                    known += 1
                if runs == row_start[row] or run_number[runs - 1] != table[place]:
                    run_column[runs], run_number[runs] = at, table[place]
                    runs += 1
                at = column
            if i < len(events):
                _change(events[i] & 0xFFFFFFFF, planes, here)
        for raster in range(planes.rasters):
            _leave(raster, planes, here)
        row_start[row + 1] = runs
    return found[:known].copy(), run_column[:runs].copy(), run_number[:runs].copy(), row_start


@compiled()
def fill_cells(
    column: NDArray[np.int64], number: NDArray[np.int64], row_start: NDArray[np.int64], out: NDArray[np.int32]
) -> None:
    """Write runs into the cells of some rows; ``out`` has shape (rows, columns)."""
    for row in range(len(row_start) - 1):
        for run in range(row_start[row], row_start[row + 1]):
            end = column[run + 1] if run + 1 < row_start[row + 1] else out.shape[1]
            out[row, column[run] : end] = number[run]

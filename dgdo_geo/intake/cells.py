"""Lines and areas cut by the edges of square cells, exactly.

Cells are closed in the west and south, open in the east and north, as in
:mod:`dgdo_geo.overlay.raster`: a line along the edge of two cells lies in the
eastern or northern one, and counts once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

CHUNK_SEGMENTS = 500_000
CHUNK_PIECES = 4_000_000
"""Segments and pieces that are in memory at the same time; one segment never gives more than rows + columns + 1."""
FULL = 1e-9
"""A part that lacks less than this share of its cell is the whole cell."""
SMALLEST_M2 = 0.01
"""A part of a cell with less area than this is rounding."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Square cells with edges at whole multiples of their size, EPSG:28992.

    Attributes
    ----------
    column, row : int
        Number of the westernmost column and the southernmost row; column c begins at ``c * cell_m``.
    columns, rows : int
    cell_m : float
        Width and height.
    """

    column: int
    row: int
    columns: int
    rows: int
    cell_m: float

    @classmethod
    def covering(cls, west_m: float, south_m: float, east_m: float, north_m: float, cell_m: float) -> Cells:
        """The fewest cells over a rectangle.

        >>> Cells.covering(90, 110, 260, 300, 100)
        Cells(column=0, row=1, columns=3, rows=2, cell_m=100)
        """
        column, row = (int(v) for v in np.floor_divide([west_m, south_m], cell_m))
        right, top = (int(-v) for v in np.floor_divide([-east_m, -north_m], cell_m))
        return cls(column, row, max(right - column, 1), max(top - row, 1), cell_m)

    def squares(self, numbers: Numbers) -> NDArray[np.object_]:
        """Outlines of cells; the number of a cell is row * columns + column, from the south-west."""
        column, row = numbers % self.columns + self.column, numbers // self.columns + self.row
        size = self.cell_m
        return shapely.box(column * size, row * size, (column + 1) * size, (row + 1) * size)


@dataclass(frozen=True, slots=True)
class Pieces:
    """Segments cut at the edges of cells.

    Attributes
    ----------
    segment : numpy.ndarray of int64, shape (p,)
        Position of the segment that a piece is of.
    cell : numpy.ndarray of int64, shape (p,)
        Number of the cell; -1 outside the cells.
    begin, end : numpy.ndarray of float64, shape (p,)
        Where it lies along its segment, 0 to 1.
    """

    segment: Numbers
    cell: Numbers
    begin: Floats
    end: Floats


def segments_of(lines: NDArray[np.object_]) -> tuple[Floats, Numbers]:
    """Straight segments of lines.

    Parameters
    ----------
    lines : numpy.ndarray of shapely lines, shape (n,)
        No multilines.

    Returns
    -------
    segments : numpy.ndarray of float64, shape (s, 4)
        x and y of both ends.
    line : numpy.ndarray of int64, shape (s,)
        Position of the line of every segment.
    """
    points, line = shapely.get_coordinates(lines, return_index=True)
    follows = line[1:] == line[:-1]
    return np.hstack([points[:-1][follows], points[1:][follows]]), line[1:][follows]


def split(segments: Floats, cells: Cells) -> Iterator[Pieces]:
    """Cut segments at the edges of cells, some at a time.

    Which cell a piece lies in follows from counting the edges that are passed,
    never from rounded coordinates. Where a segment passes an edge is found
    with the parametric form of the line (Liang and Barsky, 1984).

    Parameters
    ----------
    segments : numpy.ndarray of float64, shape (s, 4)
        x and y of both ends, EPSG:28992.
    """
    for first in range(0, len(segments), CHUNK_SEGMENTS):
        some = segments[first : first + CHUNK_SEGMENTS]
        column = _passed(some[:, 0], some[:, 2], cells.cell_m, cells.column, cells.columns)
        row = _passed(some[:, 1], some[:, 3], cells.cell_m, cells.row, cells.rows)
        count = np.cumsum(1 + np.abs(column[1] - column[0]) + np.abs(row[1] - row[0]))
        bounds = np.unique(np.searchsorted(count, np.arange(CHUNK_PIECES, count[-1], CHUNK_PIECES), side="right"))
        for chosen in np.split(np.arange(len(some)), bounds):
            if len(chosen):
                ends = [(one[0][chosen], one[1][chosen]) for one in (column, row)]
                pieces = _cut(some[chosen], ends[0], ends[1], cells)
                yield Pieces(pieces.segment + first + chosen[0], pieces.cell, pieces.begin, pieces.end)


def _passed(start: Floats, end: Floats, cell_m: float, first: int, count: int) -> tuple[Numbers, Numbers]:
    """First and last column (or row) of segments along one axis; -1 and ``count`` are outside."""
    # Exact for every size, unlike the floor of a quotient.
    from_, above_from = np.divmod(start, cell_m)
    to, above_to = np.divmod(end, cell_m)
    # On an edge, a segment lies in the cell that it comes from or goes to; along an edge in that above it.
    from_ -= (start > end) & (above_from == 0)
    to -= (end > start) & (above_to == 0)
    return (
        np.clip(from_.astype(np.int64) - first, -1, count),
        np.clip(to.astype(np.int64) - first, -1, count),
    )


def _cut(segments: Floats, column: tuple[Numbers, Numbers], row: tuple[Numbers, Numbers], cells: Cells) -> Pieces:
    """The pieces of some segments, in their order."""
    crossings = [
        _crossings(segments[:, 0], segments[:, 2], *column, cells.cell_m, cells.column),
        _crossings(segments[:, 1], segments[:, 3], *row, cells.cell_m, cells.row),
    ]
    owner = np.concatenate([crossings[0][0], crossings[1][0]])
    at = np.concatenate([crossings[0][1], crossings[1][1]])
    right = np.concatenate([crossings[0][2], np.zeros(len(crossings[1][0]), np.int64)])
    up = np.concatenate([np.zeros(len(crossings[0][0]), np.int64), crossings[1][2]])
    order = np.lexsort((at, owner))
    owner = owner[order]
    pieces = np.bincount(owner, minlength=len(segments)) + 1
    last = np.cumsum(pieces) - 1
    # Every crossing ends a piece; one more piece of each segment ends with it.
    end = np.ones(last[-1] + 1)
    ends_here = np.arange(len(owner)) + owner
    end[ends_here] = at[order]
    begin = np.roll(end, 1)
    first = last - pieces + 1
    begin[first] = 0.0
    steps = np.zeros((2, len(end)), np.int64)
    steps[0, ends_here + 1], steps[1, ends_here + 1] = right[order], up[order]
    total = np.cumsum(steps, axis=1)
    segment = np.repeat(np.arange(len(segments)), pieces)
    x = total[0] + (column[0] - total[0, first])[segment]
    y = total[1] + (row[0] - total[1, first])[segment]
    is_in = (x >= 0) & (x < cells.columns) & (y >= 0) & (y < cells.rows)
    return Pieces(segment, np.where(is_in, y * cells.columns + x, -1), begin, end)


def _crossings(
    start: Floats, end: Floats, from_: Numbers, to: Numbers, cell_m: float, first: int
) -> tuple[Numbers, Floats, Numbers]:
    """Every passing of an edge along one axis: the segment, where along it, and which way (1 or -1)."""
    count = np.abs(to - from_)
    owner = np.repeat(np.arange(len(start)), count)
    step = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    way = np.sign(to - from_)[owner]
    edge = from_[owner] + np.where(way > 0, step + 1, -step) + first
    at = (edge * cell_m - start[owner]) / (end - start)[owner]
    return owner, np.clip(at, 0.0, 1.0), way


def cut_area(area: shapely.Geometry, cells: Cells) -> tuple[Numbers, NDArray[np.object_]]:
    """The parts of an area in every cell.

    Parameters
    ----------
    area : shapely polygon or multipolygon
        Valid, within the cells.

    Returns
    -------
    numbers : numpy.ndarray of int64, shape (n,)
        Cells with some area of it, rising.
    parts : numpy.ndarray of shapely polygons, shape (n,)
        Exact squares where the whole cell lies in the area.
    """
    edges, _ = segments_of(shapely.get_parts(shapely.boundary(shapely.get_parts(area)), return_index=False))
    is_cut = np.zeros(cells.rows * cells.columns, np.bool_)
    for pieces in split(edges, cells):
        is_cut[pieces.cell[pieces.cell >= 0]] = True
    is_whole = _inside(area, is_cut.reshape(cells.rows, cells.columns), cells).ravel()
    whole = np.flatnonzero(is_whole)
    cut, parts = _cut_cells(area, is_cut.reshape(cells.rows, cells.columns), cells)
    area_m2 = shapely.area(parts)
    is_full = np.abs(area_m2 - cells.cell_m**2) <= FULL * cells.cell_m**2
    parts[is_full] = cells.squares(cut[is_full])
    cut, parts = cut[area_m2 >= SMALLEST_M2], parts[area_m2 >= SMALLEST_M2]
    numbers = np.concatenate([whole, cut])
    order = np.argsort(numbers)
    return numbers[order], np.concatenate([cells.squares(whole), parts])[order]


def _inside(area: shapely.Geometry, is_cut: NDArray[np.bool_], cells: Cells) -> NDArray[np.bool_]:
    """Cells wholly in the area, shape (rows, columns). Between two cut cells of a row all lie in it, or none."""
    begins = ~is_cut
    begins[:, 1:] &= is_cut[:, :-1]
    row, column = np.nonzero(begins)
    x = (column + cells.column + 0.5) * cells.cell_m
    y = (row + cells.row + 0.5) * cells.cell_m
    shapely.prepare(area)
    answers = np.append(shapely.contains_xy(area, x, y), False)
    run = np.cumsum(begins.ravel()).reshape(begins.shape) - 1
    return answers[run] & ~is_cut


def _cut_cells(area: shapely.Geometry, is_cut: NDArray[np.bool_], cells: Cells) -> tuple[Numbers, NDArray[np.object_]]:
    """Parts of the area in the cut cells: halved again and again, so that no step sees the whole outline."""
    size = 1 << int(max(is_cut.shape) - 1).bit_length()
    # How many cut cells lie south-west of a corner: those of a block are a difference of four.
    total = np.zeros((is_cut.shape[0] + 1, is_cut.shape[1] + 1), np.int64)
    total[1:, 1:] = is_cut.cumsum(0).cumsum(1)
    row, column = np.zeros(1, np.int64), np.zeros(1, np.int64)
    shapes = np.array([area], object)
    while size >= 1:
        top, right = (np.minimum(a + size, n) for a, n in ((row, is_cut.shape[0]), (column, is_cut.shape[1])))
        has_cut = total[top, right] - total[row, right] - total[top, column] + total[row, column] > 0
        row, column, shapes = row[has_cut], column[has_cut], shapes[has_cut]
        edge = [(a + b) * cells.cell_m for a, b in ((column, cells.column), (row, cells.row))]
        blocks = shapely.box(edge[0], edge[1], edge[0] + size * cells.cell_m, edge[1] + size * cells.cell_m)
        shapes = _polygons(shapely.intersection(shapes, blocks))
        size //= 2
        if size:
            row = np.concatenate([row, row, row + size, row + size])
            column = np.concatenate([column, column + size, column, column + size])
            shapes = np.tile(shapes, 4)
            fits = (row < is_cut.shape[0]) & (column < is_cut.shape[1])
            row, column, shapes = row[fits], column[fits], shapes[fits]
    return row * cells.columns + column, shapes


def _polygons(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Without the points and lines where an outline only touches a block."""
    for i in np.flatnonzero(shapely.get_type_id(shapes) == 7):
        parts = shapely.get_parts(shapes[i])
        shapes[i] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    shapes[shapely.get_dimensions(shapes) != 2] = shapely.Polygon()
    return shapes


def lengths(
    lines: NDArray[np.object_],
    kind: Numbers,
    kinds: int,
    cells: Cells,
    numbers: Numbers,
    parts: NDArray[np.object_],
) -> tuple[Floats, Floats]:
    """Length of lines in the parts of cells.

    Parameters
    ----------
    lines : numpy.ndarray of shapely lines, shape (n,)
        EPSG:28992.
    kind : numpy.ndarray of int64, shape (n,)
        Kind of every line, 0 to ``kinds`` - 1.
    numbers, parts
        From :func:`cut_area`.

    Returns
    -------
    by_cell : numpy.ndarray of float64, shape (len(numbers), kinds)
        Metres.
    by_line : numpy.ndarray of float64, shape (n,)
        Metres of every line in all parts together.
    """
    segments, line = segments_of(lines)
    long = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])
    place = np.full(cells.rows * cells.columns + 1, -1, np.int64)
    place[numbers] = np.arange(len(numbers))
    is_part = np.abs(shapely.area(parts) - cells.cell_m**2) > FULL * cells.cell_m**2
    shapely.prepare(parts)
    by_cell, by_line = np.zeros(len(numbers) * kinds), np.zeros(len(lines))
    for pieces in split(segments, cells):
        at = place[pieces.cell]
        kept = np.flatnonzero((at >= 0) & (pieces.end > pieces.begin))
        at, segment = at[kept], pieces.segment[kept]
        begin, end = pieces.begin[kept], pieces.end[kept]
        metres = (end - begin) * long[segment]
        clip = np.flatnonzero(is_part[at] & (metres > 0))
        metres[clip] = _within(parts[at[clip]], segments[segment[clip]], begin[clip], end[clip], metres[clip])
        by_cell += np.bincount(at * kinds + kind[line[segment]], metres, len(by_cell))
        by_line += np.bincount(line[segment], metres, len(lines))
    return by_cell.reshape(-1, kinds), by_line


def _within(parts: NDArray[np.object_], segments: Floats, begin: Floats, end: Floats, metres: Floats) -> Floats:
    """Length of pieces in the part of their cell."""
    start, along = segments[:, :2], segments[:, 2:] - segments[:, :2]
    ends = np.stack([start + begin[:, None] * along, start + end[:, None] * along], axis=1)
    ends[end == 1] = np.stack([ends[end == 1, 0], segments[end == 1, 2:]], axis=1)
    pieces = shapely.linestrings(ends)
    result = np.where(shapely.covers(parts, pieces), metres, 0.0)
    crosses = np.flatnonzero((result == 0) & shapely.intersects(parts, pieces))
    result[crosses] = shapely.length(shapely.intersection(parts[crosses], pieces[crosses]))
    return result

"""The exact engine: joint areas from the compiled kernel, band by band, over a few threads.

See :mod:`dgdo_geo.overlay.kernel` for the method. The result does not depend on
the number of threads; on the height of a band it depends by rounding only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.overlay import kernel
from dgdo_geo.overlay.bands import sweep_band
from dgdo_geo.overlay.encode import Encoding, RasterPlane
from dgdo_geo.overlay.planes import SparseRows, decode, polygons_in, slots_of
from dgdo_geo.overlay.rasterstack import RasterStack, common_cell, fitted, stack_rasters
from dgdo_geo.overlay.sweep import new_scratch
from dgdo_geo.overlay.table import JointAreas
from dgdo_geo.overlay.tally import merge, new_table, slot_keys

Spread = Callable[..., Iterable[Any]]
"""``map``, or that of a pool of threads: results come in the order of the input."""
SMALL_JOB = 200_000
"""Vertices up to which one thread does the work."""
BAND_ROWS = 16
"""Rows of cells in a band; a power of two."""
EDGES_PER_CELL = 6.0
"""Edges per cell that the cell size aims at: more make more strips per cell, fewer make more cells to visit."""
CELL_LIMITS_M = (5.0, 1000.0)
SMALLEST_CELL_M = 25.0
"""Rasters that need smaller cells than this to share a grid are handled by their outlines."""
BLOCKS = 8
"""Parts in which the rings are sorted into bands: a fixed number, so that the order of the edges is fixed."""


def joint_areas(
    regions: Sequence[shapely.Geometry],
    encoding: Encoding,
    *,
    split: Sequence[shapely.Geometry] = (),
    workers: int = 2,
    on_progress: Callable[[int], None] | None = None,
    cell_m: float | None = None,
    band_rows: int = BAND_ROWS,
) -> JointAreas:
    """Area of every combination of layer classes in every region.

    Parameters
    ----------
    regions : sequence of valid polygons or multipolygons
        EPSG:28992; they may overlap each other.
    encoding : Encoding
    split : sequence of polygons
        A second division (municipalities, say): rows are kept apart by it.
    workers : int
        Threads.
    on_progress : callable, optional
        Called with the number of regions done; a share of the bands, in fact.
    cell_m : float, optional
        Size of the cells in metres, when there are no rasters; chosen by the density of edges when None.
    band_rows : int
        Rows of cells that one task takes; a power of two.

    Returns
    -------
    JointAreas
        Rows ordered by region, part and combination; the same for any number of workers.
    """
    encoding = fitted(encoding, SMALLEST_CELL_M)
    encoding = fitted(encoding, SMALLEST_CELL_M)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        is_small = shapely.get_num_coordinates(encoding.polygons).sum() <= SMALL_JOB
        # For a small job threads cost more than they save.
        spread: Spread = map if is_small else pool.map
        job = job_of(regions, encoding, split, spread, cell_m)
        bands = math.ceil(job.grid.rows / band_rows)
        found = []
        for rows in bands_of(job, 0, job.grid.rows, band_rows, spread):
            found.append(rows)
            if on_progress is not None:
                on_progress(len(regions) * len(found) // bands)
    return decode(merged(found, job.words), encoding, len(regions), len(split))


@dataclass(frozen=True, slots=True)
class Job:
    """What there is to sweep: edges, the grid over them, and the rasters on it.

    Attributes
    ----------
    rings : kernel.Rings
        Closed rings, or any runs of their edges that pass the rows to sweep.
    words : int
        Words of 64 bits that the slots take.
    """

    rings: kernel.Rings
    grid: kernel.Grid
    words: int
    rasters: tuple[RasterPlane, ...]


def job_of(
    regions: Sequence[shapely.Geometry],
    encoding: Encoding,
    split: Sequence[shapely.Geometry] = (),
    spread: Spread = map,
    cell_m: float | None = None,
) -> Job:
    """Make polygons flat and lay a grid over the regions; ``encoding`` comes from ``rasterstack.fitted``."""
    slots = slots_of(encoding, len(regions), len(split))
    if shapely.is_empty(np.asarray(regions, dtype=object)).all():
        none = flat_rings(np.empty(0, object), np.empty(0, np.intp), 0, map)
        return Job(none, kernel.Grid(0.0, 0.0, 1.0, 0, 0), slots.words, ())
    polygons, slot = polygons_in(regions, split, encoding, slots)
    rings = flat_rings(polygons, slot, len(regions), spread)
    bounds = shapely.total_bounds(np.asarray(regions, dtype=object))
    grid = grid_for(bounds, _vertices_in(bounds, rings.xy), encoding, cell_m)
    return Job(rings, grid, slots.words, encoding.rasters)


def bands_of(
    job: Job, first_row: int, last_row: int, band_rows: int = BAND_ROWS, spread: Spread = map
) -> Iterator[SparseRows]:
    """Sweep the rows from ``first_row`` up to ``last_row``, both whole bands, band by band."""
    runs = sorted_runs(job.rings, job.grid, band_rows, spread)
    stack = stack_rasters(job.rasters, *job.grid)
    bands = range(first_row // band_rows, math.ceil(last_row / band_rows))
    yield from spread(partial(_band, job, runs, stack, band_rows), bands)


def flat_rings(polygons: NDArray[np.object_], slot: NDArray[np.integer], regions: int, spread: Spread) -> kernel.Rings:
    """Flat arrays of the rings of single polygons.

    Raises
    ------
    ValueError
        If there are more than 2 ** 30 vertices: such a job goes in parts, see ``scale``.
    """
    rings, owner = shapely.get_rings(polygons, return_index=True)
    start = np.zeros(len(rings) + 1, np.int64)
    np.cumsum(shapely.get_num_coordinates(rings), out=start[1:])
    if start[-1] >= 2**30:
        raise ValueError(f"{start[-1]} vertices in one go; cut the job into row bands")
    is_shell = np.ones(len(owner), np.bool_)
    is_shell[1:] = owner[1:] != owner[:-1]
    sign = np.empty(len(rings), np.int8)
    xy = shapely.get_coordinates(polygons)
    for _ in spread(lambda part: kernel.ring_signs(xy, start, is_shell, sign, *part), _blocks(start)):
        pass
    return kernel.Rings(xy, start, owner.astype(np.int32), sign, slot.astype(np.int32), regions)


def grid_for(bounds: Sequence[float], edges: int, encoding: Encoding, cell_m: float | None = None) -> kernel.Grid:
    """The grid over some bounds: cells in which raster classes are constant, and few edges each.

    Without rasters the grid is shifted off round coordinates, where vertices like to lie.
    """
    west, south, east, north = (float(b) for b in bounds)
    target = cell_m or math.sqrt(max(1.0, (east - west) * (north - south)) / max(1, edges) * EDGES_PER_CELL)
    if cell_m is None:
        target = min(max(target, CELL_LIMITS_M[0]), CELL_LIMITS_M[1])
    if encoding.rasters:
        first = encoding.rasters[0]
        base = common_cell(encoding.rasters)
        cell = base / max(1, round(base / target))
        west = first.west_m + math.floor((west - first.west_m) / cell) * cell
        south = first.north_m + math.floor((south - first.north_m) / cell) * cell
    else:
        cell = target
        west, south = west - 0.3719 * cell, south - 0.4142 * cell
    columns = math.floor((east - west) / cell) + 1
    rows = math.floor((north - south) / cell) + 1
    return kernel.Grid(west, south, cell, columns, rows)


def _vertices_in(bounds: Sequence[float], xy: NDArray[np.float64]) -> int:
    west, south, east, north = bounds
    x, y = xy.T
    return int(np.count_nonzero((x >= west) & (x <= east) & (y >= south) & (y <= north)))


def merged(bands: Sequence[SparseRows], words: int) -> SparseRows:
    """The rows of all bands, summed over equal combinations, band after band."""
    index, rows, area = new_table(max(1, sum(len(band.area_m2) for band in bands)), words)
    number = np.zeros(2, np.int64)
    for band in bands:
        merge(index, rows, area, number, band.rows, band.area_m2)
    return SparseRows(rows[: number[0]], area[: number[0]])


def _blocks(start: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Ranges of rings with about as many vertices each."""
    edges = np.searchsorted(start, np.linspace(0, start[-1], BLOCKS + 1))
    edges[0], edges[-1] = 0, len(start) - 1
    return [(int(a), int(b)) for a, b in zip(edges[:-1], edges[1:], strict=True)]


def sorted_runs(
    rings: kernel.Rings, grid: kernel.Grid, band_rows: int, spread: Spread = map
) -> list[tuple[NDArray[np.int64], NDArray[np.int32]]]:
    """Per block of rings: where each band begins, and its runs of edges (first edge, end, ring)."""
    bands, shift = math.ceil(grid.rows / band_rows), band_rows.bit_length() - 1
    if band_rows != 1 << shift:
        raise ValueError(f"a band has {band_rows} rows; that must be a power of two")

    def one(block: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        start = np.zeros(bands + 1, np.int64)
        kernel.band_runs(rings, grid, shift, start, np.empty((0, 3), np.int32), *block)
        np.cumsum(start, out=start)
        runs = np.empty((start[-1], 3), np.int32)
        if len(runs):
            kernel.band_runs(rings, grid, shift, start.copy(), runs, *block)
        return start, runs

    return list(spread(one, _blocks(rings.start)))


def _band(
    job: Job,
    runs: list[tuple[NDArray[np.int64], NDArray[np.int32]]],
    stack: RasterStack,
    band_rows: int,
    band: int,
) -> SparseRows:
    """Joint areas in one band of rows."""
    rings, grid, words = job.rings, job.grid, job.words
    first_row = band * band_rows
    rows = min(band_rows, grid.rows - first_row)
    mine = [part[start[band] : start[band + 1]] for start, part in runs]
    room = 64 + 2 * sum(int((part[:, 1] - part[:, 0]).sum()) for part in mine)
    while True:
        found, n = np.empty((room, 3), np.int32), 0
        for part in mine:
            n = kernel.register(rings, part, grid, first_row, rows, n, found)
        if n <= room:
            break
        room = n
    if n == 0:
        return SparseRows.empty(words)
    start = np.zeros(rows * (grid.columns + 1) + 1, np.int64)
    edge, owner = np.empty(n, np.int32), np.empty(n, np.int32)
    scratch = new_scratch(kernel.sort_cells(found, n, start, edge, owner))
    ids, keys = stack.of_rows(first_row, rows), slot_keys(64 * words)
    capacity = 1 << 11
    while True:
        table, number = new_table(capacity, words), np.zeros(2, np.int64)
        here = (np.zeros(64 * words, np.int32), np.zeros(words + 2, np.uint64), keys)
        sweep_band(rings, grid, first_row, rows, start, edge, owner, ids, scratch, *here, *table, number)
        if not number[1]:
            return SparseRows(table[1][: number[0]].copy(), table[2][: number[0]].copy())
        capacity *= 4

"""Grids become features: cells of equal class and depth, outlined along the exact edges of the cells.

See ``docs/adr/0012-grids-become-outlines.md``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio.features
import shapely
import shapely.geometry
from numpy.typing import NDArray

from dgdo_geo import harmonise
from dgdo_geo.errors import InputError
from dgdo_geo.intake.rasters import GridOptions
from dgdo_geo.model import RD_NEW
from dgdo_geo.overlay.raster import classify, recode
from dgdo_geo.sources.grids import GridFile
from dgdo_geo.texts import text

MAX_OUTLINES = 1_000_000
MAX_KINDS = 500
"""Distinct combinations of class and depths: each becomes a plane of the overlay, and 2,800 took 9 GB there."""
SAME_CELLS = 1e-3
"""Largest distance between the cells of two grids that are the same, in cells: text files round."""
SAME_M = 1e-3
"""Depths closer together than this, in metres, are the same: float32 rounds."""
METRES = re.compile(r"(m|met(er|re)s?)\b.*", re.IGNORECASE)
DEPTHS = ("top_min_m", "top_max_m", "base_min_m", "base_max_m")

Codes = NDArray[np.int64]
Depths = NDArray[np.float64]


def outline(
    grid: GridFile,
    options: GridOptions,
    report: harmonise.Report,
    *,
    top: GridFile | None = None,
    base: GridFile | None = None,
) -> gpd.GeoDataFrame:
    """Outline the cells of a grid by class and depth.

    Neighbouring cells (sharing an edge) of the same class and depth range are one feature. In another CRS than
    EPSG:28992 every corner of a cell on an outline becomes a vertex, so that edges stay together when the frame is
    transformed.

    Parameters
    ----------
    grid : GridFile
        The values that are cut into classes.
    report : Report
        Gets the counts of cells and what a reader should know.
    top, base : GridFile, optional
        Depths in metres, as ``options`` says, on the same cells.

    Returns
    -------
    GeoDataFrame
        In the CRS of the grid, with the columns ``id`` (the centre of the first cell of the outline: stable as long as
        the grid is), ``class``, the four depths of the product schema in metres below ground level, ``value_min``,
        ``value_max`` and ``cells``. Depths are NaN where they are not known.

    Raises
    ------
    InputError
        If a value has no class, the depths are on other cells, in another unit or measured the other way, or there
        are too many outlines.
    """
    classes = (*options.named_classes, options.no_data)
    class_of = _classes(grid, options, report)
    has_value = ~np.isnan(grid.values)
    kept = has_value | (options.no_data != "")
    if grid.unit:
        report.note(text("grids", "unit", unit=grid.unit))
    _count(class_of, has_value, classes, grid, report)
    depths = _depths(grid, has_value, options, report, top, base)
    code = _combined([class_of, *depths])
    kinds = len(np.unique(code[kept]))
    if kinds > MAX_KINDS:
        step = f"{options.depth_step_m:g}"
        raise InputError("grid_kinds", file=report.file, count=kinds, limit=MAX_KINDS, step=step)
    rings, label = _outlines(code, kept, report)
    _, first = np.unique(label[label >= 0], return_index=True)
    cell = np.flatnonzero(label >= 0)[first]
    low, high, cells = _extremes(grid.values, label, len(rings))
    frame = {
        "id": _ids(grid, cell),
        "class": np.array(classes, object)[class_of.ravel()[cell]],
        **{name: depth.ravel()[cell] for name, depth in zip(DEPTHS, depths, strict=True)},
        "value_min": low,
        "value_max": high,
        "cells": cells,
    }
    return gpd.GeoDataFrame(frame, geometry=placed(rings, grid), crs=grid.crs)


def placed(rings: NDArray[np.object_], grid: GridFile) -> NDArray[np.object_]:
    """Polygons in columns and rows as polygons in the coordinates of the grid.

    Every corner is computed in the same way from whole numbers, so that neighbours share it to the last bit.
    """
    if grid.crs != f"EPSG:{RD_NEW}":
        # A straight line in another CRS is none in ours: over 100 km it differs by 8 m, over a cell by 1 mm.
        rings = shapely.segmentize(rings, 1.0)

    def corners(points: NDArray[np.float64]) -> NDArray[np.float64]:
        column, row = np.round(points).T
        return np.stack([grid.west + column * grid.cell, grid.north - row * grid.cell], axis=1)

    return np.asarray(shapely.transform(rings, corners))


# Classes ---------------------------------------------------------------------------------


def _classes(grid: GridFile, options: GridOptions, report: harmonise.Report) -> Codes:
    """Position of the class of every cell; one past the last for cells without a value."""
    named = options.named_classes
    if options.classes:
        found, order = classify(grid.values, options.thresholds), options.classes
    else:
        codes = options.codes
        known = np.array(list(codes), grid.values.dtype)
        strange = np.setdiff1d(np.unique(grid.values[~np.isnan(grid.values)]), known)
        if len(strange):
            values = ", ".join(f"{value:g}" for value in strange[:12])
            raise InputError("grid_value_unknown", file=report.file, values=values, known=", ".join(options.values))
        found, order = recode(grid.values, list(codes)), tuple(codes.values())
    return np.array([*map(named.index, order), len(named)], np.int64)[found]


def _count(
    class_of: Codes, has_value: NDArray[np.bool_], classes: Sequence[str], grid: GridFile, report: harmonise.Report
) -> None:
    count = int(has_value.sum())
    report.note(
        text("grids", "cells", cells=has_value.size, size=f"{grid.cell:g}", filled=count, empty=has_value.size - count)
    )
    number = np.bincount(class_of[has_value], minlength=len(classes))
    shown = ", ".join(f"{name} ({n})" for name, n in zip(classes[:-1], number, strict=False))
    report.note(text("grids", "cells_per_class", classes=shown))
    if count < has_value.size:
        key = "cells_left_out" if classes[-1] == "" else "cells_without_value"
        report.note(text("grids", key, count=has_value.size - count, class_id=classes[-1]))


# Depths ----------------------------------------------------------------------------------


def _depths(
    grid: GridFile,
    has_value: NDArray[np.bool_],
    options: GridOptions,
    report: harmonise.Report,
    top: GridFile | None,
    base: GridFile | None,
) -> tuple[Depths, Depths, Depths, Depths]:
    """Limits of top and base per cell, metres below ground level; cells without a value hold for the whole column."""
    shape = grid.values.shape
    start, end = np.zeros(shape), np.full(shape, np.inf)
    top_low, top_high = (start, start) if top is None else _below_ground(top, "top", grid, has_value, options, report)
    base_low, base_high = (end, end) if base is None else _below_ground(base, "base", grid, has_value, options, report)
    if top is not None and base is None:
        report.note(text("grids", "no_base"))
    if base is not None:
        top_low, top_high, base_low, base_high = _in_order((top_low, top_high, base_low, base_high), has_value, report)
    step = options.depth_step_m
    limits = [_rounded(top_low, step, down=True), _rounded(top_high, step, down=False)]
    limits += [_rounded(base_low, step, down=True), _rounded(base_high, step, down=False)]
    unknown = int((np.isnan(limits[0] + limits[2]) & has_value).sum())
    if unknown:
        report.note(text("grids", "depth_unknown", count=unknown))
    if top is not None or base is not None:
        report.note(text("grids", "depth_step", step=f"{step:g}"))
    whole = (0.0, 0.0, np.inf, np.inf)
    a, b, c, d = (np.where(has_value, limit, w) for limit, w in zip(limits, whole, strict=True))
    return a, b, c, d


def _below_ground(
    depth: GridFile,
    which: str,
    grid: GridFile,
    has_value: NDArray[np.bool_],
    options: GridOptions,
    report: harmonise.Report,
) -> tuple[Depths, Depths]:
    """Lowest and highest depth below ground level, positive down.

    ``depth = ground level - height``, for a height and a ground level against NAP.
    """
    _check_cells(depth, which, grid, report)
    if depth.unit and not METRES.fullmatch(depth.unit):
        raise InputError("grid_depth_unit", file=report.file, grid=which, unit=depth.unit)
    down = depth.values.astype(np.float64) * (1 if options.positive == "down" else -1)
    ground = options.ground_level_m or (0.0, 0.0)
    low, high = down + ground[0], down + ground[1]
    seen = high[has_value & ~np.isnan(high)]
    if len(seen) == 0:
        raise InputError("grid_depth_empty", file=report.file, grid=which)
    if np.median(seen) < 0:
        median = f"{np.median(seen):.0f}"
        raise InputError("grid_depth_sign", file=report.file, grid=which, median=median, positive=options.positive)
    return low, high


def _check_cells(depth: GridFile, which: str, grid: GridFile, report: harmonise.Report) -> None:
    """Refuse depths on other cells than the values."""
    near = SAME_CELLS * grid.cell
    corner = (depth.west - grid.west, depth.north - grid.north)
    size = (depth.cell - grid.cell) * max(grid.values.shape)
    if (
        depth.values.shape != grid.values.shape
        or depth.crs != grid.crs
        or not all(abs(gap) <= near for gap in (*corner, size))
    ):
        raise InputError(
            "grid_cells_differ", file=report.file, grid=which, found=described(depth), expected=described(grid)
        )


def described(grid: GridFile) -> str:
    """Size and place of a grid, to compare two."""
    rows, columns = grid.values.shape
    return f"{rows} x {columns}, {grid.cell:g} m, ({grid.west:.10g}, {grid.north:.10g}), {grid.crs[:40]}"


def _in_order(
    limits: tuple[Depths, Depths, Depths, Depths], has_value: NDArray[np.bool_], report: harmonise.Report
) -> tuple[Depths, Depths, Depths, Depths]:
    """Depths not known where the base does not lie below the top and below ground level.

    Grids of depth run on, with a thickness of nothing, where a layer is absent.
    """
    top_low, _, base_low, base_high = limits
    known = has_value & ~np.isnan(top_low + base_low)
    wrong = known & ((base_low <= top_low + 2 * SAME_M) | (base_high <= SAME_M))
    upside_down, count = int((known & (base_low < top_low)).sum()), int(wrong.sum())
    if count == 0:
        return limits
    if upside_down > known.sum() / 2:
        raise InputError("grid_depth_order", file=report.file, count=upside_down, total=int(known.sum()))
    report.note(text("grids", "no_thickness", count=count))
    a, b, c, d = (np.where(wrong, np.nan, limit) for limit in limits)
    return a, b, c, d


def _rounded(depth: Depths, step: float, *, down: bool) -> Depths:
    """A limit rounded outwards, so that the true depth stays between the limits; above ground level it is that level."""
    # A depth at a step but for its last digits is at that step.
    steps = np.floor((depth + SAME_M) / step) if down else np.ceil((depth - SAME_M) / step)
    return np.asarray(np.maximum(steps * step, 0.0))


# Outlines --------------------------------------------------------------------------------


def _combined(columns: Sequence[NDArray[np.generic]]) -> NDArray[np.int32]:
    """One number per distinct combination; NaN equals NaN."""
    code = np.zeros(columns[0].size, np.int64)
    for column in columns:
        part, known = pd.factorize(column.ravel(), use_na_sentinel=False)
        code = pd.factorize(code * len(known) + part)[0].astype(np.int64)
    return code.reshape(columns[0].shape).astype(np.int32)


def _outlines(
    code: NDArray[np.int32], kept: NDArray[np.bool_], report: harmonise.Report
) -> tuple[NDArray[np.object_], NDArray[np.int32]]:
    """Outlines in columns and rows, ordered by their first cell, and the outline of every cell (-1 for none)."""
    found: list[shapely.Polygon] = []
    for shape, _ in rasterio.features.shapes(code, mask=kept, connectivity=4):
        found.append(shapely.geometry.shape(shape))
        if len(found) > MAX_OUTLINES:
            raise InputError("grid_outlines", file=report.file, limit=MAX_OUTLINES)
    rings = np.array(found, object)
    label = rasterio.features.rasterize(zip(found, range(len(found)), strict=True), code.shape, fill=-1, dtype="int32")
    _, first = np.unique(label[label >= 0], return_index=True)
    order = np.argsort(first)
    number = np.empty(len(found) + 1, np.int32)
    number[order], number[-1] = np.arange(len(found)), -1
    return rings[order], number[label]


def _extremes(
    values: NDArray[np.floating], label: NDArray[np.int32], count: int
) -> tuple[Depths, Depths, NDArray[np.int64]]:
    """Lowest and highest value and number of cells of every outline."""
    order = np.argsort(label, axis=None, kind="stable")
    cells = np.bincount(label[label >= 0], minlength=count)
    order = order[len(order) - int(cells.sum()) :]
    start = np.concatenate([[0], np.cumsum(cells)[:-1]])
    sorted_values = values.ravel()[order].astype(np.float64)
    return np.minimum.reduceat(sorted_values, start), np.maximum.reduceat(sorted_values, start), cells


def _ids(grid: GridFile, cell: NDArray[np.intp]) -> list[str]:
    """Centre of the first cell, the northernmost and of those the westernmost, as text."""
    row, column = np.divmod(cell, grid.values.shape[1])
    x, y = grid.west + (column + 0.5) * grid.cell, grid.north - (row + 0.5) * grid.cell
    return [f"{round(a, 6):.15g}_{round(b, 6):.15g}" for a, b in zip(x.tolist(), y.tolist(), strict=True)]

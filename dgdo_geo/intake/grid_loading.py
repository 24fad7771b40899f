"""Grids go the way of all layers: into RD New, checked, into the product schema."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from dgdo_geo import harmonise, store
from dgdo_geo.errors import InputError
from dgdo_geo.intake.controls import check_controls
from dgdo_geo.intake.declaring import complete_classes, declare, is_ruled
from dgdo_geo.intake.doubt import doubt_crs
from dgdo_geo.intake.outcome import Intake
from dgdo_geo.intake.outlines import DEPTHS, outline, placed
from dgdo_geo.intake.rasters import GridChoice, GridOptions
from dgdo_geo.intake.recipe import ClassMapping, Columns, RecipeLayer
from dgdo_geo.model import LAND_BOUNDS, NO_DATA, RD_NEW, Absence, Layer
from dgdo_geo.sources.grid_archive import ZIP, one_grid
from dgdo_geo.sources.grids import GridFile, read_grid
from dgdo_geo.sources.read_options import ReadOptions
from dgdo_geo.texts import text

GridSource = Callable[[GridChoice], GridFile]
"""Gives the grid that a recipe asks for."""
OUTSIDE = "buiten_raster"
"""Id of the feature that says that nothing is known outside the grid."""
TOLD_ELSEWHERE = ("other_crs",)
"""Notes of a reader that the report tells better."""


def grid_source(path: Path, read: ReadOptions | None = None, crs: str | None = None) -> GridSource:
    """How to read the grids of a layer from its file, from files beside it, or from a zip.

    Parameters
    ----------
    path : Path
        File of the layer.
    read : ReadOptions, optional
        Only ``layer``, the name of the file in a zip of several, is used.
    crs : str, optional
        Overrules what the files say; needed when they say nothing.

    Returns
    -------
    callable
        Raises :class:`~dgdo_geo.errors.InputError` as :func:`~dgdo_geo.sources.grids.read_grid` and
        :func:`~dgdo_geo.sources.grid_archive.one_grid` do.
    """

    def source(choice: GridChoice) -> GridFile:
        in_zip = read.layer if read is not None and path.suffix.casefold() == ZIP else None
        wanted = choice.file or in_zip
        with one_grid(path, wanted) as file:
            return read_grid(
                file,
                crs=crs,
                band=choice.band,
                variable=choice.variable,
                columns=choice.columns,
                select=choice.select,
                corners=choice.corners,
                unit_m=choice.unit_m,
            )

    return source


def take_in_grid(item: RecipeLayer, path: Path, workspace: store.Workspace) -> Intake:
    """Read the grids of one layer of a recipe and bring them into our schema.

    Parameters
    ----------
    path : Path
        The layer's file; other grids stand beside it or in it.

    Raises
    ------
    InputError
        If anything in a file or the recipe is wrong; the message says what and what to do.
    """
    used = {"layer"} if item.file.casefold().endswith(ZIP) else set()
    if beside := sorted(item.read.model_fields_set - used):
        raise InputError("grid_table_beside", layer=item.layer, table=f"read.{beside[0]}")
    return bring_in_grid(grid_source(path, item.read, item.crs), item, workspace)


def bring_in_grid(read: GridSource, item: RecipeLayer, workspace: store.Workspace) -> Intake:
    """Bring the grids of a layer into our schema, as outlines of their cells.

    Parameters
    ----------
    read : callable
        Called with the ``grid`` of the recipe and, where it has them, its ``top`` and ``base``.
    item : RecipeLayer
        With ``grid``.

    Raises
    ------
    InputError
        If anything in the grids or the recipe is wrong; the message says what and what to do.
    """
    options = item.grid
    if options is None:
        raise ValueError(f"layer {item.layer} has no grid")
    layer = declare(item, workspace)
    _check_recipe(item, options, layer)
    layer = layer.model_copy(update={"complete_classes": complete_classes(_as_classes(item, options), layer)})
    report = harmonise.Report(file=item.file, layer=item.layer)
    grid = read(options)
    top, base = (None if choice is None else read(choice) for choice in (options.top, options.base))
    raw = outline(grid, options, report, top=top, base=base)
    report.read = len(raw)
    frame = harmonise.to_rd(raw, item.crs, report)
    if grid.declared is not None:
        report.crs_declared = grid.declared
    if item.crs is None:
        doubt_crs(raw, frame, layer, workspace, report, item.coincides_with)
    elif item.why_crs_nl:
        report.note(item.why_crs_nl)
    frame = harmonise.repair(frame, layer.geometry, report)
    frame = harmonise.drop_outside(frame, report, at_sea=item.at_sea)
    _tell(grid, top, base, item, frame, report)
    if layer.absence is Absence.CONCLUSIVE:
        frame = _with_outside(frame, grid, report, at_sea=item.at_sea)
    product = _in_schema(frame, item, layer, report)
    return Intake(
        report, layer, product, checked=check_controls(item.control, product, layer), is_ruled=is_ruled(item.layer)
    )


def _as_classes(item: RecipeLayer, options: GridOptions) -> RecipeLayer:
    """The recipe with every class that the grid speaks of, also for cells without a value, as translated values."""
    named = dict.fromkeys((*options.named_classes, options.no_data))
    values = {class_id: class_id for class_id in named if class_id not in ("", NO_DATA)}
    return item.model_copy(update={"classes": ClassMapping(columns=("class",), values=values)})


def _in_schema(frame: gpd.GeoDataFrame, item: RecipeLayer, layer: Layer, report: harmonise.Report) -> gpd.GeoDataFrame:
    depths = {name: frame[name].to_numpy(np.float64) for name in DEPTHS}
    frame = frame.drop(columns=list(DEPTHS))
    frame["label"] = [_name(layer, class_id) for class_id in frame["class"]]
    product = harmonise.to_schema(
        frame,
        report,
        id_column="id",
        name_column="label",
        depth_columns={},
        accuracy_m=None,
        source=item.declare.source,
        extra={},
        depths=depths,
    )
    return product.drop(columns=["id", "label"])


def _name(layer: Layer, class_id: str) -> str:
    return text("grids", "no_data_name") if class_id == NO_DATA else layer.label(class_id)


def _check_recipe(item: RecipeLayer, options: GridOptions, layer: Layer) -> None:
    """Refuse a grid for a layer of points or lines, classes that it does not have, and tables that do nothing."""
    if layer.geometry != "polygon":
        raise InputError("grid_not_polygon", layer=layer.id)
    beside = {
        "columns": item.columns != Columns(),
        "classes": item.classes != ClassMapping(),
        "density": item.density is not None,
    }
    for table, is_there in beside.items():
        if is_there:
            raise InputError("grid_table_beside", layer=layer.id, table=table)
    known = [c.id for c in layer.classes]
    named = {*options.named_classes, *([options.no_data] if options.no_data else [])}
    if strange := sorted(named - {*known, NO_DATA}):
        raise InputError("class_unknown", layer=layer.id, classes=", ".join(strange), known=", ".join(known))


def _tell(
    grid: GridFile,
    top: GridFile | None,
    base: GridFile | None,
    item: RecipeLayer,
    frame: gpd.GeoDataFrame,
    report: harmonise.Report,
) -> None:
    """Put in the report what the readers noticed, and an accuracy that the cells cannot have."""
    told = [(key, note) for key, note in zip(grid.notes, grid.notes_nl, strict=True) if key not in TOLD_ELSEWHERE]
    # The sign of depths has been looked at already, with what the recipe says of it.
    silent = (*TOLD_ELSEWHERE, "negative")
    for which, depth in (("top", top), ("base", base)):
        if depth is not None:
            pairs = zip(depth.notes, depth.notes_nl, strict=True)
            told += [(key, f"{which}: {note}") for key, note in pairs if key not in silent]
    for note in dict.fromkeys(note for _, note in told):
        report.note(note)
    # The cell whose edges are shortest says how wide a cell is in metres.
    half = float(np.sqrt(np.median(shapely.area(frame.geometry.to_numpy()) / frame["cells"].to_numpy()))) / 2
    if item.declare.accuracy_m < 0.99 * half:
        report.note(text("grids", "accuracy", accuracy=f"{item.declare.accuracy_m:g}", half=f"{half:.0f}"))


def _with_outside(
    frame: gpd.GeoDataFrame, grid: GridFile, report: harmonise.Report, *, at_sea: bool
) -> gpd.GeoDataFrame:
    """Add that nothing is known outside the grid: there an empty place is no statement."""
    rows, columns = grid.values.shape
    extent = gpd.GeoSeries(placed(np.array([shapely.box(0, 0, columns, rows)], object), grid), crs=report.crs_used)
    frame_of = harmonise.SEA_BOUNDS if at_sea else LAND_BOUNDS
    outside = shapely.difference(shapely.box(*frame_of), extent.to_crs(RD_NEW).iloc[0])
    parts = shapely.get_parts(outside)
    if not len(parts):
        return frame
    report.read += 1
    report.note(text("grids", "outside"))
    whole = dict(zip(DEPTHS, (0.0, 0.0, np.inf, np.inf), strict=True))
    row = {"id": OUTSIDE, "class": NO_DATA, "value_min": np.nan, "value_max": np.nan, "cells": 0, **whole}
    added = gpd.GeoDataFrame([row], geometry=[outside], crs=frame.crs)
    return gpd.GeoDataFrame(pd.concat([frame, added], ignore_index=True), crs=frame.crs)

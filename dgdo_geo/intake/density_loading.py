"""Lines of one or more networks -> cells with their length per area, in the product schema."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from dgdo_geo import harmonise, store
from dgdo_geo.errors import InputError
from dgdo_geo.intake.cells import Cells, Floats, Numbers, cut_area, lengths
from dgdo_geo.intake.controls import check_controls
from dgdo_geo.intake.declaring import is_ruled
from dgdo_geo.intake.density import DensityOptions
from dgdo_geo.intake.density_sources import Source, areas_only, read_land, read_sources
from dgdo_geo.intake.looking import Facts, look_at_place
from dgdo_geo.intake.outcome import Intake, Look, chosen_rows
from dgdo_geo.intake.recipe import ClassMapping, Columns, RecipeLayer
from dgdo_geo.model import NO_DATA, RD_NEW, Layer
from dgdo_geo.texts import number_nl, text

MAX_CELLS = 2_000_000
MAX_KINDS = 20
DECIMALS = 9
"""Densities are rounded to this many, so that 1 km in 1 km2 is 1, not a little less."""
SMALL_PART = 0.1
"""A smaller part of a cell, of a coast for instance, easily gets a high density by one short line."""


def bring_in_lines(
    raw: gpd.GeoDataFrame,
    frame: gpd.GeoDataFrame,
    facts: Facts,
    item: RecipeLayer,
    layer: Layer,
    workspace: store.Workspace,
    folder: Path | None,
    report: harmonise.Report,
    on_look: Callable[[Look], None] | None = None,
) -> Intake:
    """Make a layer of cells of the lines of a recipe.

    Parameters
    ----------
    raw, frame : GeoDataFrame
        The lines of the layer's own file as they were read, and in EPSG:28992.
    facts : Facts
        Of that file.
    item : RecipeLayer
        With ``density``.
    folder : Path, optional
        Where the further files and masks stand; None when there is no such place (a fetched layer).
    report : harmonise.Report
        ``read``, ``kept``, ``outside`` and ``duplicates`` come to be about lines, ``classes`` about cells.
    on_look : callable, optional
        Called with what the file is, before anything in it is translated.

    Returns
    -------
    Intake
        A feature is a cell, or the part of it in which the network is known: ``length_m``, ``area_km2`` (of
        the part), ``density_km_per_km2`` and, where kinds are told, ``density_km_per_km2_<kind>``, empty
        where nobody published that kind. The land where nobody published anything is of the class
        :data:`~dgdo_geo.model.NO_DATA`.

    Raises
    ------
    InputError
        If anything in a file or the recipe is wrong; the message says what and what to do.
    """
    options = _checked(item, layer, folder)
    frame = harmonise.repair(frame, "line", report)
    look = Look(report, facts, look_at_place(raw, frame, workspace, report), chosen=chosen_rows(item.read))
    if on_look is not None:
        on_look(look)
    land = read_land(workspace)
    sources = read_sources(frame, item, options, layer, workspace, folder, land, report)
    known = areas_only(shapely.union_all([source.known for source in sources]))
    cells = _grid(known, options, item)
    lines, kinds, kind = _one_of_each(sources, options, report)
    numbers, parts = cut_area(known, cells)
    by_cell, by_line = lengths(lines, kind, max(len(kinds), 1), cells, numbers, parts)
    if not by_line.any():
        raise InputError("density_nothing", file=item.file, crs=report.crs_used)
    counted = _tell_lines(sources, by_line, lines, report)
    table = _table(numbers, parts, by_cell, kinds, cells, options)
    if not options.covers_country:
        _blank_unknown(table, sources, kinds, report)
    unknown = _unknown(land, known)
    _tell(table, by_cell, kinds, unknown, layer, options, report)
    both = pd.concat([table, unknown], ignore_index=True) if len(unknown) else table
    result = _in_schema(both, options, item, report)
    report.kept, report.outside, report.duplicates = counted
    layer = layer.model_copy(update={"complete_classes": complete_classes(options, layer)})
    return Intake(report, layer, result, look, check_controls(item.control, result, layer), is_ruled(item.layer))


def complete_classes(options: DensityOptions, layer: Layer) -> tuple[str, ...]:
    """Classes that the cells can have, when those are not all of the layer; see :class:`~dgdo_geo.model.Layer`."""
    known = [c.id for c in layer.classes]
    return () if set(options.classes) >= set(known) else tuple(c for c in known if c in options.classes)


def _checked(item: RecipeLayer, layer: Layer, folder: Path | None) -> DensityOptions:
    """The options, when they fit the layer."""
    options = item.density
    if options is None:
        raise ValueError(f"layer {item.layer} has no density")
    known = [c.id for c in layer.classes]
    wrong = sorted(set(options.classes) - set(known))
    if wrong:
        raise InputError("class_unknown", layer=item.layer, classes=", ".join(wrong), known=", ".join(known))
    if layer.geometry != "polygon":
        raise InputError("density_geometry", layer=item.layer, geometry=layer.geometry)
    beside = {"columns": item.columns != Columns(), "classes": item.classes != ClassMapping(), "grid": item.grid}
    for table, is_there in beside.items():
        if is_there:
            raise InputError("density_table_beside", layer=item.layer, table=table)
    if folder is None and (options.mask is not None or options.more):
        raise InputError("density_no_folder", layer=item.layer)
    return options


# Lines -> cells --------------------------------------------------------------------------


def _grid(known: shapely.Geometry, options: DensityOptions, item: RecipeLayer) -> Cells:
    west, south, east, north = (float(value) for value in shapely.bounds(known))
    cells = Cells.covering(west, south, east, north, options.cell_m)
    count = cells.rows * cells.columns
    if count > MAX_CELLS:
        least = options.cell_m * float(np.sqrt(count / MAX_CELLS))
        least_m = number_nl(np.ceil(least / 10) * 10)
        raise InputError(
            "density_many_cells",
            layer=item.layer,
            cell=number_nl(options.cell_m),
            count=number_nl(count),
            limit=number_nl(MAX_CELLS),
            least=least_m,
        )
    return cells


def _one_of_each(
    sources: list[Source], options: DensityOptions, report: harmonise.Report
) -> tuple[NDArray[np.object_], list[str], Numbers]:
    """All lines, the kinds that there are, and the kind of every line; doubles left out when that is asked."""
    lines = np.concatenate([source.lines for source in sources])
    code, found = pd.factorize(np.concatenate([source.kind for source in sources]), sort=True)
    kinds = [str(kind) for kind in found if kind]
    if len(kinds) > MAX_KINDS:
        some = ", ".join(kinds[:5])
        raise InputError("density_many_kinds", file=report.file, count=len(kinds), limit=MAX_KINDS, some=some)
    alike = pd.DataFrame({"kind": code, "shape": shapely.to_wkb(shapely.normalize(lines))})
    is_double = alike.duplicated().to_numpy()
    report.duplicates = int(is_double.sum())
    if report.duplicates:
        values = {"count": number_nl(report.duplicates), "length": _km(shapely.length(lines[is_double]).sum())}
        report.note(text("density", "doubles_once" if options.dedupe else "doubles_kept", **values))
    if options.dedupe:
        lines = np.where(is_double, shapely.LineString(), lines)
    return lines, kinds, code.astype(np.int64)


def _table(
    numbers: Numbers,
    parts: NDArray[np.object_],
    by_cell: Floats,
    kinds: list[str],
    cells: Cells,
    options: DensityOptions,
) -> gpd.GeoDataFrame:
    """A row per cell."""
    area_km2 = shapely.area(parts) / 1e6
    density = np.round(by_cell.sum(axis=1) / 1e3 / area_km2, DECIMALS)
    west = (numbers % cells.columns + cells.column) * cells.cell_m
    south = (numbers // cells.columns + cells.row) * cells.cell_m
    code = np.searchsorted(np.array(options.thresholds), density, side="right")
    data = {
        "id": [f"x{x:.0f}y{y:.0f}" for x, y in zip(west, south, strict=True)],
        "name": [text("density", "cell", x=f"{x:.0f}", y=f"{y:.0f}") for x, y in zip(west, south, strict=True)],
        "class": np.array(options.classes, object)[code],
        "density_km_per_km2": density,
        "length_m": by_cell.sum(axis=1),
        "area_km2": area_km2,
    }
    for i, kind in enumerate(kinds):
        data[f"density_km_per_km2_{kind}"] = np.round(by_cell[:, i] / 1e3 / area_km2, DECIMALS)
    return gpd.GeoDataFrame(data, geometry=parts, crs=RD_NEW)


def _blank_unknown(table: gpd.GeoDataFrame, sources: list[Source], kinds: list[str], report: harmonise.Report) -> None:
    """Empty the column of a kind where nobody published that kind: nothing there is no nought."""
    lacking = np.zeros(len(table), np.bool_)
    for kind in kinds:
        known = shapely.union_all([source.known for source in sources if kind in source.kind])
        shapely.prepare(known)
        shapes = table.geometry.to_numpy()
        # Cells are cut along the edge of what any file knows; of this kind half a cell may be known.
        is_known = shapely.covers(known, shapes)
        rest = np.flatnonzero(~is_known)
        share = shapely.area(shapely.intersection(known, shapes[rest])) / shapely.area(shapes[rest])
        is_known[rest] = share > 1 - 1e-6
        table.loc[~is_known, f"density_km_per_km2_{kind}"] = np.nan
        lacking |= ~is_known
    if lacking.any():
        area = number_nl(table["area_km2"][lacking].sum(), 1)
        report.note(text("density", "some_kinds", count=number_nl(int(lacking.sum())), area=area))


def _unknown(land: shapely.Geometry, known: shapely.Geometry) -> gpd.GeoDataFrame:
    """The land where nobody published: one outline per piece, for it has no value per cell."""
    parts = shapely.get_parts(areas_only(shapely.difference(land, known)))
    # Less than a square metre is rounding between two outlines.
    parts = parts[shapely.area(parts) >= 1.0]
    data = {
        "id": [f"onbekend{i}" for i in range(1, len(parts) + 1)],
        "name": text("density", "unknown"),
        "class": NO_DATA,
        "area_km2": shapely.area(parts) / 1e6,
    }
    return gpd.GeoDataFrame(data, geometry=parts, crs=RD_NEW)


def _in_schema(
    frame: gpd.GeoDataFrame, options: DensityOptions, item: RecipeLayer, report: harmonise.Report
) -> gpd.GeoDataFrame:
    depths = {}
    if options.base_m is not None:
        lowest, highest = (np.full(len(frame), value) for value in options.base_m)
        is_unknown = (frame["class"] == NO_DATA).to_numpy()
        depths = {
            "base_min_m": np.where(is_unknown, np.inf, lowest),
            "base_max_m": np.where(is_unknown, np.inf, highest),
        }
    schema = harmonise.to_schema(
        frame.rename(columns={"id": "cell", "name": "cell_name"}),
        report,
        id_column="cell",
        name_column="cell_name",
        depth_columns={},
        accuracy_m=None,
        source=item.declare.source,
        extra={},
        depths=depths,
    )
    return schema.drop(columns=["cell", "cell_name"])


# What is told ----------------------------------------------------------------------------


def _km(metres: float) -> str:
    return number_nl(float(metres) / 1e3, 1)


def _tell_lines(
    sources: list[Source], by_line: Floats, lines: NDArray[np.object_], report: harmonise.Report
) -> tuple[int, int, int]:
    """Where all the length that was read has gone; the parts add up to it.

    Returns
    -------
    Rows that count, rows that lie outside, and lines that are doubles.
    """
    read = sum(float(shapely.length(source.lines).sum()) for source in sources)
    counted, used = float(by_line.sum()), float(shapely.length(lines).sum())
    values = {"read": _km(read), "counted": _km(counted), "outside": _km(used - counted), "double": _km(read - used)}
    report.note(text("density", "lengths", **values))
    first = kept = outside = 0
    for source in sources:
        last = first + len(source.lines)
        counted_m = np.bincount(source.feature, by_line[first:last])
        used_m = np.bincount(source.feature, shapely.length(lines[first:last]))
        kept += int((counted_m > 0).sum())
        outside += int(((used_m > 0) & (counted_m == 0)).sum())
        first = last
    return kept, outside, report.duplicates


def _tell(
    table: gpd.GeoDataFrame,
    by_cell: Floats,
    kinds: list[str],
    unknown: gpd.GeoDataFrame,
    layer: Layer,
    options: DensityOptions,
    report: harmonise.Report,
) -> None:
    cells = {"cells": number_nl(len(table)), "cell": number_nl(options.cell_m)}
    report.note(text("density", "cells", **cells, area=number_nl(table["area_km2"].sum(), 1)))
    for i, kind in enumerate(kinds):
        report.note(text("density", "of_kind", kind=kind, length=_km(by_cell[:, i].sum())))
    if len(unknown):
        report.note(text("density", "unknown_area", area=number_nl(unknown["area_km2"].sum(), 1)))
    small = (table["area_km2"] < SMALL_PART * options.cell_m**2 / 1e6) & (table["class"] == options.classes[-1])
    if small.any():
        report.note(text("density", "small_parts", count=number_nl(int(small.sum()))))
    if layer.accuracy_m > options.cell_m / 2:
        values = {"accuracy": number_nl(layer.accuracy_m), "cell": number_nl(options.cell_m)}
        report.note(text("density", "coarse", **values))

"""The lines of a network, file by file: read, repaired, with their kind and the area that their owner published."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo import harmonise, store
from dgdo_geo.errors import InputError
from dgdo_geo.intake.cells import Numbers
from dgdo_geo.intake.density import DensityOptions, LineOptions
from dgdo_geo.intake.doubt import doubt_crs
from dgdo_geo.intake.recipe import RecipeLayer
from dgdo_geo.model import LAND_BOUNDS, Layer
from dgdo_geo.sources.files import read_file
from dgdo_geo.sources.placing import beside
from dgdo_geo.texts import text

LAND = ("provincies", "gemeenten")
"""Layers whose areas together are the land: everywhere where a question can be asked."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file with lines, in EPSG:28992.

    Attributes
    ----------
    file : str
    lines : numpy.ndarray of shapely lines, shape (n,)
        Single lines.
    feature : numpy.ndarray of int64, shape (n,)
        Row of the file that a line is of.
    kind : numpy.ndarray of str, shape (n,)
        "" where kinds are not told.
    known : shapely polygon or multipolygon
        Where the owner published.
    """

    file: str
    lines: NDArray[np.object_]
    feature: Numbers
    kind: NDArray[np.object_]
    known: shapely.Geometry


def read_sources(
    frame: gpd.GeoDataFrame,
    item: RecipeLayer,
    options: DensityOptions,
    layer: Layer,
    workspace: store.Workspace,
    folder: Path | None,
    land: shapely.Geometry,
    report: harmonise.Report,
) -> list[Source]:
    """The lines of the layer's own file, and of the further files that the recipe names.

    Parameters
    ----------
    frame : GeoDataFrame
        Lines, valid, EPSG:28992.
    land : shapely polygon or multipolygon
        What is known when the lines cover the country.

    Raises
    ------
    InputError
        If anything in a file or the recipe is wrong; the message says what and what to do.
    """
    sources = [_source(frame, options, item.file, folder, land, report)]
    for more in options.more:
        if folder is None:
            raise InputError("density_no_folder", layer=item.layer)
        other = harmonise.Report(file=more.file, layer=item.layer)
        raw = read_file(beside(folder, more.file), more.read)
        other.read = len(raw)
        moved = harmonise.to_rd(raw, more.crs, other)
        if more.crs is None:
            doubt_crs(raw, moved, layer, workspace, other)
        lines = harmonise.repair(moved, "line", other)
        sources.append(_source(lines, more, more.file, folder, land, other))
        _add_up(report, other, more.why_crs_nl)
    return sources


def read_land(workspace: store.Workspace) -> shapely.Geometry:
    """The land, EPSG:28992: provinces and municipalities of the workspace together.

    Raises
    ------
    DataError
        If one of them cannot be read.
    """
    frames = [store.read_product(workspace.entries[name]) for name in LAND if name in workspace.entries]
    return areas_only(shapely.union_all(np.concatenate([frame.geometry.to_numpy() for frame in frames])))


def areas_only(shape: shapely.Geometry) -> shapely.Geometry:
    """A shape as a multipolygon, without points and lines."""
    parts = shapely.get_parts(shape)
    return shapely.multipolygons(shapely.get_parts(parts[shapely.get_dimensions(parts) == 2]))


def _source(
    frame: gpd.GeoDataFrame,
    options: LineOptions,
    file: str,
    folder: Path | None,
    land: shapely.Geometry,
    report: harmonise.Report,
) -> Source:
    kind = _kinds(frame, options, report)
    lines, feature = shapely.get_parts(frame.geometry.to_numpy(), return_index=True)
    known = land if options.mask is None else _published(options.mask, options, folder, report)
    return Source(file, lines, feature.astype(np.int64), kind[feature], known)


def _published(mask: str, options: LineOptions, folder: Path | None, report: harmonise.Report) -> shapely.Geometry:
    """The area of a mask."""
    if folder is None:
        raise InputError("density_no_folder", layer=report.layer)
    other = harmonise.Report(file=mask, layer=report.layer)
    raw = read_file(beside(folder, mask), options.mask_read)
    moved = harmonise.to_rd(raw, options.mask_crs, other)
    if options.mask_crs is None and other.crs_declared == "EPSG:4289":
        raise InputError("crs_doubtful", file=mask, crs=other.crs_declared)
    areas = harmonise.repair(moved, "polygon", other).geometry.to_numpy()
    if other.repaired:
        report.note(text("density", "mask_repaired", file=mask, count=other.repaired))
    known = shapely.intersection(shapely.union_all(areas), shapely.box(*LAND_BOUNDS))
    if shapely.area(known) == 0:
        raise InputError("density_mask_outside", file=mask, crs=other.crs_used)
    return areas_only(known)


def _kinds(frame: gpd.GeoDataFrame, options: LineOptions, report: harmonise.Report) -> NDArray[np.object_]:
    """The kind of every row; "" when the recipe tells none."""
    if options.kind is None:
        return np.full(len(frame), options.kind_fixed or "", object)
    if options.kinds:
        column = "kind of network"
        return harmonise.look_up(frame, column, options.kind, options.kinds, report)[column].to_numpy(object)
    harmonise.require_columns(frame, [options.kind], report)
    found = harmonise.as_text(frame[options.kind])
    empty = int((found == "").sum())
    if empty:
        raise InputError("density_kind_empty", file=report.file, column=options.kind, count=empty)
    return found.to_numpy(object)


def _add_up(report: harmonise.Report, other: harmonise.Report, why_crs_nl: str) -> None:
    """Count what was read of a further file with that of the first."""
    report.read += other.read
    report.repaired += other.repaired
    report.without_geometry += other.without_geometry
    report.wrong_kind += other.wrong_kind
    values = {"read": other.read, "crs": other.crs_used, "operation": other.operation}
    report.note(text("density", "also_read", file=other.file, **values))
    for note in (*other.notes_nl, why_crs_nl):
        if note:
            report.note(note)

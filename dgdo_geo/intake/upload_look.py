"""A file before anybody has said what it is: what was read, where it lies, its columns, and what is doubtful."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from dgdo_geo import harmonise, store
from dgdo_geo.errors import InputError
from dgdo_geo.intake.doubt import SAFE
from dgdo_geo.intake.looking import look_at_columns, look_at_place, without_padding
from dgdo_geo.intake.outcome import Look
from dgdo_geo.sources.files import TABLES, read_file
from dgdo_geo.sources.read_options import ReadOptions
from dgdo_geo.texts import text

KINDS = ("point", "line", "polygon")


@dataclass(frozen=True, slots=True)
class UploadLook:
    """What a file is, as far as it tells by itself.

    Attributes
    ----------
    geometry : {"point", "line", "polygon"}
        Of most of its features.
    """

    look: Look
    geometry: str


def look_at_upload(
    path: Path, workspace: store.Workspace, *, crs: str | None = None, layer: str | None = None
) -> UploadLook:
    """Read a map file and look at it; nothing is translated and nothing is written.

    Parameters
    ----------
    path : Path
    workspace : Workspace
        With the boundaries to compare with.
    crs : str, optional
        Overrules what the file says.
    layer : str, optional
        Layer of a file with several.

    Raises
    ------
    InputError
        If the file is not safe, cannot be read, has no CRS or lies outside the Netherlands; or is a table.
    """
    if path.suffix.casefold() in TABLES:
        raise InputError("upload_table", file=path.name)
    report = harmonise.Report(file=path.name, layer="")
    raw = read_file(path, ReadOptions(layer=layer))
    report.read = len(raw)
    kind = _kind(raw)
    raw = without_padding(raw, report)
    facts = look_at_columns(raw)
    frame = harmonise.to_rd(raw, crs, report)
    if crs is None and raw.crs is not None and raw.crs.is_geographic and raw.crs.to_epsg() not in SAFE:
        report.crs_doubt_nl = text("own_layer", "crs_doubt", crs=report.crs_declared)
    frame = harmonise.repair(frame, kind, report)
    frame = harmonise.drop_outside(frame, report)
    report.kept = len(frame)
    place = look_at_place(raw, frame, workspace, report)
    return UploadLook(Look(report, facts, place), kind)


def _kind(raw: gpd.GeoDataFrame) -> str:
    """The kind of geometry of most features; polygons before lines before points where they are as many."""
    dimensions = shapely.get_dimensions(raw.geometry.to_numpy())
    counts = np.bincount(dimensions[(dimensions >= 0) & (dimensions <= 2)], minlength=3)
    return KINDS[2 - int(np.argmax(counts[::-1]))]

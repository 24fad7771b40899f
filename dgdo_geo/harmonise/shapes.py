"""Geometry: repaired, of one kind, inside the frame of the country, and boundaries that fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.errors import InputError
from dgdo_geo.harmonise.crs import SEA_BOUNDS
from dgdo_geo.harmonise.report import Report
from dgdo_geo.model import LAND_BOUNDS
from dgdo_geo.texts import text

SOME = 5
"""Ids that are named in a report."""
CHUNK = 100_000
"""Geometries that are looked at between two calls of a progress callback."""


def repair(
    frame: gpd.GeoDataFrame,
    kind: str,
    report: Report,
    *,
    id_column: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> gpd.GeoDataFrame:
    """Drop rows without geometry, repair invalid ones, keep the parts of the wanted kind; all counted.

    Parameters
    ----------
    kind : {"point", "line", "polygon"}
    id_column : str, optional
        Names the repaired features in the report; the row (from 1) when left out or not there.
    on_progress : callable, optional
        Called with the features done and their number.

    Raises
    ------
    InputError
        If no feature is of the wanted kind.
    """
    geometry = frame.geometry.to_numpy()
    is_there = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    report.without_geometry = int((~is_there).sum())
    rows = np.flatnonzero(is_there)
    if len(rows) < len(frame):
        frame = frame[is_there]
    geometry = shapely.force_2d(geometry[rows])
    broken = ~_valid(geometry, on_progress)
    report.repaired = int(broken.sum())
    report.repaired_ids = _names(frame, rows, broken, id_column)
    before = shapely.area(geometry[broken])
    geometry[broken] = shapely.make_valid(geometry[broken], method="structure", keep_collapsed=False)
    report.repaired_area_m2 = float(np.abs(shapely.area(geometry[broken]) - before).sum())
    geometry = _of_kind(geometry, {"point": 0, "line": 1, "polygon": 2}[kind])
    fits = ~shapely.is_empty(geometry)
    report.wrong_kind = int((~fits).sum())
    if not fits.any():
        kinds = ", ".join(sorted(set(frame.geom_type.astype(str)))) or "geen"
        raise InputError("geometry_kind", file=report.file, layer=report.layer, expected=kind, found=kinds)
    if not fits.all():
        frame, geometry = frame[fits], geometry[fits]
    return frame.set_geometry(geometry, crs=frame.crs)


def _valid(geometry: NDArray[np.object_], on_progress: Callable[[int, int], None] | None) -> NDArray[np.bool_]:
    found = np.empty(len(geometry), np.bool_)
    for start in range(0, len(geometry), CHUNK):
        part = slice(start, start + CHUNK)
        found[part] = shapely.is_valid(geometry[part])
        if on_progress is not None:
            on_progress(min(start + CHUNK, len(geometry)), len(geometry))
    return found


def _names(
    frame: gpd.GeoDataFrame, rows: NDArray[np.int64], which: NDArray[np.bool_], id_column: str | None
) -> list[str]:
    some = np.flatnonzero(which)[:SOME]
    if id_column is not None and id_column in frame.columns:
        return [str(value).strip() for value in frame[id_column].iloc[some]]
    return [text("intake", "row", row=int(rows[i]) + 1) for i in some]


def _of_kind(geometry: NDArray[np.object_], dimension: int) -> NDArray[np.object_]:
    """Only the parts of the wanted dimension; an empty geometry where there are none."""
    result = geometry.copy()
    for i in np.flatnonzero(shapely.get_type_id(geometry) == 7):
        parts = shapely.get_parts(geometry[i])
        result[i] = shapely.union_all(parts[shapely.get_dimensions(parts) == dimension])
    result[shapely.get_dimensions(result) != dimension] = shapely.Point()
    return result


def _is_in_kilometres(frame: gpd.GeoDataFrame) -> bool:
    """True when all would lie in the country with its coordinates times a thousand."""
    west, south, east, north = (1000 * float(value) for value in frame.total_bounds)
    return LAND_BOUNDS[0] <= west and LAND_BOUNDS[1] <= south and east <= LAND_BOUNDS[2] and north <= LAND_BOUNDS[3]


def drop_outside(frame: gpd.GeoDataFrame, report: Report, *, at_sea: bool = False) -> gpd.GeoDataFrame:
    """Leave out features that lie wholly outside the frame of the Netherlands; counted.

    Parameters
    ----------
    at_sea : bool
        The frame holds the continental shelf too (:data:`SEA_BOUNDS`), not the land alone.

    Raises
    ------
    InputError
        If nothing is left: then the CRS is probably wrong.
    """
    land = _meets_box(frame.geometry.to_numpy(), LAND_BOUNDS)
    inside = _meets_box(frame.geometry.to_numpy(), SEA_BOUNDS) if at_sea else land
    report.outside = int((~inside).sum())
    if at_sea and (inside & ~land).any():
        report.note(text("intake", "at_sea", count=int((inside & ~land).sum())))
    if not inside.any():
        if _is_in_kilometres(frame):
            raise InputError("file_in_km", file=report.file)
        is_sea = not at_sea and _meets_box(frame.geometry.to_numpy(), SEA_BOUNDS).any()
        raise InputError("file_at_sea" if is_sea else "file_outside", file=report.file, crs=report.crs_used)
    return frame if inside.all() else frame[inside]


def _meets_box(geometry: NDArray[np.object_], box: Sequence[float]) -> NDArray[np.bool_]:
    """Which geometries meet a box; only those across its edge are looked at closely."""
    west, south, east, north = shapely.bounds(geometry).T
    found: NDArray[np.bool_] = (west >= box[0]) & (south >= box[1]) & (east <= box[2]) & (north <= box[3])
    across = ~found & (west <= box[2]) & (east >= box[0]) & (south <= box[3]) & (north >= box[1])
    found[across] = shapely.intersects(geometry[across], shapely.box(*box))
    return found


def clean_coverage(frame: gpd.GeoDataFrame, report: Report) -> gpd.GeoDataFrame:
    """Make administrative areas a valid coverage: no overlaps; the change in area is reported."""
    geometry = frame.geometry.to_numpy()
    if shapely.coverage_is_valid(geometry):
        return frame
    cleaned = np.asarray(shapely.coverage_clean(geometry))
    change = float(np.abs(shapely.area(cleaned) - shapely.area(geometry)).sum())
    report.notes_nl.append(text("intake", "coverage_cleaned", area=f"{change:.0f}"))
    return frame.set_geometry(cleaned, crs=frame.crs)

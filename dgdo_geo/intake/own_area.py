"""The area of a question, from a file or from corners: made into one valid polygon, and what was done to it is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from dgdo_geo import harmonise
from dgdo_geo.errors import DataError, InputError
from dgdo_geo.sources.files import read_file
from dgdo_geo.texts import number_nl, text

FEWEST_CORNERS = 3


@dataclass(frozen=True, slots=True)
class OwnArea:
    """An area that somebody asks about.

    Attributes
    ----------
    geometry : shapely polygon or multipolygon
        EPSG:28992, valid.
    notes_nl : tuple of str
        What was done to it: the answer is about this area, not about the one that was drawn.
    """

    geometry: shapely.Geometry
    notes_nl: tuple[str, ...] = ()


def read_area(path: Path, crs: str | None = None) -> OwnArea:
    """Read a file with the area of a question; several polygons count as one area.

    Parameters
    ----------
    path : Path
    crs : str, optional
        Overrules what the file says; needed when it says nothing.

    Raises
    ------
    InputError
        If the file is not right, or holds no polygon.
    DataError
        If its polygons cannot be joined.
    """
    report = harmonise.Report(file=path.name, layer="vlak")
    frame = harmonise.to_rd(read_file(path), crs, report)
    if crs is None and frame.crs is not None and report.crs_declared == "EPSG:4289":
        raise InputError("crs_doubtful", file=path.name, crs=report.crs_declared)
    frame = harmonise.repair(frame, "polygon", report)
    shapes = frame.geometry.to_numpy()
    notes = list(report.notes_nl)
    if report.repaired:
        changed = number_nl(report.repaired_area_m2)
        notes.append(text("own_area", "repaired", count=report.repaired, file=path.name, changed=changed))
    passed = report.without_geometry + report.wrong_kind
    if passed:
        notes.append(text("own_area", "passed_over", count=passed, file=path.name))
    try:
        joined = shapely.union_all(shapes)
    except shapely.errors.GEOSException as error:
        raise DataError("area_union", file=path.name, reason=error) from error
    if len(shapes) > 1:
        km2 = number_nl(float(joined.area) / 1e6, 2)
        notes.append(text("own_area", "joined", count=len(shapes), file=path.name, km2=km2))
    return OwnArea(joined, tuple(notes))


def area_of_corners(corners: Sequence[tuple[float, float]]) -> OwnArea:
    """The area with these corners, in the order in which they are given; the last joins the first.

    Parameters
    ----------
    corners : sequence of (x, y)
        EPSG:28992, metres.

    Raises
    ------
    InputError
        If there are fewer than three different corners, or they enclose nothing.
    """
    ring = [point for i, point in enumerate(corners) if i == 0 or point != corners[i - 1]]
    if len(ring) > 1 and ring[0] == ring[-1]:
        ring = ring[:-1]
    if len(set(ring)) < FEWEST_CORNERS:
        raise InputError("area_few_corners", count=len(set(ring)))
    if not np.isfinite(ring).all():
        raise InputError("area_empty")
    drawn = shapely.Polygon(ring)
    if drawn.is_valid:
        return OwnArea(drawn)
    repaired = shapely.make_valid(drawn, method="structure", keep_collapsed=False)
    parts = shapely.get_parts(repaired)
    if repaired.is_empty or not len(parts):
        raise InputError("area_empty")
    km2 = number_nl(float(repaired.area) / 1e6, 2)
    return OwnArea(repaired, (text("own_area", "crossed", count=len(parts), km2=km2),))

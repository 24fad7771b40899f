"""Coordinate systems: to EPSG:28992, and which one the numbers suggest."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from pyproj.transformer import TransformerGroup

from dgdo_geo.errors import InputError
from dgdo_geo.harmonise.report import Report
from dgdo_geo.model import LAND_BOUNDS, RD_NEW
from dgdo_geo.texts import text

SEA_BOUNDS = (-100_000.0, 280_000.0, 300_000.0, 900_000.0)
"""Outer limits of the land and the continental shelf of the Netherlands in EPSG:28992, rounded outwards."""
UTM_31 = (350_000.0, 5_500_000.0, 900_000.0, 6_200_000.0)
"""The same in metres of UTM zone 31, with some room."""


def lonlat_to_rd(lon: float, lat: float) -> tuple[float, float]:
    """Longitude and latitude (ETRS89, degrees) to EPSG:28992, metres.

    Raises
    ------
    InputError
        If the place is not in or near the Netherlands.
    """
    if not (2.0 <= lon <= 8.0 and 50.0 <= lat <= 56.0):
        raise InputError("lonlat_wrong", lon=f"{lon:g}", lat=f"{lat:g}")
    x, y = pyproj.Transformer.from_crs("EPSG:4258", f"EPSG:{RD_NEW}", always_xy=True).transform(lon, lat)
    return float(x), float(y)


def parse_crs(value: str) -> pyproj.CRS:
    """A CRS from text such as ``EPSG:4326``.

    Raises
    ------
    InputError
        If PROJ does not know it.
    """
    try:
        return pyproj.CRS.from_user_input(value)
    except pyproj.exceptions.CRSError as error:
        raise InputError("crs_unknown", crs=value) from error


def to_rd(frame: gpd.GeoDataFrame, crs: str | None, report: Report) -> gpd.GeoDataFrame:
    """Transform to EPSG:28992 and note the operation and its accuracy.

    Parameters
    ----------
    frame : GeoDataFrame
        Raw.
    crs : str, optional
        Overrules what the file says; needed when it says nothing.

    Raises
    ------
    InputError
        If there is no CRS, or the coordinates cannot be those of the CRS.
    """
    report.crs_declared = "" if frame.crs is None else _named(frame.crs)
    used = parse_crs(crs) if crs is not None else frame.crs
    if used is None:
        raise InputError("crs_missing", file=report.file, guess=guessed_nl(frame))
    report.crs_used = _named(used)
    if frame.crs is not None and crs is not None and not used.equals(frame.crs):
        report.notes_nl.append(text("intake", "crs_overruled", declared=report.crs_declared, used=report.crs_used))
    raw = frame.set_crs(used, allow_override=True)
    if used.is_geographic:
        west, south, east, north = raw.total_bounds
        if west < -180 or east > 180 or south < -90 or north > 90:
            raise InputError("crs_impossible", file=report.file, crs=report.crs_used, guess=guessed_nl(frame))
    with warnings.catch_warnings():
        # PROJ warns when its most accurate grid is not there; that goes into the report instead.
        warnings.simplefilter("ignore", UserWarning)
        group = TransformerGroup(used, RD_NEW, always_xy=True)
    best = group.transformers
    if not group.best_available:
        report.notes_nl.append(text("intake", "no_grid"))
    if used.to_epsg() == RD_NEW:
        report.operation, report.operation_accuracy_m = text("intake", "no_operation"), 0.0
    elif best:
        report.operation = best[0].description
        report.operation_accuracy_m = best[0].accuracy if best[0].accuracy >= 0 else None
    result = raw.to_crs(RD_NEW)
    if not np.isfinite(result.total_bounds).all():
        raise InputError("crs_impossible", file=report.file, crs=report.crs_used, guess=guessed_nl(frame))
    return result


def _named(crs: pyproj.CRS) -> str:
    """A short name: the EPSG code where PROJ knows it, else the name without its parameters."""
    name = str(crs.to_string())
    return name if len(name) <= 40 else str(crs.name)


def guess_crs(frame: gpd.GeoDataFrame) -> str:
    """The CRS that the size of the coordinates suggests; "" when nothing fits.

    Coordinates of UTM zone 31 may be on the old datum (EPSG:23031, what NLOG and TNO publish) or on ETRS89
    (EPSG:25831), which lies about 150 m beside it: the numbers cannot tell. The first is given.
    """
    west, south, east, north = frame.total_bounds
    if not np.isfinite([west, south, east, north]).all():
        return ""
    if _within((west, south, east, north), (2, 50, 8, 56)):
        return "EPSG:4326"
    if _meets((west, south, east, north), LAND_BOUNDS) and east < 400_000 and north < 700_000:
        return "EPSG:28992"
    if _within((west, south, east, north), SEA_BOUNDS):
        return "EPSG:28992"
    if _within((west, south, east, north), UTM_31):
        return "EPSG:23031"
    return ""


def guessed_nl(frame: gpd.GeoDataFrame) -> str:
    """What the coordinates look like, in words."""
    found = guess_crs(frame)
    known = {"": "guess_none", "EPSG:23031": "guess_utm"}
    return text("intake", known[found]) if found in known else found


def _within(a: Sequence[float], b: Sequence[float]) -> bool:
    return a[0] >= b[0] and a[1] >= b[1] and a[2] <= b[2] and a[3] <= b[3]


def _meets(a: Sequence[float], b: Sequence[float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def median_distance(frame: gpd.GeoDataFrame, lines: shapely.Geometry, reach_m: float) -> float:
    """Median distance in metres of vertices to known lines, over the vertices closer than ``reach_m``.

    A wrong CRS tag moves every vertex; boundaries that should coincide with
    known ones then lie beside them. ``nan`` when no vertex is near.
    """
    points = shapely.points(shapely.get_coordinates(frame.geometry.to_numpy()))
    distance = shapely.distance(points, lines)
    near = distance[distance < reach_m]
    return float(np.median(near)) if len(near) else float("nan")

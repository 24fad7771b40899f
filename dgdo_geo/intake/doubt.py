"""A wrong coordinate system moves everything by about 100 m: caught by known boundaries."""

from __future__ import annotations

import geopandas as gpd
import pyproj
import shapely

from dgdo_geo import harmonise, store
from dgdo_geo.errors import DataError, InputError
from dgdo_geo.model import Family, Layer
from dgdo_geo.texts import text

REACH_M = 400.0
"""Vertices closer than this to a known boundary count in the CRS test."""
DOUBT_RATIO = 0.6
"""Another CRS that brings boundaries this much closer makes the declared one doubtful."""
ALTERNATIVES = {
    "geographic": ("EPSG:4326", "EPSG:4289", "EPSG:4230"),
    "utm_31": ("EPSG:25831", "EPSG:23031"),
}
"""Systems that are taken for one another: WGS 84, Amersfoort and ED50; ETRS89 and ED50 in UTM zone 31."""
SAFE = (4326, 4258)
"""What nearly every geographic file really is."""


def doubt_crs(
    raw: gpd.GeoDataFrame,
    frame: gpd.GeoDataFrame,
    layer: Layer,
    workspace: store.Workspace,
    report: harmonise.Report,
    coincides_with: str | None = None,
) -> None:
    """Refuse a CRS tag that does not fit: a wrong datum moves everything by about 100 m.

    Boundaries should lie on known ones. If they lie much closer to them when the coordinates are read in another
    system, the tag is wrong. Administrative boundaries are compared with the known provinces, another layer with the
    boundaries that the recipe names. Where there is nothing to compare with, a geographic CRS on the old datum
    (EPSG:4289) is refused as doubtful.

    Raises
    ------
    InputError
        With both distances and what to do.
    """
    used = raw.crs
    if used is None:
        return
    reference = coincides_with or ("provincies" if layer.family is Family.BOUNDARIES else None)
    is_old = used.is_geographic and used.to_epsg() not in SAFE
    if reference is None:
        if is_old:
            raise InputError("crs_doubtful", file=report.file, crs=used.to_string())
        return
    if not is_old and coincides_with is None:
        return
    try:
        known = store.read_product(workspace.entries[reference])
    except DataError:
        report.crs_doubt_nl = text("intake", "nothing_to_compare", layer=reference)
        return
    lines = shapely.union_all(shapely.boundary(known.geometry.to_numpy()))
    shapely.prepare(lines)
    as_declared = harmonise.median_distance(frame, lines, REACH_M)
    for other in _others(used):
        moved = raw.set_crs(pyproj.CRS(other), allow_override=True).to_crs(frame.crs)
        distance = harmonise.median_distance(moved, lines, REACH_M)
        if distance < DOUBT_RATIO * as_declared:
            raise InputError(
                "crs_wrong_tag",
                file=report.file,
                crs=used.to_string(),
                declared=f"{as_declared:.0f}",
                better=other,
                other=f"{distance:.0f}",
                layer=known_title(workspace, reference),
            )


def _others(used: pyproj.CRS) -> list[str]:
    """Systems that this one may have been taken for."""
    family = "geographic" if used.is_geographic else "utm_31"
    if family == "utm_31" and used.to_string() not in (*ALTERNATIVES[family], "EPSG:32631"):
        return []
    return [name for name in ALTERNATIVES[family] if not used.equals(pyproj.CRS(name))]


def known_title(workspace: store.Workspace, layer_id: str) -> str:
    """Dutch title of a layer."""
    return workspace.entries[layer_id].layer.title_nl

"""The verdict polygons of an area of one's own, cut by province: a provincial rule holds in its own province only."""

from __future__ import annotations

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from dgdo_geo.assess import assess
from dgdo_geo.errors import InputError
from dgdo_geo.model import EvidenceTable
from dgdo_geo.overlay import geos
from dgdo_geo.query.area import check_area, polygonal
from dgdo_geo.query.explorer import Explorer
from dgdo_geo.query.views import outcome_polygons


def verdict_map_of(
    explorer: Explorer, geometry: shapely.Geometry, activity: str, on: date, *, band: int = 0
) -> gpd.GeoDataFrame:
    """Polygons of an area with the verdict and potential of one activity; as ``Explorer.verdict_map``.

    Parameters
    ----------
    geometry : shapely polygon or multipolygon
        EPSG:28992. The part outside the Netherlands is left out.
    activity : str
        Activity id.
    band : int
        Position of the depth band in the activity.

    Raises
    ------
    InputError
        If it is no valid polygon or lies outside the Netherlands, or the activity or band is unknown.
    NotInForceError
        If the date lies before the rule base begins.
    """
    check_area(geometry)
    asked = explorer.knowledge.activity(activity)
    if not 0 <= band < len(asked.bands):
        raise InputError("band_unknown", activity=asked.name_nl, count=len(asked.bands))
    rules = explorer.knowledge.applicable(asked.id, on)
    encoding, tree = explorer.encoded.of()
    found = []
    for province, part in _by_province(explorer, geometry).items():
        faces = geos.faces(part, encoding, tree)
        distinct, position = np.unique(faces.presence, axis=0, return_inverse=True)
        evidence = EvidenceTable(encoding.keys, distinct, (province,) * len(distinct))
        result = assess(
            asked, asked.bands[band].interval, rules, evidence, explorer.states, explorer.knowledge.value, on
        )
        found.append(outcome_polygons(result, faces.polygons, position.reshape(-1)))
    if not found:
        raise InputError("area_outside")
    return gpd.GeoDataFrame(pd.concat(found, ignore_index=True), crs=found[0].crs)


def _by_province(explorer: Explorer, geometry: shapely.Geometry) -> dict[str, shapely.Geometry]:
    frame = explorer.regions.municipalities
    near = frame.iloc[np.sort(frame.sindex.query(geometry, predicate="intersects"))]
    parts: dict[str, list[shapely.Geometry]] = {}
    for province, outline in zip(near["province"], near.geometry, strict=True):
        piece = polygonal(shapely.intersection(outline, geometry))
        if not piece.is_empty:
            parts.setdefault(str(province), []).append(piece)
    return {province: shapely.union_all(pieces) for province, pieces in parts.items()}

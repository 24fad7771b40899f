"""Views on assessed areas: polygons per outcome for a map, and how open a place is."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from dgdo_geo.assess import BandAssessment, Firing
from dgdo_geo.model import RD_NEW, Potential, Verdict, outcome_of


def outcome_polygons(
    result: BandAssessment, polygons: NDArray[np.object_], position: NDArray[np.intp]
) -> gpd.GeoDataFrame:
    """Polygons with one outcome each: faces of equal outcome, potential and rules taken together.

    Parameters
    ----------
    result : BandAssessment
        Of the distinct combinations.
    polygons : numpy.ndarray of polygons, shape (f,)
        Faces, EPSG:28992.
    position : numpy.ndarray of int, shape (f,)
        Row of ``result`` that holds for each face.
    """
    fired = [
        ",".join(o.rule.id for o in result.rules if o.firing[row] >= Firing.RIM and o.rule.counts)
        for row in range(len(result.verdict))
    ]
    frame = gpd.GeoDataFrame(
        {
            "verdict": [Verdict(int(v)).key for v in result.verdict[position]],
            "indication": [Verdict(int(v)).key for v in result.indication[position]],
            "conclusive": result.conclusive[position],
            "potential": [Potential(int(p)).key for p in result.potential[position]],
            "potential_certain": result.potential_certain[position],
            "rules": [fired[row] for row in position],
        },
        geometry=polygons,
        crs=RD_NEW,
    )
    frame["outcome"] = [
        outcome_of(Verdict[v.upper()], bool(c)) for v, c in zip(frame["verdict"], frame["conclusive"], strict=True)
    ]
    merged = frame.dissolve(
        by=["outcome", "verdict", "indication", "conclusive", "potential", "potential_certain", "rules"], as_index=False
    )
    merged["area_m2"] = merged.geometry.area
    return merged

"""An area of one's own: checked, overlaid, split by municipality."""

from __future__ import annotations

import hashlib

import numpy as np
import shapely

from dgdo_geo.errors import InputError
from dgdo_geo.model import EvidenceTable, Region, RegionKind
from dgdo_geo.overlay import engine
from dgdo_geo.overlay.encode import Encoding
from dgdo_geo.query.regions import RegionIndex

OUTSIDE_M2 = 1.0
"""Less area than this outside the Netherlands is not worth a word."""


def area_evidence(
    geometry: shapely.Geometry, name: str, index: RegionIndex, encoding: Encoding, kind: RegionKind, code: str = ""
) -> tuple[Region, shapely.Geometry, EvidenceTable]:
    """Overlay a polygon, split by municipality, so that provincial rules hold where they should.

    Parameters
    ----------
    geometry : shapely polygon or multipolygon
        EPSG:28992, valid.
    name : str
        What to call the area.
    kind, code : RegionKind, str
        Of the region in the answer; without a code it gets a hash of the polygon.

    Returns
    -------
    region : Region
        With the area inside the Netherlands.
    inside : shapely geometry
        The part inside the Netherlands.
    evidence : EvidenceTable

    Raises
    ------
    InputError
        If no part lies inside the Netherlands.
    """
    frame = index.municipalities
    hits = np.sort(frame.sindex.query(geometry, predicate="intersects"))
    near = frame.iloc[hits]
    joint = engine.joint_areas([geometry], encoding, split=list(near.geometry))
    rows = joint.part >= 0
    if not rows.any():
        raise InputError("area_outside")
    inside = geometry
    if joint.area_m2[~rows].sum() > OUTSIDE_M2:
        pieces = shapely.intersection(near.geometry.to_numpy(), geometry)
        inside = shapely.union_all([polygonal(piece) for piece in pieces])
    part, combination, area = joint.part[rows], joint.combination[rows], joint.area_m2[rows]
    provinces = tuple(sorted({str(p) for p in near["province"].iloc[np.unique(part)]}))
    region = Region(
        kind,
        code or hashlib.sha256(shapely.to_wkb(shapely.normalize(geometry))).hexdigest()[:12],
        name,
        float(area.sum()),
        provinces,
        index.dgdo_regions(provinces),
        tuple(str(c) for c in near.index[np.unique(part)]),
    )
    province = tuple(str(p) for p in near["province"].iloc[part])
    return region, inside, EvidenceTable(encoding.keys, joint.presence[combination], province, area)


def check_area(geometry: shapely.Geometry) -> None:
    """Refuse a question about something that is no valid polygon.

    Raises
    ------
    InputError
        Saying what it is instead.
    """
    if geometry is None or geometry.is_empty or geometry.geom_type not in ("Polygon", "MultiPolygon"):
        raise InputError("area_not_polygon", kind=getattr(geometry, "geom_type", "niets"))
    if not geometry.is_valid:
        raise InputError("area_invalid", reason=shapely.is_valid_reason(geometry))


def polygonal(geometry: shapely.Geometry) -> shapely.Geometry:
    """Only the polygons of an intersection; shared edges leave lines and points behind."""
    parts = shapely.get_parts(geometry)
    return shapely.multipolygons(parts[shapely.get_dimensions(parts) == 2])

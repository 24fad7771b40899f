"""An area of one's own: checked, cut by municipality, overlaid."""

from __future__ import annotations

import hashlib

import numpy as np
import shapely

from dgdo_geo.errors import InputError
from dgdo_geo.model import EvidenceTable, Region, RegionKind
from dgdo_geo.overlay import geos
from dgdo_geo.overlay.encode import Encoding
from dgdo_geo.query.regions import RegionIndex


def area_evidence(
    geometry: shapely.Geometry, name: str, index: RegionIndex, encoding: Encoding, kind: RegionKind, code: str = ""
) -> tuple[Region, shapely.Geometry, EvidenceTable]:
    """Overlay a polygon, in pieces per municipality, so that provincial rules hold where they should.

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
    pieces = shapely.intersection(frame.geometry.to_numpy()[hits], geometry)
    is_area = shapely.area(pieces) > 0
    pieces, rows = pieces[is_area], frame.iloc[hits[is_area]]
    if len(pieces) == 0:
        raise InputError("area_outside")
    joint = geos.joint_areas([polygonal(piece) for piece in pieces], encoding)
    province = tuple(rows["province"].iloc[joint.region])
    provinces = tuple(sorted(set(rows["province"])))
    region = Region(
        kind,
        code or hashlib.sha256(shapely.to_wkb(shapely.normalize(geometry))).hexdigest()[:12],
        name,
        float(joint.area_m2.sum()),
        provinces,
        index.dgdo_regions(provinces),
    )
    return region, shapely.union_all(pieces), EvidenceTable(encoding.keys, joint.presence, province, joint.area_m2)


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

"""The combinations behind the answer for an area: the same rows, with the municipality of each and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.assess import BandAssessment, judged
from dgdo_geo.model import AreaAssessment, EvidenceTable, RegionKind
from dgdo_geo.overlay import engine, geos
from dgdo_geo.overlay.rasterstack import outlined
from dgdo_geo.query.area import polygonal
from dgdo_geo.query.asked import Asked
from dgdo_geo.query.explorer import Explorer
from dgdo_geo.query.joint import MUNICIPALITY
from dgdo_geo.query.regions import WATER_BOARDS, find_water_board

_OF_MUNICIPALITIES = (RegionKind.MUNICIPALITY, RegionKind.PROVINCE, RegionKind.DGDO_REGION, RegionKind.COUNTRY)


@dataclass(frozen=True, eq=False)
class Combined:
    """The combinations of layer classes in an area.

    Attributes
    ----------
    asked : Asked
        The question, with the activities and bands of the answer.
    evidence : EvidenceTable
        The rows, with areas in m2.
    municipality : numpy.ndarray of str, shape (n,)
        Code of the municipality of every row.
    bands : tuple of BandAssessment
        What is said of the rows, for every answer.
    """

    asked: Asked
    evidence: EvidenceTable
    municipality: NDArray[np.object_]
    bands: tuple[BandAssessment, ...]

    @property
    def area_m2(self) -> NDArray[np.float64]:
        """Area of every row."""
        area = self.evidence.area_m2
        return np.zeros(len(self.evidence)) if area is None else area


@dataclass(frozen=True, eq=False)
class Pieces:
    """The exact polygons of the combinations in an area, EPSG:28992, made by GEOS."""

    combined: Combined
    polygons: NDArray[np.object_]


def shape_of(explorer: Explorer, answer: AreaAssessment, shape: shapely.Geometry | None = None) -> shapely.Geometry:
    """Polygon of the area of an answer, as it was asked; EPSG:28992.

    Parameters
    ----------
    shape : shapely geometry, optional
        Of an area of one's own, which no layer holds.
    """
    region = answer.region
    if region.kind in _OF_MUNICIPALITIES:
        return explorer.regions.geometry(region)
    if region.kind is RegionKind.WATER_BOARD:
        return find_water_board(explorer.layer(WATER_BOARDS).to_gdf(), region.code)[2]
    if shape is None:
        raise ValueError("the polygon of an area of one's own must be given")
    return shape


def combined(
    explorer: Explorer,
    answer: AreaAssessment,
    shape: shapely.Geometry | None = None,
    activities: Sequence[str] = (),
    depth: tuple[float, float] | None = None,
) -> Combined:
    """The combinations behind an answer.

    Parameters
    ----------
    answer : AreaAssessment
    shape : shapely geometry, optional
        Of an area of one's own.
    activities, depth
        As they were asked.
    """
    region, overlay = answer.region, explorer.overlay
    if region.kind in _OF_MUNICIPALITIES:
        codes = explorer.regions.municipality_codes(region)
        table = overlay.table()
        rows = table.rows(MUNICIPALITY, codes)
        level = table.levels[MUNICIPALITY]
        where = np.array(level.codes, object)[level.position[rows]]
        return _judged(explorer, answer, overlay.evidence_of(table, rows), where, activities, depth)
    place = shape_of(explorer, answer, shape)
    codes, near = _near(explorer, place)
    encoding, _ = explorer.encoded.of()
    joint = engine.joint_areas([place], encoding, split=list(near))
    inside = joint.part >= 0
    where = np.array(codes, object)[joint.part[inside]]
    evidence = EvidenceTable(
        encoding.keys, joint.presence[joint.combination[inside]], _provinces(explorer, where), joint.area_m2[inside]
    )
    return _judged(explorer, answer, evidence, where, activities, depth)


def pieces(
    explorer: Explorer,
    answer: AreaAssessment,
    shape: shapely.Geometry | None = None,
    activities: Sequence[str] = (),
    depth: tuple[float, float] | None = None,
) -> Pieces:
    """The polygons of the combinations: one for each combination and municipality, that together are the area."""
    encoding = outlined(explorer.encoded.of()[0])
    tree = geos.index(encoding)
    found = []
    for code, place in _places(explorer, answer, shape):
        faces = geos.faces(place, encoding, tree)
        if not len(faces.polygons):
            continue
        distinct, row = np.unique(faces.presence, axis=0, return_inverse=True)
        order = np.argsort(row.reshape(-1), kind="stable")
        starts = np.searchsorted(row.reshape(-1)[order], np.arange(len(distinct)))
        parts = np.split(faces.polygons[order], starts[1:])
        found.append((code, distinct, np.array([_merged(part) for part in parts], object)))
    if not found:
        raise ValueError("an area without combinations")
    polygons = np.concatenate([item[2] for item in found])
    where = np.repeat(np.array([item[0] for item in found], object), [len(item[2]) for item in found])
    presence = np.concatenate([item[1] for item in found])
    evidence = EvidenceTable(encoding.keys, presence, _provinces(explorer, where), shapely.area(polygons))
    return Pieces(_judged(explorer, answer, evidence, where, activities, depth), polygons)


def _judged(
    explorer: Explorer,
    answer: AreaAssessment,
    evidence: EvidenceTable,
    where: NDArray[np.object_],
    activities: Sequence[str],
    depth: tuple[float, float] | None,
) -> Combined:
    asked = explorer.questions(evidence.keys).ask(answer.on, activities, depth)
    if [(item.activity.id, item.band) for item in asked.bands] != [(a.activity.id, a.band) for a in answer.answers]:
        raise ValueError("the answer is not about these activities and depths")
    return Combined(asked, evidence, where, judged(asked.question, evidence))


def _near(explorer: Explorer, place: shapely.Geometry) -> tuple[list[str], NDArray[np.object_]]:
    """Codes and polygons of the municipalities that a polygon touches."""
    frame = explorer.regions.municipalities
    near = frame.iloc[np.sort(frame.sindex.query(place, predicate="intersects"))]
    return [str(code) for code in near.index], near.geometry.to_numpy()


def _places(
    explorer: Explorer, answer: AreaAssessment, shape: shapely.Geometry | None
) -> list[tuple[str, shapely.Geometry]]:
    """The area in pieces that each lie in one municipality."""
    if answer.region.kind in _OF_MUNICIPALITIES:
        codes = explorer.regions.municipality_codes(answer.region)
        return [(code, explorer.regions.municipalities.geometry[code]) for code in codes]
    place = shape_of(explorer, answer, shape)
    codes, near = _near(explorer, place)
    cut = [polygonal(piece) for piece in shapely.intersection(near, place)]
    return [(code, piece) for code, piece in zip(codes, cut, strict=True) if not piece.is_empty]


def _provinces(explorer: Explorer, where: NDArray[np.object_]) -> tuple[str, ...]:
    province = {str(code): str(of) for code, of in explorer.regions.municipalities["province"].items()}
    return tuple(province[code] for code in where)


def _merged(faces: NDArray[np.object_]) -> shapely.Geometry:
    """Faces that do not overlap as one valid multipolygon."""
    whole = faces[0] if len(faces) == 1 else shapely.coverage_union_all(faces)
    if not shapely.is_valid(whole):
        whole = shapely.union_all(faces)
    return shapely.multipolygons(shapely.get_parts(whole))

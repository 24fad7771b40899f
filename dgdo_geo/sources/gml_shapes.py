"""Geometry of GML 3.2 elements: points, curves with lines and arcs, surfaces of patches, and collections of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sized
from itertools import pairwise
from typing import TypeVar
from xml.etree import ElementTree

import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.sources import archives

GML = "{http://www.opengis.net/gml/3.2}"
HREF = "{http://www.w3.org/1999/xlink}href"
ALLOWED_CRS = (28992, 4258)
CRS_NAME = re.compile(r"(?:urn:ogc:def:crs:|https?://www\.opengis\.net/def/crs/)?EPSG[:/][^:/]*[:/]?(\d{1,6})")
ARC_TOLERANCE_M = 0.01
"""Largest distance between an arc and the straight pieces that take its place."""
JOIN_M, JOIN_DEGREES = 1e-3, 1e-8
"""Parts of a curve that lie this close follow each other."""
PIECE = 1024**2
COLLECTIONS: Mapping[str, Callable[[NDArray[np.object_]], shapely.Geometry]] = {
    "MultiPoint": shapely.multipoints,
    "MultiCurve": shapely.multilinestrings,
    "MultiSurface": shapely.multipolygons,
    "MultiGeometry": shapely.geometrycollections,
}

Points = NDArray[np.float64]
Some = TypeVar("Some", bound=Sized)


class WrongShapeError(Exception):
    """A geometry that cannot be read.

    Attributes
    ----------
    key : str
        Message.
    what : object
        What is wrong, for the message.
    """

    def __init__(self, key: str, what: object) -> None:
        super().__init__(key)
        self.key, self.what = key, what


def local_name(element: ElementTree.Element) -> str:
    """Name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


class Shapes:
    """Makes geometry of GML elements.

    Attributes
    ----------
    crs : set of int
        EPSG codes that were named.
    vertices, arcs : int
        How many were read, those of straightened arcs included.
    """

    def __init__(self) -> None:
        self.crs: set[int] = set()
        self.vertices = 0
        self.arcs = 0

    def of(self, element: ElementTree.Element) -> shapely.Geometry:
        """The geometry of an element; x first, without height.

        Raises
        ------
        WrongShapeError
        """
        self._hand_down(element)
        try:
            return self._shape(element)
        except (shapely.errors.GEOSException, TypeError) as error:
            raise WrongShapeError("stop_geometry", error) from error

    def _hand_down(self, top: ElementTree.Element) -> None:
        """Give every element the coordinate system and the number of axes of the one around it."""
        waiting = [top]
        while waiting:
            element = waiting.pop()
            if not element.tag.startswith(GML):
                raise WrongShapeError("stop_shape", element.tag)
            if HREF in element.attrib:
                raise WrongShapeError("stop_reference", element.attrib[HREF])
            named, axes = element.get("srsName"), element.get("srsDimension", "2")
            if axes not in ("2", "3"):
                raise WrongShapeError("stop_geometry", f"srsDimension = {axes}")
            if named is not None:
                self.crs.add(_code(named))
            for child in element:
                child.attrib.setdefault("srsDimension", axes)
                if named is not None:
                    child.attrib.setdefault("srsName", named)
                waiting.append(child)

    def _shape(self, element: ElementTree.Element) -> shapely.Geometry:
        kind = local_name(element)
        if kind == "Point":
            return shapely.points(_counted(self._coordinates(element), kind, 1, 1)[0])
        if kind in ("LineString", "Curve", "CompositeCurve"):
            return shapely.linestrings(_counted(self._curve(element), kind, 2))
        if kind in ("Polygon", "Surface", "CompositeSurface"):
            return self._surface(element)
        if kind not in COLLECTIONS:
            raise WrongShapeError("stop_shape", kind)
        members = [self._shape(member) for member in _members(element)]
        # A surface of several patches is itself of several parts.
        parts = shapely.get_parts(np.array(_counted(members, kind, 1), object))
        return COLLECTIONS[kind](parts)

    def _curve(self, element: ElementTree.Element) -> Points:
        """Vertices of a line, or of a curve of lines and arcs, shape (n, 2)."""
        kind = local_name(element)
        if kind in ("LineString", "LinearRing", "LineStringSegment"):
            return self._coordinates(element)
        if kind in ("Arc", "ArcString", "Circle"):
            return self._arcs(element)
        if kind in ("Curve", "CompositeCurve", "Ring"):
            return _joined([self._curve(member) for member in _members(element)], kind, self._join)
        raise WrongShapeError("stop_shape", kind)

    @property
    def _join(self) -> float:
        return JOIN_DEGREES if 4258 in self.crs else JOIN_M

    def _arcs(self, element: ElementTree.Element) -> Points:
        kind = local_name(element)
        if 4258 in self.crs:
            raise WrongShapeError("stop_arc_degrees", kind)
        points = _counted(self._coordinates(element), kind, 3, None if kind == "ArcString" else 3)
        if len(points) % 2 == 0:
            raise WrongShapeError("stop_geometry", f"{kind}: {len(points)}")
        arcs = [points[i : i + 3] for i in range(0, len(points) - 2, 2)]
        straight = [straightened(arc, ARC_TOLERANCE_M, is_circle=kind == "Circle") for arc in arcs]
        self.arcs += len(arcs)
        self.vertices += sum(map(len, straight))
        if self.vertices > archives.MAX_VERTICES:
            raise WrongShapeError("stop_vertices", archives.MAX_VERTICES)
        return _joined(straight, kind)

    def _ring(self, element: ElementTree.Element) -> Points:
        (inner,) = _counted(list(element), local_name(element), 1, 1)
        points = _counted(self._curve(inner), local_name(inner), 4)
        if np.abs(points[0] - points[-1]).max() > self._join:
            raise WrongShapeError("stop_ring_open", local_name(inner))
        points[-1] = points[0]
        return points

    def _surface(self, element: ElementTree.Element) -> shapely.Geometry:
        kind = local_name(element)
        if kind in ("Polygon", "PolygonPatch"):
            (outer,) = _counted(element.findall(f"{GML}exterior"), kind, 1, 1)
            return shapely.Polygon(self._ring(outer), [self._ring(one) for one in element.findall(f"{GML}interior")])
        if kind not in ("Surface", "CompositeSurface"):
            raise WrongShapeError("stop_shape", kind)
        patches = np.array(_counted([self._surface(member) for member in _members(element)], kind, 1), object)
        if len(patches) == 1:
            return patches[0]
        # Patches of one surface share edges. Broken ones stay as they are, for the repair that is reported.
        is_whole = shapely.is_valid(patches).all()
        return shapely.union_all(patches) if is_whole else shapely.multipolygons(shapely.get_parts(patches))

    def _coordinates(self, element: ElementTree.Element) -> Points:
        """Numbers of ``posList``, ``pos`` or ``coordinates``, shape (n, 2), x first."""
        found = [np.empty((0, 2))]
        for child in element:
            kind = local_name(child)
            if kind not in ("pos", "posList", "coordinates"):
                raise WrongShapeError("stop_shape", kind)
            if any(child.get(key, usual) != usual for key, usual in (("decimal", "."), ("cs", ","), ("ts", " "))):
                raise WrongShapeError("stop_geometry", "coordinates: decimal, cs, ts")
            text = child.text or ""
            axes = int(child.get("srsDimension", "2"))
            found.append(self._numbers(text.replace(",", " ") if kind == "coordinates" else text, axes))
        points = np.concatenate(found)
        named = element.get("srsName", "")
        # Written in full, EPSG:4258 has latitude first.
        return points[:, ::-1].copy() if named.endswith("4258") and not named.startswith("EPSG") else points

    def _numbers(self, text: str, axes: int) -> Points:
        """Numbers of a text, a megabyte at a time, shape (n, 2)."""
        pieces, start = [np.empty(0)], 0
        while start < len(text):
            end = start + PIECE
            while end < len(text) and not text[end].isspace():
                end += 1
            try:
                pieces.append(np.array(text[start:end].split(), np.float64))
            except ValueError as error:
                raise WrongShapeError("stop_geometry", error) from error
            self.vertices += len(pieces[-1]) // axes
            if self.vertices > archives.MAX_VERTICES:
                raise WrongShapeError("stop_vertices", archives.MAX_VERTICES)
            start = end
        numbers = np.concatenate(pieces)
        if len(numbers) % axes:
            raise WrongShapeError("stop_geometry", f"{len(numbers)} / {axes}")
        return numbers.reshape(-1, axes)[:, :2]


def _code(named: str) -> int:
    """EPSG code of a name such as ``urn:ogc:def:crs:EPSG::28992``; only those that STOP allows."""
    found = CRS_NAME.fullmatch(named)
    if found is None or int(found[1]) not in ALLOWED_CRS:
        raise WrongShapeError("stop_crs", named)
    return int(found[1])


def _members(element: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """What stands in the members, segments or patches of an element."""
    for child in element:
        yield from child


def _counted(found: Some, kind: str, least: int, most: int | None = None) -> Some:
    """The same, when there are as many as there should be."""
    if not least <= len(found) <= (len(found) if most is None else most):
        raise WrongShapeError("stop_geometry", f"{kind}: {len(found)}")
    return found


def _joined(parts: list[Points], kind: str, join: float = JOIN_M) -> Points:
    """Parts of a curve as one; each begins where the one before ends."""
    parts = [part for part in _counted(parts, kind, 1) if len(part)]
    for before, after in pairwise(parts):
        if np.abs(before[-1] - after[0]).max() > join:
            raise WrongShapeError("stop_curve_gap", kind)
    return np.concatenate([np.empty((0, 2)), *parts[:1], *(part[1:] for part in parts[1:])])


def straightened(arc: Points, tolerance_m: float, *, is_circle: bool = False) -> Points:
    """Straight pieces in place of an arc through three points.

    Parameters
    ----------
    arc : numpy.ndarray of float64, shape (3, 2)
        Begin, a point on the way, end.
    tolerance_m : float
        Largest distance between a piece and the arc.
    is_circle : bool
        Go on from the last point to the first.

    Returns
    -------
    numpy.ndarray of float64, shape (n, 2)
        All on the arc; the given points are among them. Points on one line stay as they are.

    Examples
    --------
    >>> len(straightened(np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]]), 0.1))
    5
    """
    first, to_second, to_third = arc[0], arc[1] - arc[0], arc[2] - arc[0]
    twice = 2.0 * (to_second[0] * to_third[1] - to_second[1] * to_third[0])
    second, third = to_second @ to_second, to_third @ to_third
    if abs(twice) <= 1e-12 * max(second, third):
        if is_circle:
            raise WrongShapeError("stop_geometry", "Circle: drie punten op een lijn")
        return arc
    centre = (
        np.array([to_third[1] * second - to_second[1] * third, to_second[0] * third - to_third[0] * second]) / twice
    )
    radius = float(np.hypot(*centre))
    step = 2.0 * np.arccos(max(1.0 - tolerance_m / radius, 0.5))
    stops = np.concatenate([arc, arc[:1]]) if is_circle else arc
    x, y = (stops - first - centre).T
    angle, turn = np.arctan2(y, x), np.sign(twice)
    pieces = []
    for i in range(len(stops) - 1):
        sweep = (turn * (angle[i + 1] - angle[i])) % (2.0 * np.pi)
        along = angle[i] + turn * np.linspace(0.0, sweep, max(1, int(np.ceil(sweep / step))) + 1)[1:-1]
        between = first + centre + radius * np.column_stack([np.cos(along), np.sin(along)])
        pieces += [stops[i : i + 1], between]
    return np.concatenate([*pieces, stops[-1:]])

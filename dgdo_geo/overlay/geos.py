"""The overlay engine on GEOS: node all edges in a region, polygonize, look up every face.

Exact in the sense of GEOS: areas are those of the vector faces. This is the
oracle for any faster engine that takes the place of :func:`joint_areas`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.overlay.encode import Encoding

ENGINE = "geos-1"
"""Name and version of the engine; part of the hash of stored results."""
GRID_M = 1e-6
"""Grid in metres on which edges are noded when noding in floating point leaves one loose."""


@dataclass(frozen=True, slots=True)
class Faces:
    """The pieces into which all edges cut one region.

    Attributes
    ----------
    polygons : numpy.ndarray of shapely polygons, shape (f,)
    presence : numpy.ndarray of int8, shape (f, k)
        :class:`~dgdo_geo.model.Presence` of every evidence key in every face.
    """

    polygons: NDArray[np.object_]
    presence: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class JointAreas:
    """Sparse joint areas: (region, combination, m2).

    Attributes
    ----------
    region : numpy.ndarray of intp, shape (n,)
        Position of the region in the input.
    presence : numpy.ndarray of int8, shape (n, k)
        The combination of layer classes.
    area_m2 : numpy.ndarray of float64, shape (n,)
    """

    region: NDArray[np.intp]
    presence: NDArray[np.int8]
    area_m2: NDArray[np.float64]


def index(encoding: Encoding) -> shapely.STRtree:
    """Spatial index of the polygons of an encoding; built before threads use it."""
    tree = shapely.STRtree(encoding.polygons)
    tree.query(shapely.Point(0, 0))
    return tree


def faces(region: shapely.Geometry, encoding: Encoding, tree: shapely.STRtree) -> Faces:
    """Cut a region along every edge of every plane.

    Parameters
    ----------
    region : shapely polygon or multipolygon
        EPSG:28992, valid.
    encoding : Encoding
    tree : shapely.STRtree
        From :func:`index` of the same encoding.

    Returns
    -------
    Faces
        They do not overlap and together are the region.
    """
    # Copies: preparing a geometry that another thread looks at corrupts memory in GEOS.
    region = shapely.force_2d(region)
    hits = np.sort(tree.query(region, predicate="intersects"))
    nearby = shapely.force_2d(encoding.polygons[hits])
    west, south, east, north = shapely.bounds(region)
    edges = shapely.clip_by_rect(shapely.boundary(nearby), west - 1, south - 1, east + 1, north + 1)
    pieces = cut(np.append(edges, shapely.boundary(region)), region)
    x, y = interior_points(pieces)
    shapely.prepare(region)
    is_inside = shapely.contains_xy(region, x, y)
    pieces, x, y = pieces[is_inside], x[is_inside], y[is_inside]
    presence = np.zeros((len(pieces), len(encoding.keys)), np.int8)
    for polygon, key, level in zip(nearby, encoding.polygon_key[hits], encoding.polygon_level[hits], strict=True):
        shapely.prepare(polygon)
        column = presence[:, key]
        np.maximum(column, np.where(shapely.contains_xy(polygon, x, y), level, 0), out=column)
    return Faces(pieces, presence)


def cut(edges: NDArray[np.object_], region: shapely.Geometry) -> NDArray[np.object_]:
    """Polygons between all edges.

    Where two edges run about a micrometre apart, noding in floating point can
    leave an edge loose; the faces on its two sides would become one. Then the
    edges are noded anew on a grid of a micrometre, which leaves none.
    """
    for grid_size in (None, GRID_M):
        noded = shapely.union_all(edges, **({} if grid_size is None else {"grid_size": grid_size}))
        polygons, cuts, dangles, _ = shapely.polygonize_full(shapely.get_parts(noded))
        loose = shapely.get_parts(np.array([cuts, dangles]))
        middles = shapely.line_interpolate_point(loose, 0.5, normalized=True)
        if not shapely.intersects(middles, region).any():
            break
    return shapely.get_parts(polygons)


def interior_points(polygons: NDArray[np.object_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A point well inside each polygon.

    GEOS' point on surface lies on a vertex for some valid polygons (seen with
    3.14); where it is not clearly inside, the centre of the largest triangle
    of the polygon is taken. That also holds for slivers of a millimetre.
    """
    points = shapely.point_on_surface(polygons)
    depth = shapely.distance(points, shapely.boundary(polygons))
    shallow = (depth < 1e-3 * np.sqrt(shapely.area(polygons))) | ~shapely.contains(polygons, points)
    if shallow.any():
        for i in np.flatnonzero(shallow):
            triangles = shapely.get_parts(shapely.constrained_delaunay_triangles(polygons[i]))
            if len(triangles):
                points[i] = shapely.centroid(triangles[np.argmax(shapely.area(triangles))])
    x, y = shapely.get_coordinates(points).T
    return x, y


def combine(presence: NDArray[np.int8], area_m2: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Sum areas over equal combinations.

    Parameters
    ----------
    presence : int8, shape (f, k)
    area_m2 : float64, shape (f,)

    Returns
    -------
    presence : int8, shape (n, k)
        Distinct combinations, in lexicographic order.
    area_m2 : float64, shape (n,)
    """
    distinct, position = np.unique(presence, axis=0, return_inverse=True)
    total: NDArray[np.float64] = np.zeros(len(distinct))
    np.add.at(total, position.reshape(-1), area_m2)
    return distinct, total


def joint_areas(
    regions: Sequence[shapely.Geometry],
    encoding: Encoding,
    *,
    workers: int = 2,
    on_progress: Callable[[int], None] | None = None,
) -> JointAreas:
    """Area of every combination of layer classes in every region.

    Parameters
    ----------
    regions : sequence of polygons
        EPSG:28992.
    encoding : Encoding
    workers : int
        Threads; GEOS releases the interpreter lock.
    on_progress : callable, optional
        Called with the number of regions done.

    Returns
    -------
    JointAreas
        Rows ordered by region, then by combination; the same for any number of workers.
    """
    tree = index(encoding)

    def one(region: shapely.Geometry) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
        found = faces(region, encoding, tree)
        return combine(found.presence, shapely.area(found.polygons))

    parts: list[tuple[NDArray[np.int8], NDArray[np.float64]]] = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for result in _in_order(pool, one, regions):
            parts.append(result)
            if on_progress is not None:
                on_progress(len(parts))
    if not parts:
        return JointAreas(np.empty(0, np.intp), np.empty((0, len(encoding.keys)), np.int8), np.empty(0))
    return JointAreas(
        np.repeat(np.arange(len(parts)), [len(p[1]) for p in parts]),
        np.concatenate([p[0] for p in parts]),
        np.concatenate([p[1] for p in parts]),
    )


def _in_order(
    pool: ThreadPoolExecutor,
    task: Callable[[shapely.Geometry], tuple[NDArray[np.int8], NDArray[np.float64]]],
    items: Sequence[shapely.Geometry],
) -> Iterator[tuple[NDArray[np.int8], NDArray[np.float64]]]:
    yield from pool.map(task, items)

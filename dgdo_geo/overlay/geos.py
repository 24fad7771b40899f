"""The overlay engine on GEOS: node all edges in a region, polygonize, look up every face.

Exact in the sense of GEOS: areas are those of the vector faces. Slower than the
compiled kernel and independent of it: the oracle in the tests, and the engine
where the kernel cannot run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.overlay.encode import Encoding
from dgdo_geo.overlay.planes import grouped
from dgdo_geo.overlay.rasterstack import outlined
from dgdo_geo.overlay.table import JointAreas

ENGINE = "geos-2"
"""Name and version of the engine; part of the hash of stored results."""
GRIDS_M = (1e-8, 1e-6)
"""Grids in metres on which edges are noded when noding in floating point leaves one loose: the finest that does it."""


@dataclass(frozen=True, slots=True)
class Faces:
    """The pieces into which all edges cut one region.

    Attributes
    ----------
    polygons : numpy.ndarray of shapely polygons, shape (f,)
    presence : numpy.ndarray of int8, shape (f, k)
        :class:`~dgdo_geo.model.Presence` of every evidence key in every face.
    x, y : numpy.ndarray of float64, shape (f,)
        A place well inside each face.
    """

    polygons: NDArray[np.object_]
    presence: NDArray[np.int8]
    x: NDArray[np.float64]
    y: NDArray[np.float64]


def index(encoding: Encoding) -> shapely.STRtree:
    """Spatial index of the polygons of an encoding; built before threads use it."""
    tree = shapely.STRtree(encoding.polygons)
    tree.query(shapely.Point(0, 0))
    return tree


def faces(
    region: shapely.Geometry,
    encoding: Encoding,
    tree: shapely.STRtree,
    split: NDArray[np.object_] | None = None,
) -> Faces:
    """Cut a region along every edge of every plane.

    Parameters
    ----------
    region : shapely polygon or multipolygon
        EPSG:28992, valid.
    encoding : Encoding
    tree : shapely.STRtree
        From :func:`index` of the same encoding.
    split : numpy.ndarray of polygons, optional
        Cut along these as well.

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
    cutting = nearby if split is None else np.concatenate([nearby, shapely.force_2d(split)])
    edges = shapely.clip_by_rect(shapely.boundary(cutting), west - 1, south - 1, east + 1, north + 1)
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
    return Faces(pieces, presence, x, y)


def cut(edges: NDArray[np.object_], region: shapely.Geometry) -> NDArray[np.object_]:
    """Polygons between all edges.

    Where two edges run about a micrometre apart, noding in floating point can
    leave an edge loose; the faces on its two sides would become one. Then the
    edges are noded anew on a fine grid, which leaves none.
    """
    for grid_size in (None, *GRIDS_M):
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


def joint_areas(
    regions: Sequence[shapely.Geometry],
    encoding: Encoding,
    *,
    split: Sequence[shapely.Geometry] = (),
    workers: int = 2,
    on_progress: Callable[[int], None] | None = None,
) -> JointAreas:
    """Area of every combination of layer classes in every region.

    Parameters
    ----------
    regions : sequence of polygons
        EPSG:28992.
    encoding : Encoding
    split : sequence of polygons
        A second division (municipalities, say): rows are kept apart by it.
    workers : int
        Threads; GEOS releases the interpreter lock.
    on_progress : callable, optional
        Called with the number of regions done.

    Returns
    -------
    JointAreas
        Rows ordered by region, part and combination; the same for any number of workers.
    """
    encoding = outlined(encoding)
    tree, parts = index(encoding), np.asarray([*split], dtype=object)
    parts_tree = shapely.STRtree(parts)
    parts_tree.query(shapely.Point(0, 0))

    def one(region: shapely.Geometry) -> tuple[NDArray[np.intp], NDArray[np.int8], NDArray[np.float64]]:
        near = np.sort(parts_tree.query(region, predicate="intersects"))
        found = faces(region, encoding, tree, parts[near] if len(near) else None)
        part = np.full(len(found.polygons), -1, np.intp)
        for i in near[::-1]:
            part[shapely.contains_xy(shapely.force_2d(parts[i]), found.x, found.y)] = i
        return part, found.presence, shapely.area(found.polygons)

    results = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for result in pool.map(one, regions):
            results.append(result)
            if on_progress is not None:
                on_progress(len(results))
    none = (np.empty(0, np.intp), np.empty((0, len(encoding.keys)), np.int8), np.empty(0))
    part, presence, area = (np.concatenate(arrays) for arrays in zip(none, *results, strict=True))
    region = np.repeat(np.arange(len(results)), [len(r[2]) for r in results])
    return grouped(region, part, presence, area)

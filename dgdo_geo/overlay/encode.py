"""Encode layers as planes of polygons: one per layer class that a rule can tell apart.

A feature's edge is only known to within its accuracy. So each class has up to
three nested planes: certainly inside, inside as drawn, and near (inside or
closer to the edge than the accuracy). The number of planes that hold a place
is its :class:`~dgdo_geo.model.Presence`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.model import OUTSIDE_COVERAGE, WHOLE_COLUMN, DepthRange, EvidenceKey, Layer, Presence

WORKERS = 2
"""Threads that draw the planes; GEOS releases the interpreter lock."""
QUAD_SEGS = 32
"""Segments per quarter circle of a buffer; the radius is then off by at most 0.03 %."""


@dataclass(frozen=True, slots=True)
class KeyShape:
    """Geometry of one evidence key, for features that share an accuracy.

    Attributes
    ----------
    shape : shapely geometry
        Union of the features as drawn, EPSG:28992.
    accuracy_m : float
        Likely error of the edge, in metres.
    """

    key: int
    shape: shapely.Geometry
    accuracy_m: float


@dataclass(frozen=True, slots=True)
class ClassRaster:
    """The product of a raster layer: a class for every cell.

    Attributes
    ----------
    codes : numpy.ndarray of int16, shape (rows, columns)
        Position in ``classes``; row 0 lies north.
    classes : tuple of (class id, DepthRange)
        The class id is :data:`~dgdo_geo.model.NO_DATA` for cells about which nothing is known.
    west_m, north_m : float
        North-west corner of the raster, EPSG:28992.
    cell_m : float
        Width and height of a cell in metres.
    """

    codes: NDArray[np.int16]
    classes: tuple[tuple[str, DepthRange], ...]
    west_m: float
    north_m: float
    cell_m: float


@dataclass(frozen=True, slots=True)
class RasterPlane:
    """Classes of one raster layer, cell by cell; exact, because the cells are kept as they are.

    Attributes
    ----------
    codes : numpy.ndarray of int16, shape (rows, columns)
        Position in ``code_keys``; row 0 lies north.
    code_keys : tuple of int
        Evidence key of every code. "No data" is a code with a key of its own.
    outside_key : int
        Evidence key of a place outside the raster; -1 when there is none.
    west_m, north_m : float
        North-west corner of the raster, EPSG:28992.
    cell_m : float
        Width and height of a cell in metres.
    """

    codes: NDArray[np.int16]
    code_keys: tuple[int, ...]
    outside_key: int
    west_m: float
    north_m: float
    cell_m: float


@dataclass(frozen=True, slots=True)
class Encoding:
    """All evidence keys with their shapes, and the planes made of them.

    Attributes
    ----------
    keys : tuple of EvidenceKey, length k
    shapes : tuple of KeyShape
    polygons : numpy.ndarray of shapely polygons, shape (p,)
        Every plane cut into single polygons.
    polygon_key, polygon_level : numpy.ndarray of int, shape (p,)
        The key a polygon belongs to, and the :class:`Presence` of a place in it.
    rasters : tuple of RasterPlane
        A cell has :attr:`Presence.INSIDE` for the key of its class.
    """

    keys: tuple[EvidenceKey, ...]
    shapes: tuple[KeyShape, ...]
    polygons: NDArray[np.object_]
    polygon_key: NDArray[np.intp]
    polygon_level: NDArray[np.int8]
    rasters: tuple[RasterPlane, ...] = ()


@dataclass(frozen=True)
class Features:
    """The features of one layer, as a question looks at them; read from the product once.

    Attributes
    ----------
    layer : Layer
    geometry : numpy.ndarray of shapely geometries, shape (n,)
        EPSG:28992.
    accuracy_m : numpy.ndarray, shape (n,)
    groups : tuple of (class id, DepthRange, positions)
        The features of each class and depth range.
    """

    layer: Layer
    geometry: NDArray[np.object_]
    accuracy_m: NDArray[np.float64]
    groups: tuple[tuple[str, DepthRange, NDArray[np.intp]], ...]

    @classmethod
    def of(cls, layer: Layer, frame: gpd.GeoDataFrame) -> Features:
        """The features of a product."""
        groups = tuple((class_id, depth, rows) for (class_id, depth), rows in class_groups(frame).items())
        return cls(layer, frame.geometry.to_numpy(), accuracies(frame, layer.accuracy_m), groups)


def encode(
    products: Sequence[tuple[Layer, gpd.GeoDataFrame]],
    distances: Mapping[str, Sequence[float]],
    around: shapely.Geometry | None = None,
    rasters: Sequence[tuple[Layer, ClassRaster]] = (),
) -> Encoding:
    """Encode the features of all layers.

    Parameters
    ----------
    products : sequence of (Layer, GeoDataFrame)
        Layers that could be read, in the product schema (``docs/layer-files.md``), EPSG:28992.
    distances : mapping of layer id to distances
        Distances in metres at which some rule looks at the layer.
    around : shapely geometry, optional
        Encode only the features that can matter in this place: those closer
        than the largest distance plus the accuracy. The keys stay the same.
    rasters : sequence of (Layer, ClassRaster)
        Layers whose product is a raster of classes. "No data" and "outside the raster" get keys
        of their own, with the class ids :data:`~dgdo_geo.model.NO_DATA` and
        :data:`~dgdo_geo.model.OUTSIDE_COVERAGE`.

    Returns
    -------
    Encoding
    """
    return encode_features([Features.of(*product) for product in products], distances, around, rasters)


def encode_features(
    layers: Sequence[Features],
    distances: Mapping[str, Sequence[float]],
    around: shapely.Geometry | None = None,
    rasters: Sequence[tuple[Layer, ClassRaster]] = (),
) -> Encoding:
    """The same as :func:`encode`, of features that were read before: for one place after another."""
    keys: list[EvidenceKey] = []
    groups: list[tuple[int, Features, NDArray[np.intp]]] = []
    for features in layers:
        layer = features.layer
        reach = max((0.0, *distances.get(layer.id, ()))) + float(features.accuracy_m.max(initial=0.0))
        is_near = np.ones(len(features.geometry), np.bool_)
        if around is not None:
            is_near = shapely.dwithin(features.geometry, around, reach)
        own = (0.0,) if layer.geometry == "polygon" else ()
        for within_m in (*own, *(d for d in distances.get(layer.id, ()) if d > 0)):
            for class_id, depth, rows in features.groups:
                near = rows[is_near[rows]]
                if near.size:
                    groups.append((len(keys), features, near))
                keys.append(EvidenceKey(layer.id, class_id, depth, within_m))
    planes = [_raster_plane(layer, raster, keys) for layer, raster in rasters]
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        shapes = [shape for found in pool.map(lambda group: _shapes(*group), groups) for shape in found]
        pieces = list(pool.map(lambda shape: _pieces(shape, keys[shape.key].within_m), shapes))
    polygons = [np.empty(0, object), *(polygon for polygon, _ in pieces)]
    levels = [np.empty(0, np.int8), *(level for _, level in pieces)]
    key = np.repeat(np.array([shape.key for shape in shapes], np.intp), [len(level) for level in levels[1:]])
    return Encoding(tuple(keys), tuple(shapes), np.concatenate(polygons), key, np.concatenate(levels), tuple(planes))


def _raster_plane(layer: Layer, raster: ClassRaster, keys: list[EvidenceKey]) -> RasterPlane:
    """The raster with keys for its classes, which are added to ``keys``."""
    classes = [*raster.classes, (OUTSIDE_COVERAGE, WHOLE_COLUMN)]
    first = len(keys)
    keys += [EvidenceKey(layer.id, class_id, depth) for class_id, depth in classes]
    code_keys = tuple(range(first, len(keys) - 1))
    return RasterPlane(raster.codes, code_keys, len(keys) - 1, raster.west_m, raster.north_m, raster.cell_m)


def class_groups(frame: gpd.GeoDataFrame) -> dict[tuple[str, DepthRange], NDArray[np.intp]]:
    """Positions of the features per class and depth range, in a fixed order."""
    groups: dict[tuple[str, DepthRange], list[int]] = {}
    for i, (class_id, depth) in enumerate(zip(frame["class"], depth_ranges(frame), strict=True)):
        groups.setdefault((class_id, depth), []).append(i)
    return {key: np.asarray(groups[key], np.intp) for key in sorted(groups)}


def depth_ranges(frame: gpd.GeoDataFrame) -> list[DepthRange]:
    """Depth range of every feature; a missing number is "not known"."""

    def known(value: float, otherwise: float) -> float:
        return otherwise if math.isnan(value) else float(value)

    columns = zip(frame["top_min_m"], frame["top_max_m"], frame["base_min_m"], frame["base_max_m"], strict=True)
    return [DepthRange(known(a, 0.0), known(b, math.inf), known(c, 0.0), known(d, math.inf)) for a, b, c, d in columns]


def accuracies(frame: gpd.GeoDataFrame, default_m: float) -> NDArray[np.float64]:
    """Accuracy of every feature in metres, the layer's where the feature has none."""
    values = frame["accuracy_m"].to_numpy(dtype=float)
    return np.where(np.isnan(values), default_m, values)


def _shapes(key: int, features: Features, rows: NDArray[np.intp]) -> list[KeyShape]:
    """Union of the features per accuracy: an edge between two features of one class is no edge."""
    geometry, accuracy = features.geometry[rows], features.accuracy_m[rows]
    return [KeyShape(key, shapely.union_all(geometry[accuracy == a]), float(a)) for a in np.unique(accuracy)]


def _pieces(item: KeyShape, within_m: float) -> tuple[NDArray[np.object_], NDArray[np.int8]]:
    """The planes of one shape as single polygons, with the level of each."""
    polygons, levels = [np.empty(0, object)], [np.empty(0, np.int8)]
    for level, shape in _levels(item, within_m):
        pieces = shapely.get_parts(shape)
        pieces = pieces[shapely.get_dimensions(pieces) == 2]
        polygons.append(pieces)
        levels.append(np.full(len(pieces), level, np.int8))
    return np.concatenate(polygons), np.concatenate(levels)


def _levels(item: KeyShape, within_m: float) -> list[tuple[Presence, shapely.Geometry]]:
    drawn = _grown(item.shape, within_m)
    if item.accuracy_m == 0:
        return [(Presence.INSIDE, drawn)]
    near = _grown(item.shape, within_m + item.accuracy_m)
    core = _grown(item.shape, within_m - item.accuracy_m)
    levels = [(Presence.NEAR_OUTSIDE, near), (Presence.RIM, drawn), (Presence.INSIDE, core)]
    return [(level, shape) for level, shape in levels if not shapely.is_empty(shape)]


def _grown(shape: shapely.Geometry, distance_m: float) -> shapely.Geometry:
    """A shape grown (or, with a negative distance, shrunk).

    Growing part by part and joining afterwards gives the same shape as growing
    the whole, and is many times faster where parts lie close together.
    """
    if distance_m == 0:
        return shape
    if distance_m < 0:
        return shapely.buffer(shape, distance_m, quad_segs=QUAD_SEGS)
    return shapely.union_all(shapely.buffer(shapely.get_parts(shape), distance_m, quad_segs=QUAD_SEGS))

"""Presence of every evidence key at one point, from the exact distance to the edge."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.model import Presence
from dgdo_geo.overlay.encode import Encoding


def presence_at(x: float, y: float, encoding: Encoding) -> NDArray[np.int8]:
    """Presence of every evidence key at a point.

    A point on an edge lies inside (in the rim, unless the edge is exact).

    Parameters
    ----------
    x, y : float
        EPSG:28992, metres.
    encoding : Encoding

    Returns
    -------
    numpy.ndarray of int8, shape (1, k)
    """
    presence = np.zeros((1, len(encoding.keys)), np.int8)
    shapes = np.array([item.shape for item in encoding.shapes], dtype=object)
    if len(shapes) == 0:
        return presence
    distance = signed_distances(shapely.Point(x, y), shapes)
    for item, d in zip(encoding.shapes, distance, strict=True):
        level = presence_level(d - encoding.keys[item.key].within_m, item.accuracy_m)
        presence[0, item.key] = max(presence[0, item.key], level)
    return presence


def signed_distances(point: shapely.Point, shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Distance to the edge of each shape in metres: negative inside a polygon, 0 on its edge."""
    distance = shapely.distance(point, shapes)
    is_inside = (distance == 0) & (shapely.get_dimensions(shapes) == 2)
    distance[is_inside] = -shapely.distance(point, shapely.boundary(shapes[is_inside]))
    return distance


def presence_level(signed_distance_m: float, accuracy_m: float) -> Presence:
    """Presence from the signed distance to the edge and the accuracy of that edge.

    >>> presence_level(-500, 100).name, presence_level(-50, 100).name
    ('INSIDE', 'RIM')
    >>> presence_level(50, 100).name, presence_level(500, 100).name
    ('NEAR_OUTSIDE', 'OUTSIDE')
    >>> presence_level(0, 0).name
    'INSIDE'
    """
    if signed_distance_m <= -accuracy_m:
        return Presence.INSIDE
    if signed_distance_m <= 0:
        return Presence.RIM
    return Presence.NEAR_OUTSIDE if signed_distance_m < accuracy_m else Presence.OUTSIDE

"""Which planes hold a point: from the point index, or from GEOS.

Both look at the same planes as the areas do, so a point and an area that holds
it cannot disagree.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.model import Presence
from dgdo_geo.overlay import engine
from dgdo_geo.overlay.encode import Encoding
from dgdo_geo.overlay.raster import keys_at


def presence_at(x: float, y: float, encoding: Encoding, tree: shapely.STRtree) -> NDArray[np.int8]:
    """Presence of every evidence key at a point, from GEOS.

    A point on the edge of a plane lies in it.

    Parameters
    ----------
    x, y : float
        EPSG:28992, metres.
    encoding : Encoding
    tree : shapely.STRtree
        Of the polygons of the encoding.

    Returns
    -------
    numpy.ndarray of int8, shape (1, k)
    """
    hits = tree.query(shapely.Point(x, y), predicate="intersects")
    return presence_of(hits, x, y, encoding)


def presence_of(polygons: NDArray[np.integer], x: float, y: float, encoding: Encoding) -> NDArray[np.int8]:
    """Presence from the polygons that hold the point, and from the raster cell that does."""
    presence = np.zeros((1, len(encoding.keys)), np.int8)
    np.maximum.at(presence[0], encoding.polygon_key[polygons], encoding.polygon_level[polygons])
    for raster in encoding.rasters:
        key = int(keys_at(raster, np.array([x]), np.array([y]))[0, 0])
        if key >= 0:
            presence[0, key] = Presence.INSIDE
    return presence


@dataclass(frozen=True)
class PointIndex:
    """Exact look-up of the polygons at a point in about a microsecond.

    Answers as GEOS does (``intersects``): a point closer than
    :data:`TOLERANCE_M` to an edge is handed to GEOS itself.
    """

    encoding: Encoding
    tree: shapely.STRtree
    arrays: tuple[NDArray[np.generic], ...]
    _local: threading.local = field(default_factory=threading.local, repr=False)

    def polygons_at(self, x: float, y: float) -> NDArray[np.intp]:
        """Positions in ``encoding.polygons`` of those that hold a point."""
        from dgdo_geo.overlay import places

        found = getattr(self._local, "found", None)
        if found is None:
            found = self._local.found = np.empty(len(self.encoding.polygons) + 1, np.int32)
        n = places.polygons_at(float(x), float(y), self.arrays[0], TOLERANCE_M, *self.arrays[1:], found)  # type: ignore[call-arg]
        if n < 0:
            return np.asarray(self.tree.query(shapely.Point(x, y), predicate="intersects"), np.intp)
        return found[:n].astype(np.intp)

    def presence_at(self, x: float, y: float) -> NDArray[np.int8]:
        """Presence of every evidence key at a point, shape (1, k)."""
        return presence_of(self.polygons_at(x, y), x, y, self.encoding)


TOLERANCE_M = 1e-6
"""Closer to an edge than this, rounding could decide; GEOS is asked, which is exact."""


def point_index(encoding: Encoding, tree: shapely.STRtree) -> PointIndex | None:
    """Build the index of an encoding; None where the compiled kernel cannot run."""
    if not engine.is_exact_available() or len(encoding.polygons) == 0 or engine.load() is None:
        return None
    from dgdo_geo.overlay.indexing import index_arrays

    return PointIndex(encoding, tree, index_arrays(encoding.polygons))

"""Which regions hold a point or lie near it, in microseconds."""

from __future__ import annotations

import threading

import geopandas as gpd
import numpy as np
import shapely


class Borders:
    """Regions that are asked about many points; safe to share between threads.

    Parameters
    ----------
    regions : geopandas.GeoSeries of polygons
        EPSG:28992, indexed by code.
    """

    def __init__(self, regions: gpd.GeoSeries) -> None:
        self._codes = [str(code) for code in regions.index]
        # Copies, because preparing a geometry that another thread looks at corrupts memory in GEOS.
        self._polygons = shapely.force_2d(regions.to_numpy())
        shapely.prepare(self._polygons)
        self._tree = shapely.STRtree(self._polygons)
        self._lock = threading.Lock()

    def holding(self, x: float, y: float) -> list[str]:
        """Codes of the regions that hold a point, its edge included, in the order of the input."""
        with self._lock:
            near = np.sort(self._tree.query(shapely.Point(x, y)))
            hits = near[shapely.intersects_xy(self._polygons[near], x, y)]
        return [self._codes[i] for i in hits]

    def within(self, x: float, y: float, distance_m: float) -> list[str]:
        """Codes of the regions no further from a point than a distance in metres."""
        point = shapely.Point(x, y)
        box = shapely.box(x - distance_m, y - distance_m, x + distance_m, y + distance_m)
        with self._lock:
            near = np.sort(self._tree.query(box))
            hits = near[shapely.dwithin(self._polygons[near], point, distance_m)]
        return [self._codes[i] for i in hits]

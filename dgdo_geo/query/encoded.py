"""The encoding of all layers: of one place while that is all that was asked, else of the country, kept."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.model import EvidenceKey, Layer
from dgdo_geo.overlay import engine, geos
from dgdo_geo.overlay.encode import Encoding, Features, encode_features
from dgdo_geo.overlay.point import PointIndex, point_index, presence_at


class Encoded:
    """Layers as planes, with a spatial index and, once warm, the point index; safe to share between threads.

    Parameters
    ----------
    products : sequence of (Layer, GeoDataFrame)
        Layers that can be evidence.
    distances : mapping of layer id to distances
        Distances in metres at which some rule looks at the layer.
    """

    def __init__(
        self, products: Sequence[tuple[Layer, gpd.GeoDataFrame]], distances: Mapping[str, Sequence[float]]
    ) -> None:
        self._products = products
        self._distances = distances
        self._lock = threading.RLock()
        self._country: tuple[Encoding, shapely.STRtree] | None = None
        self._index: PointIndex | None = None

    @cached_property
    def _features(self) -> list[Features]:
        return [Features.of(*product) for product in self._products]

    def of(self, around: shapely.Geometry | None = None) -> tuple[Encoding, shapely.STRtree]:
        """The encoding of the country with its spatial index, or that of one place while there is none yet."""
        with self._lock:
            if self._country is None:
                encoding = encode_features(self._features, self._distances, around)
                found = encoding, geos.index(encoding)
                if around is not None:
                    return found
                self._country = found
            return self._country

    @property
    def engine(self) -> str:
        """Name and version of the engine that looks up points."""
        return geos.ENGINE if self._index is None else engine.EXACT

    def warm(self) -> None:
        """Encode the country and build the point index."""
        encoding, tree = self.of()
        # Outside the lock: the first time ever, the kernel is compiled here, and questions need not wait for that.
        if self._index is None:
            self._index = point_index(encoding, tree)

    def presence_at(self, x: float, y: float) -> tuple[tuple[EvidenceKey, ...], NDArray[np.int8]]:
        """Evidence keys, and the presence of each at a point, shape (1, k)."""
        if self._index is not None:
            return self._index.encoding.keys, self._index.presence_at(x, y)
        encoding, tree = self.of(shapely.Point(x, y))
        return encoding.keys, presence_at(x, y, encoding, tree)

"""A layer as the answers use it."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd

from dgdo_geo.errors import DataError
from dgdo_geo.model import LayerState


@dataclass(frozen=True, slots=True)
class LoadedLayer:
    """A layer as the answers use it."""

    state: LayerState
    _frame: gpd.GeoDataFrame | None

    def to_gdf(self) -> gpd.GeoDataFrame:
        """A copy of the harmonised features, EPSG:28992.

        Raises
        ------
        DataError
            If the layer is not loaded or not readable.
        """
        if self._frame is None:
            raise DataError("layer_not_loaded", layer=self.state.layer.id, how=self.state.detail_nl)
        return self._frame.copy()

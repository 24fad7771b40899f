"""A layer as the answers use it, and whether the rules can use it at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import geopandas as gpd
import shapely

from dgdo_geo.errors import DataError
from dgdo_geo.model import LayerState, LayerStatus, Rule
from dgdo_geo.texts import text


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

    def is_at(self, place: shapely.Geometry) -> bool:
        """True when a feature lies on a place, EPSG:28992; False as well when the layer is not loaded."""
        return self._frame is not None and len(self._frame.sindex.query(place, predicate="intersects")) > 0


def without_unfit(states: Mapping[str, LayerState], rules: Iterable[Rule]) -> dict[str, LayerState]:
    """The same states, with a layer that a rule cannot read marked as unreadable.

    A layer in a workspace may declare other classes or another kind of
    geometry than the rules expect. Such a rule would find nothing and clear
    every place.
    """
    result = dict(states)
    for rule in rules:
        state = result.get(rule.layer) if rule.layer else None
        if state is None or state.status is not LayerStatus.AVAILABLE:
            continue
        missing = sorted(set(rule.classes) - {c.id for c in state.layer.classes})
        has_no_area = rule.within is None and state.layer.geometry != "polygon"
        if missing or has_no_area:
            what = ", ".join(missing) or "polygon"
            detail = text("notes", "unfit_layer", layer=state.layer.id, rule=rule.id, what=what)
            result[state.layer.id] = replace(state, status=LayerStatus.UNREADABLE, detail_nl=detail)
    return result

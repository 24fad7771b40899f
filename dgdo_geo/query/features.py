"""Which features of a layer lie in or near a place: the evidence behind a rule, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.assess import key_overlap
from dgdo_geo.model import Band, EvidenceKey, FeatureRef, LayerState, Overlap, Potential, Rule
from dgdo_geo.overlay.encode import accuracies, depth_ranges


@dataclass(frozen=True)
class LayerHits:
    """Features of one layer in or near the asked place.

    Attributes
    ----------
    refs : tuple of FeatureRef, length m
    distance_m : numpy.ndarray, shape (m,)
        Distance from the place to the feature; 0 when they meet.
    """

    refs: tuple[FeatureRef, ...]
    distance_m: NDArray[np.float64]


def _words(value: object) -> str:
    """A text of a product; a missing one is no text."""
    return value if isinstance(value, str) else ""


class FeatureFinder:
    """Which features of a layer lie in or near a place; looked up once per layer."""

    def __init__(
        self,
        place: shapely.Geometry,
        states: Mapping[str, LayerState],
        products: Mapping[str, gpd.GeoDataFrame],
        distances: Mapping[str, Sequence[float]],
    ) -> None:
        self._place = place
        self._states = states
        self._products = products
        self._distances = distances
        self._hits: dict[str, LayerHits] = {}

    def hits(self, layer_id: str) -> LayerHits:
        """Features near the place; polygons that it covers come with the shared area."""
        if layer_id not in self._hits:
            self._hits[layer_id] = self._look_up(layer_id)
        return self._hits[layer_id]

    def _look_up(self, layer_id: str) -> LayerHits:
        frame = self._products.get(layer_id)
        if frame is None:
            return LayerHits((), np.empty(0))
        layer = self._states[layer_id].layer
        accuracy = accuracies(frame, layer.accuracy_m)
        reach = max((0.0, *self._distances.get(layer_id, ()))) + float(accuracy.max())
        rows = np.sort(frame.sindex.query(self._place, predicate="dwithin", distance=reach))
        near = frame.iloc[rows]
        geometry = near.geometry.to_numpy()
        distance = shapely.distance(self._place, geometry)
        is_area = shapely.get_dimensions(self._place) == 2 and layer.geometry == "polygon"
        shared: list[float | None] = [None] * len(near)
        if is_area:
            shared = shapely.area(shapely.intersection(geometry, self._place)).tolist()
        depths = depth_ranges(near)
        refs = tuple(
            FeatureRef(
                id=str(near["feature_id"].iloc[i]),
                name=str(near["name"].iloc[i]),
                class_id=str(near["class"].iloc[i]),
                label_nl=layer.label(str(near["class"].iloc[i])),
                depth=depths[i],
                note=_words(near["note"].iloc[i]),
                source=_words(near["source"].iloc[i]),
                accuracy_m=float(accuracy[rows[i]]),
                area_m2=shared[i],
            )
            for i in range(len(near))
        )
        return LayerHits(refs, distance)

    def of_rule(
        self, rule: Rule, band: Band, within_m: float, *, near: bool, overlaps: tuple[Overlap, ...]
    ) -> tuple[FeatureRef, ...]:
        """Features that make a rule fire, or (``near``) that keep it from being answered."""
        if rule.layer is None:
            return ()
        hits = self.hits(rule.layer)
        found = []
        for ref, distance in zip(hits.refs, hits.distance_m, strict=True):
            limit = within_m + ((ref.accuracy_m or 0.0) if near else 0.0)
            touches = distance <= limit and not (within_m == 0 and not near and ref.area_m2 == 0)
            key = EvidenceKey(rule.layer, ref.class_id, ref.depth, within_m)
            is_named = not rule.classes or ref.class_id in rule.classes
            if touches and is_named and key_overlap(key, rule.extent, band.interval) in overlaps:
                found.append(ref)
        return tuple(sorted(found, key=lambda ref: (-(ref.area_m2 or 0.0), ref.name, ref.id)))

    def of_potential(self, layer_id: str, band: Band, potential: Potential) -> tuple[FeatureRef, ...]:
        """Features of a potential layer with a class, at the place and depth."""
        layer = self._states[layer_id].layer
        ids = {c.id for c in layer.classes if c.as_potential is potential}
        hits = self.hits(layer_id)
        return tuple(
            ref
            for ref, distance in zip(hits.refs, hits.distance_m, strict=True)
            if distance == 0
            and ref.area_m2 != 0
            and ref.class_id in ids
            and (potential is Potential.NONE or ref.depth.overlap(band.interval) is not Overlap.NO)
        )

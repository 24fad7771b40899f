"""Which features of a layer lie in or near a place: the evidence behind a rule, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.assess import key_overlap
from dgdo_geo.model import NO_DATA, Band, EvidenceKey, FeatureRef, Layer, LayerState, Overlap, Potential, Rule
from dgdo_geo.overlay.encode import accuracies, depth_ranges

REMEMBERED = 50_000
"""Sets of features near a point that are kept at most."""


@dataclass(frozen=True, eq=False)
class LayerHits:
    """Features of one layer in or near the asked place.

    Attributes
    ----------
    refs : tuple of FeatureRef, length m
    distance_m : tuple of float, length m
        Distance from the place to the feature; 0 when they meet. At a point rounded up to the next distance
        that matters, so that points with the same features in reach share their hits.
    """

    refs: tuple[FeatureRef, ...] = ()
    distance_m: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class LayerFeatures:
    """All features of one layer.

    Attributes
    ----------
    geometry : numpy.ndarray of shapely geometries, shape (m,)
    refs : tuple of FeatureRef, length m
        Without an area.
    reach_m : float
        No rule looks further.
    steps_m : numpy.ndarray of float64, shape (m, s)
        Distances at which a rule begins to look at a feature, or its edge begins to matter; increasing.
    """

    layer: Layer
    geometry: NDArray[np.object_]
    refs: tuple[FeatureRef, ...]
    reach_m: float
    steps_m: NDArray[np.float64]


def _words(value: object) -> str:
    """A text of a product; a missing one is no text."""
    return value if isinstance(value, str) else ""


def _layer_features(layer: Layer, frame: gpd.GeoDataFrame, distances: Sequence[float]) -> LayerFeatures:
    accuracy = accuracies(frame, layer.accuracy_m)
    columns = (frame[name] for name in ("feature_id", "name", "class", "note", "source"))
    refs = tuple(
        FeatureRef(
            id=str(feature_id),
            name=str(name),
            class_id=str(class_id),
            label_nl=layer.label(str(class_id)),
            depth=depth,
            note=_words(note),
            source=_words(source),
            accuracy_m=float(own),
        )
        for feature_id, name, class_id, note, source, depth, own in zip(
            *columns, depth_ranges(frame), accuracy, strict=True
        )
    )
    within = np.array(sorted({0.0, *distances}))
    drawn = np.broadcast_to(within, (len(frame), len(within)))
    steps = np.sort(np.concatenate([drawn, drawn + accuracy[:, None]], axis=1))
    reach = float(within.max()) + float(accuracy.max(initial=0.0))
    # Copies: preparing a geometry that another thread looks at corrupts memory in GEOS.
    return LayerFeatures(layer, shapely.force_2d(frame.geometry.to_numpy()), refs, reach, steps)


class FeatureIndex:
    """All features of all layers, ready to be found; safe to share between threads.

    Parameters
    ----------
    states : mapping of layer id to LayerState
    products : mapping of layer id to GeoDataFrame
        Features of the layers that can be consulted.
    distances : mapping of layer id to distances
        Distances in metres at which some rule looks at the layer, on any day.
    """

    def __init__(
        self,
        states: Mapping[str, LayerState],
        products: Mapping[str, gpd.GeoDataFrame],
        distances: Mapping[str, Sequence[float]],
    ) -> None:
        self.layers = {
            layer_id: _layer_features(states[layer_id].layer, frame, distances.get(layer_id, ()))
            for layer_id, frame in products.items()
        }
        found = list(self.layers.values())
        self._start = np.cumsum([0, *(len(item.refs) for item in found)])
        self._number = {layer_id: i for i, layer_id in enumerate(self.layers)}
        west, south, east, north = np.concatenate([np.empty((0, 4)), *(shapely.bounds(i.geometry) for i in found)]).T
        reach = np.repeat([item.reach_m for item in found], np.diff(self._start))
        self._tree = shapely.STRtree(shapely.box(west - reach, south - reach, east + reach, north + reach))
        self._tree.query(shapely.Point(0, 0))
        self.known = lru_cache(REMEMBERED)(self._known)

    def candidates(self, place: shapely.Geometry) -> NDArray[np.intp]:
        """Numbers of the features that may be in reach of a place, in order."""
        return np.sort(self._tree.query(place))

    def near(self, layer_id: str, place: shapely.Geometry, candidates: NDArray[np.intp]) -> tuple[str, bytes, bytes]:
        """Features of a layer near a point, in a form that can be compared; see :meth:`known`."""
        rows, distance = self._in_reach(layer_id, place, candidates)
        if len(rows) == 0:
            return layer_id, b"", b""
        steps = self.layers[layer_id].steps_m[rows]
        step = (distance[:, None] > steps).sum(axis=1)
        matters = step < steps.shape[1]
        return layer_id, rows[matters].tobytes(), step[matters].tobytes()

    def _known(self, near: tuple[str, bytes, bytes]) -> LayerHits:
        """The features that :meth:`near` found."""
        layer_id, found, steps = near
        if not found:
            return LayerHits()
        item = self.layers[layer_id]
        rows, step = np.frombuffer(found, np.intp), np.frombuffer(steps, np.intp)
        return LayerHits(tuple(item.refs[i] for i in rows), tuple(item.steps_m[rows, step].tolist()))

    def shared(self, layer_id: str, place: shapely.Geometry, candidates: NDArray[np.intp]) -> LayerHits:
        """Features of a layer in or near an area; polygons come with the area that they share with it."""
        rows, distance = self._in_reach(layer_id, place, candidates)
        if len(rows) == 0:
            return LayerHits()
        item = self.layers[layer_id]
        refs = tuple(item.refs[i] for i in rows)
        if shapely.get_dimensions(place) == 2 and item.layer.geometry == "polygon":
            area = np.zeros(len(rows))
            meets = distance == 0
            area[meets] = shared_areas(place, item.geometry[rows[meets]])
            refs = tuple(replace(ref, area_m2=shared) for ref, shared in zip(refs, area.tolist(), strict=True))
        return LayerHits(refs, tuple(distance.tolist()))

    def _in_reach(
        self, layer_id: str, place: shapely.Geometry, candidates: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Rows of a layer in reach of a place, and their distance."""
        number = self._number.get(layer_id)
        if number is None:
            return np.empty(0, np.intp), np.empty(0)
        first, last = np.searchsorted(candidates, self._start[number : number + 2])
        rows = candidates[first:last] - self._start[number]
        item = self.layers[layer_id]
        distance = shapely.distance(place, item.geometry[rows])
        in_reach = distance <= item.reach_m
        return rows[in_reach], distance[in_reach]


def shared_areas(place: shapely.Geometry, polygons: NDArray[np.object_]) -> NDArray[np.float64]:
    """Area in m2 that each of some polygons shares with a place.

    Where one lies wholly in the other nothing is cut.
    """
    place = shapely.force_2d(place)
    shapely.prepare(place)
    area: NDArray[np.float64] = shapely.area(polygons)
    is_cut = ~shapely.contains_properly(place, polygons)
    others = shapely.force_2d(polygons[is_cut])
    shapely.prepare(others)
    holds = shapely.contains_properly(others, place)
    pieces = np.full(len(others), shapely.area(place))
    pieces[~holds] = shapely.area(shapely.intersection(others[~holds], place))
    area[is_cut] = pieces
    return area


class FeatureFinder:
    """Which features of a layer lie in or near a place; looked up once per layer.

    Parameters
    ----------
    look_up : callable
        ``look_up(layer_id)`` gives the features of a layer.
    """

    def __init__(self, look_up: Callable[[str], LayerHits]) -> None:
        self._look_up = look_up
        self._hits: dict[str, LayerHits] = {}

    @classmethod
    def around(cls, place: shapely.Geometry, index: FeatureIndex) -> FeatureFinder:
        """Find the features in or near an area, as far as they are asked for."""
        candidates = index.candidates(place)
        return cls(lambda layer_id: index.shared(layer_id, place, candidates))

    def hits(self, layer_id: str) -> LayerHits:
        """Features near the place; polygons that it covers come with the shared area."""
        if layer_id not in self._hits:
            self._hits[layer_id] = self._look_up(layer_id)
        return self._hits[layer_id]

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
            is_named = ref.class_id in rule.classes if rule.classes else ref.class_id != NO_DATA
            if not touches or not is_named:
                continue
            key = EvidenceKey(rule.layer, ref.class_id, ref.depth, within_m)
            if key_overlap(key, rule.extent, band.interval) in overlaps:
                found.append(ref)
        return tuple(sorted(found, key=lambda ref: (-(ref.area_m2 or 0.0), ref.name, ref.id)))

    def of_potential(self, layer: Layer, band: Band, potential: Potential) -> tuple[FeatureRef, ...]:
        """Features of a potential layer with a class, at the place and depth."""
        ids = {c.id for c in layer.classes if c.as_potential is potential}
        hits = self.hits(layer.id)
        return tuple(
            ref
            for ref, distance in zip(hits.refs, hits.distance_m, strict=True)
            if distance == 0
            and ref.area_m2 != 0
            and ref.class_id in ids
            and (potential is Potential.NONE or ref.depth.overlap(band.interval) is not Overlap.NO)
        )

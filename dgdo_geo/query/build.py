"""From assessment arrays to the answer object: shares, constraints with their features, causes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.assess import (
    CAUSES,
    BandAssessment,
    Firing,
    LayerPotential,
    RuleOutcome,
    key_overlap,
    rule_distance,
)
from dgdo_geo.knowledge import KnowledgeBase
from dgdo_geo.model import (
    Answer,
    AreaShare,
    Band,
    Cause,
    Constraint,
    EvidenceKey,
    FeatureRef,
    Layer,
    LayerState,
    Overlap,
    Potential,
    PotentialFinding,
    Rule,
    Unanswered,
    Verdict,
    When,
)
from dgdo_geo.overlay.encode import accuracies, depth_ranges

K = TypeVar("K")


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


def build_answer(
    found: BandAssessment,
    band: Band,
    area_m2: NDArray[np.float64] | None,
    finder: FeatureFinder,
    states: Mapping[str, LayerState],
    knowledge: KnowledgeBase,
    on: date,
) -> Answer:
    """Turn the arrays of one activity and band into an :class:`~dgdo_geo.model.Answer`.

    Parameters
    ----------
    area_m2 : numpy.ndarray, shape (n,), or None
        Area of every row of the evidence; None at a point.
    """
    weights = _Weights(area_m2)
    areas = _areas(found, area_m2)
    headline = _headline(found, areas)
    constraints: list[Constraint] = []
    unanswered: list[Unanswered] = []
    clear: list[Rule] = []
    for outcome in found.rules:
        constraints += _constraint(outcome, band, weights, finder, states, knowledge.value, on)
        unanswered += _unanswered(outcome, band, weights, finder, states, knowledge.value, on)
        applies = outcome.firing != Firing.NOT_APPLICABLE
        if applies.any() and (outcome.firing[applies] == Firing.CLEAR).all():
            clear.append(outcome.rule)
    return Answer(
        activity=found.activity,
        band=band,
        potential=headline.potential,
        potential_certain=headline.potential_certain,
        verdict=headline.verdict,
        indication=headline.indication,
        conclusive=headline.conclusive,
        areas=areas,
        constraints=tuple(
            sorted(constraints, key=lambda c: (-c.is_certain, -c.rule.verdict, -(c.area_m2 or 0.0), c.rule.id))
        ),
        clear=tuple(sorted(clear, key=lambda rule: rule.id)),
        unanswered=tuple(sorted(unanswered, key=lambda u: (-u.rule.verdict, u.rule.id, u.cause))),
        potentials=tuple(item for layer in found.layers for item in _potentials(layer, band, weights, finder, states)),
        procedures=knowledge.procedures_for(found.activity.id, band.top_m, band.base_m),
    )


@dataclass(frozen=True)
class _Weights:
    """Sums over rows: areas for a region, nothing but presence at a point."""

    area_m2: NDArray[np.float64] | None

    def area(self, rows: NDArray[np.bool_]) -> float | None:
        return None if self.area_m2 is None else float(self.area_m2[rows].sum())

    def share(self, rows: NDArray[np.bool_]) -> float | None:
        return None if self.area_m2 is None else float(self.area_m2[rows].sum() / self.area_m2.sum())


def _areas(found: BandAssessment, area_m2: NDArray[np.float64] | None) -> tuple[AreaShare, ...]:
    if area_m2 is None:
        return ()
    arrays = (found.potential, found.potential_certain, found.verdict, found.indication, found.conclusive)
    columns = np.stack([array.astype(np.int8) for array in arrays], axis=1)
    distinct, position = np.unique(columns, axis=0, return_inverse=True)
    total = float(area_m2.sum())
    parts = []
    for i, (potential, certain, verdict, indication, conclusive) in enumerate(distinct.tolist()):
        area = float(area_m2[position.reshape(-1) == i].sum())
        parts.append(
            AreaShare(
                potential=Potential(potential),
                potential_certain=bool(certain),
                verdict=Verdict(verdict),
                indication=Verdict(indication),
                conclusive=bool(conclusive),
                area_m2=area,
                share=area / total,
            )
        )
    return tuple(sorted(parts, key=lambda part: -part.area_m2))


@dataclass(frozen=True)
class _Headline:
    verdict: Verdict
    indication: Verdict
    conclusive: bool
    potential: Potential
    potential_certain: bool


def _headline(found: BandAssessment, areas: tuple[AreaShare, ...]) -> _Headline:
    """What the answer says first: the row itself at a point, the largest part of an area."""
    if not areas:
        return _Headline(
            Verdict(int(found.verdict[0])),
            Verdict(int(found.indication[0])),
            bool(found.conclusive[0]),
            Potential(int(found.potential[0])),
            bool(found.potential_certain[0]),
        )
    outcome = _largest(areas, lambda part: part.outcome)
    within = [part for part in areas if part.outcome == outcome]
    potential = _largest(areas, lambda part: part.potential)
    return _Headline(
        _largest(within, lambda part: part.verdict),
        _largest(within, lambda part: part.indication),
        all(part.conclusive for part in areas),
        potential,
        all(part.potential_certain for part in areas if part.potential is potential),
    )


def _largest(parts: Sequence[AreaShare], key: Callable[[AreaShare], K]) -> K:
    """The value of ``key`` with the largest total area."""
    totals: dict[K, float] = {}
    for part in parts:
        totals[key(part)] = totals.get(key(part), 0.0) + part.area_m2
    return max(totals, key=lambda value: totals[value])


def _constraint(
    outcome: RuleOutcome,
    band: Band,
    weights: _Weights,
    finder: FeatureFinder,
    states: Mapping[str, LayerState],
    value: Callable[[str, date], float],
    on: date,
) -> list[Constraint]:
    is_certain = outcome.firing == Firing.FIRES
    drawn = is_certain | (outcome.firing == Firing.RIM)
    if not drawn.any():
        return []
    rule = outcome.rule
    features: tuple[FeatureRef, ...] = ()
    if rule.when is When.PRESENT:
        within_m = rule_distance(rule, value, on)
        features = finder.of_rule(rule, band, within_m, near=False, overlaps=(Overlap.YES,))
    return [
        Constraint(
            rule=rule,
            layer=_layer(rule, states),
            features=features,
            is_certain=bool(is_certain.any()),
            area_m2=weights.area(drawn),
            certain_area_m2=weights.area(is_certain),
            share=weights.share(drawn),
        )
    ]


def _unanswered(
    outcome: RuleOutcome,
    band: Band,
    weights: _Weights,
    finder: FeatureFinder,
    states: Mapping[str, LayerState],
    value: Callable[[str, date], float],
    on: date,
) -> list[Unanswered]:
    result = []
    rule = outcome.rule
    for position in np.unique(outcome.cause[outcome.cause >= 0]):
        cause = CAUSES[int(position)]
        rows = outcome.cause == position
        features: tuple[FeatureRef, ...] = ()
        if cause is Cause.NEAR_EDGE:
            features = finder.of_rule(
                rule, band, rule_distance(rule, value, on), near=True, overlaps=(Overlap.YES, Overlap.UNKNOWN)
            )
        elif cause is Cause.DEPTH_UNKNOWN:
            features = finder.of_rule(
                rule, band, rule_distance(rule, value, on), near=False, overlaps=(Overlap.UNKNOWN,)
            )
        result.append(Unanswered(rule, _layer(rule, states), cause, features, weights.area(rows), weights.share(rows)))
    return result


def _layer(rule: Rule, states: Mapping[str, LayerState]) -> Layer | None:
    state = states.get(rule.layer) if rule.layer else None
    return None if state is None else state.layer


def _potentials(
    item: LayerPotential, band: Band, weights: _Weights, finder: FeatureFinder, states: Mapping[str, LayerState]
) -> list[PotentialFinding]:
    state = states.get(item.layer)
    if state is None:
        return []
    if item.cause is not None:
        return [PotentialFinding(state.layer, Potential.UNKNOWN, False, item.cause)]
    result = []
    for number in sorted({int(v) for v in item.value}, reverse=True):
        rows = item.value == number
        if number < 0:
            result.append(
                PotentialFinding(
                    state.layer,
                    Potential.UNKNOWN,
                    False,
                    Cause.OUTSIDE_COVERAGE,
                    (),
                    weights.area(rows),
                    weights.share(rows),
                )
            )
            continue
        potential = Potential(number)
        result.append(
            PotentialFinding(
                state.layer,
                potential,
                bool(item.is_certain[rows].all()),
                None,
                finder.of_potential(item.layer, band, potential),
                weights.area(rows),
                weights.share(rows),
            )
        )
    return result

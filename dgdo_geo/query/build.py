"""From assessment arrays to the answer object: shares, constraints with their features, causes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dgdo_geo.assess import (
    CAUSES,
    BandAssessment,
    Firing,
    LayerPotential,
    RuleOutcome,
    rule_distance,
)
from dgdo_geo.knowledge import KnowledgeBase
from dgdo_geo.model import (
    Answer,
    AreaShare,
    Band,
    Cause,
    Constraint,
    FeatureRef,
    Layer,
    LayerState,
    Overlap,
    Potential,
    PotentialFinding,
    Quality,
    Rule,
    Unanswered,
    Verdict,
    When,
)
from dgdo_geo.query.features import FeatureFinder

K = TypeVar("K")


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
    place = _Place(band, area_m2, finder, states, knowledge.value, on)
    areas = _areas(found, area_m2)
    headline = _headline(found, areas)
    constraints: list[Constraint] = []
    unanswered: list[Unanswered] = []
    clear: list[Rule] = []
    for outcome in found.rules:
        constraints += _constraint(outcome, place)
        unanswered += _unanswered(outcome, place)
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
        potentials=tuple(item for layer in found.layers for item in _potentials(layer, place)),
        procedures=knowledge.procedures_for(found.activity.id, band.top_m, band.base_m),
        quality=_quality(found, states),
    )


_SAYS_NOTHING = [CAUSES.index(c) for c in (Cause.NOT_LOADED, Cause.UNREADABLE, Cause.OUTSIDE_COVERAGE)]


def _quality(found: BandAssessment, states: Mapping[str, LayerState]) -> Quality:
    """The worst quality of the layers that had something to say, also when that was "nothing here"."""
    spoke = {item.layer for item in found.layers if (item.value >= 0).any() or (item.nearby >= 0).any()}
    for outcome in found.rules:
        says = (outcome.firing != Firing.NOT_APPLICABLE) & ~np.isin(outcome.cause, _SAYS_NOTHING)
        if outcome.rule.layer is not None and says.any():
            spoke.add(outcome.rule.layer)
    order = list(Quality)
    return max((states[i].layer.quality for i in spoke if i in states), key=order.index, default=Quality.OFFICIAL)


@dataclass(frozen=True)
class _Place:
    """The asked band at the asked place: areas of the rows, and where to find features and layers."""

    band: Band
    area_m2: NDArray[np.float64] | None
    finder: FeatureFinder
    states: Mapping[str, LayerState]
    value: Callable[[str, date], float]
    on: date

    def area(self, rows: NDArray[np.bool_]) -> float | None:
        """Area of some rows; None at a point."""
        return None if self.area_m2 is None else float(self.area_m2[rows].sum())

    def share(self, rows: NDArray[np.bool_]) -> float | None:
        """Share of some rows in the whole area; None at a point."""
        return None if self.area_m2 is None else float(self.area_m2[rows].sum() / self.area_m2.sum())

    def features(self, rule: Rule, *, near: bool, overlaps: tuple[Overlap, ...]) -> tuple[FeatureRef, ...]:
        """Features that make a rule fire, or (``near``) that keep it from being answered."""
        within_m = rule_distance(rule, self.value, self.on)
        return self.finder.of_rule(rule, self.band, within_m, near=near, overlaps=overlaps)

    def layer(self, rule: Rule) -> Layer | None:
        """The layer that a rule looks at."""
        state = self.states.get(rule.layer) if rule.layer else None
        return None if state is None else state.layer


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


def _constraint(outcome: RuleOutcome, place: _Place) -> list[Constraint]:
    is_certain = outcome.firing == Firing.FIRES
    drawn = is_certain | (outcome.firing == Firing.RIM)
    if not drawn.any():
        return []
    rule = outcome.rule
    features: tuple[FeatureRef, ...] = ()
    if rule.when is When.PRESENT:
        features = place.features(rule, near=False, overlaps=(Overlap.YES,))
    return [
        Constraint(
            rule=rule,
            layer=place.layer(rule),
            features=features,
            is_certain=bool(is_certain.any()),
            area_m2=place.area(drawn),
            certain_area_m2=place.area(is_certain),
            share=place.share(drawn),
        )
    ]


def _unanswered(outcome: RuleOutcome, place: _Place) -> list[Unanswered]:
    result = []
    rule = outcome.rule
    for position in np.unique(outcome.cause[outcome.cause >= 0]):
        cause = CAUSES[int(position)]
        rows = outcome.cause == position
        features: tuple[FeatureRef, ...] = ()
        if cause is Cause.NEAR_EDGE:
            features = place.features(rule, near=True, overlaps=(Overlap.YES, Overlap.UNKNOWN))
        elif cause is Cause.DEPTH_UNKNOWN:
            features = place.features(rule, near=False, overlaps=(Overlap.UNKNOWN,))
        result.append(Unanswered(rule, place.layer(rule), cause, features, place.area(rows), place.share(rows)))
    return result


def _potentials(item: LayerPotential, place: _Place) -> list[PotentialFinding]:
    state = place.states.get(item.layer)
    if state is None:
        return []
    if item.cause is not None:
        return [PotentialFinding(state.layer, Potential.UNKNOWN, False, item.cause)]
    result = []
    for number in sorted({int(v) for v in item.value}, reverse=True):
        rows = item.value == number
        area, share = place.area(rows), place.share(rows)
        if number < 0:
            result.append(
                PotentialFinding(state.layer, Potential.UNKNOWN, False, Cause.OUTSIDE_COVERAGE, (), area, share)
            )
            continue
        potential = Potential(number)
        certain = bool(item.is_certain[rows].all())
        features = place.finder.of_potential(item.layer, place.band, potential)
        result.append(PotentialFinding(state.layer, potential, certain, None, features, area, share))
    return result

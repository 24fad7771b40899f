"""From the judgement of rows to the answer object: shares, constraints with their features, causes.

What one rule or potential layer contributes to an answer is a :class:`Finding`. In an area findings are made for the
rows of that area; at a point they are remembered by what was found there, so that the next point is quick.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.assess import (
    CAUSES,
    Firing,
    GroupFinding,
    LayerPotential,
    OfferFinding,
    RuleOutcome,
    judged,
    read_code,
    rule_distance,
)
from dgdo_geo.knowledge import KnowledgeBase
from dgdo_geo.model import (
    Answer,
    AreaShare,
    Band,
    Cause,
    Constraint,
    EvidenceTable,
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
from dgdo_geo.query.asked import Asked
from dgdo_geo.query.nearby import FeatureFinder, FeatureIndex
from dgdo_geo.query.parts import Headline, areas_of, headline_of

Near = tuple[str, bytes, bytes]

# Looking up a member of an enumeration takes longer than a comparison of a short array.
_NOT_APPLICABLE, _CLEAR, _RIM, _FIRES = (
    int(f) for f in (Firing.NOT_APPLICABLE, Firing.CLEAR, Firing.RIM, Firing.FIRES)
)

REMEMBERED = 10_000
"""Findings at points that are kept at most, per kind and question."""
_QUALITIES = list(Quality)


@dataclass(frozen=True, slots=True)
class Finding:
    """What some rules and potential layers contribute to the answer for one band.

    Attributes
    ----------
    quality : int
        Position in :class:`~dgdo_geo.model.Quality` of the worst layer that had something to say.
    """

    constraints: tuple[Constraint, ...] = ()
    alternatives: tuple[Constraint, ...] = ()
    clear: tuple[Rule, ...] = ()
    unanswered: tuple[Unanswered, ...] = ()
    potentials: tuple[PotentialFinding, ...] = ()
    quality: int = 0


def together(findings: Iterable[Finding]) -> Finding:
    """Several findings as one, in their order."""
    found = list(findings)
    return Finding(
        tuple([item for f in found for item in f.constraints]),
        tuple([item for f in found for item in f.alternatives]),
        tuple([item for f in found for item in f.clear]),
        tuple([item for f in found for item in f.unanswered]),
        tuple([item for f in found for item in f.potentials]),
        max([f.quality for f in found], default=0),
    )


def _answer(asked: Asked, i: int, head: Headline, areas: tuple[AreaShare, ...], found: Finding) -> Answer:
    item = asked.bands[i]
    return Answer(
        activity=item.activity,
        band=item.band,
        potential=head.potential,
        potential_certain=head.potential_certain,
        verdict=head.verdict,
        indication=head.indication,
        conclusive=head.conclusive,
        areas=areas,
        constraints=tuple(sorted(found.constraints, key=_strictest)),
        alternatives=tuple(sorted(found.alternatives, key=_strictest)),
        clear=tuple(sorted(found.clear, key=lambda rule: rule.id)),
        unanswered=tuple(sorted(found.unanswered, key=lambda u: (-u.rule.verdict, u.rule.id, u.cause))),
        potentials=found.potentials,
        procedures=asked.procedures[i],
        quality=_QUALITIES[found.quality],
    )


def _strictest(item: Constraint) -> tuple[bool, int, float, str]:
    """Key of the order in which constraints are shown: certain, strict and large first."""
    return (not item.is_certain, -item.rule.verdict, -(item.area_m2 or 0.0), item.rule.id)


# One rule, one potential layer -------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """The asked band at the asked place: areas of the rows, and where to find features and layers."""

    asked: Asked
    band: Band
    area_m2: NDArray[np.float64] | None
    finder: FeatureFinder
    states: Mapping[str, LayerState]
    knowledge: KnowledgeBase

    def area(self, rows: NDArray[np.bool_]) -> float | None:
        """Area of some rows; None at a point."""
        return None if self.area_m2 is None else float(self.area_m2[rows].sum())

    def share(self, rows: NDArray[np.bool_]) -> float | None:
        """Share of some rows in the whole area; None at a point."""
        return None if self.area_m2 is None else float(self.area_m2[rows].sum() / self.area_m2.sum())

    def features(self, rule: Rule, *, near: bool, overlaps: tuple[Overlap, ...]) -> tuple[FeatureRef, ...]:
        """Features that make a rule fire, or (``near``) that keep it from being answered."""
        within_m = rule_distance(rule, self.knowledge.value, self.asked.question.on)
        return self.finder.of_rule(rule, self.band, within_m, near=near, overlaps=overlaps)

    def layer(self, rule: Rule) -> Layer | None:
        """The layer that a rule looks at."""
        state = self.states.get(rule.layer) if rule.layer else None
        return None if state is None else state.layer

    def quality(self, layer_id: str) -> int:
        """How bad a layer is that had something to say."""
        return _QUALITIES.index(self.states[layer_id].layer.quality) if layer_id in self.states else 0


# By cause, with "no cause" last: whether a layer had something to say, also when that was "nothing here".
_SILENCE = (Cause.NOT_LOADED, Cause.UNREADABLE, Cause.OUTSIDE_COVERAGE, Cause.NO_DATA)
_SAYS = np.array([c not in _SILENCE for c in [*CAUSES, None]])


def _known_of_rule(outcome: RuleOutcome, place: _Place, known: dict[int, Finding]) -> Finding:
    """The same finding for bands that share an outcome: their condition, and so their features, are the same."""
    if id(outcome) not in known:
        known[id(outcome)] = _of_rule(outcome, place)
    return known[id(outcome)]


def _of_rule(outcome: RuleOutcome, place: _Place) -> Finding:
    rule, applies = outcome.rule, outcome.firing != _NOT_APPLICABLE
    if not rule.counts:
        return Finding(alternatives=_constraints(outcome, place))
    is_clear = bool(applies.any() and (outcome.firing[applies] == _CLEAR).all())
    says = rule.layer is not None and bool((applies & _SAYS[outcome.cause]).any())
    return Finding(
        constraints=_constraints(outcome, place),
        clear=(rule,) if is_clear else (),
        unanswered=() if is_clear else _unanswered(outcome, place),
        quality=place.quality(rule.layer) if says and rule.layer else 0,
    )


def _constraints(outcome: RuleOutcome, place: _Place) -> tuple[Constraint, ...]:
    is_certain = outcome.firing == _FIRES
    drawn = is_certain | (outcome.firing == _RIM)
    if not drawn.any():
        return ()
    rule = outcome.rule
    features: tuple[FeatureRef, ...] = ()
    if rule.when is When.PRESENT:
        features = place.features(rule, near=False, overlaps=(Overlap.YES,))
    return (
        Constraint(
            rule=rule,
            layer=place.layer(rule),
            features=features,
            is_certain=bool(is_certain.any()),
            area_m2=place.area(drawn),
            certain_area_m2=place.area(is_certain),
            share=place.share(drawn),
        ),
    )


def _unanswered(outcome: RuleOutcome, place: _Place) -> tuple[Unanswered, ...]:
    result = []
    rule = outcome.rule
    for position in np.flatnonzero(np.bincount(outcome.cause[outcome.cause >= 0])).tolist():
        cause = CAUSES[position]
        rows = outcome.cause == position
        features: tuple[FeatureRef, ...] = ()
        if cause is Cause.NEAR_EDGE:
            features = place.features(rule, near=True, overlaps=(Overlap.YES, Overlap.UNKNOWN))
        elif cause is Cause.DEPTH_UNKNOWN:
            features = place.features(rule, near=False, overlaps=(Overlap.UNKNOWN,))
        result.append(Unanswered(rule, place.layer(rule), cause, features, place.area(rows), place.share(rows)))
    return tuple(result)


def _of_offer(item: LayerPotential, place: _Place) -> Finding:
    state = place.states.get(item.layer)
    if state is None:
        return Finding()
    if item.cause is not None:
        return Finding(potentials=(PotentialFinding(state.layer, Potential.UNKNOWN, False, item.cause),))
    result = []
    for number in sorted(set(item.value.tolist()), reverse=True):
        rows = item.value == number
        area, share = place.area(rows), place.share(rows)
        if number < 0:
            result.append(
                PotentialFinding(state.layer, Potential.UNKNOWN, False, Cause.OUTSIDE_COVERAGE, (), area, share)
            )
            continue
        potential = Potential(number)
        certain = bool(item.is_certain[rows].all())
        features = place.finder.of_potential(state.layer, place.band, potential)
        result.append(PotentialFinding(state.layer, potential, certain, None, features, area, share))
    says = bool((item.value >= 0).any() or (item.nearby >= 0).any())
    return Finding(potentials=tuple(result), quality=place.quality(item.layer) if says else 0)


# An area -----------------------------------------------------------------------------------


def area_answers(
    asked: Asked,
    evidence: EvidenceTable,
    finder: FeatureFinder,
    states: Mapping[str, LayerState],
    knowledge: KnowledgeBase,
) -> tuple[Answer, ...]:
    """All asked bands for an area, from its distinct combinations."""
    known: dict[int, Finding] = {}
    answers = []
    for i, found in enumerate(judged(asked.question, evidence)):
        place = _Place(asked, asked.bands[i].band, evidence.area_m2, finder, states, knowledge)
        findings = [_known_of_rule(outcome, place, known) for outcome in found.rules]
        findings += [_of_offer(item, place) for item in found.layers]
        areas = areas_of(found, evidence.area_m2)
        answers.append(_answer(asked, i, headline_of(found, areas), areas, together(findings)))
    return tuple(answers)


# A point -----------------------------------------------------------------------------------


class PointAnswers:
    """Answers one question at points, and remembers what was found; safe to share between threads."""

    def __init__(
        self, asked: Asked, index: FeatureIndex, states: Mapping[str, LayerState], knowledge: KnowledgeBase
    ) -> None:
        self._asked = asked
        self._index = index
        self._states = states
        self._knowledge = knowledge
        self._of_group = lru_cache(REMEMBERED)(self._find_of_group)
        self._of_offer = lru_cache(REMEMBERED)(self._find_of_offer)
        self._of_offers = lru_cache(REMEMBERED)(self._find_of_offers)

    def at(
        self, x: float, y: float, presence: NDArray[np.int8], province: str, near_provinces: tuple[str, ...]
    ) -> tuple[Answer, ...]:
        """All asked bands at a point.

        Parameters
        ----------
        x, y : float
            EPSG:28992, metres.
        presence : numpy.ndarray of int8, shape (k,)
            :class:`~dgdo_geo.model.Presence` of every evidence key of the question.
        province : str
        near_provinces : tuple of str
            Other provinces whose border is closer than its accuracy.
        """
        point = shapely.Point(x, y)
        candidates = self._index.candidates(point)
        seen: dict[str, Near] = {}

        def near(layers: Iterable[str]) -> tuple[Near, ...]:
            for layer in layers:
                if layer not in seen:
                    seen[layer] = self._index.near(layer, point, candidates)
            return tuple([seen[layer] for layer in layers])

        judge = self._asked.judge
        groups = judge.groups(presence, province, near_provinces)
        by_group = [self._of_group(group, near(group.layers)) for group in groups]
        code = np.bitwise_or.reduce([np.zeros(len(self._asked.bands), np.uint16), *(group.code for group in groups)])
        said = zip(*(array.tolist() for array in read_code(code)), strict=True)
        answers = []
        for i, (offer, (verdict, indication, conclusive)) in enumerate(zip(judge.offers(presence), said, strict=True)):
            speaking = tuple([item.layer for item in offer.layers if item.value[0] >= 0])
            offered = self._of_offers(i, offer, near(speaking))
            head = Headline(offer.potential, offer.is_certain, Verdict(verdict), Verdict(indication), bool(conclusive))
            found = together([offered, *(findings[i] for findings in by_group)])
            answers.append(_answer(self._asked, i, head, (), found))
        return tuple(answers)

    def _place(self, i: int, near: tuple[Near, ...]) -> _Place:
        finder = FeatureFinder({layer: self._index.known((layer, *rest)) for layer, *rest in near}.__getitem__)
        return _Place(self._asked, self._asked.bands[i].band, None, finder, self._states, self._knowledge)

    def _find_of_group(self, group: GroupFinding, near: tuple[Near, ...]) -> list[Finding]:
        """For every band what a group of rules contributes, with the given features in reach."""
        places = [self._place(i, near) for i in range(len(group.outcomes))]
        known: dict[int, Finding] = {}
        return [
            together([_known_of_rule(outcome, place, known) for outcome in outcomes])
            for place, outcomes in zip(places, group.outcomes, strict=True)
        ]

    def _find_of_offers(self, i: int, offer: OfferFinding, near: tuple[Near, ...]) -> Finding:
        by_layer = {one[0]: one for one in near}
        return together([self._of_offer(i, item, by_layer.get(item.layer)) for item in offer.layers])

    def _find_of_offer(self, i: int, item: LayerPotential, near: Near | None) -> Finding:
        return _of_offer(item, self._place(i, () if near is None else (near,)))

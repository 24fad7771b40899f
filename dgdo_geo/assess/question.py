"""A question with everything filled in: what every rule and potential layer asks of a place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from dgdo_geo.assess.conditions import Condition, condition_of
from dgdo_geo.assess.potential import Offer, offer_of
from dgdo_geo.assess.rules import RuleOutcome, Said, with_exemptions
from dgdo_geo.model import Activity, DepthInterval, EvidenceKey, LayerState, Rule


@dataclass(frozen=True, eq=False)
class RuleGroup:
    """Rules that must be judged together: about the same layer, or about layers whose rules lift each other.

    Attributes
    ----------
    layers : tuple of str
        Layers that the rules look at; empty for rules that hold whatever is there.
    is_regional : bool
        True when the outcome can depend on the province.
    columns : tuple of int
        Positions of the evidence keys of those layers.
    bands : tuple
        For every asked band the rules that apply in it, with their condition.
    """

    layers: tuple[str, ...]
    is_regional: bool
    columns: tuple[int, ...]
    bands: tuple[tuple[tuple[Rule, Condition], ...], ...]

    def outcomes(self, said: Callable[[Condition], Said]) -> tuple[tuple[RuleOutcome, ...], ...]:
        """For every asked band the outcomes of the rules, exemptions included.

        Rules with one condition in several bands share one outcome.

        Parameters
        ----------
        said : callable
            Firing and cause of a condition, over the rows of some evidence.
        """
        known: dict[tuple[int, Condition], RuleOutcome] = {}
        result = []
        for band in self.bands:
            outcomes = []
            for rule, condition in band:
                key = (id(rule), condition)
                if key not in known:
                    known[key] = RuleOutcome(rule, *said(condition))
                outcomes.append(known[key])
            result.append(with_exemptions(outcomes))
        return tuple(result)


@dataclass(frozen=True, eq=False)
class Question:
    """Activities and depth bands on a date, for one set of evidence keys.

    Attributes
    ----------
    keys : tuple of EvidenceKey
    asked : tuple of (Activity, DepthInterval)
    groups : tuple of RuleGroup
        Together all rules in force for the asked activities.
    offers : tuple of tuple of Offer
        Potential layers of every asked band.
    """

    on: date
    keys: tuple[EvidenceKey, ...]
    asked: tuple[tuple[Activity, DepthInterval], ...]
    groups: tuple[RuleGroup, ...]
    offers: tuple[tuple[Offer, ...], ...]


def pose(
    asked: Sequence[tuple[Activity, DepthInterval]],
    applicable: Callable[[str, date], Iterable[Rule]],
    rules: Iterable[Rule],
    keys: Sequence[EvidenceKey],
    layers: Mapping[str, LayerState],
    value: Callable[[str, date], float],
    on: date,
) -> Question:
    """Fill in a question.

    Parameters
    ----------
    asked : sequence of (Activity, DepthInterval)
    applicable : callable
        ``applicable(activity_id, on)`` gives the rules in force.
    rules : iterable of Rule
        All rules of the rule base; they decide what is grouped, so that questions for other dates and activities
        look at the evidence in the same way.
    keys, layers, value, on
        As in :func:`~dgdo_geo.assess.condition_of`.
    """
    columns: dict[str, list[int]] = {}
    for i, key in enumerate(keys):
        columns.setdefault(key.layer, []).append(i)
    in_force = {activity.id: tuple(applicable(activity.id, on)) for activity, _ in asked}
    groups = []
    for members in _grouped(list(rules)):
        ids = {rule.id for rule in members}
        looked_at = tuple(sorted({rule.layer for rule in members if rule.layer is not None}))
        bands = []
        for activity, band in asked:
            found = []
            for rule in in_force[activity.id]:
                if rule.id in ids:
                    own = columns.get(rule.layer or "", [])
                    condition = condition_of(rule, band, [keys[i] for i in own], layers, value, on)
                    if condition is not None:
                        found.append((rule, _moved(condition, own)))
            bands.append(tuple(found))
        is_regional = any(c.regions or c.covered for band in bands for _, c in band)
        own = [i for layer_id in looked_at for i in columns.get(layer_id, [])]
        groups.append(RuleGroup(looked_at, is_regional, tuple(own), tuple(bands)))
    offers = tuple(
        tuple(_offer(layer_id, band, keys, columns, layers) for layer_id in activity.potential_layers)
        for activity, band in asked
    )
    return Question(on, tuple(keys), tuple(asked), tuple(groups), offers)


def _moved(condition: Condition, columns: Sequence[int]) -> Condition:
    """The same condition, for the keys of one layer at their place among all keys."""
    if not condition.keys and not condition.silent:
        return condition
    return replace(
        condition,
        keys=tuple((columns[i], overlap) for i, overlap in condition.keys),
        silent=tuple((columns[i], cause) for i, cause in condition.silent),
    )


def _offer(
    layer_id: str,
    band: DepthInterval,
    keys: Sequence[EvidenceKey],
    columns: Mapping[str, Sequence[int]],
    layers: Mapping[str, LayerState],
) -> Offer:
    own = columns.get(layer_id, ())
    offer = offer_of(layer_id, band, [keys[i] for i in own], layers)
    return replace(offer, keys=tuple((own[i], potential, is_sure) for i, potential, is_sure in offer.keys))


def _grouped(rules: Sequence[Rule]) -> list[list[Rule]]:
    """Rules per layer; layers with rules that lift each other together. In a fixed order."""
    root: dict[str, str] = {}

    def find(layer: str) -> str:
        while root.setdefault(layer, layer) != layer:
            layer = root[layer]
        return layer

    # Versions of one rule share an id, and may look at different layers.
    by_id: dict[str, set[str]] = {}
    for rule in rules:
        by_id.setdefault(rule.id, set()).add(rule.layer or "")
    for rule in rules:
        for other in (rule.id, *rule.exempts):
            for layer in sorted(by_id.get(other, ())):
                root[find(layer)] = find(rule.layer or "")
    groups: dict[str, list[Rule]] = {}
    for rule in sorted(rules, key=lambda rule: (rule.layer or "", rule.id)):
        groups.setdefault(find(rule.layer or ""), []).append(rule)
    return list(groups.values())

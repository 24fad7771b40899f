"""What alone decides: the ground that would open if only one rule, or only one layer, went."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dgdo_geo.assess import BandAssessment, Firing, RuleOutcome, read_code
from dgdo_geo.assess.rules import together
from dgdo_geo.model import Answer, Layer, Potential, Rule, Verdict
from dgdo_geo.query.combined import Combined
from dgdo_geo.report.document import Alone, Amount


def alone(answer: Answer, found: BandAssessment, combined: Combined, position: int) -> tuple[Alone, ...]:
    """Rules and layers that alone close a part of the area, the largest first.

    Parameters
    ----------
    answer : Answer
    found : BandAssessment
        What every rule says in every row.
    combined : Combined
    position : int
        Of the band in the question.
    """
    by_layer: dict[str, list[Rule]] = {}
    closing: list[list[Rule]] = []
    for outcome in found.rules:
        if not outcome.rule.counts:
            continue
        if outcome.rule.layer is not None:
            by_layer.setdefault(outcome.rule.layer, []).append(outcome.rule)
        if outcome.rule.verdict >= Verdict.NO_UNLESS and (outcome.firing == Firing.FIRES).any():
            closing.append([outcome.rule])
    layers = {item.layer.id: item.layer for item in answer.constraints if item.layer is not None}
    named = [
        rules
        for rules in by_layer.values()
        if len(rules) > 1 and any(rule.verdict >= Verdict.NO_UNLESS for rule in rules)
    ]
    result = [_without(rules, found, combined, position, layers, is_layer=False) for rules in closing]
    result += [_without(rules, found, combined, position, layers, is_layer=True) for rules in named]
    kept = [item for item in result if item.opens.area_m2 > 0 or item.becomes_unknown.area_m2 > 0]
    return tuple(sorted(kept, key=lambda a: (a.is_layer, -a.opens.area_m2, -a.becomes_unknown.area_m2, a.rules[0].id)))


def _without(
    rules: Sequence[Rule],
    found: BandAssessment,
    combined: Combined,
    position: int,
    layers: dict[str, Layer],
    *,
    is_layer: bool,
) -> Alone:
    gone = {rule.id for rule in rules}
    opens, unknown = leaving(gone, found, combined, position)
    has_potential = found.potential >= Potential.POSSIBLE
    area, whole = combined.area_m2, float(combined.area_m2.sum())

    def amount(rows: NDArray[np.bool_]) -> Amount:
        return Amount(float(area[rows].sum()), whole)

    return Alone(
        rules=tuple(rules),
        layer=layers.get(rules[0].layer or ""),
        is_layer=is_layer,
        opens=amount(opens),
        opens_with_potential=amount(opens & has_potential),
        becomes_unknown=amount(unknown),
    )


def leaving(
    gone: set[str], found: BandAssessment, combined: Combined, position: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Rows that are closed now and would get a milder answer without some rules, and those that would be unknown."""
    verdict, _, conclusive = read_code(together(_outcomes_without(gone, found, combined, position), len(found.verdict)))
    leaves = (found.verdict >= Verdict.NO_UNLESS) & (verdict < Verdict.NO_UNLESS)
    return leaves & conclusive, leaves & ~conclusive


def _outcomes_without(
    gone: set[str], found: BandAssessment, combined: Combined, position: int
) -> Sequence[RuleOutcome]:
    """The rules that stay; anew where one that goes lifts others."""
    if not any(o.rule.exempts for o in found.rules if o.rule.id in gone):
        return [o for o in found.rules if o.rule.id not in gone]
    from dgdo_geo.assess.rules import put, with_exemptions

    staying = [
        RuleOutcome(rule, *put(condition, combined.evidence))
        for group in combined.asked.question.groups
        for rule, condition in group.bands[position]
        if rule.id not in gone
    ]
    return with_exemptions(staying)

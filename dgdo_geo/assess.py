"""Assessment: rules x evidence -> verdicts. Pure; knows no geometry.

Works on a whole :class:`~dgdo_geo.model.EvidenceTable` at once: a point is a
table of one row, a region a table of its distinct combinations. All rules
that fire are kept; the strictest decides (hit policy: collect, max).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from dgdo_geo.model import (
    Activity,
    Cause,
    DepthInterval,
    EvidenceKey,
    EvidenceTable,
    Extent,
    LayerState,
    LayerStatus,
    Overlap,
    Potential,
    Presence,
    Rule,
    Verdict,
    When,
)

CAUSES = tuple(Cause)
_STATUS_CAUSE = {
    LayerStatus.NOT_LOADED: Cause.NOT_LOADED,
    LayerStatus.UNREADABLE: Cause.UNREADABLE,
}


class Firing(IntEnum):
    """What a rule does at a place."""

    NOT_APPLICABLE = 0
    CLEAR = 1
    UNANSWERED = 2
    RIM = 3
    """Fires as drawn, but the place lies in the uncertain rim: not certain."""
    FIRES = 4


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """One rule over all rows of the evidence.

    Attributes
    ----------
    firing : numpy.ndarray of int8, shape (n,)
        :class:`Firing` per row.
    cause : numpy.ndarray of int8, shape (n,)
        Index in ``CAUSES`` where the rule is unanswered or in the rim, else -1.
    """

    rule: Rule
    firing: NDArray[np.int8]
    cause: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class LayerPotential:
    """One potential layer over all rows.

    Attributes
    ----------
    value : numpy.ndarray of int8, shape (n,)
        :class:`~dgdo_geo.model.Potential`, -1 where the layer makes no statement.
    is_certain : numpy.ndarray of bool, shape (n,)
        False in the rim of a class, and where its depth may miss the band.
    nearby : numpy.ndarray of int8, shape (n,)
        The best class whose edge is closer than its accuracy, -1 where there is none.
    """

    layer: str
    value: NDArray[np.int8]
    is_certain: NDArray[np.bool_]
    nearby: NDArray[np.int8]
    cause: Cause | None


@dataclass(frozen=True, slots=True)
class BandAssessment:
    """One activity in one depth band over all rows of the evidence.

    Attributes
    ----------
    verdict : numpy.ndarray of int8, shape (n,)
        Lower bound: the strictest rule that certainly fires.
    indication : numpy.ndarray of int8, shape (n,)
        The strictest rule that fires as drawn, certain or not; never milder than ``verdict``.
    conclusive : numpy.ndarray of bool, shape (n,)
        False where an unanswered rule, or one that fires in a rim only, could
        make the verdict stricter.
    potential, potential_certain : numpy.ndarray, shape (n,)
        What geology offers, and whether a class edge is far enough away.
    """

    activity: Activity
    band: DepthInterval
    verdict: NDArray[np.int8]
    indication: NDArray[np.int8]
    conclusive: NDArray[np.bool_]
    potential: NDArray[np.int8]
    potential_certain: NDArray[np.bool_]
    rules: tuple[RuleOutcome, ...]
    layers: tuple[LayerPotential, ...]


def assess(
    activity: Activity,
    band: DepthInterval,
    rules: Sequence[Rule],
    evidence: EvidenceTable,
    layers: Mapping[str, LayerState],
    value: Callable[[str, date], float],
    on: date,
) -> BandAssessment:
    """Judge one activity in one depth band, for every row of the evidence.

    Parameters
    ----------
    activity, band
        What is asked; ``band`` is the target, in metres below ground level.
    rules : sequence of Rule
        Rules in force for the activity on the date.
    evidence : EvidenceTable
        What is present where.
    layers : mapping of layer id to LayerState
        What could be consulted. A layer that is not in it counts as not loaded.
    value : callable
        ``value(parameter_id, on)`` gives the number of a parameter.
    on : date
        The peildatum.

    Returns
    -------
    BandAssessment
    """
    answered = [rule_outcome(rule, band, evidence, layers, value, on) for rule in rules]
    outcomes = _with_exemptions([_near_border(outcome, evidence) for outcome in answered])
    n = len(evidence)
    verdict = np.zeros(n, np.int8)
    indication = np.zeros(n, np.int8)
    for outcome in outcomes:
        np.maximum(verdict, np.where(outcome.firing == Firing.FIRES, outcome.rule.verdict, 0), out=verdict)
        np.maximum(indication, np.where(outcome.firing >= Firing.RIM, outcome.rule.verdict, 0), out=indication)
    conclusive = np.ones(n, np.bool_)
    for outcome in outcomes:
        is_open = (outcome.firing == Firing.UNANSWERED) | (outcome.firing == Firing.RIM)
        conclusive &= ~(is_open & (verdict < outcome.rule.verdict))
    found = tuple(layer_potential(layer_id, band, evidence, layers) for layer_id in activity.potential_layers)
    potential, certain = combine_potential(found, n)
    return BandAssessment(activity, band, verdict, indication, conclusive, potential, certain, tuple(outcomes), found)


def rule_outcome(
    rule: Rule,
    band: DepthInterval,
    evidence: EvidenceTable,
    layers: Mapping[str, LayerState],
    value: Callable[[str, date], float],
    on: date,
) -> RuleOutcome:
    """Answer one rule for every row of the evidence; see ``docs/rule-files.md`` for the steps."""
    n = len(evidence)
    firing = np.full(n, Firing.NOT_APPLICABLE, np.int8)
    cause = np.full(n, -1, np.int8)
    here = _in_regions(rule.regions, evidence.province) | _in_regions(rule.regions, evidence.near_provinces).any()
    if not here.any() or not _band_applies(rule, band, value, on):
        return RuleOutcome(rule, firing, cause)
    if rule.layer is None:
        firing[here] = Firing.FIRES
        return RuleOutcome(rule, firing, cause)

    state = layers.get(rule.layer)
    status = LayerStatus.NOT_LOADED if state is None else state.status
    if state is None or status is not LayerStatus.AVAILABLE:
        firing[here] = Firing.UNANSWERED
        cause[here] = CAUSES.index(_STATUS_CAUSE[status])
        return RuleOutcome(rule, firing, cause)

    covered = _in_regions(state.layer.coverage, evidence.province)
    if not state.layer.is_complete_for(rule.classes):
        covered = np.zeros(n, np.bool_)
    firing, cause = _settle(_present(rule, band, evidence, value, on), covered, rule.when)
    firing[~here] = Firing.NOT_APPLICABLE
    cause[~here] = -1
    return RuleOutcome(rule, firing, cause)


def _near_border(outcome: RuleOutcome, evidence: EvidenceTable) -> RuleOutcome:
    """A rule of one province, this close to another: it holds perhaps, so it never decides."""
    if not outcome.rule.regions or not evidence.near_provinces:
        return outcome
    home = _in_regions(outcome.rule.regions, evidence.province)
    if home.all() and _in_regions(outcome.rule.regions, evidence.near_provinces).all():
        return outcome
    firing, cause = outcome.firing.copy(), outcome.cause.copy()
    perhaps = firing >= Firing.RIM
    firing[perhaps & home] = Firing.RIM
    firing[perhaps & ~home] = Firing.UNANSWERED
    cause[perhaps] = _EDGE_CAUSE
    firing[~home & (firing == Firing.CLEAR)] = Firing.NOT_APPLICABLE
    return RuleOutcome(outcome.rule, firing, cause)


def _band_applies(rule: Rule, band: DepthInterval, value: Callable[[str, date], float], on: date) -> bool:
    """False when no part of the band lies in the depths the rule speaks of."""
    if rule.deeper_than is not None and band.base_m <= value(rule.deeper_than, on):
        return False
    return not (rule.shallower_than is not None and band.top_m >= value(rule.shallower_than, on))


def _in_regions(codes: Sequence[str], province: Sequence[str]) -> NDArray[np.bool_]:
    if not codes:
        return np.ones(len(province), np.bool_)
    return np.isin(np.asarray(province, dtype=object), list(codes))


def extent_interval(extent: Extent, band: DepthInterval) -> DepthInterval | None:
    """Depths that a rule looks at, or None when depth does not matter.

    A borehole passes everything above its target, so ``path`` starts at
    ground level.

    >>> extent_interval(Extent.PATH, DepthInterval(1250, 4000))
    DepthInterval(top_m=0.0, base_m=4000)
    >>> extent_interval(Extent.SURFACE, DepthInterval(1250, 4000)) is None
    True
    """
    if extent is Extent.PATH:
        return DepthInterval(0.0, band.base_m)
    return band if extent is Extent.TARGET else None


def key_overlap(key: EvidenceKey, extent: Extent, band: DepthInterval) -> Overlap:
    """Whether a layer class meets the depths that a rule looks at."""
    interval = extent_interval(extent, band)
    return Overlap.YES if interval is None else key.depth.overlap(interval)


def matching_keys(rule: Rule, keys: Sequence[EvidenceKey], within_m: float) -> list[int]:
    """Positions of the evidence keys that a rule speaks of."""
    return [
        i
        for i, key in enumerate(keys)
        if key.layer == rule.layer and key.within_m == within_m and (not rule.classes or key.class_id in rule.classes)
    ]


def rule_distance(rule: Rule, value: Callable[[str, date], float], on: date) -> float:
    """The distance in metres at which a rule looks, 0 for the feature itself."""
    return 0.0 if rule.within is None else value(rule.within, on)


# Answers inside this module: does the condition "a feature is here" hold? One of these per row.
_NO, _MAYBE_DEPTH, _MAYBE_EDGE, _RIM, _YES = range(5)

# What the presence of one key says, when its depth meets the rule's, and when that is not known.
_BY_PRESENCE = {
    Overlap.YES: np.array([_NO, _MAYBE_EDGE, _RIM, _YES], np.int8),
    Overlap.UNKNOWN: np.array([_NO, _MAYBE_EDGE, _MAYBE_DEPTH, _MAYBE_DEPTH], np.int8),
}
# "No feature is here" instead of "a feature is here".
_INVERTED = np.array([_YES, _MAYBE_DEPTH, _RIM, _MAYBE_EDGE, _NO], np.int8)
_FIRING = np.array([Firing.CLEAR, Firing.UNANSWERED, Firing.UNANSWERED, Firing.RIM, Firing.FIRES], np.int8)
_DEPTH_CAUSE, _EDGE_CAUSE = CAUSES.index(Cause.DEPTH_UNKNOWN), CAUSES.index(Cause.NEAR_EDGE)
_CAUSE = np.array([-1, _DEPTH_CAUSE, _EDGE_CAUSE, _EDGE_CAUSE, -1], np.int8)


def _present(
    rule: Rule,
    band: DepthInterval,
    evidence: EvidenceTable,
    value: Callable[[str, date], float],
    on: date,
) -> NDArray[np.int8]:
    """For every row the strongest finding of "a matching feature is here"."""
    best = np.zeros(len(evidence), np.int8)
    for i in matching_keys(rule, evidence.keys, rule_distance(rule, value, on)):
        overlap = key_overlap(evidence.keys[i], rule.extent, band)
        if overlap is not Overlap.NO:
            np.maximum(best, _BY_PRESENCE[overlap][evidence.presence[:, i]], out=best)
    return best


def _settle(
    found: NDArray[np.int8], covered: NDArray[np.bool_], when: When
) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """From findings to firing and cause; that nothing was found counts only where absence is conclusive."""
    silent = (found == _NO) & ~covered
    if when is When.ABSENT:
        silent |= (found == _MAYBE_EDGE) & ~covered
        found = _INVERTED[found]
    firing, cause = _FIRING[found], _CAUSE[found]
    firing[silent] = Firing.UNANSWERED
    cause[silent] = CAUSES.index(Cause.OUTSIDE_COVERAGE)
    return firing, cause


def _with_exemptions(outcomes: list[RuleOutcome]) -> list[RuleOutcome]:
    """A rule named in ``exempts`` does not count where the naming rule certainly fires.

    Where the naming rule may fire, the named one is no longer certain: it is
    treated as in a rim, with the cause of the naming rule.
    """
    named = {rule_id for outcome in outcomes for rule_id in outcome.rule.exempts}
    if not named:
        return outcomes
    return [_exempted(o, outcomes) if o.rule.id in named else o for o in outcomes]


def _exempted(outcome: RuleOutcome, outcomes: Sequence[RuleOutcome]) -> RuleOutcome:
    firing, cause = outcome.firing.copy(), outcome.cause.copy()
    for other in outcomes:
        if outcome.rule.id in other.rule.exempts:
            perhaps = np.isin(other.firing, (Firing.UNANSWERED, Firing.RIM)) & (firing == Firing.FIRES)
            firing[perhaps], cause[perhaps] = Firing.RIM, other.cause[perhaps]
            lifted = other.firing == Firing.FIRES
            firing[lifted], cause[lifted] = Firing.NOT_APPLICABLE, -1
    return RuleOutcome(outcome.rule, firing, cause)


def layer_potential(
    layer_id: str, band: DepthInterval, evidence: EvidenceTable, layers: Mapping[str, LayerState]
) -> LayerPotential:
    """Read one potential layer for a depth band; -1 where it makes no statement."""
    n = len(evidence)
    value, nearby = np.full(n, -1, np.int8), np.full(n, -1, np.int8)
    certain = np.zeros(n, np.bool_)
    state = layers.get(layer_id)
    status = LayerStatus.NOT_LOADED if state is None else state.status
    if state is None or status is not LayerStatus.AVAILABLE:
        return LayerPotential(layer_id, value, certain, nearby, _STATUS_CAUSE[status])
    classes = {c.id: c.as_potential for c in state.layer.classes}
    for i, key in enumerate(evidence.keys):
        potential = classes.get(key.class_id)
        if key.layer != layer_id or key.within_m != 0 or potential is None:
            continue
        # "None" holds at every depth: its depths tell where the unit lies, not where the statement holds.
        overlap = Overlap.YES if potential is Potential.NONE else key.depth.overlap(band)
        if overlap is Overlap.NO:
            continue
        presence = evidence.presence[:, i]
        is_sure = (presence == Presence.INSIDE) & (overlap is Overlap.YES)
        better = (presence >= Presence.RIM) & (potential >= value)
        certain[better] = ((value[better] == potential) & certain[better]) | is_sure[better]
        value[better] = potential
        nearby[(presence == Presence.NEAR_OUTSIDE) & (potential > nearby)] = potential
    return LayerPotential(layer_id, value, certain, nearby, None)


def combine_potential(found: Sequence[LayerPotential], n: int) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """The best class over the layers of an activity, and whether it is certain.

    Not certain in the rim of the class, and where a better class lies closer
    than the accuracy of its edge.

    "None" needs every layer to be there: a layer that could not be read turns
    a "none" into "unknown".
    """
    best = np.full(n, -1, np.int8)
    certain = np.zeros(n, np.bool_)
    for item in found:
        certain = np.where(item.value > best, item.is_certain, certain | ((item.value == best) & item.is_certain))
        best = np.maximum(best, item.value)
    is_incomplete = not found or any(item.cause is not None for item in found)
    if is_incomplete:
        certain &= best == Potential.PROMISING
        best = np.where(best == Potential.NONE, Potential.UNKNOWN, best)
    for item in found:
        certain &= item.nearby <= best
        # A layer that makes no statement here may still hold something: a "none" without it is not certain.
        certain &= (item.value >= 0) | (best != Potential.NONE)
    silent = best < 0
    best = np.where(silent, Potential.UNKNOWN, best).astype(np.int8)
    return best, certain & ~silent & (best != Potential.UNKNOWN)


def verdict_of(assessment: BandAssessment, row: int) -> Verdict:
    """The lower bound of one row as a word."""
    return Verdict(int(assessment.verdict[row]))

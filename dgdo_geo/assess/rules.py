"""Rules at places: what every rule does in every row of the evidence, and what they say together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from dgdo_geo.assess.conditions import Condition, condition_of
from dgdo_geo.model import Cause, DepthInterval, EvidenceTable, LayerState, Overlap, Presence, Rule, Verdict, When

CAUSES = tuple(Cause)


class Firing(IntEnum):
    """What a rule does at a place."""

    NOT_APPLICABLE = 0
    CLEAR = 1
    UNANSWERED = 2
    RIM = 3
    """Fires as drawn, but the place lies in the uncertain rim: not certain."""
    FIRES = 4


@dataclass(frozen=True, slots=True, eq=False)
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


Said = tuple[NDArray[np.int8], NDArray[np.int8]]
"""Firing and cause of a condition over all rows of the evidence."""


def rule_outcome(
    rule: Rule,
    band: DepthInterval,
    evidence: EvidenceTable,
    layers: Mapping[str, LayerState],
    value: Callable[[str, date], float],
    on: date,
) -> RuleOutcome:
    """Answer one rule for every row of the evidence; see ``docs/rule-files.md`` for the steps."""
    return RuleOutcome(rule, *put(condition_of(rule, band, evidence.keys, layers, value, on), evidence))


def put(condition: Condition | None, evidence: EvidenceTable) -> Said:
    """Put a condition to every row of the evidence; without a condition the rule does not apply."""
    n = len(evidence)
    firing = np.full(n, Firing.NOT_APPLICABLE, np.int8)
    cause = np.full(n, -1, np.int8)
    if condition is None:
        return firing, cause
    home = _in_regions(condition.regions, evidence.province)
    here = home | _in_regions(condition.regions, evidence.near_provinces).any()
    if not here.any():
        return firing, cause
    if condition.when is When.ALWAYS:
        firing[here] = Firing.FIRES
    elif condition.cause is not None:
        firing[here] = Firing.UNANSWERED
        cause[here] = CAUSES.index(condition.cause)
    else:
        covered = np.zeros(n, np.bool_)
        if condition.covered is not None:
            covered = _in_regions(condition.covered, evidence.province)
        unheard = np.full(n, CAUSES.index(Cause.OUTSIDE_COVERAGE), np.int8)
        for i, why in condition.silent:
            is_silent = evidence.presence[:, i] > Presence.OUTSIDE
            covered &= ~is_silent
            unheard[is_silent] = CAUSES.index(why)
        firing, cause = _settle(_present(condition, evidence), covered, unheard, condition.when)
        firing[~here] = Firing.NOT_APPLICABLE
        cause[~here] = -1
    return _near_border(firing, cause, home, condition.regions, evidence)


def _near_border(
    firing: NDArray[np.int8],
    cause: NDArray[np.int8],
    home: NDArray[np.bool_],
    regions: tuple[str, ...],
    evidence: EvidenceTable,
) -> Said:
    """A rule of one province, this close to another: it holds perhaps, so it never decides."""
    if not regions or not evidence.near_provinces:
        return firing, cause
    if home.all() and _in_regions(regions, evidence.near_provinces).all():
        return firing, cause
    firing, cause = firing.copy(), cause.copy()
    perhaps = firing >= Firing.RIM
    firing[perhaps & home] = Firing.RIM
    firing[perhaps & ~home] = Firing.UNANSWERED
    cause[perhaps] = _EDGE_CAUSE
    firing[~home & (firing == Firing.CLEAR)] = Firing.NOT_APPLICABLE
    return firing, cause


def _in_regions(codes: Sequence[str], province: Sequence[str]) -> NDArray[np.bool_]:
    if not codes:
        return np.ones(len(province), np.bool_)
    allowed = frozenset(codes)
    return np.fromiter((code in allowed for code in province), np.bool_, len(province))


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


def _present(condition: Condition, evidence: EvidenceTable) -> NDArray[np.int8]:
    """For every row the strongest finding of "a matching feature is here"."""
    best = np.zeros(len(evidence), np.int8)
    for i, overlap in condition.keys:
        np.maximum(best, _BY_PRESENCE[overlap][evidence.presence[:, i]], out=best)
    return best


def _settle(found: NDArray[np.int8], covered: NDArray[np.bool_], unheard: NDArray[np.int8], when: When) -> Said:
    """From findings to firing and cause; that nothing was found counts only where absence is conclusive."""
    silent = (found == _NO) & ~covered
    if when is When.ABSENT:
        silent |= (found == _MAYBE_EDGE) & ~covered
        found = _INVERTED[found]
    firing, cause = _FIRING[found], _CAUSE[found]
    firing[silent] = Firing.UNANSWERED
    cause[silent] = unheard[silent]
    return firing, cause


def with_exemptions(outcomes: Sequence[RuleOutcome]) -> tuple[RuleOutcome, ...]:
    """A rule named in ``exempts`` does not count where the naming rule certainly fires.

    Where the naming rule may fire, the named one is no longer certain: it is
    treated as in a rim, with the cause of the naming rule.
    """
    named = {rule_id for outcome in outcomes for rule_id in outcome.rule.exempts}
    if not named:
        return tuple(outcomes)
    return tuple(_exempted(o, outcomes) if o.rule.id in named else o for o in outcomes)


def _exempted(outcome: RuleOutcome, outcomes: Sequence[RuleOutcome]) -> RuleOutcome:
    firing, cause = outcome.firing.copy(), outcome.cause.copy()
    for other in outcomes:
        if outcome.rule.id in other.rule.exempts:
            perhaps = np.isin(other.firing, (Firing.UNANSWERED, Firing.RIM)) & (firing == Firing.FIRES)
            firing[perhaps], cause[perhaps] = Firing.RIM, other.cause[perhaps]
            lifted = other.firing == Firing.FIRES
            firing[lifted], cause[lifted] = Firing.NOT_APPLICABLE, -1
    return RuleOutcome(outcome.rule, firing, cause)


# Together ----------------------------------------------------------------------------------
#
# The strictest of several rules is a maximum. Written as a thermometer (a verdict v is v bits
# from the right), a maximum is a bitwise or, so that rules can be taken together in any
# grouping. A code holds three thermometers: rules that fire for certain (the verdict), rules
# that fire as drawn (the indication) and rules that are open.

_STRICTEST = max(Verdict)
_BITS = int(_STRICTEST)
_FULL = (1 << _BITS) - 1
CODES = 1 << (3 * _BITS)
"""Number of codes."""


def _code(verdict: Verdict, firing: Firing) -> int:
    bar = (1 << verdict) - 1
    is_drawn, is_open = firing >= Firing.RIM, firing in (Firing.UNANSWERED, Firing.RIM)
    return bar * (firing == Firing.FIRES) | bar * is_drawn << _BITS | bar * is_open << 2 * _BITS


_CODE = {v: np.array([_code(v, f) for f in Firing], np.uint16) for v in Verdict}


def together(outcomes: Sequence[RuleOutcome], n: int) -> NDArray[np.uint16]:
    """The code of several rules for every row; codes of further rules are added with a bitwise or.

    Every place is judged for a vertical well: a rule about a slanted one does not count.
    """
    code = np.zeros(n, np.uint16)
    for outcome in outcomes:
        if outcome.rule.counts:
            code |= _CODE[outcome.rule.verdict][outcome.firing]
    return code


_HEIGHT = np.array([int(bar).bit_length() for bar in range(_FULL + 1)], np.int8)


def read_code(code: NDArray[np.uint16]) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.bool_]]:
    """Verdict, indication and whether the verdict is conclusive.

    Not conclusive where a rule that is open, or that fires in a rim only, could make the verdict stricter.
    """
    certain, drawn, is_open = code & _FULL, code >> _BITS & _FULL, code >> 2 * _BITS
    return _HEIGHT[certain], _HEIGHT[drawn], (is_open & ~certain) == 0

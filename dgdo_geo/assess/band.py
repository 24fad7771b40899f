"""One activity in one depth band, for every row of the evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from dgdo_geo.assess.potential import LayerPotential, combine_potential, layer_potential
from dgdo_geo.assess.rules import RuleOutcome, read_code, rule_outcome, together, with_exemptions
from dgdo_geo.model import Activity, DepthInterval, EvidenceTable, LayerState, Rule, Verdict


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

    All rules that fire are kept; the strictest decides (hit policy: collect, max).

    Parameters
    ----------
    activity, band
        What is asked; ``band`` is the target, in metres below ground level.
    rules : sequence of Rule
        Rules in force for the activity on the date.
    evidence : EvidenceTable
        What is present where: one row for a point, the distinct combinations for a region.
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
    outcomes = with_exemptions([rule_outcome(rule, band, evidence, layers, value, on) for rule in rules])
    found = tuple(layer_potential(layer_id, band, evidence, layers) for layer_id in activity.potential_layers)
    return summed_up(activity, band, outcomes, found, len(evidence))


def summed_up(
    activity: Activity,
    band: DepthInterval,
    outcomes: tuple[RuleOutcome, ...],
    found: tuple[LayerPotential, ...],
    n: int,
) -> BandAssessment:
    """The verdict and potential of every row, from the outcomes of the rules and the potential layers."""
    verdict, indication, conclusive = read_code(together(outcomes, n))
    potential, certain = combine_potential(found, n)
    return BandAssessment(activity, band, verdict, indication, conclusive, potential, certain, outcomes, found)


def verdict_of(assessment: BandAssessment, row: int) -> Verdict:
    """The lower bound of one row as a word."""
    return Verdict(int(assessment.verdict[row]))

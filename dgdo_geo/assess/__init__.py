"""Assessment: rules x evidence -> verdicts. Pure; knows no geometry.

Three sizes of one judgement: :func:`assess` for every row of an evidence
table, :class:`Judge` for the same question at one place after another, and
:class:`CountryAssessor` for all places at once. All use the same functions.
"""

from dgdo_geo.assess.band import BandAssessment, assess, verdict_of
from dgdo_geo.assess.conditions import (
    Condition,
    condition_of,
    extent_interval,
    key_overlap,
    matching_keys,
    rule_distance,
)
from dgdo_geo.assess.country import BandOutcomes, CountryAssessor
from dgdo_geo.assess.judge import GroupFinding, Judge, OfferFinding, judged
from dgdo_geo.assess.patterns import PatternTable
from dgdo_geo.assess.potential import LayerPotential, combine_potential, layer_potential
from dgdo_geo.assess.question import Question, RuleGroup, pose
from dgdo_geo.assess.rules import CAUSES, Firing, RuleOutcome, read_code, rule_outcome

__all__ = [
    "CAUSES",
    "BandAssessment",
    "BandOutcomes",
    "Condition",
    "CountryAssessor",
    "Firing",
    "GroupFinding",
    "Judge",
    "LayerPotential",
    "OfferFinding",
    "PatternTable",
    "Question",
    "RuleGroup",
    "RuleOutcome",
    "assess",
    "combine_potential",
    "condition_of",
    "extent_interval",
    "judged",
    "key_overlap",
    "layer_potential",
    "matching_keys",
    "pose",
    "read_code",
    "rule_distance",
    "rule_outcome",
    "verdict_of",
]

"""The vocabulary of dgdo-geo: what is declared in files and what is computed.

Declared types (from TOML files written by people) are frozen pydantic models
that refuse unknown keys. Computed types are frozen dataclasses.

Conventions (see ``docs/conventions.md``): lengths and coordinates in metres,
EPSG:28992; depths in metres below ground level, positive down, half-open;
areas in square metres.
"""

from dgdo_geo.model.answer import (
    Answer,
    AreaAssessment,
    AreaShare,
    Assessment,
    Constraint,
    FeatureRef,
    PotentialFinding,
    Receipt,
    Region,
    Unanswered,
    outcome_of,
)
from dgdo_geo.model.declared import (
    Activity,
    Band,
    Concern,
    DatedValue,
    Declared,
    Identifier,
    Layer,
    LayerClass,
    Parameter,
    Procedure,
    ProcedureStep,
    Rule,
    Source,
)
from dgdo_geo.model.depth import DepthInterval, DepthRange, Overlap
from dgdo_geo.model.evidence import EvidenceKey, EvidenceTable, LayerState, Presence
from dgdo_geo.model.words import (
    LAND_BOUNDS,
    RD_NEW,
    Absence,
    Cause,
    Confidence,
    Extent,
    Family,
    LayerStatus,
    Level,
    Potential,
    Quality,
    RegionKind,
    Verdict,
    When,
)

__all__ = [
    "LAND_BOUNDS",
    "RD_NEW",
    "Absence",
    "Activity",
    "Answer",
    "AreaAssessment",
    "AreaShare",
    "Assessment",
    "Band",
    "Cause",
    "Concern",
    "Confidence",
    "Constraint",
    "DatedValue",
    "Declared",
    "DepthInterval",
    "DepthRange",
    "EvidenceKey",
    "EvidenceTable",
    "Extent",
    "Family",
    "FeatureRef",
    "Identifier",
    "Layer",
    "LayerClass",
    "LayerState",
    "LayerStatus",
    "Level",
    "Overlap",
    "Parameter",
    "Potential",
    "PotentialFinding",
    "Presence",
    "Procedure",
    "ProcedureStep",
    "Quality",
    "Receipt",
    "Region",
    "RegionKind",
    "Rule",
    "Source",
    "Unanswered",
    "Verdict",
    "When",
    "outcome_of",
]

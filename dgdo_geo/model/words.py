"""The words of dgdo-geo: ordered outcomes, states and kinds."""

from __future__ import annotations

from enum import IntEnum, StrEnum

RD_NEW = 28992
"""EPSG code of RD New, the internal CRS."""
LAND_BOUNDS = (-7_000.0, 289_000.0, 300_000.0, 629_000.0)
"""Outer limits of the land of the Netherlands in EPSG:28992, rounded outwards."""


class Verdict(IntEnum):
    """What law and policy say; a higher value is stricter."""

    NO_KNOWN_CONSTRAINT = 0
    ATTENTION = 1
    CONDITIONAL = 2
    NO_UNLESS = 3
    EXCLUDED = 4

    @property
    def key(self) -> str:
        """The name in files and in JSON."""
        return self.name.lower()


class Potential(IntEnum):
    """What geology offers; a higher value wins when several layers speak.

    The order follows the reading rule of the potential layers: promising,
    possible, unknown, none. "Unknown" beats "none": one aquifer that is absent
    says nothing about another that was never looked at.
    """

    NONE = 0
    UNKNOWN = 1
    POSSIBLE = 2
    PROMISING = 3

    @property
    def key(self) -> str:
        """The name in files and in JSON."""
        return self.name.lower()


class Quality(StrEnum):
    """How good a layer is, best first."""

    OFFICIAL = "official"
    GENERALISED = "generalised"
    SCHEMATIC = "schematic"
    EXAMPLE = "example"

    @property
    def is_mark_needed(self) -> bool:
        """True when every picture and answer that rests on it must say so."""
        return self in (Quality.SCHEMATIC, Quality.EXAMPLE)


class LayerStatus(StrEnum):
    """Whether a layer could be consulted."""

    AVAILABLE = "available"
    NOT_LOADED = "not_loaded"
    UNREADABLE = "unreadable"


class Cause(StrEnum):
    """Why a rule could not be answered."""

    NOT_LOADED = "not_loaded"
    UNREADABLE = "unreadable"
    OUTSIDE_COVERAGE = "outside_coverage"
    NO_DATA = "no_data"
    NEAR_EDGE = "near_edge"
    DEPTH_UNKNOWN = "depth_unknown"


class Confidence(StrEnum):
    """How sure we are of a statement in the knowledge base."""

    SEEN = "seen"
    KNOWN = "known"
    UNCERTAIN = "uncertain"
    ASSUMPTION = "assumption"


class Doubt(StrEnum):
    """Why a statement is not certain."""

    OPEN_NORM = "open_norm"
    MISSING_DOCUMENT = "missing_document"
    CONFLICTING_READING = "conflicting_reading"
    OLD_TEXT = "old_text"
    ESTIMATE = "estimate"


class Act(StrEnum):
    """What kind of law a rule rests on."""

    MINING = "mijnbouwwet"
    ENVIRONMENT = "omgevingswet"
    BOTH = "beide"
    OTHER = "andere_wet"
    POLICY = "beleid"
    NONE = "geen"


class Well(StrEnum):
    """Which kind of well a rule speaks of.

    Every place is judged for a vertical well. A rule about a slanted well
    does not count in that verdict; it is shown beside it as another way.
    """

    ANY = "any"
    SLANTED = "slanted"


class Family(StrEnum):
    """Families of layers."""

    BOUNDARIES = "boundaries"
    POTENTIAL = "potential"
    GROUNDWATER = "groundwater"
    STRATEGIC_GROUNDWATER = "strategic_groundwater"
    FAULTS = "faults"
    SEISMICITY = "seismicity"
    MINING = "mining"
    NETWORK = "network"
    NATURE = "nature"
    SURFACE = "surface"


class Absence(StrEnum):
    """What it means that a layer has no feature at a place."""

    CONCLUSIVE = "conclusive"
    UNKNOWN = "unknown"


class When(StrEnum):
    """When a rule fires."""

    PRESENT = "present"
    ABSENT = "absent"
    ALWAYS = "always"


class Extent(StrEnum):
    """Which part of the activity a rule looks at.

    ``path`` is the borehole from ground level to the base of the target,
    ``target`` the depth band itself, ``surface`` the site at ground level and
    ``column`` everything, whatever the depth.
    """

    PATH = "path"
    TARGET = "target"
    SURFACE = "surface"
    COLUMN = "column"


class Level(StrEnum):
    """Level of government that made a rule."""

    NATIONAL = "national"
    PROVINCIAL = "provincial"
    WATER_BOARD = "water_board"
    MUNICIPAL = "municipal"
    NONE = "none"


class RegionKind(StrEnum):
    """Kinds of place that can be asked."""

    MUNICIPALITY = "gemeente"
    PROVINCE = "provincie"
    WATER_BOARD = "waterschap"
    DGDO_REGION = "regio"
    COUNTRY = "land"
    POLYGON = "vlak"
    POINT = "punt"

"""The vocabulary of dgdo-geo: what is declared in files and what is computed.

Declared types (from TOML files written by people) are frozen pydantic models
that refuse unknown keys. Computed types are frozen dataclasses.

Conventions (see ``docs/conventions.md``): lengths and coordinates in metres,
EPSG:28992; depths in metres below ground level, positive down, half-open;
areas in square metres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

RD_NEW = 28992

# Ordered words ---------------------------------------------------------------------------


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
    NEAR_EDGE = "near_edge"
    DEPTH_UNKNOWN = "depth_unknown"


class Confidence(StrEnum):
    """How sure we are of a statement in the knowledge base."""

    SEEN = "seen"
    KNOWN = "known"
    UNCERTAIN = "uncertain"
    ASSUMPTION = "assumption"


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


# Value types -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class DepthInterval:
    """A vertical range in metres below ground level, positive down, half-open.

    Raises
    ------
    ValueError
        If the top does not lie above the base.
    """

    top_m: float
    base_m: float

    def __post_init__(self) -> None:
        if not self.top_m < self.base_m:
            raise ValueError(f"top {self.top_m} m must lie above base {self.base_m} m")

    def overlap_m(self, other: DepthInterval) -> float:
        """Thickness shared with another interval, in metres.

        Intervals are half-open: a shared boundary is not an overlap.

        >>> DepthInterval(0, 250).overlap_m(DepthInterval(200, 2500))
        50.0
        >>> DepthInterval(0, 250).overlap_m(DepthInterval(250, 2500))
        0.0
        """
        return max(0.0, float(min(self.base_m, other.base_m) - max(self.top_m, other.top_m)))


class Overlap(IntEnum):
    """Whether two depth ranges meet, when one of them is not known exactly."""

    NO = 0
    UNKNOWN = 1
    YES = 2


@dataclass(frozen=True, slots=True)
class DepthRange:
    """A vertical extent whose limits may be uncertain, in metres below ground level.

    Parameters
    ----------
    top_min_m, top_max_m : float
        The top lies between these two. ``nan`` for ``top_max_m``: a limit
        exists but its number is not known.
    base_min_m, base_max_m : float
        The base lies between these two. ``inf`` for both: the source sets no
        lower end ("ondergrens niet vastgelegd"). ``nan``: not known.
    """

    top_min_m: float = 0.0
    top_max_m: float = 0.0
    base_min_m: float = math.inf
    base_max_m: float = math.inf

    def overlap(self, interval: DepthInterval) -> Overlap:
        """Tell whether the extent meets an interval: yes, no, or not known.

        >>> below_80 = DepthRange(top_min_m=80, top_max_m=80)
        >>> below_80.overlap(DepthInterval(0, 2500)).name
        'YES'
        >>> below_80.overlap(DepthInterval(0, 80)).name
        'NO'
        >>> limit_not_seen = DepthRange(top_min_m=0, top_max_m=math.nan)
        >>> limit_not_seen.overlap(DepthInterval(0, 2500)).name
        'UNKNOWN'
        """
        top_low = 0.0 if math.isnan(self.top_min_m) else self.top_min_m
        top_high = math.inf if math.isnan(self.top_max_m) else self.top_max_m
        base_high = math.inf if math.isnan(self.base_max_m) else self.base_max_m
        base_low = -math.inf if math.isnan(self.base_min_m) else self.base_min_m
        if interval.base_m <= top_low or interval.top_m >= base_high:
            return Overlap.NO
        if interval.base_m > top_high and interval.top_m < base_low:
            return Overlap.YES
        return Overlap.UNKNOWN


# Declared types --------------------------------------------------------------------------

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class Declared(BaseModel):
    """Base of everything that people write in files: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LayerClass(Declared):
    """One class of features in a layer."""

    id: Identifier
    label_nl: str
    potential: str | None = None

    @property
    def as_potential(self) -> Potential | None:
        """What the class says about potential, if anything."""
        return None if self.potential is None else Potential[self.potential.upper()]


class Layer(Declared):
    """A data set that we declare; the text of a ``layer.toml``.

    See ``docs/layer-files.md`` for every key.
    """

    id: Identifier
    title_nl: str
    description_nl: str
    family: Family
    geometry: Annotated[str, Field(pattern="^(polygon|line|point)$")]
    owner: str
    source: str
    source_url: str = ""
    licence: str
    attribution: str
    reference_date: date
    quality: Quality
    scale_nl: str
    accuracy_m: Annotated[float, Field(ge=0)]
    absence: Absence
    coverage: tuple[str, ...] = ()
    classes: tuple[LayerClass, ...] = ()
    product: str | None = None
    sha256: str | None = None
    how_to_get_nl: str = ""
    downloadable: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> Layer:
        if self.product is None and not self.how_to_get_nl:
            raise ValueError("a layer without a product must say how to get it (how_to_get_nl)")
        if (self.product is None) != (self.sha256 is None):
            raise ValueError("product and sha256 go together")
        ids = [c.id for c in self.classes]
        if len(ids) != len(set(ids)):
            raise ValueError("two classes have the same id")
        if self.family is Family.POTENTIAL and any(c.potential is None for c in self.classes):
            raise ValueError("every class of a potential layer needs `potential`")
        for item in self.classes:
            if item.potential is not None and item.potential.upper() not in Potential.__members__:
                raise ValueError(f"class {item.id}: unknown potential {item.potential!r}")
        return self

    def label(self, class_id: str) -> str:
        """Dutch label of one of the classes."""
        return next((c.label_nl for c in self.classes if c.id == class_id), class_id)


class Source(Declared):
    """Where a statement comes from."""

    title: str
    article: str = ""
    url: str = ""
    published: date | None = None
    quote_nl: str = ""


class DatedValue(Declared):
    """The value of a parameter from a day on."""

    valid_from: date
    value: float
    source: Source


class Parameter(Declared):
    """A number from law or a default of ours, with its history."""

    id: Identifier
    label_nl: str
    unit: str
    confidence: Confidence
    checked_on: date
    values: Annotated[tuple[DatedValue, ...], Field(min_length=1)]

    def at(self, on: date) -> float | None:
        """The value that holds on a day, or None before the first one."""
        past = [v for v in self.values if v.valid_from <= on]
        return max(past, key=lambda v: v.valid_from).value if past else None


class Band(Declared):
    """A depth band in which an activity is judged, in metres below ground level."""

    top_m: Annotated[float, Field(ge=0)]
    base_m: Annotated[float, Field(gt=0)]
    label_nl: str = ""

    @property
    def interval(self) -> DepthInterval:
        """The band as a value type."""
        return DepthInterval(self.top_m, self.base_m)

    @model_validator(mode="after")
    def _ordered(self) -> Band:
        if self.top_m >= self.base_m:
            raise ValueError(f"top {self.top_m} m must lie above base {self.base_m} m")
        return self


class Activity(Declared):
    """Something that one may want to do in the deep subsurface."""

    id: Identifier
    name_nl: str
    summary_nl: str
    theme_nl: str = ""
    bands: Annotated[tuple[Band, ...], Field(min_length=1)]
    potential_layers: tuple[str, ...] = ()
    needs_nl: str
    policy_nl: str
    policy_date: date
    confidence: Confidence
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]


class Rule(Declared):
    """One row of the decision table: activity, layer class, condition, date -> verdict."""

    id: Identifier
    title_nl: str
    explanation_nl: str
    activities: Annotated[tuple[str, ...], Field(min_length=1)]
    verdict: Verdict
    layer: str | None = None
    classes: tuple[str, ...] = ()
    when: When = When.PRESENT
    extent: Extent = Extent.COLUMN
    within: str | None = None
    deeper_than: str | None = None
    shallower_than: str | None = None
    regions: tuple[str, ...] = ()
    level: Level
    valid_from: date
    valid_to: date | None = None
    checked_on: date
    confidence: Confidence
    condition_nl: str = ""
    not_modelled: tuple[str, ...] = ()
    doubt: tuple[str, ...] = ()
    exempts: tuple[str, ...] = ()
    source: Source

    @model_validator(mode="before")
    @classmethod
    def _verdict_by_name(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("verdict"), str):
            name = data["verdict"].upper()
            if name not in Verdict.__members__:
                known = ", ".join(v.key for v in Verdict)
                raise ValueError(f"unknown verdict {data['verdict']!r}; known: {known}")
            data = {**data, "verdict": Verdict[name]}
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Rule:
        if (self.when is When.ALWAYS) != (self.layer is None):
            raise ValueError("`layer` is needed, except when = 'always'")
        if self.layer is None and (self.classes or self.within):
            raise ValueError("`classes` and `within` need a `layer`")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from")
        if self.verdict in (Verdict.CONDITIONAL, Verdict.NO_UNLESS) and not self.condition_nl:
            raise ValueError("a 'ja, mits' or 'nee, tenzij' needs condition_nl")
        if self.verdict is Verdict.NO_KNOWN_CONSTRAINT:
            raise ValueError("a rule cannot say that there is no known constraint")
        return self

    def in_force(self, on: date) -> bool:
        """True on every day from valid_from up to and including valid_to."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


class Concern(Declared):
    """What a region or level of government raised; shown beside the verdict, never inside it."""

    id: Identifier
    title_nl: str
    text_nl: str
    section: str
    regions: tuple[str, ...] = ()
    raised_by: Annotated[str, Field(pattern="^(gemeenten|provincies en waterschappen|alle)$")]
    theme: str
    kind: Annotated[str, Field(pattern="^(knelpunt|behoefte|verwachting|aandachtspunt)$")]
    subject: str
    activities: tuple[str, ...] = ()
    families: tuple[Family, ...] = ()
    raised_on: date
    source: Source


class ProcedureStep(Declared):
    """One step in the permit chain."""

    step_nl: str
    decides_nl: str
    advises_nl: str = ""
    law: str
    article: str = ""
    confidence: Confidence


class Procedure(Declared):
    """Who decides what, for an activity in a depth range."""

    id: Identifier
    activities: Annotated[tuple[str, ...], Field(min_length=1)]
    top_m: Annotated[float, Field(ge=0)] = 0.0
    base_m: float = 10_000.0
    summary_nl: str
    steps: tuple[ProcedureStep, ...]
    checked_on: date
    source: Source


# Computed types --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LayerState:
    """One layer as it stands in the workspace: what could be consulted."""

    layer: Layer
    status: LayerStatus
    detail_nl: str = ""
    features: int = 0
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Region:
    """A place that was asked."""

    kind: RegionKind
    code: str
    name: str
    area_m2: float | None = None
    provinces: tuple[str, ...] = ()
    dgdo_regions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeatureRef:
    """A feature that made a rule fire."""

    id: str
    name: str
    note: str = ""
    accuracy_m: float | None = None
    area_m2: float | None = None


@dataclass(frozen=True, slots=True)
class Constraint:
    """A rule that fired, with its evidence.

    A rule that fires only because the place lies in the uncertain rim of a
    feature (closer to the edge than its accuracy) is listed with
    ``is_certain`` false and does not count in the verdict; it keeps the answer
    from being conclusive.
    """

    rule: Rule
    layer: Layer | None
    features: tuple[FeatureRef, ...]
    is_certain: bool
    area_m2: float | None = None
    certain_area_m2: float | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A rule that could not be answered (in a part of the area), and why."""

    rule: Rule
    layer: Layer | None
    cause: Cause
    area_m2: float | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class PotentialFinding:
    """What one potential layer says here (in a part of the area)."""

    layer: Layer
    potential: Potential
    is_certain: bool
    cause: Cause | None = None
    features: tuple[FeatureRef, ...] = ()
    area_m2: float | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class AreaShare:
    """A part of the area with one potential and one verdict."""

    potential: Potential
    potential_certain: bool
    verdict: Verdict
    conclusive: bool
    area_m2: float
    share: float

    @property
    def outcome(self) -> str:
        """The word to show for the part; see :func:`outcome_of`."""
        return outcome_of(self.verdict, self.conclusive)


def outcome_of(verdict: Verdict, conclusive: bool) -> str:
    """The word for a verdict that may be a lower bound only.

    While an unanswered rule could still be stricter, a verdict is a lower
    bound. A lower bound of "nee, tenzij" is still a no; anything milder would
    read as a yes, so it becomes "unknown".

    >>> outcome_of(Verdict.NO_KNOWN_CONSTRAINT, conclusive=False)
    'unknown'
    >>> outcome_of(Verdict.NO_UNLESS, conclusive=False)
    'no_unless'
    """
    if conclusive or verdict >= Verdict.NO_UNLESS:
        return verdict.key
    return "unknown"

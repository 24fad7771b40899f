"""What people write in files: frozen pydantic models that refuse unknown keys."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from dgdo_geo.model.cited import Declared, Identifier, Source
from dgdo_geo.model.depth import DepthInterval
from dgdo_geo.model.guidance import check_doubt
from dgdo_geo.model.words import (
    Absence,
    Act,
    Confidence,
    Doubt,
    Extent,
    Family,
    Level,
    Potential,
    Quality,
    Verdict,
    Well,
    When,
)


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
    accuracy_m: Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
    absence: Absence
    coverage: tuple[str, ...] = ()
    complete_classes: tuple[str, ...] = ()
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
        strange = sorted(set(self.complete_classes) - set(ids))
        if strange:
            raise ValueError(f"complete_classes: unknown classes {strange}")
        for item in self.classes:
            if item.potential is not None and item.potential.upper() not in Potential.__members__:
                raise ValueError(f"class {item.id}: unknown potential {item.potential!r}")
        return self

    def is_complete_for(self, class_ids: tuple[str, ...]) -> bool:
        """True when an empty place really holds none of these classes (all classes, when none is named)."""
        if self.absence is Absence.UNKNOWN:
            return False
        wanted = class_ids or tuple(c.id for c in self.classes)
        return not self.complete_classes or set(wanted) <= set(self.complete_classes)

    def label(self, class_id: str) -> str:
        """Dutch label of one of the classes."""
        return next((c.label_nl for c in self.classes if c.id == class_id), class_id)


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
    doubt: tuple[Doubt, ...] = ()
    checked_on: date
    values: Annotated[tuple[DatedValue, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Parameter:
        check_doubt(self.confidence, self.doubt)
        days = [v.valid_from for v in self.values]
        if len(days) != len(set(days)):
            raise ValueError("values: two values begin on the same day")
        return self

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


class Requirement(Declared):
    """What geology must offer for an activity, with the numbers behind it.

    Attributes
    ----------
    at_least, at_most : str or None
        Parameters with the threshold; the requirement can be in words alone.
    """

    quantity_nl: str
    text_nl: str
    at_least: str | None = None
    at_most: str | None = None
    confidence: Confidence
    doubt: tuple[Doubt, ...] = ()
    source: Source

    @model_validator(mode="after")
    def _with_doubt(self) -> Requirement:
        check_doubt(self.confidence, self.doubt)
        return self


PolicyStatus = Literal[
    "stimulated",
    "wanted",
    "allowed",
    "pilot",
    "exploring",
    "winding_down",
    "existing_only",
    "not_now",
    "excluded",
    "unclear",
]


class Activity(Declared):
    """Something that one may want to do in the deep subsurface.

    Attributes
    ----------
    status : str
        Key of the policy status, see ``[policy_status]`` in the texts.
    bands : tuple of Band
        The target: depths at which the activity is judged.
    well_needs_nl, needs_nl : str
        What the borehole needs on its way down, and what the target needs.
    """

    id: Identifier
    name_nl: str
    summary_nl: str
    theme_nl: str = ""
    bands: Annotated[tuple[Band, ...], Field(min_length=1)]
    potential_layers: tuple[str, ...] = ()
    needs_nl: str
    well_needs_nl: str
    requirements: tuple[Requirement, ...] = ()
    status: PolicyStatus
    policy_nl: str
    policy_date: date
    confidence: Confidence
    doubt: tuple[Doubt, ...] = ()
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Activity:
        check_doubt(self.confidence, self.doubt)
        for upper, lower in pairwise(self.bands):
            if upper.base_m > lower.top_m:
                raise ValueError(f"bands: {upper.base_m:g} m overlaps the next band, which starts at {lower.top_m:g} m")
        return self


class ActivityGroup(Declared):
    """Activities that rules name together."""

    id: Identifier
    name_nl: str
    activities: Annotated[tuple[str, ...], Field(min_length=1)]


OWN = "eigen"
"""Id of the source of our own assumptions."""


class Rule(Declared):
    """One row of the decision table: activity, layer class, condition, date -> verdict.

    ``deviation_nl`` tells who may deviate and how; ``also`` holds further
    sources.
    """

    id: Identifier
    title_nl: str
    explanation_nl: str
    activities: Annotated[tuple[str, ...], Field(min_length=1)]
    verdict: Verdict
    layer: str | None = None
    classes: tuple[str, ...] = ()
    when: When = When.PRESENT
    extent: Extent = Extent.COLUMN
    well: Well = Well.ANY
    within: str | None = None
    deeper_than: str | None = None
    shallower_than: str | None = None
    regions: tuple[str, ...] = ()
    level: Level
    act: Act
    valid_from: date
    valid_to: date | None = None
    checked_on: date
    confidence: Confidence
    condition_nl: str = ""
    deviation_nl: str = ""
    not_modelled: tuple[str, ...] = ()
    doubt: tuple[Doubt, ...] = ()
    exempts: tuple[str, ...] = ()
    source: Source
    also: tuple[Source, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _verdict_by_name(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("verdict"), str):
            name = data["verdict"].upper()
            if name not in Verdict.__members__:
                known = ", ".join(v.key for v in Verdict if v is not Verdict.NO_KNOWN_CONSTRAINT)
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
        if (self.confidence is Confidence.ASSUMPTION) != (self.source.id == OWN):
            raise ValueError(f"confidence 'assumption' and source {OWN!r} go together")
        check_doubt(self.confidence, self.doubt)
        if self.exempts and not self.counts:
            raise ValueError("`exempts`: a rule about a slanted well does not count, so it lifts no other rule")
        return self

    @property
    def counts(self) -> bool:
        """True when it counts in the verdict, which is about a vertical well."""
        return self.well is Well.ANY

    def in_force(self, on: date) -> bool:
        """True on every day from valid_from up to and including valid_to."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

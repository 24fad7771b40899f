"""The whole answer: one object behind screen, command line, notebook, report and export."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dgdo_geo.model.declared import Activity, Band, Concern, Layer, Procedure, Rule
from dgdo_geo.model.depth import DepthInterval, DepthRange
from dgdo_geo.model.evidence import LayerState
from dgdo_geo.model.words import Cause, Potential, Quality, RegionKind, Verdict


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
    class_id: str
    label_nl: str
    depth: DepthRange
    note: str = ""
    source: str = ""
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
    features: tuple[FeatureRef, ...] = ()
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
    indication: Verdict
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


@dataclass(frozen=True, slots=True)
class Answer:
    """One activity in one depth band at one place.

    Attributes
    ----------
    verdict : Verdict
        At a point the lower bound. For an area that of the largest part with
        one outcome; ``areas`` holds all parts.
    indication : Verdict
        The strictest rule that fires as drawn, also where the place lies too
        close to an edge to be certain. A hint beside the verdict, no verdict.
    conclusive : bool
        False while, somewhere in the area, an unanswered rule could make the
        verdict stricter.
    clear : tuple of Rule
        Rules that were checked and do not constrain, anywhere in the area.
    quality : Quality
        The worst quality of the layers that had something to say here.
    """

    activity: Activity
    band: Band
    potential: Potential
    potential_certain: bool
    verdict: Verdict
    indication: Verdict
    conclusive: bool
    areas: tuple[AreaShare, ...]
    constraints: tuple[Constraint, ...]
    clear: tuple[Rule, ...]
    unanswered: tuple[Unanswered, ...]
    potentials: tuple[PotentialFinding, ...]
    procedures: tuple[Procedure, ...]
    quality: Quality

    @property
    def depth(self) -> DepthInterval:
        """The target, in metres below ground level."""
        return self.band.interval

    @property
    def outcome(self) -> str:
        """The word to show: a verdict key, or "unknown"; see :func:`outcome_of`."""
        if not self.areas:
            return outcome_of(self.verdict, self.conclusive)
        totals: dict[str, float] = {}
        for part in self.areas:
            totals[part.outcome] = totals.get(part.outcome, 0.0) + part.area_m2
        return max(totals, key=lambda word: totals[word])

    @property
    def hint(self) -> tuple[Verdict, float | None] | None:
        """The strictest indication where the outcome is unknown, with its share of the area; None without one."""
        if not self.areas:
            is_hint = self.outcome == "unknown" and self.indication > Verdict.NO_KNOWN_CONSTRAINT
            return (self.indication, None) if is_hint else None
        unknown = [part for part in self.areas if part.outcome == "unknown"]
        strictest = max((part.indication for part in unknown), default=Verdict.NO_KNOWN_CONSTRAINT)
        if strictest is Verdict.NO_KNOWN_CONSTRAINT:
            return None
        return strictest, sum(part.share for part in unknown if part.indication is strictest)


@dataclass(frozen=True, slots=True)
class Receipt:
    """How an answer came about: enough to make it again."""

    code: str
    engine: str
    rules_version: str
    rules_hash: str
    crs: str
    input: str
    layers: tuple[LayerState, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """The answer at one point: every activity and depth band."""

    region: Region
    on: date
    answers: tuple[Answer, ...]
    concerns: tuple[Concern, ...]
    notes_nl: tuple[str, ...]
    receipt: Receipt

    @property
    def quality(self) -> Quality:
        """The worst quality that any of the answers rests on."""
        order = list(Quality)
        return max((a.quality for a in self.answers), key=order.index, default=Quality.OFFICIAL)

    def to_dict(self) -> dict[str, object]:
        """The answer as in ``ask --json``; see ``docs/schema/ask.schema.json``."""
        from dgdo_geo.model.as_dict import assessment_dict

        return assessment_dict(self)


@dataclass(frozen=True, slots=True)
class AreaAssessment(Assessment):
    """The answer for an area: the same, with areas in m2 and shares."""

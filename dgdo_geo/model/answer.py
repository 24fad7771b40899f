"""The whole answer: one object behind screen, command line, notebook, report and export."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from dgdo_geo.model.declared import Activity, Band, Layer, Rule
from dgdo_geo.model.depth import DepthInterval, DepthRange
from dgdo_geo.model.evidence import LayerState
from dgdo_geo.model.fitting import FittingConcern, for_reader
from dgdo_geo.model.guidance import Procedure, Reader, Term
from dgdo_geo.model.wordbook import Wordbook
from dgdo_geo.model.words import Cause, Extent, Level, Potential, Quality, RegionKind, Verdict


@dataclass(frozen=True, slots=True)
class Region:
    """A place that was asked; ``municipalities`` holds the codes of those that it touches."""

    kind: RegionKind
    code: str
    name: str
    area_m2: float | None = None
    provinces: tuple[str, ...] = ()
    dgdo_regions: tuple[str, ...] = ()
    municipalities: tuple[str, ...] = ()


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
class LevelDifference:
    """Levels of government that judge one zone differently: the strictest decides, all are shown.

    Attributes
    ----------
    verdicts : tuple of (Level, Verdict)
        The strictest rule of each level that fires on the zone, strictest first.
    """

    layer: Layer
    verdicts: tuple[tuple[Level, Verdict], ...]

    @property
    def decides(self) -> Level:
        """The level whose rule is the strictest."""
        return self.verdicts[0][0]


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


def _strictest_level(said: tuple[Level, Verdict]) -> tuple[int, int]:
    return -said[1], list(Level).index(said[0])


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
    alternatives : tuple of Constraint
        Rules about a slanted well from outside, where a vertical well meets a
        constraint. They do not count in the verdict. Each is a lower bound:
        the rules of the place where the slanted well starts come on top.
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
    alternatives: tuple[Constraint, ...]
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
    def level_differences(self) -> tuple[LevelDifference, ...]:
        """Where the State, the province or another level certainly judge one layer differently.

        At a point all rules hold at one place. In an area only rules about the same zone are compared.
        """
        said: dict[tuple[str, str], dict[Level, Verdict]] = {}
        layers: dict[str, Layer] = {}
        for item in self.constraints:
            if item.layer is None or item.rule.level is Level.NONE or not item.is_certain:
                continue
            layers[item.layer.id] = item.layer
            for feature_id in [feature.id for feature in item.features] if self.areas else [""]:
                here = said.setdefault((item.layer.id, feature_id), {})
                here[item.rule.level] = max(item.rule.verdict, here.get(item.rule.level, item.rule.verdict))
        differing = dict.fromkeys(
            (layer_id, tuple(sorted(here.items(), key=_strictest_level)))
            for (layer_id, _), here in said.items()
            if len(set(here.values())) > 1
        )
        return tuple(LevelDifference(layers[layer_id], verdicts) for layer_id, verdicts in differing)

    @property
    def slanted(self) -> Verdict | None:
        """At a point the lower bound for a slanted well from outside; None without such a way, and for an area.

        A slanted well avoids what its path and site would meet here, but not what holds for the target and the whole
        column. What holds where it starts is not known.
        """
        if self.areas or not self.alternatives:
            return None
        held = [c for c in self.constraints if c.rule.extent in (Extent.COLUMN, Extent.TARGET)]
        return max((c.rule.verdict for c in (*self.alternatives, *held) if c.is_certain), default=None)

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
    """The answer at one point: every activity and depth band.

    Attributes
    ----------
    concerns : tuple of FittingConcern
        What regions and levels of government raised that fits the place and the answers, the most relevant first.
    """

    region: Region
    on: date
    answers: tuple[Answer, ...]
    concerns: tuple[FittingConcern, ...]
    notes_nl: tuple[str, ...]
    receipt: Receipt
    wordbook: Wordbook = field(default_factory=Wordbook, repr=False, compare=False)

    @property
    def quality(self) -> Quality:
        """The worst quality that any of the answers rests on."""
        order = list(Quality)
        return max((a.quality for a in self.answers), key=order.index, default=Quality.OFFICIAL)

    @property
    def terms(self) -> tuple[Term, ...]:
        """Words of the glossary that the answer uses."""
        return self.wordbook.terms_in(self._texts())

    def _texts(self) -> Iterator[str]:
        for answer in self.answers:
            yield from (answer.activity.name_nl, answer.activity.summary_nl, answer.activity.policy_nl)
            for item in (*answer.constraints, *answer.alternatives):
                yield from (item.rule.title_nl, item.rule.explanation_nl, item.rule.condition_nl)
            yield from (item.rule.title_nl for item in answer.unanswered)
            for procedure in answer.procedures:
                yield procedure.summary_nl
                for step in procedure.steps:
                    yield from (step.step_nl, step.decides_nl, step.advises_nl)
        yield from (item.concern.text_nl for item in self.concerns_for()[0])

    @property
    def default_reader(self) -> Reader:
        """The level of government that a place belongs to: who reads the answer, unless told otherwise."""
        readers = {RegionKind.PROVINCE: Reader.PROVINCE, RegionKind.WATER_BOARD: Reader.WATER_BOARD}
        if self.region.kind in (RegionKind.DGDO_REGION, RegionKind.COUNTRY):
            return Reader.PROVINCE
        return readers.get(self.region.kind, Reader.MUNICIPALITY)

    def concerns_for(
        self, reader: Reader | None = None, activity: str | None = None
    ) -> tuple[tuple[FittingConcern, ...], tuple[FittingConcern, ...]]:
        """The most relevant concerns for a reader, at most eight, and all others that fit.

        Parameters
        ----------
        reader : Reader, optional
            :attr:`default_reader` when None.
        activity : str, optional
            Only concerns about this activity or about all.
        """
        return for_reader(self.concerns, reader or self.default_reader, activity)

    def to_dict(self) -> dict[str, object]:
        """The answer as in ``ask --json``; see ``docs/schema/ask.schema.json``."""
        from dgdo_geo.model.as_dict import assessment_dict

        return assessment_dict(self)


@dataclass(frozen=True, slots=True)
class AreaAssessment(Assessment):
    """The answer for an area: the same, with areas in m2 and shares."""

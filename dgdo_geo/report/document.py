"""A report as data: the answer as on the screen, and what follows from the same combinations of layers.

Writers of files read this and compute nothing. Areas are in m2, unrounded; every
:class:`Amount` names the whole that its share is of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import shapely

from dgdo_geo.model import Answer, AreaAssessment, Family, Layer, Potential, Procedure, Rule, Verdict
from dgdo_geo.query.combined import Combined
from dgdo_geo.report.figures import Blank


class Whole(StrEnum):
    """What a share is a share of."""

    REGION = "region"
    MUNICIPALITY = "municipality"
    ROW = "row"
    """The family or layer of the row of an overlap matrix."""


@dataclass(frozen=True, slots=True)
class Amount:
    """An area, and the whole that it is a part of.

    Attributes
    ----------
    area_m2, whole_m2 : float
    of : Whole
        What the whole is.
    """

    area_m2: float
    whole_m2: float
    of: Whole = Whole.REGION

    @property
    def share(self) -> float:
        """Part of the whole; 0 of a whole without area."""
        return self.area_m2 / self.whole_m2 if self.whole_m2 > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Part:
    """A potential and an outcome that occur together, for one activity and band.

    Attributes
    ----------
    outcome : str
        Key of a verdict, or "unknown".
    indication : Verdict
        The strictest rule as drawn.
    """

    potential: Potential
    potential_certain: bool
    outcome: str
    indication: Verdict
    amount: Amount


@dataclass(frozen=True, slots=True)
class Ranked:
    """A rule that constrains, by area.

    Attributes
    ----------
    drawn, certain : Amount
        Where the rule fires as drawn, and where it certainly fires.
    """

    rule: Rule
    layer: Layer | None
    drawn: Amount
    certain: Amount


@dataclass(frozen=True, slots=True)
class Alone:
    """A rule, or all rules about one layer, that alone closes a part of the area.

    Attributes
    ----------
    rules : tuple of Rule
        One rule, or all rules about the layer.
    layer : Layer or None
    is_layer : bool
        True when all rules about the layer are taken away.
    opens : Amount
        Closed now ("nee" or "nee, tenzij"); a milder answer without these rules.
    opens_with_potential : Amount
        The part of it where geology offers something.
    becomes_unknown : Amount
        Closed now; not known without these rules, because others could not be answered.
    """

    rules: tuple[Rule, ...]
    layer: Layer | None
    is_layer: bool
    opens: Amount
    opens_with_potential: Amount
    becomes_unknown: Amount


@dataclass(frozen=True, slots=True)
class BandPart:
    """One activity in one depth band."""

    answer: Answer
    parts: tuple[Part, ...]
    ranked: tuple[Ranked, ...]
    alone: tuple[Alone, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """A layer that claims ground, with the area that it covers in the region.

    Attributes
    ----------
    within_m : float
        Counted up to this distance of its lines or points; 0 for polygons.
    covers : Amount
        Share of the region.
    """

    layer: Layer
    within_m: float
    covers: Amount


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two claims, or two families, and where they lie on top of each other.

    Attributes
    ----------
    row, column : str
        Ids of layers, or keys of families; the pair with itself is what the row covers.
    of_region, of_row : Amount
        The same area as a share of the region, and of what the row covers.
    """

    row: str
    column: str
    of_region: Amount
    of_row: Amount


@dataclass(frozen=True, slots=True)
class Stacked:
    """Ground with so many claims on top of each other."""

    claims: int
    amount: Amount


@dataclass(frozen=True, slots=True)
class InMunicipality:
    """A part of a municipality (that lies in the region), for one activity and band.

    Attributes
    ----------
    whole_m2 : float
        Of the municipality inside the region.
    """

    code: str
    name: str
    province: str
    answer: Answer
    potential: Potential
    outcome: str
    amount: Amount


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A municipality across the border.

    Attributes
    ----------
    border_m : float
        Length of the shared border.
    is_other_province : bool
        True when no part of the region lies in its province: other provincial rules hold there.
    crossing : tuple of Layer
        Layers with a feature that lies on the shared border.
    """

    code: str
    name: str
    province: str
    border_m: float
    is_other_province: bool
    crossing: tuple[Layer, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A report of one region.

    Attributes
    ----------
    snapshot : str
        Id of what the report rests on; equal for equal code, rules, layers, day, region and choices.
    answer : AreaAssessment
        The answer as on the screen: concerns, notes, receipt and all that is said per activity.
    bands : tuple of BandPart
        In the order of ``answer.answers``.
    layer_overlaps, family_overlaps : tuple of Overlap
        Every ordered pair, row by row; a pair with itself included.
    gaps : tuple of Blank
        What is not known, per layer and cause.
    combined : Combined
        The rows that everything was counted on.
    shape : shapely geometry
        EPSG:28992.
    """

    snapshot: str
    answer: AreaAssessment
    area_m2: float
    bands: tuple[BandPart, ...]
    claims: tuple[Claim, ...]
    layer_overlaps: tuple[Overlap, ...]
    families: tuple[Family, ...]
    family_overlaps: tuple[Overlap, ...]
    stacked: tuple[Stacked, ...]
    municipalities: tuple[InMunicipality, ...]
    neighbours: tuple[Neighbour, ...]
    gaps: tuple[Blank, ...]
    combined: Combined = field(repr=False, compare=False)
    shape: shapely.Geometry = field(repr=False, compare=False)
    activities: tuple[str, ...] = ()
    depth: tuple[float, float] | None = None

    @property
    def is_schematic(self) -> bool:
        """True when every page and sheet must say that the report rests on schematic or example data."""
        return self.answer.quality.is_mark_needed

    @property
    def procedures(self) -> tuple[Procedure, ...]:
        """All procedures of the activities, once."""
        return tuple({p.id: p for a in self.answer.answers for p in a.procedures}.values())

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules that were looked at: that fired, are clear or could not be answered; by id."""
        found: dict[str, Rule] = {}
        for a in self.answer.answers:
            found |= {item.rule.id: item.rule for item in (*a.constraints, *a.alternatives)}
            found |= {item.rule.id: item.rule for item in a.unanswered}
            found |= {rule.id: rule for rule in a.clear}
        return tuple(found[rule_id] for rule_id in sorted(found))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two to four regions beside each other, asked the same on the same day."""

    snapshot: str
    reports: tuple[Report, ...]


def reports_of(document: Report | Comparison) -> Sequence[Report]:
    """The reports in a document."""
    return document.reports if isinstance(document, Comparison) else (document,)

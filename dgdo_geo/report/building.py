"""From the answer on the screen to a report: everything that files say, computed once."""

from __future__ import annotations

from collections.abc import Sequence

import shapely

from dgdo_geo.errors import InputError
from dgdo_geo.model import Answer, AreaAssessment, Potential, Verdict
from dgdo_geo.query import Explorer
from dgdo_geo.query.combined import Combined, combined, shape_of
from dgdo_geo.report import building_layers as layers
from dgdo_geo.report.building_alone import alone
from dgdo_geo.report.building_places import neighbours, per_municipality
from dgdo_geo.report.document import Amount, BandPart, Comparison, Part, Ranked, Report
from dgdo_geo.report.figures import blanks
from dgdo_geo.report.snapshot import snapshot_of

FEWEST, MOST = 2, 4
"""Regions in a comparison."""


def report_of(
    explorer: Explorer,
    answer: AreaAssessment,
    shape: shapely.Geometry | None = None,
    *,
    activities: Sequence[str] = (),
    depth: tuple[float, float] | None = None,
) -> Report:
    """The report of one region.

    Parameters
    ----------
    explorer : Explorer
        The one that gave the answer.
    answer : AreaAssessment
    shape : shapely polygon, optional
        Of an area of one's own, EPSG:28992, as it was asked.
    activities, depth
        As they were asked.
    """
    found = combined(explorer, answer, shape, activities, depth)
    place = shape_of(explorer, answer, shape)
    area_m2 = float(found.area_m2.sum())
    claims, where = layers.claims_of(found, explorer.states)
    families, of_families = layers.families_of(claims, where)
    return Report(
        snapshot=snapshot_of(answer),
        answer=answer,
        area_m2=area_m2,
        bands=tuple(_band(item, found, i) for i, item in enumerate(answer.answers)),
        claims=claims,
        layer_overlaps=layers.overlaps([c.layer.id for c in claims], where, found.area_m2),
        families=families,
        family_overlaps=layers.overlaps([f.value for f in families], of_families, found.area_m2),
        stacked=layers.stacked(claims, where, found.area_m2),
        municipalities=per_municipality(explorer, answer, found),
        neighbours=neighbours(explorer, answer, place),
        gaps=tuple(blanks(answer)),
        combined=found,
        shape=place,
        activities=tuple(activities),
        depth=depth,
    )


def comparison_of(reports: Sequence[Report]) -> Comparison:
    """Two to four regions beside each other.

    Raises
    ------
    InputError
        If there are fewer or more, or the same region twice.
    """
    if not FEWEST <= len(reports) <= MOST:
        raise InputError("report_compare_count", count=len(reports), fewest=FEWEST, most=MOST)
    if len({report.snapshot for report in reports}) != len(reports):
        raise InputError("report_compare_same")
    return Comparison(snapshot_of(*(report.answer for report in reports)), tuple(reports))


def _band(item: Answer, found: Combined, position: int) -> BandPart:
    whole = float(found.area_m2.sum())
    ranked = sorted(item.constraints, key=lambda c: (-(c.area_m2 or 0.0), -c.rule.verdict, c.rule.id))
    return BandPart(
        item,
        _parts(item, whole),
        tuple(
            Ranked(c.rule, c.layer, Amount(c.area_m2 or 0.0, whole), Amount(c.certain_area_m2 or 0.0, whole))
            for c in ranked
        ),
        alone(item, found.bands[position], found, position),
    )


def _parts(item: Answer, whole: float) -> tuple[Part, ...]:
    """Parts of the answer by potential, outcome and indication; the largest first."""
    totals: dict[tuple[Potential, bool, str, Verdict], float] = {}
    for part in item.areas:
        key = (part.potential, part.potential_certain, part.outcome, part.indication)
        totals[key] = totals.get(key, 0.0) + part.area_m2
    return tuple(Part(*key, Amount(area, whole)) for key, area in sorted(totals.items(), key=lambda entry: -entry[1]))

"""The profile of a region: shares per activity, what constrains it and what is unknown, beside other regions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

from dgdo_geo.model import Answer, AreaAssessment
from dgdo_geo.report.figures import Blank, Limit, blanks, harmless, limits
from dgdo_geo.web import card
from dgdo_geo.web.card import Part

__all__ = ["Blank", "Limit", "Shares", "as_csv", "blanks", "limits", "shares"]

MOST_PLAIN = 8
"""Constraints and gaps that the plain view names."""


@dataclass(frozen=True, slots=True)
class Shares:
    """One activity and depth band in a region.

    Attributes
    ----------
    outcomes, potentials : tuple of Part
        The whole region, split by verdict and by what geology offers.
    """

    answer: Answer
    outcomes: tuple[Part, ...]
    potentials: tuple[Part, ...]


def shares(assessment: AreaAssessment) -> list[Shares]:
    """Every activity and depth band of a region."""
    return [Shares(a, card.outcome_parts(a), card.potential_parts(a)) for a in assessment.answers]


# Download ----------------------------------------------------------------------------------

COLUMNS = (
    "peildatum",
    "soort",
    "code",
    "naam",
    "gebied_m2",
    "activiteit",
    "activiteit_naam",
    "diepte_top_m",
    "diepte_basis_m",
    "uitkomst",
    "oordeel",
    "zeker",
    "aanwijzing",
    "potentie",
    "potentie_zeker",
    "oppervlakte_m2",
    "deel",
)


def as_csv(assessments: Iterable[AreaAssessment]) -> str:
    """Every part of every answer, one a row: comma-separated, numbers with a point, keys as in the JSON."""
    file = io.StringIO()
    # Spreadsheets recognise UTF-8 by this mark.
    file.write("\ufeff")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for assessment in assessments:
        region = assessment.region
        about = (assessment.on.isoformat(), region.kind.value, region.code, harmless(region.name), region.area_m2)
        for answer in assessment.answers:
            asked = (answer.activity.id, answer.activity.name_nl, answer.band.top_m, answer.band.base_m)
            for part in answer.areas:
                writer.writerow(
                    (
                        *about,
                        *asked,
                        part.outcome,
                        part.verdict.key,
                        int(part.conclusive),
                        part.indication.key,
                        part.potential.key,
                        int(part.potential_certain),
                        part.area_m2,
                        part.share,
                    )
                )
    return file.getvalue()

"""What stands around the answers: concerns of the region, notes, and the receipt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import dgdo_geo
from dgdo_geo.knowledge import KnowledgeBase
from dgdo_geo.model import RD_NEW, Answer, Concern, LayerState, Quality, Receipt, Region
from dgdo_geo.overlay import geos
from dgdo_geo.texts import text


def fitting_concerns(concerns: Sequence[Concern], region: Region, answers: Sequence[Answer]) -> tuple[Concern, ...]:
    """Concerns that fit the region, the activities and the layers that came up."""
    asked = {answer.activity.id for answer in answers}
    families = set()
    for answer in answers:
        found = [*(c.layer for c in answer.constraints), *(u.layer for u in answer.unanswered)]
        families |= {layer.family for layer in found if layer is not None}
    return tuple(
        concern
        for concern in concerns
        if (not concern.regions or set(concern.regions) & set(region.dgdo_regions))
        and (not concern.activities or set(concern.activities) & asked)
        and (not concern.families or set(concern.families) & families)
    )


def notes(
    answers: Sequence[Answer], boundaries: LayerState, on: date, depth: tuple[float, float] | None = None
) -> tuple[str, ...]:
    """What the reader must know of the quality, the date and the depths of the answers."""
    found = []
    if depth is not None:
        judged = "; ".join(f"{a.activity.name_nl} {a.band.top_m:g}–{a.band.base_m:g} m" for a in answers)
        found.append(text("notes", "own_depth", top=f"{depth[0]:g}", base=f"{depth[1]:g}", judged=judged))
    if any(answer.quality.is_mark_needed for answer in answers):
        found.append(text("notes", "schematic"))
    if boundaries.layer.quality is Quality.GENERALISED:
        found.append(text("notes", "generalised_boundaries", metres=f"{boundaries.layer.accuracy_m:g}"))
    if on > date.today():
        found.append(text("notes", "future", on=nl_date(on)))
    return tuple(found)


def receipt(
    region: Region,
    knowledge: KnowledgeBase,
    states: Mapping[str, LayerState],
    on: date,
    activities: Sequence[str] = (),
    depth: tuple[float, float] | None = None,
) -> Receipt:
    """How the answer came about: the question as it was asked, and all that it was answered with."""
    asked = f"{region.kind.value} {region.code}; peildatum {on.isoformat()}"
    if activities:
        asked += f"; activiteit {', '.join(activities)}"
    if depth is not None:
        asked += f"; diepte {depth[0]:g} {depth[1]:g}"
    return Receipt(
        code=f"dgdo-geo {dgdo_geo.__version__}",
        engine=geos.ENGINE,
        rules_version=knowledge.info.version,
        rules_hash=knowledge.hash,
        crs=f"EPSG:{RD_NEW}",
        input=asked,
        layers=tuple(states.values()),
    )


def nl_date(day: date) -> str:
    """A date as it is written in Dutch.

    >>> nl_date(date(2026, 11, 3))
    '3-11-2026'
    """
    return f"{day.day}-{day.month}-{day.year}"

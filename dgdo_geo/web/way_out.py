"""What stands in the way of an activity, and what is open instead: for an answer that is a no."""

from __future__ import annotations

from dataclasses import replace

from dgdo_geo.model import Answer, Assessment, RegionKind, Verdict
from dgdo_geo.query.elsewhere import NearPlace
from dgdo_geo.texts import text
from dgdo_geo.web import card, opened
from dgdo_geo.web.frame import Turn
from dgdo_geo.web.places import Place
from dgdo_geo.web.render import render

MOST_ACTIVITIES = 5
"""Other activities that are named; the table holds the rest."""


def has_no(answer: Answer) -> bool:
    """True when the answer is a no at the point, or in a part of the area."""
    if not answer.areas:
        return answer.verdict >= Verdict.NO_UNLESS
    return any(part.verdict >= Verdict.NO_UNLESS for part in answer.areas)


def way_out(turn: Turn, assessment: Assessment, answer: Answer) -> str:
    """The rules that each are enough for a no, and what is open: other depths, activities, municipalities."""
    number = next(i for i, other in enumerate(assessment.answers) if other is answer)

    def link(other: Answer) -> str:
        band = turn.explorer.knowledge.activity(other.activity.id).bands.index(other.band)
        return turn.link(replace(turn.view, activity=other.activity.id, band=band))

    def to_place(near: NearPlace) -> str:
        place = Place(RegionKind.MUNICIPALITY, near.code)
        return turn.link(replace(turn.view, place=place, point=None, beside=None))

    return render(
        "way_out.html",
        way=opened.way_out(turn.explorer, assessment, number),
        has_depths=len(turn.explorer.knowledge.activity(answer.activity.id).bands) > 1,
        most=MOST_ACTIVITIES,
        is_point=not answer.areas,
        link=link,
        to_place=to_place,
        said=said,
    )


def said(answer: Answer) -> str:
    """Verdict and potential of an answer in a few words."""
    hint = card.hint_word(answer)
    return text(
        "web_out",
        "said_hint" if hint else "said",
        verdict=card.outcome_word(answer),
        hint=hint,
        potential=text("potential", answer.potential.key),
    )

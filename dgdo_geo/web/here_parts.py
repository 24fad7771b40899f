"""Parts of the page "Hier": the table of one point, two points beside each other, the municipalities around."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dgdo_geo.model import Answer, Assessment, Constraint, PotentialFinding, RegionKind
from dgdo_geo.query.beside import Difference, beside
from dgdo_geo.query.elsewhere import nearby
from dgdo_geo.texts import text
from dgdo_geo.web import card, formats, opened
from dgdo_geo.web.frame import Turn
from dgdo_geo.web.places import Place
from dgdo_geo.web.render import feature_names, render

NEAR_M = 10_000.0
"""Municipalities no further than this from the point are listed."""


def point_table(assessment: Assessment, chosen: Answer, addresses: Mapping[int, str]) -> str:
    """Every activity and depth band at the point, with the first reason."""
    return render(
        "here.html",
        rows=card.rows(assessment, chosen),
        addresses=addresses,
        reasons=[card.first_reason(answer) for answer in assessment.answers],
    )


def neighbours(turn: Turn, assessment: Assessment, answer: Answer) -> str:
    """How open the municipalities around the point are to the chosen activity."""
    ranked = opened.ranked(turn.explorer, answer.activity.id, assessment.on)

    def to_place(code: str) -> str:
        view = replace(turn.view, place=Place(RegionKind.MUNICIPALITY, code), point=None, beside=None)
        return turn.link(view, page="")

    return render(
        "neighbours.html",
        rows=nearby(turn.explorer, assessment, answer, ranked, NEAR_M),
        answer=answer,
        within_m=NEAR_M,
        to_place=to_place,
    )


def two_points(here: Assessment, there: Assessment, here_name: str, there_name: str) -> str:
    """The answers at two points beside each other, with the first reason that differs."""
    rows = beside(here, there)
    return render(
        "beside.html",
        rows=rows,
        differences=[difference(row.reason) for row in rows],
        here_name=formats.first_capital(here_name),
        there_name=formats.first_capital(there_name),
        outcome_word=card.outcome_word,
        hint_word=card.hint_word,
    )


def difference(reason: Difference | None) -> tuple[str, str]:
    """The first reason that differs, as a sentence, and the article that says so ("" without one)."""
    if reason is None:
        return text("web_here", "no_difference"), ""
    which = text("web_here", "here" if reason.is_here else "there")
    found = reason.found
    names = feature_names(found.features, most=2)
    where = text("web_card", "reason_where", names=names) if names else ""
    if isinstance(found, PotentialFinding):
        word = text("potential", found.potential.key)
        return text("web_here", "only_potential", which=which, layer=found.layer.title_nl, word=word, where=where), ""
    values = {"which": which, "title": found.rule.title_nl, "word": text("verdict", found.rule.verdict.key)}
    if isinstance(found, Constraint):
        key = "only_certain" if found.is_certain else "only_doubtful"
        return text("web_here", key, where=where, **values), card.cited(found.rule)
    cause = text("cause", found.cause.value)
    return text("web_here", "only_unanswered", cause=cause, **values), card.cited(found.rule)

"""The page "Gebied": the profile of a region, and the same indicators of other regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from dgdo_geo.errors import DgdoGeoError
from dgdo_geo.model import AreaAssessment
from dgdo_geo.report.written import TermLinks
from dgdo_geo.texts import text
from dgdo_geo.web import (
    addresses,
    card,
    card_parts,
    controls,
    formats,
    frame,
    opened,
    own_area_form,
    places,
    profile,
    report_form,
)
from dgdo_geo.web.frame import Turn
from dgdo_geo.web.places import Place
from dgdo_geo.web.render import render
from dgdo_geo.web.state import MOST_COMPARED

PATH = "gebied"


def show() -> None:
    """Draw the page for one turn of a session."""
    turn = frame.begin(PATH, text("web_area", "title"), text("web_area", "intro"))
    if turn is None:
        return
    columns = st.columns([4, 2, 2])
    with columns[0]:
        controls.choose_place(turn.explorer, turn.view)
    with columns[1]:
        controls.choose_date(turn.view)
    with columns[2]:
        controls.choose_detail(turn.view)
    addresses.search(turn)
    own_area_form.show(turn, has_map=False)
    assessment = frame.area_assessment(turn)
    turn = replace(turn, view=frame.settled(turn, assessment))
    if assessment is None or turn.view.place is None:
        st.info(text("web_area", "no_place"))
        return
    own_area_form.remark(turn)
    _profile(turn, assessment)


def _profile(turn: Turn, assessment: AreaAssessment) -> None:
    view, name = turn.view, assessment.region.name
    st.header(formats.literal(text("web_area", "shares", name=name)), anchor=False)
    st.html(_template("area_shares.html", turn, assessment, rows=profile.shares(assessment)))
    frame.notes(assessment.notes_nl)
    st.header(formats.literal(text("web_area", "limits", name=name)), anchor=False)
    st.html(_template("area_limits.html", turn, assessment, rows=profile.limits(assessment), most=profile.MOST_PLAIN))
    st.header(formats.literal(text("web_area", "blanks", name=name)), anchor=False)
    st.html(_template("area_blanks.html", turn, assessment, rows=profile.blanks(assessment), most=profile.MOST_PLAIN))
    beside = _comparison(turn, assessment)
    st.header(text("web", "region"), anchor=False)
    controls.choose_reader(view, assessment.default_reader)
    reader = view.reader or assessment.default_reader
    mark = TermLinks(assessment.wordbook)
    st.html(card_parts.concerns(assessment, None, reader, mark, is_full=view.is_full))
    st.header(text("web_area", "keep"), anchor=False)
    st.markdown(text("web_area", "keep_how"))
    st.download_button(
        text("web_area", "download"),
        data=lambda: profile.as_csv([assessment, *beside]).encode(),
        file_name=f"dgdo-geo-gebied-{frame.file_part(replace(view, point=None))}-{assessment.on.isoformat()}.csv",
        mime="text/csv",
        on_click="ignore",
    )
    report_form.show(turn)
    if view.is_full:
        st.html(card.receipt(assessment))
    st.header(text("web", "glossary"), anchor=False)
    st.html(card_parts.glossary(assessment, mark, is_full=view.is_full))


def _template(name: str, turn: Turn, assessment: AreaAssessment, **context: object) -> str:
    def to_answer(activity: str, band: int) -> str:
        return turn.link(replace(turn.view, activity=activity, band=band, point=None, beside=None), page="")

    bands = {activity.id: activity.bands for activity in turn.explorer.knowledge.activities.values()}
    return render(
        name,
        assessment=assessment,
        region=assessment.region,
        is_full=turn.view.is_full,
        kind=text("web_area", f"kind_{assessment.region.kind.name.lower()}"),
        link=lambda answer: to_answer(answer.activity.id, bands[answer.activity.id].index(answer.band)),
        hint_word=card.hint_word,
        **context,
    )


# Beside other regions ------------------------------------------------------------------------


def _comparison(turn: Turn, assessment: AreaAssessment) -> list[AreaAssessment]:
    """Choose regions and set the same indicators of each in one table; the answers of the others."""
    view = turn.view
    st.header(text("web_area", "compare"), anchor=False)
    controls.choose_compared(turn.explorer, view)
    if view.place is not None:
        _neighbours(turn, view.place)
    others = [found for place in view.compared if (found := _answer(turn, place)) is not None]
    if not others:
        st.markdown(text("web_area", "compare_none", most=MOST_COMPARED))
        return []
    listed: Sequence[AreaAssessment] = [assessment, *others]
    columns = [profile.shares(item) for item in listed]
    st.html(_template("area_compare.html", turn, assessment, regions=listed, rows=list(zip(*columns, strict=True))))
    return others


def _answer(turn: Turn, place: Place) -> AreaAssessment | None:
    try:
        return opened.area_answer(turn.explorer, place, turn.view.on)
    except DgdoGeoError as error:
        st.error(formats.literal(error.message_nl))
        return None


def _neighbours(turn: Turn, place: Place) -> None:
    """The regions that border on this one; one button sets the first of them beside it."""
    near = opened.neighbours(turn.explorer, place)
    if not near:
        return
    names = ", ".join(places.name_of(turn.explorer, item) for item in near)
    st.markdown(formats.literal(text("web_area", "neighbours", names=names)))
    wanted = tuple(near[:MOST_COMPARED])
    if wanted != turn.view.compared:
        few = len(near) <= MOST_COMPARED
        words = text("web_area", "compare_neighbours" if few else "compare_some_neighbours", count=len(wanted))
        st.button(words, on_click=controls.compare_with, args=(wanted,))

"""The page "Wat kan waar": choose a place and an activity, see the map and the answer card."""

from __future__ import annotations

import json
from dataclasses import replace

import streamlit as st

from dgdo_geo.model import Answer, Assessment
from dgdo_geo.report.written import TermLinks
from dgdo_geo.texts import text
from dgdo_geo.web import addresses, card, card_parts, controls, formats, frame, mapview, own_area_form, places
from dgdo_geo.web.frame import Turn
from dgdo_geo.web.state import View
from dgdo_geo.web.way_out import has_no, way_out

PATH = ""


def show() -> None:
    """Draw the page for one turn of a session."""
    turn = frame.begin(PATH, text("web", "title"), text("web", "intro"))
    if turn is None:
        return
    choose(turn)
    own_area_form.show(turn, has_map=True)
    assessment = _assessment(turn)
    if assessment is None and turn.view.point is not None:
        turn = replace(turn, view=replace(turn.view, point=None))
        assessment = _assessment(turn)
    turn = replace(turn, view=frame.settled(turn, assessment))
    chosen = None if assessment is None else frame.answer_of(assessment, turn.view)
    own_area_form.remark(turn)
    left, right = st.columns([3, 2], gap="large")
    with left:
        mapview.show(turn.explorer, turn.view, chosen, is_drawable=True)
    with right:
        if assessment is None or chosen is None:
            st.header(text("web", "card"), anchor=False)
            st.markdown(text("web", "no_answer_yet"))
            return
        _summary(turn, assessment, chosen)
    _card(turn, assessment, chosen)


def choose(turn: Turn) -> None:
    """The fields that make a question: place, activity, depth, date; and the search for an address."""
    columns = st.columns([3, 3, 2, 2])
    with columns[0]:
        controls.choose_place(turn.explorer, turn.view)
    with columns[1]:
        controls.choose_activity(turn.explorer, turn.view)
    with columns[2]:
        controls.choose_band(turn.explorer, turn.view)
    with columns[3]:
        controls.choose_date(turn.view)
    addresses.search(turn)


def _assessment(turn: Turn) -> Assessment | None:
    if turn.view.point is not None:
        return frame.point_assessment(turn, *turn.view.point)
    return frame.area_assessment(turn)


def _summary(turn: Turn, assessment: Assessment, chosen: Answer) -> None:
    view = turn.view
    title = text("web", "card_area", name=assessment.region.name)
    if view.point is not None:
        title = text("web", "card_point", point=frame.point_words(view.point, turn.explorer))
    st.header(formats.literal(title), anchor=False)
    controls.choose_detail(view)
    st.html(card.summary(assessment, chosen, view.map_kind, is_full=view.is_full))
    if view.point is not None and view.place is not None:
        name = places.name_of(turn.explorer, view.place)
        st.button(formats.literal(text("web", "drop_point", name=name)), on_click=controls.drop_point)
    frame.notes(assessment.notes_nl)


def _card(turn: Turn, assessment: Assessment, chosen: Answer) -> None:
    view = turn.view
    st.header(formats.literal(text("web", "overview_place", name=assessment.region.name)), anchor=False)
    st.html(card.overview(assessment, chosen, links(turn, assessment), is_full=view.is_full))
    mark = TermLinks(assessment.wordbook)
    depth = formats.interval(chosen.depth)
    st.header(text("web", "details", activity=chosen.activity.name_nl, depth=depth), anchor=False)
    st.html(card.details(assessment, chosen, mark, is_full=view.is_full))
    if has_no(chosen):
        st.html(way_out(turn, assessment, chosen))
    around(turn, assessment, chosen, mark)


def around(turn: Turn, assessment: Assessment, chosen: Answer, mark: TermLinks) -> None:
    """Draw what stands around the verdict: the subsurface, concerns, procedures, the receipt and the words."""
    view, explorer = turn.view, turn.explorer
    if view.is_full:
        st.html(card_parts.geology(assessment, chosen, explorer.knowledge.parameters, mark))
    st.header(text("web", "region"), anchor=False)
    controls.choose_reader(view, assessment.default_reader)
    reader = view.reader or assessment.default_reader
    st.html(card_parts.concerns(assessment, chosen, reader, mark, is_full=view.is_full))
    st.header(text("web", "procedures"), anchor=False)
    st.html(card_parts.procedures(assessment, chosen, reader, mark))
    st.header(text("web", "receipt"), anchor=False)
    if view.is_full:
        st.html(card.receipt(assessment))
    _download(view, assessment)
    st.header(text("web", "glossary"), anchor=False)
    st.html(card_parts.glossary(assessment, mark, is_full=view.is_full))


def _download(view: View, assessment: Assessment) -> None:
    st.markdown(text("web", "share"))
    st.download_button(
        text("web", "download"),
        data=lambda: as_json(assessment),
        file_name=f"dgdo-geo-{frame.file_part(view)}-{assessment.on.isoformat()}.json",
        mime="application/json",
        on_click="ignore",
    )


def as_json(assessment: Assessment) -> str:
    """The answer as `dgdo-geo ask --json` prints it."""
    return json.dumps(assessment.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)


def links(turn: Turn, assessment: Assessment) -> dict[int, str]:
    """Per position of an answer, the address of this page with that activity and depth."""
    result = {}
    for number, answer in enumerate(assessment.answers):
        band = turn.explorer.knowledge.activity(answer.activity.id).bands.index(answer.band)
        result[number] = turn.link(replace(turn.view, activity=answer.activity.id, band=band))
    return result

"""The page "Hier": one point, all activities and depths, the column below it, and a second point beside it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from dgdo_geo.model import Answer, Assessment
from dgdo_geo.report.written import TermLinks
from dgdo_geo.texts import text
from dgdo_geo.web import card, controls, formats, frame, here_parts, mapview, places
from dgdo_geo.web.depth_column import column
from dgdo_geo.web.frame import Turn
from dgdo_geo.web.screens import what_where
from dgdo_geo.web.way_out import has_no, way_out

PATH = "hier"


def show() -> None:
    """Draw the page for one turn of a session."""
    turn = frame.begin(PATH, text("web_here", "title"), text("web_here", "intro"))
    if turn is None:
        return
    what_where.choose(turn)
    assessment = None if turn.view.point is None else frame.point_assessment(turn, *turn.view.point)
    turn = replace(turn, view=frame.settled(turn, assessment))
    chosen = None if assessment is None else frame.answer_of(assessment, turn.view)
    if turn.view.point is not None:
        controls.choose_click()
    mapview.show(turn.explorer, turn.view, chosen)
    if assessment is None or chosen is None:
        key = "no_place" if turn.view.place is None else "no_point"
        st.info(text("web_here", key))
        return
    _answer(turn, assessment, chosen)


def _answer(turn: Turn, assessment: Assessment, chosen: Answer) -> None:
    view = turn.view
    if view.point is None:
        return
    words = frame.point_words(view.point, turn.explorer)
    st.header(formats.literal(text("web_here", "answer", point=words)), anchor=False)
    controls.choose_detail(view)
    st.html(here_parts.point_table(assessment, chosen, what_where.links(turn, assessment)))
    if view.place is not None:
        name = places.name_of(turn.explorer, view.place)
        st.button(formats.literal(text("web", "drop_point", name=name)), on_click=controls.drop_point)
    frame.notes(assessment.notes_nl)
    _beside(turn, assessment, words)
    st.header(text("web_here", "column"), anchor=False)
    st.html(column(assessment))
    depth = formats.interval(chosen.depth)
    st.header(text("web", "details", activity=chosen.activity.name_nl, depth=depth), anchor=False)
    mark = TermLinks(assessment.wordbook)
    st.html(card.details(assessment, chosen, mark, is_full=view.is_full))
    if has_no(chosen):
        st.html(way_out(turn, assessment, chosen))
    st.header(text("web_here", "neighbours"), anchor=False)
    st.html(here_parts.neighbours(turn, assessment, chosen))
    what_where.around(turn, assessment, chosen, mark)


def _beside(turn: Turn, assessment: Assessment, words: str) -> None:
    """Two points beside each other, or the form to choose the second."""
    view = turn.view
    st.header(text("web_here", "beside"), anchor=False)
    there = None if view.beside is None else frame.point_assessment(turn, *view.beside)
    if there is None or view.beside is None:
        st.markdown(text("web_here", "beside_intro"))
    else:
        other = frame.point_words(view.beside, turn.explorer)
        names = text("web_here", "first_point", point=words), text("web_here", "second_point", point=other)
        st.html(here_parts.two_points(assessment, there, *names))
        buttons = st.columns(2)
        buttons[0].button(text("web_here", "swap"), on_click=controls.swap_points)
        buttons[1].button(text("web_here", "drop_beside"), on_click=controls.drop_beside)
    with st.form("naast", border=True):
        fields = st.columns([2, 2, 1], vertical_alignment="bottom")
        fields[0].text_input(
            text("web_here", "beside_x"), key=controls.BESIDE_X, placeholder=text("web_map", "x_placeholder")
        )
        fields[1].text_input(
            text("web_here", "beside_y"), key=controls.BESIDE_Y, placeholder=text("web_map", "y_placeholder")
        )
        fields[2].form_submit_button(text("web_here", "show_beside"), on_click=controls.leave_beside)

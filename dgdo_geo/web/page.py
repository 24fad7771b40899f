"""The page "Wat kan waar": choose a place and an activity, see the map and the answer card."""

from __future__ import annotations

import json
from dataclasses import replace
from html import escape
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from dgdo_geo import maps
from dgdo_geo.errors import DgdoGeoError, InputError
from dgdo_geo.model import Answer, Assessment
from dgdo_geo.query import Explorer
from dgdo_geo.report.written import TermLinks
from dgdo_geo.texts import text
from dgdo_geo.web import card, card_parts, controls, formats, mapview, opened
from dgdo_geo.web.state import View, to_params

STYLE = Path(__file__).parent / "static" / "dgdo.css"


def show() -> None:
    """Draw the page for one turn of a session."""
    st.set_page_config(page_title=text("web", "browser_title"), page_icon="🗺️", layout="wide")
    st.html(f"<style>{STYLE.read_text(encoding='utf-8')}{maps.pattern_css()}</style>")
    st.title(text("web", "title"), anchor=False)
    st.markdown(text("web", "intro"))
    try:
        explorer = opened.explorer()
    except DgdoGeoError as error:
        st.error(formats.literal(error.message_nl))
        return
    view, problems = controls.current_view(explorer)
    view = controls.choose(explorer, view)
    for problem in problems:
        st.error(formats.literal(problem))
    assessment = _assessment(explorer, view)
    if assessment is None and view.point is not None:
        view = replace(view, point=None)
        assessment = _assessment(explorer, view)
    chosen = _chosen(assessment, view)
    if assessment is not None and view.reader is assessment.default_reader:
        view = replace(view, reader=None)
    controls.remember(view, explorer)
    _map_and_summary(explorer, view, assessment, chosen)
    if assessment is not None and chosen is not None:
        _card(explorer, view, assessment, chosen)


def _assessment(explorer: Explorer, view: View) -> Assessment | None:
    """The answer to the view, or None with the reason on screen."""
    if view.municipality is None:
        return None
    try:
        if view.point is not None:
            return opened.point_answer(explorer, *view.point, view.on)
        return opened.area_answer(explorer, view.municipality, view.on)
    except InputError as error:
        st.error(formats.literal(error.message_nl))
    return None


def _chosen(assessment: Assessment | None, view: View) -> Answer | None:
    if assessment is None:
        return None
    return [a for a in assessment.answers if a.activity.id == view.activity][view.band]


def _map_and_summary(explorer: Explorer, view: View, assessment: Assessment | None, chosen: Answer | None) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        mapview.show(explorer, view, chosen)
    with right:
        if assessment is None or chosen is None:
            st.header(text("web", "card"), anchor=False)
            st.markdown(text("web", "no_answer_yet"))
            return
        name = assessment.region.name
        if view.point is None:
            title = text("web", "card_area", name=name)
        else:
            x, y = (f"{value:.0f}" for value in view.point)
            title = text("web", "card_point", x=x, y=y, name=name)
        st.header(formats.literal(title), anchor=False)
        st.html(card.summary(assessment, chosen, view.map_kind))
        if view.point is not None:
            st.button(text("web", "drop_point"), on_click=controls.drop_point)
        for note in assessment.notes_nl:
            st.html(f'<p class="dgdo-note">{escape(note)}</p>')


def _card(explorer: Explorer, view: View, assessment: Assessment, chosen: Answer) -> None:
    addresses = {i: _address(explorer, view, answer) for i, answer in enumerate(assessment.answers)}
    mark = TermLinks(assessment.wordbook)
    st.header(formats.literal(text("web", "overview_place", name=assessment.region.name)), anchor=False)
    st.html(card.overview(assessment, chosen, addresses))
    depth = formats.interval(chosen.depth)
    st.header(text("web", "details", activity=chosen.activity.name_nl, depth=depth), anchor=False)
    st.html(card.details(assessment, chosen, mark))
    st.html(card_parts.geology(assessment, chosen, explorer.knowledge.parameters, mark))
    st.header(text("web", "region"), anchor=False)
    controls.choose_reader(assessment.default_reader)
    reader = view.reader or assessment.default_reader
    st.html(card_parts.concerns(assessment, chosen, reader, mark))
    st.header(text("web", "procedures"), anchor=False)
    st.html(card_parts.procedures(assessment, chosen, reader, mark))
    st.header(text("web", "receipt"), anchor=False)
    st.html(card.receipt(assessment))
    st.markdown(text("web", "share"))
    st.download_button(
        text("web", "download"),
        data=lambda: as_json(assessment),
        file_name=f"dgdo-geo-{_file_part(view)}-{assessment.on.isoformat()}.json",
        mime="application/json",
        on_click="ignore",
    )
    st.header(text("web", "glossary"), anchor=False)
    st.html(card_parts.glossary(assessment, mark))


def as_json(assessment: Assessment) -> str:
    """The answer as `dgdo-geo ask --json` prints it."""
    return json.dumps(assessment.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)


def _file_part(view: View) -> str:
    return str(view.municipality) if view.point is None else f"{view.point[0]:.0f}-{view.point[1]:.0f}"


def _address(explorer: Explorer, view: View, answer: Answer) -> str:
    bands = explorer.knowledge.activity(answer.activity.id).bands
    band = bands.index(answer.band)
    return "?" + urlencode(to_params(replace(view, activity=answer.activity.id, band=band), explorer), safe=",")

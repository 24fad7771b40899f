"""What every page begins with: the workspace, the view, what could not be understood, and the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TypeVar
from urllib.parse import urlencode

import streamlit as st

from dgdo_geo.errors import DgdoGeoError
from dgdo_geo.model import Answer, AreaAssessment, Assessment, RegionKind
from dgdo_geo.query import Explorer
from dgdo_geo.texts import text
from dgdo_geo.web import controls, formats, opened, own_area, visitor
from dgdo_geo.web.state import Place, View, to_params

A = TypeVar("A", bound=Assessment)
COPY = (
    '<div class="dgdo dgdo-copying"><button type="button" class="dgdo-copy">{words}</button> '
    '<span role="status"></span></div>'
)
"""The button that copies the link; what it does stands in dgdo-page.js."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a session on one page.

    Attributes
    ----------
    page : str
        Path of the page in the address.
    """

    page: str
    explorer: Explorer
    view: View

    def link(self, view: View, page: str | None = None) -> str:
        """Address of a view, on this page or another; relative, so that a base path in front does no harm."""
        target = self.page if page is None else page
        # The page that is open at "/" has no path of its own: from elsewhere it is the folder.
        path = "" if target == self.page else target or "./"
        return f"{path}?" + urlencode(to_params(view, self.explorer), safe=",")


def begin(page: str, title: str, intro: str) -> Turn | None:
    """Draw the head of a page; None, with the reason on screen, when the workspace cannot be opened."""
    st.title(title, anchor=False)
    if intro:
        st.markdown(intro)
    st.html(COPY.format(words=escape(text("web_shell", "copy"))))
    try:
        explorer = visitor.explorer()
    except DgdoGeoError as error:
        st.error(formats.literal(error.message_nl))
        return None
    view, problems = controls.current_view(explorer, page)
    for problem in problems:
        st.error(formats.literal(problem))
    if problems:
        st.markdown(text("web", "way_on"))
    visitor.show_own(explorer)
    return Turn(page, explorer, view)


def area_assessment(turn: Turn) -> AreaAssessment | None:
    """The answer of the chosen region, or None with the reason on screen."""
    if turn.view.place is None:
        return None
    place = turn.view.place
    try:
        return _with_remarks(turn, opened.area_answer(turn.explorer, place, turn.view.on))
    except DgdoGeoError as error:
        st.error(formats.literal(error.message_nl))
    return None


def remarks(turn: Turn, assessment: Assessment, place: Place | None) -> tuple[str, ...]:
    """What was done to an area of one's own before it was asked, and the own layers that an answer rests on; Dutch."""
    notes = visitor.remarks(turn.explorer, [state.layer.id for state in assessment.receipt.layers])
    if place is not None and place.kind is RegionKind.POLYGON and assessment.region.kind is RegionKind.POLYGON:
        notes = (*own_area.area_of(place.code).notes_nl, *notes)
    return notes


def _with_remarks(turn: Turn, assessment: A) -> A:
    """With what was done to an area of one's own before it was asked, and with the own layers that the answer rests on.

    The download says so too.
    """
    notes = remarks(turn, assessment, turn.view.place)
    return replace(assessment, notes_nl=(*notes, *assessment.notes_nl)) if notes else assessment


def point_assessment(turn: Turn, x: float, y: float) -> Assessment | None:
    """The answer at a point, or None with the reason on screen."""
    try:
        return _with_remarks(turn, opened.point_answer(turn.explorer, x, y, turn.view.on))
    except DgdoGeoError as error:
        st.error(formats.literal(error.message_nl))
    return None


def answer_of(assessment: Assessment, view: View) -> Answer:
    """The answer for the chosen activity and depth band."""
    return [a for a in assessment.answers if a.activity.id == view.activity][view.band]


def settled(turn: Turn, assessment: Assessment | None) -> View:
    """The view as it goes into the address: a reader that is the usual one is not named. It is remembered."""
    view = turn.view
    if assessment is not None and view.reader is assessment.default_reader:
        view = replace(view, reader=None)
    controls.remember(view, turn.explorer)
    return view


def notes(lines: Sequence[str]) -> None:
    """Draw what the reader must know of an answer."""
    st.html("".join(f'<p class="dgdo-note">{escape(line)}</p>' for line in lines) or "<p></p>")


def point_words(point: tuple[float, float], explorer: Explorer) -> str:
    """A point in words: its coordinates and its municipality."""
    x, y = point
    name = explorer.regions.facts[explorer.regions.municipality_at(x, y)][0]
    return text("web", "point", x=f"{x:.0f}", y=f"{y:.0f}", name=name)


def file_part(view: View) -> str:
    """The place of a view, as a part of the name of a file."""
    if view.point is not None:
        return f"{view.point[0]:.0f}-{view.point[1]:.0f}"
    if view.place is not None and view.place.kind is RegionKind.POLYGON:
        return f"eigen-vlak-{own_area.short(view.place.code)}"
    return view.place.code if view.place is not None else "nederland"

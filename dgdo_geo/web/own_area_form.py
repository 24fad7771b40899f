"""The part of a page with which a visitor asks an area of their own: drawn, typed, or from a file."""

from __future__ import annotations

import re

import streamlit as st

from dgdo_geo.errors import DgdoGeoError, InputError
from dgdo_geo.intake import area_of_corners, read_area
from dgdo_geo.model import RegionKind
from dgdo_geo.query import Explorer
from dgdo_geo.texts import text
from dgdo_geo.web import controls, formats, mapview, own_area, places, uploads
from dgdo_geo.web.frame import Turn
from dgdo_geo.web.state import Point, View

FILE, CRS, CORNERS, MAP = "vlak_bestand", "vlak_crs", "vlak_hoekpunten", "vlak_kaart"
MOST_LINES = 5_000
_FAILED = "_vlak_fout"


def show(turn: Turn, *, has_map: bool) -> None:
    """Draw the choices.

    Parameters
    ----------
    has_map : bool
        Whether the page has a map to draw on; without it the reader can ask for one here.
    """
    failed: dict[str, str] = st.session_state.pop(_FAILED, {})
    with st.expander(text("own_area", "title"), expanded=bool(failed)):
        st.markdown(text("own_area", "intro"))
        st.markdown(f"**{text('own_area', 'draw')}**")
        if has_map:
            st.markdown(text("own_area", "draw_on_map"))
        elif st.toggle(text("own_area", "draw_here"), key=MAP):
            mapview.show_to_draw(turn.explorer, turn.view)
        left, right = st.columns(2, gap="large")
        with left:
            _file(failed.get(FILE, ""))
        with right:
            _corners(failed.get(CORNERS, ""))


def _file(failed: str) -> None:
    # Beside the field, and not above the page: that may be out of sight.
    if failed:
        st.error(formats.literal(failed))
    with st.form("vlak-bestand-form", border=True):
        st.markdown(f"**{text('own_area', 'file')}**")
        st.file_uploader(text("own_area", "file_field"), key=FILE, help=None)
        st.selectbox(
            text("web_upload", "crs"), uploads.CRS_CHOICES, key=CRS, format_func=uploads.crs_label,
        )  # fmt: skip
        st.form_submit_button(text("own_area", "ask_file"), on_click=_leave_file)


def _corners(failed: str) -> None:
    if failed:
        st.error(formats.literal(failed))
    with st.form("vlak-hoekpunten-form", border=True):
        st.markdown(f"**{text('own_area', 'corners')}**")
        st.text_area(
            text("own_area", "corners_field"),
            key=CORNERS,
            placeholder=text("own_area", "corners_placeholder"),
            height=150,
        )
        st.form_submit_button(text("own_area", "ask_corners"), on_click=_leave_corners)


def remark(turn: Turn) -> None:
    """Draw why a drawing cannot be asked; and whether the link holds the area, when that is the place."""
    failed = st.session_state.pop(controls.DRAWING_FAILED, "")
    if failed:
        st.error(formats.literal(failed))
    place = turn.view.place
    if place is None or place.kind is not RegionKind.POLYGON:
        return
    key = "in_link" if own_area.is_in_link(place.code) else "not_in_link"
    area = formats.area(places.geometry(turn.explorer, place).area)
    st.info(formats.literal(text("own_area", key, area=area)))


# Callbacks --------------------------------------------------------------------------------


def _leave_file() -> None:
    """A callback: note the file for the next turn."""
    found = st.session_state.get(FILE)
    if found is None:
        st.session_state[_FAILED] = {FILE: InputError("upload_missing").message_nl}
    else:
        controls.leave(_in_file, str(found.name), bytes(found.getvalue()), str(st.session_state.get(CRS) or ""))


def _leave_corners() -> None:
    """A callback: note the corners for the next turn."""
    controls.leave(_in_corners, str(st.session_state.get(CORNERS) or ""))


def _in_file(explorer: Explorer, view: View, name: str, content: bytes, crs: str) -> View:
    try:
        with uploads.on_disk(name, content) as path:
            return controls.in_own_area(explorer, view, read_area(path, crs or None))
    except DgdoGeoError as error:
        st.session_state[_FAILED] = {FILE: uploads.for_the_page(error).message_nl}
    return view


def _in_corners(explorer: Explorer, view: View, written: str) -> View:
    try:
        return controls.in_own_area(explorer, view, area_of_corners(read_corners(written)))
    except DgdoGeoError as error:
        st.session_state[_FAILED] = {CORNERS: error.message_nl}
    return view


def read_corners(written: str) -> list[Point]:
    """Corners as people type them: one on every line, RD in metres, or longitude and latitude.

    Raises
    ------
    InputError
        Naming the line that is no pair of coordinates.
    """
    lines = [line.strip() for line in written.splitlines()]
    if len(lines) > MOST_LINES:
        raise InputError("corners_too_many", limit=MOST_LINES)
    corners = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        parts = [part.strip(" ,") for part in re.split(r";|\t", line) if part.strip(" ,")]
        if len(parts) != 2:
            parts = [part for part in re.split(r",?\s+", line) if part]
        if len(parts) != 2:
            parts = line.split(",")
        if len(parts) != 2:
            raise InputError("corner_wrong", line=number, value=line[:60])
        try:
            corners.append(controls.typed_point(*parts))
        except InputError:
            raise InputError("corner_wrong", line=number, value=line[:60]) from None
    return corners

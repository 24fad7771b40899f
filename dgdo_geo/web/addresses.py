"""The search for an address, a parcel or a water board, beside the list of places."""

from __future__ import annotations

import logging
import os
from functools import cache

import streamlit as st

from dgdo_geo.errors import DgdoGeoError
from dgdo_geo.sources import locatieserver
from dgdo_geo.sources.http import Client
from dgdo_geo.texts import text
from dgdo_geo.web import controls, formats, places
from dgdo_geo.web.frame import Turn
from dgdo_geo.web.online import is_online

URL_VARIABLE = "DGDO_LOCATIESERVER"
"""Address of the search service, where it is not PDOK's own."""
FIELD, CHOICE = "adres", "adres_keuze"
_FOUND, _FAILED = "_addresses", "_address_failed"
_log = logging.getLogger(__name__)


def search(turn: Turn) -> None:
    """Draw the search for addresses when the app may ask the service, and what to do when it may not."""
    online, has_boards = is_online(), bool(places.water_board_codes(turn.explorer))
    title = text("web_place", "more" if has_boards else "more_boards")
    with st.expander(title, expanded=online):
        if online:
            _form()
        else:
            st.markdown(text("web_place", "offline"))
        if not has_boards:
            state = turn.explorer.states.get("waterschappen")
            how = "" if state is None else state.layer.how_to_get_nl
            st.markdown(formats.literal(text("web_place", "water_boards_how", how=how)))


def _form() -> None:
    with st.form(FIELD + "-form", border=False):
        columns = st.columns([4, 1], vertical_alignment="bottom")
        columns[0].text_input(
            text("web_place", "address"), key=FIELD, placeholder=text("web_place", "address_placeholder")
        )
        columns[1].form_submit_button(text("web_place", "search"), on_click=_ask)
    session = st.session_state
    if session.get(_FAILED):
        st.warning(formats.literal(session[_FAILED]))
    found = session.get(_FOUND)
    if found:
        st.selectbox(
            text("web_place", "found", count=len(found)),
            range(len(found)),
            index=None,
            key=CHOICE,
            format_func=lambda i: _label(found[i]),
            placeholder=text("web_place", "found_placeholder"),
            on_change=_choose,
        )


def _label(item: locatieserver.Address) -> str:
    kind = text("web_place", f"kind_{item.kind}") if item.kind in locatieserver.TYPES else item.kind
    return f"{item.label} ({kind})" if kind else item.label


def _ask() -> None:
    """A callback: search, and keep what was found or why it failed. Nothing else changes."""
    session = st.session_state
    session.pop(_FOUND, None)
    session.pop(_FAILED, None)
    try:
        found = locatieserver.search(session[FIELD], _client(), os.environ.get(URL_VARIABLE) or locatieserver.URL)
    except DgdoGeoError as error:
        # Not what was typed: that may be where somebody lives.
        _log.warning("search for an address failed: %s", error.key)
        session[_FAILED] = error.message_nl
        return
    session[_FOUND] = found
    if not found:
        session[_FAILED] = text("web_place", "nothing_found")


def _choose() -> None:
    """A callback: go to the place that was chosen from what was found."""
    session = st.session_state
    chosen, found = session.get(CHOICE), session.get(_FOUND)
    if chosen is not None and found:
        controls.go_to_point(found[chosen].x, found[chosen].y)


@cache
def _client() -> Client:
    return Client(locatieserver.LIMITS)

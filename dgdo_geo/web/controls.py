"""The choices on the page and where they are kept: in the widgets, and in the address.

Streamlit runs the page from top to bottom. What a click or a form sets must
stand in the session before the widgets are drawn, so callbacks only leave a
wish (``_click``, ``_form``) that :func:`current_view` fulfils.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import streamlit as st

from dgdo_geo.errors import InputError
from dgdo_geo.model import Reader
from dgdo_geo.query import Explorer
from dgdo_geo.texts import text
from dgdo_geo.web import formats, state
from dgdo_geo.web.state import View

MUNICIPALITY, ACTIVITY, DATE, MAP_KIND, POINT = "gemeente", "activiteit", "peildatum", "kaart", "punt"
READER = "lezer"
X_FIELD, Y_FIELD = "rd_x", "rd_y"
_WRITTEN = "_written"


def current_view(explorer: Explorer) -> tuple[View, list[str]]:
    """The view before this turn's widgets are drawn, and what could not be understood."""
    session = st.session_state
    params = st.query_params.to_dict()
    problems: list[str] = []
    if _WRITTEN not in session or params != session[_WRITTEN]:
        # A new session, or the reader went back or pasted another address.
        view, problems = state.from_params(params, explorer, date.today())
        _into_session(view)
        session[_WRITTEN] = params
    for wish, fulfil in (("_click", _use_click), ("_form", _use_form)):
        if wish in session:
            try:
                fulfil(explorer, session.pop(wish))
            except InputError as error:
                problems.append(error.message_nl)
    return _from_session(explorer), problems


def choose(explorer: Explorer, view: View) -> View:
    """Draw the choices; returns the view with what was chosen."""
    names = explorer.regions.municipalities["name"].to_dict()
    activities = explorer.knowledge.activities
    columns = st.columns([3, 3, 3, 2])
    with columns[0]:
        st.selectbox(
            text("web", "municipality"),
            sorted(names, key=lambda code: formats.sorting(names[code])),
            index=None,
            key=MUNICIPALITY,
            format_func=lambda code: str(names[code]),
            placeholder=text("web", "municipality_placeholder"),
            on_change=drop_point,
        )
    with columns[1]:
        st.selectbox(
            text("web", "activity"), list(activities), key=ACTIVITY, format_func=lambda key: activities[key].name_nl
        )
    with columns[3]:
        st.date_input(text("web", "on"), key=DATE, format="DD-MM-YYYY", help=text("web", "on_help"))
    activity = st.session_state[ACTIVITY]
    bands = activities[activity].bands
    if len(bands) > 1:
        with columns[2]:
            st.selectbox(
                text("web", "depth"),
                range(len(bands)),
                key=_band_key(activity),
                format_func=lambda i: formats.band(bands[i]),
            )
    return _from_session(explorer)


def choose_reader(default: Reader) -> None:
    """Draw the choice of who reads the answer; what was chosen is in the view of the next turn."""
    if st.session_state.get(READER) is None:
        st.session_state[READER] = default
    st.radio(
        text("web", "reader"),
        list(Reader),
        key=READER,
        format_func=lambda reader: formats.first_capital(text("reader", reader.value)),
        horizontal=True,
    )


def remember(view: View, explorer: Explorer) -> None:
    """Write the view into the address, so that a link reproduces it."""
    params = state.to_params(view, explorer)
    if params != st.query_params.to_dict():
        st.query_params.from_dict(params)
    st.session_state[_WRITTEN] = params


def drop_point() -> None:
    """Back from a point to the whole municipality."""
    st.session_state[POINT] = None


def leave_click(latitude: float, longitude: float) -> None:
    """Note a click on the map for the next turn."""
    st.session_state["_click"] = (longitude, latitude)


def leave_form() -> None:
    """Note the coordinates of the form for the next turn."""
    st.session_state["_form"] = (st.session_state[X_FIELD], st.session_state[Y_FIELD])


def _use_click(explorer: Explorer, where: tuple[float, float]) -> None:
    x, y = state.rd(*where)
    # The first click picks a municipality: on the map of the whole country a click is not exact enough for a point.
    is_first = st.session_state.get(MUNICIPALITY) is None
    _go_to(explorer, x, y, keep_point=not is_first)


def _use_form(explorer: Explorer, fields: tuple[str, str]) -> None:
    _go_to(explorer, *(state.read_coordinate(field) for field in fields), keep_point=True)


def _go_to(explorer: Explorer, x: float, y: float, *, keep_point: bool) -> None:
    code = explorer.regions.municipality_at(x, y)
    st.session_state[MUNICIPALITY] = code
    st.session_state[POINT] = (x, y) if keep_point else None


def _band_key(activity: str) -> str:
    return f"diepte-{activity}"


def _into_session(view: View) -> None:
    session = st.session_state
    session[MUNICIPALITY] = view.municipality
    session[ACTIVITY] = view.activity
    session[DATE] = view.on
    session[MAP_KIND] = view.map_kind
    session[POINT] = view.point
    session[READER] = view.reader
    session[_band_key(view.activity)] = view.band


def _from_session(explorer: Explorer) -> View:
    session = st.session_state
    activity = session[ACTIVITY]
    start = state.default_view(explorer, date.today())
    return replace(
        start,
        activity=activity,
        on=session[DATE] or start.on,
        municipality=session[MUNICIPALITY],
        band=session.get(_band_key(activity), 0) or 0,
        point=session[POINT],
        map_kind=session.get(MAP_KIND) or "verdict",
        reader=session.get(READER),
    )

"""The workspace as this visitor sees it: that of the server, or a copy with the visitor's own layers."""

from __future__ import annotations

import json
import re
from html import escape

import streamlit as st

from dgdo_geo.intake import Recipe
from dgdo_geo.query import Explorer
from dgdo_geo.texts import text
from dgdo_geo.web import opened, own_layers

COOKIE = "dgdo_eigen_lagen"
"""Holds the name of a session with own layers, and is set only then; it ends with the browser."""
_TOKEN, _WAS_HERE = "_own_token", "_own_was_here"


def explorer() -> Explorer:
    """What this visitor asks.

    Raises
    ------
    DgdoGeoError
        If the workspace of the server cannot be opened.
    """
    found = own_layers.session(_token())
    st.session_state[_WAS_HERE] = st.session_state.get(_WAS_HERE, False) or found is not None
    return opened.explorer() if found is None else found.explorer


def show_own(now: Explorer) -> None:
    """Draw that the visitor looks with own layers, on every page; or that these are gone."""
    session, own = st.session_state, opened.own_layers(now)
    if own:
        names = ", ".join(now.states[layer_id].layer.title_nl for layer_id in own if layer_id in now.states)
        st.html(f'<p class="dgdo-note">{escape(text("own_layer", "banner", names=names))}</p>')
        _cookie(_token(), "")
    elif session.get(_WAS_HERE):
        session[_WAS_HERE] = False
        session.pop(_TOKEN, None)
        st.warning(text("own_layer", "over"))


def add(recipe: Recipe, now: Explorer) -> None:
    """Load the layers of a recipe for this visitor; raises as :func:`dgdo_geo.web.own_layers.add`."""
    session = st.session_state
    token = _token() or own_layers.new_token()
    own_layers.add(token, recipe, now)
    session[_TOKEN] = token


def remove() -> None:
    """A callback: take the visitor's own layers away."""
    own_layers.remove(_token())
    st.session_state.pop(_TOKEN, None)
    st.session_state[_WAS_HERE] = False


def remarks(now: Explorer, used: list[str]) -> tuple[str, ...]:
    """One sentence for an answer that rests on own layers.

    Parameters
    ----------
    used : list of str
        Ids of the layers that the answer rests on.
    """
    own = opened.own_layers(now)
    names = [f"{now.states[i].layer.title_nl} ({own[i]})" for i in used if i in own]
    return (text("own_layer", "remark", names=", ".join(names)),) if names else ()


def _token() -> str:
    """The name of the visitor's session; "" when there is none."""
    found = st.session_state.get(_TOKEN) or st.context.cookies.get(COOKIE)
    return found if isinstance(found, str) and re.fullmatch(r"[\w-]{20,64}", found) else ""


def _cookie(value: str, more: str) -> None:
    """Keep the name in the browser: a link within the app draws a new page, and that is a new session for Streamlit."""
    written = json.dumps(f"{COOKIE}={value}; SameSite=Strict; path=/{more}")
    secure = "(location.protocol === 'https:' ? '; Secure' : '')"
    st.html(f"<script>document.cookie = {written} + {secure};</script>", unsafe_allow_javascript=True)

"""The page "Lagen": which layers there are, how good they are, and why one is not loaded."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from dgdo_geo.intake import freshness
from dgdo_geo.model import Family, LayerState, LayerStatus
from dgdo_geo.report.fetched import last_fetch
from dgdo_geo.texts import text
from dgdo_geo.web import controls, frame, load_form
from dgdo_geo.web.frame import Turn
from dgdo_geo.web.render import render

PATH = "lagen"


def show() -> None:
    """Draw the page for one turn of a session."""
    turn = frame.begin(PATH, text("web_layers", "title"), text("web_layers", "intro"))
    if turn is None:
        return
    controls.choose_detail(turn.view)
    turn = replace(turn, view=frame.settled(turn, None))
    st.header(text("web_layers", "on_map"), anchor=False)
    controls.choose_layers(turn.explorer, turn.view)
    st.markdown(text("web_layers", "on_map_how"))
    load_form.show(turn)
    st.header(text("web_layers", "all"), anchor=False)
    st.html(catalogue(turn))


def catalogue(turn: Turn) -> str:
    """Every declared layer with its status, quality, date, source and licence, per family."""
    states = turn.explorer.states.values()
    fetched = freshness.read(turn.explorer.workspace.path)
    families: dict[Family, list[LayerState]] = {family: [] for family in Family}
    for state in sorted(states, key=lambda state: state.status is not LayerStatus.AVAILABLE):
        families[state.layer.family].append(state)
    return render(
        "layers.html",
        families={family: found for family, found in families.items() if found},
        fetched={layer_id: last_fetch(item) for layer_id, item in fetched.items()},
        loaded=sum(state.status is LayerStatus.AVAILABLE for state in states),
        all=len(states),
        is_full=turn.view.is_full,
    )

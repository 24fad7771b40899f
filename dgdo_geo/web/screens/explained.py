"""The page "Uitleg": how to read an answer, examples, words, and what holds for accessibility, data and privacy."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from dgdo_geo.model import LayerStatus, RegionKind
from dgdo_geo.report.written import TermLinks, anchor
from dgdo_geo.texts import text
from dgdo_geo.web import card, frame
from dgdo_geo.web.frame import Turn
from dgdo_geo.web.online import is_online
from dgdo_geo.web.places import Place
from dgdo_geo.web.render import render
from dgdo_geo.web.screens import area, here
from dgdo_geo.web.state import default_view

PATH = "uitleg"


def show() -> None:
    """Draw the page for one turn of a session."""
    turn = frame.begin(PATH, text("web_explained", "title"), text("web_explained", "intro"))
    if turn is None:
        return
    turn = replace(turn, view=frame.settled(turn, None))
    terms = sorted(turn.explorer.knowledge.wordbook.terms.values(), key=lambda term: term.term_nl.casefold())
    st.html(
        render(
            "explained.html",
            mark=TermLinks(turn.explorer.knowledge.wordbook),
            verdicts=card.OUTCOME_ORDER,
            potentials=card.POTENTIAL_ORDER,
            examples=examples(turn),
            terms=terms,
            anchor=anchor,
            attributions=attributions(turn),
            online=is_online(),
        )
    )


def examples(turn: Turn) -> dict[str, str]:
    """Per role the address of a question that works out of the box."""
    regions = turn.explorer.regions
    start = default_view(turn.explorer, turn.view.on)
    town = Place(RegionKind.MUNICIPALITY, regions.find(RegionKind.MUNICIPALITY, "Zwolle").code)
    home, other = (
        Place(RegionKind.PROVINCE, regions.find(RegionKind.PROVINCE, name).code) for name in ("Overijssel", "Drenthe")
    )
    spot = (203_000.0, 503_000.0)
    return {
        "officer": turn.link(replace(start, place=town), page=""),
        "adviser": turn.link(replace(start, place=home, compared=(other,)), page=area.PATH),
        "analyst": turn.link(replace(start, place=town, point=spot, is_full=True), page=here.PATH),
    }


def attributions(turn: Turn) -> list[str]:
    """Who made the layers that are loaded, and under which licence."""
    loaded = [s.layer for s in turn.explorer.states.values() if s.status is LayerStatus.AVAILABLE]
    told = (
        text("web_explained", "attribution", who=layer.attribution or layer.source, licence=layer.licence)
        for layer in loaded
    )
    return list(dict.fromkeys(told))

"""The web app: its head, its style and its navigation. Every page is a module of :mod:`dgdo_geo.web.screens`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dgdo_geo import maps
from dgdo_geo.texts import text
from dgdo_geo.web.screens import SCREENS, Screen

STYLE = Path(__file__).parent / "static"


def show() -> None:
    """Draw the page that the address names, for one turn of a session."""
    st.set_page_config(page_title=text("web", "browser_title"), page_icon="🗺️", layout="wide")
    css = "".join((STYLE / name).read_text(encoding="utf-8") for name in ("dgdo.css", "dgdo-pages.css"))
    st.html(f"<style>{css}{maps.pattern_css()}</style>")
    st.navigation([_page(screen) for screen in SCREENS], position="top").run()


def _page(screen: Screen) -> st.Page:
    is_first = screen is SCREENS[0]
    return st.Page(screen.show, title=screen.title, url_path=screen.path or None, default=is_first)

"""The web app: its head, its style and its navigation. Every page is a module of :mod:`dgdo_geo.web.screens`."""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

import streamlit as st

from dgdo_geo import maps
from dgdo_geo.texts import text
from dgdo_geo.web.screens import SCREENS, Screen

STYLE = Path(__file__).parent / "static"
_access = logging.getLogger("dgdo_geo.web.access")


def show() -> None:
    """Draw the page that the address names, for one turn of a session."""
    st.set_page_config(page_title=text("web", "browser_title"), page_icon="🗺️", layout="wide")
    css = "".join((STYLE / name).read_text(encoding="utf-8") for name in ("dgdo.css", "dgdo-pages.css"))
    st.html(f"<style>{css}{maps.pattern_css()}</style>")
    page = st.navigation([_page(screen) for screen in SCREENS], position="top")
    began = time.perf_counter()
    try:
        page.run()
    finally:
        # Streamlit ends a turn early with exceptions that are none; a fault of ours is one.
        is_fault = isinstance(sys.exception(), Exception)
        _note(page.url_path, "error" if is_fault else "ok", time.perf_counter() - began)


def _note(path: str, status: str, seconds: float) -> None:
    """One line of JSON per question: page, outcome and milliseconds; not what was asked, and not by whom."""
    line = {"question": f"/{path}", "status": status, "ms": round(seconds * 1e3, 1)}
    _access.log(logging.INFO if status == "ok" else logging.WARNING, "%s", json.dumps(line))


def _page(screen: Screen) -> st.Page:
    is_first = screen is SCREENS[0]
    return st.Page(screen.show, title=screen.title, url_path=screen.path or None, default=is_first)

"""The parts of the web app: page script, routes, middleware. ``app.py`` and ``serve`` put them together."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from dgdo_geo.errors import DgdoGeoError
from dgdo_geo.texts import text
from dgdo_geo.web import opened
from dgdo_geo.web.middleware import DutchHtml
from dgdo_geo.web.routes import routes

_log = logging.getLogger(__name__)


def parts(base_path: str = "") -> dict[str, Any]:
    """Arguments for ``st.App``; ``base_path`` is ``server.baseUrlPath``."""
    return {
        "script_path": Path(__file__).with_name("main.py"),
        "routes": routes(base_path),
        "middleware": [Middleware(DutchHtml)],
        "lifespan": _lifespan,
        "on_script_error": _on_error,
    }


@asynccontextmanager
async def _lifespan(app: object) -> AsyncIterator[dict[str, Any]]:
    warming = threading.Thread(target=_warm, name="open-workspace")
    warming.start()
    try:
        yield {}
    finally:
        # A process that ends while GEOS is at work in another thread crashes on its way out.
        await asyncio.to_thread(warming.join)


def _warm() -> None:
    """Open the workspace before the first visitor comes; what is wrong, the page will say."""
    try:
        opened.explorer().warm()
    except DgdoGeoError as error:
        _log.error("%s", error)


def _on_error(error: Exception) -> bool:
    """A fault of ours: the traceback for the log, a sentence for the reader."""
    _log.error("error in page", exc_info=error)
    st.error(text("web", "our_fault"))
    return True

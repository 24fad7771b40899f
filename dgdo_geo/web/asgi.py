"""The parts of the web app: page script, routes, middleware. ``app.py`` and ``serve`` put them together."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from dgdo_geo.errors import DgdoGeoError
from dgdo_geo.texts import text
from dgdo_geo.web import opened, tiles
from dgdo_geo.web.middleware import AccessLog, DutchHtml, SafeHeaders
from dgdo_geo.web.routes import routes

LOG_VARIABLE = "DGDO_LOG_REQUESTS"
"""Set to 1 for a line of JSON for every request on standard error; else only failures are logged."""

_log = logging.getLogger(__name__)


def parts(base_path: str = "") -> dict[str, Any]:
    """Arguments for ``st.App``; ``base_path`` is ``server.baseUrlPath``."""
    _log_to_standard_error()
    return {
        "script_path": Path(__file__).with_name("main.py"),
        "routes": routes(base_path),
        "middleware": [Middleware(AccessLog, base_path=base_path), Middleware(SafeHeaders), Middleware(DutchHtml)],
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
        explorer = opened.explorer()
        explorer.warm()
        # The maps of provinces, regions and the country, and the areas behind their tables.
        tiles.warm(explorer)
        explorer.build_overlay()
        opened.settle()
    except DgdoGeoError as error:
        _log.error("%s", error)


def _log_to_standard_error() -> None:
    """Our own lines as they are; whoever set up logging before us keeps that."""
    ours = logging.getLogger("dgdo_geo")
    if ours.handlers or logging.getLogger().handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    ours.propagate = False
    if os.environ.get(LOG_VARIABLE) != "1":
        logging.getLogger("dgdo_geo.web.access").setLevel(logging.WARNING)


class _Lines(logging.Formatter):
    """A log of one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as JSON; the fields of a request stand beside its time and level."""
        said = record.getMessage()
        about = {"time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"), "level": record.levelname.lower()}
        is_request = record.name == "dgdo_geo.web.access"
        body = json.loads(said) if is_request else {"logger": record.name, "message": said}
        if record.exc_info:
            body["traceback"] = self.formatException(record.exc_info)
        return json.dumps(about | body, ensure_ascii=False)


def _on_error(error: Exception) -> bool:
    """A fault of ours: the traceback for the log, a sentence for the reader."""
    _log.error("error in page", exc_info=error)
    st.error(text("web", "our_fault"))
    return True

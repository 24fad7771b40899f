"""What the person who starts the web app allows: asking other computers, and saving layers of visitors."""

from __future__ import annotations

import os
import secrets

INSTANCE = secrets.token_hex(6)
"""Name of this process: a page in a browser tells by it that the server was started again."""

ONLINE_VARIABLE = "DGDO_ONLINE"
"""Set to 1 by ``serve --online``; everything else is off."""

SAVE_VARIABLE = "DGDO_LADEN"
"""Set to 1 by ``serve --laden``: visitors may save a layer into the workspace of the server."""


def may_save() -> bool:
    """True when visitors may save a layer into the workspace of the server."""
    return os.environ.get(SAVE_VARIABLE, "").strip() == "1"


def is_online() -> bool:
    """True when the national base map and the search for addresses may be asked."""
    return os.environ.get(ONLINE_VARIABLE, "").strip() == "1"

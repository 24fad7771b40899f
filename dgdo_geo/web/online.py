"""Whether the web app may ask other computers: off, unless the person who starts it says so."""

from __future__ import annotations

import os

ONLINE_VARIABLE = "DGDO_ONLINE"
"""Set to 1 by ``serve --online``; everything else is off."""


def is_online() -> bool:
    """True when the national base map and the search for addresses may be asked."""
    return os.environ.get(ONLINE_VARIABLE, "").strip() == "1"

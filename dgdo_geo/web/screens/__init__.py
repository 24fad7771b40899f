"""The pages of the web app, one small module each, in the order of the navigation.

The folder is not called ``pages``: Streamlit would take every module in it for a page of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dgdo_geo.texts import text
from dgdo_geo.web.screens import area, explained, here, layers, rules, what_where


@dataclass(frozen=True, slots=True)
class Screen:
    """A page.

    Attributes
    ----------
    path : str
        In the address; empty for the page that the app opens with.
    show : callable
        Draws the page for one turn of a session.
    """

    path: str
    title: str
    show: Callable[[], None]


SCREENS = (
    Screen(what_where.PATH, text("web_nav", "what_where"), what_where.show),
    Screen(here.PATH, text("web_nav", "here"), here.show),
    Screen(area.PATH, text("web_nav", "area"), area.show),
    Screen(layers.PATH, text("web_nav", "layers"), layers.show),
    Screen(rules.PATH, text("web_nav", "rules"), rules.show),
    Screen(explained.PATH, text("web_nav", "explained"), explained.show),
)

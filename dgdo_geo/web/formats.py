"""How numbers, days, depths and addresses are written for the reader."""

from __future__ import annotations

import math
import re
import unicodedata

from dgdo_geo.model import Band, DepthInterval, DepthRange
from dgdo_geo.texts import number_nl, section, text


def area(m2: float | None) -> str:
    """An area in km2, with the decimals that make sense.

    >>> area(123_456_789), area(1_234_567), area(2_000)
    ('123,5 km²', '1,23 km²', '< 0,01 km²')
    """
    if m2 is None:
        return ""
    km2 = m2 / 1e6
    if 0 < km2 < 0.01:
        return f"< {number_nl(0.01, 2)} km²"
    return f"{number_nl(km2, 1 if km2 >= 10 else 2)} km²"


def km(metres: float) -> str:
    """A distance in km, without the unit.

    >>> km(12_345), km(1_234), km(0)
    ('12', '1,2', '0')
    """
    return number_nl(metres / 1000, 0 if metres == 0 or metres >= 10_000 else 1)


def percent(share: float | None) -> str:
    """A share in percent; a small part is never 0 %, and nearly all is never 100 %.

    >>> percent(0.1234), percent(0.0002), percent(0.9999), percent(1 - 1e-12)
    ('12,3%', '< 0,1%', '> 99,9%', '100%')
    """
    if share is None:
        return ""
    if share >= 1 - 1e-9:
        return "100%"
    if share >= 0.9995:
        return "> 99,9%"
    if 0 < share < 0.0005:
        return "< 0,1%"
    return f"{number_nl(share * 100, 1)}%"


def quantity(value: float, unit: str) -> str:
    """A number with its unit.

    >>> quantity(45, "graden Celsius"), quantity(2000, "m -mv"), quantity(-2.5, "Dm")
    ('45 graden Celsius', '2000 m onder maaiveld', '-2,5 Dm')
    """
    return f"{metres(value)} {section('web_unit').get(unit, unit)}"


def first_capital(words: str) -> str:
    """A sentence that begins with a capital; the rest stays as it is.

    >>> first_capital("de norm is van het Rijk")
    'De norm is van het Rijk'
    """
    return words[:1].upper() + words[1:]


def lower_first(words: str) -> str:
    """A name inside a sentence; an abbreviation keeps its capitals.

    >>> lower_first("Diepe aardwarmte"), lower_first("CO2-opslag onder land")
    ('diepe aardwarmte', 'CO2-opslag onder land')
    """
    return words if words[:2].isupper() or words[1:2].isdigit() else words[:1].lower() + words[1:]


def metres(value: float) -> str:
    """A depth as a plain number; in Dutch, depths under 10 km are written without a point."""
    return number_nl(value, 0 if float(value).is_integer() else 1).replace(".", "")


def interval(depth: DepthInterval) -> str:
    """A depth band.

    >>> interval(DepthInterval(1250, 4000))
    '1250 tot 4000 m'
    """
    return text("web_depth", "interval", top=metres(depth.top_m), base=metres(depth.base_m))


def band(item: Band) -> str:
    """A depth band with its name, where it has one.

    >>> band(Band(top_m=300, base_m=800, label_nl="zoals in Twente"))
    '300 tot 800 m (zoals in Twente)'
    """
    depth = interval(item.interval)
    return f"{depth} ({item.label_nl})" if item.label_nl else depth


def depth_range(depth: DepthRange) -> str:
    """The vertical extent of a feature, with what is not known about it.

    >>> depth_range(DepthRange(top_min_m=80, top_max_m=80))
    'vanaf 80 m diep, ondergrens niet vastgelegd'
    """
    return f"{_top(depth)}, {_base(depth)}" if depth != DepthRange() else text("web_depth", "whole")


def _top(depth: DepthRange) -> str:
    if math.isinf(depth.top_max_m):
        key = "top_unknown" if depth.top_min_m == 0 else "top_unknown_below"
        return text("web_depth", key, low=metres(depth.top_min_m))
    if depth.top_max_m == 0:
        return text("web_depth", "top_surface")
    if depth.top_min_m == depth.top_max_m:
        return text("web_depth", "top", low=metres(depth.top_min_m))
    return text("web_depth", "top_between", low=metres(depth.top_min_m), high=metres(depth.top_max_m))


def _base(depth: DepthRange) -> str:
    if math.isinf(depth.base_min_m):
        return text("web_depth", "base_open")
    if math.isinf(depth.base_max_m):
        return text("web_depth", "base_unknown")
    if depth.base_min_m == depth.base_max_m:
        return text("web_depth", "base", low=metres(depth.base_min_m))
    return text("web_depth", "base_between", low=metres(depth.base_min_m), high=metres(depth.base_max_m))


def sorting(name: str) -> str:
    """Key to put Dutch names in the order of a register: without ’s, ’t and accents.

    >>> sorted(["Zwolle", "'s-Gravenhage", "Ede"], key=sorting)
    ['Ede', "'s-Gravenhage", 'Zwolle']
    """
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in plain.removeprefix("'s-").removeprefix("'s ").removeprefix("'t ") if c.isalnum())


def literal(words: str) -> str:
    r"""Words for a place that reads Markdown: no sign makes a link, a picture or a mark-up.

    For names and for what a visitor typed.

    >>> literal("![x](http://e) *a*")
    '\\!\\[x\\](http:\\/\\/e) \\*a\\*'
    >>> literal("Kaart: Warmteopslag (HTO) in Zwolle")
    'Kaart: Warmteopslag (HTO) in Zwolle'
    """
    escaped = re.sub(r"([\\`*_\[\]<>#!|$~@])", r"\\\1", words)
    return escaped.replace("://", r":\/\/").replace("www.", r"www\.")

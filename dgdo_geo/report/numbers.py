"""Numbers and depths in Dutch notation."""

from __future__ import annotations

import math

from dgdo_geo.model import DepthRange
from dgdo_geo.texts import number_nl, text


def km2_nl(area_m2: float) -> str:
    """An area in km2, with more decimals where it is small.

    >>> km2_nl(123_456_789), km2_nl(12_300), km2_nl(4.0)
    ('123,5 km²', '0,01 km²', 'minder dan 0,01 km²')
    """
    km2 = area_m2 / 1e6
    if 0 < km2 < 0.005:
        return text("numbers", "less_than", value=number_nl(0.01, 2))
    return f"{number_nl(km2, 1 if km2 >= 10 else 2)} km²"


def share_nl(share: float) -> str:
    """A share as a percentage that never rounds something to nothing, or a part to the whole.

    >>> share_nl(0.5), share_nl(0.0004), share_nl(0.9996), share_nl(1.0), share_nl(0.0)
    ('50 %', '< 1 %', '> 99 %', '100 %', '0 %')
    """
    percent = share * 100
    if 0 < percent < 0.5:
        return "< 1 %"
    if 99.5 <= percent < 100 - 1e-9:
        return "> 99 %"
    return f"{number_nl(percent)} %"


def depth_nl(depth: DepthRange) -> str:
    """The depth range of a feature in words.

    >>> depth_nl(DepthRange(80, 80))
    'vanaf 80 m onder maaiveld; ondergrens niet vastgelegd'
    >>> depth_nl(DepthRange(0, math.inf))
    'grensdiepte niet bekend; ondergrens niet vastgelegd'
    >>> depth_nl(DepthRange())
    'hele kolom vanaf maaiveld; ondergrens niet vastgelegd'
    """
    if math.isinf(depth.top_max_m):
        top = text("numbers", "top_unknown")
    elif depth.top_max_m == 0:
        top = text("numbers", "top_whole")
    elif depth.top_min_m == depth.top_max_m:
        top = text("numbers", "top", top=number_nl(depth.top_max_m))
    else:
        top = text("numbers", "top_range", low=number_nl(depth.top_min_m), high=number_nl(depth.top_max_m))
    if math.isinf(depth.base_min_m):
        base = text("numbers", "base_open")
    elif math.isinf(depth.base_max_m):
        base = text("numbers", "base_unknown")
    elif depth.base_min_m == depth.base_max_m:
        base = text("numbers", "base", base=number_nl(depth.base_max_m))
    else:
        base = text("numbers", "base_range", low=number_nl(depth.base_min_m), high=number_nl(depth.base_max_m))
    return f"{top}; {base}"

"""Where regions lie in the Netherlands: a small map with the provinces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from dgdo_geo.model import LAND_BOUNDS
from dgdo_geo.query import Explorer
from dgdo_geo.report.pictures.ground import Frame
from dgdo_geo.report.pictures.svg import INK, PAPER, group, label, path_data, picture, tag
from dgdo_geo.texts import text

WIDTH = 118.0
SMALLEST_PX = 6.0
"""A region that is smaller gets a ring around it."""


def locator(explorer: Explorer, shapes: Sequence[tuple[str, shapely.Geometry]], *, width: float = WIDTH) -> str:
    """The provinces in outline with the regions in dark; with more than one region each has its number.

    Parameters
    ----------
    shapes : sequence of (name, polygon)
        EPSG:28992.
    """
    west, south, east, north = LAND_BOUNDS
    frame = Frame(west, north, (east - west) / width, width, (north - south) / ((east - west) / width))
    provinces = shapely.coverage_simplify(explorer.regions.provinces.geometry.to_numpy(), frame.m_per_px)
    land = "".join(path_data(shape) for shape in frame.pixels(provinces))
    parts = [tag("path", d=land, fill="#e8ebee", stroke="#8a949e", stroke_width=0.5)]
    for i, (_, shape) in enumerate(shapes):
        parts.append(_shown(frame, shape, str(i + 1) if len(shapes) > 1 else ""))
    names = ", ".join(name for name, _ in shapes)
    alt = text("pictures", "locator_alt", names=names)
    return picture(frame.width, frame.height, group(parts), alt=alt)


def _shown(frame: Frame, shape: shapely.Geometry, words: str) -> str:
    pixels = frame.pixels(np.array([shape], object))[0]
    drawn = path_data(shapely.simplify(pixels, 0.5, preserve_topology=True))
    x0, y0, x1, y1 = pixels.bounds
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    parts = [tag("path", d=drawn, fill="#154273", stroke="#154273", stroke_width=0.5)]
    if max(x1 - x0, y1 - y0) < 2 * SMALLEST_PX:
        parts.append(tag("circle", cx=x, cy=y, r=SMALLEST_PX, fill="none", stroke=INK, stroke_width=1.2))
    if words:
        halo = {"stroke": PAPER, "stroke_width": 2.4, "stroke_linejoin": "round", "paint_order": "stroke"}
        parts.append(label(words, x, y + 4, size=11, anchor="middle", font_weight="bold", **halo))
    return group(parts)

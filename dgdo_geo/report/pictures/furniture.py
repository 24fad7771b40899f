"""What a map needs beside the map: scale bar, north arrow, legend, mark, names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from dgdo_geo.report.pictures.ground import Frame
from dgdo_geo.report.pictures.svg import INK, PAPER, SOFT, group, label, number, path_data, pattern_id, tag, width_of
from dgdo_geo.texts import number_nl, text

ROUND_M = tuple(step * 10**power for power in range(1, 6) for step in (1, 2, 5))
"""Lengths that a scale bar may have, in metres."""
BAR_SHARE = 0.36
"""Longest scale bar, as part of the width of a map."""
NAME_SIZES = (9.5, 8.0)
"""Sizes of names, the largest that fits is used."""
MARK_STEP = (210.0, 130.0)
"""Distance between the words of the mark, across and down."""


Box = tuple[float, float, float, float]
"""West, top, east and base in pixels."""


def scale_bar(frame: Frame, outline: shapely.Geometry | None = None) -> tuple[str, Box]:
    """A bar with a round length, in the corner where it covers least of the region; and the room that it takes.

    >>> "10 km" in scale_bar(Frame(0, 0, 100.0, 330.0, 300.0))[0]
    True
    """
    length_m = max(m for m in ROUND_M if m / frame.m_per_px <= frame.width * BAR_SHARE or m == ROUND_M[0])
    length = length_m / frame.m_per_px
    words = f"{number_nl(length_m / 1000)} km" if length_m >= 1000 else f"{number_nl(length_m)} m"
    wide, tall = length + width_of(words, 9) / 2 + 16, 25.0
    west, top = _corner(frame, wide, tall, outline, ("south-west", "south-east", "north-west"))
    x, y = west + 6, top + 18
    half = tag("rect", x=x, y=y, width=length / 2, height=4.0, fill=INK)
    whole = tag("rect", x=x, y=y, width=length, height=4.0, fill=PAPER, stroke=INK, stroke_width=0.8)
    ends = label("0", x, y - 4, size=9) + label(words, x + length, y - 4, size=9, anchor="middle")
    box = (west, top, west + wide, top + tall)
    return group([_ground(box), whole, half, ends]), box


def north_arrow(frame: Frame, outline: shapely.Geometry | None = None) -> tuple[str, Box]:
    """An arrow with its letter, east or west in the north; RD north is up. And the room that it takes."""
    west, top = _corner(frame, 22.0, 37.0, outline, ("north-east", "north-west"))
    x, y = west + 11, top + 5
    left = tag("path", d=f"M{number(x)},{number(y)}l-6,19l6,-4.5z", fill=INK)
    right = tag("path", d=f"M{number(x)},{number(y)}l6,19l-6,-4.5z", fill=PAPER, stroke=INK, stroke_width=0.8)
    word = label(text("pictures", "north"), x, y + 29, size=9.5, anchor="middle", font_weight="bold")
    box = (west, top, west + 22, top + 37)
    return group([_ground(box), left, right, word]), box


def _ground(box: Box) -> str:
    west, top, east, base = box
    return tag("rect", x=west, y=top, width=east - west, height=base - top, fill=PAPER, fill_opacity=0.88)


def _corner(
    frame: Frame, wide: float, tall: float, outline: shapely.Geometry | None, corners: Sequence[str]
) -> tuple[float, float]:
    """North-west point of a box in the corner where it covers least of a shape; the first of equals."""
    places = {
        "south-west": (5.0, frame.height - tall - 5),
        "south-east": (frame.width - wide - 5, frame.height - tall - 5),
        "north-west": (5.0, 5.0),
        "north-east": (frame.width - wide - 5, 5.0),
    }

    def covered(corner: str) -> float:
        x, y = places[corner]
        return 0.0 if outline is None else float(outline.intersection(shapely.box(x, y, x + wide, y + tall)).area)

    return places[min(corners, key=covered)]


def watermark(frame: Frame, words: str) -> str:
    """Slanted words all over the map, for data that are not exact."""
    step_x, step_y = MARK_STEP
    marks = []
    for row in range(int(frame.height // step_y) + 2):
        for column in range(int(frame.width // step_x) + 2):
            x = column * step_x + (row % 2) * step_x / 2
            y = row * step_y + 60
            turn = f"rotate(-24 {number(x)} {number(y)})"
            marks.append(label(words, x, y, size=17, anchor="middle", transform=turn))
    return group(marks, fill="#5c2c00", fill_opacity="0.3", font_weight="bold", letter_spacing="2.5")


def legend(
    kind: str, keys: Sequence[str], x: float, y: float, width: float, *, section: str, prefix: str
) -> tuple[str, float]:
    """Samples with their words, in as many columns as fit; returns the height as well."""
    names = [text(section, key) for key in keys]
    column = max((width_of(name, 9.5) for name in names), default=0.0) + 32
    columns = max(1, min(len(keys), int(width // column)))
    rows = -(-len(keys) // columns)
    parts = []
    for i, (key, name) in enumerate(zip(keys, names, strict=True)):
        left, top = x + (i % columns) * (width / columns), y + (i // columns) * 17
        fill = f"url(#{pattern_id(kind, key, prefix)})"
        parts.append(tag("rect", x=left, y=top, width=22.0, height=12.0, fill=fill, stroke=INK, stroke_width=0.6))
        parts.append(label(name, left + 27, top + 9.8, size=9.5))
    return group(parts), rows * 17.0


def names(units: Sequence[tuple[str, bool, shapely.Geometry]], taken: Sequence[Box] = ()) -> str:
    """Names where they fit: inside their municipality, the largest first, and never over each other."""
    inside = [(name, shape) for name, is_inside, shape in units if is_inside]
    if len(inside) < 2:
        return ""
    kept: list[Box] = list(taken)
    parts = []
    order = sorted(inside, key=lambda item: -item[1].area)
    for name, shape in order:
        place = _room(name, shape, kept)
        if place is None:
            continue
        size, x, y, box = place
        kept.append(box)
        halo = {"stroke": PAPER, "stroke_width": 2.4, "stroke_linejoin": "round", "paint_order": "stroke"}
        parts.append(label(name, x, y + size * 0.35, size=size, anchor="middle", **halo))
    return group(parts)


def _room(name: str, shape: shapely.Geometry, kept: Sequence[Box]) -> tuple[float, float, float, Box] | None:
    """Size and place of a name in its municipality, with the room it takes; None where there is none."""
    largest = max(shapely.get_parts(shape), key=lambda part: part.area)
    west, south, east, north = largest.bounds
    for size in NAME_SIZES:
        half, tall = width_of(name, size) / 2, size * 0.6
        if 2 * half > east - west:
            continue
        x, y = np.meshgrid(np.linspace(west + half, east - half, 7), np.linspace(south + tall, north - tall, 9))
        boxes = shapely.box(x - half, y - tall, x + half, y + tall).ravel()
        shapely.prepare(largest)
        fits = shapely.contains(largest, boxes)
        middle = shapely.distance(shapely.points(x.ravel(), y.ravel()), largest.centroid)
        for i in np.argsort(middle, kind="stable"):
            west_x, top_y, east_x, base_y = shapely.bounds(boxes[i])
            is_free = not any(west_x < b[2] and b[0] < east_x and top_y < b[3] and b[1] < base_y for b in kept)
            if fits[i] and is_free:
                return size, float(x.ravel()[i]), float(y.ravel()[i]), (west_x, top_y, east_x, base_y)
    return None


def outside(units: Sequence[tuple[str, bool, shapely.Geometry]]) -> str:
    """The neighbours in light grey."""
    return _outlines([shape for _, is_inside, shape in units if not is_inside], "#f1f1ef", "#c4c8cc", 0.6)


def borders(units: Sequence[tuple[str, bool, shapely.Geometry]]) -> str:
    """Thin lines between the municipalities of the region."""
    return _outlines([shape for _, is_inside, shape in units if is_inside], "none", SOFT, 0.7)


def _outlines(shapes: Sequence[shapely.Geometry], fill: str, stroke: str, stroke_width: float) -> str:
    data = "".join(path_data(shape) for shape in shapes)
    return tag("path", d=data, fill=fill, stroke=stroke, stroke_width=stroke_width) if data else ""

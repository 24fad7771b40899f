"""The map of a region for one activity: what geology offers, what the maps point to, the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import shapely

from dgdo_geo.model.patterns import PATTERNS
from dgdo_geo.report.pictures import furniture
from dgdo_geo.report.pictures.ground import Ground
from dgdo_geo.report.pictures.svg import (
    INK,
    PAPER,
    SOFT,
    group,
    label,
    number,
    path_data,
    pattern_id,
    patterns,
    picture,
    tag,
    wrapped,
)
from dgdo_geo.texts import number_nl, text

GAP = 16.0
"""Between maps beside each other."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One map of the picture.

    Attributes
    ----------
    title : str
    kind : {"verdict", "found", "potential"}
    parts : mapping of word to polygons
        In pixels of the frame; see :meth:`Ground.parts`.
    """

    title: str
    kind: str
    ground: Ground
    parts: Mapping[str, shapely.Geometry]


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands below a map.

    Attributes
    ----------
    day : str
        The peildatum in words.
    attribution : str
        Who made the layers that the map rests on; "" for a map on a page that says so below.
    is_schematic : bool
        The map rests on schematic or example data and carries the mark.
    """

    day: str
    attribution: str
    is_schematic: bool


def region_map(panels: Sequence[Panel], caption: Caption, *, alt: str, prefix: str = "") -> str:
    """One or more maps beside each other, with their legends, scale bars and north arrows, and one caption.

    Parameters
    ----------
    panels : sequence of Panel
        One kind of map twice has one legend below each.
    alt : str
        The numbers that the picture shows, in words.
    prefix : str
        Before the ids in the picture, to tell pictures in one page apart.
    """
    height = max(panel.ground.frame.height for panel in panels)
    parts, defs, left, lowest = [], [], 0.0, 0.0
    for i, panel in enumerate(panels):
        clip = f"{prefix}map{i}"
        frame = panel.ground.frame
        defs.append(_clips(panel.ground, clip))
        drawn = [label(panel.title, 0.0, 12.0, size=11, font_weight="bold")]
        drawn.append(group([_panel(panel, caption, clip, prefix)], transform="translate(0 20)"))
        keys = [key for key in PATTERNS[panel.kind] if key in panel.parts]
        section = "potential" if panel.kind == "potential" else "verdict"
        top = 20 + height + 9
        legend, tall = furniture.legend(panel.kind, keys, 0.0, top, frame.width, section=section, prefix=prefix)
        lowest = max(lowest, top + tall)
        parts.append(group([*drawn, legend], transform=f"translate({number(left)} 0)"))
        left += frame.width + GAP
    width = left - GAP
    lines = _caption_lines(panels, caption, width)
    parts += [label(line, 0.0, lowest + 11 + 11.5 * i, size=8.5, fill=SOFT) for i, line in enumerate(lines)]
    used = [(panel.kind, key) for panel in panels for key in panel.parts]
    defs.append(patterns(used, prefix))
    return picture(width, lowest + 6 + 11.5 * len(lines), "".join(parts), alt=alt, defs="".join(defs))


def _panel(panel: Panel, caption: Caption, clip: str, prefix: str) -> str:
    ground, frame = panel.ground, panel.ground.frame
    edge = tag("rect", x=0.0, y=0.0, width=frame.width, height=frame.height, fill="none", stroke=INK, stroke_width=0.8)
    below, above, names = _same(ground)
    dashes = "4 3" if caption.is_schematic else None
    drawn = [
        tag(
            "path",
            d=path_data(shape),
            fill=f"url(#{pattern_id(panel.kind, key, prefix)})",
            stroke=PATTERNS[panel.kind][key].line,
            stroke_width=0.8,
            stroke_dasharray=dashes,
        )
        for key, shape in panel.parts.items()
    ]
    inside = [
        tag("rect", x=0.0, y=0.0, width=frame.width, height=frame.height, fill=PAPER),
        below,
        group(drawn, clip_path=f"url(#{clip}-region)"),
        above,
    ]
    if caption.is_schematic:
        inside.append(furniture.watermark(frame, text("web_map", "watermark")))
    inside.append(names)
    return group(inside, clip_path=f"url(#{clip}-frame)") + edge


@lru_cache(maxsize=8)
def _same(ground: Ground) -> tuple[str, str, str]:
    """What all maps of a region share: the neighbours below, the lines above, the names on top."""
    outline = tag(
        "path", d=outline_data(ground), fill="none", stroke=INK, stroke_width=1.7, stroke_linejoin="round"
    )  # fmt: skip
    above = furniture.borders(ground.units) + outline
    arrow, arrow_box = furniture.north_arrow(ground.frame, ground.outline)
    bar, bar_box = furniture.scale_bar(ground.frame, ground.outline)
    names = furniture.names(ground.units, (arrow_box, bar_box))
    return furniture.outside(ground.units), above, names + bar + arrow


@lru_cache(maxsize=8)
def outline_data(ground: Ground) -> str:
    """The outline of a region as the ``d`` of a path."""
    return path_data(shapely.simplify(ground.outline, 0.4))


def _clips(ground: Ground, clip: str) -> str:
    frame = tag("rect", x=0.0, y=0.0, width=ground.frame.width, height=ground.frame.height)
    region = tag("path", d=outline_data(ground))
    return tag("clipPath", frame, id=f"{clip}-frame") + tag("clipPath", region, id=f"{clip}-region")


def _caption_lines(panels: Sequence[Panel], caption: Caption, width: float) -> list[str]:
    cell = number_nl(max(panel.ground.cell_m for panel in panels))
    lines = [text("pictures", "caption", day=caption.day, cell=cell)]
    if not caption.attribution:
        lines = [text("pictures", "caption_short", day=caption.day, cell=cell)]
    if caption.is_schematic:
        lines.append(text("pictures", "caption_schematic"))
    if caption.attribution:
        lines.append(text("pictures", "caption_source", names=caption.attribution))
    return [line for words in lines for line in wrapped(words, width, 8.5)]

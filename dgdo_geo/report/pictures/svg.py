"""Elements of SVG as text: escaped, with fixed decimals, so that equal pictures are equal files."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.model.patterns import MOTIF_PX, PATTERNS
from dgdo_geo.report.letters import shown

INK, SOFT, PAPER = "#15202b", "#4a5560", "#ffffff"
"""Of text and outlines, of lesser text, and of the ground."""
EDGE = 1
"""Pixels around a picture, so that no line at its edge is cut in half."""
FONT = "'DGDO Sans','Source Sans 3','Source Sans Pro',Arial,sans-serif"
_WIDE, _NARROW, _USUAL = "mwMWABCDGHKNOQRUVXYÀ%@#&", "iljtfrI.,:;'!|()[] -", 0.6
"""Letters that are wider and narrower than most, and the width of most, as part of the size of the letters."""


def number(value: float) -> str:
    """A coordinate in pixels with one decimal.

    >>> number(3.04), number(-0.01), number(12.25)
    ('3', '0', '12.2')
    """
    written = f"{value:.1f}".removesuffix(".0")
    return "0" if written == "-0" else written


def tag(name: str, content: str = "", /, **attributes: object) -> str:
    """An element; ``stroke_width`` becomes ``stroke-width`` and ``class_`` ``class``; what is None is left out.

    >>> tag("line", x1=0, y1=1.5, stroke_width=2, id=None)
    '<line x1="0" y1="1.5" stroke-width="2"/>'
    >>> tag("text", words("a < b"), x=1)
    '<text x="1">a &lt; b</text>'
    """
    listed = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{number(value) if isinstance(value, float) else escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{listed}>{content}</{name}>" if content else f"<{name}{listed}/>"


def words(text: str) -> str:
    """Text as the content of an element; letters that no font has are written as their number."""
    return escape(shown(text), quote=False)


def label(text: str, x: float, y: float, *, size: float = 10.0, anchor: str = "start", **more: object) -> str:
    """A line of text."""
    return tag("text", words(text), x=x, y=y, font_size=size, text_anchor=anchor, **more)


def width_of(text: str, size: float) -> float:
    """About how wide a line of text is, in pixels; rather too much than too little."""
    total = sum(0.85 if c in _WIDE else 0.36 if c in _NARROW else _USUAL for c in text)
    return total * size


def wrapped(text: str, width: float, size: float, most: int = 4) -> list[str]:
    """A text in lines of at most a width; what does not fit in the last line ends in "…"."""
    lines: list[str] = []
    for word in text.split():
        if lines and width_of(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    kept = lines[:most]
    if len(lines) > most:
        kept[-1] += " …"
    return [_cut(line, width, size) for line in kept]


def _cut(line: str, width: float, size: float) -> str:
    """A line that fits; a word longer than the line is cut off."""
    if width_of(line, size) <= width:
        return line
    while line and width_of(line + "…", size) > width:
        line = line[: max(len(line) - 1, 0)]
    return line + "…"


def picture(width: float, height: float, content: str, *, alt: str, defs: str = "") -> str:
    """A whole picture; its name for screen readers is the alternative text."""
    return tag(
        "svg",
        (tag("defs", defs) if defs else "") + content,
        xmlns="http://www.w3.org/2000/svg",
        role="img",
        aria_label=shown(alt) or None,
        width=float(width + 2 * EDGE),
        height=float(height + 2 * EDGE),
        viewBox=f"{-EDGE} {-EDGE} {number(width + 2 * EDGE)} {number(height + 2 * EDGE)}",
        font_family=FONT,
        fill=INK,
    )


def group(parts: Iterable[str], /, **attributes: object) -> str:
    """Elements together."""
    return tag("g", "".join(parts), **attributes)


def pattern_id(kind: str, key: str, prefix: str = "") -> str:
    """Name of a pattern in a picture; ``prefix`` tells pictures in one page apart."""
    return f"{prefix}p-{kind}-{key}"


def patterns(used: Iterable[tuple[str, str]], prefix: str = "", scale: float = 1.0) -> str:
    """The definitions of the patterns that a picture uses, as pairs of kind and key."""
    size = number(MOTIF_PX)
    return "".join(
        tag(
            "pattern",
            PATTERNS[kind][key].tile(),
            id=pattern_id(kind, key, prefix),
            width=size,
            height=size,
            patternUnits="userSpaceOnUse",
            patternTransform=None if scale == 1.0 else f"scale({scale:g})",
        )
        for kind, key in sorted(set(used))
    )


def path_data(geometry: shapely.Geometry) -> str:
    """The outlines of polygons and lines in pixels as the ``d`` of a path, rings closed, steps relative.

    >>> path_data(shapely.box(0, 0, 10, 5))
    'M10,0v5h-10v-5z'
    """
    pieces = []
    for part in (p for p in shapely.get_parts(geometry) if not p.is_empty):
        if part.geom_type == "Polygon":
            pieces += [
                _ring(shapely.get_coordinates(ring), is_closed=True) for ring in (part.exterior, *part.interiors)
            ]
        else:
            pieces.append(_ring(shapely.get_coordinates(part), is_closed=False))
    return "".join(pieces)


def _ring(xy: NDArray[np.float64], *, is_closed: bool) -> str:
    """Tenths of a pixel, so that steps add up without a remainder."""
    tenths = np.rint(xy * 10).astype(np.int64)
    steps = np.diff(tenths, axis=0)
    kept = np.concatenate([[True], (steps != 0).any(axis=1)])
    tenths = tenths[kept]
    if is_closed and len(tenths) > 1 and (tenths[0] == tenths[-1]).all():
        tenths = tenths[:-1]
    if len(tenths) < (3 if is_closed else 2):
        return ""
    written = [f"M{number(tenths[0, 0] / 10)},{number(tenths[0, 1] / 10)}"]
    written += [_step(dx, dy) for dx, dy in np.diff(tenths, axis=0).tolist()]
    return "".join(written) + ("z" if is_closed else "")


def _step(dx: int, dy: int) -> str:
    if dy == 0:
        return f"h{_tenth(dx)}"
    if dx == 0:
        return f"v{_tenth(dy)}"
    return f"l{_tenth(dx)},{_tenth(dy)}"


def _tenth(value: int) -> str:
    whole, rest = divmod(abs(value), 10)
    return f"{'-' if value < 0 else ''}{whole}{f'.{rest}' if rest else ''}"

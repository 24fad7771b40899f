"""How the words of an answer are drawn: a colour with a motif, the same on maps, in tables, in reports and on paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOTIF_PX = 12
"""Width and height of one tile of a pattern, in pixels; patterns repeat seamlessly."""
_SAMPLES = 16
"""Places per pixel and axis at which a motif is looked at, to draw it as a picture."""


@dataclass(frozen=True, slots=True)
class Motif:
    """Dots and lines in one tile of a pattern; what crosses the edge of the tile is cut off.

    Attributes
    ----------
    dots : tuple of (x, y)
        Centres, in pixels.
    lines : tuple of (x1, y1, x2, y2)
        Ends, in pixels.
    size : float
        Radius of the dots, width of the lines.
    """

    dots: tuple[tuple[float, float], ...] = ()
    lines: tuple[tuple[float, float, float, float], ...] = ()
    size: float = 1.4

    def svg(self, colour: str) -> str:
        """The motif as SVG."""
        dots = "".join(f'<circle cx="{x:g}" cy="{y:g}" r="{self.size:g}" fill="{colour}"/>' for x, y in self.dots)
        path = " ".join(f"M{x1:g},{y1:g} L{x2:g},{y2:g}" for x1, y1, x2, y2 in self.lines)
        return dots + (f'<path d="{path}" stroke="{colour}" stroke-width="{self.size:g}"/>' if path else "")

    def coverage(self) -> NDArray[np.float64]:
        """How much of every pixel of the tile the motif covers, 0 to 1, shape (12, 12)."""
        place = (np.arange(MOTIF_PX * _SAMPLES) + 0.5) / _SAMPLES
        x, y = np.meshgrid(place, place)
        drawn = np.zeros(x.shape, np.bool_)
        for centre_x, centre_y in self.dots:
            drawn |= np.hypot(x - centre_x, y - centre_y) <= self.size
        for x1, y1, x2, y2 in self.lines:
            length = float(np.hypot(x2 - x1, y2 - y1))
            along = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length
            beside = np.abs((x - x1) * (y2 - y1) - (y - y1) * (x2 - x1)) / length
            drawn |= (along >= 0) & (along <= length) & (beside <= self.size / 2)
        return drawn.reshape(MOTIF_PX, _SAMPLES, MOTIF_PX, _SAMPLES).mean(axis=(1, 3))


@dataclass(frozen=True, slots=True)
class Pattern:
    """How one word is drawn: a colour and, so that colour is never alone, a motif."""

    colour: str
    line: str
    motif: Motif = Motif()

    def tile(self) -> str:
        """SVG of one tile of the pattern."""
        size = f'width="{MOTIF_PX}" height="{MOTIF_PX}"'
        return f'<rect {size} fill="{self.colour}"/>{self.motif.svg(self.line)}'


_FALLING_LINES = ((-3, 9, 3, 15), (0, 0, 12, 12), (9, -3, 15, 3), (-3, 3, 9, 15), (3, -3, 15, 9))
_RISING_LINES = ((-3, 3, 3, -3), (0, 12, 12, 0), (9, 15, 15, 9))
_DOTS = Motif(dots=((3, 3), (9, 9)))
_RISING = Motif(lines=_RISING_LINES)
_FALLING = Motif(lines=_FALLING_LINES, size=1.5)
_CROSSED = Motif(lines=((0, 0, 12, 12), (0, 12, 12, 0), (-3, 9, 3, 15), (9, -3, 15, 3)), size=1.6)
_DASHES = Motif(lines=((1, 3.5, 5, 3.5), (7, 9.5, 11, 9.5)))  # through the middle of a row of pixels, or they fade
_CROSSES = Motif(lines=((6.5, 3.5, 6.5, 9.5), (3.5, 6.5, 9.5, 6.5)))

OUTCOME_PATTERNS = {
    "no_known_constraint": Pattern("#a6d1ea", "#1f5f86"),
    "attention": Pattern("#dcebf2", "#1f5f86", _DOTS),
    "conditional": Pattern("#fdf0b8", "#8a6d00", _RISING),
    "no_unless": Pattern("#f8b878", "#8a3d00", _FALLING),
    "excluded": Pattern("#cf4a40", "#560a06", _CROSSED),
    "unknown": Pattern("#e3e5e8", "#63696f", _DASHES),
}
POTENTIAL_PATTERNS = {
    "promising": Pattern("#7cc4a4", "#0e5238", _CROSSES),
    "possible": Pattern("#d3ebdf", "#0e5238", _DOTS),
    "none": Pattern("#efe6d6", "#6b5a36", _RISING),
    "unknown": Pattern("#e3e5e8", "#63696f", _DASHES),
}
PATTERNS: Mapping[str, Mapping[str, Pattern]] = {
    "verdict": OUTCOME_PATTERNS,
    "found": OUTCOME_PATTERNS,
    "potential": POTENTIAL_PATTERNS,
}
"""Patterns per thing that a map can show."""

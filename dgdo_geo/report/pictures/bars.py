"""Shares of an area as bars with the patterns of the maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dgdo_geo.model.patterns import PATTERNS
from dgdo_geo.report.numbers import share_nl
from dgdo_geo.report.pictures import furniture
from dgdo_geo.report.pictures.svg import INK, PAPER, SOFT, label, pattern_id, patterns, picture, tag, width_of, wrapped
from dgdo_geo.texts import text

TALL, STEP = 17.0, 25.0
"""Height of a bar, and from one bar to the next."""
LABEL_SHARE = 0.33
"""Part of the width that the names of the bars take."""
SMALLEST_WORDS = 34.0
"""A part narrower than this has no percentage in it; the table has it."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes
    ----------
    name : str
    shares : mapping of word to share
        Of the whole area, 0 to 1; what lacks to 1 stays empty.
    """

    name: str
    shares: Mapping[str, float]


def share_bars(
    bars: Sequence[Bar], *, kind: str = "verdict", alt: str, width: float = 676.0, prefix: str = "", title: str = ""
) -> str:
    """Bars of one length for the whole area, cut into the words with their patterns, and a legend.

    Parameters
    ----------
    kind : {"verdict", "potential"}
        Which patterns.
    """
    left = width * LABEL_SHARE
    length = width - left
    top = 20.0 if title else 0.0
    parts = [label(title, 0.0, 12.0, size=11, font_weight="bold")] if title else []
    for i, bar in enumerate(bars):
        parts.append(_bar(bar, kind, left, top + i * STEP, length, prefix))
    base = top + len(bars) * STEP
    for tenth in range(0, 11, 2):
        x = left + length * tenth / 10
        parts.append(
            tag("line", x1=x, x2=x, y1=top, y2=base - 4, stroke=SOFT, stroke_width=0.5, stroke_dasharray="1 3")
        )
        anchor = "start" if tenth == 0 else "end" if tenth == 10 else "middle"
        parts.append(label(share_nl(tenth / 10), x, base + 6, size=8.5, anchor=anchor, fill=SOFT))
    keys = [key for key in PATTERNS[kind] if any(bar.shares.get(key, 0) > 0 for bar in bars)]
    section = "potential" if kind == "potential" else "verdict"
    legend, tall = furniture.legend(kind, keys, 0.0, base + 16, width, section=section, prefix=prefix)
    parts.append(legend)
    defs = patterns([(kind, key) for key in keys], prefix)
    return picture(width, base + 16 + tall, "".join(parts), alt=alt, defs=defs)


def _bar(bar: Bar, kind: str, left: float, top: float, length: float, prefix: str) -> str:
    lines = wrapped(bar.name, left - 10, 9.5, most=2)
    first = top + TALL / 2 + 3.4 - (len(lines) - 1) * 5
    parts = [label(line, left - 8, first + 10 * i, size=9.5, anchor="end") for i, line in enumerate(lines)]
    x = left
    for key in PATTERNS[kind]:
        share = bar.shares.get(key, 0.0)
        if share <= 0:
            continue
        wide = length * share
        fill = f"url(#{pattern_id(kind, key, prefix)})"
        parts.append(tag("rect", x=x, y=top, width=wide, height=TALL, fill=fill, stroke=INK, stroke_width=0.6))
        words = share_nl(share)
        if wide >= SMALLEST_WORDS:
            room = width_of(words, 9) + 6
            ground = {"x": x + wide / 2 - room / 2, "y": top + 2.5, "width": room, "height": TALL - 5}
            parts.append(tag("rect", **ground, fill=PAPER, fill_opacity=0.9, rx=2))
            parts.append(label(words, x + wide / 2, top + TALL / 2 + 3.2, size=9, anchor="middle"))
        x += wide
    return "".join(parts)


def alt_of_bars(bars: Sequence[Bar], *, section: str = "verdict", title: str) -> str:
    """The bars in words."""
    said = "; ".join(
        text(
            "pictures", "bar_alt", name=bar.name,
            shares=", ".join(f"{text(section, key)} {share_nl(s)}" for key, s in bar.shares.items() if s > 0),
        )
        for bar in bars
    )  # fmt: skip
    return text("pictures", "bars_alt", title=title, bars=said)

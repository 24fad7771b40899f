"""The subsurface below a point as a column: depth bands of the activities and the features that the answer names."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass

from markupsafe import Markup

from dgdo_geo.model import Assessment, DepthRange, FeatureRef, Layer, Verdict
from dgdo_geo.model.patterns import PATTERNS
from dgdo_geo.texts import text
from dgdo_geo.web import card, formats
from dgdo_geo.web.render import render

HEIGHT, TOP, LEFT, ROOM = 520.0, 34.0, 64.0, 34.0
BAR, GAP = 24.0, 6.0
STEPS_M = (250.0, 500.0, 1000.0)
"""Distances between the marks of the depth axis, the first that gives at most ten of them."""


@dataclass(frozen=True, slots=True)
class Body:
    """A feature below the point, as the answer names it.

    Attributes
    ----------
    kind, key : str
        "potential" and what geology offers, or "verdict" and that of the strictest rule that looks at it.
    is_certain : bool
        The point does not lie in the uncertain rim of it.
    """

    layer: Layer
    feature: FeatureRef
    kind: str
    key: str
    is_certain: bool

    @property
    def is_schematic(self) -> bool:
        """True when the layer is drawn by hand or made up."""
        return self.layer.quality.is_mark_needed

    @property
    def depth(self) -> DepthRange:
        """Top and base, which need not be known."""
        return self.feature.depth


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle of the picture, in pixels; ``number`` is that of its row in the table."""

    x: float
    y: float
    height: float
    style: str
    number: int
    is_top_known: bool = True
    is_base_known: bool = True


def bodies(assessment: Assessment) -> list[Body]:
    """Every feature that the answers name, once: first what rules look at, then what geology offers, by depth."""
    zones: dict[tuple[str, str], tuple[int, Body]] = {}
    for answer in assessment.answers:
        for item in answer.constraints:
            layer, rank = item.layer, item.rule.verdict + len(Verdict) * item.is_certain
            if layer is None:
                continue
            for feature in item.features:
                key = (layer.id, feature.id)
                if key not in zones or rank > zones[key][0]:
                    zones[key] = (rank, Body(layer, feature, "verdict", item.rule.verdict.key, item.is_certain))
    offers: dict[tuple[str, str, str], Body] = {}
    for answer in assessment.answers:
        for found in answer.potentials:
            for feature in found.features:
                word = found.potential.key
                body = Body(found.layer, feature, "potential", word, found.is_certain)
                offers.setdefault((found.layer.id, feature.id, word), body)
    listed = [*(body for _, body in zones.values()), *offers.values()]
    return sorted(listed, key=lambda b: (b.kind == "potential", b.depth.top_min_m, b.layer.title_nl, b.feature.name))


def deepest(assessment: Assessment) -> float:
    """Depth in metres down to which the picture goes: that of the deepest band."""
    return max(answer.band.base_m for answer in assessment.answers)


def column(assessment: Assessment) -> str:
    """The picture, and the table with the same facts."""
    found, bottom = bodies(assessment), deepest(assessment)
    scale = HEIGHT / bottom
    bands = [
        Bar(_x(i), TOP + a.band.top_m * scale, (a.band.base_m - a.band.top_m) * scale, f"verdict-{a.outcome}", i + 1)
        for i, a in enumerate(assessment.answers)
    ]
    start = len(bands)
    drawn = [_bar(body, _x(start + i) + ROOM, start + i + 1, bottom, scale) for i, body in enumerate(found)]
    step = next((s for s in STEPS_M if bottom / s <= 10), STEPS_M[-1])
    label = text("web_here", "column_name", place=assessment.region.name)
    width, height = round(_x(start + len(found)) + ROOM + GAP), round(TOP + HEIGHT + GAP)
    picture = render(
        "depth_column.svg",
        bands=bands,
        drawn=drawn,
        marks=[(m * step, TOP + m * step * scale) for m in range(math.floor(bottom / step) + 1)],
        width=width,
        height=height,
        top=TOP,
        bar=BAR,
        split=_x(start) + ROOM / 2,
        deepest=formats.metres(bottom),
        label=label,
        patterns={style: _tile(style) for style in sorted({bar.style for bar in (*bands, *drawn)})},
    )
    return render(
        "depth_column.html",
        assessment=assessment,
        # Streamlit lets no drawing through in a page; a picture it does.
        picture=base64.b64encode(picture.encode()).decode(),
        bands=bands,
        bodies=found,
        drawn=drawn,
        width=width,
        height=height,
        deepest=formats.metres(bottom),
        outcome_word=card.outcome_word,
        label=label,
    )


def _tile(style: str) -> Markup:
    """The pattern of a word, as on the maps."""
    kind, _, key = style.partition("-")
    return Markup(PATTERNS[kind][key].tile())


def _x(number: int) -> float:
    return LEFT + number * (BAR + GAP)


def _bar(body: Body, x: float, number: int, bottom: float, scale: float) -> Bar:
    """A feature from its highest possible top to its lowest possible base; what is not known is drawn open."""
    depth = body.depth
    top, base = min(depth.top_min_m, bottom), min(depth.base_max_m, bottom)
    return Bar(
        x,
        TOP + top * scale,
        max((base - top) * scale, 2.0),
        f"{body.kind}-{body.key}",
        number,
        is_top_known=depth.top_min_m == depth.top_max_m,
        is_base_known=depth.base_min_m == depth.base_max_m and not math.isinf(depth.base_max_m),
    )

"""A report as one accessible HTML page that stands on its own: no script, no other file, no other server."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from dgdo_geo.model.patterns import MOTIF_PX, PATTERNS
from dgdo_geo.report.blocks import Booklet, samples
from dgdo_geo.report.letters import plain
from dgdo_geo.report.pictures import svg
from dgdo_geo.report.written import templates
from dgdo_geo.texts import text

_ID = re.compile(r'\b(id="|url\(#)')


def html_of(booklet: Booklet) -> str:
    """The report as a page; equal for equal input.

    Parameters
    ----------
    booklet : Booklet
    """
    page = _templates().get_template("report.html")
    return page.render(booklet=booklet, patterns=Markup(_patterns(booklet)), stops=MOTIF_PX)


def inline(drawing: str, number: int) -> Markup:
    """A picture in the page; its ids get a number, so that no two pictures in the page share one."""
    return Markup(_ID.sub(rf"\g<1>f{number}-", drawing))


def _patterns(booklet: Booklet) -> str:
    """Hidden definitions of the patterns that the tables show."""
    return svg.patterns(samples(booklet), "t-")


def _sample(sample: tuple[str, str]) -> Markup:
    """A small piece of a pattern, before its word; nothing to read aloud."""
    kind, key = sample
    if key not in PATTERNS[kind]:
        raise KeyError(f"no pattern for {kind} {key}")
    ground = svg.tag(
        "rect", x=0.5, y=0.5, width=2 * MOTIF_PX - 1.0, height=MOTIF_PX - 1.0,
        fill=f"url(#{svg.pattern_id(kind, key, 't-')})", stroke=svg.INK,
    )  # fmt: skip
    size = {"width": 2 * MOTIF_PX, "height": MOTIF_PX}
    return Markup(svg.tag("svg", ground, class_="sample", aria_hidden="true", **size))


@cache
def _templates() -> jinja2.Environment:
    environment = templates(Path(__file__).with_name("templates"))
    environment.finalize = _seen
    environment.globals.update(
        w=lambda key, **values: text("report_file", key, **values), inline=inline, sample=_sample
    )
    return environment


def _seen(value: object) -> object:
    """Texts without what cannot be seen; pictures and styles stay as they are."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value

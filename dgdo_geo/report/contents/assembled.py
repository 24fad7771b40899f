"""The whole report of one region, in order, with its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import shapely

from dgdo_geo.model import Answer, AreaAssessment
from dgdo_geo.query import Explorer
from dgdo_geo.report.blocks import Block, Booklet, Figure, Heading, Paragraph
from dgdo_geo.report.card import band_nl
from dgdo_geo.report.contents import around, overlapping, summary
from dgdo_geo.report.contents.activity import activity_pages, said
from dgdo_geo.report.contents.amounts import km2
from dgdo_geo.report.contents.gaps import gaps
from dgdo_geo.report.contents.snapshot import snapshot_of
from dgdo_geo.report.document import Report
from dgdo_geo.report.pictures.ground import Ground, ground, shape_of
from dgdo_geo.report.pictures.locator import locator
from dgdo_geo.report.pictures.region_map import Caption, Panel, region_map
from dgdo_geo.report.written import day
from dgdo_geo.texts import text

MAP_SHARE = 0.8
"""Part of the width of the page that the maps of an activity take: with the tables they fit on one page."""


def booklet_of(
    explorer: Explorer,
    answer: AreaAssessment,
    shape: shapely.Geometry | None = None,
    report: Report | None = None,
) -> Booklet:
    """The report of one region.

    Parameters
    ----------
    explorer : Explorer
        The one that gave the answer: it has the shapes for the maps.
    shape : polygon, optional
        Of a polygon of the user's own, EPSG:28992.
    report : Report, optional
        Of the same answer: adds what alone decides, overlap, municipalities and neighbours.
    """
    where = shape if shape is not None else shape_of(explorer, answer.region)
    snapshot = snapshot_of(answer)
    name = answer.region.name
    title = text("report", "title", name=name)
    kind = text("region_kind", answer.region.kind.value)
    is_marked = answer.quality.is_mark_needed
    return Booklet(
        title=title,
        subtitle=text("report", "subtitle", kind=kind, name=name, day=day(answer.on)),
        mark=text("report", "mark") if is_marked else "",
        attribution=around.attribution(answer),
        snapshot=snapshot,
        day=day(answer.on),
        made_for=answer.on.isoformat(),
        blocks=tuple(_blocks(explorer, answer, where, title, snapshot, report)),
    )


def _blocks(
    explorer: Explorer,
    answer: AreaAssessment,
    shape: shapely.Geometry,
    title: str,
    snapshot: str,
    report: Report | None,
) -> Iterator[Block]:
    one = ground(explorer, answer.region, shape)
    maps = dict(_maps(answer, one))
    drawn = locator(explorer, [(answer.region.name, shape)])
    small = Figure(drawn, text("pictures", "locator_alt", names=answer.region.name))
    yield from summary.summary(answer, title, small, _first_map(answer, one))
    yield from summary.contents_page()
    yield Heading(2, text("report", "activities"), "activiteiten")
    yield Paragraph(text("report", "activities_lead"))
    yield Paragraph(text("report", "maps_lead"))
    if answer.region.area_m2 is not None:
        yield Paragraph(text("report", "rounding", area=km2(answer.region.area_m2)), "note")
    for number, item in enumerate(answer.answers):
        yield from activity_pages(item, number + 1, maps[number])
        if report is not None:
            yield from overlapping.alone(report.bands[number], number + 1)
    if report is not None:
        yield from overlapping.overlapping(report)
        yield from overlapping.places(report)
    yield from gaps(answer)
    yield from around.concerns(answer)
    yield from around.procedures(answer)
    yield from around.data_used(answer)
    yield from around.rules_used(answer)
    yield from around.receipt(answer, snapshot)


def _first_map(answer: AreaAssessment, one: Ground) -> Figure:
    """The map of the first page: what the maps point to, for the first activity."""
    item = answer.answers[0]
    title = f"{item.activity.name_nl}: {text('web_map', 'kind_found')}"
    panel = Panel(title, "found", one, one.parts("found", item.activity, item.band, answer.on))
    caption = Caption(day(answer.on), "", item.quality.is_mark_needed)
    found = said(item, kind="found")
    values = {"name": answer.region.name, "activity": item.activity.name_nl, "band": band_nl(item)}
    alt = text("report", "first_map_alt", found=found, **values)
    return Figure(region_map([panel], caption, alt=alt), alt, share=0.37)


def _maps(answer: AreaAssessment, one: Ground) -> Iterator[tuple[int, Figure]]:
    """The maps of all activities and depth bands, by their position among the answers."""
    for number, item in enumerate(answer.answers):
        panels = [
            Panel(text("web_map", f"kind_{kind}"), kind, one, one.parts(kind, item.activity, item.band, answer.on))
            for kind in ("potential", "found")
        ]
        caption = Caption(day(answer.on), around.attribution_of(item), item.quality.is_mark_needed)
        values: Mapping[str, str] = {"activity": item.activity.name_nl, "band": band_nl(item)}
        alt = _alt(answer, item, values)
        yield (
            number,
            Figure(region_map(panels, caption, alt=alt), alt, text("report", "map_caption", **values), MAP_SHARE),
        )


def _alt(answer: AreaAssessment, item: Answer, values: Mapping[str, str]) -> str:
    offer, found = said(item, kind="potential"), said(item, kind="found")
    return text("report", "map_alt", name=answer.region.name, offer=offer, found=found, **values)

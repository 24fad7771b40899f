"""Two to four regions beside each other: the same questions, the same scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import shapely

from dgdo_geo.errors import InputError
from dgdo_geo.model import Answer, AreaAssessment, Verdict
from dgdo_geo.query import Explorer
from dgdo_geo.report.blocks import Block, Booklet, Cell, Column, Contents, Facts, Figure, Heading, Paragraph, Table
from dgdo_geo.report.contents import around, overlapping_beside
from dgdo_geo.report.contents.activity import said
from dgdo_geo.report.contents.amounts import activity_nl, km2, percent, summed
from dgdo_geo.report.contents.gaps import gaps
from dgdo_geo.report.contents.snapshot import snapshot_of
from dgdo_geo.report.contents.summary import NO, SOME
from dgdo_geo.report.document import Report
from dgdo_geo.report.pictures.bars import Bar, alt_of_bars, share_bars
from dgdo_geo.report.pictures.ground import MARGIN, Ground, ground, shape_of
from dgdo_geo.report.pictures.locator import locator
from dgdo_geo.report.pictures.region_map import GAP, Caption, Panel, region_map
from dgdo_geo.report.written import day
from dgdo_geo.texts import section, text

MOST = 4
"""Regions in one report; more do not fit beside each other."""
WIDTH = 676.0
"""Of all maps beside each other, in pixels."""


def comparison_of(
    explorer: Explorer,
    answers: Sequence[AreaAssessment],
    shapes: Mapping[int, shapely.Geometry] | None = None,
    reports: Sequence[Report] = (),
) -> Booklet:
    """The report that lays regions beside each other.

    Parameters
    ----------
    answers : sequence of AreaAssessment
        Two to four, of the same day and activities.
    shapes : mapping of position to polygon, optional
        Of polygons of the user's own, EPSG:28992.
    reports : sequence of Report, optional
        Of the same answers: add what alone decides, overlap and stacking.

    Raises
    ------
    InputError
        If there are too few or too many regions, or they were asked different things.
    """
    _check(answers)
    where = [(shapes or {}).get(i) or shape_of(explorer, answer.region) for i, answer in enumerate(answers)]
    names = ", ".join(answer.region.name for answer in answers)
    is_marked = any(answer.quality.is_mark_needed for answer in answers)
    made_by = dict.fromkeys(part for answer in answers for part in around.attribution(answer).split(" | "))
    on = answers[0].on
    return Booklet(
        title=text("report", "title_compare", names=names),
        subtitle=text("report", "subtitle_compare", names=names, day=day(on)),
        mark=text("report", "mark") if is_marked else "",
        attribution=" | ".join(made_by),
        snapshot=snapshot_of(*answers),
        day=day(on),
        made_for=on.isoformat(),
        blocks=tuple(_blocks(explorer, answers, where, reports, is_marked=is_marked)),
    )


def _check(answers: Sequence[AreaAssessment]) -> None:
    if not 2 <= len(answers) <= MOST:
        raise InputError("compare_count", count=len(answers), most=MOST)
    first = [(item.activity.id, item.band) for item in answers[0].answers]
    for answer in answers[1:]:
        if answer.on != answers[0].on or [(i.activity.id, i.band) for i in answer.answers] != first:
            raise InputError("compare_different", one=answers[0].region.name, other=answer.region.name)


def _blocks(
    explorer: Explorer,
    answers: Sequence[AreaAssessment],
    shapes: Sequence[shapely.Geometry],
    reports: Sequence[Report],
    *,
    is_marked: bool,
) -> Iterator[Block]:
    r, names = section("report"), [answer.region.name for answer in answers]
    yield Heading(1, text("report", "title_compare", names=", ".join(names)), "begin")
    if is_marked:
        yield Paragraph(r["mark_sentence"], "mark")
    small = locator(explorer, list(zip(names, shapes, strict=True)))
    facts = [(f"{i}. {a.region.name}", _size(a)) for i, a in enumerate(answers, 1)]
    facts.append((r["fact_day"], day(answers[0].on)))
    yield Facts(tuple(facts), Figure(small, text("pictures", "locator_alt", names=", ".join(names))))
    yield Paragraph(r["compare_lead"], "lead")
    yield overview(answers)
    yield Heading(2, text("report_file", "contents"), "inhoud", is_on_new_page=True)
    yield Contents(3)
    yield Heading(2, r["activities"], "activiteiten")
    yield Paragraph(r["compare_activities_lead"])
    grounds = _grounds(explorer, answers, shapes)
    for number in range(len(answers[0].answers)):
        yield from _activity(answers, grounds, number)
        if reports:
            yield from overlapping_beside.alone(reports, number)
    if reports:
        yield from overlapping_beside.overlapping(reports)
    for i, answer in enumerate(answers, 1):
        yield from _prefixed(gaps(answer), f"{answer.region.name}: ", f"gebied-{i}-")
    yield from around.data_used(*answers)
    yield from around.receipt(answers[0], snapshot_of(*answers), questions=[a.receipt.input for a in answers])


def _size(answer: AreaAssessment) -> str:
    kind = text("region_kind", answer.region.kind.value)
    area = "" if answer.region.area_m2 is None else text("report", "fact_area_value", area=km2(answer.region.area_m2))
    return ", ".join(part for part in (kind, answer.region.code, area) if part)


def _grounds(explorer: Explorer, answers: Sequence[AreaAssessment], shapes: Sequence[shapely.Geometry]) -> list[Ground]:
    """All maps on the scale that fits the largest region."""
    width = (WIDTH - GAP * (len(answers) - 1)) / len(answers)
    spans = [(b[2] - b[0], b[3] - b[1]) for b in (shape.bounds for shape in shapes)]
    room = width * (1 - 2 * MARGIN)
    scale = max(max(span) / room for span in spans)
    return [ground(explorer, answer.region, shape, width, scale) for answer, shape in zip(answers, shapes, strict=True)]


def _groups(item: Answer) -> list[float]:
    """Shares: offered by geology, no, milder, unknown, unknown while the maps point to no."""
    shares = summed((part.outcome, part.share) for part in item.areas)
    offer = sum(part.share for part in item.areas if part.potential.key in ("promising", "possible"))
    hint = sum(p.share for p in item.areas if p.outcome == "unknown" and p.indication >= Verdict.NO_UNLESS)
    groups = (NO, (*SOME, "no_known_constraint"), ("unknown",))
    return [offer, *(sum(shares.get(key, 0.0) for key in keys) for keys in groups), hint]


def overview(answers: Sequence[AreaAssessment]) -> Table:
    """One row per activity, for every region what geology offers and what is closed, in percent of that region."""
    r = section("report")
    columns = [Column(r["col_activity"], 4.0)]
    for answer in answers:
        for key in ("compare_offer", "compare_no", "compare_unknown"):
            columns.append(Column(text("report", key, name=answer.region.name), 1.4, "right"))
    rows = []
    for number, item in enumerate(answers[0].answers):
        cells = [Cell(activity_nl(item))]
        for answer in answers:
            offer, closed, _, silent, _ = _groups(answer.answers[number])
            cells += [Cell(percent(value)) for value in (offer, closed, silent)]
        rows.append(tuple(cells))
    return Table(r["compare_table"], tuple(columns), tuple(rows), is_dense=True)


def _activity(answers: Sequence[AreaAssessment], grounds: Sequence[Ground], number: int) -> Iterator[Block]:
    item = answers[0].answers[number]
    yield Heading(3, activity_nl(item), f"activiteit-{number + 1}", is_on_new_page=True)
    for kind in ("potential", "found"):
        yield _map(answers, grounds, number, kind)
    bars = [
        Bar(answer.region.name, summed((p.outcome, p.share) for p in answer.answers[number].areas))
        for answer in answers
    ]
    alt = alt_of_bars(bars, title=text("report", "bars_title"))
    yield Figure(share_bars(bars, alt=alt, title=text("report", "bars_title")), alt)
    yield _areas(answers, number)


def _map(answers: Sequence[AreaAssessment], grounds: Sequence[Ground], number: int, kind: str) -> Figure:
    item = answers[0].answers[number]
    panels = [
        Panel(answer.region.name, kind, one, one.parts(kind, item.activity, item.band, answer.on))
        for answer, one in zip(answers, grounds, strict=True)
    ]
    made_by = dict.fromkeys(
        part for a in answers for part in around.attribution_of(a.answers[number]).split(" | ") if part
    )
    is_schematic = any(a.answers[number].quality.is_mark_needed for a in answers)
    caption = Caption(day(answers[0].on), " | ".join(made_by), is_schematic)
    shown = text("web_map", f"kind_{kind}")
    said_of = " ".join(f"{a.region.name}: {said(a.answers[number], kind=kind)}." for a in answers)
    alt = text("report", "compare_alt", shown=shown, activity=activity_nl(item), found=said_of)
    return Figure(region_map(panels, caption, alt=alt), alt, f"{shown}: {activity_nl(item)}", 0.84)


def _areas(answers: Sequence[AreaAssessment], number: int) -> Table:
    """The same groups in km2 and percent, one row per region."""
    r = section("report")
    heads = ("col_offer", "col_no", "col_milder", "col_unknown", "col_hint_no")
    columns = [Column(r["fact_place"], 2.0)]
    for key in heads:
        columns += [Column(text("report", "compare_km2", what=r[key]), 1.2, "right"), Column("%", 0.9, "right")]
    rows = []
    for answer in answers:
        item = answer.answers[number]
        whole = sum(part.area_m2 for part in item.areas)
        cells = [Cell(answer.region.name)]
        for share in _groups(item):
            cells += [Cell(km2(share * whole)), Cell(percent(share))]
        rows.append(tuple(cells))
    caption = text("report", "compare_areas", activity=activity_nl(item))
    return Table(caption, tuple(columns), tuple(rows), is_dense=True)


def _prefixed(blocks: Iterator[Block], before: str, anchor: str) -> Iterator[Block]:
    """The same with the name of the region in the titles of its chapters."""
    for block in blocks:
        if isinstance(block, Heading):
            yield Heading(
                block.level, before + block.text, anchor + block.anchor, block.is_on_new_page, block.is_listed
            )
        else:
            yield block

"""One activity in one depth band: map, table, constraints, what is open."""

from __future__ import annotations

from collections.abc import Iterator

from dgdo_geo.model import Answer, AreaShare, Constraint
from dgdo_geo.report.blocks import Block, Cell, Column, Figure, Heading, Items, Paragraph, Table
from dgdo_geo.report.card import band_nl, source_nl
from dgdo_geo.report.contents.amounts import activity_nl, found_word, km2, outcome_cell, percent, summed
from dgdo_geo.texts import number_nl, section, text


def activity_pages(item: Answer, number: int, picture: Figure) -> Iterator[Block]:
    """Everything about one activity; starts on a page of its own."""
    yield Heading(3, activity_nl(item), f"activiteit-{number}", is_on_new_page=True)
    if item.activity.summary_nl:
        yield Paragraph(item.activity.summary_nl)
    yield picture
    yield shares_table(item)
    yield from _constraints(item, number)
    yield from _unanswered(item, number)


def _named(item: Answer, key: str) -> str:
    return section("report")[key].format(activity=item.activity.name_nl, band=band_nl(item))


def shares_table(item: Answer) -> Table:
    """Area per potential and verdict, with what the maps point to."""
    r = section("report")
    columns = (
        Column(r["col_potential"], 1.5), Column(r["col_verdict"], 1.8), Column(r["col_hint"], 1.8),
        Column(r["col_km2"], 1.0, "right"), Column(r["col_share"], 1.2, "right"),
    )  # fmt: skip
    parts: dict[tuple[str, str, str], list[AreaShare]] = {}
    for part in item.areas:
        parts.setdefault((part.potential.key, part.outcome, found_word(part)), []).append(part)
    rows = [(keys, sum(p.area_m2 for p in found), sum(p.share for p in found)) for keys, found in parts.items()]
    rows.sort(key=lambda row: -row[1])
    body = [
        (
            outcome_cell(potential, kind="potential"), outcome_cell(outcome), outcome_cell(found, kind="found"),
            Cell(km2(area)), Cell(percent(share)),
        )
        for (potential, outcome, found), area, share in rows
    ]  # fmt: skip
    area, share = sum(row[1] for row in rows), sum(row[2] for row in rows)
    total = (Cell(r["total"]), Cell(""), Cell(""), Cell(km2(area)), Cell(percent(share)))
    return Table(_named(item, "shares_table"), columns, (*body, total), totals=1)


def _constraints(item: Answer, number: int) -> Iterator[Block]:
    yield Heading(4, text("report", "constraints"), f"activiteit-{number}-beperkingen", is_listed=False)
    if not item.constraints:
        yield Paragraph(text("report", "no_constraints"))
        return
    r = section("report")
    columns = (
        Column(r["col_rule"], 3.2), Column(r["col_verdict"], 2.1), Column(r["col_km2"], 1.0, "right"),
        Column(r["col_share"], 1.1, "right"), Column(r["col_certain"], 1.2, "right"), Column(r["col_source"], 4.0),
    )  # fmt: skip
    ranked = sorted(item.constraints, key=lambda c: (-(c.area_m2 or 0.0), -c.rule.verdict, c.rule.id))
    yield Table(_named(item, "constraints_table"), columns, tuple(_constraint_row(c) for c in ranked))


def _constraint_row(found: Constraint) -> tuple[Cell, ...]:
    source = found.rule.source
    return (
        Cell(found.rule.title_nl),
        outcome_cell(found.rule.verdict.key),
        Cell(km2(found.area_m2 or 0.0)),
        Cell(percent(found.share or 0.0)),
        Cell(km2(found.certain_area_m2 or 0.0)),
        Cell(source_nl(source), None, source.url),
    )


def _unanswered(item: Answer, number: int) -> Iterator[Block]:
    """The layers that leave rules open, per cause; the rules themselves stand together in one table of the report."""
    if not item.unanswered:
        return
    yield Heading(4, text("report", "unanswered"), f"activiteit-{number}-onbekend", is_listed=False)
    count = len({gap.rule.id for gap in item.unanswered})
    yield Paragraph(text("report", "unanswered_lead", count=number_nl(count)))
    causes: dict[str, dict[str, None]] = {}
    for gap in item.unanswered:
        named = gap.layer.title_nl if gap.layer is not None else gap.rule.title_nl
        causes.setdefault(gap.cause.value, {})[named] = None
    yield Items(
        tuple(f"{section('cause')[cause]}: {', '.join(names)}" for cause, names in causes.items()), is_small=True
    )


def said(item: Answer, *, kind: str) -> str:
    """What a map of this activity shows, in words: every word with its area."""
    if kind == "potential":
        totals = summed((part.potential.key, part.area_m2) for part in item.areas)
    else:
        totals = summed((found_word(part), part.area_m2) for part in item.areas)
    whole = sum(totals.values())
    words = section("potential" if kind == "potential" else "verdict")
    return "; ".join(
        text("report", "word_share", word=words[key], area=km2(area), share=percent(area / whole))
        for key, area in sorted(totals.items(), key=lambda entry: -entry[1])
    )

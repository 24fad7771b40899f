"""What follows from the combinations of layers, for several regions beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dgdo_geo.report.blocks import Block, Cell, Column, Heading, Paragraph, Table
from dgdo_geo.report.contents.amounts import activity_nl, km2, percent
from dgdo_geo.report.contents.overlapping import claim_nl, gone_nl
from dgdo_geo.report.document import Amount, Report
from dgdo_geo.texts import number_nl, section, text

NOTHING = Amount(0.0, 1.0)


def overlapping(reports: Sequence[Report]) -> Iterator[Block]:
    """Which layers claim ground in each region, and how many lie on top of each other."""
    r = section("report_overlap")
    yield Heading(2, r["title"], "overlap", is_on_new_page=True)
    yield Paragraph(r["lead"])
    yield Paragraph(r["beside_lead"], "note")
    yield _stacked(reports)
    if any(report.claims for report in reports):
        yield _claims(reports)


def alone(reports: Sequence[Report], number: int) -> Iterator[Block]:
    """The rules, and the layers, that alone close a part of some region."""
    r = section("report_overlap")
    bands = [report.bands[number] for report in reports]
    found = [{gone_nl(item): item for item in band.alone} for band in bands]
    yield Heading(4, text("report", "alone"), f"activiteit-{number + 1}-alleen", is_listed=False)
    # What matters most anywhere comes first.
    most: dict[str, float] = {}
    for name, item in ((name, item) for own in found for name, item in own.items()):
        most[name] = max(most.get(name, 0.0), item.opens.share + item.becomes_unknown.share)
    if not most:
        yield Paragraph(r["no_alone_anywhere"])
        return
    columns = [Column(r["col_gone"], 3.0)]
    for report in reports:
        for key in ("beside_opens", "beside_becomes_unknown"):
            columns.append(Column(text("report_overlap", key, name=report.answer.region.name), 1.2, "right"))
    rows = []
    for name in sorted(most, key=lambda name: -most[name]):
        amounts = [(own[name].opens, own[name].becomes_unknown) if name in own else (NOTHING, NOTHING) for own in found]
        rows.append((Cell(name), *(Cell(km2(amount.area_m2)) for pair in amounts for amount in pair)))
    caption = text("report_overlap", "beside_alone_table", activity=activity_nl(bands[0].answer))
    yield Table(caption, tuple(columns), tuple(rows), is_dense=True)


def _stacked(reports: Sequence[Report]) -> Table:
    r = section("report_overlap")
    found = [{item.claims: item.amount for item in report.stacked} for report in reports]
    counts = sorted({count for own in found for count in own})
    rows = [(number_nl(count), [own.get(count, NOTHING) for own in found]) for count in counts]
    whole = [Amount(sum(item.amount.area_m2 for item in report.stacked), report.area_m2) for report in reports]
    return _beside(
        r["beside_stacked_table"], r["col_count"], reports, [*rows, (text("report", "total"), whole)], totals=1
    )


def _claims(reports: Sequence[Report]) -> Table:
    r = section("report_overlap")
    found = [{claim_nl(claim): claim.covers for claim in report.claims} for report in reports]
    names = dict.fromkeys(name for own in found for name in own)
    rows = [(name, [own.get(name, NOTHING) for own in found]) for name in names]
    return _beside(r["beside_claims_table"], r["col_layer"], reports, rows)


def _beside(
    caption: str,
    head: str,
    reports: Sequence[Report],
    rows: Sequence[tuple[str, Sequence[Amount]]],
    *,
    totals: int = 0,
) -> Table:
    """One column of km2 and one of percent for every region."""
    columns = [Column(head, 3.0)]
    for report in reports:
        name = report.answer.region.name
        columns += [
            Column(text("report_overlap", "beside_km2", name=name), 1.2, "right"),
            Column(text("report_overlap", "beside_share", name=name), 1.2, "right"),
        ]
    cells = [
        (Cell(name), *(cell for amount in amounts for cell in (Cell(km2(amount.area_m2)), Cell(percent(amount.share)))))
        for name, amounts in rows
    ]
    return Table(caption, tuple(columns), tuple(cells), totals=totals, is_dense=True)

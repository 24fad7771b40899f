"""What follows from the combinations of layers: what alone decides, overlap, stacking, municipalities and neighbours."""

from __future__ import annotations

from collections.abc import Iterator

from dgdo_geo.model import Family
from dgdo_geo.report.blocks import Block, Cell, Column, Heading, Paragraph, Table
from dgdo_geo.report.card import band_nl
from dgdo_geo.report.contents.amounts import activity_nl, km2, percent
from dgdo_geo.report.document import Alone, Amount, BandPart, Claim, InMunicipality, Neighbour, Report
from dgdo_geo.texts import number_nl, section, text

NO = ("excluded", "no_unless")


def alone(band: BandPart, number: int) -> Iterator[Block]:
    """The rules, and the layers, that alone close a part of the region."""
    r = section("report_overlap")
    yield Heading(4, text("report", "alone"), f"activiteit-{number}-alleen", is_listed=False)
    if not band.alone:
        yield Paragraph(r["no_alone"])
        return
    columns = (
        Column(r["col_gone"], 3.6), Column(r["col_opens"], 1.0, "right"), Column(r["col_share"], 1.0, "right"),
        Column(r["col_with_potential"], 1.2, "right"), Column(r["col_becomes_unknown"], 1.2, "right"),
        Column(r["col_share"], 1.0, "right"),
    )  # fmt: skip
    rows = []
    for item in band.alone:
        rows.append(
            (
                Cell(gone_nl(item)), *_both(item.opens), Cell(km2(item.opens_with_potential.area_m2)),
                *_both(item.becomes_unknown),
            )
        )  # fmt: skip
    caption = r["alone_table"].format(activity=band.answer.activity.name_nl, band=band_nl(band.answer))
    yield Table(caption, columns, tuple(rows))


def gone_nl(item: Alone) -> str:
    """The rule, or all rules over a layer, that is thought away."""
    layer = item.layer.title_nl if item.layer is not None else ""
    return text("report_overlap", "all_rules", layer=layer) if item.is_layer else item.rules[0].title_nl


def claim_nl(claim: Claim) -> str:
    """The layer that claims ground, with the distance to which it does."""
    if not claim.within_m:
        return claim.layer.title_nl
    return text("report_overlap", "within", layer=claim.layer.title_nl, metres=number_nl(claim.within_m))


def _both(amount: Amount) -> tuple[Cell, Cell]:
    return Cell(km2(amount.area_m2)), Cell(percent(amount.share))


def overlapping(report: Report) -> Iterator[Block]:
    """Which layers and families claim ground, where they meet, and how many lie on top of each other."""
    r = section("report_overlap")
    yield Heading(2, r["title"], "overlap", is_on_new_page=True)
    yield Paragraph(r["lead"])
    if not report.claims:
        yield Paragraph(r["no_claims"])
        return
    yield _stacked(report)
    yield _families(report)
    yield _claims(report)
    pairs = _pairs(report)
    if pairs.rows:
        yield pairs


def _stacked(report: Report) -> Table:
    r = section("report_overlap")
    columns = (Column(r["col_count"], 2.0), Column(r["col_km2"], 1.0, "right"), Column(r["col_share"], 1.0, "right"))
    rows = [(Cell(number_nl(item.claims)), *_both(item.amount)) for item in report.stacked]
    whole = Amount(sum(item.amount.area_m2 for item in report.stacked), report.area_m2)
    return Table(r["stacked_table"], columns, (*rows, (Cell(text("report", "total")), *_both(whole))), totals=1)


def _families(report: Report) -> Table:
    """A matrix: in every cell the area, and its share of what the row covers."""
    r, names = section("report_overlap"), section("family")
    keys = [family.value for family in report.families]
    columns = (Column(r["col_family"], 1.6), *(Column(names[key], 1.0, "right") for key in keys))
    found = {(item.row, item.column): item for item in report.family_overlaps}
    rows = []
    for row in keys:
        cells = [Cell(names[row])]
        for column in keys:
            item = found[row, column]
            cells.append(Cell(f"{km2(item.of_row.area_m2)} ({percent(item.of_row.share)})"))
        rows.append(tuple(cells))
    return Table(r["families_table"], columns, tuple(rows), is_dense=True)


def _claims(report: Report) -> Table:
    r = section("report_overlap")
    columns = (
        Column(r["col_layer"], 3.0), Column(r["col_family"], 2.0), Column(r["col_km2"], 1.0, "right"),
        Column(r["col_share"], 1.0, "right"),
    )  # fmt: skip
    rows = []
    for claim in report.claims:
        rows.append((Cell(claim_nl(claim)), Cell(text("family", claim.layer.family.value)), *_both(claim.covers)))
    return Table(r["claims_table"], columns, tuple(rows))


def _pairs(report: Report) -> Table:
    """Layers that meet; every pair once, with the share of either."""
    r = section("report_overlap")
    columns = (
        Column(r["col_first"], 2.4), Column(r["col_second"], 2.4), Column(r["col_km2"], 1.0, "right"),
        Column(r["col_share"], 1.0, "right"), Column(r["col_of_first"], 1.0, "right"),
        Column(r["col_of_second"], 1.0, "right"),
    )  # fmt: skip
    title = {claim.layer.id: claim.layer.title_nl for claim in report.claims}
    place = {claim.layer.id: i for i, claim in enumerate(report.claims)}
    found = {(item.row, item.column): item for item in report.layer_overlaps}
    met = [i for i in report.layer_overlaps if place[i.row] < place[i.column] and i.of_region.area_m2 > 0]
    rows = [
        (
            Cell(title[item.row]), Cell(title[item.column]), *_both(item.of_region),
            Cell(percent(item.of_row.share)), Cell(percent(found[item.column, item.row].of_row.share)),
        )
        for item in sorted(met, key=lambda item: -item.of_region.area_m2)
    ]  # fmt: skip
    return Table(r["pairs_table"], columns, tuple(rows), is_dense=True)


def places(report: Report) -> Iterator[Block]:
    """The same figures per municipality, where there are several, and the neighbours."""
    r = section("report_overlap")
    codes = list(dict.fromkeys(item.code for item in report.municipalities))
    if len(codes) > 1:
        yield Heading(2, r["municipalities"], "gemeenten", is_on_new_page=True)
        for number, band in enumerate(report.bands, 1):
            own = [item for item in report.municipalities if item.answer is band.answer]
            yield Heading(3, activity_nl(band.answer), f"gemeenten-{number}", is_listed=False)
            yield _municipalities(own, r["municipalities_table"].format(activity=activity_nl(band.answer)))
    if report.neighbours:
        yield Heading(2, r["neighbours"], "buren", is_on_new_page=len(codes) > 1)
        yield Paragraph(r["neighbours_lead"])
        yield _neighbours(report)


def _municipalities(items: list[InMunicipality], caption: str) -> Table:
    r = section("report")
    columns = (
        Column(text("report_overlap", "col_municipality"), 2.4), Column(r["col_km2"], 1.0, "right"),
        Column(r["col_offer"], 1.2, "right"), Column(r["col_no"], 1.2, "right"),
        Column(r["col_milder"], 1.2, "right"), Column(r["col_unknown"], 1.2, "right"),
    )  # fmt: skip
    by_code: dict[str, list[InMunicipality]] = {}
    for item in items:
        by_code.setdefault(item.code, []).append(item)
    rows = []
    for own in sorted(by_code.values(), key=lambda found: found[0].name):
        sums = dict.fromkeys(("offer", "no", "milder", "unknown"), 0.0)
        for item in own:
            group = "no" if item.outcome in NO else "unknown" if item.outcome == "unknown" else "milder"
            sums[group] += item.amount.share
            sums["offer"] += item.amount.share if item.potential.key in ("promising", "possible") else 0.0
        shares = (Cell(percent(share)) for share in sums.values())
        rows.append((Cell(own[0].name), Cell(km2(own[0].amount.whole_m2)), *shares))
    return Table(caption, columns, tuple(rows), is_dense=True)


def _neighbours(report: Report) -> Table:
    r = section("report_overlap")
    columns = (
        Column(r["col_municipality"], 2.0), Column(r["col_province"], 1.0), Column(r["col_border"], 1.0, "right"),
        Column(r["col_crossing"], 4.0),
    )  # fmt: skip
    rows = []
    for item in report.neighbours:
        province = text("report_overlap", "other_province", code=item.province)
        rows.append(
            (
                Cell(item.name),
                Cell(province if item.is_other_province else item.province),
                Cell(number_nl(item.border_m / 1e3, 1)),
                Cell(_crossing(item)),
            )
        )
    return Table(r["neighbours_table"], columns, tuple(rows))


def _crossing(item: Neighbour) -> str:
    """The layers that go on across the border; those about geology, which mostly do, only by their number."""
    named = [layer.title_nl for layer in item.crossing if layer.family is not Family.POTENTIAL]
    offers = len(item.crossing) - len(named)
    if offers:
        key = "offer_crossing" if offers == 1 else "offers_crossing"
        named.append(text("report_overlap", key, count=number_nl(offers)))
    return "; ".join(named) or text("report_overlap", "none_crossing")

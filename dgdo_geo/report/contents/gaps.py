"""What the report cannot say, and why: the rules without an answer, per layer and cause, for all activities together."""

from __future__ import annotations

from collections.abc import Iterator

from dgdo_geo.model import AreaAssessment, Unanswered
from dgdo_geo.report.blocks import Block, Cell, Column, Heading, Paragraph, Table
from dgdo_geo.report.contents.amounts import percent
from dgdo_geo.texts import number_nl, section, text


def gaps(answer: AreaAssessment) -> Iterator[Block]:
    """One table of all rules that could not be answered."""
    r = section("report")
    yield Heading(2, r["gaps"], "niet-beantwoord", is_on_new_page=True)
    grouped: dict[tuple[str, str], list[tuple[str, Unanswered]]] = {}
    for item in answer.answers:
        for gap in item.unanswered:
            layer = gap.layer.title_nl if gap.layer is not None else gap.rule.title_nl
            grouped.setdefault((layer, gap.cause.value), []).append((item.activity.name_nl, gap))
    if not grouped:
        yield Paragraph(r["no_unknowns"])
        return
    yield Paragraph(r["gaps_lead"])
    columns = (
        Column(r["col_layer"], 2.0), Column(r["col_cause"], 1.8), Column(r["col_share_most"], 1.1, "right"),
        Column(r["col_activities"], 1.1, "right"), Column(r["col_rules"], 4.2),
    )  # fmt: skip
    order = sorted(grouped.items(), key=lambda entry: (entry[0][0], entry[0][1]))
    yield Table(r["gaps_table"], columns, tuple(_row(*key, members) for key, members in order))


def _row(layer: str, cause: str, members: list[tuple[str, Unanswered]]) -> tuple[Cell, ...]:
    share = max(1.0 if gap.share is None else gap.share for _, gap in members)
    titles = dict.fromkeys(f"{gap.rule.title_nl} ({text('verdict', gap.rule.verdict.key)})" for _, gap in members)
    count = len({name for name, _ in members})
    rules = "; ".join(titles)
    return Cell(layer), Cell(section("cause")[cause]), Cell(percent(share)), Cell(number_nl(count)), Cell(rules)

"""The first page: for those who read one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dgdo_geo.model import Answer, AreaAssessment, Constraint, Unanswered, Verdict
from dgdo_geo.report.blocks import (
    Beside,
    Block,
    Cell,
    Column,
    Contents,
    Facts,
    Figure,
    Heading,
    Items,
    Paragraph,
    Table,
)
from dgdo_geo.report.contents.amounts import km2, outcome_cell, percent, summed
from dgdo_geo.report.written import day
from dgdo_geo.texts import number_nl, section, text

REASONS = 3
"""How many reasons and unknowns the first page names."""
STRICTNESS = {"conditional": 1.0, "no_unless": 2.0, "excluded": 3.0}
"""How much a rule weighs among the reasons."""
NO, SOME = ("excluded", "no_unless"), ("conditional", "attention")


def summary(answer: AreaAssessment, title: str, small_map: Figure, picture: Figure) -> Iterator[Block]:
    """One page: facts, the answer in two sentences, a map with reasons and unknowns, a table."""
    yield Heading(1, title, "begin")
    if answer.quality.is_mark_needed:
        yield Paragraph(text("report", "mark_sentence"), "mark")
    yield Facts(tuple(_facts(answer)), small_map)
    yield Paragraph(" ".join(_lead(answer)), "lead")
    lines, gaps = reasons(answer), unknowns(answer)
    said = (
        Heading(2, text("report", "reasons"), "redenen", is_listed=False),
        Items(tuple(lines), is_ordered=True) if lines else Paragraph(text("report", "no_reasons")),
        Heading(2, text("report", "unknowns"), "onbekend", is_listed=False),
        Items(tuple(gaps)) if gaps else Paragraph(text("report", "no_unknowns")),
    )
    yield Beside(picture, said)
    yield verdict_table(answer)


def contents_page() -> Iterator[Block]:
    """The list of sections."""
    yield Heading(2, text("report_file", "contents"), "inhoud", is_on_new_page=True)
    yield Contents(3)


def _facts(answer: AreaAssessment) -> Iterator[tuple[str, str]]:
    region = answer.region
    kind = text("region_kind", region.kind.value)
    yield text("report", "fact_place"), f"{region.name} ({', '.join(x for x in (kind, region.code) if x)})"
    if region.area_m2 is not None:
        yield text("report", "fact_area"), text("report", "fact_area_value", area=km2(region.area_m2))
    yield text("report", "fact_day"), day(answer.on)
    yield text("report", "fact_rules"), text("report", "fact_rules_value", version=answer.receipt.rules_version)


def _lead(answer: AreaAssessment) -> Iterator[str]:
    """Counts of the activities that are closed, open and unknown."""
    total = len(answer.answers)
    shares = [summed((part.outcome, part.share) for part in item.areas) for item in answer.answers]
    closed = sum(sum(s.get(key, 0.0) for key in NO) > 1 - 1e-9 for s in shares)
    key, name = ("lead_no" if closed else "lead_none_no"), answer.region.name
    yield text("report", key, name=name, count=number_nl(closed), total=number_nl(total))
    silent = sum(s.get("unknown", 0.0) > 0.5 for s in shares)
    if silent:
        yield text("report", "lead_unknown", count=number_nl(silent))
    milder = sum(sum(s.get(key, 0.0) for key in (*SOME, "no_known_constraint")) > 0.5 for s in shares)
    if milder:
        yield text("report", "lead_open", count=number_nl(milder))


def reasons(answer: AreaAssessment, most: int = REASONS) -> list[str]:
    """What constrains most: layers, or a policy without one, by how much of how many activities they touch."""
    grouped: dict[str, list[tuple[Answer, Constraint]]] = {}
    for item in answer.answers:
        for found in item.constraints:
            if found.rule.verdict >= Verdict.CONDITIONAL:
                name = found.layer.title_nl if found.layer is not None else found.rule.title_nl
                grouped.setdefault(name, []).append((item, found))
    ranked = sorted(grouped.items(), key=lambda entry: (-_weight(entry[1]), entry[0]))
    return [_reason(name, members) for name, members in ranked[:most]]


def _weight(members: Sequence[tuple[Answer, Constraint]]) -> float:
    """Share of the area times strictness, the largest of every activity, added up."""
    per_answer: dict[int, float] = {}
    for item, found in members:
        value = (found.share or 0.0) * STRICTNESS[found.rule.verdict.key]
        per_answer[id(item)] = max(value, per_answer.get(id(item), 0.0))
    return sum(per_answer.values())


def _reason(name: str, members: Sequence[tuple[Answer, Constraint]]) -> str:
    largest = max(members, key=lambda member: (member[1].area_m2 or 0.0, member[1].rule.verdict))[1]
    names = list(dict.fromkeys(item.activity.name_nl for item, _ in members))
    values = {
        "title": name,
        "verdict": text("verdict", max(found.rule.verdict for _, found in members).key),
        "area": km2(largest.area_m2 or 0.0),
        "share": percent(largest.share or 0.0),
    }
    if len(names) == 1:
        line = text("report", "reason_one", activity=names[0], **values)
    else:
        line = text("report", "reason", count=number_nl(len(names)), **values)
    is_certain = any((found.certain_area_m2 or 0.0) > 0 for _, found in members)
    return line if is_certain else text("report", "reason_rim", line=line)


def unknowns(answer: AreaAssessment, most: int = REASONS) -> list[str]:
    """The layers and causes that leave most rules without an answer."""
    grouped: dict[tuple[str, str], list[Unanswered]] = {}
    for item in answer.answers:
        for gap in item.unanswered:
            name = gap.layer.title_nl if gap.layer is not None else ""
            if name and gap.rule.verdict >= Verdict.NO_UNLESS:
                grouped.setdefault((name, gap.cause.value), []).append(gap)
    ranked = sorted(grouped.items(), key=lambda entry: (_share(entry[1]), _rules(entry[1])), reverse=True)
    return [
        text(
            "report", "unknown", layer=name, cause=section("cause")[cause],
            count=number_nl(_rules(members)), share=percent(_share(members)),
        )
        for (name, cause), members in ranked[:most]
    ]  # fmt: skip


def _share(members: Sequence[Unanswered]) -> float:
    return max(1.0 if gap.share is None else gap.share for gap in members)


def _rules(members: Sequence[Unanswered]) -> int:
    return len({gap.rule.id for gap in members})


def verdict_table(answer: AreaAssessment) -> Table:
    """One row per activity and depth band."""
    r = section("report")
    columns = (
        Column(r["col_activity"], 4.6), Column(r["col_outcome"], 1.9), Column(r["col_offer"], 1.1, "right"),
        Column(r["col_no"], 1.1, "right"), Column(r["col_milder"], 1.1, "right"),
        Column(r["col_unknown"], 1.1, "right"), Column(r["col_hint_no"], 1.5, "right"),
    )  # fmt: skip
    rows = tuple(_verdict_row(item) for item in answer.answers)
    return Table(r["verdict_table"], columns, rows, is_dense=True)


def _verdict_row(item: Answer) -> tuple[Cell, ...]:
    shares = summed((part.outcome, part.share) for part in item.areas)
    offer = sum(part.share for part in item.areas if part.potential.key in ("promising", "possible"))
    hint = sum(part.share for part in item.areas if part.outcome == "unknown" and part.indication >= Verdict.NO_UNLESS)
    groups = (NO, (*SOME, "no_known_constraint"), ("unknown",))
    numbers = [offer, *(sum(shares.get(key, 0.0) for key in keys) for keys in groups), hint]
    name = f"{item.activity.name_nl}, {number_nl(item.band.top_m)}–{number_nl(item.band.base_m)} m"
    return (Cell(name), outcome_cell(item.outcome), *(Cell(percent(value)) for value in numbers))

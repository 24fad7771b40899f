"""What stands beside the numbers: concerns, procedures, the maps and rules that were used, how it came about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dgdo_geo.model import Answer, AreaAssessment, Layer, LayerState, LayerStatus, Procedure, ProcedureStep, Rule
from dgdo_geo.report.blocks import Block, Cell, Column, Facts, Heading, Items, Paragraph, Table
from dgdo_geo.report.card import source_nl
from dgdo_geo.report.contents.amounts import outcome_cell
from dgdo_geo.report.written import day
from dgdo_geo.texts import number_nl, section, text

DEEPEST_M = 10_000.0
"""Base of a procedure that holds down to any depth."""


def concerns(answer: AreaAssessment) -> Iterator[Block]:
    """What the region raised: beside the verdict, never in it."""
    yield Heading(2, text("report", "concerns"), "aandachtspunten", is_on_new_page=True)
    first, rest = answer.concerns_for()
    if not first:
        yield Paragraph(text("report", "no_concerns"))
        return
    yield Paragraph(text("report", "concerns_lead"))
    for number, item in enumerate(first, 1):
        concern = item.concern
        yield Heading(3, concern.title_nl, f"aandachtspunt-{number}", is_listed=False)
        yield Paragraph(concern.text_nl)
        who = concern.author or concern.raised_by.value
        said = text("report", "concern_by", who=who, source=_joined(source_nl(concern.source), concern.section))
        yield Paragraph(said, "small", concern.source.url)
    if rest:
        yield Paragraph(text("report", "more_concerns", count=number_nl(len(rest))), "note")


def procedures(answer: AreaAssessment) -> Iterator[Block]:
    """Steps and roles; activities with one procedure are named together."""
    yield Heading(2, text("report", "procedures"), "procedure", is_on_new_page=True)
    found: dict[str, tuple[Procedure, list[str]]] = {}
    for item in answer.answers:
        for procedure in item.procedures:
            names = found.setdefault(procedure.id, (procedure, []))[1]
            if item.activity.name_nl not in names:
                names.append(item.activity.name_nl)
    without = dict.fromkeys(item.activity.name_nl for item in answer.answers if not item.procedures)
    for procedure, names in found.values():
        name = _of_procedure(procedure, names)
        yield Heading(3, name, f"procedure-{procedure.id}", is_listed=False)
        yield Paragraph(f"{procedure.summary_nl} ({procedure.act})")
        yield _steps(procedure, name)
        if procedure.gaps_nl:
            yield Items(procedure.gaps_nl)
    for name in without:
        yield Paragraph(text("report", "no_procedure", activity=name), "note")


def _of_procedure(procedure: Procedure, names: Sequence[str]) -> str:
    """The activities of a procedure, with the depths where it holds for a part of them."""
    name = ", ".join(names)
    if procedure.top_m == 0 and procedure.base_m >= DEEPEST_M:
        return name
    base = f"–{number_nl(procedure.base_m)} m" if procedure.base_m < DEEPEST_M else ""
    return text(
        "report",
        "procedure_depth",
        name=name,
        top=number_nl(procedure.top_m),
        base=base or text("report", "and_deeper"),
    )


def _steps(procedure: Procedure, names: str) -> Table:
    r = section("report")
    columns = (
        Column(r["col_step"], 3.0), Column(r["col_decides"], 1.9), Column(r["col_advises"], 1.6),
        Column(r["col_region"], 3.0),
    )  # fmt: skip
    rows = tuple(
        (Cell(_step(step)), Cell(step.decides_nl), Cell(step.advises_nl), Cell(_roles(step)))
        for step in procedure.steps
    )
    return Table(text("report", "procedure_table", name=names), columns, rows)


def _step(step: ProcedureStep) -> str:
    """A step with its phase, unless it says so itself."""
    phase = step.phase.value
    return step.step_nl if step.step_nl.casefold().startswith(phase) else f"{phase.capitalize()}: {step.step_nl}"


def _roles(step: ProcedureStep) -> str:
    roles = (
        ("municipality", step.municipality_nl),
        ("province", step.province_nl),
        ("water_board", step.water_board_nl),
    )
    said = [text("report", "role", who=text("step_says", who), role=role) for who, role in roles if role]
    return " ".join(said) or text("card", "not_looked_up")


def data_used(*answers: AreaAssessment) -> Iterator[Block]:
    """The layers that the answer rests on, and those that are missing while a rule looks at them."""
    yield Heading(2, text("report", "data"), "kaarten", is_on_new_page=True)
    yield Paragraph(text("report", "data_lead"))
    r, used, wanted = section("report"), _used(answers), _wanted(answers)
    states = {state.layer.id: state for state in answers[0].receipt.layers}
    columns = (
        Column(r["col_layer"], 2.4), Column(r["col_quality"], 1.2), Column(r["col_date"], 1.3),
        Column(r["col_scale"], 2.6), Column(r["col_maker"], 2.5),
    )  # fmt: skip
    loaded = [states[i].layer for i in used if i in states and states[i].status is LayerStatus.AVAILABLE]
    rows = tuple(
        (
            Cell(layer.title_nl), Cell(text("quality", layer.quality.value)), Cell(day(layer.reference_date)),
            Cell(layer.scale_nl), Cell(f"{layer.attribution} ({layer.licence})"),
        )
        for layer in sorted(loaded, key=lambda layer: layer.title_nl)
    )  # fmt: skip
    yield Table(r["data_table"], columns, rows)
    missing = [states[i] for i in wanted if i in states and states[i].status is not LayerStatus.AVAILABLE]
    if missing:
        yield Heading(3, text("report", "missing_table"), "ontbreekt")
        yield Paragraph(text("report", "missing_lead"))
        yield _missing(missing, wanted)
        yield Paragraph(text("report", "missing_how"), "note")


def _used(answers: Sequence[AreaAssessment]) -> list[str]:
    """Ids of the layers that had something to say, and of the boundaries."""
    found = ["gemeenten", "provincies"]
    for item in (item for answer in answers for item in answer.answers):
        found += [c.layer.id for c in item.constraints if c.layer is not None]
        found += [p.layer.id for p in item.potentials if p.cause is None]
        found += [u.layer.id for u in item.unanswered if u.layer is not None]
    return list(dict.fromkeys(found))


def _wanted(answers: Sequence[AreaAssessment]) -> dict[str, list[Rule]]:
    """The rules that could not be answered, per layer."""
    found: dict[str, dict[str, Rule]] = {}
    for item in (item for answer in answers for item in answer.answers):
        for gap in item.unanswered:
            if gap.layer is not None:
                found.setdefault(gap.layer.id, {})[gap.rule.id] = gap.rule
    return {layer: list(rules.values()) for layer, rules in found.items()}


def _missing(states: Iterable[LayerState], wanted: dict[str, list[Rule]]) -> Table:
    r = section("report")
    columns = (Column(r["col_layer"], 1.8), Column(r["col_effect"], 3.4), Column(r["col_owner"], 1.6))
    rows = []
    for state in sorted(states, key=lambda state: state.layer.title_nl):
        titles = [f"{rule.title_nl} ({text('verdict', rule.verdict.key)})" for rule in wanted[state.layer.id]]
        rows.append((Cell(state.layer.title_nl), Cell("; ".join(titles)), Cell(state.layer.owner)))
    return Table(r["missing_table"], columns, tuple(rows))


def rules_used(answer: AreaAssessment) -> Iterator[Block]:
    """Every rule that fired or could not be answered, once, with its article and dates."""
    r = section("report")
    yield Heading(2, r["rules"], "regels", is_on_new_page=True)
    rules: dict[str, Rule] = {}
    for item in answer.answers:
        rules |= {found.rule.id: found.rule for found in item.constraints}
        rules |= {gap.rule.id: gap.rule for gap in item.unanswered}
    columns = (
        Column(r["col_rule"], 3.0), Column(r["col_verdict"], 2.0), Column(r["col_article"], 3.2),
        Column(r["col_since"], 1.3), Column(r["col_checked"], 1.3), Column(r["col_confidence"], 1.6),
    )  # fmt: skip
    rows = tuple(
        (
            Cell(rule.title_nl), outcome_cell(rule.verdict.key), Cell(source_nl(rule.source), None, rule.source.url),
            Cell(_short(rule.valid_from.isoformat())), Cell(_short(rule.checked_on.isoformat())),
            Cell(text("confidence", rule.confidence.value)),
        )
        for rule in sorted(rules.values(), key=lambda rule: (-rule.verdict, rule.title_nl))
    )  # fmt: skip
    yield Table(r["rules_table"], columns, rows)


def receipt(answer: AreaAssessment, snapshot: str, questions: Sequence[str] = ()) -> Iterator[Block]:
    """Enough to make the report again, and what it is not; ``questions`` where there was more than one."""
    r, made = section("report"), answer.receipt
    yield Heading(2, r["receipt"], "verantwoording", is_on_new_page=True)
    yield Paragraph(r["receipt_lead"])
    hashed = text("report", "receipt_rules_value", version=made.rules_version, hash=made.rules_hash[:12])
    yield Facts(
        (
            (r["receipt_program"], made.code), (r["receipt_engine"], made.engine), (r["receipt_rules"], hashed),
            (r["receipt_input"], "; ".join(questions or [made.input])), (r["receipt_crs"], f"{made.crs} (Rijksdriehoekstelsel)"),
            (r["receipt_snapshot"], snapshot),
        )
    )  # fmt: skip
    for note in answer.notes_nl:
        yield Paragraph(note, "note")
    yield Paragraph(r["disclaimer"], "mark")


def attribution_of(item: Answer) -> str:
    """Who made the layers that the map of one activity rests on."""
    layers = [found.layer for found in item.constraints if found.layer is not None]
    layers += [found.layer for found in item.potentials if found.cause is None]
    return " | ".join(dict.fromkeys(layer.attribution for layer in layers if layer.product))


def attribution(answer: AreaAssessment) -> str:
    """Who made the layers that the answer rests on."""
    states = {state.layer.id: state.layer for state in answer.receipt.layers if state.status is LayerStatus.AVAILABLE}
    layers: list[Layer] = [states[i] for i in _used([answer]) if i in states]
    return " | ".join(dict.fromkeys(layer.attribution for layer in layers if layer.product))


def _short(iso: str) -> str:
    """A date in numbers.

    >>> _short("2026-11-03")
    '3-11-2026'
    """
    year, month, number = iso.split("-")
    return f"{int(number)}-{int(month)}-{year}"


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)

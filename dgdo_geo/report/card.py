"""The answer card as text, for the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from dgdo_geo.model import (
    Answer,
    Assessment,
    Cause,
    Constraint,
    Family,
    FeatureRef,
    LayerState,
    LayerStatus,
    LevelDifference,
    ProcedureStep,
    Reader,
    Rule,
    Source,
    Unanswered,
)
from dgdo_geo.report.fetched import last_fetch
from dgdo_geo.report.numbers import depth_nl, km2_nl, share_nl
from dgdo_geo.texts import number_nl, text

if TYPE_CHECKING:  # not at run time: it would load the readers of files for every card
    from dgdo_geo.intake.freshness import Freshness

OUTCOMES = ("excluded", "no_unless", "conditional", "attention", "no_known_constraint", "unknown")


def print_card(
    answer: Assessment, console: Console, reader: Reader | None = None, *, all_concerns: bool = False
) -> None:
    """Print the answer card: first the table, then per activity the reasons.

    Parameters
    ----------
    reader : Reader, optional
        For whom the concerns are chosen; the level of government of the place when None.
    all_concerns : bool
        Print every concern that fits in place of the first ones.
    """
    region = answer.region
    area = "" if region.area_m2 is None else f", {km2_nl(region.area_m2)}"
    console.print(
        text("card", "title", kind=text("region_kind", region.kind.value), name=region.name, code=region.code) + area,
        style="bold",
    )
    console.print(text("card", "date", on=answer.on.isoformat(), version=answer.receipt.rules_version))
    for note in answer.notes_nl:
        console.print(f"! {note}", style="yellow")
    console.print()
    console.print(_overview(answer))
    for item in answer.answers:
        _print_answer(item, console)
    _print_rules(answer, console)
    _print_procedures(answer, console)
    _print_concerns(answer, console, reader or answer.default_reader, all_concerns=all_concerns)
    _print_terms(answer, console)
    receipt = answer.receipt
    console.print(
        f"\n{text('card', 'receipt', code=receipt.code, engine=receipt.engine, rules=receipt.rules_hash[:12])}",
        style="dim",
    )


def _print_concerns(answer: Assessment, console: Console, reader: Reader, *, all_concerns: bool) -> None:
    """What the region raised: beside the verdict, never in it."""
    first, rest = answer.concerns_for(reader)
    if not first and not rest:
        return
    console.print(f"\n{text('card', 'concerns', reader=text('reader', reader.value))}", style="bold")
    for item in (*first, *rest) if all_concerns else first:
        concern = item.concern
        who = text(
            "card", "own_concern" if concern.is_own else "concern_by", author=concern.author, by=concern.raised_by.value
        )
        section = f", {concern.section}" if concern.section else ""
        console.print(f"  • {concern.title_nl}: {concern.text_nl} ({who}; {concern.source.title}{section})")
    if rest and not all_concerns:
        console.print(f"  {text('card', 'more_concerns', count=len(rest))}")


def _print_terms(answer: Assessment, console: Console) -> None:
    if answer.terms:
        console.print(f"\n{text('card', 'terms')}", style="bold")
    for term in answer.terms:
        console.print(f"  {term.term_nl}: {term.meaning_nl}", style="dim")


def _overview(answer: Assessment) -> Table:
    table = Table(title=text("card", "overview"), title_justify="left", header_style="bold", box=box.SIMPLE)
    for column in ("activity", "depth", "potential", "verdict", "indication"):
        table.add_column(text("card_columns", column), overflow="fold")
    for item in answer.answers:
        verdict = outcome_nl(item)
        if item.areas:
            verdict = "\n".join(f"{text('verdict', word)} {share}" for word, share in outcome_shares(item))
        table.add_row(item.activity.name_nl, band_nl(item), potential_nl(item), verdict, indication_nl(item))
    return table


def indication_nl(item: Answer) -> str:
    """The strictest rule that fires as drawn where the outcome is unknown, with the share of the area."""
    if item.hint is None:
        return ""
    verdict, share = item.hint
    word = text("verdict", verdict.key)
    return word if share is None else f"{word} {share_nl(share)}"


def outcome_shares(item: Answer) -> list[tuple[str, str]]:
    """Outcome words of an area with their share, in the order of strictness."""
    totals: dict[str, float] = {}
    for part in item.areas:
        totals[part.outcome] = totals.get(part.outcome, 0.0) + part.share
    return [(word, share_nl(totals[word])) for word in OUTCOMES if word in totals]


def band_nl(item: Answer) -> str:
    """The depth band in words."""
    band = f"{number_nl(item.band.top_m)}–{number_nl(item.band.base_m)} m"
    return f"{band} ({item.band.label_nl})" if item.band.label_nl else band


def potential_nl(item: Answer) -> str:
    """The potential, marked where the place lies close to the edge of a class."""
    word = text("potential", item.potential.key)
    if item.potential_certain or item.potential.key == "unknown":
        return word
    return text("card", "potential_uncertain", word=word)


def outcome_nl(item: Answer) -> str:
    """The outcome word; "meest" where an area has several, "ten minste" where it is a lower bound."""
    word = text("verdict", item.outcome)
    if item.areas and len(outcome_shares(item)) > 1:
        word = text("card", "mostly", word=word)
    elif not item.conclusive and item.outcome != "unknown":
        word = text("card", "at_least", word=word)
    return word


def _print_answer(item: Answer, console: Console) -> None:
    head = f"{item.activity.name_nl}, {band_nl(item)}: {outcome_nl(item)}"
    if indication_nl(item):
        head += text("card", "indication", word=indication_nl(item))
    console.print(f"\n{head}", style="bold")
    console.print(text("card", "potential_line", word=potential_nl(item), quality=text("quality", item.quality.value)))
    for constraint in item.constraints:
        _print_constraint(constraint, console)
    for difference in item.level_differences:
        console.print(f"  ⚖ {level_line(difference)}")
    for alternative in item.alternatives:
        _print_constraint(alternative, console, key="alternative")
    if item.slanted is not None:
        console.print(f"    {text('card', 'slanted', word=text('verdict', item.slanted.key))}")
    for line in unanswered_lines(item.unanswered):
        console.print(f"  ? {line}")
    if item.clear:
        titles = "; ".join(rule.title_nl for rule in item.clear)
        console.print(f"  ✓ {text('card', 'clear', titles=titles)}")
    for procedure in item.procedures:
        console.print(f"  → {procedure.summary_nl}")
    if not item.procedures:
        console.print(f"  → {text('card', 'no_procedure')}")


def level_line(item: LevelDifference) -> str:
    """Levels of government that judge a layer differently, in words."""
    said = "; ".join(
        f"{text('level', level.value)}: {text('verdict', verdict.key)}" for level, verdict in item.verdicts
    )
    return text("card", "levels", layer=item.layer.title_nl, said=said, decides=text("level", item.decides.value))


def _print_constraint(item: Constraint, console: Console, key: str = "") -> None:
    rule = item.rule
    mark = "" if item.is_certain else f" {text('card', 'not_certain')}"
    size = "" if item.area_m2 is None or item.share is None else f" [{share_nl(item.share)}, {km2_nl(item.area_m2)}]"
    word = text("verdict", rule.verdict.key)
    line = text("card", key, word=word, title=rule.title_nl) if key else f"{word}: {rule.title_nl}"
    console.print(f"  {'↘' if key else '•'} {line}{size}{mark}")
    for feature in item.features[:3]:
        console.print(f"    – {feature_line(feature)}")
    if len(item.features) > 3:
        console.print(f"    – {text('card', 'more', count=len(item.features) - 3)}")


def _print_rules(answer: Assessment, console: Console) -> None:
    """Every rule that fired, once: why, condition, article, dates and the layer it rests on."""
    fired = {item.rule.id: item for one in answer.answers for item in (*one.constraints, *one.alternatives)}
    if fired:
        console.print(f"\n{text('card', 'rules')}", style="bold")
    for item in fired.values():
        rule = item.rule
        console.print(f"  {rule.title_nl} ({rule.id}): {rule.explanation_nl} {rule.condition_nl}".rstrip())
        article = "; ".join(source_nl(source) for source in (rule.source, *rule.also))
        source = text(
            "card", "source", article=article, since=rule.valid_from.isoformat(),
            checked=rule.checked_on.isoformat(), confidence=text("confidence", rule.confidence.value),
        )  # fmt: skip
        if item.layer is not None:
            quality = text("quality", item.layer.quality.value)
            day = item.layer.reference_date.isoformat()
            source += " " + text("card", "layer", title=item.layer.title_nl, quality=quality, date=day)
        console.print(f"    {source}", style="dim")
        for line in caveats(rule):
            console.print(f"    {line}", style="dim")


def source_nl(source: Source) -> str:
    """A source with its article, in one line."""
    return ", ".join(part for part in (source.title, source.article) if part)


def caveats(rule: Rule) -> list[str]:
    """Which law, who may deviate, what is doubtful, what the rule does not model."""
    lines = [text("card", "act", act=text("act", rule.act.value))]
    if rule.deviation_nl:
        lines.append(text("card", "deviation", how=rule.deviation_nl))
    if rule.doubt:
        lines.append(text("card", "doubt", doubts="; ".join(text("doubt", doubt.value) for doubt in rule.doubt)))
    if rule.not_modelled:
        lines.append(text("card", "not_modelled", what=" ".join(rule.not_modelled)))
    return lines


SAYS = ("advises", "municipality", "province", "water_board", "participation", "appeal")
"""Who has a say in a step, in the order in which it is shown."""


def _print_procedures(answer: Assessment, console: Console) -> None:
    """Steps and roles, of one activity; for more than one activity only where to find them."""
    found = {procedure.id: procedure for item in answer.answers for procedure in item.procedures}
    console.print(f"\n{text('card', 'procedures')}", style="bold")
    if len({item.activity.id for item in answer.answers}) > 1:
        console.print(f"  {text('card', 'one_activity')}")
        return
    for procedure in found.values():
        console.print(f"  {procedure.summary_nl} ({procedure.act})")
        for step in procedure.steps:
            _print_step(step, console)
        for gap in procedure.gaps_nl:
            console.print(f"  ? {gap}")


def _print_step(step: ProcedureStep, console: Console) -> None:
    console.print(f"  • {step.phase.value}: {step.step_nl}")
    for who in ("decides", *SAYS):
        says = getattr(step, f"{who}_nl") or text("card", "not_looked_up")
        console.print(f"    {text('step_says', who)}: {says}")
    source = "; ".join(source_nl(one) for one in (step.source, *step.also))
    doubt = "".join(f"; {text('doubt', one.value)}" for one in step.doubt)
    console.print(f"    {source} ({text('confidence', step.confidence.value)}{doubt})", style="dim")


def feature_line(feature: FeatureRef) -> str:
    """One feature in words: name, class, depth and area."""
    size = "" if not feature.area_m2 else f", {km2_nl(feature.area_m2)}"
    return f"{feature.name} ({feature.label_nl}; {depth_nl(feature.depth)}{size})"


def unanswered_lines(items: Iterable[Unanswered]) -> list[str]:
    """Rules without an answer: one line per cause, strictest rules first."""
    groups: dict[Cause, list[Unanswered]] = {}
    for item in items:
        groups.setdefault(item.cause, []).append(item)
    lines = []
    for cause, members in sorted(groups.items()):
        parts = []
        for member in members:
            where = "" if member.share is None or member.share > 1 - 1e-9 else f", {share_nl(member.share)}"
            parts.append(f"{member.rule.title_nl} ({text('verdict', member.rule.verdict.key)}{where})")
        lines.append(text("card", "unanswered", cause=text("cause", cause.value), titles="; ".join(parts)))
    return lines


def print_layers(states: Iterable[LayerState], console: Console, fetched: Mapping[str, Freshness]) -> None:
    """Print the layers per family: title, status, quality, date, scale, source and last fetch."""
    by_family: dict[Family, list[LayerState]] = {}
    for state in states:
        by_family.setdefault(state.layer.family, []).append(state)
    for family in Family:
        if family in by_family:
            console.print(f"\n{text('family', family.value)}", style="bold")
        for state in by_family.get(family, []):
            layer = state.layer
            status = text("status", state.status.value)
            if state.status is LayerStatus.AVAILABLE:
                status = text("card", "layer_loaded", status=status, count=number_nl(state.features))
            console.print(f"  {layer.id}: {layer.title_nl} – {status}")
            quality, day = text("quality", layer.quality.value), layer.reference_date.isoformat()
            if state.status is LayerStatus.AVAILABLE:
                console.print(
                    f"    {quality}, {day}. {layer.scale_nl}. {text('card', 'layer_source', source=layer.source)}"
                )
            else:
                console.print(f"    {state.detail_nl}")
            if layer.id in fetched:
                console.print(f"    {last_fetch(fetched[layer.id])}")

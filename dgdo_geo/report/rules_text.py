"""The rules as lines of text, for the command line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from dgdo_geo.knowledge import KnowledgeBase
from dgdo_geo.model import Rule
from dgdo_geo.report.card import caveats, source_nl
from dgdo_geo.texts import text


def rules_lines(knowledge: KnowledgeBase, on: date) -> Iterator[str]:
    """Every rule, per file: verdict, article, since when, last checked, confidence and what it does not model.

    Parameters
    ----------
    on : date
        Rules that are not in force on this day are marked.
    """
    by_file: dict[str, list[Rule]] = {}
    for rule in knowledge.rules:
        by_file.setdefault(knowledge.files[f"rule {rule.id}"], []).append(rule)
    info = knowledge.info
    yield text("rules", "head", version=info.version, checked=info.checked_on.isoformat(), on=on.isoformat())
    for file, rules in by_file.items():
        yield f"\n{file}"
        for rule in rules:
            yield from _lines(rule, on)


def _lines(rule: Rule, on: date) -> Iterator[str]:
    mark = "" if rule.in_force(on) else f" {text('rules', 'not_in_force')}"
    way = "" if rule.counts else f" {text('rules', 'slanted')}"
    yield f"  {rule.id}: {text('verdict', rule.verdict.key)}: {rule.title_nl} ({text('level', rule.level.value)}){way}{mark}"
    until = "" if rule.valid_to is None else text("rules", "until", day=rule.valid_to.isoformat())
    article = "; ".join(source_nl(source) for source in (rule.source, *rule.also))
    yield "    " + text(
        "card", "source", article=article, since=rule.valid_from.isoformat() + until,
        checked=rule.checked_on.isoformat(), confidence=text("confidence", rule.confidence.value),
    )  # fmt: skip
    for line in caveats(rule):
        yield f"    {line}"

"""Mutation test of the rule base: every rule, taken away or changed in one place, makes a case fail.

A change that no case notices is a statement that nobody could defend: nothing shows that it matters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from dgdo_geo.catalogue import read_catalogue, shipped_layers_dir
from dgdo_geo.check import case_differences, case_problems
from dgdo_geo.knowledge import KnowledgeBase, read_knowledge
from dgdo_geo.model import Case, Extent, Parameter, Rule, Verdict, Well, When

KNOWLEDGE = read_knowledge()
LAYERS = {layer_id: entry.layer for layer_id, entry in read_catalogue([shipped_layers_dir()]).items()}
DEPTH_MATTERS = (Extent.PATH, Extent.TARGET)
DAY = timedelta(days=1)
SLIGHTLY = 0.02
"""A threshold that moves by this share must be noticed."""


def changes(rule: Rule) -> Iterator[tuple[str, Rule | None]]:
    """The rule with one thing different, and what; None is the rule taken away."""

    def changed(what: str, **update: object) -> tuple[str, Rule]:
        return what, rule.model_copy(update=update)

    yield "removed", None
    for verdict in Verdict:
        if verdict is not Verdict.NO_KNOWN_CONSTRAINT and abs(verdict - rule.verdict) == 1:
            yield changed(f"verdict {verdict.key}", verdict=verdict)
    for key in ("classes", "activities", "regions"):
        named = getattr(rule, key)
        for one in named if len(named) > 1 else ():
            yield changed(f"{key} without {one}", **{key: tuple(item for item in named if item != one)})
    if rule.regions:
        yield changed("regions: whole country", regions=())
    if rule.layer is not None and rule.classes and set(rule.classes) < {c.id for c in LAYERS[rule.layer].classes}:
        yield changed("classes: any", classes=())
    if rule.extent in DEPTH_MATTERS:
        for extent in {*DEPTH_MATTERS, Extent.COLUMN} - {rule.extent}:
            yield changed(f"extent {extent.value}", extent=extent)
    for key in ("within", "deeper_than", "shallower_than"):
        if getattr(rule, key) is not None:
            yield changed(f"{key} dropped", **{key: None})
    if rule.when is not When.ALWAYS:
        other = When.ABSENT if rule.when is When.PRESENT else When.PRESENT
        yield changed(f"when {other.value}", when=other)
    if rule.valid_from > KNOWLEDGE.info.covers_from:
        yield changed("a day earlier", valid_from=rule.valid_from - DAY)
    if rule.valid_from >= KNOWLEDGE.info.covers_from:
        yield changed("a day later", valid_from=rule.valid_from + DAY)
    if rule.valid_to is not None:
        yield changed("no end", valid_to=None)
        yield changed("ends a day earlier", valid_to=rule.valid_to - DAY)
    if rule.exempts:
        yield changed("exempts nothing", exempts=())
    if rule.well is Well.SLANTED:
        yield changed("well any", well=Well.ANY)


def in_place_of(rule: Rule, changed: Rule | None) -> KnowledgeBase:
    """The rule base with one rule replaced or taken away."""
    rules = [changed if one is rule else one for one in KNOWLEDGE.rules]
    return replace(KNOWLEDGE, rules=tuple(one for one in rules if one is not None))


def is_noticed(knowledge: KnowledgeBase, cases: list[Case]) -> bool:
    return any(case_differences(case, knowledge, LAYERS) for case in cases)


def cases_about(rule: Rule) -> list[Case]:
    """Cases that a change of the rule may break, those that name it first."""
    candidates = [case for case in KNOWLEDGE.cases if set(case.activities) & set(rule.activities)]
    return sorted(
        candidates,
        key=lambda case: rule.id not in (*case.expect.rules, *case.expect.alternatives, *case.expect.quiet),
    )


def test_the_cases_hold_without_a_change() -> None:
    assert KNOWLEDGE.cases
    assert [c.name for c in KNOWLEDGE.cases if case_problems(c, KNOWLEDGE, LAYERS)] == []


@pytest.mark.parametrize("rule", KNOWLEDGE.rules, ids=lambda rule: f"{rule.id}-{rule.valid_from}")
def test_every_change_of_a_rule_breaks_a_case(rule: Rule) -> None:
    cases = cases_about(rule)
    tried = list(changes(rule))
    assert tried
    survived = [what for what, changed in tried if not is_noticed(in_place_of(rule, changed), cases)]
    assert survived == []


USED = sorted({p for r in KNOWLEDGE.rules for p in (r.within, r.deeper_than, r.shallower_than) if p})


@pytest.mark.parametrize("parameter_id", USED)
@pytest.mark.parametrize("share", [-SLIGHTLY, SLIGHTLY])
def test_every_change_of_a_threshold_breaks_a_case(parameter_id: str, share: float) -> None:
    parameter = KNOWLEDGE.parameters[parameter_id]
    values = tuple(v.model_copy(update={"value": v.value * (1 + share)}) for v in parameter.values)
    moved: Parameter = parameter.model_copy(update={"values": values})
    knowledge = replace(KNOWLEDGE, parameters={**KNOWLEDGE.parameters, parameter_id: moved})
    users = [r for r in KNOWLEDGE.rules if parameter_id in (r.within, r.deeper_than, r.shallower_than)]
    assert is_noticed(knowledge, [case for rule in users for case in cases_about(rule)])

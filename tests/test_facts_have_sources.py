"""Every number, article and date of the knowledge base rests on a source of the list, and says how sure it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import pytest

from dgdo_geo.knowledge import read_knowledge
from dgdo_geo.model import OWN, Confidence, Declared, Rule, Source

KNOWLEDGE = read_knowledge()
NUMBER = re.compile(r"(\d[\d.]*(?:,\d+)?) (?:kilo)?(?:meter|graden|jaar|dagen|procent|darcymeter)\b")
SAID_TO_BE_OURS = ("aanname", "niet bevestigd", "nauwkeurig", "wij rekenen", "instelbaar")
"""A sentence with one of these says itself where its number comes from."""


def statements() -> Iterator[tuple[str, Declared, tuple[Source, ...]]]:
    """Everything that states a fact, with what it cites."""
    for rule in KNOWLEDGE.rules:
        yield rule.id, rule, (rule.source, *rule.also)
    for parameter in KNOWLEDGE.parameters.values():
        yield parameter.id, parameter, tuple(value.source for value in parameter.values)
    for activity in KNOWLEDGE.activities.values():
        yield activity.id, activity, activity.sources
        for number, requirement in enumerate(activity.requirements):
            yield f"{activity.id} requirement {number}", requirement, (requirement.source,)
    for procedure in KNOWLEDGE.procedures:
        for number, step in enumerate(procedure.steps):
            yield f"{procedure.id} step {number}", step, (step.source, *step.also)
    for pair in KNOWLEDGE.pairs:
        yield pair.id, pair, (pair.source, *pair.also)
    for point in KNOWLEDGE.control_points:
        yield point.id, point, (point.source, *point.also)


STATEMENTS = list(statements())


def test_there_is_something_to_look_at() -> None:
    assert len(STATEMENTS) > 300


@pytest.mark.parametrize(("name", "entry", "cited"), STATEMENTS, ids=[name for name, *_ in STATEMENTS])
def test_a_statement_cites_the_list_and_says_how_sure_it_is(
    name: str, entry: Declared, cited: tuple[Source, ...]
) -> None:
    assert cited
    for source in cited:
        known = KNOWLEDGE.sources[source.id]
        assert (source.title, source.url, source.published) == (known.title, known.url, known.published)
        assert source.read_as_nl == known.read_as_nl != ""
    confidence = entry.confidence  # type: ignore[attr-defined]
    assert confidence in Confidence
    if confidence is Confidence.SEEN:
        assert any(source.id not in (OWN, "vakkennis") for source in cited)
    if confidence is Confidence.UNCERTAIN and hasattr(entry, "doubt"):
        assert entry.doubt


def test_no_source_claims_a_day_after_today() -> None:
    """A version that does not exist yet cannot have been read."""
    for source in KNOWLEDGE.sources.values():
        if isinstance(source.published, date):
            assert source.published <= KNOWLEDGE.info.checked_on, source.id


def test_what_was_not_read_is_not_called_seen() -> None:
    unread = {i for i, source in KNOWLEDGE.sources.items() if source.read_as_nl.startswith("Niet gelezen")}
    assert unread
    for name, entry, cited in STATEMENTS:
        if entry.confidence is Confidence.SEEN:  # type: ignore[attr-defined]
            assert {source.id for source in cited} - unread, name


def number_problems(rule: Rule) -> list[str]:
    """Numbers with a unit in the texts of a rule that neither a parameter nor a citation holds."""
    named = [KNOWLEDGE.parameters[p] for p in (rule.within, rule.deeper_than, rule.shallower_than) if p]
    values = {value.value for parameter in named for value in parameter.values}
    values |= {value / 1000 for value in values}
    cited = " ".join(f"{s.title} {s.article} {s.quote_nl}" for s in (rule.source, *rule.also))
    found = []
    for text in (rule.title_nl, rule.explanation_nl, rule.condition_nl, rule.deviation_nl, *rule.not_modelled):
        for sentence in re.split(r"(?<=[.;:])\s", text):
            for number in NUMBER.findall(sentence):
                value = float(number.replace(".", "").replace(",", "."))
                is_cited = re.search(rf"(?<!\d){re.escape(number)}(?!\d)", cited)
                if value not in values and not is_cited and not any(w in sentence for w in SAID_TO_BE_OURS):
                    found.append(f"{number}: {sentence}")
    return found


@pytest.mark.parametrize("rule", KNOWLEDGE.rules, ids=lambda rule: rule.id)
def test_every_number_in_a_rule_is_a_parameter_or_stands_in_a_citation(rule: Rule) -> None:
    assert number_problems(rule) == []


def test_a_number_from_nowhere_is_noticed() -> None:
    rule = next(r for r in KNOWLEDGE.rules if not r.within)
    made_up = rule.model_copy(update={"explanation_nl": "Binnen 123 meter mag het niet."})
    assert number_problems(made_up) == ["123: Binnen 123 meter mag het niet."]

"""What names what on the page with the rules: who uses a number, who cites a source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dgdo_geo.model import Source
from dgdo_geo.report.rules_facts import Facts
from dgdo_geo.texts import text

MANY = 12
"""More citing pairs or concerns than this are counted, with a link to their part of the page."""


@dataclass(frozen=True)
class Link:
    """A place on the page."""

    address: str
    label: str


def users(facts: Facts) -> dict[str, list[Link]]:
    """Per parameter, the rules and activities that use it."""
    found: dict[str, list[Link]] = {}
    for rule in facts.knowledge.rules:
        for number in facts.numbers(rule):
            found.setdefault(number.id, []).append(Link(facts.anchor(rule), rule.title_nl))
    for activity in facts.knowledge.activities.values():
        link = Link(f"activiteit-{activity.id}", activity.name_nl)
        for requirement in activity.requirements:
            for parameter_id in (requirement.at_least, requirement.at_most):
                if parameter_id is not None and link not in found.setdefault(parameter_id, []):
                    found[parameter_id].append(link)
    return found


def cited_by(facts: Facts) -> dict[str, dict[str, list[Link]]]:
    """Per source and kind of entry, the entries that cite it; of pairs and concerns, many become one link."""
    found: dict[str, dict[str, list[Link]]] = {}
    for kind, link, sources in _citing(facts):
        for source_id in dict.fromkeys(source.id for source in sources):
            found.setdefault(source_id, {}).setdefault(kind, []).append(link)
    parts = {"pair": "samengaan", "concern": "aandachtspunten"}
    for kinds in found.values():
        for kind, part in parts.items():
            if len(kinds.get(kind, [])) > MANY:
                kinds[kind] = [Link(part, text("rules_cited", f"many_{kind}", count=len(kinds[kind])))]
    return found


def _citing(facts: Facts) -> Iterator[tuple[str, Link, tuple[Source, ...]]]:
    known = facts.knowledge
    for rule in known.rules:
        yield "rule", Link(facts.anchor(rule), rule.title_nl), (rule.source, *rule.also)
    for activity in known.activities.values():
        sources = (*activity.sources, *(requirement.source for requirement in activity.requirements))
        yield "activity", Link(f"activiteit-{activity.id}", activity.name_nl), sources
    for procedure in known.procedures:
        sources = (procedure.source, *(s for step in procedure.steps for s in (step.source, *step.also)))
        yield "procedure", Link(f"procedure-{procedure.id}", facts.procedure_name(procedure)), sources
    for pair in known.pairs:
        yield "pair", Link(f"paar-{pair.id}", facts.pair_name(pair)), (pair.source, *pair.also)
    for parameter in known.parameters.values():
        yield "number", Link(f"getal-{parameter.id}", parameter.label_nl), tuple(v.source for v in parameter.values)
    for concern in known.concerns:
        yield "concern", Link(f"aandachtspunt-{concern.id}", concern.title_nl), (concern.source,)
    for point in known.control_points:
        yield "point", Link(f"punt-{point.id}", point.name), (point.source, *point.also)

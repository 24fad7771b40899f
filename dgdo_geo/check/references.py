"""Names that entries of the knowledge base give each other: every one must exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from dgdo_geo.knowledge import KnowledgeBase
from dgdo_geo.knowledge_files import unknown
from dgdo_geo.model import Family, Layer, Rule

PROVINCES = tuple(f"PV{n}" for n in range(20, 32))
DGDO_REGIONS = ("Noord", "Oost", "Zuid", "West")
CATALOGUE_ROWS = tuple(f"R{n:02}" for n in range(1, 45))
"""Rows of the catalogue of constraints; every one is a rule (by the start of its id) or lives elsewhere."""


def in_file(knowledge: KnowledgeBase, kind: str, entry: str, problem: str) -> str:
    """A message that names the file, the entry and (first in the problem) the key."""
    file = knowledge.files.get(f"{kind} {entry}")
    return f"{file + ': ' if file else ''}{kind} {entry!r}: {problem}"


def check_references(knowledge: KnowledgeBase, layers: Mapping[str, Layer]) -> list[str]:
    """Every id that a file names must exist."""
    found: list[tuple[str, str, Iterator[str]]] = []
    found += _of_rules(knowledge, layers)
    found += [("activity", i, _activity(i, knowledge, layers)) for i in knowledge.activities]
    for concern in knowledge.concerns:
        found.append(("concern", concern.id, _activities(concern.activities, knowledge)))
        found.append(("concern", concern.id, _names("regions", "region", concern.regions, DGDO_REGIONS)))
    concern_ids = {concern.id for concern in knowledge.concerns}
    for part in knowledge.coverage:
        found.append(("section", part.id, _names("concerns", "concern", part.concerns, concern_ids)))
    for procedure in knowledge.procedures:
        found.append(("procedure", procedure.id, _activities(procedure.activities, knowledge)))
    for pair in knowledge.pairs:
        found.append(("pair", pair.id, _names("a, b", "activity", (pair.a, pair.b), knowledge.activities)))
    term_ids = {term.id for term in knowledge.glossary}
    found += [("term", term.id, _names("see", "term", term.see, term_ids)) for term in knowledge.glossary]
    found += [("pair", i, iter((problem,))) for i, problem in _double_pairs(knowledge)]
    errors = [in_file(knowledge, kind, entry, problem) for kind, entry, problems in found for problem in problems]
    return errors + list(_gaps(knowledge))


def check_rules(knowledge: KnowledgeBase, layers: Mapping[str, Layer]) -> list[str]:
    """What makes rules impossible to apply: names that do not exist, two versions on one day."""
    found = _of_rules(knowledge, layers)
    errors = [in_file(knowledge, kind, entry, problem) for kind, entry, problems in found for problem in problems]
    return errors + check_validity(knowledge)


def unfit_layers(knowledge: KnowledgeBase, layers: Mapping[str, Layer]) -> set[str]:
    """Layers that cannot be read by a rule, because of what that rule names; the rule is wrong then."""
    return {str(rule.layer) for rule in knowledge.rules if any(_of_layer(rule, layers))}


def _names(key: str, what: str, wanted: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    allowed = list(known)
    return (f"{key}: {unknown(what, item, allowed)}" for item in wanted if item not in allowed)


def _activities(wanted: Iterable[str], knowledge: KnowledgeBase) -> Iterator[str]:
    """Activities that do not exist; one that a group brought in is the mistake of that group."""
    brought = {activity for group in knowledge.groups.values() for activity in group.activities}
    near = [*knowledge.activities, *knowledge.groups]
    for item in wanted:
        if item not in knowledge.activities and item not in brought:
            yield f"activities: {unknown('activity', item, near)}"


def _of_rules(knowledge: KnowledgeBase, layers: Mapping[str, Layer]) -> list[tuple[str, str, Iterator[str]]]:
    """Problems of every group and rule."""
    found: list[tuple[str, str, Iterator[str]]] = [
        ("group", i, _names("activities", "activity", group.activities, knowledge.activities))
        for i, group in knowledge.groups.items()
    ]
    return found + [("rule", rule.id, _rule(rule, knowledge, layers)) for rule in knowledge.rules]


def _rule(rule: Rule, knowledge: KnowledgeBase, layers: Mapping[str, Layer]) -> Iterator[str]:
    yield from _activities(rule.activities, knowledge)
    yield from _names("exempts", "exempted rule", rule.exempts, [r.id for r in knowledge.rules])
    yield from _names("regions", "province", rule.regions, PROVINCES)
    for key in ("within", "deeper_than", "shallower_than"):
        parameter_id = getattr(rule, key)
        if parameter_id is None:
            continue
        yield from _names(key, "parameter", [parameter_id], knowledge.parameters)
        if parameter_id in knowledge.parameters:
            start = max(rule.valid_from, knowledge.info.covers_from)
            if min(v.valid_from for v in knowledge.parameters[parameter_id].values) > start:
                yield f"{key}: parameter {parameter_id!r} has no value yet on {start}"
    if rule.layer is not None:
        yield from _names("layer", "layer", [rule.layer], layers)
    yield from _of_layer(rule, layers)


def _of_layer(rule: Rule, layers: Mapping[str, Layer]) -> Iterator[str]:
    """What a rule asks of its layer that the layer does not have."""
    if rule.layer is not None and rule.layer in layers:
        layer = layers[rule.layer]
        yield from _names("classes", f"class of layer {rule.layer!r}", rule.classes, [c.id for c in layer.classes])
        if layer.geometry != "polygon" and rule.within is None:
            yield f"layer: {rule.layer!r} has no area; `within` is needed"


def _activity(activity_id: str, knowledge: KnowledgeBase, layers: Mapping[str, Layer]) -> Iterator[str]:
    activity = knowledge.activities[activity_id]
    yield from _names("potential_layers", "layer", activity.potential_layers, layers)
    for layer_id in activity.potential_layers:
        if layer_id in layers and layers[layer_id].family is not Family.POTENTIAL:
            yield f"potential_layers: layer {layer_id!r} is not a potential layer"
    for requirement in activity.requirements:
        named = [p for p in (requirement.at_least, requirement.at_most) if p is not None]
        yield from _names("requirements", "parameter", named, knowledge.parameters)
    if not any(activity_id in rule.activities for rule in knowledge.rules):
        yield "no rule mentions it; every answer would be 'no known constraint'"
    for band in activity.bands:
        if not knowledge.procedures_for(activity_id, band.top_m, band.base_m):
            yield f"no procedure for {band.top_m:g}-{band.base_m:g} m"


def _double_pairs(knowledge: KnowledgeBase) -> Iterator[tuple[str, str]]:
    seen: dict[tuple[str, str], str] = {}
    for pair in knowledge.pairs:
        if (pair.a, pair.b) in seen:
            yield pair.id, f"a, b: stands already as {seen[pair.a, pair.b]!r}"
        back = next((p for p in knowledge.pairs if (p.a, p.b) == (pair.b, pair.a) and p is not pair), None)
        if back is not None and not (pair.asymmetry_nl and back.asymmetry_nl):
            yield (
                pair.id,
                f"asymmetry_nl: {back.id!r} is the same pair the other way round; both must say why they differ",
            )
        seen[pair.a, pair.b] = pair.id


def _gaps(knowledge: KnowledgeBase) -> Iterator[str]:
    """Concerns without a place in the source document, catalogue rows without a rule."""
    covered = {concern for part in knowledge.coverage for concern in part.concerns}
    for concern in knowledge.concerns:
        if knowledge.coverage and concern.id not in covered and not concern.is_own:
            yield in_file(knowledge, "concern", concern.id, "no section of concern_coverage.toml names it")
    if knowledge.info.elsewhere:
        for row in CATALOGUE_ROWS:
            is_rule = any(rule.id.startswith(f"{row.casefold()}-") for rule in knowledge.rules)
            if is_rule == (row in knowledge.info.elsewhere):
                problem = "is both a rule and elsewhere" if is_rule else "is neither a rule nor elsewhere"
                yield f"rulebase.toml: elsewhere: row {row} {problem}"


def check_validity(knowledge: KnowledgeBase) -> list[str]:
    """Two versions of one rule may not hold on the same day."""
    errors = []
    by_id: dict[str, list[Rule]] = {}
    for rule in knowledge.rules:
        by_id.setdefault(rule.id, []).append(rule)
    for rule_id, versions in by_id.items():
        versions.sort(key=lambda rule: rule.valid_from)
        for earlier, later in zip(versions, versions[1:], strict=False):
            if earlier.valid_to is None or earlier.valid_to >= later.valid_from:
                problem = f"valid_to: validity overlaps, from {later.valid_from}"
                errors.append(in_file(knowledge, "rule", rule_id, problem))
    return errors

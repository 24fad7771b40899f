"""The check of catalogue, rules, cases and control points: ``dgdo-geo check``.

A check that looked at zero things is an error.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from dgdo_geo.assess import BandAssessment, Firing, assess
from dgdo_geo.errors import DgdoGeoError
from dgdo_geo.knowledge import Case, CaseEvidence, ControlPoint, KnowledgeBase
from dgdo_geo.model import (
    Absence,
    DepthInterval,
    DepthRange,
    EvidenceKey,
    EvidenceTable,
    Family,
    Layer,
    LayerState,
    LayerStatus,
    Presence,
    Rule,
    Verdict,
)
from dgdo_geo.query import Explorer

FRESH = timedelta(days=365)
"""A statement that nobody compared with its source for longer than this is worth a warning."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What was looked at, and what is wrong. Messages are English: they speak to editors of files."""

    counts: dict[str, int]
    errors: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """The dict of ``check --json``."""
        return {"counts": self.counts, "errors": list(self.errors), "warnings": list(self.warnings)}


def check(explorer: Explorer, today: date | None = None) -> CheckResult:
    """Check everything that the program knows.

    Parameters
    ----------
    explorer : Explorer
        Its catalogue, knowledge base and start set are checked.
    today : date, optional
        The day for freshness and for "in force".
    """
    day = today or date.today()
    knowledge = explorer.knowledge
    layers = {layer_id: state.layer for layer_id, state in explorer.states.items()}
    counts = {
        "layers": len(layers),
        "activities": len(knowledge.activities),
        "rules": len(knowledge.rules),
        "parameters": len(knowledge.parameters),
        "concerns": len(knowledge.concerns),
        "cases": len(knowledge.cases),
        "control_points": len(knowledge.control_points),
    }
    errors = [f"{what}: none found, nothing was checked" for what, number in counts.items() if number == 0]
    errors += [f"layer {i}: {s.detail_nl}" for i, s in explorer.states.items() if s.status is LayerStatus.UNREADABLE]
    errors += check_references(knowledge, layers)
    errors += check_validity(knowledge.rules)
    errors += check_cases(knowledge, layers, day)
    errors += check_control_points(explorer, day)
    return CheckResult(counts, tuple(errors), tuple(stale_statements(knowledge, day)))


def check_references(knowledge: KnowledgeBase, layers: Mapping[str, Layer]) -> list[str]:
    """Every id that a file names must exist."""
    errors: list[str] = []
    rule_ids = {rule.id for rule in knowledge.rules}
    for rule in knowledge.rules:
        where = f"rule {rule.id!r}"
        errors += _unknown(where, "activity", rule.activities, knowledge.activities)
        errors += _unknown(where, "exempted rule", rule.exempts, rule_ids)
        named = [p for p in (rule.within, rule.deeper_than, rule.shallower_than) if p is not None]
        errors += _unknown(where, "parameter", named, knowledge.parameters)
        for parameter_id in named:
            values = knowledge.parameters[parameter_id].values if parameter_id in knowledge.parameters else ()
            start = max(rule.valid_from, knowledge.info.covers_from)
            if values and min(v.valid_from for v in values) > start:
                errors.append(f"{where}: parameter {parameter_id!r} has no value yet on {start}")
        errors += _unknown(where, "province", rule.regions, [f"PV{n}" for n in range(20, 32)])
        if rule.layer is not None:
            errors += _unknown(where, "layer", [rule.layer], layers)
            if rule.layer in layers:
                errors += _unknown(
                    where, f"class of layer {rule.layer!r}", rule.classes, [c.id for c in layers[rule.layer].classes]
                )
                if layers[rule.layer].geometry != "polygon" and rule.within is None:
                    errors.append(f"{where}: layer {rule.layer!r} has no area; `within` is needed")
    named_activities = {a for rule in knowledge.rules for a in rule.activities}
    for activity in knowledge.activities.values():
        where = f"activity {activity.id!r}"
        errors += _unknown(where, "layer", activity.potential_layers, layers)
        wrong = [i for i in activity.potential_layers if i in layers and layers[i].family is not Family.POTENTIAL]
        errors += [f"{where}: layer {layer_id!r} is not a potential layer" for layer_id in wrong]
        if activity.id not in named_activities:
            errors.append(f"{where}: no rule mentions it; every answer would be 'no known constraint'")
    for concern in knowledge.concerns:
        errors += _unknown(f"concern {concern.id!r}", "activity", concern.activities, knowledge.activities)
        errors += _unknown(f"concern {concern.id!r}", "region", concern.regions, ("Noord", "Oost", "Zuid", "West"))
    for procedure in knowledge.procedures:
        errors += _unknown(f"procedure {procedure.id!r}", "activity", procedure.activities, knowledge.activities)
    return errors


def _unknown(where: str, what: str, wanted: Iterable[str], known: Iterable[str]) -> list[str]:
    allowed = set(known)
    return [f"{where}: unknown {what} {item!r}" for item in wanted if item not in allowed]


def check_validity(rules: Iterable[Rule]) -> list[str]:
    """Two versions of one rule may not hold on the same day."""
    errors = []
    by_id: dict[str, list[Rule]] = {}
    for rule in rules:
        by_id.setdefault(rule.id, []).append(rule)
    for rule_id, versions in by_id.items():
        versions.sort(key=lambda rule: rule.valid_from)
        for earlier, later in zip(versions, versions[1:], strict=False):
            if earlier.valid_to is None or earlier.valid_to >= later.valid_from:
                errors.append(f"rule {rule_id!r}: validity overlaps, from {later.valid_from}")
    return errors


def check_cases(knowledge: KnowledgeBase, layers: Mapping[str, Layer], today: date) -> list[str]:
    """Run every case, and find rules in force that no case fires."""
    errors = []
    fired: Counter[str] = Counter()
    for name, number in Counter(case.name for case in knowledge.cases).items():
        if number > 1:
            errors.append(f"case {name!r} stands {number} times")
    for case in knowledge.cases:
        try:
            problems = case_problems(case, knowledge, layers)
        except DgdoGeoError as error:
            problems = [str(error)]
        if not problems:
            fired.update(case.expect.rules)
        errors += [f"case {case.name!r}: {problem}" for problem in problems]
    for rule in knowledge.rules:
        if rule.in_force(today) and not fired[rule.id]:
            errors.append(f"rule {rule.id!r}: no (passing) case fires it")
    return errors


def case_problems(case: Case, knowledge: KnowledgeBase, layers: Mapping[str, Layer]) -> list[str]:
    """What differs between a case and its expectation; empty when it holds."""
    strange = _unknown("evidence", "layer", [item.layer for item in case.evidence], layers)
    strange += _unknown("missing", "layer", case.missing, layers)
    for item in case.evidence:
        if item.layer in layers:
            strange += _unknown("evidence", "class", [item.class_id], [c.id for c in layers[item.layer].classes])
    if strange:
        return strange
    found = assess_case(case, knowledge, layers)
    firing = {o.rule.id: int(o.firing[0]) for o in found.rules}
    got = {
        "verdict": Verdict(int(found.verdict[0])).key,
        "conclusive": bool(found.conclusive[0]),
        "rules": sorted(r for r, f in firing.items() if f in (Firing.FIRES, Firing.RIM)),
        "unanswered": sorted(r for r, f in firing.items() if f in (Firing.UNANSWERED, Firing.RIM)),
    }
    expected = {
        "verdict": case.expect.verdict,
        "conclusive": case.expect.conclusive,
        "rules": sorted(case.expect.rules),
        "unanswered": sorted(case.expect.unanswered),
    }
    return [f"{key}: expected {expected[key]}, got {got[key]}" for key in expected if expected[key] != got[key]]


def assess_case(case: Case, knowledge: KnowledgeBase, layers: Mapping[str, Layer]) -> BandAssessment:
    """Assess the synthetic evidence of a case.

    All layers count as loaded, with conclusive absence, except those that the case calls missing.
    """
    states = {
        layer_id: LayerState(
            layer.model_copy(update={"absence": Absence.CONCLUSIVE, "coverage": ()}),
            LayerStatus.NOT_LOADED if layer_id in case.missing else LayerStatus.AVAILABLE,
        )
        for layer_id, layer in layers.items()
    }
    distances = knowledge.distances()
    presence: dict[EvidenceKey, Presence] = {}
    for item in case.evidence:
        level = Presence.RIM if item.near_edge else Presence.INSIDE
        reached = [d for d in distances.get(item.layer, ()) if item.within_m <= d]
        for within_m in [*([0.0] if item.within_m == 0 else []), *reached]:
            key = EvidenceKey(item.layer, item.class_id, _depth(item), within_m)
            presence[key] = max(level, presence.get(key, Presence.OUTSIDE))
    evidence = EvidenceTable(
        tuple(presence), np.array([list(presence.values())], np.int8).reshape(1, len(presence)), (case.province,)
    )
    activity = knowledge.activity(case.activity)
    rules = knowledge.applicable(case.activity, case.on)
    return assess(activity, DepthInterval(*case.depth_m), rules, evidence, states, knowledge.value, case.on)


def _depth(item: CaseEvidence) -> DepthRange:
    """Depth range of a piece of evidence: numbers, "unknown" or (base only) "open"."""
    top = (0.0, math.inf) if item.top_m == "unknown" else (float(item.top_m), float(item.top_m))
    if item.base_m == "open":
        return DepthRange(*top, math.inf, math.inf)
    base = (0.0, math.inf) if item.base_m == "unknown" else (float(item.base_m), float(item.base_m))
    return DepthRange(*top, *base)


def check_control_points(explorer: Explorer, today: date) -> list[str]:
    """Ask every control point and compare with what is expected."""
    errors = []
    for point in explorer.knowledge.control_points:
        try:
            problems = control_point_problems(explorer, point, today)
        except DgdoGeoError as error:
            problems = [str(error)]
        errors += [f"control point {point.id!r} ({point.name}): {problem}" for problem in problems]
    return errors


def control_point_problems(explorer: Explorer, point: ControlPoint, today: date) -> list[str]:
    """What differs between a control point and its expectation.

    With several depth bands, one of them must give the expected potential, and each the expected verdict.
    """
    found = explorer.at_point(point.x, point.y, today, activities=[point.activity], depth=point.depth_m).answers
    problems = []
    potentials = [answer.potential.key for answer in found]
    if point.potential is not None and point.potential not in potentials:
        problems.append(f"potential: expected {point.potential}, got {', '.join(potentials)}")
    for answer in found:
        if point.verdict is not None and answer.verdict.key != point.verdict:
            problems.append(f"verdict: expected {point.verdict}, got {answer.verdict.key}")
        if point.conclusive is not None and answer.conclusive is not point.conclusive:
            problems.append(f"conclusive: expected {point.conclusive}, got {answer.conclusive}")
    if point.potential is None and point.verdict is None:
        problems.append("expects nothing")
    return problems


def stale_statements(knowledge: KnowledgeBase, today: date) -> list[str]:
    """Rules, parameters and procedures that nobody checked for more than a year; unused parameters."""
    warnings = []
    for kind, items in (
        ("rule", knowledge.rules),
        ("parameter", knowledge.parameters.values()),
        ("procedure", knowledge.procedures),
    ):
        for item in items:
            if today - item.checked_on > FRESH:
                warnings.append(f"{kind} {item.id!r}: last checked on {item.checked_on}")
    used = {p for rule in knowledge.rules for p in (rule.within, rule.deeper_than, rule.shallower_than)}
    warnings += [f"parameter {p!r}: no rule uses it" for p in knowledge.parameters if p not in used]
    return warnings


def missing_layers_state(states: Mapping[str, LayerState], layer_id: str) -> dict[str, LayerState]:
    """The same states with one layer taken away, for what-if and tests."""
    return {**states, layer_id: replace(states[layer_id], status=LayerStatus.NOT_LOADED, detail_nl="")}

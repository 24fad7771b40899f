"""Cases: examples with synthetic evidence, and the rules that no case speaks of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date

import numpy as np

from dgdo_geo.assess import BandAssessment, Firing, assess
from dgdo_geo.check.references import in_file
from dgdo_geo.errors import DgdoGeoError
from dgdo_geo.knowledge import KnowledgeBase
from dgdo_geo.knowledge_files import unknown
from dgdo_geo.model import (
    Absence,
    Case,
    CaseEvidence,
    DepthInterval,
    DepthRange,
    EvidenceKey,
    EvidenceTable,
    Layer,
    LayerState,
    LayerStatus,
    Presence,
    Verdict,
)


def check_cases(knowledge: KnowledgeBase, layers: Mapping[str, Layer], today: date) -> list[str]:
    """Run every case; find rules in force that no case fires, and rules that no case keeps quiet."""
    errors = []
    fired: Counter[str] = Counter()
    quiet: Counter[str] = Counter()
    for name, number in Counter(case.name for case in knowledge.cases).items():
        if number > 1:
            errors.append(in_file(knowledge, "case", name, f"name: stands {number} times"))
    for case in knowledge.cases:
        try:
            problems = case_problems(case, knowledge, layers)
        except DgdoGeoError as error:
            problems = [str(error)]
        if not problems:
            fired.update((*case.expect.rules, *case.expect.alternatives))
            quiet.update(case.expect.quiet)
        errors += [in_file(knowledge, "case", case.name, problem) for problem in problems]
    for rule in knowledge.rules:
        if rule.in_force(today) and not fired[rule.id]:
            errors.append(in_file(knowledge, "rule", rule.id, "no (passing) case fires it"))
        if rule.in_force(today) and not quiet[rule.id]:
            errors.append(in_file(knowledge, "rule", rule.id, "no (passing) case says where it must not fire"))
    return errors


def case_problems(case: Case, knowledge: KnowledgeBase, layers: Mapping[str, Layer]) -> list[str]:
    """What differs between a case and its expectation; empty when it holds."""
    return list(_strange(case, knowledge, layers)) or case_differences(case, knowledge, layers)


def case_differences(case: Case, knowledge: KnowledgeBase, layers: Mapping[str, Layer]) -> list[str]:
    """What differs, for a case whose names are all known to exist."""
    problems = []
    for activity in case.activities:
        prefix = f"{activity}: " if len(case.activities) > 1 else ""
        problems += [prefix + problem for problem in _problems(case, activity, knowledge, layers)]
    return problems


def _strange(case: Case, knowledge: KnowledgeBase, layers: Mapping[str, Layer]) -> Iterator[str]:
    """Names in a case that do not exist, and rules it cannot be about."""
    strange = [activity for activity in case.activities if activity not in knowledge.activities]
    yield from (f"activity: {unknown('activity', activity, knowledge.activities)}" for activity in strange)
    for item in case.evidence:
        if item.layer not in layers:
            yield f"evidence: {unknown('layer', item.layer, layers)}"
        elif item.class_id not in {c.id for c in layers[item.layer].classes}:
            classes = [c.id for c in layers[item.layer].classes]
            yield f"evidence: {unknown(f'class of layer {item.layer!r}', item.class_id, classes)}"
    for layer_id in case.missing:
        if layer_id not in layers:
            yield f"missing: {unknown('layer', layer_id, layers)}"
    rules = {rule.id: rule for rule in knowledge.rules}
    named = {item.layer for item in case.evidence} | set(case.missing)
    for key in ("rules", "unanswered", "alternatives", "quiet"):
        for rule_id in getattr(case.expect, key):
            if rule_id not in rules:
                yield f"{key}: {unknown('rule', rule_id, rules)}"
            elif key == "quiet" and not (
                strange
                or set(case.activities) & set(rules[rule_id].activities)
                or rules[rule_id].layer in {*named, None}
            ):
                yield f"quiet: the case is not about rule {rule_id!r}: other activity and other layer"


def _problems(case: Case, activity: str, knowledge: KnowledgeBase, layers: Mapping[str, Layer]) -> Iterator[str]:
    found = assess_case(case, knowledge, layers, activity)
    expect = case.expect
    firing = {o.rule.id: int(o.firing[0]) for o in found.rules}
    verdicts = {o.rule.id: o.rule.verdict.key for o in found.rules if not o.rule.counts}
    fires, open_ = (Firing.FIRES, Firing.RIM), (Firing.UNANSWERED, Firing.RIM)
    got: dict[str, object] = {
        "verdict": Verdict(int(found.verdict[0])).key,
        "conclusive": bool(found.conclusive[0]),
        "rules": sorted(r for r, f in firing.items() if f in fires and r not in verdicts),
        "unanswered": sorted(r for r, f in firing.items() if f in open_ and r not in verdicts),
        "alternatives": {r: verdict for r, verdict in verdicts.items() if firing[r] in fires},
    }
    expected: dict[str, object] = {
        "verdict": expect.verdict,
        "conclusive": expect.conclusive,
        "rules": sorted(expect.rules),
        "unanswered": sorted(expect.unanswered),
        "alternatives": expect.alternatives,
    }
    for key, value in expected.items():
        if got[key] != value:
            yield f"{key}: expected {value}, got {got[key]}"
    loud = [r for r in expect.quiet if firing.get(r, Firing.CLEAR) in (*fires, Firing.UNANSWERED)]
    if loud:
        yield f"quiet: {loud} fire or are not answered"


def assess_case(
    case: Case, knowledge: KnowledgeBase, layers: Mapping[str, Layer], activity_id: str | None = None
) -> BandAssessment:
    """Assess the synthetic evidence of a case, for one of its activities (the first when None).

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
    activity = knowledge.activity(activity_id or case.activities[0])
    rules = knowledge.applicable(activity.id, case.on)
    return assess(activity, DepthInterval(*case.depth_m), rules, evidence, states, knowledge.value, case.on)


def _depth(item: CaseEvidence) -> DepthRange:
    """Depth range of a piece of evidence: numbers, "unknown" or (base only) "open"."""
    top = (0.0, math.inf) if item.top_m == "unknown" else (float(item.top_m), float(item.top_m))
    if item.base_m == "open":
        return DepthRange(*top, math.inf, math.inf)
    base = (0.0, math.inf) if item.base_m == "unknown" else (float(item.base_m), float(item.base_m))
    return DepthRange(*top, *base)

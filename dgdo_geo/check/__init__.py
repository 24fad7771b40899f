"""The check of catalogue, rules, cases and control points: ``dgdo-geo check``.

A check that looked at zero things is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from dgdo_geo.check.cases import assess_case, case_differences, case_problems, check_cases
from dgdo_geo.check.points import check_control_points, control_point_problems
from dgdo_geo.check.references import check_references, check_rules, check_validity, in_file, unfit_layers
from dgdo_geo.knowledge import KnowledgeBase
from dgdo_geo.model import LayerState, LayerStatus
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
        "sources": len(knowledge.sources),
        "procedures": len(knowledge.procedures),
        "pairs": len(knowledge.pairs),
        "concerns": len(knowledge.concerns),
        "sections": len(knowledge.coverage),
        "terms": len(knowledge.glossary),
        "cases": len(knowledge.cases),
        "control_points": len(knowledge.control_points),
    }
    errors = [f"{what}: none found, nothing was checked" for what, number in counts.items() if number == 0]
    unreadable = {i: s.detail_nl for i, s in explorer.states.items() if s.status is LayerStatus.UNREADABLE}
    unfit = unfit_layers(knowledge, layers)
    errors += [f"layer {i}: {detail}" for i, detail in unreadable.items() if i not in unfit]
    errors += check_references(knowledge, layers)
    errors += check_validity(knowledge)
    # With wrong rules, cases and control points would only repeat in many ways what is wrong already.
    if not check_rules(knowledge, layers):
        errors += check_cases(knowledge, layers, day)
        errors += check_control_points(explorer, day)
    return CheckResult(counts, tuple(errors), tuple(stale_statements(knowledge, day)))


def stale_statements(knowledge: KnowledgeBase, today: date) -> list[str]:
    """Statements that nobody checked for more than a year; parameters and sources that nothing uses."""
    warnings = []
    for kind, items in (
        ("rule", knowledge.rules),
        ("parameter", knowledge.parameters.values()),
        ("procedure", knowledge.procedures),
        ("pair", knowledge.pairs),
    ):
        for item in items:
            if today - item.checked_on > FRESH:
                warnings.append(in_file(knowledge, kind, item.id, f"last checked on {item.checked_on}"))
    used = {p for rule in knowledge.rules for p in (rule.within, rule.deeper_than, rule.shallower_than)}
    used |= {p for a in knowledge.activities.values() for r in a.requirements for p in (r.at_least, r.at_most)}
    unused = [p for p in knowledge.parameters if p not in used]
    warnings += [in_file(knowledge, "parameter", p, "no rule or activity uses it") for p in unused]
    cited = {source.id for source in knowledge.citations()}
    warnings += [in_file(knowledge, "source", s, "nothing cites it") for s in knowledge.sources if s not in cited]
    return warnings


def missing_layers_state(states: Mapping[str, LayerState], layer_id: str) -> dict[str, LayerState]:
    """The same states with one layer taken away, for what-if and tests."""
    return {**states, layer_id: replace(states[layer_id], status=LayerStatus.NOT_LOADED, detail_nl="")}


__all__ = [
    "CheckResult",
    "assess_case",
    "case_differences",
    "case_problems",
    "check",
    "check_cases",
    "check_control_points",
    "check_references",
    "check_rules",
    "check_validity",
    "control_point_problems",
    "missing_layers_state",
    "stale_statements",
]

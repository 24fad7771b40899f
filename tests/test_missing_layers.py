"""Taking a layer away never turns into a yes or a no: principle 4, for every layer there is."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from dgdo_geo.assess import Firing, assess
from dgdo_geo.catalogue import read_catalogue, shipped_layers_dir
from dgdo_geo.knowledge import read_knowledge
from dgdo_geo.model import (
    Absence,
    Cause,
    EvidenceTable,
    LayerState,
    LayerStatus,
    Potential,
    Verdict,
    outcome_of,
)
from dgdo_geo.query import Explorer

ON = date(2026, 11, 23)
KNOWLEDGE = read_knowledge()
CATALOGUE = read_catalogue([shipped_layers_dir()])
EVIDENCE_LAYERS = [i for i, entry in CATALOGUE.items() if entry.layer.family != "boundaries"]
RULE_LAYERS = sorted({rule.layer for rule in KNOWLEDGE.rules if rule.layer is not None})
PROVINCES = tuple(f"PV{number}" for number in range(20, 32))
NOTHING_FOUND = EvidenceTable((), np.zeros((len(PROVINCES), 0), np.int8), PROVINCES)
POINTS = {
    "Zwolle": (203_500.0, 503_000.0),
    "Groningen, boven het gasveld": (245_000.0, 587_000.0),
    "Zuidwending": (257_800.0, 567_800.0),
    "Utrecht": (137_000.0, 456_000.0),
    "Venlo": (207_000.0, 378_000.0),
}


def everything_known() -> dict[str, LayerState]:
    """All layers loaded and complete: the best case, in which absence is really absence."""
    return {
        layer_id: LayerState(
            entry.layer.model_copy(update={"absence": Absence.CONCLUSIVE, "coverage": ()}), LayerStatus.AVAILABLE
        )
        for layer_id, entry in CATALOGUE.items()
    }


def outcomes(states: dict[str, LayerState]) -> dict[tuple[str, float, str], str]:
    """Outcome word per activity, band and province when no feature of any layer is present."""
    found = {}
    for activity in KNOWLEDGE.activities.values():
        rules = KNOWLEDGE.applicable(activity.id, ON)
        for band in activity.bands:
            result = assess(activity, band.interval, rules, NOTHING_FOUND, states, KNOWLEDGE.value, ON)
            for row, province in enumerate(PROVINCES):
                word = outcome_of(Verdict(int(result.verdict[row])), bool(result.conclusive[row]))
                found[activity.id, band.top_m, province] = word
    return found


def test_with_every_layer_complete_every_answer_is_conclusive():
    words = outcomes(everything_known())
    assert len(words) >= 12 * len(PROVINCES)
    assert "unknown" not in words.values()


@pytest.mark.parametrize("layer_id", RULE_LAYERS)
@pytest.mark.parametrize("status", [LayerStatus.NOT_LOADED, LayerStatus.UNREADABLE, None])
def test_a_yes_that_depends_on_a_missing_layer_becomes_unknown(layer_id, status):
    whole = everything_known()
    before = outcomes(whole)
    if status is None:
        less = {other: state for other, state in whole.items() if other != layer_id}
    else:
        less = whole | {layer_id: LayerState(whole[layer_id].layer, status)}
    after = outcomes(less)
    assert after.keys() == before.keys()
    rules = [rule for rule in KNOWLEDGE.rules if rule.layer == layer_id and rule.in_force(ON)]
    changed = {key for key in before if before[key] != after[key]}
    assert changed, f"no answer depends on {layer_id}"
    for activity, _, province in changed:
        assert any(activity in rule.activities and (not rule.regions or province in rule.regions) for rule in rules)
    for key in changed:
        # A "no" may remain only when another rule certainly fires; a milder word may never remain or appear.
        assert after[key] in ("unknown", "no_unless", "excluded"), key
        if after[key] != "unknown":
            assert Verdict[after[key].upper()] <= Verdict[before[key].upper()], key


@pytest.mark.parametrize("layer_id", EVIDENCE_LAYERS)
def test_a_layer_taken_from_the_start_set_is_named_as_the_cause(explorer, layer_id):
    states = dict(explorer.states)
    states[layer_id] = LayerState(states[layer_id].layer, LayerStatus.NOT_LOADED)
    products = {other: frame for other, frame in explorer._products.items() if other != layer_id}
    without = Explorer(explorer.workspace, states, products, explorer.knowledge)
    looked_at = 0
    for place in POINTS.values():
        whole, less = explorer.at_point(*place, ON), without.at_point(*place, ON)
        for before, after in zip(whole.answers, less.answers, strict=True):
            named = {(item.rule.id, item.cause) for item in after.unanswered}
            for rule in explorer.knowledge.applicable(before.activity.id, ON):
                asked = {c.rule.id for c in before.constraints} | {r.id for r in before.clear}
                asked |= {item.rule.id for item in before.unanswered}
                if rule.layer == layer_id and rule.id in asked:
                    looked_at += 1
                    assert (rule.id, Cause.NOT_LOADED) in named
                    assert rule.id not in {r.id for r in after.clear}
                    assert rule.id not in {c.rule.id for c in after.constraints}
                    assert not after.conclusive or after.verdict >= rule.verdict
            if layer_id in before.activity.potential_layers:
                looked_at += 1
                assert after.potential is not Potential.NONE
                gone = [item for item in after.potentials if item.layer.id == layer_id]
                assert [item.cause for item in gone] == [Cause.NOT_LOADED]
            # Without the layer the answer never gets more certain.
            assert after.conclusive <= before.conclusive or after.outcome == before.outcome
    used = layer_id in RULE_LAYERS or any(layer_id in a.potential_layers for a in KNOWLEDGE.activities.values())
    assert looked_at > 0 or not used


def test_every_layer_is_used_by_a_rule_or_an_activity_or_says_that_it_is_not(explorer):
    used = set(RULE_LAYERS)
    used |= {layer_id for activity in KNOWLEDGE.activities.values() for layer_id in activity.potential_layers}
    assert used <= set(EVIDENCE_LAYERS)
    for layer_id in sorted(set(EVIDENCE_LAYERS) - used):
        assert "zij is er om te bekijken en te vergelijken" in explorer.states[layer_id].layer.description_nl, layer_id


def test_firing_words_are_ordered_from_nothing_to_certain():
    assert Firing.CLEAR < Firing.UNANSWERED < Firing.RIM < Firing.FIRES

"""Assessment: rules x evidence -> verdict. Every branch, with the edge on both sides."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import TODAY, activity, declared, layer, rule

from dgdo_geo.assess import CAUSES, BandAssessment, Firing, assess, combine_potential, layer_potential, verdict_of
from dgdo_geo.model import (
    Activity,
    Cause,
    DepthInterval,
    DepthRange,
    EvidenceKey,
    EvidenceTable,
    Layer,
    LayerState,
    LayerStatus,
    Potential,
    Presence,
    Rule,
    Verdict,
)

OUTSIDE, NEAR, RIM, INSIDE = Presence.OUTSIDE, Presence.NEAR_OUTSIDE, Presence.RIM, Presence.INSIDE
ZONE = EvidenceKey("zones", "zone")
CORE = EvidenceKey("zones", "kern")
BELOW_80 = EvidenceKey("zones", "zone", DepthRange(80, 80))
NO_LIMIT = EvidenceKey("zones", "zone", DepthRange(0, math.inf))
DEEP = DepthInterval(1250, 4000)
NUMBERS = {"afstand": 500.0, "grens": 1250.0}

CONCLUSIVE = layer("zones", ["zone", "kern"])
SKETCH = layer("zones", ["zone", "kern"], absence="unknown")
ONLY_OVERIJSSEL = layer("zones", ["zone", "kern"], coverage=("PV23",))


def rulebook(*drafts: dict[str, Any]) -> list[Rule]:
    return [declared(Rule, draft) for draft in drafts]


def state(item: Layer, status: LayerStatus = LayerStatus.AVAILABLE) -> dict[str, LayerState]:
    return {item.id: LayerState(item, status)}


def table(rows: Iterable[Mapping[EvidenceKey, Presence]], province: str = "PV23") -> EvidenceTable:
    listed = list(rows)
    keys = tuple(dict.fromkeys(key for row in listed for key in row))
    presence = np.array([[row.get(key, OUTSIDE) for key in keys] for row in listed], np.int8)
    return EvidenceTable(keys, presence.reshape(len(listed), len(keys)), (province,) * len(listed))


def judge(
    rules: list[Rule],
    here: Mapping[EvidenceKey, Presence],
    layers: Mapping[str, LayerState] | None = None,
    band: DepthInterval = DEEP,
    province: str = "PV23",
) -> BandAssessment:
    asked = declared(Activity, activity("warmte", [(band.top_m, band.base_m)]))
    states = state(CONCLUSIVE) if layers is None else layers
    return assess(asked, band, rules, table([here], province), states, lambda p, _: NUMBERS[p], TODAY)


def said(found: BandAssessment, position: int = 0) -> tuple[Firing, Cause | None]:
    outcome = found.rules[position]
    cause = int(outcome.cause[0])
    return Firing(int(outcome.firing[0])), None if cause < 0 else CAUSES[cause]


FIRES = (Firing.FIRES, None)
CLEAR = (Firing.CLEAR, None)
IN_RIM = (Firing.RIM, Cause.NEAR_EDGE)
NEAR_EDGE = (Firing.UNANSWERED, Cause.NEAR_EDGE)
DEPTH_UNKNOWN = (Firing.UNANSWERED, Cause.DEPTH_UNKNOWN)
SILENT = (Firing.UNANSWERED, Cause.OUTSIDE_COVERAGE)
NOT_APPLICABLE = (Firing.NOT_APPLICABLE, None)


# One rule at one place ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "conclusive", "sketch"),
    [
        ({ZONE: INSIDE}, FIRES, FIRES),
        ({ZONE: RIM}, IN_RIM, IN_RIM),
        ({ZONE: NEAR}, NEAR_EDGE, NEAR_EDGE),
        ({ZONE: OUTSIDE}, CLEAR, SILENT),
        ({}, CLEAR, SILENT),
        ({NO_LIMIT: INSIDE}, DEPTH_UNKNOWN, DEPTH_UNKNOWN),
        ({NO_LIMIT: RIM}, DEPTH_UNKNOWN, DEPTH_UNKNOWN),
        ({NO_LIMIT: NEAR}, NEAR_EDGE, NEAR_EDGE),
        ({NO_LIMIT: OUTSIDE}, CLEAR, SILENT),
        ({NO_LIMIT: INSIDE, ZONE: INSIDE}, FIRES, FIRES),
        ({NO_LIMIT: INSIDE, ZONE: RIM}, IN_RIM, IN_RIM),
        ({ZONE: RIM, CORE: INSIDE}, FIRES, FIRES),
        ({ZONE: NEAR, CORE: RIM}, IN_RIM, IN_RIM),
    ],
)
def test_a_rule_fires_where_its_zone_is_present(
    here: dict[EvidenceKey, Presence], conclusive: tuple[Firing, Cause | None], sketch: tuple[Firing, Cause | None]
) -> None:
    rules = rulebook(rule("r"))
    assert said(judge(rules, here)) == conclusive
    assert said(judge(rules, here, state(SKETCH))) == sketch


@pytest.mark.parametrize(
    ("here", "conclusive", "sketch"),
    [
        ({ZONE: INSIDE}, CLEAR, CLEAR),
        ({ZONE: RIM}, NEAR_EDGE, NEAR_EDGE),
        ({ZONE: NEAR}, IN_RIM, SILENT),
        ({ZONE: OUTSIDE}, FIRES, SILENT),
        ({}, FIRES, SILENT),
        ({NO_LIMIT: INSIDE}, DEPTH_UNKNOWN, DEPTH_UNKNOWN),
    ],
)
def test_a_rule_about_absence_fires_only_where_absence_is_certain(
    here: dict[EvidenceKey, Presence], conclusive: tuple[Firing, Cause | None], sketch: tuple[Firing, Cause | None]
) -> None:
    rules = rulebook(rule("r", when="absent"))
    assert said(judge(rules, here)) == conclusive
    assert said(judge(rules, here, state(SKETCH))) == sketch


def test_a_rule_without_a_layer_fires_everywhere() -> None:
    rules = rulebook(rule("r", layer=None, when="always"))
    assert said(judge(rules, {}, {})) == FIRES


@pytest.mark.parametrize(
    ("states", "cause"),
    [
        ({}, Cause.NOT_LOADED),
        (state(CONCLUSIVE, LayerStatus.NOT_LOADED), Cause.NOT_LOADED),
        (state(CONCLUSIVE, LayerStatus.UNREADABLE), Cause.UNREADABLE),
    ],
    ids=["never heard of", "not loaded", "unreadable"],
)
@pytest.mark.parametrize("when", ["present", "absent"])
def test_a_layer_that_cannot_be_read_answers_nothing(states: dict[str, LayerState], cause: Cause, when: str) -> None:
    found = judge(rulebook(rule("r", when=when)), {ZONE: INSIDE}, states)
    assert said(found) == (Firing.UNANSWERED, cause)
    assert verdict_of(found, 0) is Verdict.NO_KNOWN_CONSTRAINT
    assert not found.conclusive[0]


def test_outside_its_coverage_a_layer_is_silent() -> None:
    rules = rulebook(rule("r"))
    assert said(judge(rules, {}, state(ONLY_OVERIJSSEL), province="PV23")) == CLEAR
    assert said(judge(rules, {}, state(ONLY_OVERIJSSEL), province="PV22")) == SILENT
    assert said(judge(rules, {ZONE: INSIDE}, state(ONLY_OVERIJSSEL), province="PV22")) == FIRES


def test_a_rule_holds_in_its_own_provinces_only() -> None:
    rules = rulebook(rule("r", regions=["PV23", "PV24"]))
    assert said(judge(rules, {ZONE: INSIDE}, province="PV23")) == FIRES
    assert said(judge(rules, {ZONE: INSIDE}, province="PV24")) == FIRES
    assert said(judge(rules, {ZONE: INSIDE}, province="PV22")) == NOT_APPLICABLE
    missing = judge(rules, {}, {}, province="PV22")
    assert said(missing) == NOT_APPLICABLE
    assert missing.conclusive[0]


def test_rows_of_different_provinces_are_told_apart() -> None:
    evidence = EvidenceTable((ZONE,), np.array([[INSIDE], [INSIDE], [OUTSIDE]], np.int8), ("PV23", "PV22", "PV23"))
    asked = declared(Activity, activity("warmte", [(1250, 4000)]))
    rules = rulebook(rule("r", regions=["PV23"]))
    for layers, expected in (
        (state(CONCLUSIVE), [Firing.FIRES, Firing.NOT_APPLICABLE, Firing.CLEAR]),
        ({}, [Firing.UNANSWERED, Firing.NOT_APPLICABLE, Firing.UNANSWERED]),
    ):
        found = assess(asked, DEEP, rules, evidence, layers, lambda p, _: NUMBERS[p], TODAY)
        assert found.rules[0].firing.tolist() == expected
        assert (found.rules[0].cause >= 0).tolist() == [f is Firing.UNANSWERED for f in expected]


def test_only_the_named_classes_count_and_no_class_means_any() -> None:
    named, any_class = rulebook(rule("named", classes=["kern"]), rule("any"))
    assert said(judge([named], {ZONE: INSIDE})) == CLEAR
    assert said(judge([named], {CORE: INSIDE})) == FIRES
    assert said(judge([any_class], {CORE: INSIDE})) == FIRES
    assert said(judge([any_class], {EvidenceKey("schets", "zone"): INSIDE})) == CLEAR


# Depth -------------------------------------------------------------------------------------

BETWEEN_80_AND_200 = EvidenceKey("zones", "zone", DepthRange(80, 80, 200, 200))


@pytest.mark.parametrize(
    ("extent", "key", "top", "base", "expected"),
    [
        ("path", BELOW_80, 20, 80, CLEAR),
        ("path", BELOW_80, 20, 80.001, FIRES),
        ("path", BETWEEN_80_AND_200, 1250, 4000, FIRES),
        ("path", NO_LIMIT, 20, 80, DEPTH_UNKNOWN),
        ("target", BETWEEN_80_AND_200, 1250, 4000, CLEAR),
        ("target", BETWEEN_80_AND_200, 200, 300, CLEAR),
        ("target", BETWEEN_80_AND_200, 199.999, 300, FIRES),
        ("target", BETWEEN_80_AND_200, 20, 80, CLEAR),
        ("target", BETWEEN_80_AND_200, 20, 80.001, FIRES),
        ("surface", BETWEEN_80_AND_200, 1250, 4000, FIRES),
        ("surface", NO_LIMIT, 1250, 4000, FIRES),
        ("column", BETWEEN_80_AND_200, 1250, 4000, FIRES),
        ("column", NO_LIMIT, 1250, 4000, FIRES),
    ],
)
def test_a_rule_looks_at_its_own_part_of_the_column(
    extent: str, key: EvidenceKey, top: float, base: float, expected: tuple[Firing, Cause | None]
) -> None:
    found = judge(rulebook(rule("r", extent=extent)), {key: INSIDE}, band=DepthInterval(top, base))
    assert said(found) == expected


@pytest.mark.parametrize(
    ("limit", "top", "base", "applies"),
    [
        ("deeper_than", 500, 1250, False),
        ("deeper_than", 500, 1250.001, True),
        ("deeper_than", 1250, 4000, True),
        ("shallower_than", 1250, 4000, False),
        ("shallower_than", 1249.999, 4000, True),
        ("shallower_than", 500, 1250, True),
    ],
)
@pytest.mark.parametrize("layers", [None, {}], ids=["loaded", "not loaded"])
def test_a_depth_limit_of_a_rule_is_half_open(
    limit: str, top: float, base: float, applies: bool, layers: dict[str, LayerState] | None
) -> None:
    found = judge(rulebook(rule("r", **{limit: "grens"})), {ZONE: INSIDE}, layers, band=DepthInterval(top, base))
    assert (said(found) != NOT_APPLICABLE) is applies
    assert bool(found.conclusive[0]) is (not applies or layers is None)


# Distance ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (EvidenceKey("zones", "zone", within_m=500.0), FIRES),
        (EvidenceKey("zones", "zone", within_m=499.0), CLEAR),
        (EvidenceKey("zones", "zone", within_m=0.0), CLEAR),
    ],
)
def test_a_distance_rule_looks_at_its_own_distance_only(
    key: EvidenceKey, expected: tuple[Firing, Cause | None]
) -> None:
    assert said(judge(rulebook(rule("r", within="afstand")), {key: INSIDE})) == expected


def test_a_rule_without_distance_does_not_fire_on_a_zone_nearby() -> None:
    assert said(judge(rulebook(rule("r")), {EvidenceKey("zones", "zone", within_m=500.0): INSIDE})) == CLEAR


# Many rules together -----------------------------------------------------------------------


def strict_and_mild(strict: str, mild: str, **of_strict: object) -> list[Rule]:
    return rulebook(rule("strict", verdict=strict, **of_strict), rule("mild", verdict=mild, classes=["kern"]))


def test_the_strictest_rule_decides_and_all_are_kept() -> None:
    found = judge(strict_and_mild("excluded", "attention"), {ZONE: INSIDE, CORE: INSIDE})
    assert verdict_of(found, 0) is Verdict.EXCLUDED
    assert [said(found, i) for i in (0, 1)] == [FIRES, FIRES]


def test_no_rule_that_fires_is_no_known_constraint() -> None:
    found = judge(strict_and_mild("excluded", "attention"), {})
    assert verdict_of(found, 0) is Verdict.NO_KNOWN_CONSTRAINT
    assert found.conclusive[0]


VERDICTS = ["attention", "conditional", "no_unless", "excluded"]


@pytest.mark.parametrize("fired", VERDICTS)
@pytest.mark.parametrize("unanswered", VERDICTS)
def test_a_missing_layer_cannot_soften_a_verdict_but_may_hide_a_stricter_one(fired: str, unanswered: str) -> None:
    rules = rulebook(rule("fires", verdict=fired), rule("open", verdict=unanswered, layer="natuur"))
    found = judge(rules, {ZONE: INSIDE})
    assert verdict_of(found, 0).key == fired
    assert bool(found.conclusive[0]) is (VERDICTS.index(unanswered) <= VERDICTS.index(fired))


@pytest.mark.parametrize("fired", VERDICTS)
@pytest.mark.parametrize("in_rim", VERDICTS)
def test_the_rim_counts_in_the_indication_and_not_in_the_verdict(fired: str, in_rim: str) -> None:
    rules = rulebook(rule("fires", verdict=fired, classes=["zone"]), rule("rim", verdict=in_rim, classes=["kern"]))
    found = judge(rules, {ZONE: INSIDE, CORE: RIM})
    assert Verdict(int(found.verdict[0])).key == fired
    assert Verdict(int(found.indication[0])).key == max(fired, in_rim, key=VERDICTS.index)
    assert bool(found.conclusive[0]) is (VERDICTS.index(in_rim) <= VERDICTS.index(fired))


def test_near_a_zone_nothing_is_indicated() -> None:
    found = judge(rulebook(rule("r")), {ZONE: NEAR})
    assert (int(found.verdict[0]), int(found.indication[0]), bool(found.conclusive[0])) == (0, 0, False)


def test_an_exempted_rule_does_not_count_where_the_other_certainly_fires() -> None:
    rules = rulebook(rule("strict"), rule("lifts", layer="schets", verdict="attention", exempts=["strict"]))
    layers = state(CONCLUSIVE) | state(layer("schets"))
    key = EvidenceKey("schets", "zone")
    for presence, expected, verdict, conclusive in (
        (INSIDE, NOT_APPLICABLE, Verdict.ATTENTION, True),
        # It may be lifted here, so the no is no longer certain.
        (RIM, (Firing.RIM, Cause.NEAR_EDGE), Verdict.NO_KNOWN_CONSTRAINT, False),
        (NEAR, (Firing.RIM, Cause.NEAR_EDGE), Verdict.NO_KNOWN_CONSTRAINT, False),
        (OUTSIDE, FIRES, Verdict.EXCLUDED, True),
    ):
        found = judge(rules, {ZONE: INSIDE, key: presence}, layers)
        assert (said(found), verdict_of(found, 0), bool(found.conclusive[0])) == (expected, verdict, conclusive)


def test_an_exempted_rule_that_could_not_be_answered_no_longer_keeps_the_answer_open() -> None:
    rules = rulebook(rule("strict"), rule("lifts", layer="schets", verdict="attention", exempts=["strict"]))
    layers = state(CONCLUSIVE, LayerStatus.NOT_LOADED) | state(layer("schets"))
    assert judge(rules, {EvidenceKey("schets", "zone"): INSIDE}, layers).conclusive[0]
    assert not judge(rules, {EvidenceKey("schets", "zone"): OUTSIDE}, layers).conclusive[0]


presences = st.sampled_from([OUTSIDE, NEAR, RIM, INSIDE])
statuses = st.sampled_from([*LayerStatus])
drafts = st.lists(
    st.builds(
        lambda verdict, classes, when, item: rule("r", verdict=verdict, classes=classes, when=when, layer=item),
        st.sampled_from(VERDICTS),
        st.sampled_from([[], ["zone"], ["kern"]]),
        st.sampled_from(["present", "absent"]),
        st.sampled_from(["zones", "schets"]),
    ),
    max_size=5,
)


@given(drafts, presences, presences, presences, statuses, statuses)
def test_learning_more_never_makes_a_conclusive_verdict_stricter(
    rules: list[dict[str, Any]],
    zone: Presence,
    core: Presence,
    sketched: Presence,
    of_zones: LayerStatus,
    of_sketch: LayerStatus,
) -> None:
    """A verdict is a lower bound: reading a missing layer can only add to it, and not if it was conclusive."""
    here = {ZONE: zone, CORE: core, EvidenceKey("schets", "zone"): sketched}
    some = state(CONCLUSIVE, of_zones) | state(layer("schets"), of_sketch)
    everything = state(CONCLUSIVE) | state(layer("schets"))
    before, after = judge(rulebook(*rules), here, some), judge(rulebook(*rules), here, everything)
    assert after.verdict[0] >= before.verdict[0]
    assert before.indication[0] >= before.verdict[0]
    if before.conclusive[0]:
        assert after.verdict[0] == before.verdict[0]


@given(drafts, presences, presences)
def test_moving_away_from_the_rim_never_contradicts_a_conclusive_verdict(
    rules: list[dict[str, Any]], zone: Presence, core: Presence
) -> None:
    """RIM and NEAR mean "inside or outside, not sure"; a conclusive verdict must hold for both."""
    layers = state(CONCLUSIVE) | state(layer("schets"))
    doubtful = judge(rulebook(*rules), {ZONE: zone, CORE: core}, layers)
    possible = {OUTSIDE: [OUTSIDE], NEAR: [OUTSIDE, INSIDE], RIM: [OUTSIDE, INSIDE], INSIDE: [INSIDE]}
    for a in possible[zone]:
        for b in possible[core]:
            sure = judge(rulebook(*rules), {ZONE: a, CORE: b}, layers)
            assert sure.conclusive[0]
            assert sure.verdict[0] >= doubtful.verdict[0]
            if doubtful.conclusive[0]:
                assert sure.verdict[0] == doubtful.verdict[0]


# Potential ---------------------------------------------------------------------------------

CLASSES = {"goed": "promising", "matig": "possible", "wit": "unknown", "geen": "none"}
SAND = layer("zand", CLASSES, family="potential", absence="unknown")
CLAY = layer("klei", CLASSES, family="potential", absence="unknown")
BOTH = state(SAND) | state(CLAY)
AT_2_KM = DepthRange(1500, 1500, 2500, 2500)


def unit(class_id: str, depth: DepthRange = AT_2_KM, item: str = "zand", within_m: float = 0.0) -> EvidenceKey:
    return EvidenceKey(item, class_id, depth, within_m)


def offer(
    here: Mapping[EvidenceKey, Presence],
    layers: Mapping[str, LayerState] = BOTH,
    band: DepthInterval = DEEP,
    named: tuple[str, ...] = ("zand", "klei"),
) -> tuple[Potential, bool]:
    asked = declared(Activity, activity("warmte", [(band.top_m, band.base_m)], named))
    found = assess(asked, band, [], table([here]), layers, lambda p, _: NUMBERS[p], TODAY)
    return Potential(int(found.potential[0])), bool(found.potential_certain[0])


@pytest.mark.parametrize(
    ("here", "expected"),
    [
        ({unit("goed"): INSIDE}, (Potential.PROMISING, True)),
        ({unit("goed"): RIM}, (Potential.PROMISING, False)),
        ({unit("goed"): NEAR}, (Potential.UNKNOWN, False)),
        ({unit("goed"): OUTSIDE}, (Potential.UNKNOWN, False)),
        ({}, (Potential.UNKNOWN, False)),
        ({unit("matig"): INSIDE}, (Potential.POSSIBLE, True)),
        ({unit("wit"): INSIDE}, (Potential.UNKNOWN, False)),
        # The other unit makes no statement here: it may still hold something.
        ({unit("geen"): INSIDE}, (Potential.NONE, False)),
        ({unit("geen"): INSIDE, unit("geen", item="klei"): INSIDE}, (Potential.NONE, True)),
        ({unit("geen"): RIM}, (Potential.NONE, False)),
        ({unit("goed"): INSIDE, unit("matig", item="klei"): INSIDE}, (Potential.PROMISING, True)),
        ({unit("matig"): INSIDE, unit("goed", item="klei"): RIM}, (Potential.PROMISING, False)),
        ({unit("matig"): RIM, unit("matig", item="klei"): INSIDE}, (Potential.POSSIBLE, True)),
        ({unit("matig"): INSIDE, unit("matig", item="klei"): RIM}, (Potential.POSSIBLE, True)),
        ({unit("wit"): INSIDE, unit("geen", item="klei"): INSIDE}, (Potential.UNKNOWN, False)),
        ({unit("geen"): INSIDE, unit("geen", item="klei"): RIM}, (Potential.NONE, True)),
        ({unit("goed"): RIM, unit("goed", DepthRange(1600, 1600, 1700, 1700)): INSIDE}, (Potential.PROMISING, True)),
        ({unit("matig"): INSIDE, unit("goed"): RIM}, (Potential.PROMISING, False)),
        ({unit("goed", within_m=500.0): INSIDE}, (Potential.UNKNOWN, False)),
    ],
)
def test_the_best_class_over_the_layers_counts(
    here: dict[EvidenceKey, Presence], expected: tuple[Potential, bool]
) -> None:
    assert offer(here) == expected


@pytest.mark.parametrize(
    ("top", "base", "expected"),
    [
        (500, 1500, Potential.UNKNOWN),
        (500, 1500.001, Potential.PROMISING),
        (2499.999, 4000, Potential.PROMISING),
        (2500, 4000, Potential.UNKNOWN),
    ],
)
def test_a_unit_counts_where_it_meets_the_band(top: float, base: float, expected: Potential) -> None:
    assert offer({unit("goed"): INSIDE}, band=DepthInterval(top, base))[0] is expected


@pytest.mark.parametrize(("top", "base"), [(20, 80), (1250, 4000), (5000, 6000)])
def test_none_holds_at_every_depth(top: float, base: float) -> None:
    here = {unit("geen"): INSIDE, unit("geen", item="klei"): INSIDE}
    assert offer(here, band=DepthInterval(top, base)) == (Potential.NONE, True)


@pytest.mark.parametrize(
    ("class_id", "expected"),
    [
        ("goed", (Potential.PROMISING, True)),
        ("matig", (Potential.POSSIBLE, False)),
        ("geen", (Potential.UNKNOWN, False)),
        ("wit", (Potential.UNKNOWN, False)),
    ],
)
@pytest.mark.parametrize(
    "klei",
    [{}, state(CLAY, LayerStatus.NOT_LOADED), state(CLAY, LayerStatus.UNREADABLE)],
    ids=["never heard of", "not loaded", "unreadable"],
)
def test_with_a_layer_missing_only_the_best_is_certain_and_none_is_unknown(
    klei: dict[str, LayerState], class_id: str, expected: tuple[Potential, bool]
) -> None:
    assert offer({unit(class_id): INSIDE}, state(SAND) | klei) == expected


def test_an_activity_without_potential_layers_has_unknown_potential() -> None:
    assert offer({unit("goed"): INSIDE}, named=()) == (Potential.UNKNOWN, False)


def test_a_layer_that_the_activity_does_not_name_does_not_count() -> None:
    assert offer({unit("goed", item="klei"): INSIDE}, named=("zand",)) == (Potential.UNKNOWN, False)


def test_a_layer_says_why_it_is_silent() -> None:
    evidence = table([{unit("goed"): OUTSIDE}])
    assert layer_potential("zand", DEEP, evidence, {}).cause is Cause.NOT_LOADED
    assert layer_potential("zand", DEEP, evidence, state(SAND, LayerStatus.UNREADABLE)).cause is Cause.UNREADABLE
    silent = layer_potential("zand", DEEP, evidence, BOTH)
    assert (silent.cause, silent.value.tolist()) == (None, [-1])


def test_potential_is_combined_per_row() -> None:
    rows = [{unit("goed"): INSIDE}, {unit("geen"): INSIDE}, {}, {unit("matig", item="klei"): RIM}]
    evidence = table(rows)
    best, certain = combine_potential([layer_potential(i, DEEP, evidence, BOTH) for i in ("zand", "klei")], 4)
    assert best.tolist() == [Potential.PROMISING, Potential.NONE, Potential.UNKNOWN, Potential.POSSIBLE]
    assert certain.tolist() == [True, False, False, False]


def test_a_unit_of_unknown_depth_is_not_certain() -> None:
    somewhere = DepthRange(0, math.inf, 0, math.inf)
    assert offer({unit("goed", somewhere): INSIDE}) == (Potential.PROMISING, False)


def test_just_outside_a_better_unit_the_class_is_not_certain() -> None:
    assert offer({unit("geen"): INSIDE, unit("goed"): NEAR}) == (Potential.NONE, False)


def test_the_date_reaches_the_parameters() -> None:
    asked_on: list[date] = []

    def value(_: str, on: date) -> float:
        asked_on.append(on)
        return 500.0

    asked = declared(Activity, activity("warmte", [(1250, 4000)]))
    rules = rulebook(rule("r", within="afstand", deeper_than="afstand"))
    assess(asked, DEEP, rules, table([{}]), state(CONCLUSIVE), value, date(2025, 6, 1))
    assert set(asked_on) == {date(2025, 6, 1)}


@pytest.mark.parametrize(
    ("home", "near", "expected", "conclusive"),
    [
        ("PV22", (), FIRES, True),
        ("PV22", ("PV23",), (Firing.RIM, Cause.NEAR_EDGE), False),
        ("PV23", ("PV22",), (Firing.UNANSWERED, Cause.NEAR_EDGE), False),
        ("PV23", (), NOT_APPLICABLE, True),
    ],
)
def test_a_provincial_rule_never_decides_at_the_border(home, near, expected, conclusive) -> None:
    rules = rulebook(rule("r", regions=["PV22"]))
    evidence = EvidenceTable((ZONE,), np.array([[INSIDE]], np.int8), (home,), near_provinces=near)
    asked = declared(Activity, activity("warmte", [(1250, 4000)]))
    found = assess(asked, DEEP, rules, evidence, state(CONCLUSIVE), lambda p, _: NUMBERS[p], TODAY)
    (outcome,) = found.rules
    cause = None if outcome.cause[0] < 0 else CAUSES[int(outcome.cause[0])]
    assert (Firing(int(outcome.firing[0])), cause) == expected
    assert bool(found.conclusive[0]) is conclusive


def test_a_layer_that_is_complete_for_other_classes_clears_nothing() -> None:
    rules = rulebook(rule("r", classes=["zone"]))
    partly = CONCLUSIVE.model_copy(update={"complete_classes": ("kern",)})
    assert not judge(rules, {}, state(partly)).conclusive[0]
    whole = CONCLUSIVE.model_copy(update={"complete_classes": ("kern", "zone")})
    assert judge(rules, {}, state(whole)).conclusive[0]

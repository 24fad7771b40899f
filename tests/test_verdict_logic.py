"""The logic of the verdict, as a table: which rules fire, and what that makes of the verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from worlds import TODAY, World, activity, at, declared, layer, rule, square, tiny_tables, write_tables

from dgdo_geo.assess import BandAssessment, Firing, assess
from dgdo_geo.errors import NotInForceError
from dgdo_geo.model import (
    WHOLE_COLUMN,
    Activity,
    Answer,
    AreaShare,
    Constraint,
    DepthInterval,
    EvidenceKey,
    EvidenceTable,
    FeatureRef,
    LayerState,
    LayerStatus,
    Level,
    Potential,
    Presence,
    Quality,
    Rule,
    Verdict,
    outcome_of,
)
from dgdo_geo.query import Explorer

BAND = DepthInterval(500, 1250)
WARMTH = declared(Activity, activity("warmte", [(500, 1250)]))
PRESENCE = {
    "fires": Presence.INSIDE,
    "rim": Presence.RIM,
    "near": Presence.NEAR_OUTSIDE,
    "clear": Presence.OUTSIDE,
    "missing": Presence.INSIDE,
}
"""What the map says about a rule; its layer is not loaded where it is missing."""


# One place, some rules ---------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """A rule of a table row: what the map says of it, and its verdict."""

    state: str
    draft: dict[str, Any]


def rules_of(row: str) -> list[Said]:
    """The rules of a row: "fires excluded, rim attention slanted" are two, on a layer of their own."""
    found = []
    for number, text in enumerate(part for part in row.split(", ") if part):
        state, verdict, *well = text.split()
        draft = rule(f"r{number}", layer=f"laag{number}", verdict=verdict, well=well[0] if well else "any")
        found.append(Said(state, draft))
    return found


def judge(row: list[Said], province: str = "PV23") -> BandAssessment:
    rules = [declared(Rule, said.draft) for said in row]
    keys = tuple(EvidenceKey(f"laag{number}", "zone") for number in range(len(row)))
    states = {
        key.layer: LayerState(
            layer(key.layer), LayerStatus.NOT_LOADED if said.state == "missing" else LayerStatus.AVAILABLE
        )
        for key, said in zip(keys, row, strict=True)
    }
    presence = np.array([[PRESENCE[said.state] for said in row]], np.int8).reshape(1, len(row))
    evidence = EvidenceTable(keys, presence, (province,))
    return assess(WARMTH, BAND, rules, evidence, states, lambda name, on: 0.0, TODAY)


def firing(found: BandAssessment) -> list[str]:
    return [Firing(int(outcome.firing[0])).name.lower() for outcome in found.rules]


NONE, ATTENTION, CONDITIONAL = "no_known_constraint", "attention", "conditional"
NO, EXCLUDED, UNKNOWN = "no_unless", "excluded", "unknown"
YES, OPEN = True, False

# fmt: off
TABLE = [
    # rules here                                                    verdict      indication   conclusive  shown as
    # Nothing, or rules that do not fire.
    ("",                                                            NONE,        NONE,        YES,        NONE),
    ("clear excluded",                                              NONE,        NONE,        YES,        NONE),
    ("clear excluded, clear attention",                             NONE,        NONE,        YES,        NONE),
    # One rule that fires.
    ("fires attention",                                             ATTENTION,   ATTENTION,   YES,        ATTENTION),
    ("fires conditional",                                           CONDITIONAL, CONDITIONAL, YES,        CONDITIONAL),
    ("fires no_unless",                                             NO,          NO,          YES,        NO),
    ("fires excluded",                                              EXCLUDED,    EXCLUDED,    YES,        EXCLUDED),
    # The strictest decides, in whatever order.
    ("fires attention, fires excluded",                             EXCLUDED,    EXCLUDED,    YES,        EXCLUDED),
    ("fires excluded, fires attention",                             EXCLUDED,    EXCLUDED,    YES,        EXCLUDED),
    ("fires conditional, fires no_unless, fires attention",         NO,          NO,          YES,        NO),
    ("fires conditional, fires conditional",                        CONDITIONAL, CONDITIONAL, YES,        CONDITIONAL),
    ("fires conditional, clear excluded",                           CONDITIONAL, CONDITIONAL, YES,        CONDITIONAL),
    # A rule that cannot be answered and is stricter: a lower bound. Only a no survives it.
    ("missing attention",                                           NONE,        NONE,        OPEN,       UNKNOWN),
    ("missing excluded",                                            NONE,        NONE,        OPEN,       UNKNOWN),
    ("fires attention, missing conditional",                        ATTENTION,   ATTENTION,   OPEN,       UNKNOWN),
    ("fires conditional, missing excluded",                         CONDITIONAL, CONDITIONAL, OPEN,       UNKNOWN),
    ("fires no_unless, missing excluded",                           NO,          NO,          OPEN,       NO),
    ("fires conditional, near excluded",                            CONDITIONAL, CONDITIONAL, OPEN,       UNKNOWN),
    # A rule that cannot be answered and is milder or equal: it changes nothing.
    ("fires attention, missing attention",                          ATTENTION,   ATTENTION,   YES,        ATTENTION),
    ("fires conditional, missing attention",                        CONDITIONAL, CONDITIONAL, YES,        CONDITIONAL),
    ("fires no_unless, missing no_unless, missing attention",       NO,          NO,          YES,        NO),
    ("fires excluded, missing excluded, near no_unless",            EXCLUDED,    EXCLUDED,    YES,        EXCLUDED),
    # In the rim of a feature: no verdict, but an indication; milder or equal changes nothing.
    ("rim attention",                                               NONE,        ATTENTION,   OPEN,       UNKNOWN),
    ("rim excluded",                                                NONE,        EXCLUDED,    OPEN,       UNKNOWN),
    ("near excluded",                                               NONE,        NONE,        OPEN,       UNKNOWN),
    ("fires attention, rim excluded",                               ATTENTION,   EXCLUDED,    OPEN,       UNKNOWN),
    ("fires no_unless, rim excluded",                               NO,          EXCLUDED,    OPEN,       NO),
    ("fires no_unless, rim no_unless",                              NO,          NO,          YES,        NO),
    ("fires excluded, rim conditional",                             EXCLUDED,    EXCLUDED,    YES,        EXCLUDED),
    ("rim conditional, rim no_unless, missing excluded",            NONE,        NO,          OPEN,       UNKNOWN),
    # A rule about a slanted well never counts, whatever it says.
    ("fires excluded slanted",                                      NONE,        NONE,        YES,        NONE),
    ("missing excluded slanted",                                    NONE,        NONE,        YES,        NONE),
    ("rim excluded slanted",                                        NONE,        NONE,        YES,        NONE),
    ("fires attention, fires excluded slanted",                     ATTENTION,   ATTENTION,   YES,        ATTENTION),
    ("fires excluded, fires attention slanted",                     EXCLUDED,    EXCLUDED,    YES,        EXCLUDED),
    ("fires conditional, missing excluded slanted, near excluded",  CONDITIONAL, CONDITIONAL, OPEN,       UNKNOWN),
]
# fmt: on


@pytest.mark.parametrize(
    ("row", "verdict", "indication", "conclusive", "word"), TABLE, ids=[row[0] or "no rule" for row in TABLE]
)
def test_the_table(row: str, verdict: str, indication: str, conclusive: bool, word: str) -> None:
    said = rules_of(row)
    found = judge(said)
    assert Verdict(int(found.verdict[0])).key == verdict
    assert Verdict(int(found.indication[0])).key == indication
    assert bool(found.conclusive[0]) is conclusive
    assert outcome_of(Verdict(int(found.verdict[0])), bool(found.conclusive[0])) == word
    # All are shown, whichever decides.
    names = {"fires": "fires", "rim": "rim", "near": "unanswered", "missing": "unanswered", "clear": "clear"}
    assert firing(found) == [names[one.state] for one in said]


def test_no_rule_in_force_is_no_known_constraint(tiny_world: World) -> None:
    """Of the rules about soil only that of 2025 is left."""
    tables = tiny_tables()
    tables["activity_groups.toml"]["group"][0]["activities"] = ["warmte"]
    write_tables(tiny_world.knowledge, tables)
    explorer = tiny_world.open()
    for day, verdict, rules in (
        (date(2024, 12, 31), NONE, []),
        (date(2025, 1, 1), ATTENTION, ["r-2025"]),
        (date(2026, 1, 1), NONE, []),
    ):
        [answer] = explorer.at_point(*at(3.5, 3.5), day, activities=["bodem"]).answers
        assert (answer.verdict.key, answer.conclusive, answer.outcome) == (verdict, True, verdict)
        assert [c.rule.id for c in answer.constraints] == rules
        assert (answer.clear, answer.unanswered) == ((), ())


@pytest.mark.parametrize(("province", "fires"), [("PV23", False), ("PV22", True)])
def test_a_rule_of_one_province_is_not_shown_in_another(province: str, fires: bool) -> None:
    [said] = rules_of("fires excluded")
    found = judge([replace(said, draft=said.draft | {"regions": ["PV22"]})], province)
    assert firing(found) == ["fires" if fires else "not_applicable"]
    assert Verdict(int(found.verdict[0])).key == (EXCLUDED if fires else NONE)
    assert found.conclusive[0]


# Lifting another rule ----------------------------------------------------------------------

# fmt: off
LIFTED = [
    # the rule that lifts  the lifted one  another            verdict    indication  conclusive
    ("fires attention",    "fires excluded", "clear no_unless", ATTENTION, ATTENTION,  YES),
    ("fires attention",    "fires excluded", "fires no_unless", NO,        NO,         YES),
    ("fires attention",    "fires excluded", "fires excluded",  EXCLUDED,  EXCLUDED,   YES),
    ("fires attention",    "missing excluded", "clear no_unless", ATTENTION, ATTENTION, YES),
    ("fires attention",    "rim excluded",   "clear no_unless", ATTENTION, ATTENTION,  YES),
    # It may be lifted, so it is not certain; it is not gone either.
    ("rim attention",      "fires excluded", "clear no_unless", NONE,      EXCLUDED,   OPEN),
    ("near attention",     "fires excluded", "clear no_unless", NONE,      EXCLUDED,   OPEN),
    ("missing attention",  "fires excluded", "clear no_unless", NONE,      EXCLUDED,   OPEN),
    ("missing attention",  "fires excluded", "fires excluded",  EXCLUDED,  EXCLUDED,   YES),
    # It is not lifted.
    ("clear attention",    "fires excluded", "clear no_unless", EXCLUDED,  EXCLUDED,   YES),
    ("clear attention",    "missing excluded", "clear no_unless", NONE,    NONE,       OPEN),
]
# fmt: on


@pytest.mark.parametrize(("lifting", "lifted", "other", "verdict", "indication", "conclusive"), LIFTED)
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 1, 0)])
def test_a_rule_lifts_only_the_rule_it_names_and_only_where_it_certainly_fires(
    lifting: str, lifted: str, other: str, verdict: str, indication: str, conclusive: bool, order: tuple[int, ...]
) -> None:
    rules = rules_of(f"{lifting}, {lifted}, {other}")
    rules[0].draft["exempts"] = ["r1"]
    shuffled = [
        replace(rules[number], draft=rules[number].draft | {"layer": f"laag{place}"})
        for place, number in enumerate(order)
    ]
    found = judge(shuffled)
    assert Verdict(int(found.verdict[0])).key == verdict
    assert Verdict(int(found.indication[0])).key == indication
    assert bool(found.conclusive[0]) is conclusive
    untouched = judge(rules_of(other))
    assert firing(found)[order.index(2)] == firing(untouched)[0]


def test_what_lifts_a_rule_about_a_slanted_well_leaves_the_verdict_alone() -> None:
    rules = rules_of("fires conditional, fires excluded slanted")
    rules[0].draft["exempts"] = ["r1"]
    found = judge(rules)
    assert firing(found) == ["fires", "not_applicable"]
    assert Verdict(int(found.verdict[0])).key == CONDITIONAL


# Days --------------------------------------------------------------------------------------


def test_a_day_before_the_rules_begin_is_refused_everywhere(tiny: Explorer) -> None:
    first, before = date(2024, 1, 1), date(2023, 12, 31)
    assert tiny.at_point(*at(2.5, 2.5), first).answers
    for ask in (
        lambda: tiny.at_point(*at(2.5, 2.5), before),
        lambda: tiny.for_region("GM9001", before),
        lambda: tiny.in_area(square(2, 2, 3, 3), before),
        lambda: tiny.where_possible("warmte", on=before),
        lambda: tiny.verdict_map("GM9001", "warmte", before),
        lambda: tiny.assess_country(before),
    ):
        with pytest.raises(NotInForceError) as caught:
            ask()
        assert caught.value.exit_code == 2
        assert "2024-01-01" in caught.value.message_nl


def test_a_rule_is_used_from_its_first_day_up_to_and_including_its_last(tiny_world: World) -> None:
    tables = tiny_tables()
    [core] = [item for item in tables["rules/test.toml"]["rule"] if item["id"] == "r-kern"]
    core.update(valid_from=date(2025, 3, 1), valid_to=date(2026, 2, 28))
    write_tables(tiny_world.knowledge, tables)
    explorer = tiny_world.open()
    for day, verdict in (
        (date(2025, 2, 28), "attention"),  # r-2025 holds for the whole of 2025
        (date(2025, 3, 1), "no_unless"),
        (date(2026, 2, 28), "no_unless"),
        (date(2026, 3, 1), "no_known_constraint"),
    ):
        [answer] = explorer.at_point(*at(3.5, 3.5), day, activities=["bodem"]).answers
        assert answer.verdict.key == verdict
        shown = {c.rule.id for c in answer.constraints} | {r.id for r in answer.clear}
        assert ("r-kern" in shown) is (verdict == "no_unless")
        [area] = explorer.in_area(square(3.2, 3.2, 3.8, 3.8), day, activities=["bodem"]).answers
        assert area.verdict.key == verdict


# Levels of government ----------------------------------------------------------------------


def answer_of(rows: list[tuple[str, str, str]]) -> Answer:
    """An answer in which rules of these levels and verdicts fire, each on a layer; "-" is no layer."""
    constraints = []
    for number, (level, verdict, layer_id) in enumerate(rows):
        has_layer = layer_id != "-"
        place = {"layer": layer_id} if has_layer else {"layer": None, "when": "always"}
        drawn = declared(Rule, rule(f"r{number}", level=level, verdict=verdict, **place))
        constraints.append(Constraint(drawn, layer(layer_id) if has_layer else None, (), is_certain=True))
    strictest = max((c.rule.verdict for c in constraints), default=Verdict.NO_KNOWN_CONSTRAINT)
    return Answer(
        activity=WARMTH,
        band=WARMTH.bands[0],
        potential=Potential.UNKNOWN,
        potential_certain=False,
        verdict=strictest,
        indication=strictest,
        conclusive=True,
        areas=(),
        constraints=tuple(constraints),
        alternatives=(),
        clear=(),
        unanswered=(),
        potentials=(),
        procedures=(),
        quality=Quality.OFFICIAL,
    )


N, P, W, G, X = "national", "provincial", "water_board", "municipal", "none"

# fmt: off
LEVELS = [
    # rules that fire                                                        layer, and what every level says of it
    ([],                                                                     []),
    ([(N, NO, "zones")],                                                     []),
    ([(N, NO, "zones"), (P, NO, "zones")],                                   []),
    ([(N, NO, "zones"), (P, EXCLUDED, "zones")],                             [("zones", [(P, EXCLUDED), (N, NO)])]),
    ([(P, ATTENTION, "zones"), (N, NO, "zones")],                            [("zones", [(N, NO), (P, ATTENTION)])]),
    # Of one level the strictest rule speaks.
    ([(N, ATTENTION, "zones"), (N, NO, "zones"), (P, NO, "zones")],          []),
    ([(N, NO, "zones"), (N, ATTENTION, "zones"), (P, EXCLUDED, "zones")],    [("zones", [(P, EXCLUDED), (N, NO)])]),
    # Only on one layer: what two layers say are two subjects. Rules without a layer or a level say nothing here.
    ([(N, NO, "zones"), (P, EXCLUDED, "breuk")],                             []),
    ([(N, NO, "-"), (P, EXCLUDED, "-")],                                     []),
    ([(X, NO, "zones"), (P, EXCLUDED, "zones")],                             []),
    ([(N, NO, "zones"), (X, EXCLUDED, "zones"), (P, ATTENTION, "zones")],    [("zones", [(N, NO), (P, ATTENTION)])]),
    # More than two levels; equal ones in the order of government.
    ([(G, NO, "zones"), (W, ATTENTION, "zones"), (P, EXCLUDED, "zones")],
                                                        [("zones", [(P, EXCLUDED), (G, NO), (W, ATTENTION)])]),
    ([(P, NO, "zones"), (N, NO, "zones"), (G, ATTENTION, "zones")],
                                                        [("zones", [(N, NO), (P, NO), (G, ATTENTION)])]),
    # Two layers, each with a difference.
    ([(N, NO, "zones"), (P, EXCLUDED, "zones"), (N, EXCLUDED, "breuk"), (P, NO, "breuk")],
                                    [("zones", [(P, EXCLUDED), (N, NO)]), ("breuk", [(N, EXCLUDED), (P, NO)])]),
]
# fmt: on


@pytest.mark.parametrize(("rows", "expected"), LEVELS)
def test_levels_that_differ_are_shown_side_by_side_with_the_strictest_first(
    rows: list[tuple[str, str, str]], expected: list[tuple[str, list[tuple[str, str]]]]
) -> None:
    answer = answer_of(rows)
    found = answer.level_differences
    assert [
        (item.layer.id, [(level.value, verdict.key) for level, verdict in item.verdicts]) for item in found
    ] == expected
    for item in found:
        assert item.decides is item.verdicts[0][0]
        assert answer.verdict >= item.verdicts[0][1]


def test_a_rule_that_is_not_certain_decides_nothing_between_levels() -> None:
    answer = answer_of([(N, NO, "zones"), (P, EXCLUDED, "zones")])
    national, provincial = answer.constraints
    doubtful = replace(answer, constraints=(national, replace(provincial, is_certain=False)))
    assert doubtful.level_differences == ()


def test_in_an_area_only_rules_about_the_same_zone_are_compared() -> None:
    answer = answer_of([(N, NO, "zones"), (P, EXCLUDED, "zones")])
    part = AreaShare(Potential.UNKNOWN, False, Verdict.EXCLUDED, Verdict.EXCLUDED, True, 1e6, 1.0)
    one, other = (FeatureRef(i, i, "zone", "Zone", WHOLE_COLUMN) for i in ("A", "B"))

    def with_features(first: FeatureRef, second: FeatureRef) -> Answer:
        national, provincial = answer.constraints
        constraints = (replace(national, features=(first,)), replace(provincial, features=(second,)))
        return replace(answer, areas=(part,), constraints=constraints)

    assert with_features(one, other).level_differences == ()
    [found] = with_features(one, one).level_differences
    assert found.decides is Level.PROVINCIAL


def test_a_difference_between_levels_is_in_the_json(tiny: Explorer) -> None:
    document = tiny.at_point(*at(3.5, 3.5), TODAY, activities=["warmte"]).to_dict()
    answers = document["answers"]
    assert isinstance(answers, list)
    assert answers[0]["levels"] == [
        {
            "layer": "zones",
            "layer_nl": "Zones",
            "decides": "provincial",
            "verdicts": [
                {"level": "provincial", "verdict": "excluded"},
                {"level": "national", "verdict": "no_unless"},
            ],
        }
    ]
    assert answers[0]["verdict"] == "excluded"
    assert {level.value for level in Level} >= {item["level"] for item in answers[0]["constraints"]}

"""The vocabulary: depths are half-open, verdicts are ordered, declarations refuse nonsense."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from worlds import OWN_IDEA, PAPER, activity, at, case, concern, declared, layer, pair, parameter, rule

from dgdo_geo.model import (
    OWN,
    Activity,
    Band,
    Case,
    Concern,
    Declared,
    DepthInterval,
    DepthRange,
    Doubt,
    EvidenceKey,
    Layer,
    Overlap,
    Pair,
    Parameter,
    Potential,
    Presence,
    Quality,
    Rule,
    Verdict,
    outcome_of,
)
from dgdo_geo.query import Explorer

INF = math.inf
BELOW_80 = DepthRange(80, 80)
BETWEEN_80_AND_200 = DepthRange(80, 80, 200, 200)
TOP_3_TO_8 = DepthRange(3, 8)
BASE_100_TO_150 = DepthRange(0, 0, 100, 150)
NO_LIMIT_KNOWN = DepthRange(0, INF)


@pytest.mark.parametrize(
    ("extent", "top", "base", "expected"),
    [
        (DepthRange(), 0, 0.001, Overlap.YES),
        (DepthRange(), 9999, 10_000, Overlap.YES),
        (BELOW_80, 0, 80, Overlap.NO),
        (BELOW_80, 0, 80.001, Overlap.YES),
        (BELOW_80, 5000, 6000, Overlap.YES),
        (BETWEEN_80_AND_200, 200, 300, Overlap.NO),
        (BETWEEN_80_AND_200, 199.999, 300, Overlap.YES),
        (BETWEEN_80_AND_200, 0, 80, Overlap.NO),
        (BETWEEN_80_AND_200, 100, 120, Overlap.YES),
        (TOP_3_TO_8, 0, 3, Overlap.NO),
        (TOP_3_TO_8, 0, 3.001, Overlap.UNKNOWN),
        (TOP_3_TO_8, 0, 8, Overlap.UNKNOWN),
        (TOP_3_TO_8, 0, 8.001, Overlap.YES),
        (BASE_100_TO_150, 99.999, 400, Overlap.YES),
        (BASE_100_TO_150, 100, 400, Overlap.UNKNOWN),
        (BASE_100_TO_150, 149.999, 400, Overlap.UNKNOWN),
        (BASE_100_TO_150, 150, 400, Overlap.NO),
        (NO_LIMIT_KNOWN, 0, 0.001, Overlap.UNKNOWN),
        (NO_LIMIT_KNOWN, 0, 100_000, Overlap.UNKNOWN),
        (DepthRange(80, 80, 0, INF), 100, 200, Overlap.UNKNOWN),
    ],
)
def test_a_zone_meets_a_borehole_only_below_its_top_and_above_its_base(
    extent: DepthRange, top: float, base: float, expected: Overlap
) -> None:
    assert extent.overlap(DepthInterval(top, base)) is expected


limits = st.integers(0, 12)


@given(limits, limits, limits, limits, limits, limits, limits, limits)
def test_an_uncertain_depth_says_yes_only_if_every_possible_depth_does(
    a: int, b: int, c: int, d: int, top: int, thickness: int, pick_top: int, pick_base: int
) -> None:
    extent = DepthRange(min(a, b), max(a, b), 12 + min(c, d), 12 + max(c, d))
    interval = DepthInterval(2 * top, 2 * top + thickness + 1)
    true_top = min(max(pick_top, extent.top_min_m), extent.top_max_m)
    true_base = min(max(12 + pick_base, extent.base_min_m), extent.base_max_m)
    meets = interval.top_m < true_base and true_top < interval.base_m
    said = extent.overlap(interval)
    assert said is not (Overlap.NO if meets else Overlap.YES)


@pytest.mark.parametrize(
    ("a", "b", "shared"),
    [((0, 250), (200, 2500), 50), ((0, 250), (250, 2500), 0), ((0, 10), (20, 30), 0), ((0, 100), (20, 30), 10)],
)
def test_shared_thickness_is_the_same_from_both_sides(a: tuple[int, int], b: tuple[int, int], shared: int) -> None:
    assert DepthInterval(*a).overlap_m(DepthInterval(*b)) == shared
    assert DepthInterval(*b).overlap_m(DepthInterval(*a)) == shared


@pytest.mark.parametrize(("top", "base"), [(10, 10), (20, 10), (math.nan, 10), (0, math.nan)])
def test_an_interval_without_thickness_is_refused(top: float, base: float) -> None:
    with pytest.raises(ValueError, match="must lie above"):
        DepthInterval(top, base)


@pytest.mark.parametrize(("top", "base"), [(10, 10), (20, 10), (-1, 10), (0, 0)])
def test_a_band_without_thickness_or_above_ground_is_refused(top: float, base: float) -> None:
    with pytest.raises(ValidationError):
        Band(top_m=top, base_m=base)


def test_verdicts_go_from_mild_to_strict() -> None:
    assert [v.key for v in sorted(Verdict)] == [
        "no_known_constraint",
        "attention",
        "conditional",
        "no_unless",
        "excluded",
    ]


def test_unknown_potential_beats_none_and_loses_from_possible() -> None:
    assert [p.key for p in sorted(Potential, reverse=True)] == ["promising", "possible", "unknown", "none"]


def test_presence_grows_towards_the_inside() -> None:
    assert Presence.OUTSIDE < Presence.NEAR_OUTSIDE < Presence.RIM < Presence.INSIDE


@pytest.mark.parametrize(
    ("verdict", "conclusive", "word"),
    [
        (Verdict.NO_KNOWN_CONSTRAINT, True, "no_known_constraint"),
        (Verdict.NO_KNOWN_CONSTRAINT, False, "unknown"),
        (Verdict.ATTENTION, True, "attention"),
        (Verdict.ATTENTION, False, "unknown"),
        (Verdict.CONDITIONAL, True, "conditional"),
        (Verdict.CONDITIONAL, False, "unknown"),
        (Verdict.NO_UNLESS, True, "no_unless"),
        (Verdict.NO_UNLESS, False, "no_unless"),
        (Verdict.EXCLUDED, True, "excluded"),
        (Verdict.EXCLUDED, False, "excluded"),
    ],
)
def test_only_a_no_survives_an_unanswered_rule(verdict: Verdict, conclusive: bool, word: str) -> None:
    assert outcome_of(verdict, conclusive) == word


@pytest.mark.parametrize("quality", list(Quality))
def test_sketches_and_examples_carry_a_mark(quality: Quality) -> None:
    assert quality.is_mark_needed is (quality.value in ("schematic", "example"))


def twice_from(day: date) -> dict[str, Any]:
    """A parameter with two values from one day on."""
    once = parameter("p", {day: 1})
    return once | {"values": once["values"] * 2}


def test_a_parameter_has_the_value_of_its_latest_day() -> None:
    distance = declared(Parameter, parameter("p", {date(2026, 1, 1): 500, date(2024, 1, 1): 300}))
    assert distance.at(date(2023, 12, 31)) is None
    assert distance.at(date(2024, 1, 1)) == 300
    assert distance.at(date(2025, 12, 31)) == 300
    assert distance.at(date(2026, 1, 1)) == 500


def test_a_rule_holds_from_its_first_day_up_to_and_including_its_last() -> None:
    ended = declared(Rule, rule("r", valid_from=date(2024, 1, 1), valid_to=date(2025, 12, 31)))
    days = [date(2023, 12, 31), date(2024, 1, 1), date(2025, 12, 31), date(2026, 1, 1)]
    assert [ended.in_force(day) for day in days] == [False, True, True, False]
    assert declared(Rule, rule("r")).in_force(date(2999, 1, 1))


def test_a_rule_may_hold_for_one_day() -> None:
    day = date(2026, 5, 5)
    assert declared(Rule, rule("r", valid_from=day, valid_to=day)).in_force(day)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"valid_form": date(2024, 1, 1)}, "valid_form"),
        ({"verdict": "forbidden"}, "unknown verdict 'forbidden'"),
        ({"verdict": "no_known_constraint"}, "cannot say"),
        ({"verdict": "conditional", "condition_nl": ""}, "condition_nl"),
        ({"verdict": "no_unless", "condition_nl": ""}, "condition_nl"),
        ({"valid_to": date(2023, 12, 31)}, "valid_to lies before"),
        ({"layer": None}, "`layer` is needed"),
        ({"when": "always"}, "`layer` is needed"),
        ({"layer": None, "when": "always", "classes": ["zone"]}, "need a `layer`"),
        ({"layer": None, "when": "always", "within": "afstand"}, "need a `layer`"),
        ({"activities": []}, "activities"),
        ({"when": "sometimes"}, "when"),
        ({"extent": "everywhere"}, "extent"),
        ({"level": "european"}, "level"),
        ({"confidence": "sure"}, "confidence"),
        ({"source": None}, "source"),
        ({"checked_on": None}, "checked_on"),
        ({"id": "R 1"}, "id"),
        ({"act": None}, "act"),
        ({"act": "grondwet"}, "act"),
        ({"well": "horizontal"}, "well"),
        ({"confidence": "uncertain"}, "`doubt`"),
        ({"confidence": "uncertain", "doubt": ["twijfel"]}, "doubt"),
        ({"confidence": "assumption"}, "go together"),
        ({"source": OWN_IDEA}, "go together"),
        ({"source": {"id": "papir"}}, "did you mean 'papier'"),
        ({"source": {"article": "1"}}, "by its `id`"),
        ({"source": PAPER | {"title": "Wet"}}, "title of a source stands in"),
        ({"source": PAPER | {"quote_nl": "woord " * 26}}, "more than 25 words"),
        ({"also": [{"id": "papir"}]}, "did you mean 'papier'"),
        ({"well": "slanted", "exempts": ["r-zone"]}, "lifts no other"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        declared(Rule, rule("r", **changes))


def test_a_rule_about_a_slanted_well_does_not_count() -> None:
    assert declared(Rule, rule("r")).counts
    assert not declared(Rule, rule("r", well="slanted")).counts


def test_an_assumption_cites_ourselves() -> None:
    assert declared(Rule, rule("r", confidence="assumption", source=OWN_IDEA)).source.id == OWN


def test_a_doubtful_rule_says_why() -> None:
    assert declared(Rule, rule("r", confidence="uncertain", doubt=["estimate"])).doubt == (Doubt.ESTIMATE,)


@pytest.mark.parametrize(
    ("kind", "draft", "complaint"),
    [
        (Parameter, parameter("p", {}), "values"),
        (Parameter, parameter("p", {date(2024, 1, 1): 1}, confidence="uncertain"), "`doubt`"),
        (Parameter, twice_from(date(2024, 1, 1)), "begin on the same day"),
        (Activity, activity("a", [(0, 10)]) | {"status": "misschien"}, "status"),
        (Activity, activity("a", [(0, 10)]) | {"sources": []}, "sources"),
        (Activity, activity("a", [(0, 10)]) | {"confidence": "uncertain"}, "`doubt`"),
        (Activity, activity("a", [(10, 20), (0, 5)]), "overlaps the next band"),
        (Pair, pair("a", "b", distance_m=[2, 1], distance_nl="Ertussen."), "low, high"),
        (Pair, pair("a", "b", distance_m=[-1, 1], distance_nl="Ertussen."), "low, high"),
        (Pair, pair("a", "b", distance_m=[1, 2]), "between what"),
        (Pair, pair("a", "b", stacked="misschien"), "stacked"),
        (Pair, pair("a", "b", confidence="uncertain"), "`doubt`"),
        (Concern, concern("c", theme="overig"), "theme"),
        (Concern, concern("c", raised_by="burgers"), "raised_by"),
        (Concern, concern("c", title_nl=""), "title_nl"),
        (Concern, concern("c", text_nl="x" * 2001), "text_nl"),
        (Case, case("c", "excluded", depth_m=[10, 10]), "must lie above"),
        (Case, case("c", "excluded", depth_m=[-1, 10]), "must lie above"),
        (Case, case("c", "excluded", activity=[]), "activity"),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(kind: type[Declared], draft: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        declared(kind, draft)


def test_a_case_asks_one_activity_or_several() -> None:
    assert declared(Case, case("c", "excluded")).activities == ("warmte",)
    assert declared(Case, case("c", "excluded", activity=["warmte", "bodem"])).activities == ("warmte", "bodem")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"colour": "red"}, "colour"),
        ({"family": "weather"}, "family"),
        ({"geometry": "raster"}, "geometry"),
        ({"accuracy_m": -1}, "accuracy_m"),
        ({"how_to_get_nl": ""}, "how to get it"),
        ({"product": "a.parquet"}, "go together"),
        ({"sha256": "0"}, "go together"),
        ({"classes": [{"id": "a", "label_nl": "A"}, {"id": "a", "label_nl": "B"}]}, "same id"),
        ({"family": "potential"}, "needs `potential`"),
        ({"classes": [{"id": "a", "label_nl": "A", "potential": "great"}]}, "unknown potential 'great'"),
    ],
)
def test_a_layer_that_makes_no_sense_is_refused(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Layer.model_validate(layer("zones").model_dump() | changes)


def test_evidence_keys_differ_in_every_part() -> None:
    keys = {
        EvidenceKey("a", "b"),
        EvidenceKey("a", "c"),
        EvidenceKey("c", "b"),
        EvidenceKey("a", "b", BELOW_80),
        EvidenceKey("a", "b", within_m=100.0),
    }
    assert len(keys) == 5


def test_an_answer_is_as_good_as_its_worst_layer(tiny: Explorer) -> None:
    """Zone A and the sand are official, the reserve a sketch; a rule that could not be answered does not count."""
    in_zone = tiny.at_point(*at(2.5, 2.5), activities=["warmte"])
    in_reserve = tiny.at_point(*at(15, 5), activities=["warmte"])
    assert {a.quality for a in in_zone.answers} == {Quality.OFFICIAL}
    assert {a.quality for a in in_reserve.answers} == {Quality.SCHEMATIC}
    assert in_reserve.quality is Quality.SCHEMATIC
    assert any("schematisch" in note for note in in_reserve.notes_nl)
    assert not any("schematisch" in note for note in in_zone.notes_nl)

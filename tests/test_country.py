"""All places at once give what one place at a time gives: `assess`, row by row, is the oracle."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from worlds import TODAY, activity, declared, layer, rule

from dgdo_geo.assess import (
    BandAssessment,
    BandOutcomes,
    CountryAssessor,
    Firing,
    Judge,
    PatternTable,
    Question,
    assess,
    judged,
    pose,
    read_code,
)
from dgdo_geo.assess.patterns import numbered
from dgdo_geo.errors import InputError, NotInForceError
from dgdo_geo.knowledge import KnowledgeBase, read_knowledge
from dgdo_geo.model import (
    Activity,
    DepthRange,
    EvidenceKey,
    EvidenceTable,
    LayerState,
    LayerStatus,
    Potential,
    Rule,
    Verdict,
    outcome_of,
)
from dgdo_geo.overlay.table import OverlayTable, RegionLevel
from dgdo_geo.query import Explorer
from dgdo_geo.query.asked import Questions
from dgdo_geo.query.country import Country, openness, reasons

PROVINCES = ("PV22", "PV23", "PV24")
NUMBERS = {"afstand": 500.0, "ver": 900.0, "grens": 1250.0}
KEYS = (
    EvidenceKey("zones", "zone"),
    EvidenceKey("zones", "kern", DepthRange(80, 80, 900, 900)),
    EvidenceKey("zones", "zone", DepthRange(0, math.inf)),
    EvidenceKey("zand", "goed", DepthRange(1500, 1500, 2500, 2500)),
    EvidenceKey("schets", "zone", within_m=500.0),
    EvidenceKey("schets", "zone", DepthRange(600, 900, 1000, 1400), 900.0),
    EvidenceKey("zand", "geen"),
    EvidenceKey("klei", "matig", DepthRange(0, math.inf, 0, math.inf)),
    EvidenceKey("klei", "geen"),
)
ACTIVITIES = [
    declared(Activity, activity("warmte", [(500, 1250), (1250, 4000)], ["zand", "klei"])),
    declared(Activity, activity("opslag", [(20, 80), (80, 600)], ["klei"])),
    declared(Activity, activity("bodem", [(0, 1000)])),
]
ASKED = [(item, band.interval) for item in ACTIVITIES for band in item.bands]
FIELDS = ("verdict", "indication", "conclusive", "potential", "potential_certain")


# Small worlds ------------------------------------------------------------------------------


def value(parameter: str, _: date) -> float:
    return NUMBERS[parameter]


def drawn_rule(draw: st.DrawFn, number: int, count: int) -> dict[str, Any]:
    item = draw(st.sampled_from(["zones", "schets", None]))
    some = st.lists(st.sampled_from(PROVINCES), max_size=2, unique=True)
    well = draw(st.sampled_from(["any", "any", "slanted"]))
    lifted = 0 if well == "slanted" else 2
    optional = {
        "within": draw(st.sampled_from(["afstand", "ver"])) if item == "schets" else None,
        "deeper_than": draw(st.sampled_from([None, None, "grens"])),
        "shallower_than": draw(st.sampled_from([None, None, "grens"])),
    }
    return rule(
        f"r{number}",
        activities=draw(st.lists(st.sampled_from(["warmte", "opslag", "bodem"]), min_size=1, unique=True)),
        layer=item,
        classes=draw(st.sampled_from([[], ["zone"], ["kern"]])) if item == "zones" else [],
        when="always" if item is None else draw(st.sampled_from(["present", "absent"])),
        extent=draw(st.sampled_from(["path", "target", "surface", "column"])),
        verdict=draw(st.sampled_from(["attention", "conditional", "no_unless", "excluded"])),
        regions=draw(some),
        well=well,
        exempts=draw(st.lists(st.sampled_from([f"r{i}" for i in range(count)]), max_size=lifted, unique=True)),
        **optional,
    )


@st.composite
def rule_bases(draw: st.DrawFn) -> list[Rule]:
    count = draw(st.integers(1, 6))
    return [declared(Rule, drawn_rule(draw, i, count)) for i in range(count)]


@st.composite
def layer_states(draw: st.DrawFn) -> dict[str, LayerState]:
    offers = {"goed": "promising", "matig": "possible", "geen": "none"}
    found = {}
    for name, classes in (("zones", ["zone", "kern"]), ("schets", ["zone"]), ("zand", offers), ("klei", offers)):
        status = draw(st.sampled_from([LayerStatus.AVAILABLE] * 4 + list(LayerStatus) + [None]))
        drawn = layer(
            name,
            classes,
            absence=draw(st.sampled_from(["conclusive", "unknown"])),
            coverage=tuple(draw(st.lists(st.sampled_from(PROVINCES), max_size=2, unique=True))),
            complete_classes=draw(st.sampled_from([(), ("kern",)])) if name == "zones" else (),
        )
        if status is not None:
            found[name] = LayerState(drawn, status)
    return found


@st.composite
def tables(draw: st.DrawFn) -> OverlayTable:
    """A few combinations in five regions, the last of them empty; some rows lie in no region."""
    # Mostly nothing, so that whole layers are absent from a combination.
    level = st.sampled_from([0, 0, 0, 1, 2, 3])
    combinations = st.lists(level, min_size=len(KEYS), max_size=len(KEYS))
    presence = np.unique(np.array(draw(st.lists(combinations, min_size=1, max_size=12)), np.int8), axis=0)
    row = st.tuples(st.integers(-1, 3), st.integers(0, len(presence) - 1), st.integers(1, 9))
    rows = draw(st.lists(row, min_size=1, max_size=30))
    region, combination, area = (np.array(column, np.intp) for column in zip(*rows, strict=True))
    division = RegionLevel(tuple(f"GM{i}" for i in range(5)), region)
    return OverlayTable(KEYS, presence, combination, area.astype(float), {"municipality": division}, {})


REGION_PROVINCES = ("PV23", "PV22", "PV23", "PV24", "PV24")


def asked_of(rules: Sequence[Rule], states: Mapping[str, LayerState]) -> Question:
    def applicable(activity_id: str, on: date) -> list[Rule]:
        return [r for r in rules if activity_id in r.activities and r.in_force(on)]

    return pose(ASKED, applicable, rules, KEYS, states, value, TODAY)


def oracle(rules: Sequence[Rule], states: Mapping[str, LayerState], evidence: EvidenceTable) -> list[BandAssessment]:
    return [
        assess(item, band, [r for r in rules if item.id in r.activities], evidence, states, value, TODAY)
        for item, band in ASKED
    ]


def patterns(table: OverlayTable) -> PatternTable:
    level = table.levels["municipality"]
    return PatternTable(table.keys, table.presence, table.combination, level.position, table.area_m2, REGION_PROVINCES)


def rows_in_regions(table: OverlayTable) -> tuple[NDArray[np.intp], EvidenceTable]:
    """Region and evidence of every row that lies in a region."""
    level = table.levels["municipality"]
    kept = level.position >= 0
    region = level.position[kept]
    presence = table.presence[table.combination[kept]]
    province = tuple(REGION_PROVINCES[i] for i in region)
    return region, EvidenceTable(table.keys, presence, province, table.area_m2[kept])


def part_areas(found: BandAssessment, region: NDArray[np.intp], area: NDArray[np.float64]) -> dict[tuple, float]:
    totals: dict[tuple, float] = {}
    for i, where in enumerate(region):
        part = (int(where), *(int(getattr(found, name)[i]) for name in FIELDS))
        totals[part] = totals.get(part, 0.0) + float(area[i])
    return totals


def listed_areas(found: BandOutcomes) -> dict[tuple, float]:
    return {
        (int(where), *(int(getattr(found.parts, name)[part]) for name in FIELDS)): float(found.area_m2[where, part])
        for where, part in zip(*np.nonzero(found.area_m2), strict=True)
    }


@given(rule_bases(), layer_states(), tables())
def test_the_country_is_judged_as_its_rows_are(
    rules: list[Rule], states: dict[str, LayerState], table: OverlayTable
) -> None:
    view = patterns(table)
    region, evidence = rows_in_regions(table)
    found = CountryAssessor(view).assess(asked_of(rules, states))
    expected = oracle(rules, states, evidence)
    assert len(found) == len(expected) == len(ASKED)
    for ours, theirs in zip(found, expected, strict=True):
        for name in FIELDS:
            assert np.array_equal(getattr(ours.distinct, name)[view.distinct], getattr(theirs, name)), name
        assert evidence.area_m2 is not None
        assert listed_areas(ours) == pytest.approx(part_areas(theirs, region, evidence.area_m2))
        areas = ours.rule_areas()
        fired = {r.id: (c, d) for r, c, d in zip(areas.rules, areas.certain_m2.T, areas.drawn_m2.T, strict=True)}
        for outcome in theirs.rules:
            for place, least in enumerate((Firing.FIRES, Firing.RIM)):
                total = np.bincount(region, evidence.area_m2 * (outcome.firing >= least), 5)
                listed = fired.get(outcome.rule.id, np.zeros((2, 5)))[place]
                counted = total if outcome.rule.counts else np.zeros(5)
                assert listed == pytest.approx(counted), outcome.rule.id


@given(rule_bases(), layer_states(), tables())
def test_openness_and_reasons_are_those_of_the_rows(
    rules: list[Rule], states: dict[str, LayerState], table: OverlayTable
) -> None:
    region, evidence = rows_in_regions(table)
    assert evidence.area_m2 is not None
    everywhere = np.arange(5)
    for ours, theirs in zip(
        CountryAssessor(patterns(table)).assess(asked_of(rules, states)), oracle(rules, states, evidence), strict=True
    ):
        totals = np.zeros((4, 5))
        for i, where in enumerate(region):
            if theirs.potential[i] == Potential.NONE and theirs.potential_certain[i]:
                kind = 3
            elif theirs.verdict[i] >= Verdict.NO_UNLESS:
                kind = 2
            else:
                kind = 0 if theirs.conclusive[i] and theirs.potential_certain[i] else 1
            totals[kind, where] += evidence.area_m2[i]
        found = openness(ours, everywhere)
        assert list(found) == ["open_m2", "unknown_m2", "no_m2", "none_m2"]
        assert np.array_equal(np.array(list(found.values())), totals)
        for where, ids in zip(everywhere, reasons(ours, everywhere), strict=True):
            hard = []
            for outcome in theirs.rules:
                certain = evidence.area_m2[(region == where) & (outcome.firing == Firing.FIRES)].sum()
                drawn = evidence.area_m2[(region == where) & (outcome.firing >= Firing.RIM)].sum()
                if outcome.rule.counts and outcome.rule.verdict >= Verdict.NO_UNLESS and certain > 0:
                    hard.append((-certain, -outcome.rule.verdict, -drawn, outcome.rule.id))
            assert ids == [rule_id for *_, rule_id in sorted(hard)[:3]]


@given(rule_bases(), layer_states(), tables(), st.lists(st.sampled_from(PROVINCES), max_size=2, unique=True))
def test_a_judge_says_what_assess_says(
    rules: list[Rule], states: dict[str, LayerState], table: OverlayTable, near: list[str]
) -> None:
    question = asked_of(rules, states)
    _, evidence = rows_in_regions(table)
    for ours, theirs in zip(judged(question, evidence), oracle(rules, states, evidence), strict=True):
        for name in FIELDS:
            assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name
        said = {o.rule.id: (o.firing.tolist(), o.cause.tolist()) for o in ours.rules}
        silent = ([Firing.NOT_APPLICABLE] * len(evidence), [-1] * len(evidence))
        assert all(said.get(o.rule.id, silent) == (o.firing.tolist(), o.cause.tolist()) for o in theirs.rules)
    judge = Judge(question)
    # Twice: what is remembered of one place must not be told of another.
    for i in [*range(len(evidence)), *range(len(evidence))]:
        others = tuple(code for code in near if code != evidence.province[i])
        row = EvidenceTable(KEYS, evidence.presence[[i]], (evidence.province[i],), near_provinces=others)
        groups = judge.groups(row.presence[0], row.province[0], others)
        code = np.bitwise_or.reduce([group.code for group in groups])
        offers = judge.offers(row.presence[0])
        for band, theirs in enumerate(oracle(rules, states, row)):
            ours = [int(array[band]) for array in read_code(code)] + [offers[band].potential, offers[band].is_certain]
            assert ours == [int(getattr(theirs, name)[0]) for name in FIELDS]
            said = {o.rule.id: (int(o.firing[0]), int(o.cause[0])) for g in groups for o in g.outcomes[band]}
            nothing = (Firing.NOT_APPLICABLE, -1)
            assert all(said.get(o.rule.id, nothing) == (o.firing[0], o.cause[0]) for o in theirs.rules)


@given(rule_bases(), rule_bases(), layer_states(), tables())
def test_what_is_remembered_of_one_rule_base_does_not_leak_into_another(
    first: list[Rule], second: list[Rule], states: dict[str, LayerState], table: OverlayTable
) -> None:
    """Both use the ids r0, r1, ...: a changed rule keeps its id."""
    view = patterns(table)
    shared = CountryAssessor(view)
    shared.assess(asked_of(first, states))
    shared.assess(asked_of(second, {}))
    for ours, fresh in zip(
        shared.assess(asked_of(second, states)),
        CountryAssessor(view).assess(asked_of(second, states)),
        strict=True,
    ):
        assert all(np.array_equal(getattr(ours.distinct, name), getattr(fresh.distinct, name)) for name in FIELDS)
        assert np.array_equal(ours.area_m2, fresh.area_m2)


@given(st.lists(st.integers(0, 40), max_size=30), st.integers(41, 2000))
def test_numbering_is_that_of_sorting(codes: list[int], size: int) -> None:
    given_codes = np.array(codes, np.intp)
    number, position = numbered(given_codes, size)
    distinct, expected = np.unique(given_codes, return_inverse=True)
    assert number.tolist() == expected.reshape(-1).tolist()
    assert given_codes[position].tolist() == distinct.tolist()


def test_rules_that_lift_each_other_are_judged_together_and_others_apart() -> None:
    rules = [
        declared(Rule, rule("a", exempts=["b"])),
        declared(Rule, rule("b", layer="schets")),
        declared(Rule, rule("c", layer="natuur")),
        declared(Rule, rule("d", layer=None, when="always")),
    ]
    groups = asked_of(rules, {}).groups
    assert {group.layers for group in groups} == {("schets", "zones"), ("natuur",), ()}


# The start set -----------------------------------------------------------------------------

KNOWLEDGE = read_knowledge()
ON = date(2026, 11, 23)


@pytest.fixture(scope="module")
def table(explorer: Explorer) -> OverlayTable:
    """The overlay of every sixth municipality."""
    whole = explorer.overlay_table()
    codes = whole.levels["municipality"].codes[::6]
    rows = whole.rows("municipality", codes)
    place = {whole.levels["municipality"].codes.index(code): i for i, code in enumerate(codes)}
    position = np.array([place[i] for i in whole.levels["municipality"].position[rows]], np.intp)
    assert len(rows) > 5000
    level = {"municipality": RegionLevel(codes, position)}
    return replace(whole, combination=whole.combination[rows], area_m2=whole.area_m2[rows], levels=level)


@pytest.fixture(scope="module")
def country(table: OverlayTable, explorer: Explorer) -> Country:
    frame = explorer.regions.municipalities
    return Country(table, dict(frame["province"]), dict(frame["name"]))


def evidence_of(table: OverlayTable, country: Country) -> EvidenceTable:
    level = table.levels["municipality"]
    province = tuple(country.provinces[i] for i in level.position)
    return EvidenceTable(table.keys, table.presence[table.combination], province, table.area_m2)


def same_as_rows(
    country: Country, table: OverlayTable, knowledge: KnowledgeBase, states: Mapping[str, LayerState], on: date
) -> int:
    """Compare every band with `assess`; the number of rows with something to say."""
    found = country.assess(Questions(knowledge, states, table.keys), [on])
    evidence = evidence_of(table, country)
    place = {(int(c), p): i for i, (c, p) in enumerate(zip(found.combination, found.province, strict=True))}
    row = np.array([place[int(c), p] for c, p in zip(table.combination, evidence.province, strict=True)])
    looked_at = 0
    for item in found.outcomes:
        rules = knowledge.applicable(item.activity.id, on)
        expected = assess(item.activity, item.band, rules, evidence, states, knowledge.value, on)
        for name in FIELDS:
            assert np.array_equal(getattr(item.distinct, name)[row], getattr(expected, name)), (item.activity.id, name)
        looked_at += int((expected.indication > 0).sum())
        assert evidence.area_m2 is not None
        totals = part_areas(expected, table.levels["municipality"].position, evidence.area_m2)
        assert listed_areas(item) == pytest.approx(totals, rel=1e-9)
    assert len(found.outcomes) == sum(len(a.bands) for a in knowledge.activities.values()) >= 19
    return looked_at


@pytest.mark.parametrize("on", [ON, date(2024, 1, 1), date(2025, 1, 1)])
def test_the_start_set_is_judged_as_its_rows_are(
    country: Country, table: OverlayTable, explorer: Explorer, on: date
) -> None:
    assert same_as_rows(country, table, KNOWLEDGE, explorer.states, on) > 10_000


def test_with_layers_missing_or_unreadable_too(country: Country, table: OverlayTable, explorer: Explorer) -> None:
    states = dict(explorer.states)
    lost = ("boringsvrije_zones", "breuken", "potentie_rot", "potentie_zez")
    for layer_id, status in zip(lost, [LayerStatus.NOT_LOADED, LayerStatus.UNREADABLE] * 2, strict=True):
        assert states[layer_id].status is LayerStatus.AVAILABLE
        states[layer_id] = replace(states[layer_id], status=status)
    del states["grondwaterbescherming"]
    assert same_as_rows(country, table, KNOWLEDGE, states, ON) > 10_000


def test_with_a_changed_rule_too(country: Country, table: OverlayTable, explorer: Explorer) -> None:
    """A rule made stricter, one that lifts another, and one that is gone."""
    strict, lifts, gone = "breuken", "strategische_grondwatervoorraden", "netwerkdichtheid"
    lifted = next(r.id for r in KNOWLEDGE.rules if r.layer == "boringsvrije_zones")
    rules = []
    for item in KNOWLEDGE.rules:
        changes: dict[str, object] = {}
        if item.layer == strict:
            changes = {"verdict": Verdict.EXCLUDED}
        if item.layer == lifts:
            changes = {"exempts": (lifted,)}
        if item.layer != gone:
            rules.append(item.model_copy(update=changes))
    assert len(rules) < len(KNOWLEDGE.rules)
    assert same_as_rows(country, table, replace(KNOWLEDGE, rules=tuple(rules)), explorer.states, ON) > 10_000


# The frames --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def questions(table: OverlayTable, explorer: Explorer) -> Questions:
    return Questions(KNOWLEDGE, explorer.states, table.keys)


def test_the_frame_holds_every_part_once(country: Country, questions: Questions, table: OverlayTable) -> None:
    days = [ON, date(2024, 2, 1)]
    bands = questions.ask(ON, ["hto", "zoutwinning"]).bands
    frame = country.assess(questions, days, ["hto", "zoutwinning"]).to_frame()
    assert len(frame) > 1000
    key = ["on", "code", "activity", "top_m", *FIELDS]
    assert not frame.duplicated(key).any()
    assert (frame["area_m2"] > 0).all()
    as_asked = {(on, a.activity.id, a.band.top_m): i for i, (on, a) in enumerate((d, a) for d in days for a in bands)}
    place = [as_asked[key] for key in zip(frame["on"], frame["activity"], frame["top_m"], strict=True)]
    order = list(zip((country.codes.index(c) for c in frame["code"]), place, -frame["area_m2"], strict=True))
    assert order == sorted(order)
    totals = frame.groupby(["on", "code", "activity", "top_m"])["area_m2"].sum().unstack("code")
    position = table.levels["municipality"].position
    expected = np.bincount(position, table.area_m2)
    assert len(totals) == 2 * 5
    assert totals[list(country.codes)].to_numpy() == pytest.approx(np.tile(expected, (10, 1)), rel=1e-9)
    shares = frame.groupby(["on", "code", "activity", "top_m"])["share"].sum()
    assert shares.to_numpy() == pytest.approx(np.ones(len(shares)))
    words = {outcome_of(Verdict[v.upper()], c) for v, c in zip(frame["verdict"], frame["conclusive"], strict=True)}
    assert set(frame["outcome"]) == words
    assert set(frame.loc[frame["outcome"] == "unknown", "outcome_nl"]) == {"onbekend"}
    assert set(frame.loc[frame["potential"] == "promising", "potential_nl"]) == {"kansrijk"}


def test_the_country_is_what_its_municipalities_answer(
    country: Country, questions: Questions, explorer: Explorer
) -> None:
    frame = country.assess(questions, [ON]).to_frame().set_index("code")
    looked_at = 0
    for code in country.codes[::9]:
        answers = explorer.for_region(code, ON).answers
        found = {
            (r.activity, r.top_m, r.potential, r.potential_certain, r.verdict, r.indication, r.conclusive): r.area_m2
            for r in frame.loc[[code]].itertuples()
        }
        expected = {
            (
                a.activity.id,
                a.band.top_m,
                p.potential.key,
                p.potential_certain,
                p.verdict.key,
                p.indication.key,
                p.conclusive,
            ): p.area_m2
            for a in answers
            for p in a.areas
        }
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-3)
        looked_at += len(found)
    assert looked_at > 200


def openness_of(answer: Any) -> tuple[list[float], list[str]]:
    """What `where_possible` says, from the answer for one municipality."""
    totals = [0.0, 0.0, 0.0, 0.0]
    for part in answer.areas:
        if part.potential is Potential.NONE and part.potential_certain:
            totals[3] += part.area_m2
        elif part.verdict >= Verdict.NO_UNLESS:
            totals[2] += part.area_m2
        else:
            totals[0 if part.conclusive and part.potential_certain else 1] += part.area_m2
    hard = [c for c in answer.constraints if c.rule.verdict >= Verdict.NO_UNLESS and c.certain_area_m2]
    return totals, [c.rule.id for c in sorted(hard, key=lambda c: -c.certain_area_m2)[:3]]


def test_where_possible_adds_up_what_the_answers_say(
    country: Country, questions: Questions, explorer: Explorer
) -> None:
    codes = country.codes[::5]
    names = ["open_m2", "unknown_m2", "no_m2", "none_m2"]
    with_reasons = 0
    for asked in ("zoutwinning", "geothermie"):
        frame = country.where_possible(questions, asked, codes, ON)
        bands = KNOWLEDGE.activity(asked).bands
        assert len(frame) == len(codes) * len(bands)
        assert list(frame.columns) == ["code", "name", "top_m", "base_m", *names, "reasons"]
        order = list(zip(-frame["open_m2"], -frame["unknown_m2"], frame["code"], strict=True))
        assert order == sorted(order)
        for code in codes:
            rows = frame[frame["code"] == code].set_index("top_m")
            for answer in explorer.for_region(code, ON, activities=[asked]).answers:
                totals, ids = openness_of(answer)
                row = rows.loc[answer.band.top_m]
                assert row[names].tolist() == pytest.approx(totals, rel=1e-9, abs=1e-3)
                assert row["reasons"] == ids
                with_reasons += bool(ids)
    assert with_reasons


def test_an_unknown_activity_or_a_date_before_the_rules_is_refused(country: Country, questions: Questions) -> None:
    with pytest.raises(InputError, match="magie"):
        country.assess(questions, [ON], ["magie"])
    with pytest.raises(NotInForceError):
        country.assess(questions, [date(2001, 1, 1)])


def test_openness_and_reasons_of_four_rows_by_hand() -> None:
    keys = (EvidenceKey("zones", "zone"), EvidenceKey("zones", "kern"), EvidenceKey("klei", "geen"))
    # No potential inside the zone; in its rim with the core; inside the zone; nothing.
    presence = np.array([[3, 0, 3], [2, 3, 0], [3, 0, 0], [0, 0, 0]], np.int8)
    drafts = [
        rule("a", classes=["zone"], verdict="no_unless", extent="column"),
        rule("b", classes=["kern"], extent="column"),
        rule("c", layer=None, when="always", verdict="attention"),
        rule("d", classes=["kern"], verdict="no_unless", extent="column"),
        rule("e", classes=["kern"], extent="column"),
    ]
    rules = [declared(Rule, draft) for draft in drafts]
    states = {
        "zones": LayerState(layer("zones", ["zone", "kern"]), LayerStatus.AVAILABLE),
        "klei": LayerState(layer("klei", {"geen": "none"}), LayerStatus.AVAILABLE),
    }
    asked = declared(Activity, activity("warmte", [(20, 80)], ["klei"]))
    question = pose([(asked, asked.bands[0].interval)], lambda *_: rules, rules, keys, states, value, TODAY)
    area = np.array([4.0, 7.0, 2.0, 1.0])
    view = PatternTable(keys, presence, np.arange(4), np.zeros(4, np.intp), area, ("PV23",))
    (item,) = CountryAssessor(view).assess(question)
    one = np.zeros(1, np.intp)
    found = {name: float(values[0]) for name, values in openness(item, one).items()}
    assert found == {"open_m2": 0, "unknown_m2": 1, "no_m2": 9, "none_m2": 4}
    # As drawn the zone is larger than its core, but certainly it is smaller; among equals the strictest comes first.
    assert reasons(item, one) == [["b", "e", "d"]]
    fewer = [r for r in rules if r.id in ("a", "b")]
    question = pose([(asked, asked.bands[0].interval)], lambda *_: fewer, fewer, keys, states, value, TODAY)
    assert reasons(CountryAssessor(view).assess(question)[0], one) == [["b", "a"]]


def test_without_rules_that_say_no_there_are_no_reasons() -> None:
    rules = [declared(Rule, rule("r", verdict="attention"))]
    level = RegionLevel(("GM0",), np.zeros(1, np.intp))
    one = OverlayTable(KEYS, np.full((1, len(KEYS)), 3, np.int8), np.zeros(1, np.intp), np.ones(1), {"m": level}, {})
    view = PatternTable(one.keys, one.presence, one.combination, level.position, one.area_m2, ("PV23",))
    item = CountryAssessor(view).assess(asked_of(rules, {}))[0]
    rows = np.zeros(1, np.intp)
    assert reasons(item, rows) == [[]]
    assert sum(float(area.sum()) for area in openness(item, rows).values()) == 1.0

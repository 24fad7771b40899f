"""What everybody calls: answers at a point, in an area and for a region, worked out by hand on two squares.

The drawing, its rules and the areas are in ``worlds.py``.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Mapping
from datetime import date, timedelta

import pytest
import shapely
from worlds import (
    CORE,
    KM2,
    OOSTDORP,
    RESERVE,
    TODAY,
    WESTDORP,
    ZONE_A,
    Feature,
    Tables,
    World,
    at,
    flat,
    frame,
    layer,
    put_layer,
    square,
    tiny_tables,
    write_tables,
)

from dgdo_geo.errors import DataError, DgdoGeoError, InputError, NotInForceError
from dgdo_geo.model import Answer, AreaAssessment, Assessment, Cause, Level, Potential, RegionKind, Verdict, outcome_of
from dgdo_geo.query import Explorer, guess_kind
from dgdo_geo.query.around import nl_date

NEAR_CIRCLE = 1e-3
"""Relative error allowed where a buffer of 32 segments per quarter circle stands for a circle."""
SAUSAGE = 4 * 1 + math.pi * 0.25
"""Square kilometres within 500 m of the fault of 4 km."""

Parts = dict[tuple[str, bool], float]


def ask(found: Assessment, activity: str, top: float) -> Answer:
    [answer] = [a for a in found.answers if a.activity.id == activity and a.band.top_m == top]
    return answer


def by_verdict(answer: Answer) -> Parts:
    """Square kilometres per verdict and conclusiveness."""
    parts: Parts = {}
    for part in answer.areas:
        key = (part.verdict.key, part.conclusive)
        parts[key] = parts.get(key, 0.0) + part.area_m2 / KM2
    return parts


def by_potential(answer: Answer) -> Parts:
    parts: Parts = {}
    for part in answer.areas:
        key = (part.potential.key, part.potential_certain)
        parts[key] = parts.get(key, 0.0) + part.area_m2 / KM2
    return parts


FREE, OPEN = ("no_known_constraint", True), ("no_known_constraint", False)
NO_UNLESS, EXCLUDED = ("no_unless", True), ("excluded", True)
MAYBE_CONDITIONAL, CONDITIONAL = ("conditional", False), ("conditional", True)


# Areas worked out by hand ------------------------------------------------------------------

# Zone A shares 1 x 4 km with the upper half (no sand) and 3 x 4 km with the lower; the fault lies in the upper half.
IN_WESTDORP: dict[tuple[str, float], Parts] = {
    ("warmte", 500): {EXCLUDED: 16, MAYBE_CONDITIONAL: SAUSAGE, OPEN: 84 - SAUSAGE},
    ("warmte", 1250): {EXCLUDED: 16, MAYBE_CONDITIONAL: SAUSAGE, ("attention", False): 84 - SAUSAGE},
    ("bodem", 20): {FREE: 95, OPEN: 4, NO_UNLESS: 1},
    ("zout", 300): {OPEN: 99, NO_UNLESS: 1},
}
IN_OOSTDORP: dict[tuple[str, float], Parts] = {
    ("warmte", 500): {NO_UNLESS: 9, OPEN: 91},
    ("warmte", 1250): {NO_UNLESS: 9, ("attention", False): 91},
    ("bodem", 20): {FREE: 96, OPEN: 4},
    ("zout", 300): {CONDITIONAL: 100},
}


def together(*parts: Parts) -> Parts:
    keys = {key for part in parts for key in part}
    return {key: sum(part.get(key, 0.0) for part in parts) for key in keys}


IN_BOTH = {key: together(IN_WESTDORP[key], IN_OOSTDORP[key]) for key in IN_WESTDORP}


@pytest.mark.parametrize(
    ("wanted", "kind", "expected", "area"),
    [
        ("GM9001", RegionKind.MUNICIPALITY, IN_WESTDORP, 100),
        ("Westdorp", RegionKind.MUNICIPALITY, IN_WESTDORP, 100),
        ("GM9002", RegionKind.MUNICIPALITY, IN_OOSTDORP, 100),
        ("PV23", RegionKind.PROVINCE, IN_WESTDORP, 100),
        ("PV22", RegionKind.PROVINCE, IN_OOSTDORP, 100),
        ("Oost", RegionKind.DGDO_REGION, IN_WESTDORP, 100),
        ("noord", RegionKind.DGDO_REGION, IN_OOSTDORP, 100),
        ("NL", RegionKind.COUNTRY, IN_BOTH, 200),
    ],
)
def test_areas_per_verdict_are_those_of_the_drawing(
    tiny: Explorer, wanted: str, kind: RegionKind, expected: Mapping[tuple[str, float], Parts], area: float
) -> None:
    found = tiny.for_region(wanted, TODAY)
    assert found.region.kind is kind
    assert found.region.area_m2 == pytest.approx(area * KM2)
    assert {(a.activity.id, a.band.top_m) for a in found.answers} == set(expected)
    for (activity, top), parts in expected.items():
        answer = ask(found, activity, top)
        assert by_verdict(answer) == pytest.approx(parts, rel=NEAR_CIRCLE)
        assert sum(part.area_m2 for part in answer.areas) == pytest.approx(area * KM2, rel=1e-9)
        assert sum(part.share for part in answer.areas) == pytest.approx(1, rel=1e-9)
        for part in answer.areas:
            assert part.share == pytest.approx(part.area_m2 / (area * KM2), rel=1e-9)
            assert part.outcome == outcome_of(part.verdict, part.conclusive)


@pytest.mark.parametrize(
    ("wanted", "activity", "top", "expected"),
    [
        ("GM9001", "warmte", 500, {("unknown", False): 50, ("none", True): 50}),
        ("GM9001", "warmte", 1250, {("promising", True): 50, ("none", True): 50}),
        ("GM9001", "bodem", 20, {("unknown", False): 100}),
        ("GM9001", "zout", 300, {("unknown", False): 100}),
        ("GM9002", "warmte", 1250, {("unknown", False): 100}),
        ("NL", "warmte", 1250, {("promising", True): 50, ("none", True): 50, ("unknown", False): 100}),
    ],
)
def test_areas_per_potential_are_those_of_the_drawing(
    tiny: Explorer, wanted: str, activity: str, top: float, expected: Parts
) -> None:
    assert by_potential(ask(tiny.for_region(wanted, TODAY), activity, top)) == pytest.approx(expected)


def test_potential_and_verdict_are_crossed(tiny: Explorer) -> None:
    answer = ask(tiny.for_region("GM9001", TODAY), "warmte", 1250)
    excluded = {p.potential.key: p.area_m2 / KM2 for p in answer.areas if p.verdict is Verdict.EXCLUDED}
    assert excluded == pytest.approx({"promising": 12, "none": 4})


def test_the_rim_of_a_sketch_is_an_indication(tiny: Explorer) -> None:
    """Of the 25 km2 of the reserve 9 lie more than 1 km from its edge."""
    answer = ask(tiny.for_region("GM9002", TODAY), "warmte", 500)
    rim = [p for p in answer.areas if p.indication > p.verdict]
    assert [(p.verdict.key, p.indication.key, p.conclusive) for p in rim] == [
        ("no_known_constraint", "no_unless", False)
    ]
    assert rim[0].area_m2 == pytest.approx(16 * KM2)


def test_an_older_date_has_the_older_distance(tiny: Explorer) -> None:
    answer = ask(tiny.for_region("GM9001", date(2025, 6, 1)), "warmte", 500)
    assert by_verdict(answer)[MAYBE_CONDITIONAL] == pytest.approx(4 * 0.6 + math.pi * 0.09, rel=NEAR_CIRCLE)


def test_a_rule_of_2025_counts_in_2025(tiny: Explorer) -> None:
    assert by_verdict(ask(tiny.for_region("GM9001", date(2025, 12, 31)), "bodem", 20)) == pytest.approx(
        {("attention", True): 95, ("attention", False): 4, NO_UNLESS: 1}
    )
    assert by_verdict(ask(tiny.for_region("GM9001", date(2026, 1, 1)), "bodem", 20)) == pytest.approx(
        IN_WESTDORP["bodem", 20]
    )


# Rules with their areas and features -------------------------------------------------------


def test_every_constraint_has_its_area_and_its_features(tiny: Explorer) -> None:
    answer = ask(tiny.for_region("GM9001", TODAY), "warmte", 500)
    found = {c.rule.id: c for c in answer.constraints}
    assert {i: c.area_m2 for i, c in found.items()} == pytest.approx(
        {"r-zone": 16 * KM2, "r-kern": KM2, "r-breuk": SAUSAGE * KM2}, rel=NEAR_CIRCLE
    )
    assert all(c.share == pytest.approx((c.area_m2 or 0) / (100 * KM2)) for c in found.values())
    assert all(c.is_certain and c.certain_area_m2 == c.area_m2 for c in found.values())
    assert [c.rule.id for c in answer.constraints] == ["r-zone", "r-kern", "r-breuk"]
    [zone] = found["r-zone"].features
    assert (zone.name, zone.class_id, zone.label_nl, zone.depth.top_min_m) == ("Zone A", "zone", "Zone", 80)
    assert zone.area_m2 == pytest.approx(16 * KM2)
    assert [f.note for f in found["r-kern"].features] == ["Hier staat de put."]
    assert [(f.name, f.area_m2) for f in found["r-breuk"].features] == [("Breuk", None)]


def test_the_rim_counts_in_a_constraint_and_not_in_its_certain_area(tiny: Explorer) -> None:
    [constraint] = ask(tiny.for_region("GM9002", TODAY), "warmte", 500).constraints
    assert (constraint.area_m2, constraint.certain_area_m2) == pytest.approx((25 * KM2, 9 * KM2))
    assert constraint.is_certain


def test_every_unanswered_rule_has_its_cause_area_and_features(tiny: Explorer) -> None:
    west = ask(tiny.for_region("GM9001", TODAY), "warmte", 500)
    found = {(u.rule.id, u.cause): u for u in west.unanswered}
    assert {k: (u.area_m2 or 0) / KM2 for k, u in found.items()} == pytest.approx(
        {("r-zone", Cause.DEPTH_UNKNOWN): 4, ("r-schets", Cause.OUTSIDE_COVERAGE): 100}
    )
    assert [f.name for f in found["r-zone", Cause.DEPTH_UNKNOWN].features] == ["Zone B"]
    east = ask(tiny.for_region("GM9002", TODAY), "warmte", 500)
    causes = {(u.rule.id, u.cause): (u.area_m2 or 0) / KM2 for u in east.unanswered}
    assert causes == pytest.approx(
        {
            ("r-zone", Cause.DEPTH_UNKNOWN): 4,
            ("r-schets", Cause.NEAR_EDGE): 36 + math.pi,
            ("r-schets", Cause.OUTSIDE_COVERAGE): 100 - 45 - math.pi,
        },
        rel=NEAR_CIRCLE,
    )
    salt = ask(tiny.for_region("GM9001", TODAY), "zout", 300)
    assert [(u.rule.id, u.cause, u.area_m2) for u in salt.unanswered] == [
        ("r-natuur", Cause.NOT_LOADED, pytest.approx(100 * KM2))
    ]


def test_a_rule_is_clear_only_if_it_is_clear_everywhere(tiny: Explorer) -> None:
    """In Oostdorp nothing comes near the core or the fault; zone B keeps r-zone open."""
    answer = ask(tiny.for_region("GM9002", TODAY), "warmte", 500)
    assert [r.id for r in answer.clear] == ["r-breuk", "r-kern"]
    assert [r.id for r in ask(tiny.for_region("GM9001", TODAY), "warmte", 500).clear] == []


def test_what_a_potential_layer_says_has_its_area(tiny: Explorer) -> None:
    deep = ask(tiny.for_region("GM9001", TODAY), "warmte", 1250).potentials
    assert [(p.potential.key, p.is_certain, (p.area_m2 or 0) / KM2) for p in deep] == [
        ("promising", True, pytest.approx(50)),
        ("none", True, pytest.approx(50)),
    ]
    salt = ask(tiny.for_region("GM9001", TODAY), "zout", 300).potentials
    assert [(p.layer.id, p.potential, p.cause) for p in salt] == [
        ("potentie_zand", Potential.NONE, None),
        ("potentie_zand", Potential.UNKNOWN, Cause.OUTSIDE_COVERAGE),
        ("potentie_zout", Potential.UNKNOWN, Cause.NOT_LOADED),
    ]


def test_the_headline_is_the_largest_outcome_and_is_conclusive_only_as_a_whole(tiny: Explorer) -> None:
    bodem = ask(tiny.for_region("GM9001", TODAY), "bodem", 20)
    assert (bodem.outcome, bodem.verdict, bodem.conclusive) == (
        "no_known_constraint",
        Verdict.NO_KNOWN_CONSTRAINT,
        False,
    )
    zout = ask(tiny.for_region("GM9002", TODAY), "zout", 300)
    assert (zout.outcome, zout.verdict, zout.conclusive) == ("conditional", Verdict.CONDITIONAL, True)
    warmte = ask(tiny.for_region("GM9001", TODAY), "warmte", 500)
    assert warmte.outcome == "unknown"


# Own polygons ------------------------------------------------------------------------------


def test_a_polygon_inside_one_zone(tiny: Explorer) -> None:
    found = tiny.in_area(square(2, 2, 3, 3), TODAY, name="Kavel")
    assert (found.region.kind, found.region.name, found.region.area_m2) == (
        RegionKind.POLYGON,
        "Kavel",
        pytest.approx(KM2),
    )
    assert found.region.provinces == ("PV23",)
    assert by_verdict(ask(found, "warmte", 500)) == pytest.approx({EXCLUDED: 1})
    assert ask(found, "warmte", 500).conclusive


def test_a_polygon_across_the_border_follows_the_rules_of_both_provinces(tiny: Explorer) -> None:
    found = tiny.in_area(square(9, 4, 12, 5), TODAY)
    assert found.region.provinces == ("PV22", "PV23")
    assert found.region.dgdo_regions == ("Noord", "Oost")
    assert by_verdict(ask(found, "zout", 300)) == pytest.approx({OPEN: 1, CONDITIONAL: 2})


def test_the_part_outside_the_country_is_left_out_and_named(tiny: Explorer) -> None:
    found = tiny.in_area(square(-1, 2, 3, 3), TODAY)
    assert found.region.area_m2 == pytest.approx(3 * KM2)
    assert by_verdict(ask(found, "warmte", 500)) == pytest.approx({EXCLUDED: 1, OPEN: 2})
    assert [n for n in found.notes_nl if "1,00 km²" in n]
    inside = tiny.in_area(square(0, 2, 3, 3), TODAY)
    assert not [n for n in inside.notes_nl if "buiten het land" in n]


def test_a_polygon_equal_to_a_municipality_gives_its_answer(tiny: Explorer) -> None:
    own, named = tiny.in_area(WESTDORP, TODAY), tiny.for_region("GM9001", TODAY)
    for a, b in zip(own.answers, named.answers, strict=True):
        assert by_verdict(a) == pytest.approx(by_verdict(b))
        assert [c.rule.id for c in a.constraints] == [c.rule.id for c in b.constraints]
        assert [(u.rule.id, u.cause) for u in a.unanswered] == [(u.rule.id, u.cause) for u in b.unanswered]


def test_a_polygon_in_two_parts_with_a_hole(tiny: Explorer) -> None:
    parts = shapely.MultiPolygon([shapely.difference(ZONE_A, CORE), square(8, 8, 9, 9)])
    found = tiny.in_area(parts, TODAY)
    assert by_verdict(ask(found, "warmte", 500)) == pytest.approx({EXCLUDED: 15, OPEN: 1})


def test_the_same_polygon_has_the_same_code(tiny: Explorer) -> None:
    ring = list(square(2, 2, 3, 3).exterior.coords)[:-1]
    turned = shapely.Polygon(ring[2:] + ring[:2])
    codes = [
        tiny.in_area(p, TODAY, activities=["bodem"]).region.code
        for p in (square(2, 2, 3, 3), turned, square(2, 2, 3, 4))
    ]
    assert codes[0] == codes[1] != codes[2]


@pytest.mark.parametrize(
    ("geometry", "key"),
    [
        (square(30, 0, 31, 1), "area_outside"),
        (square(-1, 0, 0, 1), "area_outside"),
        (shapely.Point(at(5, 5)), "area_not_polygon"),
        (shapely.LineString([at(0, 0), at(1, 1)]), "area_not_polygon"),
        (shapely.Polygon(), "area_not_polygon"),
        (None, "area_not_polygon"),
        (shapely.Polygon([at(0, 0), at(1, 1), at(1, 0), at(0, 1)]), "area_invalid"),
    ],
    ids=["beside", "touching from outside", "point", "line", "empty", "nothing", "bow tie"],
)
def test_an_area_that_cannot_be_asked_is_refused(tiny: Explorer, geometry: shapely.Geometry, key: str) -> None:
    with pytest.raises(InputError) as caught:
        tiny.in_area(geometry, TODAY)
    assert caught.value.key == key
    assert caught.value.exit_code == 2


# Points ------------------------------------------------------------------------------------

MM = 1e-6


@pytest.mark.parametrize(
    ("x", "y", "activity", "top", "outcome", "verdict", "conclusive"),
    [
        (2 + MM, 4, "warmte", 500, "excluded", Verdict.EXCLUDED, True),
        (2, 4, "warmte", 500, "excluded", Verdict.EXCLUDED, True),
        (2 - MM, 4, "warmte", 500, "unknown", Verdict.NO_KNOWN_CONSTRAINT, False),
        (3, 3, "bodem", 20, "no_unless", Verdict.NO_UNLESS, True),
        (3 - MM, 3, "bodem", 20, "no_known_constraint", Verdict.NO_KNOWN_CONSTRAINT, True),
        (9, 1, "bodem", 20, "unknown", Verdict.NO_KNOWN_CONSTRAINT, False),
        (9, 2 + MM, "bodem", 20, "no_known_constraint", Verdict.NO_KNOWN_CONSTRAINT, True),
        (3, 8.5 + MM, "warmte", 500, "unknown", Verdict.CONDITIONAL, False),
        (3, 8.5 - MM, "warmte", 500, "unknown", Verdict.NO_KNOWN_CONSTRAINT, False),
        (14, 5, "warmte", 500, "no_unless", Verdict.NO_UNLESS, True),
        (14 - MM, 5, "warmte", 500, "unknown", Verdict.NO_KNOWN_CONSTRAINT, False),
        (10 - MM, 6, "zout", 300, "unknown", Verdict.NO_KNOWN_CONSTRAINT, False),
        # Closer to the border than its accuracy of 500 m: the rule of the other province holds perhaps.
        (10 + MM, 6, "zout", 300, "unknown", Verdict.NO_KNOWN_CONSTRAINT, False),
        (10.499, 6, "zout", 300, "unknown", Verdict.NO_KNOWN_CONSTRAINT, False),
        (10.501, 6, "zout", 300, "conditional", Verdict.CONDITIONAL, True),
    ],
)
def test_a_point_knows_on_which_side_of_an_edge_it_lies(
    tiny: Explorer, x: float, y: float, activity: str, top: float, outcome: str, verdict: Verdict, conclusive: bool
) -> None:
    answer = ask(tiny.at_point(*at(x, y), TODAY), activity, top)
    assert (answer.outcome, answer.verdict, answer.conclusive) == (outcome, verdict, conclusive)
    assert answer.areas == ()
    assert all(c.area_m2 is None and c.share is None for c in answer.constraints)


@pytest.mark.parametrize(
    ("x", "indication", "cause", "fires"),
    [
        (14 - MM, "no_unless", Cause.NEAR_EDGE, True),
        (13, "no_unless", Cause.NEAR_EDGE, True),
        (13 - MM, "no_known_constraint", Cause.NEAR_EDGE, False),
        (12, "no_known_constraint", Cause.NEAR_EDGE, False),
        (12 - MM, "no_known_constraint", Cause.OUTSIDE_COVERAGE, False),
    ],
)
def test_near_the_edge_of_a_sketch_the_answer_is_open(
    tiny: Explorer, x: float, indication: str, cause: Cause, fires: bool
) -> None:
    answer = ask(tiny.at_point(*at(x, 5.5), TODAY), "warmte", 500)
    assert answer.indication.key == indication
    [unanswered] = answer.unanswered
    assert (unanswered.rule.id, unanswered.cause) == ("r-schets", cause)
    assert [f.name for f in unanswered.features] == (["Reserve"] if cause is Cause.NEAR_EDGE else [])
    assert [(c.rule.id, c.is_certain) for c in answer.constraints] == ([("r-schets", False)] if fires else [])


def test_a_point_shows_the_features_that_it_lies_in(tiny: Explorer) -> None:
    answer = ask(tiny.at_point(*at(3.5, 3.5), TODAY), "warmte", 500)
    assert [(c.rule.id, [f.name for f in c.features]) for c in answer.constraints] == [
        ("r-zone", ["Zone A"]),
        ("r-kern", ["Kern"]),
    ]
    deep = ask(tiny.at_point(*at(3.5, 3.5), TODAY), "warmte", 1250)
    [sand] = deep.potentials
    assert (sand.potential, sand.is_certain, [f.class_id for f in sand.features]) == (
        Potential.PROMISING,
        True,
        ["kansrijk"],
    )


def test_a_point_near_the_border_says_so(tiny: Explorer) -> None:
    def notes(x: float) -> list[str]:
        return [n for n in tiny.at_point(*at(x, 5), TODAY).notes_nl if "dicht bij de grens" in n]

    assert len(notes(9.6)) == 1
    assert "Oostdorp" in notes(9.6)[0]
    assert notes(9.4) == []
    assert "Westdorp" in notes(10.4)[0]


def test_a_point_and_a_tiny_square_around_it_agree(tiny: Explorer) -> None:
    looked_at = 0
    for x in (0.5, 2.5, 3.5, 9.1, 11.2, 13.6, 15.5, 19.4):
        for y in (0.9, 3.6, 5.6, 9.2):
            point = tiny.at_point(*at(x, y), TODAY)
            area = tiny.in_area(square(x - 1e-3, y - 1e-3, x + 1e-3, y + 1e-3), TODAY)
            for a, b in zip(point.answers, area.answers, strict=True):
                looked_at += 1
                assert (a.outcome, a.verdict, a.indication, a.conclusive) == (
                    b.outcome,
                    b.verdict,
                    b.indication,
                    b.conclusive,
                )
                assert (a.potential, a.potential_certain) == (b.potential, b.potential_certain)
                assert [c.rule.id for c in a.constraints] == [c.rule.id for c in b.constraints]
                assert [(u.rule.id, u.cause) for u in a.unanswered] == [(u.rule.id, u.cause) for u in b.unanswered]
                assert a.clear == b.clear
    assert looked_at == 8 * 4 * 4


def test_the_receipt_holds_the_point_that_was_asked(tiny: Explorer) -> None:
    x, y = at(1.0004, 5.0004)
    code = tiny.at_point(x, y, TODAY, activities=["bodem"]).region.code
    assert [float(part) for part in code.split(",")] == pytest.approx([x, y], abs=1e-3)


# Dates, activities, depths -----------------------------------------------------------------

Question = Callable[..., Assessment]


@pytest.fixture(params=["point", "area", "region"])
def question(request: pytest.FixtureRequest, tiny: Explorer) -> Question:
    """The same question at a point, in an area and for a region."""
    return {
        "point": lambda *a, **k: tiny.at_point(*at(1, 1), *a, **k),
        "area": lambda *a, **k: tiny.in_area(square(0.5, 0.5, 1.5, 1.5), *a, **k),
        "region": lambda *a, **k: tiny.for_region("GM9001", *a, **k),
    }[request.param]


def test_a_date_before_the_rules_is_refused(question: Question) -> None:
    assert question(date(2024, 1, 1)).on == date(2024, 1, 1)
    with pytest.raises(NotInForceError):
        question(date(2023, 12, 31))


def test_without_a_date_it_is_today(question: Question) -> None:
    assert question().on == date.today()
    assert not [n for n in question(date.today()).notes_nl if "toekomst" in n]
    assert [n for n in question(date.today() + timedelta(days=1)).notes_nl if "toekomst" in n]


def test_only_the_asked_activities_are_answered_in_the_asked_order(question: Question) -> None:
    assert [a.activity.id for a in question(TODAY, activities=["zout", "bodem"]).answers] == ["zout", "bodem"]
    assert [a.activity.id for a in question(TODAY).answers] == ["warmte", "warmte", "bodem", "zout"]
    with pytest.raises(InputError, match="warmte, bodem, zout"):
        question(TODAY, activities=["bodem", "magie"])


@pytest.mark.parametrize(
    ("depth", "bands"),
    [
        ((0, 10_000), [("warmte", 500, 3000), ("bodem", 20, 80), ("zout", 300, 1000)]),
        ((600, 900), [("warmte", 600, 900), ("zout", 600, 900)]),
        ((80, 300.5), [("zout", 300, 300.5)]),
        ((1000, 2000), [("warmte", 1000, 2000)]),
        ((2999, 9000), [("warmte", 2999, 3000)]),
    ],
)
def test_an_own_depth_is_cut_to_what_the_activity_reaches(
    question: Question, depth: tuple[float, float], bands: list[tuple[str, float, float]]
) -> None:
    assert [(a.activity.id, a.band.top_m, a.band.base_m) for a in question(TODAY, depth=depth).answers] == bands


@pytest.mark.parametrize(
    ("depth", "key"),
    [
        ((3000, 4000), "depth_fits_none"),
        ((0, 20), "depth_fits_none"),
        ((80, 300), "depth_fits_none"),
        ((200, 100), "depth_wrong"),
        ((100, 100), "depth_wrong"),
        ((-1, 100), "depth_wrong"),
        ((math.nan, 100), "depth_wrong"),
        ((0, math.nan), "depth_wrong"),
        ((2999, math.inf), "depth_wrong"),
    ],
)
def test_a_depth_that_cannot_be_is_refused(question: Question, depth: tuple[float, float], key: str) -> None:
    with pytest.raises(InputError) as caught:
        question(TODAY, depth=depth)
    assert caught.value.key == key


@pytest.mark.parametrize(("base", "verdict"), [(80, Verdict.NO_KNOWN_CONSTRAINT), (79, Verdict.NO_KNOWN_CONSTRAINT)])
def test_a_borehole_that_stays_above_a_zone_is_free(tiny: Explorer, base: float, verdict: Verdict) -> None:
    found = tiny.at_point(*at(2.5, 2.5), TODAY, activities=["bodem"], depth=(20, base))
    assert (found.answers[0].verdict, found.answers[0].conclusive) == (verdict, True)


def test_a_borehole_through_a_zone_is_excluded_though_its_target_lies_deeper(tiny: Explorer) -> None:
    found = tiny.at_point(*at(2.5, 2.5), TODAY, activities=["warmte"], depth=(2900, 3000))
    assert found.answers[0].verdict is Verdict.EXCLUDED


def test_the_depth_decides_the_potential(tiny: Explorer) -> None:
    def offered(top: float, base: float) -> Potential:
        return tiny.at_point(*at(1, 1), TODAY, activities=["warmte"], depth=(top, base)).answers[0].potential

    assert offered(500, 1500) is Potential.UNKNOWN
    assert offered(500, 1501) is Potential.PROMISING
    assert offered(2000, 3000) is Potential.UNKNOWN
    assert offered(1999, 3000) is Potential.PROMISING


# Regions that do not exist, or have no boundaries ------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "kind", "suggestion"),
    [
        ("Westdrop", None, "Westdorp"),
        ("GM1234", None, ""),
        ("PV99", None, ""),
        ("Overijsel", RegionKind.PROVINCE, "Overijssel"),
        ("Midden", RegionKind.DGDO_REGION, ""),
        ("", None, ""),
    ],
)
def test_a_region_that_does_not_exist_is_refused(
    tiny: Explorer, wanted: str, kind: RegionKind | None, suggestion: str
) -> None:
    with pytest.raises(InputError) as caught:
        tiny.for_region(wanted, TODAY, kind=kind)
    assert suggestion in caught.value.message_nl
    assert repr(wanted) in str(caught.value)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("GM0193", RegionKind.MUNICIPALITY),
        ("PV23", RegionKind.PROVINCE),
        (" pv23 ", RegionKind.PROVINCE),
        ("PVC", RegionKind.MUNICIPALITY),
        ("nl", RegionKind.COUNTRY),
        ("West", RegionKind.DGDO_REGION),
        ("Westerveld", RegionKind.MUNICIPALITY),
        ("Zwolle", RegionKind.MUNICIPALITY),
    ],
)
def test_the_kind_of_a_region_follows_from_its_code(code: str, kind: RegionKind) -> None:
    assert guess_kind(code) is kind


def test_water_boards_without_boundaries_say_how_to_get_them(tiny: Explorer) -> None:
    with pytest.raises(DataError) as caught:
        tiny.for_region("Vechtstromen", TODAY, kind=RegionKind.WATER_BOARD)
    assert "Vraag het de tekenaar." in caught.value.message_nl


def with_water_board(world: World) -> Explorer:
    board = layer("waterschappen", ["waterschap"], family="boundaries")
    put_layer(world.shipped, board, frame([Feature(square(5, 0, 15, 10), "waterschap", name="Midden")], ["WS01"]))
    return world.open()


def test_a_water_board_with_boundaries_is_answered(tiny_world: World) -> None:
    explorer = with_water_board(tiny_world)
    for wanted in ("Midden", "midden", "WS01"):
        found = explorer.for_region(wanted, TODAY, kind=RegionKind.WATER_BOARD)
        assert found.region.name == "Midden"
        assert by_verdict(ask(found, "bodem", 20)) == pytest.approx({FREE: 92, OPEN: 8})
    with pytest.raises(InputError, match="Midden"):
        explorer.for_region("Zuiden", TODAY, kind=RegionKind.WATER_BOARD)


def test_a_water_board_is_answered_as_a_water_board(tiny_world: World) -> None:
    found = with_water_board(tiny_world).for_region("Midden", TODAY, kind=RegionKind.WATER_BOARD)
    assert (found.region.kind, found.region.code) == (RegionKind.WATER_BOARD, "WS01")


# Sums --------------------------------------------------------------------------------------


def test_a_province_is_the_sum_of_its_municipalities(explorer: Explorer) -> None:
    activities = ["geothermie", "zoutwinning"]
    municipalities = [
        explorer.for_region(code, TODAY, activities=activities)
        for code in explorer.regions.municipality_codes(explorer.regions.find(RegionKind.PROVINCE, "PV24"))
    ]
    province = explorer.for_region("PV24", TODAY, activities=activities)
    assert len(municipalities) == 6
    assert province.region.area_m2 == pytest.approx(sum(m.region.area_m2 or 0 for m in municipalities))
    for i, answer in enumerate(province.answers):
        expected = together(*(by_verdict(m.answers[i]) for m in municipalities))
        assert len(expected) > 1
        assert by_verdict(answer) == pytest.approx(expected, rel=1e-9, abs=1e-9)
        for constraint in answer.constraints:
            parts = [
                c.area_m2 for m in municipalities for c in m.answers[i].constraints if c.rule.id == constraint.rule.id
            ]
            assert constraint.area_m2 == pytest.approx(sum(p or 0 for p in parts), rel=1e-9)


def test_the_real_zone_in_a_real_municipality_is_that_of_a_direct_intersection(explorer: Explorer) -> None:
    """Rules that look at any class of a polygon layer, over its whole column: area as drawn = GEOS intersection."""
    looked_at = 0
    for code in ("GM0193", "GM0303", "GM0995"):
        found = explorer.for_region(code, TODAY, activities=["geothermie"])
        place = explorer.regions.geometry(found.region)
        for constraint in found.answers[0].constraints:
            rule = constraint.rule
            if rule.layer is None or rule.within or rule.when.value != "present" or rule.extent.value != "column":
                continue
            frame = explorer.layer(rule.layer).to_gdf()
            shapes = frame.geometry[frame["class"].isin(rule.classes) | (not rule.classes)]
            expected = shapely.union_all(shapes.to_numpy()).intersection(place).area
            looked_at += 1
            assert constraint.area_m2 == pytest.approx(expected, rel=1e-9, abs=1e-3)
    assert looked_at


# Where, and the map ------------------------------------------------------------------------


def test_where_possible_ranks_by_what_is_open(tiny: Explorer) -> None:
    found = tiny.where_possible("zout", on=TODAY)
    assert found["code"].tolist() == ["GM9002", "GM9001"]
    rows = found.set_index("code")
    # The potential for salt is unknown everywhere, so nothing is open.
    assert rows.loc["GM9001", ["open_m2", "unknown_m2", "no_m2", "none_m2"]].tolist() == pytest.approx(
        [0, 99e6, 1e6, 0]
    )
    assert rows.loc["GM9002", ["open_m2", "unknown_m2", "no_m2", "none_m2"]].tolist() == pytest.approx([0, 100e6, 0, 0])
    assert rows.loc["GM9001", "reasons"] == ["r-kern"]
    assert rows.loc["GM9002", "reasons"] == []


def no_sketch(tables: Tables) -> None:
    tables["rules/test.toml"]["rule"] = [r for r in tables["rules/test.toml"]["rule"] if r["id"] != "r-schets"]


def test_where_everything_is_known_something_is_open(tiny_world: World) -> None:
    """Without the sketch, in sand: 50 km2, less 12 in zone A and 4 in zone B; the rest is attention only."""
    tables = tiny_tables()
    no_sketch(tables)
    write_tables(tiny_world.knowledge, tables)
    found = tiny_world.open().where_possible("warmte", on=TODAY)
    assert list(zip(found["code"], found["top_m"], strict=True))[::3] == [("GM9001", 1250), ("GM9001", 500)]
    best = found.iloc[0]
    assert best[["open_m2", "unknown_m2", "no_m2", "none_m2"]].tolist() == pytest.approx([34e6, 4e6, 12e6, 50e6])
    assert best["reasons"] == ["r-zone", "r-kern"]
    assert (found[["open_m2", "unknown_m2", "no_m2", "none_m2"]].sum(axis=1) - 100e6).abs().max() < 1


def test_where_possible_looks_within_the_asked_region_only(tiny: Explorer) -> None:
    assert tiny.where_possible("zout", "PV22", TODAY)["code"].tolist() == ["GM9002"]
    assert tiny.where_possible("zout", "Oost", TODAY)["code"].tolist() == ["GM9001"]
    assert tiny.where_possible("zout", "Westdorp", TODAY)["code"].tolist() == ["GM9001"]
    assert tiny.where_possible("warmte", "PV22", TODAY)["top_m"].tolist() == [500, 1250]
    with pytest.raises(InputError, match="magie"):
        tiny.where_possible("magie", on=TODAY)


@pytest.mark.parametrize("code", ["GM9001", "GM9002"])
@pytest.mark.parametrize(("activity", "band"), [("warmte", 0), ("warmte", 1), ("bodem", 0), ("zout", 0)])
def test_the_map_shows_the_areas_of_the_answer(tiny: Explorer, code: str, activity: str, band: int) -> None:
    drawn = tiny.verdict_map(code, activity, TODAY, band=band)
    place = {"GM9001": WESTDORP, "GM9002": OOSTDORP}[code]
    assert drawn.crs.to_epsg() == 28992
    assert drawn.area.sum() == pytest.approx(place.area, rel=1e-9)
    assert drawn["area_m2"].tolist() == pytest.approx(drawn.area.tolist())
    assert shapely.union_all(drawn.geometry.to_numpy()).symmetric_difference(place).area < 1
    answer = tiny.for_region(code, TODAY, activities=[activity]).answers[band]
    columns = ["potential", "potential_certain", "verdict", "indication", "conclusive", "outcome"]
    from_map = drawn.groupby(columns)["area_m2"].sum().to_dict()
    from_answer = {
        (p.potential.key, p.potential_certain, p.verdict.key, p.indication.key, p.conclusive, p.outcome): p.area_m2
        for p in answer.areas
    }
    assert from_map == pytest.approx(from_answer)


def test_the_map_names_the_rules_of_every_part(tiny: Explorer) -> None:
    drawn = tiny.verdict_map("GM9002", "warmte", TODAY)
    areas = drawn.groupby("rules")["area_m2"].sum().to_dict()
    assert areas == pytest.approx({"": 75e6, "r-schets": 25e6})
    [inside] = drawn.geometry[drawn["verdict"] == "no_unless"]
    assert inside.symmetric_difference(square(14, 4, 17, 7)).area == pytest.approx(0, abs=1)
    assert RESERVE.contains(inside)


def test_the_map_refuses_what_does_not_exist(tiny: Explorer) -> None:
    for band in (-1, 2):
        with pytest.raises(InputError, match="2 depth bands"):
            tiny.verdict_map("GM9001", "warmte", TODAY, band=band)
    with pytest.raises(InputError, match="magie"):
        tiny.verdict_map("GM9001", "magie", TODAY)
    with pytest.raises(InputError, match="Nergens"):
        tiny.verdict_map("Nergens", "warmte", TODAY)


# Beside the verdict ------------------------------------------------------------------------


def test_concerns_follow_region_activity_and_family(tiny: Explorer) -> None:
    def raised(found: Assessment) -> list[str]:
        return [c.concern.id for c in found.concerns]

    assert raised(tiny.for_region("GM9001", TODAY, activities=["bodem"])) == ["zorg-overal"]
    assert raised(tiny.for_region("GM9002", TODAY, activities=["bodem"])) == ["zorg-noord", "zorg-overal"]
    assert raised(tiny.at_point(*at(3, 9), TODAY, activities=["warmte"])) == ["zorg-breuk", "zorg-overal"]
    assert raised(tiny.at_point(*at(3, 7), TODAY, activities=["warmte"])) == ["zorg-overal"]
    assert raised(tiny.at_point(*at(3, 9), TODAY, activities=["zout"])) == ["zorg-overal"]


def test_procedures_follow_activity_and_depth(tiny: Explorer) -> None:
    found = tiny.for_region("GM9001", TODAY)
    assert [p.id for p in ask(found, "warmte", 500).procedures] == ["vergunning"]
    assert [p.id for p in ask(found, "warmte", 1250).procedures] == ["diepe-vergunning"]
    assert [p.id for p in ask(found, "zout", 300).procedures] == ["melding"]
    across = tiny.at_point(*at(1, 1), TODAY, activities=["warmte"], depth=(1000, 2000))
    assert [p.id for p in across.answers[0].procedures] == ["vergunning", "diepe-vergunning"]


def test_a_place_without_a_procedure_says_so(tiny_world: World) -> None:
    tables = tiny_tables()
    tables["procedures.toml"]["procedure"].pop()
    write_tables(tiny_world.knowledge, tables)
    found = tiny_world.open().for_region("GM9001", TODAY, activities=["bodem"])
    assert found.answers[0].procedures == ()
    assert found.to_dict()["procedure"] == [
        {"activity": "bodem", "depth": {"top": 20, "base": 80}, "id": None, "steps": []}
    ]


def test_a_slanted_well_is_another_way_and_no_constraint(tiny: Explorer) -> None:
    """In zone A a vertical well is excluded; a slanted one from outside may do, but not below the core."""
    for found in (tiny.at_point(*at(2.5, 2.5), TODAY), tiny.for_region("GM9001", TODAY)):
        answer = ask(found, "warmte", 500)
        assert [c.rule.id for c in answer.alternatives] == ["r-schuin"]
        assert [f.name for f in answer.alternatives[0].features] == ["Zone A"]
        said = {c.rule.id for c in answer.constraints} | {u.rule.id for u in answer.unanswered}
        assert "r-schuin" not in said | {r.id for r in answer.clear}
    assert answer.alternatives[0].area_m2 == pytest.approx(16 * KM2)
    assert answer.slanted is None
    for place, verdict, slanted in (
        ((2.5, 2.5), Verdict.EXCLUDED, Verdict.CONDITIONAL),
        ((3.5, 3.5), Verdict.EXCLUDED, Verdict.NO_UNLESS),
        ((7, 7), Verdict.NO_KNOWN_CONSTRAINT, None),
        # The limit depth of zone B is not known: there is no other way either.
        ((9, 1), Verdict.NO_KNOWN_CONSTRAINT, None),
    ):
        answer = ask(tiny.at_point(*at(*place), TODAY), "warmte", 500)
        assert (answer.verdict, answer.slanted) == (verdict, slanted)
        assert bool(answer.alternatives) is (slanted is not None)


def test_levels_of_government_that_differ_are_both_shown(tiny: Explorer) -> None:
    core = ask(tiny.at_point(*at(3.5, 3.5), TODAY), "warmte", 500)
    [found] = core.level_differences
    assert (found.layer.id, found.decides) == ("zones", Level.PROVINCIAL)
    assert found.verdicts == ((Level.PROVINCIAL, Verdict.EXCLUDED), (Level.NATIONAL, Verdict.NO_UNLESS))
    assert ask(tiny.at_point(*at(2.5, 2.5), TODAY), "warmte", 500).level_differences == ()


def test_the_glossary_of_an_answer_holds_the_words_that_it_uses(tiny_world: World) -> None:
    tables = tiny_tables()
    words = {"kern": "kern", "zorg": "zorg", "schaap": "schaap", "vergunning": "vergunning"}
    tables["glossary.toml"]["term"] = [{"id": i, "term_nl": t, "meaning_nl": "Iets."} for i, t in words.items()]
    tables["rules/test.toml"]["rule"][1]["title_nl"] = "In de kern"
    write_tables(tiny_world.knowledge, tables)
    explorer = tiny_world.open()
    assert [t.id for t in explorer.at_point(*at(3.5, 3.5), TODAY).terms] == ["kern", "vergunning", "zorg"]
    assert [t.id for t in explorer.at_point(*at(9, 9), TODAY, activities=["zout"]).terms] == ["vergunning", "zorg"]


def test_the_receipt_names_rules_layers_and_input(tiny: Explorer) -> None:
    receipt = tiny.for_region("westdorp", TODAY).receipt
    assert receipt.input == f"gemeente GM9001; peildatum {TODAY.isoformat()}"
    own = tiny.for_region("westdorp", TODAY, activities=["zout"], depth=(400, 900))
    assert own.receipt.input.endswith("; activiteit zout; diepte 400 900")
    assert any("400 tot 900 m" in note for note in own.notes_nl)
    assert receipt.rules_hash == tiny.knowledge.hash
    assert (receipt.crs, receipt.rules_version) == ("EPSG:28992", "test")
    assert {s.layer.id: bool(s.hash) for s in receipt.layers} == {
        "breuk": True,
        "gemeenten": True,
        "natuur": False,
        "potentie_zand": True,
        "potentie_zout": False,
        "provincies": True,
        "schets": True,
        "waterschappen": False,
        "zones": True,
    }


def places(explorer: Explorer) -> list[Assessment]:
    return [
        explorer.at_point(*at(3.5, 3.5), TODAY),
        explorer.at_point(*at(13.5, 5), TODAY),
        explorer.in_area(square(-1, 1, 14, 4), TODAY),
        explorer.for_region("GM9001", TODAY),
        explorer.for_region("NL", TODAY),
    ]


def test_every_answer_is_valid_json_without_nan(tiny: Explorer) -> None:
    for found in places(tiny):
        told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert told["schema"] == "dgdo-geo/ask/1"
        assert told["peildatum"] == "2026-11-23"
        assert len(told["answers"]) == 4
        for answer in told["answers"]:
            assert ("areas" in answer) is isinstance(found, AreaAssessment)
            assert {u["cause"] for u in answer["unanswered"]} <= {c.value for c in Cause}
        zones = [f for a in told["answers"] for u in a["unanswered"] for f in u["features"] if f["name"] == "Zone B"]
        assert all(f["depth"]["top_max"] is None and f["depth"]["base_is_open"] for f in zones)


def test_an_answer_does_not_depend_on_what_was_asked_before(tiny_world: World) -> None:
    fresh = [tiny_world.open().for_region(code, TODAY).to_dict() for code in ("GM9001", "GM9002")]
    warmed = tiny_world.open()
    warmed.warm()
    warmed.build_overlay()
    for expected, code in zip(fresh, ("GM9001", "GM9002"), strict=True):
        answered = warmed.for_region(code, TODAY).to_dict()
        assert flat(answered) == pytest.approx(flat(expected))


def test_a_layer_is_handed_out_as_a_copy(tiny: Explorer) -> None:
    handed_out = tiny.layer("zones").to_gdf()
    handed_out["name"] = "gewist"
    assert tiny.layer("zones").to_gdf()["name"].tolist() == ["Zone A", "Zone B", "Kern"]
    with pytest.raises(InputError, match="zones"):
        tiny.layer("zonnes")
    with pytest.raises(DataError, match="natuur"):
        tiny.layer("natuur").to_gdf()


def test_a_date_is_written_in_dutch() -> None:
    assert nl_date(date(2026, 3, 1)) == "1-3-2026"


# Threads -----------------------------------------------------------------------------------


def test_threads_that_ask_at_the_same_time_get_the_same_answers(tiny_world: World) -> None:
    expected = [found.to_dict() for found in places(tiny_world.open())]
    explorer = tiny_world.open()
    start = threading.Barrier(4)
    answers: dict[int, list[dict[str, object]]] = {}
    failures: list[BaseException] = []

    def one(number: int) -> None:
        start.wait()
        try:
            answers[number] = [found.to_dict() for found in places(explorer)]
        except DgdoGeoError as error:
            failures.append(error)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(answers) == 4
    for answered in answers.values():
        assert [flat(a) for a in answered] == [pytest.approx(flat(e)) for e in expected]

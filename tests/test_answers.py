"""Quick answers are plain answers: everything shared and remembered, against nothing shared and all features looked at."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import numpy as np
import pytest
import shapely
from worlds import NORTH, TODAY, square

from dgdo_geo.assess import assess
from dgdo_geo.errors import InputError
from dgdo_geo.model import Answer, EvidenceTable, LayerStatus
from dgdo_geo.overlay.point import presence_at
from dgdo_geo.query import Explorer
from dgdo_geo.query.answerer import Answerer
from dgdo_geo.query.answers import _answer, _of_offer, _of_rule, _Place, together
from dgdo_geo.query.around import Surroundings
from dgdo_geo.query.asked import asked_bands
from dgdo_geo.query.nearby import FeatureFinder, LayerHits, shared_areas
from dgdo_geo.query.parts import areas_of, headline_of
from dgdo_geo.query.regions import MUNICIPALITIES

EAST = 200_000.0
ON = date(2026, 11, 23)
DATES = (ON, date(2024, 1, 1), date(2025, 6, 1))


def answerer_of(explorer: Explorer) -> Answerer:
    products = {i: explorer.layer(i).to_gdf() for i, s in explorer.states.items() if s.status is LayerStatus.AVAILABLE}
    return Answerer(explorer.knowledge, explorer.states, products, explorer.overlay_table().keys)


@pytest.fixture(scope="module")
def shipped(explorer: Explorer) -> Answerer:
    return answerer_of(explorer)


def every_feature(answerer: Answerer, place: shapely.Geometry) -> FeatureFinder:
    """Looks at all features of a layer, with their distance and, for an area, their intersection as GEOS gives it."""

    def look_up(layer_id: str) -> LayerHits:
        item = answerer.features.layers[layer_id]
        distance = shapely.distance(place, item.geometry)
        area = [None] * len(item.refs)
        if place.geom_type != "Point" and item.layer.geometry == "polygon":
            area = shapely.area(shapely.intersection(item.geometry, place)).tolist()
        refs = [
            type(ref)(ref.id, ref.name, ref.class_id, ref.label_nl, ref.depth, ref.note, ref.source, ref.accuracy_m, a)
            for ref, a in zip(item.refs, area, strict=True)
        ]
        return LayerHits(tuple(refs), tuple(distance.tolist()))

    return FeatureFinder(look_up)


def plain(
    explorer: Explorer, answerer: Answerer, place: shapely.Geometry, evidence: EvidenceTable, on: date
) -> tuple[Answer, ...]:
    """Band by band with `assess`; every rule and layer worked out anew."""
    knowledge = explorer.knowledge
    asked = answerer.questions.ask(on)
    assert list(asked.bands) == asked_bands(knowledge)
    finder = every_feature(answerer, place)
    answers = []
    for i, item in enumerate(asked.bands):
        rules = knowledge.applicable(item.activity.id, on)
        found = assess(item.activity, item.band.interval, rules, evidence, explorer.states, knowledge.value, on)
        here = _Place(asked, item.band, evidence.area_m2, finder, explorer.states, knowledge)
        findings = [_of_rule(outcome, here) for outcome in found.rules]
        findings += [_of_offer(layer, here) for layer in found.layers]
        areas = areas_of(found, evidence.area_m2)
        answers.append(_answer(asked, i, headline_of(found, areas), areas, together(findings)))
    return tuple(answers)


def evidence_at(explorer: Explorer, x: float, y: float) -> EvidenceTable:
    encoding, tree = explorer.encoded.of()
    province = str(explorer.regions.municipalities.loc[explorer.regions.municipality_at(x, y), "province"])
    near = explorer.regions.provinces_within_accuracy(x, y, province)
    return EvidenceTable(encoding.keys, presence_at(x, y, encoding, tree), (province,), near_provinces=near)


def points_on_land(explorer: Explorer, count: int, seed: int) -> Iterator[tuple[float, float]]:
    west, south, east, north = explorer.regions.municipalities.total_bounds
    random = np.random.default_rng(seed)
    while count:
        x, y = random.uniform(west, east), random.uniform(south, north)
        try:
            explorer.regions.municipality_at(x, y)
        except InputError:
            continue
        count -= 1
        yield x, y


def check_points(explorer: Explorer, answerer: Answerer, points: list[tuple[float, float]], on: date) -> set[str]:
    """Compare; the rules that had something to say."""
    spoke: set[str] = set()
    for x, y in points:
        evidence = evidence_at(explorer, x, y)
        expected = plain(explorer, answerer, shapely.Point(x, y), evidence, on)
        for _ in range(2):
            found = answerer.at_point(x, y, evidence.presence[0], evidence.province[0], evidence.near_provinces, on)
            assert found == expected, (x, y)
        for answer in found:
            spoke |= {item.rule.id for item in (*answer.constraints, *answer.unanswered) if item.features}
    return spoke


def test_at_random_points_of_the_start_set(explorer: Explorer, shipped: Answerer) -> None:
    for on in DATES:
        points = list(points_on_land(explorer, 20, on.toordinal()))
        assert len(check_points(explorer, shipped, points, on)) > 10


def test_at_the_control_points(explorer: Explorer, shipped: Answerer) -> None:
    points = [(point.x, point.y) for point in explorer.knowledge.control_points]
    assert len(points) > 40
    assert len(check_points(explorer, shipped, points, ON)) > 10


def test_everywhere_in_a_small_world(tiny: Explorer) -> None:
    """On edges and corners, within and just beyond the distance to the fault, at the border of the provinces."""
    answerer = answerer_of(tiny)
    steps = [0.01, 1, 2, 2.5, 3, 3.999, 4, 6, 8, 8.4999, 8.5, 8.5001, 9, 9.5, 9.7, 10, 10.4, 12, 13, 15, 18, 19, 19.99]
    points = [
        (EAST + 1000 * x, NORTH + 1000 * y) for x in steps for y in (0.5, 2, 3.5, 6, 7, 8.5, 8.5001, 9, 9.499, 9.501)
    ]
    spoke = check_points(tiny, answerer, points, TODAY)
    assert spoke == {"r-zone", "r-kern", "r-schets", "r-breuk"}
    check_points(tiny, answerer, points[::7], date(2025, 6, 1))


def test_many_threads_get_the_same_answers(explorer: Explorer, shipped: Answerer) -> None:
    points = list(points_on_land(explorer, 30, 7))
    rows = [evidence_at(explorer, x, y) for x, y in points]
    fresh = answerer_of(explorer)

    def ask(i: int) -> tuple[Answer, ...]:
        row = rows[i]
        return fresh.at_point(*points[i], row.presence[0], row.province[0], row.near_provinces, ON)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, [*range(30)] * 3))
    for i, answers in enumerate(found):
        row, point = rows[i % 30], points[i % 30]
        assert answers == shipped.at_point(*point, row.presence[0], row.province[0], row.near_provinces, ON)


@pytest.mark.parametrize("code", ["GM0193", "GM0995", "GM0518", "GM1966", "GM0303"])
def test_in_an_area(explorer: Explorer, shipped: Answerer, code: str) -> None:
    table = explorer.overlay_table()
    rows = table.rows("municipality", [code])
    province = str(explorer.regions.municipalities.loc[code, "province"])
    evidence = EvidenceTable(
        table.keys, table.presence[table.combination[rows]], (province,) * len(rows), table.area_m2[rows]
    )
    place = explorer.regions.municipalities.geometry[code]
    found = shipped.in_area(place, evidence, ON)
    expected = plain(explorer, shipped, place, evidence, ON)
    assert len(found) == len(expected) >= 19
    areas = []
    for ours, theirs in zip(found, expected, strict=True):
        assert withoutareas_of(ours) == withoutareas_of(theirs)
        areas += zip(shared_m2(ours), shared_m2(theirs), strict=True)
    assert areas
    assert [a for a, _ in areas] == pytest.approx([b for _, b in areas], rel=1e-12)


def shared_m2(answer: Answer) -> list[float]:
    """The areas that features share with the place."""
    listed = [*answer.constraints, *answer.unanswered, *answer.potentials]
    return [ref.area_m2 for item in listed for ref in item.features if ref.area_m2]  # type: ignore[attr-defined]


def withoutareas_of(answer: Answer) -> tuple[object, ...]:
    """The answer, with only the names of the features."""

    def named(item: object) -> tuple[object, ...]:
        values = [getattr(item, name) for name in item.__slots__ if name != "features"]  # type: ignore[attr-defined]
        return (*values, *(ref.id for ref in item.features))  # type: ignore[attr-defined]

    plain_fields = [
        getattr(answer, name) for name in Answer.__slots__ if name not in ("constraints", "unanswered", "potentials")
    ]
    listed = [*answer.constraints, *answer.unanswered, *answer.potentials]
    return (*plain_fields, *map(named, listed))


def test_shared_areas_are_those_of_intersections() -> None:
    place = square(0, 0, 10, 10).difference(square(4, 4, 5, 5))
    others = np.array(
        [
            square(1, 1, 2, 2),  # inside
            square(-5, -5, 20, 20),  # around
            square(8, 8, 12, 12),  # across the edge
            square(10, 0, 12, 10),  # touches
            square(4, 4, 5, 5),  # fills the hole
            square(3, 3, 6, 6),  # around the hole
            square(0, 0, 10, 10),  # the same outline
        ]
    )
    km2 = [1, 99, 4, 0, 0, 8, 99]
    assert shared_areas(place, others) == pytest.approx([a * 1e6 for a in km2])
    assert shared_areas(place, others[:0]).tolist() == []


def test_concerns_that_are_remembered_are_the_ones_that_fit(explorer: Explorer, shipped: Answerer) -> None:
    knowledge = explorer.knowledge
    around = Surroundings(knowledge, explorer.states, explorer.states[MUNICIPALITIES])
    found = set()
    for x, y in points_on_land(explorer, 12, 3):
        for activities in ([], ["hto"]):
            answer = explorer.at_point(x, y, ON, activities=activities)
            for _ in range(2):
                concerns, said, receipt, _ = around.of(
                    answer.region, answer.answers, ON, "geos-2", ("Let op.",), activities
                )
                assert concerns == answer.concerns
                assert said[-1] == "Let op."
                assert receipt == answer.receipt
            found.add(answer.concerns)
    assert len(found) > 2

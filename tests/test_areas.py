"""Areas add up: per municipality to its area, per province to its municipalities."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import date

import numpy as np
import pytest
import shapely

ON = date(2026, 11, 23)


@pytest.fixture(scope="module")
def answers(explorer):
    explorer.build_overlay()
    return {code: explorer.for_region(code, ON) for code in explorer.regions.municipalities.index}


def test_the_parts_of_every_municipality_add_up_to_its_area(explorer, answers):
    assert len(answers) == 342
    for code, answer in answers.items():
        area = explorer.regions.municipalities.geometry[code].area
        assert answer.region.area_m2 == pytest.approx(area, rel=1e-12)
        for item in answer.answers:
            by_verdict = defaultdict(float)
            for part in item.areas:
                by_verdict[part.verdict] += part.area_m2
            assert math.fsum(by_verdict.values()) == pytest.approx(area, rel=1e-9)
            assert math.fsum(part.share for part in item.areas) == pytest.approx(1.0, rel=1e-9)


def test_provinces_are_the_sums_of_their_municipalities(explorer, answers):
    provinces = explorer.regions.provinces.index
    assert len(provinces) == 12
    for code in provinces:
        whole = explorer.for_region(code, ON, activities=["geothermie", "zoutwinning"])
        members = [answers[m] for m in explorer.regions.municipality_codes(whole.region)]
        assert len(members) >= 6
        for item in whole.answers:
            wanted = defaultdict(float)
            for member in members:
                for other in member.answers:
                    if (other.activity.id, other.band) == (item.activity.id, item.band):
                        for part in other.areas:
                            wanted[part.potential, part.potential_certain, part.verdict, part.conclusive] += (
                                part.area_m2
                            )
            found = defaultdict(float)
            for part in item.areas:
                found[part.potential, part.potential_certain, part.verdict, part.conclusive] += part.area_m2
            assert found.keys() == wanted.keys()
            for key, area in wanted.items():
                assert found[key] == pytest.approx(area, rel=1e-9)


def test_the_area_of_a_constraint_is_that_of_a_plain_intersection(explorer, answers):
    """GEOS as the oracle: union of the features of the classes, cut with the municipality."""
    checked = 0
    for code in ("GM0193", "GM0014", "GM0344", "GM0983", "GM0050"):
        place = explorer.regions.municipalities.geometry[code]
        for item in answers[code].answers:
            for constraint in item.constraints:
                rule = constraint.rule
                if rule.within or rule.when != "present" or rule.extent == "path" or rule.extent == "target":
                    continue
                frame = explorer.layer(rule.layer).to_gdf()
                classes = rule.classes or tuple(frame["class"].unique())
                shapes = frame.geometry[frame["class"].isin(classes)].to_numpy()
                wanted = shapely.area(shapely.intersection(shapely.union_all(shapes), place))
                assert constraint.area_m2 == pytest.approx(wanted, rel=1e-9, abs=1e-3)
                assert constraint.share == pytest.approx(wanted / place.area, rel=1e-9, abs=1e-9)
                checked += 1
    assert checked > 10


def test_points_agree_with_the_faces_they_lie_in(explorer):
    """The area path and the point path are two roads to the same evidence."""
    code = "GM0193"
    polygons = explorer.verdict_map(code, "geothermie", ON)
    random = np.random.default_rng(7)
    west, south, east, north = polygons.total_bounds
    compared = 0
    while compared < 60:
        x, y = random.uniform(west, east), random.uniform(south, north)
        point = shapely.Point(x, y)
        inside = polygons[polygons.contains(point)]
        if inside.empty or polygons.boundary.distance(point).min() < 20:
            continue
        answer = explorer.at_point(x, y, ON, activities=["geothermie"]).answers[0]
        row = inside.iloc[0]
        assert (answer.verdict.key, answer.conclusive) == (row["verdict"], row["conclusive"])
        assert (answer.potential.key, answer.indication.key) == (row["potential"], row["indication"])
        compared += 1

"""The overlay: areas that can be worked out by hand, and GEOS itself as the oracle."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from engines import ENGINES, assert_identical, assert_same, assert_well_formed, encoding_of, rows_of
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from worlds import KM2, NO_LIMIT_KNOWN, Feature, at, frame, layer, line, square

from dgdo_geo.model import DepthRange, EvidenceKey, Layer, Presence
from dgdo_geo.overlay import geos
from dgdo_geo.overlay.encode import Encoding, RasterPlane, encode
from dgdo_geo.overlay.geos import faces, index, interior_points
from dgdo_geo.overlay.planes import grouped, unique_rows
from dgdo_geo.overlay.point import point_index, presence_at
from dgdo_geo.overlay.table import SMALLEST_M2, JointAreas

OUTSIDE, NEAR, RIM, INSIDE = Presence.OUTSIDE, Presence.NEAR_OUTSIDE, Presence.RIM, Presence.INSIDE
REGION = square(0, 0, 10, 10)


def drawn(
    *features: Feature,
    item: str = "zones",
    within: Sequence[float] = (),
    around: shapely.Geometry | None = None,
    **of: object,
) -> Encoding:
    """One layer with the given features."""
    declared = layer(item, sorted({f.class_id for f in features} or {"zone"}), **of)
    return encode([(declared, frame(features))], {item: within}, around)


Engine = Callable[..., JointAreas]
Areas = Callable[..., list[dict[Presence, float]]]
Looking = Callable[[Encoding], Callable[[float, float], list[int]]]


@pytest.fixture(params=ENGINES)
def joint_areas(request: pytest.FixtureRequest) -> Engine:
    """Each of the two engines."""
    return ENGINES[request.param]


@pytest.fixture
def km2(joint_areas: Engine) -> Areas:
    """Square kilometres per presence, for every key."""

    def areas(encoding: Encoding, region: shapely.Geometry = REGION) -> list[dict[Presence, float]]:
        found = joint_areas([region], encoding)
        assert_well_formed(found)
        assert found.area_m2.sum() == pytest.approx(region.area, rel=1e-9)
        level = found.presence_of_rows
        return [
            {p: float(found.area_m2[level[:, k] == p].sum()) / KM2 for p in Presence if (level[:, k] == p).any()}
            for k in range(len(encoding.keys))
        ]

    return areas


@pytest.fixture(params=["index", "geos"])
def looking(request: pytest.FixtureRequest) -> Looking:
    """Presence of every key at a point: from the point index, and from GEOS."""

    def into(encoding: Encoding) -> Callable[[float, float], list[int]]:
        tree = index(encoding)
        quick = point_index(encoding, tree) if request.param == "index" else None
        assert (quick is None) == (request.param == "geos" or len(encoding.polygons) == 0)

        def look(x: float, y: float) -> list[int]:
            found = quick.presence_at(x, y) if quick else presence_at(x, y, encoding, tree)
            assert found.shape == (1, len(encoding.keys))
            return [int(level) for level in found[0]]

        return look

    return into


# Exact zones -------------------------------------------------------------------------------


def test_a_square_zone_covers_its_own_area(km2: Areas) -> None:
    assert km2(drawn(Feature(square(2, 2, 6, 6)))) == [{OUTSIDE: pytest.approx(84), INSIDE: pytest.approx(16)}]


def test_only_the_part_of_a_zone_inside_the_region_counts(km2: Areas) -> None:
    assert km2(drawn(Feature(square(8, 0, 12, 2)))) == [{OUTSIDE: pytest.approx(96), INSIDE: pytest.approx(4)}]


def test_a_zone_that_covers_the_region_leaves_nothing_outside(km2: Areas) -> None:
    assert km2(drawn(Feature(square(-5, -5, 15, 15)))) == [{INSIDE: pytest.approx(100)}]


def test_a_zone_beside_the_region_leaves_everything_outside(km2: Areas) -> None:
    assert km2(drawn(Feature(square(10, 0, 20, 10)))) == [{OUTSIDE: pytest.approx(100)}]


def test_a_hole_in_a_zone_is_outside(km2: Areas) -> None:
    ring = shapely.difference(square(1, 1, 9, 9), square(4, 4, 6, 6))
    assert km2(drawn(Feature(ring))) == [{OUTSIDE: pytest.approx(40), INSIDE: pytest.approx(60)}]


def test_a_hole_in_the_region_does_not_count(km2: Areas) -> None:
    region = shapely.difference(REGION, square(3, 3, 4, 4))
    assert km2(drawn(Feature(square(2, 2, 6, 6))), region) == [{OUTSIDE: pytest.approx(84), INSIDE: pytest.approx(15)}]


def test_a_region_in_two_parts_is_one_region(km2: Areas) -> None:
    region = shapely.union_all([square(0, 0, 2, 2), square(8, 8, 10, 10)])
    assert km2(drawn(Feature(square(1, 0, 9, 10))), region) == [{OUTSIDE: pytest.approx(4), INSIDE: pytest.approx(4)}]


@pytest.mark.parametrize(
    ("shapes", "inside"),
    [
        ([square(1, 1, 4, 4), square(3, 3, 6, 6)], 17),
        ([square(1, 1, 4, 4), square(1, 1, 4, 4)], 9),
        ([square(1, 1, 4, 4), square(2, 2, 3, 3)], 9),
        ([square(1, 1, 4, 4), square(4, 1, 6, 4)], 15),
        ([square(1, 1, 4, 4), square(4, 4, 6, 6)], 13),
        ([shapely.union_all([square(0, 0, 1, 1), square(5, 5, 6, 6)])], 2),
    ],
    ids=["overlap", "the same twice", "one in another", "shared edge", "shared corner", "two parts"],
)
def test_features_of_one_class_are_one_zone(km2: Areas, shapes: list[shapely.Geometry], inside: float) -> None:
    found = km2(drawn(*(Feature(s) for s in shapes)))
    assert found == [{OUTSIDE: pytest.approx(100 - inside), INSIDE: pytest.approx(inside)}]


def test_every_combination_of_layers_has_its_own_area(joint_areas: Engine) -> None:
    """A: 0..6 x 0..10, B: 4..10 x 0..5, and C nowhere near."""
    layers = [
        (layer("a"), frame([Feature(square(0, 0, 6, 10))])),
        (layer("b"), frame([Feature(square(4, 0, 10, 5))])),
        (layer("c"), frame([Feature(square(50, 50, 60, 60))])),
    ]
    found = joint_areas([REGION], encode(layers, {}))
    assert_well_formed(found)
    rows = zip(found.presence_of_rows.tolist(), found.area_m2, strict=True)
    by_presence = {tuple(row): area / KM2 for row, area in rows}
    assert by_presence == pytest.approx({(0, 0, 0): 20, (3, 0, 0): 50, (0, 3, 0): 20, (3, 3, 0): 10})


def test_classes_and_depths_are_told_apart(km2: Areas) -> None:
    encoding = drawn(
        Feature(square(0, 0, 1, 1), "a"),
        Feature(square(0, 0, 2, 1), "a", (80, 80, math.inf, math.inf)),
        Feature(square(0, 0, 3, 1), "b"),
        Feature(square(0, 0, 4, 1), "b", NO_LIMIT_KNOWN),
        Feature(square(0, 0, 5, 1), "b", (0.0, 0.0, math.nan, math.nan)),
    )
    inside = dict(zip(encoding.keys, (item[INSIDE] for item in km2(encoding)), strict=True))
    assert inside == pytest.approx(
        {
            EvidenceKey("zones", "a"): 1,
            EvidenceKey("zones", "a", DepthRange(80, 80)): 2,
            EvidenceKey("zones", "b"): 3,
            EvidenceKey("zones", "b", DepthRange(0, math.inf)): 4,
            EvidenceKey("zones", "b", DepthRange(0, 0, 0, math.inf)): 5,
        }
    )


def test_a_layer_without_features_has_no_keys(joint_areas: Engine) -> None:
    encoding = drawn()
    assert (encoding.keys, encoding.shapes, len(encoding.polygons)) == ((), (), 0)
    found = joint_areas([REGION], encoding)
    assert found.area_m2.tolist() == pytest.approx([100 * KM2])
    assert presence_at(*at(5, 5), encoding, index(encoding)).shape == (1, 0)


def test_no_regions_give_no_rows(joint_areas: Engine) -> None:
    found = joint_areas([], drawn(Feature(square(2, 2, 6, 6))))
    shapes = [found.region.shape, found.part.shape, found.combination.shape, found.presence.shape, found.area_m2.shape]
    assert shapes == [(0,), (0,), (0,), (0, 1), (0,)]
    assert_well_formed(found)


# Edges that are not exact ------------------------------------------------------------------


def test_the_rim_is_as_wide_as_the_accuracy_on_both_sides(km2: Areas) -> None:
    """A zone of 4 x 4 km, give or take 1 km: 2 x 2 is sure, and a rounded band of 16 + pi may belong to it."""
    [found] = km2(drawn(Feature(square(3, 3, 7, 7)), accuracy_m=1000))
    assert found[INSIDE] == pytest.approx(4)
    assert found[RIM] == pytest.approx(12)
    assert found[NEAR] == pytest.approx(16 + math.pi, rel=1e-3)
    assert found[OUTSIDE] == pytest.approx(100 - 32 - math.pi, rel=1e-3)


def test_the_accuracy_of_a_feature_replaces_that_of_the_layer(km2: Areas) -> None:
    [found] = km2(drawn(Feature(square(3, 3, 7, 7), accuracy_m=500), accuracy_m=1000))
    assert found[INSIDE] == pytest.approx(9)
    [exact] = km2(drawn(Feature(square(3, 3, 7, 7), accuracy_m=0), accuracy_m=1000))
    assert exact == {OUTSIDE: pytest.approx(84), INSIDE: pytest.approx(16)}


def test_a_zone_narrower_than_twice_its_accuracy_is_nowhere_certain(km2: Areas) -> None:
    [found] = km2(drawn(Feature(square(3, 3, 7, 5)), accuracy_m=1000))
    assert found[RIM] == pytest.approx(8)
    assert INSIDE not in found


def test_an_edge_between_two_features_of_one_class_is_no_edge(km2: Areas) -> None:
    halves = [Feature(square(3, 3, 5, 7)), Feature(square(5, 3, 7, 7))]
    assert km2(drawn(*halves, accuracy_m=1000))[0][INSIDE] == pytest.approx(4)


def test_where_one_feature_is_certain_the_rim_of_another_does_not_matter(km2: Areas) -> None:
    features = [Feature(square(3, 3, 7, 7), accuracy_m=1000), Feature(square(3, 3, 7, 7), accuracy_m=0)]
    [found] = km2(drawn(*features))
    assert found[INSIDE] == pytest.approx(16)
    assert RIM not in found
    assert found[NEAR] == pytest.approx(16 + math.pi, rel=1e-3)


# Distances ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("distance", "area"), [(500, 4 * 1 + math.pi / 4), (1500, 4 * 3 + math.pi * 2.25)])
def test_within_a_distance_of_a_line_lies_a_sausage(km2: Areas, distance: float, area: float) -> None:
    encoding = drawn(Feature(line((3, 5), (7, 5))), geometry="line", within=[500, 1500])
    assert [key.within_m for key in encoding.keys] == [500, 1500]
    found = km2(encoding)[[500, 1500].index(distance)]
    assert found[INSIDE] == pytest.approx(area, rel=1e-3)


def test_within_a_distance_of_a_point_lies_a_circle(km2: Areas) -> None:
    encoding = drawn(Feature(shapely.Point(at(5, 5))), geometry="point", within=[2000])
    assert km2(encoding)[0][INSIDE] == pytest.approx(4 * math.pi, rel=1e-3)


def test_within_a_distance_of_a_zone_lies_the_zone_and_a_band(km2: Areas) -> None:
    encoding = drawn(Feature(square(4, 4, 6, 6)), within=[1000])
    assert [key.within_m for key in encoding.keys] == [0, 1000]
    zone, wide = km2(encoding)
    assert zone[INSIDE] == pytest.approx(4)
    assert wide[INSIDE] == pytest.approx(4 + 8 + math.pi, rel=1e-3)


def test_a_distance_to_an_inexact_line_is_inexact_too(km2: Areas) -> None:
    """2 km from a line of 2 km that lies within 1 km: sure within 1 km, possible within 3 km."""
    encoding = drawn(Feature(line((4, 5), (6, 5))), geometry="line", accuracy_m=1000, within=[2000])
    [found] = km2(encoding)
    assert found[INSIDE] == pytest.approx(2 * 2 + math.pi, rel=1e-3)
    assert found[INSIDE] + found[RIM] == pytest.approx(2 * 4 + 4 * math.pi, rel=1e-3)
    assert found[INSIDE] + found[RIM] + found[NEAR] == pytest.approx(2 * 6 + 9 * math.pi, rel=1e-3)


def test_a_distance_smaller_than_the_accuracy_is_nowhere_certain(km2: Areas) -> None:
    encoding = drawn(Feature(line((4, 5), (6, 5))), geometry="line", accuracy_m=1000, within=[500])
    assert INSIDE not in km2(encoding)[0]
    assert presence_at(*at(5, 5), encoding, index(encoding)).tolist() == [[RIM]]


def test_a_line_without_a_distance_is_nowhere() -> None:
    assert drawn(Feature(line((3, 5), (7, 5))), geometry="line").keys == ()


# Encoding one place only -------------------------------------------------------------------


@pytest.mark.parametrize(
    "place", [square(0, 0, 10, 10), square(4, 4, 5, 5), square(9, 9, 10, 10), square(20, 20, 21, 21)]
)
def test_encoding_around_a_place_changes_no_answer_there(
    joint_areas: Engine, looking: Looking, place: shapely.Polygon
) -> None:
    zones = [
        Feature(square(x, y, x + 2.5, y + 1.5), "ab"[x % 2], accuracy_m=300.0 * y) for x in range(12) for y in (1, 5, 8)
    ]
    faults = [Feature(line((x, 0), (x + 3, 12))) for x in range(0, 30, 4)]
    layers = [
        (layer("zones", ["a", "b"], accuracy_m=1000.0), frame(zones)),
        (layer("breuk", geometry="line", accuracy_m=200.0), frame(faults)),
    ]
    distances = {"zones": [700.0], "breuk": [400.0, 900.0]}
    everywhere, here = encode(layers, distances), encode(layers, distances, place)
    assert here.keys == everywhere.keys
    full, part = joint_areas([place], everywhere), joint_areas([place], here)
    assert_same(part, full)
    centre = shapely.get_coordinates(place.centroid)[0]
    assert looking(here)(*centre) == looking(everywhere)(*centre)


def test_encoding_around_a_place_leaves_far_features_out() -> None:
    near, far = Feature(square(2, 2, 3, 3)), Feature(square(50, 50, 51, 51))
    assert len(drawn(near, far, around=REGION).polygons) == 1
    assert len(drawn(near, far).polygons) == 2


@pytest.mark.parametrize(("gap", "count"), [(0.999, 1), (1.001, 0)])
def test_encoding_around_a_place_reaches_as_far_as_distance_and_accuracy_together(gap: float, count: int) -> None:
    encoding = drawn(
        Feature(line((10 + gap, 0), (10 + gap, 10))), geometry="line", accuracy_m=400, within=[600], around=REGION
    )
    assert len(encoding.shapes) == count


# Points ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distance", "accuracy", "expected"),
    [
        (-100.001, 100, INSIDE),
        (-100, 100, INSIDE),
        (-99.999, 100, RIM),
        (0, 100, RIM),
        (0.001, 100, NEAR),
        (99.999, 100, NEAR),
        (100, 100, NEAR),
        (100.001, 100, OUTSIDE),
        (-0.001, 0, INSIDE),
        (0, 0, INSIDE),
        (0.001, 0, OUTSIDE),
    ],
)
def test_presence_follows_the_distance_to_the_edge(
    looking: Looking, distance: float, accuracy: float, expected: Presence
) -> None:
    x, y = at(6, 4)
    assert looking(drawn(Feature(square(2, 2, 6, 6)), accuracy_m=accuracy))(x + distance, y) == [expected]


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (4, 4, INSIDE),
        (2, 4, INSIDE),
        (2, 2, INSIDE),
        (6, 6, INSIDE),
        (2 - 1e-6, 4, OUTSIDE),
        (6 + 1e-6, 6, OUTSIDE),
        (2 + 1e-6, 4, INSIDE),
    ],
    ids=["middle", "edge", "corner", "opposite corner", "1 mm outside", "1 mm past the corner", "1 mm inside"],
)
def test_a_point_on_an_exact_edge_lies_inside(looking: Looking, x: float, y: float, expected: Presence) -> None:
    assert looking(drawn(Feature(square(2, 2, 6, 6))))(*at(x, y)) == [expected]


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (5, 5, INSIDE),
        (4, 5, INSIDE),
        (4 - 1e-6, 5, RIM),
        (3, 5, RIM),
        (3 - 1e-6, 5, NEAR),
        (2 + 1e-6, 5, NEAR),
        (2, 5, NEAR),
        (2 - 1e-6, 5, OUTSIDE),
        (3 - 0.7, 3 - 0.7, NEAR),
        (3 - 0.71, 3 - 0.71, OUTSIDE),
    ],
)
def test_a_point_near_an_inexact_edge_is_not_certain(looking: Looking, x: float, y: float, expected: Presence) -> None:
    """Zone 3..7 x 3..7 give or take 1 km; past a corner the distance is that to the corner."""
    assert looking(drawn(Feature(square(3, 3, 7, 7)), accuracy_m=1000))(*at(x, y)) == [expected]


@pytest.mark.parametrize(
    ("x", "y", "expected"), [(5, 5.5, INSIDE), (5, 5.500001, OUTSIDE), (7.5, 5, INSIDE), (7.4, 5.4, OUTSIDE)]
)
def test_a_point_knows_its_distance_to_a_line(looking: Looking, x: float, y: float, expected: Presence) -> None:
    encoding = drawn(Feature(line((3, 5), (7, 5))), geometry="line", within=[500])
    assert looking(encoding)(*at(x, y)) == [expected]


@pytest.mark.parametrize(
    ("x", "y", "key"),
    [
        (0.5, 1.5, 0),
        (1.5, 1.5, 1),
        (1, 1.5, 1),
        (0.5, 1, 0),
        (1, 1, 1),
        (0, 0, 1),
        (2, 1, 2),
        (1, 2, 2),
        (-1e-6, 1, 2),
        (1.5, 0.5, None),
    ],
)
def test_a_point_lies_in_the_cell_of_a_raster_north_and_east_of_its_lines(
    looking: Looking, x: float, y: float, key: int | None
) -> None:
    """Four cells of a kilometre: two classes in the north, one in the south-west, none in the south-east."""
    raster = RasterPlane(np.array([[0, 1], [1, 2]], np.int16), (0, 1, -1), 2, *at(0, 2), 1000.0)
    encoding = encoding_of([[], [], [], [square(50, 50, 51, 51)]], [raster])
    assert looking(encoding)(*at(x, y)) == [3 * (i == key) for i in range(4)]


def rugged_world() -> list[tuple[Layer, gpd.GeoDataFrame]]:
    """Stars, holes, slivers and lines, some inexact: a world without a straight answer."""
    rng = np.random.default_rng(7)

    def star(x: float, y: float, size: float) -> shapely.Polygon:
        angles = np.sort(rng.uniform(0, 2 * np.pi, 12))
        radius = size * rng.uniform(0.3, 1, 12)
        return shapely.make_valid(
            shapely.Polygon([at(x + r * np.cos(a), y + r * np.sin(a)) for a, r in zip(angles, radius, strict=True)])
        )

    stars = [Feature(star(*rng.uniform(0, 10, 2), 3), "ab"[i % 2], accuracy_m=[0, 200, 600][i % 3]) for i in range(9)]
    ring = shapely.difference(star(5, 5, 5), shapely.Point(at(5, 5)).buffer(700))
    lines = [Feature(line(*rng.uniform(0, 10, (4, 2)))) for _ in range(3)]
    return [
        (layer("sterren", ["a", "b"]), frame(stars)),
        (layer("ring", accuracy_m=150.0), frame([Feature(ring)])),
        (layer("lijnen", geometry="line", accuracy_m=100.0), frame(lines)),
    ]


RUGGED_DISTANCES = {"lijnen": [300.0, 1000.0], "ring": [500.0]}


def test_points_and_faces_agree(looking: Looking) -> None:
    encoding = encode(rugged_world(), RUGGED_DISTANCES)
    cut, look = faces(REGION, encoding, index(encoding)), looking(encoding)
    assert len(cut.polygons) > 50
    rng = np.random.default_rng(11)
    tree = shapely.STRtree(cut.polygons)
    looked_at = 0
    for x, y in rng.uniform([200_000, 500_000], [210_000, 510_000], (400, 2)):
        [face] = tree.query(shapely.Point(x, y), predicate="within")
        # Noding moves an edge by less than this.
        if shapely.distance(shapely.Point(x, y), shapely.boundary(cut.polygons[face])) < 1e-6:
            continue
        looked_at += 1
        assert look(x, y) == cut.presence[face].tolist(), (x, y)
    assert looked_at > 390


def test_faces_do_not_overlap_and_together_are_the_region() -> None:
    encoding = encode(rugged_world(), RUGGED_DISTANCES)
    region = shapely.difference(REGION, square(6, 1, 9, 3))
    polygons = faces(region, encoding, index(encoding)).polygons
    assert shapely.area(polygons).sum() == pytest.approx(region.area, rel=1e-9)
    assert shapely.union_all(polygons).symmetric_difference(region).area < 1e-2


# The engine --------------------------------------------------------------------------------


def test_any_number_of_workers_gives_the_same_rows(joint_areas: Engine) -> None:
    encoding = encode(rugged_world(), RUGGED_DISTANCES)
    regions = [square(x, y, x + 2.5, y + 5) for x in (0, 2.5, 5, 7.5) for y in (0, 5)]
    one, two, again = (joint_areas(regions, encoding, workers=n) for n in (1, 2, 2))
    for other in (two, again):
        assert_identical(other, one)
    assert_well_formed(one)
    assert set(one.region.tolist()) == set(range(8))
    for i, region in enumerate(regions):
        assert one.area_m2[one.region == i].sum() == pytest.approx(region.area, rel=1e-9)


def test_regions_that_overlap_each_get_their_own_area(joint_areas: Engine) -> None:
    regions = [square(0, 0, 6, 6), square(4, 4, 10, 10), square(0, 0, 10, 10), square(4, 4, 10, 10)]
    found = joint_areas(regions, drawn(Feature(square(5, 0, 7, 10))))
    assert rows_of(found) == pytest.approx(
        {
            (0, -1, (0,)): 30 * KM2,
            (0, -1, (3,)): 6 * KM2,
            (1, -1, (0,)): 24 * KM2,
            (1, -1, (3,)): 12 * KM2,
            (2, -1, (0,)): 80 * KM2,
            (2, -1, (3,)): 20 * KM2,
            (3, -1, (0,)): 24 * KM2,
            (3, -1, (3,)): 12 * KM2,
        }
    )


def test_a_second_division_keeps_rows_apart_and_names_what_lies_outside_it(joint_areas: Engine) -> None:
    """Two parts of which the first wins where they overlap, a zone over the border, and a strip in no part."""
    split = [square(0, 0, 4, 10), square(3, 0, 8, 10)]
    found = joint_areas([REGION], drawn(Feature(square(2, 0, 9, 1))), split=split)
    assert_well_formed(found)
    assert rows_of(found) == pytest.approx(
        {
            (0, -1, (0,)): 19 * KM2,
            (0, -1, (3,)): 1 * KM2,
            (0, 0, (0,)): 38 * KM2,
            (0, 0, (3,)): 2 * KM2,
            (0, 1, (0,)): 36 * KM2,
            (0, 1, (3,)): 4 * KM2,
        }
    )


@pytest.mark.parametrize(("width_m", "rows"), [(0.9e-6, 1), (1.1e-6, 2)])
def test_less_than_ten_square_centimetres_is_no_place(joint_areas: Engine, width_m: float, rows: int) -> None:
    """A strip of one kilometre that is too thin to keep, and one that is just thick enough."""
    corner = np.array([1024.0, 1024.0])
    region, strip = shapely.box(*corner, *(corner + 1000)), shapely.box(*corner, *(corner + [1000, width_m]))
    found = joint_areas([region], drawn(Feature(strip)))
    assert len(found.area_m2) == rows
    assert (found.area_m2 >= SMALLEST_M2).all()


def test_progress_goes_up_to_the_number_of_regions(joint_areas: Engine) -> None:
    told: list[int] = []
    joint_areas([REGION, REGION, REGION], drawn(Feature(square(2, 2, 6, 6))), on_progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 3
    assert set(told) <= {0, 1, 2, 3}


def test_progress_of_the_slow_engine_is_told_per_region() -> None:
    told: list[int] = []
    geos.joint_areas([REGION, REGION, REGION], drawn(Feature(square(2, 2, 6, 6))), on_progress=told.append)
    assert told == [1, 2, 3]


def test_equal_combinations_are_added_up() -> None:
    presence = np.array([[3, 0], [0, 0], [3, 0], [0, 1], [3, 0], [0, 0]], np.int8)
    region, part = np.array([0, 0, 0, 0, 1, 0]), np.array([-1, -1, -1, -1, -1, 0])
    found = grouped(region, part, presence, np.array([1.0, 2.0, 4.0, 8.0, 16.0, SMALLEST_M2 / 2]))
    assert_well_formed(found)
    assert rows_of(found) == {(0, -1, (3, 0)): 5, (0, -1, (0, 0)): 2, (0, -1, (0, 1)): 8, (1, -1, (3, 0)): 16}


@given(arrays(np.int8, st.tuples(st.integers(0, 8), st.integers(0, 5)), elements=st.integers(0, 3)))
def test_distinct_rows_are_those_of_numpy(values: np.ndarray) -> None:
    distinct, position = unique_rows(values)
    expected = np.unique(values, axis=0)
    assert distinct.tolist() == expected.tolist()
    assert distinct[position].tolist() == values.tolist()


@given(arrays(np.uint64, st.tuples(st.integers(0, 6), st.integers(1, 3)), elements=st.integers(0, 2**64 - 1)))
def test_distinct_words_are_ordered_as_numbers(values: np.ndarray) -> None:
    distinct, position = unique_rows(values)
    assert [tuple(row) for row in distinct.tolist()] == sorted(set(map(tuple, values.tolist())))
    assert distinct[position].tolist() == values.tolist()


def test_interior_points_lie_well_inside() -> None:
    sliver = shapely.Polygon([(0, 0), (10_000, 0.001), (10_000, 0.002)])
    comb = shapely.union_all([shapely.box(0, 0, 1000, 1), *(shapely.box(x, 0, x + 1, 500) for x in range(0, 1000, 50))])
    polygons = np.array(
        [sliver, comb, shapely.Point(0, 0).buffer(100).difference(shapely.Point(0, 0).buffer(99.9))], object
    )
    x, y = interior_points(polygons)
    assert shapely.contains_xy(polygons, x, y).all()


@pytest.mark.parametrize("shift", [0.001, 0.01, 0.1])
def test_a_sliver_between_two_edges_is_neither_lost_nor_misjudged(joint_areas: Engine, shift: float) -> None:
    """The same triangle twice, one moved by a hair: GEOS finds no point on the surface of the sliver between them."""
    corners = np.array([(0.0, 300.0), (10.0, 0.0), (253.0625, 200.0)]) + [150_000, 450_000]
    drawn_once, moved = shapely.Polygon(corners), shapely.Polygon(corners + [shift, 0])
    block, region = shapely.box(150_000, 450_000, 150_100, 450_100), shapely.box(150_000, 450_000, 150_100, 450_300)
    world = [[drawn_once], [moved], [block, moved]]
    layers = [(layer(f"l{i}"), frame([Feature(s) for s in listed])) for i, listed in enumerate(world)]
    found = joint_areas([region], encode(layers, {}))
    assert found.area_m2.sum() == pytest.approx(region.area, rel=1e-9)
    for i, listed in enumerate(world):
        expected = shapely.intersection(shapely.union_all(listed), region).area
        assert found.area_m2[found.presence_of_rows[:, i] == INSIDE].sum() == pytest.approx(
            expected, rel=1e-9, abs=1e-3
        )


def test_two_drawings_of_one_zone_a_micrometre_apart_keep_their_areas(joint_areas: Engine) -> None:
    """A ring of 590 x 38 m, and a triangle across it that stands in two layers, once moved by a micrometre."""
    corner = np.array([150_000.0, 450_000.0])
    ring = shapely.box(0, 0, 590, 38).difference(shapely.box(9.5, 9.5, 580.5, 28.5))
    triangle = shapely.Polygon([(0, 0), (911, 63), (100, 0)])
    moved = shapely.transform(triangle, lambda xy: xy + [1e-6, 0])
    world = [
        [shapely.transform(s, lambda xy: xy + corner) for s in listed]
        for listed in ([ring, moved], [triangle], [triangle, ring])
    ]
    region = shapely.box(*(corner + [1000 / math.pi, 0]), *(corner + 1000))
    layers = [(layer(f"l{i}"), frame([Feature(s) for s in listed])) for i, listed in enumerate(world)]
    found = joint_areas([region], encode(layers, {}))
    assert found.area_m2.sum() == pytest.approx(region.area, rel=1e-9)
    for i, listed in enumerate(world):
        expected = shapely.intersection(shapely.union_all(listed), region).area
        assert found.area_m2[found.presence_of_rows[:, i] == INSIDE].sum() == pytest.approx(
            expected, rel=1e-9, abs=1e-3
        )


# The same polygon twice at a time, as two municipalities in one zone do. With prepared geometries that
# threads share, GEOS corrupts its memory and the whole process dies: so it runs in a process of its own.
TWO_THREADS_ONE_ZONE = """
import numpy as np, shapely
from dgdo_geo.model import EvidenceKey
from dgdo_geo.overlay import geos
from dgdo_geo.overlay.encode import Encoding, KeyShape
from dgdo_geo.overlay.geos import joint_areas
angle = np.linspace(0, 2 * np.pi, 100_000)
radius = 1000 + np.sin(1000 * angle)
for _ in range(8):
    zone = shapely.polygons(np.c_[radius * np.cos(angle), radius * np.sin(angle)])
    polygons, key, level = np.array([zone]), np.array([0]), np.array([3], np.int8)
    encoding = Encoding((EvidenceKey("a", "b"),), (KeyShape(0, zone, 0.0),), polygons, key, level)
    found = joint_areas([shapely.box(-10, -10, 10, 10)] * 4, encoding, workers=2)
    assert found.presence_of_rows.tolist() == [[3]] * 4
"""


def test_two_threads_can_look_at_one_large_zone() -> None:
    ended = subprocess.run([sys.executable, "-c", TWO_THREADS_ONE_ZONE], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-500:]


# Real data ---------------------------------------------------------------------------------


@pytest.mark.real_data
def test_real_licences_in_a_real_province_match_a_direct_intersection(joint_areas: Engine, real_data: Path) -> None:
    provinces = gpd.read_file(real_data / "admin" / "provinciegebied_kadaster_rd.geojson")
    licences = gpd.read_file(real_data / "mining" / "nlog_licences.geojson").to_crs(28992)
    shapes = [
        s for s in shapely.make_valid(licences.geometry.to_numpy()) if s is not None and shapely.get_dimensions(s) == 2
    ]
    region = max(shapely.get_parts(provinces.geometry.iloc[0]), key=shapely.area)
    assert len(shapes) > 50
    thirds = [shapes[i::3] for i in range(3)]
    layers = [(layer(f"l{i}"), frame([Feature(s) for s in third])) for i, third in enumerate(thirds)]
    found = joint_areas([region], encode(layers, {}))
    assert found.area_m2.sum() == pytest.approx(region.area, rel=1e-9)
    for i, third in enumerate(thirds):
        expected = shapely.intersection(shapely.union_all(third), region).area
        assert expected > 0
        assert found.area_m2[found.presence_of_rows[:, i] == INSIDE].sum() == pytest.approx(
            expected, rel=1e-9, abs=1e-3
        )

"""Properties of the overlay on drawn-up worlds: slivers, duplicates, shared edges. GEOS is the oracle.

HYPOTHESIS_PROFILE=explore looks at new worlds instead of the same ones.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
import shapely
from engines import (
    ABSOLUTE_M2,
    assert_identical,
    assert_same,
    assert_well_formed,
    both_engines,
    differences,
    rows_of,
)
from hypothesis import assume, given
from hypothesis import strategies as st
from worlds import Feature, frame, layer

from dgdo_geo.model import Presence
from dgdo_geo.overlay.encode import Encoding, encode
from dgdo_geo.overlay.geos import faces, index
from dgdo_geo.overlay.point import point_index, presence_at
from dgdo_geo.overlay.table import SMALLEST_M2, JointAreas

EAST, NORTH, SIZE = 150_000.0, 450_000.0, 1000.0
"""Corner and side of the square, EPSG:28992, in which worlds are drawn."""

snapped = st.integers(0, 10).map(lambda n: 100.0 * n)
loose = st.floats(0, SIZE, allow_nan=False)
coordinates = st.one_of(snapped, loose)


def placed(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.transform(shape, lambda xy: xy + [EAST, NORTH])


def rectangle(a: float, b: float, c: float, d: float) -> shapely.Geometry:
    return shapely.box(min(a, b), min(c, d), max(a, b), max(c, d))


def sliver(x: float, y: float, length: float, turned: bool) -> shapely.Geometry:
    """One millimetre wide."""
    return shapely.box(x, y, x + 0.001, y + length) if turned else shapely.box(x, y, x + length, y + 0.001)


def hull(points: list[tuple[float, float]]) -> shapely.Geometry:
    return shapely.MultiPoint(points).convex_hull


def ring(a: float, b: float, c: float, d: float) -> shapely.Geometry:
    thick = min(abs(a - b), abs(c - d)) / 4
    west, south, east, north = min(a, b), min(c, d), max(a, b), max(c, d)
    return shapely.box(west, south, east, north).difference(
        shapely.box(west + thick, south + thick, east - thick, north - thick)
    )


rectangles = st.builds(rectangle, coordinates, coordinates, coordinates, coordinates)
hulls = st.builds(hull, st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=7))
slivers = st.builds(sliver, coordinates, coordinates, st.floats(1, SIZE), st.booleans())
rings = st.builds(ring, coordinates, coordinates, coordinates, coordinates)
shapes = (
    st.one_of(rectangles, hulls, slivers, rings)
    .map(placed)
    .filter(lambda s: s.geom_type == "Polygon" and s.is_valid and s.area > 1e-4)
)


@st.composite
def worlds(draw: st.DrawFn) -> list[list[shapely.Geometry]]:
    """Up to six layers of polygons; some stand in more than one layer, some touch or cross by a hair."""
    pool = draw(st.lists(shapes, min_size=1, max_size=8))
    shift = [draw(st.sampled_from([1e-6, 1e-3, 100.0])), 0.0]
    moved = [shapely.transform(shape, lambda xy: xy + shift) for shape in pool[:3]]
    chosen = st.lists(st.sampled_from([*pool, *moved]), min_size=1, max_size=5)
    return draw(st.lists(chosen, min_size=1, max_size=6))


def encoded(world: list[list[shapely.Geometry]], accuracy_m: float = 0.0) -> Encoding:
    layers = [
        (layer(f"l{i}", accuracy_m=accuracy_m), frame([Feature(shape) for shape in listed]))
        for i, listed in enumerate(world)
    ]
    return encode(layers, {})


Engine = Callable[..., JointAreas]


def nearly(expected: float, *found: JointAreas) -> object:
    """Equal to nine digits, apart from rows that are too small to keep: about as many as are kept."""
    rows = sum(len(item.area_m2) for item in found)
    return pytest.approx(expected, rel=1e-9, abs=SMALLEST_M2 * (2 + rows))


@both_engines
@given(worlds(), shapes)
def test_areas_are_those_of_a_direct_intersection(
    joint_areas: Engine, world: list[list[shapely.Geometry]], region: shapely.Geometry
) -> None:
    found = joint_areas([region], encoded(world))
    assert_well_formed(found)
    assert found.area_m2.sum() == nearly(region.area, found)
    unions = [shapely.union_all(listed) for listed in world]
    is_in = found.presence_of_rows == Presence.INSIDE
    assert set(np.unique(found.presence)) <= {Presence.OUTSIDE, Presence.INSIDE}
    for i, union in enumerate(unions):
        assert found.area_m2[is_in[:, i]].sum() == nearly(shapely.intersection(union, region).area, found)
    for i, j in combinations(range(len(world)), 2):
        both = shapely.intersection(shapely.intersection(unions[i], unions[j]), region).area
        assert found.area_m2[is_in[:, i] & is_in[:, j]].sum() == nearly(both, found)


@both_engines
@given(worlds(), shapes, shapes)
def test_the_result_does_not_depend_on_workers_or_on_the_run(
    joint_areas: Engine, world: list[list[shapely.Geometry]], first: shapely.Geometry, second: shapely.Geometry
) -> None:
    encoding = encoded(world)
    regions = [first, second, first]
    one, two = (joint_areas(regions, encoding, workers=workers) for workers in (1, 2))
    assert_identical(one, two)
    same, alone = (rows_of(item) for item in (one, joint_areas([first], encoding)))
    once, again = ({(0, *row[1:]): area for row, area in same.items() if row[0] == i} for i in (0, 2))
    assert once == again
    assert differences(once, alone) == {}


@both_engines
@given(worlds(), shapes, st.sampled_from([1.0, 50.0, 200.0]))
def test_an_inexact_edge_moves_the_area_between_erosion_and_dilation(
    joint_areas: Engine, world: list[list[shapely.Geometry]], region: shapely.Geometry, accuracy_m: float
) -> None:
    found = joint_areas([region], encoded(world, accuracy_m))
    assert found.area_m2.sum() == nearly(region.area, found)
    levels = found.presence_of_rows
    for i, listed in enumerate(world):
        union = shapely.union_all(listed)
        for level, distance in (
            (Presence.INSIDE, -accuracy_m),
            (Presence.RIM, 0.0),
            (Presence.NEAR_OUTSIDE, accuracy_m),
        ):
            zone = union if distance == 0 else shapely.buffer(union, distance, quad_segs=64)
            expected = shapely.intersection(zone, region).area
            # The buffer of the oracle is rounder: the two differ by at most 0.1 % of the radius along the edge.
            slack = SMALLEST_M2 * (2 + len(levels))
            slack += 1e-3 * accuracy_m * (union.length + 10 * accuracy_m) * (distance != 0)
            assert found.area_m2[levels[:, i] >= level].sum() == pytest.approx(expected, rel=1e-9, abs=slack)


@both_engines
@given(worlds(), shapes, st.sampled_from([0.0, 100.0]))
def test_encoding_around_a_region_gives_the_same_rows(
    joint_areas: Engine, world: list[list[shapely.Geometry]], region: shapely.Geometry, accuracy_m: float
) -> None:
    layers = [
        (layer(f"l{i}", accuracy_m=accuracy_m), frame([Feature(shape) for shape in listed]))
        for i, listed in enumerate(world)
    ]
    everywhere, here = encode(layers, {"l0": [50.0]}), encode(layers, {"l0": [50.0]}, region)
    assert here.keys == everywhere.keys
    full, part = joint_areas([region], everywhere), joint_areas([region], here)
    assert_same(part, full)


@given(worlds(), shapes, loose, loose)
def test_a_point_and_its_face_agree(
    world: list[list[shapely.Geometry]], region: shapely.Geometry, x: float, y: float
) -> None:
    encoding = encoded(world)
    point = placed(shapely.Point(x, y))
    edges = [shapely.boundary(shape) for listed in world for shape in listed]
    assume(all(edge.distance(point) > 0.01 for edge in [*edges, region.boundary]))
    tree = index(encoding)
    cut = faces(region, encoding, tree)
    holding = [i for i, polygon in enumerate(cut.polygons) if polygon.contains(point)]
    assert len(holding) == int(region.contains(point))
    for i in holding:
        expected = [cut.presence[i].tolist()]
        assert presence_at(point.x, point.y, encoding, tree).tolist() == expected
        quick = point_index(encoding, tree)
        assert quick is None or quick.presence_at(point.x, point.y).tolist() == expected


@both_engines
@given(worlds())
def test_two_halves_are_together_the_whole(joint_areas: Engine, world: list[list[shapely.Geometry]]) -> None:
    whole = shapely.box(EAST, NORTH, EAST + SIZE, NORTH + SIZE)
    middle = EAST + SIZE / np.pi
    halves = [shapely.box(EAST, NORTH, middle, NORTH + SIZE), shapely.box(middle, NORTH, EAST + SIZE, NORTH + SIZE)]
    encoding = encoded(world)

    once, twice = joint_areas([whole], encoding), joint_areas(halves, encoding)
    totals: dict[tuple[int, ...], float] = {}
    for (_, _, combination), area in rows_of(twice).items():
        totals[combination] = totals.get(combination, 0.0) + area
    one = {combination: area for (_, _, combination), area in rows_of(once).items()}
    for combination in one.keys() | totals.keys():
        # Either half may lose a row that is too small to keep.
        assert one.get(combination, 0.0) == pytest.approx(totals.get(combination, 0.0), rel=1e-9, abs=2 * ABSOLUTE_M2)

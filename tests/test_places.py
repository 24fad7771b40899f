"""The point index: the same polygons as GEOS, also at a hundred thousand random points."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from worlds import World, square

from dgdo_geo.model import EvidenceKey
from dgdo_geo.overlay import engine, places
from dgdo_geo.overlay.encode import Encoding
from dgdo_geo.overlay.geos import index
from dgdo_geo.overlay.point import TOLERANCE_M, PointIndex, point_index
from dgdo_geo.query import Explorer

POINTS = 100_000


def index_of(polygons: list[shapely.Geometry]) -> PointIndex:
    encoding = Encoding(
        (EvidenceKey("layer", "class"),),
        (),
        np.array(polygons, dtype=object),
        np.zeros(len(polygons), np.intp),
        np.full(len(polygons), 3, np.int8),
    )
    found = point_index(encoding, index(encoding))
    assert found is not None
    return found


def test_a_hundred_thousand_points_of_the_start_set_differ_nowhere_from_geos(explorer: Explorer) -> None:
    encoding, tree = explorer.encoded.of()
    found = point_index(encoding, tree)
    assert found is not None
    rng = np.random.default_rng(5)
    west, south, east, north = shapely.total_bounds(explorer.regions.municipalities.geometry.to_numpy())
    points = rng.uniform((west, south), (east, north), (POINTS, 2))
    status, which = np.empty(POINTS, np.int64), np.full((POINTS, 200), -1, np.int32)
    scratch = np.empty(len(encoding.polygons) + 1, np.int32)
    places.many_at(points, status, which, found.arrays[0], TOLERANCE_M, *found.arrays[1:], scratch)
    assert (status >= 0).sum() > 0.99 * POINTS, "nearly all are answered by the kernel itself"
    assert status.max() < 200
    ours = np.zeros((POINTS, len(encoding.polygons)), np.bool_)
    for k in range(int(status.max())):
        rows = np.flatnonzero(status > k)
        ours[rows, which[rows, k]] = True
    theirs = np.zeros_like(ours)
    polygon, point = shapely.STRtree(shapely.points(points)).query(encoding.polygons, predicate="intersects")
    theirs[point, polygon] = True
    assert theirs.sum() > POINTS
    decided = status >= 0
    assert (ours[decided] != theirs[decided]).sum() == 0
    for i in np.flatnonzero(~decided)[:200]:
        assert sorted(found.polygons_at(*points[i])) == np.flatnonzero(theirs[i]).tolist()


@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(1, 12), st.integers(1, 12)),
        min_size=1,
        max_size=12,
    ),
    st.lists(st.tuples(st.integers(-1, 49), st.integers(-1, 49)), min_size=1, max_size=20),
)
def test_points_on_edges_corners_and_in_between_are_those_of_geos(
    boxes: list[tuple[int, int, int, int]], halves: list[tuple[int, int]]
) -> None:
    """Overlapping and equal boxes on whole metres; points on whole and half metres: many lie on an edge."""
    polygons = [shapely.box(west, south, west + width, south + height) for west, south, width, height in boxes]
    found = index_of(polygons)
    for a, b in halves:
        x, y = a / 2, b / 2
        wanted = [i for i, polygon in enumerate(polygons) if shapely.intersects_xy(polygon, x, y)]
        assert sorted(found.polygons_at(x, y).tolist()) == wanted, (x, y)


def test_more_polygons_in_a_cell_than_the_kernel_follows_are_left_to_geos() -> None:
    rings = [shapely.Point(0, 0).buffer(5 + i / 10) for i in range(2 * places.MANY)]
    found = index_of([*rings, shapely.box(-5000, -5000, 5000, 5000)])
    for x in (0.0, 6.03, 9.99, 17.0, 40.0):
        wanted = [i for i, ring in enumerate(rings) if shapely.intersects_xy(ring, x, 0.123)]
        assert sorted(found.polygons_at(x, 0.123).tolist()) == [*wanted, len(rings)]


def test_holes_and_touching_rings_count() -> None:
    outer = square(0, 0, 4, 4)
    hole = shapely.Polygon(outer.exterior.coords, [square(1, 1, 2, 2).exterior.coords])
    found = index_of([hole, square(1, 1, 2, 2)])
    x, y = shapely.get_coordinates(shapely.centroid(square(1, 1, 2, 2)))[0]
    assert found.polygons_at(x, y).tolist() == [1]
    assert sorted(found.polygons_at(*square(1, 1, 2, 2).exterior.coords[0]).tolist()) == [0, 1]
    assert found.polygons_at(x - 50_000, y).tolist() == []


def test_a_warm_explorer_answers_as_a_cold_one(tiny_world: World) -> None:
    cold, warm = tiny_world.open(), tiny_world.open()
    warm.warm()
    assert warm.encoded.engine == engine.EXACT
    west, south, east, north = warm.regions.municipalities.total_bounds
    asked = 0
    for x in np.linspace(west + 1, east - 1, 9):
        for y in np.linspace(south + 1, north - 1, 7):
            found, wanted = warm.at_point(x, y).to_dict(), cold.at_point(x, y).to_dict()
            assert found.pop("receipt") != wanted.pop("receipt")
            assert found == wanted
            asked += 1
    assert asked == 63


def test_without_the_kernel_there_is_no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGDO_ENGINE", "geos")
    encoding = Encoding((), (), np.array([square(0, 0, 1, 1)]), np.zeros(1, np.intp), np.ones(1, np.int8))
    assert point_index(encoding, index(encoding)) is None

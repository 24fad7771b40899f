"""The display grid: pictures that can be drawn on paper, and shapely at every cell centre as the oracle."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from dgdo_geo.model import EvidenceKey, Presence
from dgdo_geo.overlay import grid as grid_module
from dgdo_geo.overlay.encode import Encoding, RasterPlane
from dgdo_geo.overlay.grid import DisplayGrid, display_grid, sample, to_png, to_tile
from dgdo_geo.overlay.raster import Grid, as_polygons
from dgdo_geo.query import Explorer

NEAR, RIM, INSIDE = Presence.NEAR_OUTSIDE, Presence.RIM, Presence.INSIDE
EAST, NORTH = 150_000.0, 450_000.0
FOUR = Grid(0.0, 4.0, 1.0, 4, 4)
"""Four by four cells of a metre; centres at 0.5, 1.5, 2.5 and 3.5."""

Plane = tuple[shapely.Geometry, int, int]


def encoding(planes: Sequence[Plane], keys: int | None = None, rasters: Sequence[RasterPlane] = ()) -> Encoding:
    """Planes given as (polygon, key, presence)."""
    count = max((key + 1 for _, key, _ in planes), default=0) if keys is None else keys
    polygons = np.empty(len(planes), object)
    polygons[:] = [shape for shape, _, _ in planes]
    return Encoding(
        tuple(EvidenceKey("layer", f"class{i}") for i in range(count)),
        (),
        polygons,
        np.array([key for _, key, _ in planes], np.intp),
        np.array([level for _, _, level in planes], np.int8),
        tuple(rasters),
    )


def cells(found: DisplayGrid) -> NDArray[np.int8]:
    """Presence in every cell, shape (rows, columns, keys); checks that the table is as promised."""
    distinct = np.unique(found.presence, axis=0)
    assert found.presence.dtype == np.int8
    assert found.presence.tolist() == distinct.tolist(), "not the distinct combinations in lexicographic order"
    assert np.unique(found.combination).tolist() == list(range(len(found.presence))), "an unused combination"
    assert found.combination.dtype == np.int32
    return found.presence[found.combination]


def drawn(found: DisplayGrid, key: int = 0) -> list[str]:
    """One key as rows of digits."""
    return ["".join(map(str, row)) for row in cells(found)[:, :, key].tolist()]


def by_shapely(
    planes: Sequence[Plane], keys: int, window: Grid, shift_m: tuple[float, float] = (0.0, 0.0)
) -> NDArray[np.int8]:
    """Presence at every centre, moved by a hair, according to shapely."""
    x, y = np.meshgrid(window.x_m() + shift_m[0], window.y_m() + shift_m[1])
    expected = np.zeros((window.rows, window.columns, keys), np.int8)
    for shape, key, level in planes:
        part = expected[:, :, key]
        np.maximum(part, np.where(shapely.contains_xy(shape, x, y), level, 0), out=part)
    return expected


def is_on_edge(planes: Sequence[Plane], window: Grid) -> NDArray[np.bool_]:
    """Cells whose centre lies on an edge of any polygon."""
    x, y = np.meshgrid(window.x_m(), window.y_m())
    on = np.zeros(x.shape, np.bool_)
    for shape, _, _ in planes:
        on |= shapely.intersects_xy(shape, x, y) & ~shapely.contains_xy(shape, x, y)
    return on


# On paper ----------------------------------------------------------------------------------


def test_a_square_holds_the_centres_in_it() -> None:
    assert drawn(display_grid(encoding([(shapely.box(1, 0, 3, 2), 0, INSIDE)]), FOUR)) == [
        "0000",
        "0000",
        "0330",
        "0330",
    ]


def test_a_hole_is_outside() -> None:
    ring = shapely.box(0, 0, 4, 4).difference(shapely.box(1, 1, 3, 2))
    assert drawn(display_grid(encoding([(ring, 0, INSIDE)]), FOUR)) == ["3333", "3333", "3003", "3333"]


@pytest.mark.parametrize("rings", ["as drawn", "turned", "only the hole turned"])
def test_the_orientation_of_rings_does_not_matter(rings: str) -> None:
    outer, inner = [(0, 0), (4, 0), (4, 4), (0, 4)], [(1, 1), (3, 1), (3, 2), (1, 2)]
    if rings == "turned":
        outer.reverse()
    if rings == "only the hole turned":
        inner.reverse()
    shape = shapely.Polygon(outer, [inner])
    assert drawn(display_grid(encoding([(shape, 0, INSIDE)]), FOUR)) == ["3333", "3333", "3003", "3333"]


def test_the_highest_presence_of_a_key_counts() -> None:
    planes = [
        (shapely.box(0, 0, 4, 4), 0, NEAR),
        (shapely.box(1, 0, 4, 4), 0, RIM),
        (shapely.box(3, 0, 4, 4), 0, INSIDE),
    ]
    assert drawn(display_grid(encoding(planes), FOUR)) == ["1223"] * 4
    assert drawn(display_grid(encoding(planes[::-1]), FOUR)) == ["1223"] * 4


def test_keys_do_not_mix() -> None:
    planes = [(shapely.box(0, 0, 2, 4), 1, INSIDE), (shapely.box(0, 2, 4, 4), 2, RIM)]
    found = display_grid(encoding(planes, keys=4), FOUR)
    assert [drawn(found, key) for key in range(4)] == [
        ["0000"] * 4,
        ["3300"] * 4,
        ["2222", "2222", "0000", "0000"],
        ["0000"] * 4,
    ]
    assert found.presence.tolist() == [[0, 0, 0, 0], [0, 0, 2, 0], [0, 3, 0, 0], [0, 3, 2, 0]]


def test_a_centre_on_an_edge_belongs_to_the_polygon_east_and_north_of_it() -> None:
    """Edges run through the centres: the west and south edge count, the east and north edge do not."""
    assert drawn(display_grid(encoding([(shapely.box(0.5, 1.5, 2.5, 3.5), 0, INSIDE)]), FOUR)) == [
        "0000",
        "3300",
        "3300",
        "0000",
    ]


@pytest.mark.parametrize(
    ("west", "east"),
    [
        (shapely.Polygon([(0, 0), (4, 4), (0, 4)]), shapely.Polygon([(0, 0), (4, 0), (4, 4)])),
        (shapely.box(0, 0, 1.5, 4), shapely.box(1.5, 0, 4, 4)),
        (shapely.box(0, 0, 4, 2.5), shapely.box(0, 2.5, 4, 4)),
        # The same line, cut at another place: neighbours need not have the same vertices.
        (shapely.Polygon([(0, 0), (1.3, 1.3), (4, 4), (0, 4)]), shapely.Polygon([(0, 0), (4, 0), (4, 4)])),
    ],
    ids=["diagonal", "upright", "level", "diagonal with a vertex on one side"],
)
def test_of_two_neighbours_exactly_one_has_a_centre_on_their_edge(
    west: shapely.Geometry, east: shapely.Geometry
) -> None:
    assert is_on_edge([(west, 0, 1)], FOUR).any()
    found = cells(display_grid(encoding([(west, 0, INSIDE), (east, 1, INSIDE)]), FOUR))
    assert (found.sum(axis=2) == INSIDE).all()


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (shapely.box(10, 0, 12, 4), ["0000"] * 4),
        (shapely.box(-9, 0, -2, 4), ["0000"] * 4),
        (shapely.box(0, 8, 4, 9), ["0000"] * 4),
        (shapely.box(0, -9, 4, -8), ["0000"] * 4),
        (shapely.box(-9, -9, 9, 9), ["3333"] * 4),
        (shapely.box(-9, 2, 2, 9), ["3300", "3300", "0000", "0000"]),
        (shapely.box(2, -9, 9, 2), ["0000", "0000", "0033", "0033"]),
        (shapely.box(1.6, 1.6, 1.9, 1.9), ["0000"] * 4),
        (shapely.Polygon([(0.2, 0), (0.8, 0), (0.5, 4)]), ["3000"] * 4),
        (shapely.box(-1e15, 0, 1e15, 1), ["0000", "0000", "0000", "3333"]),
        (shapely.Polygon([(-1e300, 0), (1e300, 0), (0, 1)]), ["0000", "0000", "0000", "3333"]),
    ],
    ids=[
        "east",
        "west",
        "north",
        "south",
        "around",
        "north-west",
        "south-east",
        "between centres",
        "spike",
        "wide",
        "huge",
    ],
)
def test_polygons_beside_across_and_around_the_window(shape: shapely.Geometry, expected: list[str]) -> None:
    assert drawn(display_grid(encoding([(shape, 0, INSIDE)]), FOUR)) == expected


def test_without_planes_there_is_one_combination() -> None:
    for keys in (0, 3):
        found = display_grid(encoding([], keys=keys), FOUR)
        assert found.combination.tolist() == [[0] * 4] * 4
        assert found.presence.tolist() == [[0] * keys]


@pytest.mark.parametrize("engine", ["scanline", "rasterize"])
def test_an_empty_polygon_holds_nothing(engine: Literal["scanline", "rasterize"]) -> None:
    planes = [(shapely.Polygon(), 0, INSIDE), (shapely.box(0, 0, 1, 4), 0, RIM), (shapely.Polygon(), 0, NEAR)]
    assert drawn(display_grid(encoding(planes), FOUR, engine=engine)) == ["2000"] * 4


def test_a_window_of_one_cell() -> None:
    one = Grid(1.0, 2.0, 1.0, 1, 1)
    assert drawn(display_grid(encoding([(shapely.box(1, 1, 2, 2), 0, RIM)]), one)) == ["2"]


def test_two_crossing_parts_of_a_ring_follow_the_even_odd_rule() -> None:
    bow = shapely.Polygon([(0, 0), (4, 4), (4, 0), (0, 4)])
    moved = Grid(0.1, 4.0, 1.0, 4, 4)
    assert (
        cells(display_grid(encoding([(bow, 0, INSIDE)]), moved)).tolist()
        == by_shapely([(bow, 0, INSIDE)], 1, moved).tolist()
    )


# Rasters -----------------------------------------------------------------------------------


def raster(
    codes: list[list[int]], keys: tuple[int, ...], outside: int, west: float, north: float, cell: float
) -> RasterPlane:
    return RasterPlane(np.array(codes, np.int16), keys, outside, west, north, cell)


def test_a_cell_takes_the_class_of_the_raster_cell_it_lies_in() -> None:
    """Raster cells of 2 m from x = 1: columns 0 | 1 2 | 3 and rows 0 1 | 2 3."""
    plane = raster([[0, 1], [1, 2]], (0, 1, 2), 3, 1.0, 4.0, 2.0)
    found = cells(display_grid(encoding([], keys=4, rasters=[plane]), FOUR))
    assert np.argmax(found, axis=2).tolist() == [[3, 0, 0, 1], [3, 0, 0, 1], [3, 1, 1, 2], [3, 1, 1, 2]]
    assert (found.sum(axis=2) == INSIDE).all()


def test_outside_a_raster_without_an_outside_key_there_is_nothing() -> None:
    plane = raster([[0]], (0,), -1, 1.0, 3.0, 2.0)
    assert drawn(display_grid(encoding([], keys=1, rasters=[plane]), FOUR)) == ["0000", "0330", "0330", "0000"]


def test_several_classes_may_have_one_key_and_a_polygon_may_share_it() -> None:
    plane = raster([[0, 1, 2, 0]], (0, 0, 1), 1, 0.0, 4.0, 1.0)
    found = display_grid(encoding([(shapely.box(0, 0, 1, 4), 0, RIM)], keys=2, rasters=[plane]), FOUR)
    assert drawn(found, 0) == ["3303", "2000", "2000", "2000"]
    assert drawn(found, 1) == ["0030", "3333", "3333", "3333"]


@given(st.data())
def test_rasters_and_the_outlines_of_their_classes_give_the_same_grid(data: st.DataObject) -> None:
    """Corners on quarter metres and cells of 1 to 3 m, so that centres often lie on the edge of two raster cells."""
    planes, outlines = [], []
    for i in range(data.draw(st.integers(1, 3))):
        rows, columns = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
        codes = data.draw(
            st.lists(st.lists(st.integers(0, 2), min_size=columns, max_size=columns), min_size=rows, max_size=rows)
        )
        west, north = (data.draw(st.integers(-8, 20)) / 4 for _ in range(2))
        plane = raster(
            codes, (3 * i, -1, 3 * i + 1), -1, west, north, data.draw(st.sampled_from([1.0, 1.25, 2.0, 3.0]))
        )
        planes.append(plane)
        polygons, keys = as_polygons(plane)
        outlines += [(shape, int(key), int(INSIDE)) for shape, key in zip(polygons, keys, strict=True)]
    zone = (shapely.box(0.25, 0.5, 2.5, 3.25), 9, RIM)
    as_cells = display_grid(encoding([zone], 10, planes), FOUR)
    assert cells(as_cells).tolist() == cells(display_grid(encoding([zone, *outlines], 10), FOUR)).tolist()
    as_gdal = display_grid(encoding([zone], 10, planes), FOUR, engine="rasterize")
    assert cells(as_gdal)[:, :, :9].tolist() == cells(as_cells)[:, :, :9].tolist()


# Drawn-up worlds ---------------------------------------------------------------------------

WORLD = Grid(EAST - 75, NORTH + 1100, 50.0, 24, 24)
"""Centres on multiples of 50 m from the corner of the world, so that many lie on edges and vertices."""
lattice = st.integers(0, 10).map(lambda n: 100.0 * n)
loose = st.floats(-50, 1050, allow_nan=False)


def without(shape: shapely.Geometry, hole: shapely.Geometry) -> shapely.Geometry:
    with np.errstate(all="ignore"):
        return shapely.difference(shape, hole)


def polygons_on(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[shapely.Geometry]:
    """Valid polygons, also with a hole, with coordinates from the corner of the world."""
    corner = st.tuples(numbers, numbers)
    triangles = st.lists(corner, min_size=3, max_size=8, unique=True).map(
        lambda points: shapely.MultiPoint(points).convex_hull
    )
    boxes = st.tuples(corner, corner).map(lambda c: shapely.box(*np.minimum(*c), *np.maximum(*c)))
    shapes = st.one_of(triangles, boxes)
    holed = st.tuples(shapes, shapes).map(lambda pair: without(*pair))
    return (
        st.one_of(shapes, holed)
        .filter(lambda shape: shape.geom_type == "Polygon" and shape.area > 1)
        .map(lambda shape: shapely.transform(shape, lambda xy: xy + [EAST, NORTH]))
        .filter(lambda shape: bool(shape.is_valid))
    )


def worlds_on(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[list[Plane]]:
    """Planes of several keys; shapes come back under other keys, and twice under the same."""
    pools = st.lists(polygons_on(numbers), min_size=1, max_size=6)
    return pools.flatmap(
        lambda pool: st.lists(
            st.tuples(st.sampled_from(pool), st.integers(0, 4), st.sampled_from([1, 2, 3])), min_size=1, max_size=16
        )
    )


def is_lattice(shape: shapely.Geometry) -> bool:
    xy = shapely.get_coordinates(shape) - [EAST, NORTH]
    return bool((xy % 100 == 0).all())


@given(worlds_on(lattice))
def test_on_a_lattice_every_cell_is_that_of_shapely_a_hair_to_the_north_east(planes: list[Plane]) -> None:
    """A hair east and a much smaller hair north: on an edge, that is the convention for edges.

    No centre lies closer than a metre to an edge without lying on it, where all corners are on the lattice.
    """
    planes = [plane for plane in planes if is_lattice(plane[0])]
    found = cells(display_grid(encoding(planes, keys=5), WORLD))
    assert found.tolist() == by_shapely(planes, 5, WORLD, (1e-3, 1e-7)).tolist()


@given(worlds_on(loose))
def test_every_cell_is_that_of_shapely(planes: list[Plane]) -> None:
    found = cells(display_grid(encoding(planes, keys=5), WORLD))
    off = ~is_on_edge(planes, WORLD)
    assert off.any()
    assert found[off].tolist() == by_shapely(planes, 5, WORLD)[off].tolist()


@pytest.mark.parametrize(
    ("east", "north", "spread"), [(EAST, NORTH, 3), (-37.5, 62.5, 6)], ids=["in RD", "at the origin"]
)
def test_a_centre_within_rounding_of_an_edge_is_decided_exactly(east: float, north: float, spread: int) -> None:
    """Edges through a centre as nearly as floats allow; fractions say on which side the centre lies."""
    window, random = Grid(east, north + 200, 25.0, 8, 8), np.random.default_rng(11)
    planes: list[Plane] = []
    expected: list[tuple[int, int, int]] = []
    for i in range(2000):
        row, column = random.integers(0, 8, 2)
        x, y = float(window.x_m()[column]), float(window.y_m()[row])
        ax, ay = x + random.normal() * 10 ** random.uniform(-3, spread), y - 10 ** random.uniform(-3, spread)
        longer = random.uniform(0.01, 3)
        bx, by = x + longer * (x - ax), y + longer * (y - ay)
        bx = float(np.nextafter(bx, random.choice([-np.inf, bx, np.inf])))
        a, b, c, d, px, py = map(Fraction, (ax, ay, bx, by, x, y))
        is_west_of_edge = (c - a) * (py - b) - (d - b) * (px - a) > 0
        far = max(ax, bx, x) + 9000
        planes.append((shapely.Polygon([(ax, ay), (bx, by), (far, by), (far, ay)]), i, INSIDE))
        expected.append((int(row), int(column), 0 if is_west_of_edge else int(INSIDE)))
    found = cells(display_grid(encoding(planes), window))
    assert [int(found[row, column, i]) for i, (row, column, _) in enumerate(expected)] == [e for _, _, e in expected]
    assert 500 < sum(e > 0 for _, _, e in expected) < 1500


def circles(count: int, keys: int, seed: int = 1) -> list[Plane]:
    """Circles all over the world, in turn for every key and presence."""
    random = np.random.default_rng(seed)
    middles = shapely.points(random.uniform([EAST, NORTH], [EAST + 1000, NORTH + 1000], (count, 2)))
    shapes = shapely.buffer(middles, random.uniform(20, 600, count), quad_segs=9)
    return [(shape, i % keys, 1 + i // keys % 3) for i, shape in enumerate(shapes)]


@pytest.mark.parametrize(("count", "keys"), [(140, 70), (400, 200), (9, 7), (16, 8), (18, 9)])
def test_many_layers(count: int, keys: int) -> None:
    planes = circles(count, keys)
    assert not is_on_edge(planes, WORLD).any()
    found = display_grid(encoding(planes, keys), WORLD)
    assert cells(found).tolist() == by_shapely(planes, keys, WORLD).tolist()
    assert len(found.presence) > 3


def test_three_hundred_polygons_of_one_key_over_each_other() -> None:
    middle = shapely.Point(EAST + 500, NORTH + 500)
    planes = [(shapely.buffer(middle, 151.0 + i), 0, 1 + i % 3) for i in range(300)]
    found = display_grid(encoding(planes), WORLD)
    expected = by_shapely(planes, 1, WORLD)
    assert {0, 3} <= set(expected.ravel().tolist())
    assert cells(found).tolist() == expected.tolist()


def test_combinations_with_the_same_hash_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    class Always:
        def integers(self, low: int, high: int, shape: tuple[int, int]) -> NDArray[np.int64]:
            return np.ones(shape, np.int64)

    planes = circles(60, 20)
    expected = display_grid(encoding(planes, 20), WORLD)
    monkeypatch.setattr(np.random, "default_rng", lambda seed: Always())
    found = display_grid(encoding(planes, 20), WORLD)
    assert found.presence.tolist() == expected.presence.tolist()
    assert found.combination.tolist() == expected.combination.tolist()


def test_more_combinations_than_there_is_room_for_at_first() -> None:
    planes = circles(120, 60, seed=2)
    window = Grid(EAST, NORTH + 1000, 10.0, 100, 100)
    found = display_grid(encoding(planes, 60), window)
    assert len(found.presence) > 1000
    assert cells(found).tolist() == by_shapely(planes, 60, window).tolist()


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_threads_and_blocks_do_not_matter(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plane = raster([[0, 1], [1, 0]], (0, 1), 2, EAST + 100, NORTH + 900, 333.0)
    drawn_up = encoding([(shape, 3 + key, level) for shape, key, level in circles(60, 20)], 23, [plane])
    window = Grid(EAST, NORTH + 1000, 5.0, 200, 200)
    one = display_grid(drawn_up, window, workers=1)
    monkeypatch.setattr(grid_module, "BLOCK_ROWS", rows)
    for workers in (1, 2, 5):
        other = display_grid(drawn_up, window, workers=workers)
        assert other.combination.tobytes() == one.combination.tobytes()
        assert other.presence.tobytes() == one.presence.tobytes()


def test_a_part_of_a_window_shows_the_same_cells() -> None:
    drawn_up = encoding(circles(60, 20), 20)
    whole = cells(display_grid(drawn_up, Grid(EAST, NORTH + 1000, 25.0, 40, 40)))
    part = cells(display_grid(drawn_up, Grid(EAST + 250, NORTH + 750, 25.0, 11, 13)))
    assert part.tolist() == whole[10:21, 10:23].tolist()


# The start set -----------------------------------------------------------------------------


def test_the_start_set_at_250_m_is_that_of_shapely(explorer: Explorer) -> None:
    drawn_up, _ = explorer.encoded.of()
    west, south, east, north = shapely.total_bounds(drawn_up.polygons)
    window = Grid.covering(max(west, 0), max(south, 300_000), min(east, 290_000), min(north, 625_000), 250)
    assert len(drawn_up.polygons) > 1000
    found = display_grid(drawn_up, window, workers=2)
    one = display_grid(drawn_up, window, workers=1)
    assert found.combination.tobytes() == one.combination.tobytes()
    assert len(found.presence) > 1000
    looked = on_edges = 0
    for key in range(len(drawn_up.keys)):
        level = found.presence[found.combination, key]
        expected, on_edge = np.zeros_like(level), np.zeros(level.shape, np.bool_)
        own = np.flatnonzero(drawn_up.polygon_key == key)
        shapes = shapely.force_2d(drawn_up.polygons[own])
        for shape, presence in zip(shapes, drawn_up.polygon_level[own], strict=True):
            shapely.prepare(shape)
            part, x, y = _part(window, shape)
            is_in = shapely.contains_xy(shape, x, y)
            expected[part] = np.maximum(expected[part], np.where(is_in, presence, 0))
            on_edge[part] |= shapely.intersects_xy(shape, x, y) & ~is_in
        assert (level == expected)[~on_edge].all(), drawn_up.keys[key]
        assert (level >= expected)[on_edge].all(), drawn_up.keys[key]
        looked += int(np.count_nonzero(expected))
        on_edges += int(np.count_nonzero(on_edge))
    assert looked > 1_000_000
    assert on_edges < looked / 1000


def _part(
    window: Grid, shape: shapely.Geometry
) -> tuple[tuple[slice, slice], NDArray[np.float64], NDArray[np.float64]]:
    """The cells around a shape, and their centres."""
    west, south, east, north = shapely.bounds(shape)
    columns = slice(*np.searchsorted(window.x_m(), [west, east], side="left") + [0, 1])
    rows = slice(*np.searchsorted(-window.y_m(), [-north, -south], side="left") + [0, 1])
    x, y = np.meshgrid(window.x_m()[columns], window.y_m()[rows])
    return (rows, columns), x, y


# Without numba -----------------------------------------------------------------------------


@given(worlds_on(loose))
def test_the_engine_on_gdal_gives_the_same_cells(planes: list[Plane]) -> None:
    off = ~is_on_edge(planes, WORLD)
    assert off.any()
    fast, slow = (cells(display_grid(encoding(planes, 5), WORLD, engine=e)) for e in ("scanline", "rasterize"))
    assert slow[off].tolist() == fast[off].tolist()


@pytest.mark.parametrize("plane_cells", [1, 5000, 1 << 25])
def test_the_engine_on_gdal_may_work_in_parts(plane_cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plane = raster([[0, 1], [1, 0]], (0, 1), 2, EAST + 100, NORTH + 900, 333.0)
    drawn_up = encoding([(shape, 3 + key, level) for shape, key, level in circles(40, 20)], 23, [plane])
    fast = display_grid(drawn_up, WORLD)
    monkeypatch.setattr(grid_module, "PLANE_CELLS", plane_cells)
    monkeypatch.setattr(grid_module, "BLOCK_ROWS", 10)
    slow = display_grid(drawn_up, WORLD, engine="rasterize")
    assert slow.combination.tolist() == fast.combination.tolist()
    assert slow.presence.tolist() == fast.presence.tolist()


class Refusing:
    """An importer for which the kernel cannot be imported."""

    def __init__(self, error: type[Exception]) -> None:
        self.error = error

    def find_spec(self, name: str, *_: object) -> None:
        if name == "dgdo_geo.overlay.scanline":
            raise self.error(name)


@pytest.mark.parametrize("error", [ImportError, RuntimeError], ids=["no numba", "no folder for compiled code"])
def test_without_numba_the_engine_on_gdal_takes_over(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_up = encoding([(shapely.box(1, 0, 3, 2), 0, INSIDE)])
    monkeypatch.setattr(sys, "meta_path", [Refusing(error), *sys.meta_path])
    monkeypatch.delitem(sys.modules, "dgdo_geo.overlay.scanline", raising=False)
    monkeypatch.delattr("dgdo_geo.overlay.scanline", raising=False)
    assert drawn(display_grid(drawn_up, FOUR)) == ["0000", "0000", "0330", "0330"]
    with pytest.raises(ValueError, match="needs numba"):
        display_grid(drawn_up, FOUR, engine="scanline")


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from test_grid import WORLD, by_shapely, cells, circles, display_grid, encoding
from dgdo_geo.overlay import scanline
planes = circles(12, 6)
assert cells(display_grid(encoding(planes, 6), WORLD)).tolist() == by_shapely(planes, 6, WORLD).tolist()
assert hasattr(scanline.sweep, "py_func") == {compiled}
"""


def test_it_works_uncompiled() -> None:
    script = SCRIPT.format(tests=str(Path(__file__).parent), compiled=False)
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# Bad input ---------------------------------------------------------------------------------

with np.errstate(invalid="ignore"):
    WITH_NAN = shapely.Polygon([(0, 0), (1, 0), (float("nan"), 1)])


@pytest.mark.parametrize(
    ("planes", "keys", "words"),
    [
        ([(shapely.MultiPolygon([shapely.box(0, 0, 1, 1)]), 0, 3)], 1, "single polygon"),
        ([(shapely.Point(0, 0), 0, 3)], 1, "single polygon"),
        ([(None, 0, 3)], 1, "single polygon"),
        ([(WITH_NAN, 0, 3)], 1, "not finite"),
        ([(shapely.box(0, 0, 1, 1), 1, 3)], 1, "key"),
        ([(shapely.box(0, 0, 1, 1), -1, 3)], 1, "key"),
        ([(shapely.box(0, 0, 1, 1), 0, 0)], 1, "presence"),
        ([(shapely.box(0, 0, 1, 1), 0, 4)], 1, "presence"),
    ],
)
def test_planes_that_cannot_be_are_refused(planes: list[Plane], keys: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        display_grid(encoding(planes, keys), FOUR)


@pytest.mark.parametrize(
    "plane",
    [
        raster([[2]], (0, 0), -1, 0, 4, 1),
        raster([[-1]], (0,), -1, 0, 4, 1),
        raster([[0]], (5,), -1, 0, 4, 1),
        raster([[0]], (0,), 5, 0, 4, 1),
    ],
    ids=["code without key", "negative code", "unknown key", "unknown key outside"],
)
def test_rasters_that_cannot_be_are_refused(plane: RasterPlane) -> None:
    with pytest.raises(ValueError, match="key"):
        display_grid(encoding([], 1, [plane]), FOUR)


# Pictures ----------------------------------------------------------------------------------

COLOURS = np.array([[255, 255, 255, 255], [200, 30, 30, 255]], np.uint8)
LABEL = "alleen weergave"


def pixels_of(picture: bytes) -> tuple[NDArray[np.uint8], str]:
    """Pixels of shape (rows, columns, 4) and the description, read by GDAL."""
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning), MemoryFile(picture) as file, file.open() as opened:
        assert opened.driver == "PNG"
        return np.moveaxis(opened.read(), 0, 2), opened.tags()["Description"]


def test_a_display_grid_says_that_it_is_for_display() -> None:
    found = display_grid(encoding([]), FOUR)
    assert found.is_display_only is True
    assert found.label_key == "display_only"


def test_a_picture_shows_one_colour_per_combination() -> None:
    window = Grid(EAST, NORTH + 1000, 5.0, 200, 200)
    found = display_grid(
        encoding([(shapely.box(EAST + 500, NORTH + 500, EAST + 1000, NORTH + 1000), 0, INSIDE)]), window
    )
    pixels, description = pixels_of(to_png(found, COLOURS, LABEL))
    assert description == LABEL
    assert pixels.shape == (200, 200, 4)
    assert (pixels[:100, 100:] == COLOURS[1]).all()
    assert (pixels[:180, :100] == COLOURS[0]).all()


def test_the_label_stands_in_the_lower_left_corner() -> None:
    found = display_grid(encoding([]), Grid(0.0, 12.0, 1.0, 12, 40))
    pixels, _ = pixels_of(to_png(found, np.array([[0, 0, 255, 255]], np.uint8), "Lé"))
    light = (pixels[:, :, 0] == 255).astype(int)
    assert ["".join(".#"[p] for p in row) for row in light[-9:, :13].tolist()] == [
        ".............",
        ".#.....#####.",
        ".#.....#.....",
        ".#.....#.....",
        ".#.....####..",
        ".#.....#.....",
        ".#.....#.....",
        ".#####.#####.",
        ".............",
    ]
    assert not light[:-9].any()
    assert not light[:, 13:].any()
    assert (pixels[0, 0] == [0, 0, 255, 255]).all()


def test_a_small_picture_is_enlarged_until_the_label_fits() -> None:
    found = display_grid(encoding([(shapely.box(2, 0, 4, 4), 0, INSIDE)]), FOUR)
    pixels, _ = pixels_of(to_png(found, COLOURS, LABEL))
    assert pixels.shape[0] == pixels.shape[1] > 6 * len(LABEL)
    assert pixels.shape[0] % 4 == 0
    half = pixels.shape[0] // 2
    assert (pixels[:half, :half] == COLOURS[0]).all()
    assert (pixels[:half, half:] == COLOURS[1]).all()


@pytest.mark.parametrize(("rows", "columns"), [(1, 700), (700, 1), (1, 1), (9, 2000), (18, 2000)])
def test_the_label_fits_a_picture_of_any_shape(rows: int, columns: int) -> None:
    found = display_grid(encoding([]), Grid(0.0, 1000.0, 1.0, rows, columns))
    pixels, _ = pixels_of(to_png(found, np.zeros((1, 4), np.uint8), LABEL))
    assert pixels.shape[0] * columns == pixels.shape[1] * rows
    larger = int(np.flatnonzero(pixels[::-1, 0, 3])[-1] + 1) // 9
    assert (pixels[-1, : larger * (6 * len(LABEL) + 1), 3] == 255).all()
    assert (pixels[..., 3] == 255).sum() == larger**2 * 9 * (6 * len(LABEL) + 1)


@pytest.mark.parametrize("label", ["", "  "])
def test_there_is_no_picture_without_a_label(label: str) -> None:
    found = display_grid(encoding([]), FOUR)
    with pytest.raises(ValueError, match="label"):
        to_png(found, COLOURS[:1], label)


@pytest.mark.parametrize("colours", [COLOURS, COLOURS[:0], COLOURS[:1, :3], COLOURS[:1].astype(float)])
def test_a_picture_needs_one_colour_for_every_combination(colours: NDArray[np.uint8]) -> None:
    found = display_grid(encoding([]), FOUR)
    with pytest.raises(ValueError, match="colours must be"):
        to_png(found, colours, LABEL)
    with pytest.raises(ValueError, match="colours must be"):
        to_tile(found, colours, LABEL, 8, 131, 84)


def test_every_letter_is_another_picture() -> None:
    assert len(grid_module.GLYPHS) == 26 + 10 + 8
    assert len(set(grid_module.GLYPHS.values())) == len(grid_module.GLYPHS)
    assert {len(glyph) for glyph in grid_module.GLYPHS.values()} == {7}


def test_places_find_their_cell() -> None:
    found = display_grid(encoding([(shapely.box(2, 0, 4, 4), 0, INSIDE)]), FOUR)
    x = np.array([0.0, 1.99, 2.0, 3.99, 4.0, -0.01, 1.0, 1.0, 1.0, np.inf, np.nan])
    y = np.array([0.0, 3.99, 1.0, 2.0, 1.0, 1.0, 4.0, -0.01, 0.0, 1.0, 1.0])
    assert sample(found, x, y).tolist() == [0, 0, 1, 1, -1, -1, -1, -1, 0, -1, -1]


def test_a_tile_shows_the_grid_in_web_mercator() -> None:
    """Tile 8/131/84 holds the spire of Amersfoort, the origin of RD: (155000, 463000) at 5.38763889 E, 52.15616056 N."""
    south_west = shapely.box(0, 300_000, 155_000, 463_000)
    found = display_grid(encoding([(south_west, 0, INSIDE)]), Grid(140_000.0, 480_000.0, 100.0, 300, 300))
    pixels, description = pixels_of(to_tile(found, COLOURS, LABEL, 8, 131, 84))
    assert description == LABEL
    assert pixels.shape == (256, 256, 4)
    across, down = _tile_pixel(5.38763889, 52.15616056, 8, 131, 84)
    row, column = int(down), int(across)
    assert 10 < row < 240
    assert 10 < column < 240
    assert (pixels[row + 1 : row + 8, column - 7 : column] == COLOURS[1]).all()
    assert (pixels[row - 7 : row, column - 7 : column] == COLOURS[0]).all()
    assert (pixels[row - 7 : row + 8, column + 1 : column + 8] == COLOURS[0]).all()
    assert (pixels[0, 0] == 0).all(), "outside the grid a tile is transparent"


def _tile_pixel(longitude: float, latitude: float, zoom: int, column: int, row: int) -> tuple[float, float]:
    """Pixel of a place in a tile, by the formula of the tile scheme."""
    n = 2.0**zoom
    phi = np.radians(latitude)
    across = (longitude + 180) / 360 * n - column
    down = (1 - np.log(np.tan(phi) + 1 / np.cos(phi)) / np.pi) / 2 * n - row
    return across * 256, float(down) * 256

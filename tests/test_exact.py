"""The compiled engine against two oracles: GEOS, and rational arithmetic in which nothing is rounded.

HYPOTHESIS_PROFILE=explore looks at new scenes instead of the same ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from random import Random

import numpy as np
import pytest
import shapely
from engines import (
    Row,
    assert_identical,
    assert_same,
    assert_well_formed,
    differences,
    encoding_of,
    rows_of,
)
from hypothesis import given
from hypothesis import strategies as st

from dgdo_geo import intake
from dgdo_geo.overlay import exact, geos, rasterstack
from dgdo_geo.overlay.encode import Encoding, RasterPlane
from dgdo_geo.overlay.rasterstack import fitted
from dgdo_geo.overlay.sweep import FEW
from dgdo_geo.overlay.table import SMALLEST_M2, JointAreas
from dgdo_geo.query import Explorer, open_explorer

ROOT = Path(__file__).resolve().parents[1]
Shape = shapely.Geometry
EAST, NORTH = 150_000.0, 450_000.0
CELLS_M = (5.0, 25.0, 100.0, 333.3, 1000.0)
BANDS = (1, 2, 4, 16, 64)


# Scenes ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scene:
    """What the engines are asked; the cells are those of the compiled engine."""

    regions: list[Shape]
    layers: list[list[Shape]]
    split: list[Shape]
    cell_m: float
    band_rows: int

    @property
    def encoding(self) -> Encoding:
        return encoding_of(self.layers)

    def ask(self, workers: int = 1) -> JointAreas:
        return exact.joint_areas(
            self.regions,
            self.encoding,
            split=self.split,
            workers=workers,
            cell_m=self.cell_m,
            band_rows=self.band_rows,
        )

    def ask_geos(self) -> JointAreas:
        return geos.joint_areas(self.regions, self.encoding, split=self.split)


def ordinates(origin: float, cell: float, count: int) -> st.SearchStrategy[float]:
    """Places along one axis: on the edges of cells, a hair beside them, to the millimetre, or anywhere."""
    lines = st.integers(-2, count + 2).map(lambda i: origin + i * cell)
    hair = st.sampled_from([-1e-3, -1e-6, -1e-9, 1e-9, 1e-6, 1e-3])
    anywhere = st.floats(origin - 2 * cell, origin + (count + 2) * cell)
    return st.one_of(
        lines,
        lines,
        st.builds(lambda line, off: line + off, lines, hair),
        lines.map(lambda line: line + 0.5 * cell),
        lines.map(lambda line: float(np.nextafter(line, math.inf))),
        lines.map(lambda line: float(np.nextafter(line, -math.inf))),
        anywhere.map(lambda value: round(value, 3)),
        anywhere,
    )


def polygons_of(shape: Shape) -> list[Shape]:
    """The single polygons of anything, holes that touch the shell and all."""
    valid = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    return [p for p in shapely.get_parts(valid) if p.geom_type == "Polygon" and p.is_valid and p.area > 1e-6]


def spike(a: tuple[float, float], b: tuple[float, float], width: float) -> Shape:
    """A triangle that is very thin, whichever way it points."""
    along = math.hypot(b[0] - a[0], b[1] - a[1]) or 1.0
    off = (-(b[1] - a[1]) / along * width, (b[0] - a[0]) / along * width)
    return shapely.Polygon([a, b, (a[0] + off[0], a[1] + off[1])])


def frame_of(a: tuple[float, float], b: tuple[float, float], thick: float) -> Shape:
    """A box with a hole."""
    box = shapely.box(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
    return box.difference(box.buffer(-thick, join_style="mitre"))


def shapes_at(points: st.SearchStrategy[tuple[float, float]], cell: float) -> st.SearchStrategy[list[Shape]]:
    """One drawing: boxes, hulls, tangles, spikes, slivers and frames, as single polygons."""
    drawn = st.one_of(
        st.builds(lambda a, b: shapely.box(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])),
                  points, points),
        st.lists(points, min_size=3, max_size=6).map(lambda xy: shapely.MultiPoint(xy).convex_hull),
        st.lists(points, min_size=3, max_size=8).map(shapely.Polygon),
        st.builds(spike, points, points, st.sampled_from([1e-6, 1e-3, 1.0])),
        st.builds(lambda a, length: shapely.box(a[0], a[1], a[0] + length, a[1] + 1e-3), points, st.floats(1, 3 * cell)),
        st.builds(lambda a, length: shapely.box(a[0], a[1], a[0] + 1e-3, a[1] + length), points, st.floats(1, 3 * cell)),
        st.builds(frame_of, points, points, st.sampled_from([0.25 * cell, cell])),
    )  # fmt: skip
    return drawn.map(polygons_of)


@st.composite
def scenes(draw: st.DrawFn, most_layers: int = 5, most_shapes: int = 4) -> Scene:
    """A window of some cells, and drawings that like the edges and corners of those cells."""
    cell = draw(st.sampled_from(CELLS_M))
    columns, rows = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    window = shapely.box(EAST, NORTH, EAST + columns * cell, NORTH + rows * cell)
    grid = exact.grid_for(window.bounds, 0, encoding_of([]), cell)
    points = st.tuples(ordinates(grid.west, grid.cell, columns), ordinates(grid.south, grid.cell, rows))
    shapes = shapes_at(points, cell)
    pool = draw(st.lists(shapes.filter(bool), min_size=1, max_size=6))
    listed = st.lists(st.one_of(st.sampled_from(pool), shapes), max_size=most_shapes).map(lambda x: sum(x, []))
    layers = draw(st.lists(listed, max_size=most_layers))
    # The window itself keeps the grid where it is.
    inside = [
        p
        for drawn in draw(st.lists(shapes, max_size=2))
        for p in polygons_of(window.intersection(shapely.MultiPolygon(drawn)))
    ]
    split = [shapely.MultiPolygon(drawn) for drawn in draw(st.lists(shapes.filter(bool), max_size=3))]
    return Scene([window, *inside], layers, split, cell, draw(st.sampled_from(BANDS)))


@given(scenes(most_layers=10, most_shapes=3), st.sampled_from(BANDS))
def test_any_scene_has_the_areas_that_geos_finds(scene: Scene, band_rows: int) -> None:
    """With cells that fit the drawing, with small cells, and with all polygons crowded in a few large cells."""
    found = scene.ask()
    assert_same(replace(scene, cell_m=10 * scene.cell_m, band_rows=band_rows).ask(), found)
    assert_same(replace(scene, cell_m=scene.cell_m / 3, band_rows=band_rows).ask(), found)
    expected = scene.ask_geos()
    if differences(rows_of(found), rows_of(expected)):
        # GEOS shifts edges by up to a micrometre where it cannot node them otherwise.
        length = shapely.length(np.array([*scene.regions, *scene.split, *scene.encoding.polygons])).sum()
        assert differences(rows_of(found), rows_of(expected), geos.GRIDS_M[-1] * length) == {}
        assert differences(rows_of(found), rational_rows(scene)) == {}


def aligned(cell: float, west: float = 0.0, north: float = 0.0) -> RasterPlane:
    """A raster of one cell that says nothing: it only brings the cells onto round coordinates."""
    return RasterPlane(np.zeros((1, 1), np.int16), (-1,), -1, west, north, cell)


# Rational arithmetic -----------------------------------------------------------------------

Point = tuple[Fraction, Fraction]
Edge = tuple[Fraction, Fraction, Fraction, Fraction]


def slanted(shape: Shape) -> list[Edge]:
    """Edges from west to east; those that run due north hold no area above them."""
    edges = []
    for ring in shapely.get_rings(shapely.get_parts(shape)):
        xy = [(Fraction(x), Fraction(y)) for x, y in shapely.get_coordinates(ring).tolist()]
        edges += [(*min(a, b), *max(a, b)) for a, b in zip(xy[:-1], xy[1:], strict=True) if a[0] != b[0]]
    return edges


def crossing(one: Edge, other: Edge) -> Fraction | None:
    """Where two edges cross, when they do and do not run alongside each other."""
    (a, b, c, d), (p, q, r, s) = one, other
    if p >= c or a >= r:
        return None
    slope, rise = (d - b) / (c - a), (s - q) / (r - p)
    if slope == rise:
        return None
    x = (q - p * rise - b + a * slope) / (slope - rise)
    return x if max(a, p) < x < min(c, r) else None


def faces(shapes: Sequence[Shape]) -> dict[frozenset[int], Fraction]:
    """Area by the set of polygons that hold it: strips from corner to corner and crossing, cut by edges."""
    edges = [(edge, k) for k, shape in enumerate(shapes) for edge in slanted(shape)]
    ends = {x for (a, _, c, _), _ in edges for x in (a, c)}
    crossings = (crossing(one, other) for (one, _), (other, _) in combinations(edges, 2))
    cuts = sorted(ends | {x for x in crossings if x is not None})
    found: dict[frozenset[int], Fraction] = {}
    for west, east in zip(cuts[:-1], cuts[1:], strict=True):
        middle = (west + east) / 2
        here = [(b + (middle - a) * (d - b) / (c - a), k) for (a, b, c, d), k in edges if a <= west and east <= c]
        holding: frozenset[int] = frozenset()
        below = None
        for height, k in sorted(here):
            if below is not None and height > below:
                found[holding] = found.get(holding, Fraction(0)) + (east - west) * (height - below)
            holding, below = holding ^ {k}, height
    return found


def rational_rows(scene: Scene) -> dict[Row, float]:
    """The answer about a scene, rounded only in the end."""
    layers = [[(i, shape) for shape in listed] for i, listed in enumerate(scene.layers)]
    named = [("region", i, shape) for i, shape in enumerate(scene.regions)]
    named += [("part", i, shape) for i, shape in enumerate(scene.split)]
    named += [("layer", i, shape) for listed in layers for i, shape in listed]
    exactly: dict[Row, Fraction] = {}
    for holding, value in faces([shape for _, _, shape in named]).items():
        kinds = {(kind, i) for kind, i, _ in (named[k] for k in holding)}
        part = min((i for kind, i in kinds if kind == "part"), default=-1)
        combination = tuple(3 * (("layer", i) in kinds) for i in range(len(layers)))
        for region in (i for kind, i in kinds if kind == "region"):
            row = (region, part, combination)
            exactly[row] = exactly.get(row, Fraction(0)) + value
    return {row: float(value) for row, value in exactly.items() if value >= SMALLEST_M2}


corners_on_paper = st.tuples(st.integers(0, 9), st.integers(0, 9))
drawings = st.lists(corners_on_paper, min_size=3, max_size=7).map(lambda xy: polygons_of(shapely.Polygon(xy)))


@given(
    drawings.filter(bool),
    st.lists(drawings, max_size=3),
    st.lists(drawings.filter(bool).map(shapely.MultiPolygon), max_size=2),
    st.sampled_from([None, 1.0, 2.5, 30.0]),
)
def test_tangles_on_squared_paper_have_their_exact_areas(
    regions: list[Shape], layers: list[list[Shape]], split: list[Shape], cell: float | None
) -> None:
    """With cells on the squares of the paper or beside them; only the crossings within a tangle are rounded."""
    rasters = [] if cell is None else [aligned(cell)]
    scene = Scene(regions, layers, split, 1.7, 2)
    found = exact.joint_areas(regions, encoding_of(layers, rasters), split=split, cell_m=cell or 1.7, band_rows=2)
    assert_well_formed(found)
    rows, expected = rows_of(found), rational_rows(scene)
    assert rows == pytest.approx(expected, rel=1e-12, abs=1e-12)


def corners(polygon: Shape) -> list[Point]:
    """Corners of a convex polygon, anticlockwise, as the fractions that the numbers are."""
    ring = shapely.orient_polygons(polygon).exterior
    return [(Fraction(x), Fraction(y)) for x, y in shapely.get_coordinates(ring)[:-1].tolist()]


def clipped(subject: list[Point], clip: list[Point]) -> list[Point]:
    """What two convex polygons share (Sutherland and Hodgman)."""
    for (ax, ay), (bx, by) in zip(clip, clip[1:] + clip[:1], strict=True):
        side = [(bx - ax) * (y - ay) - (by - ay) * (x - ax) for x, y in subject]
        kept: list[Point] = []
        for i, (x, y) in enumerate(subject):
            (px, py), before, here = subject[i - 1], side[i - 1], side[i]
            if before * here < 0:
                share = before / (before - here)
                kept.append((px + share * (x - px), py + share * (y - py)))
            if here >= 0:
                kept.append((x, y))
        subject = kept
    return subject


def area(polygon: list[Point]) -> Fraction:
    """Area by the shoelace formula."""
    following = polygon[1:] + polygon[:1]
    return sum((x * v - u * y for (x, y), (u, v) in zip(polygon, following, strict=True)), Fraction(0)) / 2


def rational_areas(region: Shape, layers: Sequence[Shape]) -> dict[tuple[int, ...], Fraction]:
    """Area of every combination of convex polygons, one a layer, by inclusion and exclusion."""
    everything = range(len(layers))
    shared: dict[frozenset[int], Fraction] = {}
    outline: dict[frozenset[int], list[Point]] = {frozenset(): corners(region)}
    for size in range(len(layers) + 1):
        for chosen in map(frozenset, combinations(everything, size)):
            if size:
                last = max(chosen)
                outline[chosen] = clipped(outline[chosen - {last}], corners(layers[last]))
            shared[chosen] = area(outline[chosen]) if len(outline[chosen]) > 2 else Fraction(0)
    exactly: dict[tuple[int, ...], Fraction] = {}
    for chosen in sorted(shared, key=len, reverse=True):
        more = (others for others in shared if others >= chosen)
        signed = (shared[others] * (-1) ** (len(others) - len(chosen)) for others in more)
        exactly[tuple(3 * (i in chosen) for i in everything)] = sum(signed, Fraction(0))
    return exactly


def assert_rational(found: JointAreas, region: Shape, layers: Sequence[Shape], absolute_m2: float) -> None:
    """The areas are those of rational arithmetic, which has no rounding at all."""
    assert_well_formed(found)
    rows = {combination: value for (_, _, combination), value in rows_of(found).items()}
    expected = rational_areas(region, layers)
    assert set(rows) <= set(expected)
    for combination, value in expected.items():
        assert value >= 0
        if combination in rows or value >= 2 * SMALLEST_M2:
            assert abs(Fraction(rows.get(combination, 0.0)) - value) <= absolute_m2 + Fraction(1, 10**12) * value


whole_numbers = st.tuples(st.integers(0, 12), st.integers(0, 12))


def convex(points: st.SearchStrategy[tuple[float, float]]) -> st.SearchStrategy[Shape]:
    """Boxes, triangles and hulls."""
    boxes = st.builds(lambda a, b: shapely.MultiPoint([a, b]).envelope, points, points)
    hulls = st.lists(points, min_size=3, max_size=6).map(lambda xy: shapely.MultiPoint(xy).convex_hull)
    return st.one_of(boxes, hulls).filter(lambda s: s.geom_type == "Polygon" and s.area > 0)


@given(convex(whole_numbers), st.lists(convex(whole_numbers), max_size=4), st.sampled_from([1.0, 2.0, 3.0, 12.0, None]))
def test_small_drawings_on_squared_paper_have_their_exact_areas(
    region: Shape, layers: list[Shape], cell: float | None
) -> None:
    """With cells on the squares of the paper, every corner lies on a corner of cells and every box on their edges."""
    rasters = [] if cell is None else [aligned(cell)]
    found = exact.joint_areas([region], encoding_of([[s] for s in layers], rasters), cell_m=cell or 2.7, band_rows=2)
    assert_rational(found, region, layers, 1e-11)


# Numbers at the edge of what a double can tell apart, in the plane of the country.
country = st.tuples(st.floats(0, 3e5), st.floats(3e5, 6.2e5))
hairs = st.tuples(
    st.one_of(st.sampled_from([0.0, 1e5, 3e5]), st.floats(0, 3e5)),
    st.builds(lambda line, off: 4.5e5 + line + off, st.sampled_from([0.0, 1e3, 1e5]), st.floats(-1e-6, 1e-6)),
)
upright = hairs.map(lambda xy: (xy[1] - 3e5, xy[0] + 3.1e5))


@given(
    convex(st.one_of(country, hairs, upright)),
    st.lists(convex(st.one_of(country, hairs, upright)), max_size=3),
    st.sampled_from([1e3, 7e3, 5e4, None]),
)
def test_edges_across_the_country_and_almost_along_the_cells_have_their_exact_areas(
    region: Shape, layers: list[Shape], cell: float | None
) -> None:
    rasters = [] if cell is None else [aligned(cell)]
    found = exact.joint_areas([region], encoding_of([[s] for s in layers], rasters), cell_m=cell)
    assert_rational(found, region, layers, 1e-3)


# Scenes that are hard in one way -------------------------------------------------------------


def box(west: float, south: float, east: float, north: float) -> Shape:
    """A box, in metres from the corner of the window."""
    return shapely.box(EAST + west, NORTH + south, EAST + east, NORTH + north)


def both(regions: Sequence[Shape], layers: Sequence[Sequence[Shape]], **options: object) -> JointAreas:
    """What the compiled engine finds; GEOS must find the same."""
    split: Sequence[Shape] = options.get("split", ())  # type: ignore[assignment]
    found = exact.joint_areas(regions, encoding_of(layers), **options)  # type: ignore[arg-type]
    assert_same(found, geos.joint_areas(regions, encoding_of(layers), split=split))
    return found


def tangles(seed: int, count: int, size: float, spread: float) -> list[Shape]:
    """Polygons that cross each other."""
    rng = np.random.default_rng(seed)
    drawn = []
    for middle in rng.uniform(0, spread, (count, 2)):
        xy = [EAST, NORTH] + middle + rng.uniform(-size, size, (6, 2))
        drawn += polygons_of(shapely.Polygon(xy))
    return drawn


@pytest.mark.parametrize("count", [1, 2, FEW - 1, FEW, FEW + 1, FEW + 2, 3 * FEW])
def test_any_number_of_polygons_may_meet_in_one_cell(count: int) -> None:
    """Nested boxes in the middle of one cell: each ring between two of them is a combination."""
    nested = [[box(100 + 10 * i, 100 + 10 * i, 900 - 10 * i, 900 - 10 * i)] for i in range(count)]
    found = both([box(0, 0, 1000, 1000)], nested, cell_m=5000.0)
    sides = [1000] + [800 - 20 * i for i in range(count)] + [0]
    sides[-1] = 0
    rings = [a * a - b * b for a, b in zip(sides[:-1], sides[1:], strict=True)]
    assert sorted(found.area_m2) == pytest.approx(sorted(rings), rel=1e-12)


def test_more_layers_than_bits_in_a_word() -> None:
    layers = [[shape] for shape in tangles(1, 70, 600, 1000)]
    assert len(layers) > 64
    found = both([box(0, 0, 1000, 1000)], layers)
    assert found.presence.any(axis=0).sum() > 64
    assert len(found.area_m2) > 500


def test_more_regions_and_parts_than_bits_in_a_word() -> None:
    """9 x 9 regions of 100 m, and 9 x 9 parts that lie half a region off; a zone over all of them but the last row."""
    regions = [box(100 * i, 100 * j, 100 * i + 100, 100 * j + 100) for j in range(9) for i in range(9)]
    split = [shapely.transform(region, lambda xy: xy + 50) for region in regions]
    found = both(regions, [[box(-10, -10, 2000, 800)]], split=split)
    rows = rows_of(found)
    assert rows[0, -1, (3,)] == pytest.approx(7500)
    assert rows[0, 0, (3,)] == pytest.approx(2500)
    assert [rows[40, 40, (3,)], rows[40, 39, (3,)]] == pytest.approx([2500, 2500])
    assert rows[80, 80, (0,)] == pytest.approx(2500)
    assert len(rows) == 17 * 17 + 17


def test_hundreds_of_overlapping_polygons_in_one_layer_are_one_zone() -> None:
    rng = np.random.default_rng(2)
    corners = [EAST, NORTH] + rng.uniform(0, 400, (300, 1, 2)) + rng.uniform(-40, 40, (300, 3, 2))
    drawn = [shapely.Polygon(xy) for xy in corners]
    region, encoding = box(50, 50, 350, 350), encoding_of([drawn, tangles(3, 5, 200, 400)])
    expected = geos.joint_areas([region], encoding)
    zone = shapely.intersection(shapely.union_all(drawn), region).area
    assert expected.area_m2[expected.presence_of_rows[:, 0] == 3].sum() == pytest.approx(zone, rel=1e-9)
    for cell in (20.0, 1000.0):
        assert_same(exact.joint_areas([region], encoding, cell_m=cell), expected)


def test_more_combinations_in_one_band_than_the_first_table_holds() -> None:
    """4096 plots of 10 x 10 m, each with its own combination of twelve layers, in one band of cells."""
    plots = [box(10 * (i % 64), 10 * (i // 64), 10 * (i % 64) + 10, 10 * (i // 64) + 10) for i in range(4096)]
    layers = [[plot for i, plot in enumerate(plots) if i >> k & 1] for k in range(12)]
    for cell, band_rows in ((15.0, 64), (700.0, 1)):
        found = exact.joint_areas([box(0, 0, 640, 640)], encoding_of(layers), cell_m=cell, band_rows=band_rows)
        assert_well_formed(found)
        assert len(found.presence) == 4096
        assert found.area_m2 == pytest.approx(np.full(4096, 100.0), rel=1e-9)


def test_combinations_with_the_same_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    encoding = encoding_of([[shape] for shape in tangles(4, 20, 400, 1000)])
    regions = [box(0, 0, 500, 1000), box(400, 0, 1000, 1000)]
    expected = exact.joint_areas(regions, encoding)
    monkeypatch.setattr(exact, "slot_keys", lambda slots: np.ones(slots, np.uint64))
    assert_same(exact.joint_areas(regions, encoding), expected)


def comb(teeth: int, angle: float) -> Shape:
    """A comb as wide as the window, turned around its middle."""
    drawn = [box(0, 0, 1000, 10), *(box(i * 1000 / teeth, 0, (i + 0.5) * 1000 / teeth, 1000) for i in range(teeth))]
    return shapely.affinity.rotate(shapely.union_all(drawn), angle, (EAST + 500, NORTH + 500))


def test_thousands_of_crossings_in_one_cell() -> None:
    combs = [[comb(40, 3)], [comb(40, 93)], [comb(30, 45)]]
    for cell in (3000.0, 50.0):
        assert len(both([box(100, 100, 900, 900)], combs, cell_m=cell).area_m2) == 8


def test_an_edge_may_pass_thousands_of_cells() -> None:
    """More cells than the first estimate of the room for them: two edges, tens of thousands of cells."""
    wedge = shapely.Polygon([(EAST - 4e5, NORTH - 1), (EAST + 4e5, NORTH + 999), (EAST + 4e5, NORTH + 1001)])
    region = shapely.Polygon([(EAST - 5e4, NORTH), (EAST + 5e4, NORTH), (EAST, NORTH + 1000)])
    found = exact.joint_areas([region], encoding_of([[wedge]]), cell_m=5.0, band_rows=64)
    assert_rational(found, region, [wedge], 1e-6)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_polygons_may_reach_far_past_the_window_on_every_side(turn: int) -> None:
    """A wedge, a ring around the window, a half plane and a hole: all with most of their edges out of sight."""
    far = [
        shapely.Polygon([(EAST + 500, NORTH + 500), (EAST - 3e5, NORTH + 1e3), (EAST - 3e5, NORTH - 2e3)]),
        box(-9e4, -9e4, 9e4, 9e4).difference(box(250, -5e4, 750, 5e4)),
        box(-2e5, -3e5, 300, 3e5),
        box(-1e5, -1e5, 1e5, 1e5).difference(box(-5e4, -5e4, 5e4, 5e4)),
        box(-5e4, 400, 5e4, 600),
    ]
    turned = [[shapely.affinity.rotate(shape, turn, (EAST + 500, NORTH + 500))] for shape in far]
    for cell in (70.0, 250.0, 4000.0):
        found = both([box(0, 0, 1000, 1000), box(350, 350, 650, 650)], turned, cell_m=cell, split=[turned[1][0]])
        assert not found.presence[:, 3].any()


def test_polygons_beside_the_window_touch_nothing() -> None:
    beside = [[box(-100, 0, 0, 1000)], [box(1000, 0, 1100, 1000)], [box(0, -100, 1000, 0)], [box(0, 1000, 1000, 1100)]]
    found = both([box(0, 0, 1000, 1000)], [*beside, [shapely.box(0, 0, 1, 1)], []])
    assert rows_of(found) == {(0, -1, (0,) * 6): pytest.approx(1e6, rel=1e-12)}


def test_without_layers_the_regions_are_left() -> None:
    regions = [box(0, 0, 10, 10), box(5, 5, 20, 20)]
    found = both(regions, [])
    assert rows_of(found) == {(0, -1, ()): pytest.approx(100), (1, -1, ()): pytest.approx(225)}
    assert found.presence.shape == (1, 0)


def test_holes_that_touch_the_shell_and_parts_that_touch_in_a_point() -> None:
    """A diamond hole with a corner on the shell, one with two holes in a chain, and two boxes with one shared corner."""
    shell = box(0, 0, 400, 400)
    diamond = shapely.Polygon(
        [(EAST, NORTH + 200), (EAST + 100, NORTH + 100), (EAST + 200, NORTH + 200), (EAST + 100, NORTH + 300)]
    )
    second = shapely.transform(diamond, lambda xy: xy + [200, 0])
    once = shapely.Polygon(shell.exterior.coords, [diamond.exterior.coords])
    chain = shapely.MultiPolygon([box(400, 400, 800, 800), box(800, 800, 1000, 1000), box(0, 800, 400, 1000)])
    both_holes = shapely.difference(shell, shapely.union_all([diamond, second]))
    assert once.is_valid and chain.is_valid and both_holes.is_valid
    region = box(0, 0, 1000, 1000)
    for cell in (37.0, 100.0, 2500.0):
        found = both(
            [region, chain, once], [[once], list(chain.geoms), polygons_of(both_holes), [diamond]], cell_m=cell
        )
        rows = rows_of(found)
        assert rows[2, -1, (3, 0, 0, 0)] == pytest.approx(20_000)
        assert rows[2, -1, (3, 0, 3, 0)] == pytest.approx(120_000)
        assert rows[1, -1, (0, 3, 0, 0)] == pytest.approx(280_000)
        assert (0, -1, (0, 0, 0, 3)) in rows


def test_repeated_and_needless_vertices_change_nothing() -> None:
    plain = shapely.Polygon([(EAST, NORTH), (EAST + 700, NORTH), (EAST + 300, NORTH + 900)])
    dense = shapely.segmentize(plain, 7.0)
    doubled = shapely.Polygon(np.repeat(shapely.get_coordinates(plain), 3, axis=0))
    assert doubled.is_valid
    region = box(0, 0, 1000, 1000)
    for cell in (10.0, 100.0, 3000.0):
        rows = rows_of(both([region], [[plain], [doubled], [dense]], cell_m=cell))
        expected = {(0, -1, (3, 3, 3)): plain.area, (0, -1, (0, 0, 0)): 1e6 - plain.area}
        assert differences(rows, expected) == {}


def test_heights_in_the_coordinates_are_ignored() -> None:
    zone = shapely.force_3d(box(100, 100, 300, 300), 7.0)
    rows = rows_of(both([shapely.force_3d(box(0, 0, 1000, 1000), -3.0)], [[zone]], split=[shapely.force_3d(zone, 1.0)]))
    assert rows == {(0, -1, (0,)): pytest.approx(960_000), (0, 0, (3,)): pytest.approx(40_000)}


@pytest.mark.parametrize("count", [1, 3])
def test_an_empty_region_has_no_rows(count: int) -> None:
    regions = [shapely.Polygon(), box(0, 0, 10, 10), shapely.MultiPolygon()][:count]
    found = both(regions, [[box(0, 0, 5, 5)]])
    assert set(found.region.tolist()) == ({1} if count > 1 else set())


def test_an_empty_part_holds_nothing() -> None:
    rows = rows_of(both([box(0, 0, 10, 10)], [], split=[shapely.Polygon(), box(0, 0, 5, 10)]))
    assert rows == {(0, -1, ()): pytest.approx(50), (0, 1, ()): pytest.approx(50)}


def redrawn(shape: Shape, random: Random) -> Shape:
    """The same polygons, some rings the other way around and begun at another corner."""
    polygons = []
    for polygon in shapely.get_parts(shape):
        rings = []
        for ring in shapely.get_rings(polygon):
            corners = shapely.get_coordinates(ring)[:-1]
            turned = np.roll(corners, random.randrange(len(corners)), axis=0)[:: random.choice([1, -1])]
            rings.append(np.append(turned, turned[:1], axis=0))
        polygons.append(shapely.Polygon(rings[0], rings[1:]))
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


@given(scenes(), st.sampled_from(BANDS), st.randoms(use_true_random=False))
def test_only_the_question_matters(scene: Scene, band_rows: int, random: Random) -> None:
    """Not the number of threads, and but for rounding not the bands, the order, nor how a ring is drawn."""
    found = scene.ask(workers=1)
    for workers in (2, 3):
        assert_identical(scene.ask(workers=workers), found)
    other = Scene(
        [redrawn(shape, random) for shape in scene.regions],
        [[redrawn(shape, random) for shape in random.sample(listed, len(listed))] for listed in scene.layers],
        [redrawn(shape, random) for shape in scene.split],
        scene.cell_m,
        band_rows,
    )
    assert_same(other.ask(), found)


@pytest.mark.parametrize("width", [5e-324, 2e-313, 1e-305, 1e-200, 1e-30])
def test_a_spike_thinner_than_any_number_has_no_area(width: float) -> None:
    """On the axis doubles lie so close together that the slope of such a spike is no finite number."""
    region = shapely.box(0, 0, 1000, 1000)
    spike = shapely.Polygon([(0, 100), (0, 900), (width, 900)])
    for layers in ([[spike]], [[spike], [box(0, 0, 1, 1)]], [[spike], [shapely.box(0, 0, 500, 500)]]):
        found = exact.joint_areas([region], encoding_of(layers, [aligned(1000.0)]), cell_m=1000.0)
        assert found.area_m2.sum() == pytest.approx(1e6, rel=1e-12)
        assert not found.presence[:, 0].any()


@pytest.mark.parametrize("is_turned", [False, True])
def test_an_edge_that_rounding_puts_just_past_the_grid_is_not_missed(is_turned: bool) -> None:
    """(east - west) / cell is below 348, and (east - west) * (1 / cell) is not: the edge lies in no column."""
    cell, west, east = 33.3, 13_000.0, 24_588.399999999998
    assert math.floor((east - west) / cell) < math.floor((east - west) * (1 / cell)) == 348
    sides = (west, west, east, west + 500) if not is_turned else (west, west, west + 500, east)
    region, zone = shapely.box(*sides), shapely.box(*shapely.box(*sides).buffer(100).bounds)
    encoding = encoding_of([[zone]], [aligned(cell, west, west)])
    for regions in ([region], [region, shapely.box(west, west, west + 40, west + 40)]):
        grid = exact.grid_for(region.bounds, 0, encoding, cell)
        assert (grid.rows if is_turned else grid.columns) == 348
        found = exact.joint_areas(regions, encoding, cell_m=cell)
        assert found.area_m2[0] == pytest.approx(region.area, rel=1e-12)


def test_several_threads_may_ask_at_a_time() -> None:
    encoding = encoding_of([[shape] for shape in tangles(10, 12, 600, 1000)])
    questions = [[box(0, 0, 100 * i, 1000), box(50, 50, 500, 90 * i)] for i in range(1, 9)]
    expected = [exact.joint_areas(regions, encoding) for regions in questions]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda regions: exact.joint_areas(regions, encoding), questions * 4))
    for one, other in zip(found, expected * 4, strict=True):
        assert_identical(one, other)


@pytest.mark.parametrize("band_rows", [3, 12])
def test_a_band_of_a_number_of_rows_that_is_no_power_of_two_is_refused(band_rows: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        exact.joint_areas([box(0, 0, 100, 100)], encoding_of([]), band_rows=band_rows)


# Rasters -----------------------------------------------------------------------------------


def raster(
    rng: np.random.Generator,
    cell: float,
    keys: Sequence[int],
    outside: int = -1,
    size: tuple[int, int] = (8, 8),
    west: float = EAST,
    north: float = NORTH + 2000,
) -> RasterPlane:
    """Cells with classes in blotches."""
    codes = rng.integers(0, len(keys), size, np.int16)
    return RasterPlane(np.repeat(codes, 2, axis=1)[:, : size[1]], tuple(keys), outside, west, north, cell)


def class_areas(found: JointAreas) -> dict[int, float]:
    """Square metres by evidence key."""
    is_in = found.presence_of_rows == 3
    return {key: float(found.area_m2[is_in[:, key]].sum()) for key in range(is_in.shape[1])}


def test_cells_of_a_raster_count_whole() -> None:
    """Four cells of 1 km; a region of which they hold a quarter each, and one that reaches past the raster."""
    plane = RasterPlane(np.array([[0, 1], [1, 2]], np.int16), (0, 1, 2), 3, EAST, NORTH + 2000, 1000.0)
    regions = [box(500, 500, 1500, 1500), box(-500, 0, 1000, 3000)]
    encoding = encoding_of([], [plane])
    for find in (exact.joint_areas, geos.joint_areas):
        assert rows_of(find(regions, encoding)) == pytest.approx(
            {
                (0, -1, (3, 0, 0, 0)): 250_000,
                (0, -1, (0, 3, 0, 0)): 500_000,
                (0, -1, (0, 0, 3, 0)): 250_000,
                (1, -1, (3, 0, 0, 0)): 1_000_000,
                (1, -1, (0, 3, 0, 0)): 1_000_000,
                (1, -1, (0, 0, 0, 3)): 2_500_000,
            }
        )


@pytest.mark.parametrize("outside", [-1, 9])
def test_rasters_of_several_sizes_and_polygons_make_combinations_together(outside: int) -> None:
    rng = np.random.default_rng(5)
    rasters = [
        raster(rng, 100.0, (2, 3, -1), size=(20, 25)),
        raster(rng, 250.0, (4, 5), outside, size=(6, 6), west=EAST + 500),
        raster(rng, 1000.0, (6, 7, 8), outside, size=(3, 2), west=EAST - 1000, north=NORTH + 3000),
        raster(rng, 250.0, (8, 2), size=(6, 6), west=EAST + 500),
    ]
    encoding = encoding_of([tangles(6, 4, 900, 2000), tangles(7, 4, 500, 2000)], rasters)
    regions = [box(0, 0, 2000, 2000), *tangles(8, 2, 1500, 2000), box(250, 300, 1250, 1750)]
    expected = geos.joint_areas(regions, encoding, split=[box(700, -100, 1800, 2600)])
    assert len(expected.presence) > 70
    for cell, workers in ((None, 2), (20.0, 1), (5000.0, 1)):
        found = exact.joint_areas(regions, encoding, split=[box(700, -100, 1800, 2600)], cell_m=cell, workers=workers)
        assert_same(found, expected)


def test_a_raster_that_does_not_fit_the_others_is_handled_by_its_outlines() -> None:
    rng = np.random.default_rng(9)
    fitting, other = raster(rng, 100.0, (0, 1), size=(20, 20)), raster(rng, 333.3, (2, 3), 4, size=(5, 5))
    shifted = raster(rng, 100.0, (5, 6), size=(15, 15), west=EAST + 13.0, north=NORTH + 1913.0)
    crooked = raster(rng, 1000 / 3, (7, 8), 9, size=(5, 5), west=EAST + 1 / 3)
    encoding = encoding_of([], [fitting, other, shifted, crooked])
    kept = rasterstack.fitted(encoding, exact.SMALLEST_CELL_M)
    assert kept.rasters == (fitting,)
    assert {2, 3, 4, 5, 6, 7, 8, 9} <= set(kept.polygon_key.tolist())
    regions = [box(-200, 0, 2100, 2000), box(400, 400, 700, 1500)]
    for chosen in ([other], [crooked], [fitting, other], [fitting, shifted], [fitting, other, shifted, crooked]):
        few = encoding_of([[], []], chosen)
        assert_same(exact.joint_areas(regions, few), geos.joint_areas(regions, few))


def test_the_common_cell_divides_every_size_and_every_shift() -> None:
    def common(*rasters: tuple[float, float, float]) -> float:
        return rasterstack.common_cell([aligned(cell, west, north) for cell, west, north in rasters])

    assert common((100, 0, 0), (250, 0, 0), (1000, 0, 0)) == 50
    assert common((100, 25, 0), (250, 0, 0)) == 25
    assert common((100, 0, 0), (100, 0, 12.5)) == 12.5
    assert common((0.5, 150_000.5, 450_000), (25, 150_000, 450_000)) == 0.5
    assert common((333.3, 0, 0)) == 333.3
    assert common((1000 / 3, 0, 0)) == 0
    assert common((100, 0, 0), (100, 1 / 3, 0)) == 0


@given(st.data())
def test_any_rasters_have_the_areas_that_geos_finds(data: st.DataObject) -> None:
    """Regions and polygons along the edges of cells, a hair beside them, and across."""
    scene = data.draw(scenes(most_layers=3, most_shapes=2))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    west, south, east, north = scene.regions[0].bounds
    grid = exact.grid_for(scene.regions[0].bounds, 0, encoding_of([]), scene.cell_m)
    rasters = []
    for _ in range(data.draw(st.integers(1, 3))):
        cell = scene.cell_m * data.draw(st.sampled_from([1.0, 2.0, 0.5, 1 / 3]))
        shift = data.draw(st.sampled_from([0.0, 1.0, 0.25, 1e-3]))
        size = (data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6)))
        keys = tuple(data.draw(st.lists(st.integers(-1, 5), min_size=1, max_size=4)))
        codes = rng.integers(0, len(keys), size).astype(np.int16)
        corner = (grid.west + shift * cell, grid.south + data.draw(st.integers(0, 6)) * cell)
        rasters.append(RasterPlane(codes, keys, data.draw(st.integers(-1, 5)), *corner, cell))
    encoding = encoding_of(scene.layers, rasters)
    expected = geos.joint_areas(scene.regions, encoding, split=scene.split)
    cell_m = data.draw(st.sampled_from([None, scene.cell_m, 10 * scene.cell_m]))
    found = exact.joint_areas(scene.regions, encoding, split=scene.split, cell_m=cell_m, band_rows=scene.band_rows)
    assert_well_formed(found)
    edges = np.array([*scene.regions, *scene.split, *rasterstack.outlined(encoding).polygons])
    assert differences(rows_of(found), rows_of(expected), geos.GRIDS_M[-1] * shapely.length(edges).sum()) == {}


def test_a_raster_far_away_is_the_outside_of_it() -> None:
    far = aligned(100.0, 0.0, 0.0)
    far = replace(far, outside_key=1, code_keys=(0,))
    found = exact.joint_areas([box(0, 0, 100, 100)], encoding_of([], [far]))
    assert rows_of(found) == {(0, -1, (0, 3)): pytest.approx(10_000)}


def test_more_raster_classes_than_a_number_can_hold_go_by_their_outlines() -> None:
    keys = (0,) * 255
    rasters = [RasterPlane(np.zeros((1, 1), np.int16), keys, -1, EAST, NORTH + 100, 100.0) for _ in range(8)]
    encoding = encoding_of([[box(0, 0, 10, 10)]], rasters)
    kept = fitted(encoding, exact.SMALLEST_CELL_M)
    assert 0 < len(kept.rasters) < 8
    assert len(kept.polygons) > len(encoding.polygons)
    assert_same(exact.joint_areas([box(0, 0, 150, 100)], encoding), geos.joint_areas([box(0, 0, 150, 100)], encoding))


# The start set and real files ----------------------------------------------------------------


def assert_complete(found: JointAreas, regions: Sequence[Shape]) -> None:
    """Every region has its whole area."""
    total = np.bincount(found.region, found.area_m2, len(regions))
    assert total == pytest.approx(shapely.area(np.array(regions)), rel=1e-9, abs=1e-3 * len(found.presence))


def test_the_start_set_has_the_areas_that_geos_finds(explorer: Explorer) -> None:
    regions = list(explorer.regions.municipalities.geometry)
    encoding, _ = explorer.encoded.of()
    assert len(regions) == 342
    found = exact.joint_areas(regions, encoding)
    assert_same(found, geos.joint_areas(regions, encoding))
    assert_complete(found, regions)
    assert len(found.area_m2) > 10_000
    assert_identical(exact.joint_areas(regions, encoding, workers=1), found)
    fine = exact.joint_areas(regions, encoding, cell_m=400.0, band_rows=64)
    assert_same(fine, found)


def test_provinces_split_by_municipality_are_the_sums_of_municipalities(explorer: Explorer) -> None:
    """Province and municipality drawn apart, as the second division, and together."""
    frame = explorer.regions.municipalities
    encoding, _ = explorer.encoded.of()
    chosen = frame[frame["province"].isin(["PV20", "PV22"])]
    provinces = [shapely.union_all(group.to_numpy()) for _, group in chosen.geometry.groupby(chosen["province"])]
    split = exact.joint_areas(provinces, encoding, split=list(chosen.geometry))
    apart = exact.joint_areas(list(chosen.geometry), encoding)
    province = {code: i for i, code in enumerate(sorted(set(chosen["province"])))}
    expected = {
        (province[chosen["province"].iloc[region]], region, combination): area
        for (region, _, combination), area in rows_of(apart).items()
    }
    assert differences(rows_of(split), expected, 0.1) == {}
    assert_complete(split, provinces)


@pytest.mark.real_data
def test_real_files_have_the_areas_that_geos_finds(real_data: Path, tmp_path: Path) -> None:
    """The recipe of the documentation, in the municipalities of Groningen."""
    recipe = intake.read_recipe(ROOT / "docs" / "recipes" / "real-data.toml", real_data)
    intake.run(recipe, tmp_path / "werkmap", save=True)
    real = open_explorer(tmp_path / "werkmap")
    frame = real.regions.municipalities
    regions = list(frame[frame["province"] == "PV20"].geometry)
    assert len(regions) == 10
    encoding, _ = real.encoded.of(shapely.union_all(np.array(regions)))
    found = exact.joint_areas(regions, encoding)
    assert_same(found, geos.joint_areas(regions, encoding))
    assert_complete(found, regions)
    assert len(found.area_m2) > 1000

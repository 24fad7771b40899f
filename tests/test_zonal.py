"""Zonal statistics: regions drawn on paper, exactextract and numpy as oracles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from dgdo_geo.overlay import zonal
from dgdo_geo.overlay.zonal import Grid, ZonalStatistics, ZonalWeights, load, save, statistics, weights

NAN = float("nan")
PAPER = Grid(0.0, 4.0, 1.0, 4, 4)
"""Four by four cells of one metre."""
VALUES = np.arange(1.0, 17.0).reshape(4, 4)
"""1 to 4 in the northern row, 13 to 16 in the southern one."""
EAST, NORTH = 150_000.0, 450_000.0
GRID = Grid(EAST, NORTH + 1000, 100.0, 10, 10)


def stats(
    regions: Sequence[shapely.Geometry], values: NDArray[np.float64] = VALUES, percents: Sequence[float] = (10, 50, 90)
) -> ZonalStatistics:
    return statistics(weights(regions, PAPER), values, percents)


# On paper ----------------------------------------------------------------------------------


def test_one_whole_cell_gives_its_value() -> None:
    found = stats([shapely.box(1, 2, 2, 3)])
    assert found.mean.tolist() == [6]
    assert found.percentiles.tolist() == [[6, 6, 6]]
    assert (found.minimum.tolist(), found.maximum.tolist()) == ([6], [6])
    assert (found.covered_m2.tolist(), found.covered_share.tolist()) == ([1], [1])
    assert found.percents == (10, 50, 90)


def test_cells_count_for_the_part_of_them_that_lies_in_the_region() -> None:
    """A quarter of 13, a half of 14 and three quarters of 15."""
    region = shapely.union_all([shapely.box(0, 0, 0.25, 1), shapely.box(1, 0, 1.5, 1), shapely.box(2, 0, 2.75, 1)])
    found = stats([region], percents=(0, 16, 17, 49, 51, 100))
    assert found.covered_m2.tolist() == [1.5]
    assert found.mean[0] == pytest.approx((0.25 * 13 + 0.5 * 14 + 0.75 * 15) / 1.5, rel=1e-12)
    # The area with at most 13 is a sixth, with at most 14 a half.
    assert found.percentiles.tolist() == [[13, 13, 14, 14, 15, 15]]
    assert (found.minimum[0], found.maximum[0]) == (13, 15)


def test_a_percentage_that_is_exactly_reached_gives_the_lower_value() -> None:
    found = stats([shapely.box(0, 0, 4, 1)], percents=(24.9, 25, 25.1, 50, 75, 75.1))
    assert found.percentiles.tolist() == [[13, 13, 14, 14, 15, 16]]


def test_a_share_in_single_precision_still_reaches_its_percentage() -> None:
    """0.1 and 0.2 of a cell are 30 % of 0.1 + 0.2 + 0.3 + 0.4, though none of these can be written exactly."""
    region = shapely.union_all([shapely.box(i, 0, i + (i + 1) / 10, 1) for i in range(4)])
    found = stats([region], percents=(10, 10.1, 30, 30.1, 60, 60.1))
    assert found.percentiles.tolist() == [[13, 14, 14, 15, 15, 16]]


def test_a_sliver_of_a_cell_counts_for_the_extremes_and_nothing_else() -> None:
    found = stats([shapely.box(0, 0, 1 + 1e-7, 1)], percents=(50, 99.9, 100))
    assert (found.minimum[0], found.maximum[0]) == (13, 14)
    assert found.percentiles.tolist() == [[13, 13, 14]]
    assert found.mean[0] == pytest.approx(13, abs=1e-6)


def test_the_order_of_the_percentages_is_kept() -> None:
    assert stats([shapely.box(0, 0, 4, 1)], percents=(90, 10)).percentiles.tolist() == [[16, 13]]
    assert stats([shapely.box(0, 0, 4, 1)], percents=()).percentiles.shape == (1, 0)


def test_no_data_are_left_out_and_said() -> None:
    values = VALUES.copy()
    values[3, 0] = NAN
    found = stats([shapely.box(0, 0, 2, 1)], values)
    assert found.mean.tolist() == [14]
    assert found.percentiles.tolist() == [[14, 14, 14]]
    assert (found.minimum[0], found.maximum[0]) == (14, 14)
    assert (found.covered_m2[0], found.covered_share[0]) == (1, 0.5)


@pytest.mark.parametrize(
    ("region", "values"),
    [
        (shapely.box(10, 10, 11, 12), VALUES),
        (shapely.box(4, 0, 5, 4), VALUES),
        (shapely.box(1, 1, 3, 3), np.full((4, 4), NAN)),
        (shapely.box(0, 0, 1, 1), np.where(VALUES == 13, NAN, VALUES)),
    ],
    ids=["outside the grid", "along the grid", "no data at all", "in the no data"],
)
def test_where_there_are_no_data_there_is_no_answer(region: shapely.Geometry, values: NDArray[np.float64]) -> None:
    found = stats([shapely.box(1, 1, 2, 2), region], values)
    for one in (found.mean, found.minimum, found.maximum):
        assert np.isnan(one[1])
    assert np.isnan(found.percentiles[1]).all()
    assert (found.covered_m2[1], found.covered_share[1]) == (0, 0)


def test_a_region_partly_outside_the_grid_is_covered_in_part() -> None:
    found = stats([shapely.box(3, -1, 5, 1)])
    assert (found.mean[0], found.covered_m2[0], found.covered_share[0]) == (16, 1, 0.25)


def test_regions_may_overlap_and_have_parts_and_holes() -> None:
    whole = shapely.box(0, 0, 4, 4)
    ring = whole.difference(shapely.box(1, 1, 3, 3))
    parts = shapely.union_all([shapely.box(0, 0, 1, 1), shapely.box(3, 3, 4, 4)])
    found = stats([whole, ring, parts, whole])
    assert found.mean.tolist() == [8.5, 8.5, 8.5, 8.5]
    assert found.covered_m2.tolist() == [16, 12, 2, 16]
    assert (found.minimum[2], found.maximum[2]) == (4, 13)


def test_without_regions_there_are_no_rows() -> None:
    found = stats([])
    assert found.mean.shape == found.covered_share.shape == (0,)
    assert found.percentiles.shape == (0, 3)


def test_regions_may_come_from_a_geoseries() -> None:
    regions = gpd.GeoSeries([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], index=["a", "b"], crs=28992)
    assert statistics(weights(regions, PAPER), VALUES).mean.tolist() == [13, 14]


def test_numbers_of_float32_are_summed_in_double_precision() -> None:
    values = np.full((4, 4), 16_777_216.0, np.float32)
    values[0, 0] = 0
    found = stats([shapely.box(0, 0, 4, 4)], values)  # type: ignore[arg-type]
    assert found.mean[0] == pytest.approx(16_777_216 * 15 / 16, rel=1e-14)


# Oracles -----------------------------------------------------------------------------------


def by_exactextract(
    regions: Sequence[shapely.Geometry], values: NDArray[np.float64], grid: Grid, ops: Sequence[str]
) -> NDArray[np.float64]:
    """Exactextract itself, feature by feature, on the raster with its no data."""
    frame = gpd.GeoDataFrame(geometry=list(regions), crs=28992)
    south, east = grid.north_m - grid.rows * grid.cell_m, grid.west_m + grid.columns * grid.cell_m
    source = NumPyRasterSource(values, grid.west_m, south, east, grid.north_m, srs_wkt=frame.crs.to_wkt())
    found = exact_extract(source, frame, list(ops), output="pandas", strategy="feature-sequential")
    return found.to_numpy(np.float64, na_value=NAN)


def blobs(count: int, seed: int) -> list[shapely.Geometry]:
    """Stars with ragged edges over the grid, some across its edge."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        x, y = random.uniform([EAST, NORTH], [EAST + 1000, NORTH + 1000])
        angle = np.linspace(0, 2 * np.pi, 23, endpoint=False)
        radius = random.uniform(40, 400) * random.uniform(0.4, 1, 23)
        found.append(shapely.Polygon(np.c_[x + radius * np.cos(angle), y + radius * np.sin(angle)]))
    return found


def test_on_every_raster_of_the_grid_it_is_what_exactextract_says() -> None:
    """The weights are made once; five rasters with other no data follow."""
    regions = blobs(60, seed=3)
    zones = weights(regions, GRID)
    assert zones.area_m2.tolist() == pytest.approx([region.area for region in regions])
    for seed, empty in enumerate((0.0, 0.3, 0.7, 0.99, 1.0)):
        random = np.random.default_rng(seed)
        values = random.normal(50, 20, (10, 10))
        values[random.random((10, 10)) < empty] = NAN
        expected = by_exactextract(regions, values, GRID, ["mean", "min", "max", "count"])
        found = statistics(zones, values, ())
        ours = np.stack([found.mean, found.minimum, found.maximum, found.covered_m2 / 100**2], axis=1)
        assert np.array_equal(np.isnan(ours), np.isnan(expected))
        np.testing.assert_allclose(ours, expected, rtol=1e-12, equal_nan=True)


def test_weights_from_a_raster_with_no_data_would_be_wrong() -> None:
    """Why the weights are made without values: exactextract leaves out the cells without data."""
    values = np.where(VALUES == 13, NAN, VALUES)
    south_west = shapely.box(0, 0, 2, 1)
    listed = by_exactextract([south_west], values, PAPER, ["count"])
    assert listed[0, 0] == 1
    assert weights([south_west], PAPER).matrix.nnz == 2


def test_percentiles_are_those_of_numpy_with_the_same_weights() -> None:
    regions = [
        region for region in blobs(40, seed=4) if shapely.box(EAST, NORTH, EAST + 1000, NORTH + 1000).contains(region)
    ]
    assert len(regions) > 5
    zones = weights(regions, GRID)
    random = np.random.default_rng(5)
    values = random.integers(0, 40, (10, 10)).astype(float)
    values[random.random((10, 10)) < 0.2] = NAN
    percents = (0, 1, 10, 33.3, 50, 77.7, 90, 99, 100)
    found = statistics(zones, values, percents)
    for i, row in enumerate(zones.matrix.toarray()):
        is_there = (row > 0) & ~np.isnan(values.ravel())
        expected = np.quantile(
            values.ravel()[is_there], np.array(percents) / 100, weights=row[is_there], method="inverted_cdf"
        )
        assert found.percentiles[i].tolist() == expected.tolist()


def test_percentiles_lie_within_one_value_of_those_of_exactextract() -> None:
    """It interpolates (the point of value k lies within its share of the area), so it gives a neighbour at most."""
    regions = blobs(60, seed=6)
    zones = weights(regions, GRID)
    values = np.random.default_rng(7).permutation(100).reshape(10, 10).astype(float)
    values[values < 10] = NAN
    percents = (10, 25, 50, 75, 90)
    ops = [f"quantile(q={p / 100})" for p in percents]
    theirs = by_exactextract(regions, values, GRID, ops)
    found = statistics(zones, values, percents)
    looked = 0
    for i, row in enumerate(zones.matrix.toarray()):
        own = np.sort(values.ravel()[(row > 0) & ~np.isnan(values.ravel())])
        place = np.searchsorted(own, found.percentiles[i])
        assert (own[np.maximum(place - 1, 0)] <= theirs[i] + 1e-9).all()
        assert (theirs[i] - 1e-9 <= own[np.minimum(place + 1, len(own) - 1)]).all()
        looked += len(own) > 2
    assert looked > 20


# Properties --------------------------------------------------------------------------------

inner = st.floats(1, 999)
outer = st.floats(-500, 1500)


def shapes(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[shapely.Geometry]:
    return (
        st.lists(st.tuples(numbers, numbers), min_size=3, max_size=9, unique=True)
        .map(lambda points: shapely.MultiPoint(points).convex_hull)
        .filter(lambda shape: shape.geom_type == "Polygon" and shape.area > 1)
        .map(lambda shape: shapely.transform(shape, lambda xy: xy + [EAST, NORTH]))
        .filter(lambda shape: bool(shape.is_valid))
    )


bands = arrays(np.float64, (10, 10), elements=st.one_of(st.floats(-1e6, 1e6), st.just(NAN)))


@given(st.lists(shapes(inner), min_size=1, max_size=5))
def test_inside_the_grid_the_weights_sum_to_the_area(regions: list[shapely.Geometry]) -> None:
    zones = weights(regions, GRID)
    assert zones.matrix.sum(axis=1).ravel().tolist()[0] == pytest.approx([r.area for r in regions], rel=1e-6, abs=0.01)
    assert (zones.matrix.data > 0).all()
    assert (zones.matrix.data <= GRID.cell_m**2).all()


@given(shapes(outer))
def test_outside_the_grid_the_weights_sum_to_the_part_in_it(region: shapely.Geometry) -> None:
    window = shapely.box(EAST, NORTH, EAST + 1000, NORTH + 1000)
    zones = weights([region], GRID)
    assert zones.matrix.sum() == pytest.approx(region.intersection(window).area, rel=1e-6, abs=0.01)
    found = statistics(zones, np.zeros((10, 10)))
    share = region.intersection(window).area / region.area
    assert found.covered_share[0] == pytest.approx(share, rel=1e-6, abs=1e-6)
    assert found.covered_share[0] <= 1


@given(shapes(outer), st.floats(-1e9, 1e9), st.sets(st.integers(0, 99), max_size=60))
def test_of_a_constant_everything_is_that_constant(region: shapely.Geometry, value: float, empty: set[int]) -> None:
    values = np.full(100, value)
    values[list(empty)] = NAN
    found = statistics(weights([region], GRID), values.reshape(10, 10))
    if found.covered_m2[0] > 0:
        assert {found.mean[0], found.minimum[0], found.maximum[0], *found.percentiles[0]} == {value}
    else:
        assert np.isnan([found.mean[0], found.minimum[0], found.maximum[0], *found.percentiles[0]]).all()


@given(st.lists(shapes(outer), min_size=2, max_size=6), bands, st.randoms(use_true_random=False))
def test_the_order_of_the_regions_does_not_matter(
    regions: list[shapely.Geometry], values: NDArray[np.float64], random: object
) -> None:
    order = list(range(len(regions)))
    random.shuffle(order)  # type: ignore[attr-defined]
    one = statistics(weights(regions, GRID), values)
    other = statistics(weights([regions[i] for i in order], GRID), values)
    for name in ("mean", "percentiles", "minimum", "maximum", "covered_m2", "covered_share"):
        assert np.array_equal(getattr(one, name)[order], getattr(other, name), equal_nan=True), name


@given(shapes(outer), bands, st.lists(st.floats(0, 100), min_size=1, max_size=5).map(sorted))
def test_statistics_are_in_order(region: shapely.Geometry, values: NDArray[np.float64], percents: list[float]) -> None:
    found = statistics(weights([region], GRID), values, percents)
    assert 0 <= found.covered_share[0] <= 1
    if np.isnan(found.mean[0]):
        assert found.covered_m2[0] == 0
        return
    assert found.minimum[0] <= found.mean[0] <= found.maximum[0]
    row = [found.minimum[0], *found.percentiles[0], found.maximum[0]]
    assert row == sorted(row)
    assert set(found.percentiles[0]) <= set(values[~np.isnan(values)])


# Bad input ---------------------------------------------------------------------------------

BOX = shapely.box(0, 0, 1, 1)
with np.errstate(invalid="ignore"):
    WITH_NAN = shapely.Polygon([(0, 0), (1, 0), (NAN, 1)])
    ENDLESS = shapely.Polygon([(0, 0), (1, 0), (np.inf, 1)])


@pytest.mark.parametrize(
    ("region", "words"),
    [
        (None, "missing"),
        (shapely.Polygon(), "empty"),
        (shapely.MultiPolygon(), "empty"),
        (shapely.Point(1, 1), "not a polygon"),
        (shapely.LineString([(0, 0), (1, 1)]), "not a polygon"),
        (shapely.GeometryCollection([BOX]), "not a polygon"),
        (WITH_NAN, "not finite|invalid"),
        (ENDLESS, "not finite|invalid"),
        (shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), "invalid"),
    ],
)
def test_regions_that_cannot_be_are_refused(region: shapely.Geometry, words: str) -> None:
    with pytest.raises(ValueError, match=rf"regions.*({words}).*positions \[1\]"):
        weights([BOX, region, BOX], PAPER)


@pytest.mark.parametrize("values", [VALUES[:3], VALUES.ravel(), VALUES[None], np.zeros((0, 0))])
def test_values_of_another_shape_are_refused(values: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match=r"on a grid of shape \(4, 4\)"):
        stats([BOX], values)


def test_infinite_values_are_refused() -> None:
    with pytest.raises(ValueError, match="infinite"):
        stats([BOX], np.where(VALUES == 1, -np.inf, VALUES))


@pytest.mark.parametrize("percent", [-0.1, 100.1, NAN])
def test_percentages_lie_between_0_and_100(percent: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        stats([BOX], percents=(50, percent))


# On disk -----------------------------------------------------------------------------------

REGIONS = [shapely.box(0, 0, 2.5, 1.5), shapely.box(9, 9, 10, 10), shapely.box(1, 1, 4, 4)]


def same(one: ZonalWeights | None, other: ZonalWeights) -> bool:
    return (
        one is not None
        and one.grid == other.grid
        and one.made_of == other.made_of
        and one.area_m2.tolist() == other.area_m2.tolist()
        and one.matrix.shape == other.matrix.shape
        and one.matrix.toarray().tolist() == other.matrix.toarray().tolist()
    )


def test_weights_come_back_as_they_were(tmp_path: Path) -> None:
    zones, path = weights(REGIONS, PAPER), tmp_path / "folder" / "zones.npz"
    save(zones, path)
    assert same(load(path, REGIONS, PAPER), zones)
    assert [p.name for p in path.parent.iterdir()] == ["zones.npz"]
    save(weights([], PAPER), path)
    assert same(load(path, [], PAPER), weights([], PAPER))


@pytest.mark.parametrize(
    ("regions", "grid"),
    [
        (REGIONS[::-1], PAPER),
        (REGIONS[:2], PAPER),
        ([*REGIONS[:2], shapely.box(1, 1, 4, 4.001)], PAPER),
        (REGIONS, replace(PAPER, west_m=0.5)),
        (REGIONS, replace(PAPER, cell_m=2.0)),
        (REGIONS, Grid(0.0, 4.0, 1.0, 2, 8)),
    ],
)
def test_weights_of_other_regions_or_another_grid_are_made_anew(
    regions: list[shapely.Geometry], grid: Grid, tmp_path: Path
) -> None:
    path = tmp_path / "zones.npz"
    save(weights(REGIONS, PAPER), path)
    assert load(path, regions, grid) is None


def test_weights_of_another_format_are_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "zones.npz"
    save(weights(REGIONS, PAPER), path)
    monkeypatch.setattr(zonal, "FORMAT", zonal.FORMAT + 1)
    assert load(path, REGIONS, PAPER) is None


def test_a_file_that_is_not_there_or_not_ours_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "zones.npz"
    assert load(path, REGIONS, PAPER) is None
    for content in (b"", b"not a zip file", b"PK\x03\x04"):
        path.write_bytes(content)
        assert load(path, REGIONS, PAPER) is None
    np.savez(path, something=np.zeros(3))
    assert load(path, REGIONS, PAPER) is None
    np.savez(path, made_of=np.array([object()], object))
    assert load(path, REGIONS, PAPER) is None
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    assert load(path, REGIONS, PAPER) is None
    path.unlink()
    path.mkdir()
    assert load(path, REGIONS, PAPER) is None


def test_damage_anywhere_in_the_file_is_noticed(tmp_path: Path) -> None:
    """Every byte in turn is changed, and the file is cut at every length: it comes back as it was, or not at all."""
    zones, path = weights(REGIONS, PAPER), tmp_path / "zones.npz"
    save(zones, path)
    whole = path.read_bytes()
    refused = 0
    for i in range(0, len(whole), 3):
        for damaged in (whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :], whole[:i]):
            path.write_bytes(damaged)
            found = load(path, REGIONS, PAPER)
            refused += found is None
            assert found is None or same(found, zones), i
    assert refused > len(whole) / 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"data": np.full(15, NAN)},
        {"data": np.full(15, -0.5)},
        {"indices": np.full(15, 99, np.int32)},
        {"indices": np.full(15, -1, np.int32)},
        {"indptr": np.array([0, 15], np.int32)},
        {"indptr": np.array([0, 9, 3, 15], np.int32)},
        {"data": np.full(15, 1.1)},
        {"data": np.ones(15, np.float32)},
        {"data": np.array([object()] * 15)},
    ],
    ids=[
        "nan",
        "negative",
        "cell too high",
        "cell below zero",
        "rows missing",
        "rows out of order",
        "more than a cell",
        "single precision",
        "objects",
    ],
)
def test_weights_that_do_not_hold_together_are_made_anew(wrong: dict[str, NDArray[np.generic]], tmp_path: Path) -> None:
    zones, path = weights(REGIONS, PAPER), tmp_path / "zones.npz"
    save(zones, path)
    with np.load(path) as stored:
        parts = dict(stored)
    assert len(parts["data"]) == 15
    right = {name: parts[name] for name in wrong}
    parts.update(wrong)
    np.savez(path, **parts)
    assert load(path, REGIONS, PAPER) is None
    np.savez(path, **{**parts, **right})
    assert same(load(path, REGIONS, PAPER), zones)


def test_saving_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zones, path = weights(REGIONS, PAPER), tmp_path / "zones.npz"
    save(zones, path)

    def half(file: object, **_: object) -> None:
        file.write(b"PK half a file")  # type: ignore[attr-defined]
        raise OSError("disk full")

    monkeypatch.setattr(zonal.np, "savez_compressed", half)
    with pytest.raises(OSError, match="disk full"):
        save(zones, path)
    assert same(load(path, REGIONS, PAPER), zones)
    assert [p.name for p in tmp_path.iterdir()] == ["zones.npz"]

"""What changed between two versions of a layer: counts, and the area, against the union of everything."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from worlds import KM2, Feature, frame, line, square

from dgdo_geo import store
from dgdo_geo.intake import freshness
from dgdo_geo.intake.flips import Flip, FlipPlace, Flips
from dgdo_geo.intake.freshness import Changes, Event, Freshness, compare

NAMES = ["a", "b", "c", "d", "e", "f"]


def naive(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> tuple[float, float]:
    """Area that only one of them covers, from the union of everything."""
    one, other = (shapely.union_all(f.geometry.to_numpy()) for f in (old, new))
    return shapely.difference(other, one).area, shapely.difference(one, other).area


def test_every_kind_of_change_is_counted_once() -> None:
    old = frame([Feature(square(x, 0, x + 1, 1)) for x in range(5)], NAMES[:5])
    new = frame(
        [
            Feature(square(0, 0, 1, 1)),  # a stays
            Feature(square(1, 5, 2, 6)),  # b moves
            Feature(square(2, 0, 3, 1), "kern"),  # c gets another class
            Feature(square(3, 0, 4, 1), name="Anders"),  # d gets another name
            Feature(square(5, 0, 6, 1)),  # f is new, e is gone
        ],
        ["a", "b", "c", "d", "f"],
    )
    found = compare(old, new)
    assert (found.added, found.gone, found.moved, found.reclassified, found.altered) == (1, 1, 1, 1, 1)
    assert (found.added_m2, found.gone_m2) == pytest.approx((2 * KM2, 2 * KM2))
    assert not found.is_none


def test_without_an_older_version_everything_is_added() -> None:
    new = frame([Feature(square(0, 0, 2, 1)), Feature(square(2, 0, 3, 1))])
    assert compare(None, new) == Changes(added=2, added_m2=3 * KM2)


def test_what_an_unchanged_neighbour_covers_is_not_gone() -> None:
    """b lay on a; without b, a still covers half of it."""
    old = frame([Feature(square(0, 0, 2, 2)), Feature(square(1, 0, 3, 2))], ["a", "b"])
    found = compare(old, frame([Feature(square(0, 0, 2, 2))], ["a"]))
    assert (found.gone, found.gone_m2, found.added_m2) == (1, pytest.approx(2 * KM2), 0.0)


def test_a_ring_that_begins_elsewhere_has_not_moved() -> None:
    turned = shapely.Polygon(np.roll(np.array(square(0, 0, 1, 1).exterior.coords)[:-1], 1, axis=0))
    old, new = frame([Feature(square(0, 0, 1, 1))], ["a"]), frame([Feature(turned)], ["a"])
    assert compare(old, new).is_none


def test_without_ids_of_the_source_one_feature_more_moves_nothing() -> None:
    """The ids are then the numbers of the rows: all that follow get another one."""
    boxes = [Feature(square(x, 0, x + 1, 1)) for x in range(4)]
    old = frame(boxes, map(str, range(1, 5)))
    new = frame([Feature(square(9, 0, 10, 1)), *boxes], map(str, range(1, 6)))
    found = compare(old, new)
    assert (found.added, found.gone, found.moved, found.altered) == (1, 0, 0, 0)
    assert (found.added_m2, found.gone_m2) == pytest.approx((KM2, 0))


def test_the_same_shape_twice_without_ids_is_two_features() -> None:
    twice = [Feature(square(0, 0, 1, 1))] * 2
    found = compare(frame(twice, ["1", "2"]), frame(twice[:1], ["1"]))
    assert (found.gone, found.added, found.gone_m2) == (1, 0, 0.0)


def test_other_ids_for_the_same_shapes_change_no_area() -> None:
    boxes = [Feature(square(x, 0, x + 1, 1)) for x in range(3)]
    found = compare(frame(boxes, ["a", "b", "c"]), frame(boxes, ["x", "y", "z"]))
    assert (found.added, found.gone, found.added_m2, found.gone_m2) == (3, 3, 0.0, 0.0)


def test_lines_and_points_have_no_area() -> None:
    old = frame([Feature(line((0, 0), (1, 1))), Feature(line((3, 3), (4, 4)))], ["a", "b"])
    new = frame([Feature(line((0, 0), (1, 2))), Feature(line((3, 3), (4, 4)))], ["a", "b"])
    assert compare(old, new) == Changes(moved=1)


def test_a_further_column_that_appears_or_differs_is_counted() -> None:
    old = frame([Feature(square(0, 0, 1, 1)), Feature(square(1, 0, 2, 1))], ["a", "b"])
    new = old.copy()
    assert compare(old, new.assign(jaar=[1, 2])).altered == 2
    assert compare(old.assign(jaar=[1, None]), new.assign(jaar=[1.0, np.nan])).is_none
    assert compare(old.assign(jaar=[1, 2]), new.assign(jaar=[1, 3])).altered == 1
    assert compare(old, new.assign(source="2026-11")).is_none


whole = st.integers(min_value=0, max_value=6)
box = st.tuples(st.sampled_from(NAMES), whole, whole, st.integers(1, 4), st.integers(1, 4))
version = st.lists(box, min_size=1, max_size=6, unique_by=lambda item: item[0])


def drawn(boxes: list[tuple[str, int, int, int, int]]) -> gpd.GeoDataFrame:
    shapes = [Feature(square(x, y, x + w, y + h)) for _, x, y, w, h in boxes]
    return frame(shapes, [name for name, *_ in boxes])


@given(version, version)
def test_any_two_versions_have_the_areas_of_the_union_of_everything(
    old: list[tuple[str, int, int, int, int]], new: list[tuple[str, int, int, int, int]]
) -> None:
    one, other = drawn(old), drawn(new)
    found = compare(one, other)
    assert (found.added_m2, found.gone_m2) == pytest.approx(naive(one, other), rel=1e-12, abs=1e-6)
    numbered = [f.assign(feature_id=[str(i + 1) for i in range(len(f))]) for f in (one, other)]
    again = compare(*numbered)
    assert (again.added_m2, again.gone_m2) == pytest.approx(naive(one, other), rel=1e-12, abs=1e-6)
    assert again.moved == 0


def squares(count: int) -> gpd.GeoDataFrame:
    """So many squares of 100 m side by side, in our schema."""
    side = math.isqrt(count)
    assert side * side == count
    x, y = (a.ravel() * 100.0 for a in np.meshgrid(np.arange(side), np.arange(side)))
    ids = np.array([f"v{i}" for i in range(count)], dtype=object)
    return gpd.GeoDataFrame(
        {
            "feature_id": ids, "name": ids, "class": "zone", "source": "test", "note": "",
            "top_min_m": 0.0, "top_max_m": 0.0, "base_min_m": np.inf, "base_max_m": np.inf, "accuracy_m": np.nan,
        },
        geometry=shapely.box(x, y, x + 100, y + 100),
        crs=28992,
    )  # fmt: skip


def changed(old: gpd.GeoDataFrame, count: int) -> gpd.GeoDataFrame:
    """The same with some squares shrunk to a quarter."""
    new = old.copy()
    shapes = new.geometry.to_numpy().copy()
    chosen = np.linspace(0, len(old) - 1, count).astype(int)
    west, south, _, _ = shapely.bounds(shapes[chosen]).T
    shapes[chosen] = shapely.box(west, south, west + 50, south + 50)
    return new.set_geometry(gpd.array.from_shapely(shapes, crs=old.crs))


def test_a_large_layer_with_few_changes_takes_the_time_of_looking_through_it() -> None:
    """Measured against the union of everything, which takes a few times as long."""
    old = squares(160_000)
    new = changed(old, 400)
    start = time.perf_counter()
    found = compare(old, new)
    taken = time.perf_counter() - start
    start = time.perf_counter()
    expected = naive(old, new)
    assert (found.moved, found.added, found.gone) == (400, 0, 0)
    assert (found.added_m2, found.gone_m2) == pytest.approx(expected, abs=1e-3)
    assert found.gone_m2 == pytest.approx(400 * 7500)
    assert taken < time.perf_counter() - start, "no faster than the union of everything"


# What is kept ------------------------------------------------------------------------------


def test_what_is_kept_of_a_layer_comes_back_as_it_was(tmp_path: Path) -> None:
    opened = store.open_workspace(tmp_path / "w", create=True)
    place = FlipPlace("GM0193", "Zwolle", 3e6)
    row = Flip("outcome", "geothermie", "Geothermie", 500.0, 1250.0, "conditional", "no_unless", 1.2e7, 4, (place,))
    item = Freshness(
        "natura2000",
        "2026-11-24T05:00:00+01:00",
        "changed",
        changes=Changes(added=3, declaration=True),
        history=(Event("2026-11-24T05:00:00+01:00", 3, Changes(added=3)),),
        flips=Flips("compared", "", "2026-11-24", ("natura2000",), ("gemeenten",), (row,)),
        etag='"abc"',
        modified="Mon, 02 Nov 2015 08:00:00 GMT",
        asked="0123",
        product="f" * 64,
    )
    freshness.write(opened, item)
    assert freshness.read(opened.path) == {"natura2000": item}


def test_a_status_of_an_older_program_is_still_read(tmp_path: Path) -> None:
    """Its file has no history, flips or validators."""
    opened = store.open_workspace(tmp_path / "w", create=True)
    path = opened.path / freshness.FOLDER / "natuur.json"
    path.parent.mkdir()
    path.write_text(
        '{"layer": "natuur", "checked": "2026-11-01T10:00:00+01:00", "status": "new", "message_nl": "", '
        '"changed": "2026-11-01T10:00:00+01:00", "source_layer": "x", "features": 3, "bytes": 10, "seconds": 1.5, '
        '"changes": {"added": 3, "gone": 0, "moved": 0, "reclassified": 0, "altered": 0, "added_m2": 5.0, '
        '"gone_m2": 0.0}}',
        encoding="utf-8",
    )
    found = freshness.read(opened.path)["natuur"]
    assert (found.features, found.history, found.flips, found.etag) == (3, (), None, "")
    assert replace(found, changes=Changes()).changes.is_none

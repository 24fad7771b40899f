"""The two overlay engines side by side, and how to compare what they find."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import shapely

from dgdo_geo.model import EvidenceKey, Presence
from dgdo_geo.overlay import exact, geos
from dgdo_geo.overlay.encode import Encoding, RasterPlane
from dgdo_geo.overlay.table import SMALLEST_M2, JointAreas

ENGINES = {"exact": exact.joint_areas, "geos": geos.joint_areas}
both_engines = pytest.mark.parametrize("joint_areas", ENGINES.values(), ids=ENGINES)

Row = tuple[int, int, tuple[int, ...]]
"""Region, part, combination."""
RELATIVE, ABSOLUTE_M2 = 1e-9, SMALLEST_M2 + 1e-6
"""Engines agree to nine digits, or to the area of a row that is too small to keep."""


def rows_of(found: JointAreas) -> dict[Row, float]:
    """Square metres by region, part and combination."""
    keys = zip(found.region.tolist(), found.part.tolist(), map(tuple, found.presence_of_rows.tolist()), strict=True)
    return dict(zip(keys, found.area_m2.tolist(), strict=True))


def assert_well_formed(found: JointAreas) -> None:
    """Rows in order and once each, distinct combinations in order and all used, no area too small to keep."""
    order = list(zip(found.region.tolist(), found.part.tolist(), found.combination.tolist(), strict=True))
    assert order == sorted(set(order))
    combinations = [tuple(row) for row in found.presence.tolist()]
    assert combinations == sorted(set(combinations))
    assert set(found.combination.tolist()) == set(range(len(combinations)))
    assert (found.area_m2 >= SMALLEST_M2).all()
    assert found.presence.dtype == np.int8
    assert found.area_m2.dtype == np.float64
    assert (found.part >= -1).all()


def differences(
    found: dict[Row, float], expected: dict[Row, float], absolute_m2: float = ABSOLUTE_M2
) -> dict[Row, tuple[float, float]]:
    """Rows that are not the same: what was found, and what was expected."""
    limit = max(absolute_m2, ABSOLUTE_M2)
    pairs = {row: (found.get(row, 0.0), expected.get(row, 0.0)) for row in found.keys() | expected.keys()}
    return {row: (a, b) for row, (a, b) in pairs.items() if not abs(a - b) <= max(limit, RELATIVE * max(a, b))}


def assert_same(found: JointAreas, expected: JointAreas) -> None:
    """The same rows: none missing, none invented, areas equal to nine digits."""
    assert_well_formed(found)
    assert_well_formed(expected)
    assert found.presence.shape[1] == expected.presence.shape[1]
    assert differences(rows_of(found), rows_of(expected)) == {}


def assert_identical(found: JointAreas, expected: JointAreas) -> None:
    """Equal to the last bit."""
    for name in ("presence", "region", "part", "combination", "area_m2"):
        a, b = getattr(found, name), getattr(expected, name)
        assert a.dtype == b.dtype, name
        assert a.shape == b.shape, name
        assert a.tobytes() == b.tobytes(), name


def encoding_of(layers: Sequence[Sequence[shapely.Geometry]], rasters: Sequence[RasterPlane] = ()) -> Encoding:
    """Planes of polygons as they are, not joined first; keys of rasters come after those of the layers."""
    polygons = [polygon for listed in layers for polygon in listed]
    key = np.repeat(np.arange(len(layers)), [len(listed) for listed in layers])
    codes = [code for raster in rasters for code in (*raster.code_keys, raster.outside_key)]
    keys = tuple(EvidenceKey(f"l{i}", "c") for i in range(max([len(layers), *(code + 1 for code in codes)])))
    level = np.full(len(polygons), Presence.INSIDE, np.int8)
    return Encoding(keys, (), np.array(polygons, object), key.astype(np.intp), level, tuple(rasters))

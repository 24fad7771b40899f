"""A raster as a layer: its classes, its "no data" and its edge each reach the answer as what they are."""

from __future__ import annotations

import math
from datetime import date

import geopandas as gpd
import numpy as np
import pytest
import shapely
from engines import both_engines
from worlds import Feature, at, frame, layer, square

from dgdo_geo.assess import CAUSES, Firing, rule_outcome
from dgdo_geo.model import (
    NO_DATA,
    OUTSIDE_COVERAGE,
    WHOLE_COLUMN,
    Cause,
    DepthInterval,
    EvidenceTable,
    Layer,
    LayerState,
    LayerStatus,
    Presence,
    Rule,
)
from dgdo_geo.overlay.encode import ClassRaster, encode
from dgdo_geo.overlay.geos import index
from dgdo_geo.overlay.point import presence_at

# Ten by ten cells of a kilometre over Westdorp: the northern half is "zone", but for one cell without data.
CODES = np.zeros((10, 10), np.int16)
CODES[:5] = 1
CODES[0, 0] = 2
RASTER = ClassRaster(
    CODES, (("rest", WHOLE_COLUMN), ("zone", WHOLE_COLUMN), (NO_DATA, WHOLE_COLUMN)), *at(0, 10), 1000.0
)
REGION = square(0, 0, 12, 10)


def declared() -> Layer:
    return layer("kaart", ["rest", "zone"])


def no_number(parameter: str, on: date) -> float:
    raise AssertionError("this rule has no numbers")


@pytest.fixture
def rule(tiny) -> Rule:  # type: ignore[no-untyped-def]
    some = next(r for r in tiny.knowledge.rules if r.layer is not None and r.within is None)
    return some.model_copy(update={"layer": "kaart", "classes": ("zone",), "regions": (), "id": "r-kaart"})


@both_engines
def test_every_class_of_a_raster_gets_its_own_area(joint_areas) -> None:  # type: ignore[no-untyped-def]
    encoding = encode([], {}, rasters=[(declared(), RASTER)])
    found = joint_areas([REGION], encoding)
    areas = {
        key.class_id: found.area_m2[found.presence_of_rows[:, i] == Presence.INSIDE].sum() / 1e6
        for i, key in enumerate(encoding.keys)
    }
    assert areas == {
        "rest": pytest.approx(50),
        "zone": pytest.approx(49),
        NO_DATA: pytest.approx(1),
        OUTSIDE_COVERAGE: pytest.approx(20),
    }


@both_engines
def test_a_rule_on_a_raster_knows_what_it_does_not_know(joint_areas, rule: Rule) -> None:  # type: ignore[no-untyped-def]
    encoding = encode([], {}, rasters=[(declared(), RASTER)])
    found = joint_areas([REGION], encoding)
    evidence = EvidenceTable(encoding.keys, found.presence_of_rows, ("PV23",) * len(found.area_m2), found.area_m2)
    states = {"kaart": LayerState(declared(), LayerStatus.AVAILABLE)}
    outcome = rule_outcome(rule, DepthInterval(100, 500), evidence, states, no_number, date(2026, 11, 23))
    km2 = {
        (Firing(f).name, CAUSES[c] if c >= 0 else None): area / 1e6
        for f, c, area in zip(outcome.firing.tolist(), outcome.cause.tolist(), found.area_m2, strict=True)
    }
    assert km2 == {
        ("FIRES", None): pytest.approx(49),
        ("CLEAR", None): pytest.approx(50),
        ("UNANSWERED", Cause.NO_DATA): pytest.approx(1),
        ("UNANSWERED", Cause.OUTSIDE_COVERAGE): pytest.approx(20),
    }


@pytest.mark.parametrize(
    ("x", "y", "class_id"), [(5, 2, "rest"), (5, 7, "zone"), (0.5, 9.5, NO_DATA), (11, 5, OUTSIDE_COVERAGE)]
)
def test_a_point_finds_the_cell_of_a_raster(x: float, y: float, class_id: str) -> None:
    encoding = encode([], {}, rasters=[(declared(), RASTER)])
    [presence] = presence_at(*at(x, y), encoding, index(encoding))
    assert [encoding.keys[i].class_id for i in np.flatnonzero(presence)] == [class_id]


def test_a_drawn_layer_may_say_where_it_knows_nothing(rule: Rule) -> None:
    features = [Feature(square(2, 2, 4, 4), class_id="zone"), Feature(square(6, 2, 8, 4), class_id=NO_DATA)]
    drawn: gpd.GeoDataFrame = frame(features)
    encoding = encode([(declared(), drawn)], {})
    states = {"kaart": LayerState(declared(), LayerStatus.AVAILABLE)}
    any_class = rule.model_copy(update={"classes": ()})
    for asked in (rule, any_class):
        outcomes = []
        for x in (3, 7, 9):
            presence = presence_at(*at(x, 3), encoding, index(encoding))
            evidence = EvidenceTable(encoding.keys, presence, ("PV23",))
            said = rule_outcome(asked, DepthInterval(100, 500), evidence, states, no_number, date(2026, 11, 23))
            outcomes.append((Firing(said.firing[0]).name, CAUSES[said.cause[0]] if said.cause[0] >= 0 else None))
        assert outcomes == [("FIRES", None), ("UNANSWERED", Cause.NO_DATA), ("CLEAR", None)]
    assert math.isclose(shapely.area(drawn.geometry.to_numpy()).sum(), 8e6)

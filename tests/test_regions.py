"""Finding a place by name, code or coordinate on the real start set, and saying clearly when that fails."""

from __future__ import annotations

import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from worlds import TODAY, at

from dgdo_geo.errors import InputError
from dgdo_geo.model import RegionKind
from dgdo_geo.query import Explorer, RegionIndex
from dgdo_geo.query.regions import DGDO_REGIONS, LAND_BOUNDS, LONLAT_BOUNDS, plain

MUNICIPALITY, PROVINCE, DGDO = RegionKind.MUNICIPALITY, RegionKind.PROVINCE, RegionKind.DGDO_REGION


@pytest.fixture(scope="session")
def places(explorer: Explorer) -> RegionIndex:
    return explorer.regions


# Names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "kind", "code"),
    [
        ("Zwolle", MUNICIPALITY, "GM0193"),
        ("zwolle", MUNICIPALITY, "GM0193"),
        ("  ZWOLLE ", MUNICIPALITY, "GM0193"),
        ("GM0193", MUNICIPALITY, "GM0193"),
        ("gm0193", MUNICIPALITY, "GM0193"),
        ("'s-Gravenhage", MUNICIPALITY, "GM0518"),
        ("’s-Gravenhage", MUNICIPALITY, "GM0518"),
        ("s gravenhage", MUNICIPALITY, "GM0518"),
        ("'s-Hertogenbosch", MUNICIPALITY, "GM0796"),
        ("Súdwest-Fryslân", MUNICIPALITY, "GM1900"),
        ("Sudwest Fryslan", MUNICIPALITY, "GM1900"),
        ("SÚDWEST-FRYSLÂN", MUNICIPALITY, "GM1900"),
        ("Bergen (NH.)", MUNICIPALITY, "GM0373"),
        ("bergen (l.)", MUNICIPALITY, "GM0893"),
        ("GM0893", MUNICIPALITY, "GM0893"),
        ("Hengelo", MUNICIPALITY, "GM0164"),
        ("Utrecht", MUNICIPALITY, "GM0344"),
        ("Utrecht", PROVINCE, "PV26"),
        ("Groningen", MUNICIPALITY, "GM0014"),
        ("Groningen", PROVINCE, "PV20"),
        ("Fryslân", PROVINCE, "PV21"),
        ("fryslan", PROVINCE, "PV21"),
        ("Noord-Brabant", PROVINCE, "PV30"),
        ("noord brabant", PROVINCE, "PV30"),
        ("pv23", PROVINCE, "PV23"),
        ("Noord", DGDO, "Noord"),
        ("oost", DGDO, "Oost"),
        ("whatever", RegionKind.COUNTRY, "NL"),
    ],
)
def test_a_place_is_found_by_any_usual_spelling(places: RegionIndex, wanted: str, kind: RegionKind, code: str) -> None:
    assert places.find(kind, wanted).code == code


@pytest.mark.parametrize(
    ("wanted", "kind", "suggestion"),
    [
        ("Zwole", MUNICIPALITY, "Zwolle"),
        ("Swolle", MUNICIPALITY, "Zwolle"),
        ("Nuenen", MUNICIPALITY, "Nuenen, Gerwen en Nederwetten"),
        ("Roterdam", MUNICIPALITY, "Rotterdam"),
        ("Gravenhage", MUNICIPALITY, "'s-Gravenhage"),
        ("Overijsel", PROVINCE, "Overijssel"),
    ],
)
def test_a_slip_of_the_pen_gets_a_suggestion(
    places: RegionIndex, wanted: str, kind: RegionKind, suggestion: str
) -> None:
    with pytest.raises(InputError) as caught:
        places.find(kind, wanted)
    assert caught.value.key == "region_unknown_suggest"
    assert suggestion in str(caught.value.values["suggestions"])
    assert suggestion in caught.value.message_nl


@pytest.mark.parametrize(
    ("wanted", "kind", "code"),
    [
        ("Den Haag", MUNICIPALITY, "GM0518"),
        ("Den Bosch", MUNICIPALITY, "GM0796"),
        ("Friesland", PROVINCE, "PV21"),
        ("Brabant", PROVINCE, "PV30"),
    ],
)
def test_a_place_is_found_by_its_everyday_name(places: RegionIndex, wanted: str, kind: RegionKind, code: str) -> None:
    assert places.find(kind, wanted).code == code


@pytest.mark.parametrize("wanted", ["Bergen", "bergen", " BERGEN "])
def test_a_name_that_stands_for_two_places_is_not_guessed(places: RegionIndex, wanted: str) -> None:
    with pytest.raises(InputError) as caught:
        places.find(MUNICIPALITY, wanted)
    assert caught.value.key == "region_ambiguous"
    assert "Bergen (NH.) (GM0373) of Bergen (L.) (GM0893)" in caught.value.message_nl


@pytest.mark.parametrize("wanted", ["Bergen (NH)", "Bergen NH", "Bergen (nh)"])
def test_a_province_in_brackets_needs_no_dot(places: RegionIndex, wanted: str) -> None:
    assert places.find(MUNICIPALITY, wanted).code == "GM0373"


@pytest.mark.parametrize("wanted", ["", "   ", "Xyzzy", "GM9999", "GM", "PV23", "🙂", "'; drop table"])
def test_nonsense_gets_no_answer(places: RegionIndex, wanted: str) -> None:
    with pytest.raises(InputError) as caught:
        places.find(MUNICIPALITY, wanted)
    assert caught.value.key in ("region_unknown", "region_unknown_suggest")
    assert caught.value.exit_code == 2


def test_every_municipality_and_province_is_found_by_code_and_by_full_name(places: RegionIndex) -> None:
    looked_at = 0
    for kind, table in ((MUNICIPALITY, places.municipalities), (PROVINCE, places.provinces)):
        for code, name in zip(table.index, table["name"], strict=True):
            looked_at += 1
            assert places.find(kind, code).code == code
            assert places.find(kind, name).code == code
    assert looked_at == 342 + 12


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Bergen (NH.)", "bergen"),
        ("'s-Gravenhage", "s gravenhage"),
        ("Súdwest-Fryslân", "sudwest fryslan"),
        ("Nuenen, Gerwen en Nederwetten", "nuenen gerwen en nederwetten"),
        ("  Oude   IJsselstreek ", "oude ijsselstreek"),
        ("(x)", ""),
    ],
)
def test_a_plain_name_has_no_accents_or_signs(name: str, expected: str) -> None:
    assert plain(name) == expected


# What a region is made of ------------------------------------------------------------------


def test_the_dgdo_regions_divide_the_country(places: RegionIndex) -> None:
    country = places.find(RegionKind.COUNTRY, "NL")
    regions = [places.find(DGDO, name) for name in DGDO_REGIONS]
    assert len(places.municipality_codes(country)) == 342
    assert sorted(p for r in regions for p in r.provinces) == sorted(country.provinces)
    assert sum(len(places.municipality_codes(r)) for r in regions) == 342
    assert math.fsum(r.area_m2 or 0 for r in regions) == pytest.approx(country.area_m2, rel=1e-9)
    assert country.dgdo_regions == DGDO_REGIONS


def test_a_province_is_made_of_its_municipalities(places: RegionIndex) -> None:
    seen: list[str] = []
    for code in places.provinces.index:
        region = places.find(PROVINCE, code)
        codes = places.municipality_codes(region)
        seen += codes
        assert codes == sorted(codes)
        assert region.area_m2 == pytest.approx(places.provinces.geometry[code].area, rel=1e-6)
        assert {places.find(MUNICIPALITY, c).provinces for c in codes} == {(code,)}
    assert sorted(seen) == sorted(places.municipalities.index)


def test_a_municipality_knows_its_province_and_dgdo_region(places: RegionIndex) -> None:
    zwolle = places.find(MUNICIPALITY, "Zwolle")
    assert (zwolle.provinces, zwolle.dgdo_regions) == (("PV23",), ("Oost",))
    assert places.dgdo_regions(["PV31", "PV20"]) == ("Noord", "Zuid")


# Points ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y", "code"),
    [
        (203_000, 503_000, "GM0193"),
        (81_000, 454_500, "GM0518"),
        (155_000, 463_000, "GM0307"),
        (176_300, 317_700, "GM0935"),
        (233_500, 582_000, "GM0014"),
    ],
    ids=["Zwolle", "Den Haag", "Amersfoort", "Maastricht", "Groningen"],
)
def test_a_city_lies_in_its_municipality(places: RegionIndex, x: float, y: float, code: str) -> None:
    assert places.municipality_at(x, y) == code


@pytest.mark.parametrize(
    ("x", "y", "key", "words"),
    [
        (20_000, 550_000, "point_outside", "zee"),
        (270_000, 440_000, "point_outside", "Winterswijk"),
        (503_000, 203_000, "point_swapped", "omgewisseld"),
        (463_000, 155_000, "point_swapped", "X 155000, Y 463000"),
        (5.39, 52.16, "point_is_lonlat", "--lonlat"),
        (52.16, 5.39, "point_is_lonlat", "--lonlat"),
        (0, 0, "point_far_outside", "ver buiten"),
        (1e9, -1e9, "point_far_outside", "ver buiten"),
        (math.nan, 463_000, "point_not_a_number", "geen coördinaat"),
        (155_000, math.nan, "point_not_a_number", "geen coördinaat"),
        (math.inf, 463_000, "point_not_a_number", "geen coördinaat"),
    ],
)
def test_a_point_outside_the_country_is_refused_with_the_likely_reason(
    places: RegionIndex, x: float, y: float, key: str, words: str
) -> None:
    with pytest.raises(InputError) as caught:
        places.municipality_at(x, y)
    assert caught.value.key == key
    assert words in caught.value.message_nl


def test_outside_the_country_the_nearest_municipality_is_named_with_its_distance(places: RegionIndex) -> None:
    x, y = 270_000.0, 440_000.0
    distances = places.municipalities.geometry.distance(shapely.Point(x, y))
    with pytest.raises(InputError) as caught:
        places.municipality_at(x, y)
    assert caught.value.values["name"] == places.municipalities["name"][distances.idxmin()]
    assert caught.value.values["km"] == f"{distances.min() / 1000:.1f}".replace(".", ",")


@pytest.mark.parametrize(
    ("x", "y", "key"),
    [
        (LAND_BOUNDS[0], LAND_BOUNDS[1], "point_outside"),
        (LAND_BOUNDS[0] - 1, LAND_BOUNDS[1], "point_far_outside"),
        (LAND_BOUNDS[0], LAND_BOUNDS[1] - 1, "point_far_outside"),
        (LAND_BOUNDS[2], LAND_BOUNDS[3], "point_outside"),
        (LAND_BOUNDS[2] + 1, LAND_BOUNDS[3], "point_far_outside"),
        (LAND_BOUNDS[2], LAND_BOUNDS[3] + 1, "point_far_outside"),
        (LONLAT_BOUNDS[0], LONLAT_BOUNDS[1], "point_is_lonlat"),
        (LONLAT_BOUNDS[2], LONLAT_BOUNDS[3], "point_is_lonlat"),
        (LONLAT_BOUNDS[0] - 0.01, LONLAT_BOUNDS[1], "point_far_outside"),
        (LONLAT_BOUNDS[2], LONLAT_BOUNDS[3] + 0.01, "point_far_outside"),
    ],
)
def test_the_frame_around_the_country_belongs_to_it(places: RegionIndex, x: float, y: float, key: str) -> None:
    with pytest.raises(InputError) as caught:
        places.municipality_at(x, y)
    assert caught.value.key == key


def test_every_municipality_lies_within_the_frame(places: RegionIndex) -> None:
    west, south, east, north = places.municipalities.total_bounds
    assert LAND_BOUNDS[0] < west < east < LAND_BOUNDS[2]
    assert LAND_BOUNDS[1] < south < north < LAND_BOUNDS[3]


def test_a_point_in_every_municipality_is_found_there(places: RegionIndex) -> None:
    inside = shapely.point_on_surface(places.municipalities.geometry.to_numpy())
    found = [places.municipality_at(p.x, p.y) for p in inside]
    assert found == list(places.municipalities.index)
    assert len(found) == 342


def test_random_points_are_found_where_geos_finds_them(places: RegionIndex) -> None:
    rng = np.random.default_rng(3)
    xy = rng.uniform(LAND_BOUNDS[:2], LAND_BOUNDS[2:], (400, 2))
    shapes = places.municipalities.geometry.to_numpy()
    found = 0
    for x, y in xy:
        holding = [str(c) for c in places.municipalities.index[shapely.contains_xy(shapes, x, y)]]
        if holding:
            found += 1
            assert [places.municipality_at(x, y)] == holding
        else:
            with pytest.raises(InputError):
                places.municipality_at(x, y)
    assert found > 50


@pytest.mark.parametrize(("x", "code"), [(10 - 1e-6, "GM9001"), (10, "GM9001"), (10 + 1e-6, "GM9002")])
def test_a_point_on_a_border_lies_in_one_municipality(tiny: Explorer, x: float, code: str) -> None:
    assert tiny.regions.municipality_at(*at(x, 5)) == code


@pytest.mark.parametrize(
    ("x", "neighbours"), [(9.4999, []), (9.5001, ["Oostdorp"]), (10, ["Oostdorp"]), (0.1, []), (19.9, [])]
)
def test_neighbours_closer_than_the_accuracy_are_named(tiny: Explorer, x: float, neighbours: list[str]) -> None:
    code = tiny.regions.municipality_at(*at(x, 5))
    assert tiny.regions.neighbours_within_accuracy(*at(x, 5), code) == neighbours


@pytest.mark.parametrize(("x", "y"), [(-0.001, 5), (20.001, 5), (5, -0.001), (5, 10.001)])
def test_a_metre_outside_the_country_is_outside(tiny: Explorer, x: float, y: float) -> None:
    with pytest.raises(InputError) as caught:
        tiny.at_point(*at(x, y), TODAY)
    assert caught.value.key == "point_outside"
    assert "0,0 km" in caught.value.message_nl


@pytest.mark.parametrize(("x", "y"), [(0, 0), (20, 10), (0, 5), (5, 10)])
def test_the_edge_of_the_country_belongs_to_it(tiny: Explorer, x: float, y: float) -> None:
    assert tiny.at_point(*at(x, y), TODAY, activities=["bodem"]).region.kind is RegionKind.POINT


# Real boundaries ---------------------------------------------------------------------------


@pytest.mark.real_data
def test_the_municipalities_of_the_start_set_lie_where_the_real_ones_do(places: RegionIndex, real_data: Path) -> None:
    real = gpd.read_file(real_data / "admin" / "gemeenten_342_met_provincie_veiligheidsregio.geojson")
    real = real.to_crs(28992)
    shapes = dict(zip(real["gemeenteCode"], shapely.make_valid(real.geometry.to_numpy()), strict=True))
    province = dict(zip(real["gemeenteCode"], real["provincieCode"], strict=True))
    common = sorted(set(shapes) & set(places.municipalities.index))
    assert len(common) == 342
    ratios = []
    for code in common:
        ours = places.municipalities.geometry[code]
        assert places.municipalities["province"][code] == province[code]
        ratios.append(ours.intersection(shapes[code]).area / ours.union(shapes[code]).area)
    assert np.mean(ratios) > 0.9
    assert np.min(ratios) > 0.5

"""Regulations in GML (STOP): locations with their values, every kind of geometry, and each thing that can be wrong."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon, box

from dgdo_geo import intake, store
from dgdo_geo.errors import InputError
from dgdo_geo.sources import archives, stop_gml
from dgdo_geo.sources.files import ReadOptions, read_file
from dgdo_geo.sources.gml_shapes import straightened

RD = "urn:ogc:def:crs:EPSG::28992"
ETRS89 = "urn:ogc:def:crs:EPSG::4258"
SPACES = (
    'xmlns:geo="https://standaarden.overheid.nl/stop/imop/geo/" '
    'xmlns:gio="https://standaarden.overheid.nl/stop/imop/gio/" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xmlns:basisgeo="http://www.geostandaarden.nl/basisgeometrie/1.0" xmlns:gml="http://www.opengis.net/gml/3.2"'
)
WORK = "/join/id/regdata/pv99/2026/boringsvrij"
VERSION = f"{WORK}/nld@2026-01-15;1"


def ring(*points, tag="exterior") -> str:
    text = " ".join(f"{x:g} {y:g}" if isinstance(x, float) else f"{x} {y}" for x, y in points)
    return f"<gml:{tag}><gml:LinearRing><gml:posList>{text}</gml:posList></gml:LinearRing></gml:{tag}>"


def square(west, south, size, tag="exterior") -> str:
    corners = [(west, south), (west + size, south), (west + size, south + size), (west, south + size), (west, south)]
    return ring(*corners, tag=tag)


def surface(*rings, kind="Polygon", srs=f' srsName="{RD}"') -> str:
    return f"<gml:{kind}{srs}>{''.join(rings)}</gml:{kind}>"


def location(geometry: str, number: int = 1, values: str = "") -> str:
    holder = f"<basisgeo:id>id-{number}</basisgeo:id><basisgeo:geometrie>{geometry}</basisgeo:geometrie>"
    return (
        f"<geo:Locatie>{values}<geo:geometrie><basisgeo:Geometrie>{holder}</basisgeo:Geometrie>"
        "</geo:geometrie></geo:Locatie>"
    )


def version(*locations: str, before: str = "", expression: str = VERSION) -> str:
    return (
        f"<geo:GeoInformatieObjectVersie {SPACES}><geo:FRBRWork>{WORK}</geo:FRBRWork>"
        f"<geo:FRBRExpression>{expression}</geo:FRBRExpression>{before}"
        f"<geo:locaties>{''.join(locations)}</geo:locaties></geo:GeoInformatieObjectVersie>"
    )


def decision(*versions: str) -> str:
    context = "<geo:context><gio:GeografischeContext><gio:achtergrondVerwijzing>top10nl</gio:achtergrondVerwijzing>"
    inside = "".join(f"<geo:vastgesteldeVersie>{one}</geo:vastgesteldeVersie>" for one in versions)
    return (
        f"<geo:GeoInformatieObjectVaststelling {SPACES} schemaversie='1.3.0'>{context}</gio:GeografischeContext>"
        f"</geo:context>{inside}</geo:GeoInformatieObjectVaststelling>"
    )


def written(folder: Path, text: str, name: str = "kaart.gml") -> Path:
    path = folder / name
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}', encoding="utf-8")
    return path


def shape_of(folder: Path, geometry: str) -> shapely.Geometry:
    return read_file(written(folder, version(location(geometry)))).geometry.iloc[0]


def refused(folder: Path, text: str, key: str) -> InputError:
    with pytest.raises(InputError) as caught:
        read_file(written(folder, text))
    assert caught.value.key == key
    assert "kaart.gml" in caught.value.message_nl
    return caught.value


# Whole files -----------------------------------------------------------------------------


def test_every_location_is_a_row_with_the_values_of_the_standard(tmp_path):
    groups = (
        "<geo:groepen><geo:Groep><geo:groepID>wwg</geo:groepID><geo:label>Waterwingebied</geo:label></geo:Groep>"
        "<geo:Groep><geo:groepID>bvz</geo:groepID><geo:label>Boringsvrije zone</geo:label></geo:Groep></geo:groepen>"
    )
    first = "<geo:wId>w1</geo:wId><geo:naam>Oost &amp; West</geo:naam><geo:groepID>bvz</geo:groepID>"
    second = "<geo:naam>Noord</geo:naam><geo:groepID>wwg</geo:groepID>"
    text = version(
        location(surface(square(200_000, 500_000, 1000)), 1, first),
        location(surface(square(210_000, 500_000, 2000), square(210_500, 500_500, 1000, tag="interior")), 2, second),
        before=groups,
    )
    for whole in (text, decision(text)):
        frame = read_file(written(tmp_path, whole))
        assert frame.crs.to_epsg() == 28992
        assert frame["id"].tolist() == ["id-1", "id-2"]
        assert frame["naam"].tolist() == ["Oost & West", "Noord"]
        assert frame["groepID"].tolist() == ["bvz", "wwg"]
        assert frame["groep"].tolist() == ["Boringsvrije zone", "Waterwingebied"]
        assert frame["wId"].fillna("").tolist() == ["w1", ""]
        assert set(frame["FRBRWork"]) == {WORK}
        assert set(frame["FRBRExpression"]) == {VERSION}
        assert frame["kwantitatieveNormwaarde"].isna().all()
        assert "bogen" not in frame.columns
        assert frame.geometry.area.tolist() == [1e6, 3e6]


def test_norm_values_keep_their_unit(tmp_path):
    norm = "<geo:eenheidlabel>meter</geo:eenheidlabel><geo:normlabel>Diepte</geo:normlabel>"
    values = "<geo:kwantitatieveNormwaarde>-2.5</geo:kwantitatieveNormwaarde>"
    polygon = surface(square(200_000, 500_000, 1000))
    frame = read_file(written(tmp_path, version(location(polygon, 1, values), before=norm)))
    found = frame[["kwantitatieveNormwaarde", "eenheidlabel", "normlabel"]].iloc[0].tolist()
    assert found == ["-2.5", "meter", "Diepte"]
    values = "<geo:kwalitatieveNormwaarde>hoog</geo:kwalitatieveNormwaarde>"
    frame = read_file(written(tmp_path, version(location(polygon, 1, values))))
    assert frame["kwalitatieveNormwaarde"].tolist() == ["hoog"]


def test_rows_can_be_chosen_as_in_any_file(tmp_path):
    text = version(
        *(
            location(surface(square(200_000 + 5000 * i, 500_000, 1000)), i, f"<geo:groepID>{group}</geo:groepID>")
            for i, group in enumerate("abc")
        )
    )
    frame = read_file(written(tmp_path, text), ReadOptions(where={"groepID": ("b",)}))
    assert frame["id"].tolist() == ["id-1"]


def test_a_file_of_bare_geometry_is_read_too(tmp_path):
    holder = (
        "<basisgeo:featureMember><basisgeo:Geometrie><basisgeo:id>{}</basisgeo:id><basisgeo:geometrie>{}"
        "</basisgeo:geometrie></basisgeo:Geometrie></basisgeo:featureMember>"
    )
    members = [holder.format(f"g{i}", surface(square(200_000 + 2000 * i, 500_000, 1000))) for i in range(3)]
    name = "basisgeo:FeatureCollectionGeometrie"
    frame = read_file(written(tmp_path, f"<{name} {SPACES}>{''.join(members)}</{name}>"))
    assert frame["id"].tolist() == ["g0", "g1", "g2"]
    assert frame.geometry.area.sum() == 3e6


def test_a_location_without_geometry_stays_visible(tmp_path):
    empty = "<geo:Locatie><geo:naam>Leeg</geo:naam></geo:Locatie>"
    frame = read_file(written(tmp_path, version(empty, location(surface(square(200_000, 500_000, 1000))))))
    assert frame.geometry.isna().tolist() == [True, False]
    assert frame["naam"].fillna("").tolist() == ["Leeg", ""]


def test_it_may_be_in_a_zip_and_in_utf_16(tmp_path):
    path = written(tmp_path, version(location(surface(square(200_000, 500_000, 1000)))))
    with zipfile.ZipFile(tmp_path / "kaart.zip", "w") as archive:
        archive.write(path, "kaart.gml")
    assert read_file(tmp_path / "kaart.zip").geometry.area.tolist() == [1e6]
    text = path.read_text(encoding="utf-8").replace("UTF-8", "UTF-16").replace("id-1", "é")
    path.write_text(text, encoding="utf-16")
    assert read_file(path)["id"].tolist() == ["é"]


def test_a_recipe_makes_a_layer_of_it(tmp_path):
    polygon = surface(square(200_000, 500_000, 1000), square(200_400, 500_400, 200, tag="interior"))
    values = "<geo:naam>Salland</geo:naam><geo:groepID>bvz</geo:groepID>"
    written(tmp_path, decision(version(location(polygon, 7, values))))
    item = {
        "layer": "natura2000", "file": "kaart.gml", "columns": {"id": "id", "name": "naam"},
        "classes": {"columns": ["groepID"], "values": {"bvz": "natura2000"}},
        "declare": {
            "source": "verzonnen", "licence": "CC0", "reference_date": "2026-01-15", "quality": "example",
            "accuracy_m": 1, "absence": "unknown",
        },
    }  # fmt: skip
    asked = intake.Recipe((intake.RecipeLayer.model_validate(item),), tmp_path)
    intake.run(asked, tmp_path / "werkmap", save=True)
    product = store.read_product(store.open_workspace(tmp_path / "werkmap").entries["natura2000"])
    assert product[["feature_id", "name", "class", "FRBRExpression"]].iloc[0].tolist() == [
        "id-7", "Salland", "natura2000", VERSION,
    ]  # fmt: skip
    assert product.geometry.area.tolist() == [960_000]


# Geometry --------------------------------------------------------------------------------

A, B = "200000 500000 200100 500000", "200100 500000 200100 500100"
CURVE = "<gml:LineStringSegment><gml:posList>{}</gml:posList></gml:LineStringSegment>"
BENT = LineString([(200_000, 500_000), (200_100, 500_000), (200_100, 500_100)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<gml:Point><gml:pos>200000.5 500000</gml:pos></gml:Point>", Point(200_000.5, 500_000)),
        ("<gml:Point srsDimension='3'><gml:pos>200000 500000 -12</gml:pos></gml:Point>", Point(200_000, 500_000)),
        ("<gml:Point><gml:coordinates>200000,500000</gml:coordinates></gml:Point>", Point(200_000, 500_000)),
        (
            "<gml:LineString><gml:posList>200000 500000\n200100 500000 2.001e5 500100</gml:posList></gml:LineString>",
            BENT,
        ),
        (
            "<gml:LineString><gml:pos>200000 500000</gml:pos><gml:pos>200100 500000</gml:pos>"
            "<gml:pos>200100 500100</gml:pos></gml:LineString>",
            BENT,
        ),
        (f"<gml:Curve><gml:segments>{CURVE.format(A)}{CURVE.format(B)}</gml:segments></gml:Curve>", BENT),
        (
            "<gml:MultiCurve><gml:curveMember>"
            f"<gml:LineString><gml:posList>{A}</gml:posList></gml:LineString></gml:curveMember><gml:curveMember>"
            f"<gml:LineString><gml:posList>{B}</gml:posList></gml:LineString></gml:curveMember></gml:MultiCurve>",
            MultiLineString([BENT.coords[:2], BENT.coords[1:]]),
        ),
        (
            "<gml:MultiPoint><gml:pointMembers><gml:Point><gml:pos>200000 500000</gml:pos></gml:Point>"
            "<gml:Point><gml:pos>200100 500000</gml:pos></gml:Point></gml:pointMembers></gml:MultiPoint>",
            MultiPoint([(200_000, 500_000), (200_100, 500_000)]),
        ),
        (
            "<gml:MultiSurface>"
            f"<gml:surfaceMember>{surface(square(200_000, 500_000, 100), srs='')}</gml:surfaceMember>"
            f"<gml:surfaceMember>{surface(square(200_200, 500_000, 100), srs='')}</gml:surfaceMember></gml:MultiSurface>",
            MultiPolygon([box(200_000, 500_000, 200_100, 500_100), box(200_200, 500_000, 200_300, 500_100)]),
        ),
        (
            f"<gml:Polygon><gml:exterior><gml:Ring><gml:curveMember><gml:Curve><gml:segments>{CURVE.format(A)}"
            f"{CURVE.format(B + ' 200000 500000')}</gml:segments></gml:Curve></gml:curveMember></gml:Ring>"
            "</gml:exterior></gml:Polygon>",
            Polygon(BENT.coords),
        ),
        (
            f"<gml:Surface><gml:patches>{surface(square(200_000, 500_000, 100), kind='PolygonPatch', srs='')}"
            f"{surface(square(200_100, 500_000, 100), kind='PolygonPatch', srs='')}</gml:patches></gml:Surface>",
            box(200_000, 500_000, 200_200, 500_100),
        ),
    ],
)
def test_every_kind_of_geometry(tmp_path, text, expected):
    tag = text.split(">", 1)[0].split(" ", 1)[0]
    found = shape_of(tmp_path, text.replace(tag, f'{tag} srsName="{RD}"', 1))
    assert shapely.equals(found, expected)
    assert shapely.get_type_id(found) == shapely.get_type_id(expected)
    assert shapely.get_dimensions(found) == shapely.get_dimensions(expected)
    assert not found.has_z


def test_degrees_are_turned_so_that_longitude_comes_first(tmp_path):
    north_east = f'<gml:Point srsName="{ETRS89}"><gml:pos>52.5 6.1</gml:pos></gml:Point>'
    frame = read_file(written(tmp_path, version(location(north_east))))
    assert frame.crs.to_epsg() == 4258
    assert frame.geometry.iloc[0].equals(Point(6.1, 52.5))


def test_without_a_named_system_there_is_none(tmp_path):
    frame = read_file(written(tmp_path, version(location("<gml:Point><gml:pos>200000 500000</gml:pos></gml:Point>"))))
    assert frame.crs is None


# Arcs ------------------------------------------------------------------------------------


def arc_ring(*parts: str, kind: str = "Arc") -> str:
    segments = "".join(f"<gml:{kind}><gml:posList>{part}</gml:posList></gml:{kind}>" for part in parts)
    return (
        f"<gml:Ring><gml:curveMember><gml:Curve><gml:segments>{segments}</gml:segments></gml:Curve></gml:curveMember>"
        "</gml:Ring>"
    )


def disc(*parts: str, kind: str = "Arc") -> str:
    patch = f"<gml:PolygonPatch><gml:exterior>{arc_ring(*parts, kind=kind)}</gml:exterior></gml:PolygonPatch>"
    return f'<gml:Surface srsName="{RD}"><gml:patches>{patch}</gml:patches></gml:Surface>'


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (disc("200050 500000 200000 500050 199950 500000", "199950 500000 200000 499950 200050 500000"), 2),
        (disc("200050 500000 200000 500050 199950 500000 200000 499950 200050 500000", kind="ArcString"), 2),
        (disc("200050 500000 200000 500050 199950 500000", kind="Circle"), 1),
        # The same circle, clockwise.
        (disc("200050 500000 200000 499950 199950 500000", kind="Circle"), 1),
    ],
)
def test_a_circle_of_arcs_has_nearly_the_area_of_a_circle(tmp_path, text, number):
    frame = read_file(written(tmp_path, version(location(text))))
    assert frame["bogen"].tolist() == [str(number)]
    found = frame.geometry.iloc[0]
    assert found.is_valid
    # Pieces that lie at most 1 cm within the circle lose at most 1 cm along its length.
    assert 0 <= np.pi * 50**2 - found.area < 0.01 * 2 * np.pi * 50
    assert np.hypot(*(shapely.get_coordinates(found) - (200_000, 500_000)).T) == pytest.approx(50)


@given(
    radius=st.floats(1, 5000), start=st.floats(0, 6), first=st.floats(0.05, 3), second=st.floats(0.05, 3),
    turn=st.sampled_from([1, -1]), tolerance=st.sampled_from([0.001, 0.01, 1.0]),
)  # fmt: skip
def test_straight_pieces_stay_near_the_arc(radius, start, first, second, turn, tolerance):
    centre = np.array([200_000.0, 500_000.0])
    angles = start + turn * np.array([0, first, first + second])
    arc = centre + radius * np.column_stack([np.cos(angles), np.sin(angles)])
    found = straightened(arc, tolerance)
    assert np.array_equal(found[[0, -1]], arc[[0, 2]])
    assert (found == arc[1]).all(axis=1).any()
    away = np.hypot(*((found[:-1] + found[1:]) / 2 - centre).T)
    assert (radius - away).max() < tolerance + 1e-4
    # As long as the arc, but for what straight pieces cut off: they do not go round the other way.
    length = np.hypot(*np.diff(found, axis=0).T).sum()
    assert 0.75 * radius * (first + second) < length < radius * (first + second) * (1 + 1e-6)


def test_three_points_on_a_line_make_no_arc():
    line = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    assert np.array_equal(straightened(line, 0.01), line)


# Wrong files -----------------------------------------------------------------------------

GOOD = surface(square(200_000, 500_000, 1000))
NAMED = "<geo:naam>Salland</geo:naam>"


@pytest.mark.parametrize(
    ("geometry", "key"),
    [
        (surface(ring((0, 0), (100, 0), (100, 100), (0, 100))), "stop_ring_open"),
        (surface(ring((0, 0), (100, 0), (0, 0))), "stop_geometry"),
        (surface(square(0, 0, 100, tag="interior")), "stop_geometry"),
        (GOOD.replace("500000", "vijf"), "stop_geometry"),
        (GOOD.replace("200000 500000 ", "200000 ", 1), "stop_geometry"),
        (GOOD.replace("28992", "31370"), "stop_crs"),
        (GOOD.replace("srsName", "srsDimension='4' srsName"), "stop_geometry"),
        (f'<gml:LineString srsName="{RD}"><gml:posList>1 2</gml:posList></gml:LineString>', "stop_geometry"),
        (f'<gml:MultiSurface srsName="{RD}"/>', "stop_geometry"),
        (f'<gml:Point srsName="{RD}"><gml:pos>1 2 3 4</gml:pos></gml:Point>', "stop_geometry"),
        (f'<gml:Solid srsName="{RD}"/>', "stop_shape"),
        (f'<gml:MultiSurface srsName="{RD}"><gml:surfaceMember xlink:href="#a"/></gml:MultiSurface>', "stop_reference"),
        (disc("0 0 1 1 2 0", kind="ArcByCenterPoint"), "stop_shape"),
        (disc("0 0 1 1 2 0 3 3"), "stop_geometry"),
        (disc("0 0 1 1 2 0", "3 0 4 1 5 0"), "stop_curve_gap"),
        (disc("0 0 1 1 2 2", kind="Circle"), "stop_geometry"),
        (disc("52 6 52.1 6.1 52 6.2", "52 6.2 51.9 6.1 52 6").replace("28992", "4258"), "stop_arc_degrees"),
        ("<basisgeo:Iets/>", "stop_shape"),
        (f'<gml:MultiPoint srsName="{RD}"><gml:pointMember>{GOOD}</gml:pointMember></gml:MultiPoint>', "stop_geometry"),
    ],
)
def test_a_wrong_geometry_is_refused_by_the_name_of_its_location(tmp_path, geometry, key):
    text = version(location(GOOD, 1, "<geo:naam>Goed</geo:naam>"), location(geometry, 2, NAMED))
    assert "Salland" in refused(tmp_path, text, key).message_nl


def test_two_coordinate_systems_are_refused(tmp_path):
    degrees = f'<gml:Point srsName="{ETRS89}"><gml:pos>52.5 6.1</gml:pos></gml:Point>'
    error = refused(tmp_path, version(location(GOOD, 1), location(degrees, 2)), "stop_crs_mixed")
    assert "EPSG:4258, EPSG:28992" in error.message_nl


def test_a_change_is_no_map(tmp_path):
    text = f"<geo:GeoInformatieObjectMutatie {SPACES}></geo:GeoInformatieObjectMutatie>"
    refused(tmp_path, decision(text), "stop_mutation")


def test_two_versions_are_not_mixed(tmp_path):
    newer = VERSION.replace("01-15", "06-01")
    text = decision(version(location(GOOD, 1)), version(location(GOOD, 2), expression=newer))
    error = refused(tmp_path, text, "stop_versions")
    assert VERSION in error.message_nl
    assert newer in error.message_nl


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (lambda text: text[: len(text) // 2], "file_unreadable"),
        (lambda text: text.replace("</geo:Locatie>", ""), "file_unreadable"),
        (lambda text: '<!DOCTYPE a [<!ENTITY b "c">]>' + text, "xml_doctype"),
        (lambda text: text.replace("200000", "1e12"), "coordinates_absurd"),
        (lambda text: text.replace("200000", "nan"), "stop_geometry"),
        (lambda text: text.replace(location(GOOD), ""), "file_no_features"),
        (
            lambda text: text.replace("<geo:locaties>", "<geo:x>" * 70 + "</geo:x>" * 70 + "<geo:locaties>"),
            "file_nested",
        ),
    ],
)
def test_a_broken_or_hostile_file_is_refused(tmp_path, change, key):
    refused(tmp_path, change(version(location(GOOD))), key)


def test_too_many_vertices_are_refused_before_they_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_VERTICES", 50)
    refused(tmp_path, version(*(location(GOOD, i) for i in range(11))), "stop_vertices")
    # One arc of three points stands for many more.
    refused(
        tmp_path, version(location(disc("205000 500000 200000 505000 195000 500000", kind="Circle"))), "stop_vertices"
    )


def test_too_many_elements_are_refused_but_many_locations_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr(stop_gml, "MAX_ELEMENTS", 40)
    assert len(read_file(written(tmp_path, version(*(location(GOOD, i) for i in range(30)))))) == 30
    positions = "<gml:pos>200000 500000</gml:pos>" * 50
    refused(tmp_path, version(location(f"<gml:LineString>{positions}</gml:LineString>")), "stop_elements")

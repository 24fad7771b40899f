"""Every kind of file: a round trip of a small drawing, and the real files that analysts have."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import LineString, Point, box

from dgdo_geo.errors import InputError
from dgdo_geo.sources.files import ReadOptions, read_file
from dgdo_geo.sources.tables import read_table

SQUARES = [box(200_000, 500_000, 202_000, 501_000), box(203_000, 500_000, 204_000, 501_000)]
NAMES = ["Vecht", "Reuzeneik é"]
LON_LAT = [Point(6.1, 52.5), Point(6.2, 52.6)]


def drawing(geometry=SQUARES, crs=28992) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"naam": NAMES}, geometry=geometry, crs=crs)


def zipped(folder: Path, source: Path, prefix: str = "", without: tuple[str, ...] = ()) -> Path:
    path = folder / f"{source.stem}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(source.parent.glob(f"{source.stem}.*")):
            if part.suffix not in (*without, ".zip"):
                archive.write(part, prefix + part.name)
    return path


def refused(path: Path, **options) -> InputError:
    with pytest.raises(InputError) as caught:
        read_file(path, ReadOptions(**options))
    assert path.name in caught.value.message_nl
    assert path.name in str(caught.value)
    return caught.value


# GIS files -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.json", "a.gml", "a.fgb", "a.shp", "a.parquet", "A.GPKG"])
def test_a_drawing_comes_back_as_it_was(tmp_path, name):
    path = tmp_path / name
    frame = drawing()
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        driver = {".json": "GeoJSON", ".gpkg": "GPKG"}.get(path.suffix.casefold())
        frame.to_file(path, **({"driver": driver} if driver else {}))
    before = sorted(p.name for p in tmp_path.iterdir())
    read = read_file(path).sort_values("naam", ascending=False)
    assert read["naam"].tolist() == NAMES
    assert read.crs.to_epsg() == 28992
    assert shapely.equals(shapely.normalize(read.geometry.to_numpy()), shapely.normalize(np.array(SQUARES))).all()
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_kml_is_longitude_and_latitude(tmp_path):
    path = tmp_path / "a.kml"
    drawing(LON_LAT, 4326).rename(columns={"naam": "Name"}).to_file(path, driver="KML")
    read = read_file(path)
    assert read["Name"].tolist() == NAMES
    assert read.crs.to_epsg() == 4326
    assert read.geometry.iloc[1].x == pytest.approx(6.2)


def topology(**objects) -> dict:
    return {"type": "Topology", "arcs": [[[5, 52], [6, 52], [6, 53], [5, 52]]], "objects": objects}


def test_topojson_has_layers_and_names_no_crs(tmp_path):
    polygon = {"type": "Polygon", "arcs": [[0]], "properties": {"code": "GM1"}}
    group = {"type": "GeometryCollection", "geometries": [polygon, polygon]}
    path = tmp_path / "a.topojson"
    path.write_text(json.dumps(topology(gm=group, vr={**group, "geometries": [polygon]})))
    assert refused(path).key == "file_many_layers"
    assert refused(path, layer="pv").key == "layer_not_in_file"
    read = read_file(path, ReadOptions(layer="gm"))
    assert (len(read), read.crs) == (2, None)


def test_a_layer_of_several_is_named(tmp_path):
    path = tmp_path / "twee.gpkg"
    drawing().to_file(path, layer="een")
    drawing().iloc[:1].to_file(path, layer="twee")
    error = refused(path)
    assert error.key == "file_many_layers"
    assert "een, twee" in error.message_nl
    assert len(read_file(path, ReadOptions(layer="twee"))) == 1
    assert "een, twee" in refused(path, layer="drie").message_nl


@pytest.mark.parametrize("prefix", ["", "map/van provincie/"])
def test_a_zipped_shapefile(tmp_path, prefix):
    drawing().to_file(tmp_path / "zones.shp")
    read = read_file(zipped(tmp_path, tmp_path / "zones.shp", prefix))
    assert read["naam"].tolist() == NAMES
    assert read.crs.to_epsg() == 28992


def test_without_prj_there_is_no_crs(tmp_path):
    drawing().to_file(tmp_path / "zones.shp")
    assert read_file(zipped(tmp_path, tmp_path / "zones.shp", without=(".prj",))).crs is None


def test_a_zipped_geopackage_and_a_zip_with_two(tmp_path):
    drawing().to_file(tmp_path / "a.gpkg")
    path = zipped(tmp_path, tmp_path / "a.gpkg")
    assert len(read_file(path)) == 2
    with zipfile.ZipFile(path, "a") as archive:
        archive.write(tmp_path / "a.gpkg", "b.gpkg")
    assert refused(path).key == "archive_many"
    assert len(read_file(path, ReadOptions(layer="b"))) == 2


def test_the_encoding_of_a_shapefile(tmp_path):
    drawing().to_file(tmp_path / "oud.shp", encoding="cp1252")
    assert read_file(zipped(tmp_path, tmp_path / "oud.shp"))["naam"].tolist() == NAMES
    path = zipped(tmp_path, tmp_path / "oud.shp", without=(".cpg",))
    assert read_file(path, ReadOptions(encoding="cp1252"))["naam"].tolist() == NAMES
    with pytest.raises(InputError, match="unknown encoding"):
        read_file(path, ReadOptions(encoding="klingon"))


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.gml", "a.fgb", "a.shp", "a.parquet", "a.kml", "a.zip"])
def test_empty_cut_off_and_nonsense_files_are_refused(tmp_path, name):
    frame = gpd.GeoDataFrame(geometry=[Point(6 + i / 1e4, 52).buffer(0.001) for i in range(200)], crs=4326)
    path = tmp_path / name
    driver = {"driver": "KML"} if path.suffix == ".kml" else {}
    if path.suffix == ".zip":
        frame.to_file(tmp_path / "a.shp")
        zipped(tmp_path, tmp_path / "a.shp")
    else:
        frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_file(path, **driver)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"dit is geen kaart", b"\0" * 64):
        path.write_bytes(content)
        assert refused(path).exit_code == 2
    path.write_bytes(b"")
    assert refused(path).key == "file_empty"
    path.unlink()
    assert refused(path).key == "file_missing"


def test_a_table_without_geometry_is_refused(tmp_path):
    path = tmp_path / "tabel.parquet"
    gpd.pd.DataFrame({"a": [1]}).to_parquet(path)
    assert refused(path).key == "csv_no_columns"
    assert refused(path, x="x", y="y").key == "column_missing"
    (tmp_path / "a.dxf").write_text("0")
    assert refused(tmp_path / "a.dxf").key == "file_kind_refused"


# Tables ----------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "#"])
@pytest.mark.parametrize("named", [True, False])
def test_the_separator_is_found(tmp_path, separator, named):
    path = tmp_path / "a.csv"
    lines = [["naam", "x", "y"], ["a, b; c", "200000.5", "500000"], ["d", "201000", "500000"]]
    path.write_text("\n".join(separator.join(f'"{v}"' for v in line) for line in lines))
    read = read_file(path, ReadOptions(x="x", y="y", **({"separator": separator} if named else {})))
    assert read["naam"].tolist() == ["a, b; c", "d"]
    assert read.geometry.iloc[0].equals(Point(200_000.5, 500_000))
    assert read.crs is None


@pytest.mark.parametrize(
    ("written", "number"),
    [("200000,25", 200000.25), ("200.000,25", 200000.25), (" 2e5 ", 2e5), ("-3,5", -3.5), ("2,5E3", 2500.0)],
)
def test_a_decimal_comma_is_a_number(tmp_path, written, number):
    path = tmp_path / "a.csv"
    path.write_text(f"x;y\n{written};1\n")
    assert read_file(path, ReadOptions(x="x", y="y")).geometry.iloc[0].x == number


@pytest.mark.parametrize("written", ["", "x", "1.5.2", "1,000.5", "nan", "inf", "1e999", "0x10", "1_000", "=1+1"])
def test_what_is_no_number_is_refused_with_its_line(tmp_path, written):
    path = tmp_path / "a.csv"
    path.write_text(f"x;y\n1;1\n{written};1\n")
    error = refused(path, x="x", y="y")
    assert error.key == "csv_bad_number"
    assert "regel 3" in error.message_nl


def test_rows_that_were_not_asked_for_may_be_wrong(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y,soort\nx,1,weg\n1,1,weg\n2,2,blijf\n")
    assert len(read_file(path, ReadOptions(x="x", y="y", where={"soort": ["blijf"]}))) == 1


def test_lists_of_coordinates_are_lines(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id;lat;long\na;[52.0, 53.0];[5.0, 6.0]\nb;[52.5];[5.5]\n")
    read = read_file(path, ReadOptions(x="long", y="lat"))
    assert read.geometry.tolist() == [LineString([(5, 52), (6, 53)]), Point(5.5, 52.5)]
    for wrong in ("[52.0, 53.0];[5.0]", "[];[]", "[52, __import__('os')];[5, 6]", "52;[5]"):
        path.write_text(f"id;lat;long\na;[52.0, 53.0];[5.0, 6.0]\nb;{wrong}\n")
        assert refused(path, x="long", y="lat", separator=";").key in ("csv_list", "csv_bad_number")


def test_an_srid_before_wkt_is_the_crs(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("naam#wkt\na#SRID=28992;POINT(200000 500000)\nb#\n")
    read = read_file(path, ReadOptions(wkt="wkt"))
    assert read.crs.to_epsg() == 28992
    assert read.geometry.isna().tolist() == [False, True]
    path.write_text("naam#wkt\na#SRID=28992;POINT(200000 500000)\nb#POINT(1 1)\n")
    assert refused(path, wkt="wkt").key == "wkt_srid_mixed"
    path.write_text("naam#wkt\na#SRID=999999;POINT(200000 500000)\n")
    with pytest.raises(InputError) as caught:
        read_file(path, ReadOptions(wkt="wkt"))
    assert caught.value.key == "crs_unknown"


def test_the_encoding_of_a_csv(tmp_path):
    path = tmp_path / "a.csv"
    content = "naam,x,y\nReuzeneik é,1,2\n"
    for encoding, option in (("utf-8-sig", None), ("utf-8", "UTF-8"), ("cp1252", "cp1252"), ("utf-16", None)):
        path.write_bytes(content.encode(encoding))
        assert read_file(path, ReadOptions(x="x", y="y", encoding=option))["naam"].tolist() == ["Reuzeneik é"]
    path.write_bytes(content.encode("cp1252"))
    error = refused(path, x="x", y="y")
    assert error.key == "encoding_wrong"
    assert 'encoding = "cp1252"' in error.message_nl


def test_a_value_too_many_does_not_shift_the_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y\n1,2,3\n4,5,6\n")
    assert refused(path, x="x", y="y").key == "table_shifted"


SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINK = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def workbook(path: Path, sheets: dict[str, str], head: str = "") -> Path:
    """An XLSX with sheet data as XML."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        names = "".join(f'<sheet name="{n}" r:id="rId{i}"/>' for i, n in enumerate(sheets))
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{SHEET}" xmlns:r="{LINK}"><sheets>{names}</sheets></workbook>'
        )
        links = "".join(f'<Relationship Id="rId{i}" Target="worksheets/s{i}.xml"/>' for i in range(len(sheets)))
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{links}</Relationships>")
        archive.writestr(
            "xl/sharedStrings.xml", f'<sst xmlns="{SHEET}"><si><t>naam</t></si><si><r><t>x</t></r></si></sst>'
        )
        for i, rows in enumerate(sheets.values()):
            data = f'{head}<worksheet xmlns="{SHEET}"><sheetData>{rows}</sheetData></worksheet>'
            archive.writestr(f"xl/worksheets/s{i}.xml", data)
    return path


ROWS = (
    '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="inlineStr"><is><t>y</t></is></c>'
    '<c r="E1" t="str"><v>f</v></c></row><row r="3"><c r="A3"><v>1</v></c><c r="B3"><v>200000.5</v></c>'
    '<c r="C3"><v>5E5</v></c><c r="E3"><f>HYPERLINK("http://x")</f><v>5</v></c></row>'
)


def test_a_sheet_is_read_as_text_and_a_formula_stays_one(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"een": ROWS, "twee": ROWS})
    assert refused(path, x="x", y="y").key == "sheet_many"
    assert "een, twee" in refused(path, x="x", y="y", sheet="drie").message_nl
    read = read_file(path, ReadOptions(x="x", y="y", sheet="twee"))
    assert read.geometry.iloc[0].equals(Point(200_000.5, 500_000))
    assert read["f"].tolist() == ['=HYPERLINK("http://x")']
    assert list(read.columns) == ["naam", "x", "y", "Unnamed: 3", "f", "geometry"]
    error = refused(path, x="f", y="y", sheet="een")
    assert (error.key, "regel 3" in error.message_nl) == ("csv_bad_number", True)


def test_a_formula_in_a_csv_is_text(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y,naam\n1,2,\"=cmd|' /C calc'!A0\"\n")
    assert read_file(path, ReadOptions(x="x", y="y"))["naam"].tolist() == ["=cmd|' /C calc'!A0"]


# Real files ------------------------------------------------------------------------------

WKT_4326 = {"wkt": "wkt_srid_4326"}
REAL = [
    # file, options, features, CRS that the file names
    ("admin/gemeenten_2023_cbs_wijkenbuurten_simplified.geojson", {}, 343, 4326),
    ("admin/gemeenten_342_met_provincie_veiligheidsregio.geojson", {}, 342, 4289),
    ("admin/provincies_generalised.geojson", {}, 12, 4289),
    ("admin/provinciegebied_kadaster_rd.geojson", {}, 12, 28992),
    ("admin/nl-vr-gm.topo.json", {"layer": "gm_features"}, 342, None),
    ("admin/nl-vr-gm.topo.json", {"layer": "vr_features"}, 25, None),
    ("admin/nl-vr-gm.topo.json", {"layer": "nl_features"}, 1, None),
    ("mining/nlog_licences.geojson", {}, 438, 4326),
    ("mining/nlog_wells_first3000.geojson", {}, 3000, 4326),
    ("mining/offshore_blocks.geojson", {}, 176, 4326),
    ("mining/groningen_field_outline_rd.csv", {"x": "x", "y": "y"}, 9977, None),
    ("mining/gem_oil_gas_extraction_2025-02-26.csv", {"x": "lng", "y": "lat"}, 7396, None),
    (
        "mining/gem_oil_gas_extraction_2025-02-26.csv",
        {"x": "lng", "y": "lat", "where": {"country/area": ["Netherlands"]}},
        164,
        None,
    ),
    ("seismicity/knmi_all_induced_1986_2017.csv", {"x": "LON", "y": "LAT"}, 1396, None),
    (
        "seismicity/knmi_eventcatalogue_groningen_2022-02-10.xlsx",
        {"x": "Easting", "y": "Northing", "sheet": "10 feb 2022"},
        1474,
        None,
    ),
    (
        "seismicity/knmi_eventcatalogue_groningen_2022-02-10.xlsx",
        {"x": "POINT_X", "y": "POINT_Y", "sheet": "info"},
        44,
        None,
    ),
    ("faults/groningen_FaultModel_geometries.csv", {"x": "Easting", "y": "Northing"}, 35770, None),
    ("faults/groningen_FaultModel_geometries.csv", {"x": "Easting", "y": "Northing", "group_by": "Fault"}, 1037, None),
    ("faults/groningen_faults_grl.txt", {"x": "easting0 [km]", "y": "northing0 [km]"}, 325, None),
    ("faults/gem_gafdb_active_faults_nl_clip.geojson", {}, 15, 4326),
    ("salt/h2_salt_caverns_GWh_per_sqkm.geojson", {}, 119, 4326),
    ("geology/groningen_ReservoirModel_thickness.csv", {"x": "X", "y": "Y"}, 5813, None),
    ("geology/groningen_Geological_zones_V6.zip", {}, 162, 28992),
    ("geology/nlog_stratstelsel_sample_20230807.parquet", {"x": "X_TOP_RD", "y": "Y_TOP_RD"}, 62, None),
    ("networks/gem_ggit_pipelines_2024-10-08.csv", {"wkt": "geometry"}, 4899, None),
    (
        "networks/gem_ggit_pipelines_2024-10-08.csv",
        {"wkt": "geometry", "contains": {"areas": "Netherlands"}},
        47,
        None,
    ),
    ("networks/scigrid_gas_EMAP_Raw_PipeSegments.csv", {"x": "long", "y": "lat"}, 5146, None),
    (
        "networks/scigrid_gas_EMAP_Raw_PipeSegments.csv",
        {"x": "long", "y": "lat", "contains": {"country_code": "'NL'"}},
        135,
        None,
    ),
    ("networks/scigrid_gas_IGGINL_PipeSegments.csv", {"x": "long", "y": "lat"}, 2136, None),
    ("networks/osm_power_nl_heuristic_links.csv", WKT_4326, 1163, 4326),
    ("networks/osm_power_nl_heuristic_vertices.csv", WKT_4326, 1030, 4326),
    ("networks/osm_power_nl_highvoltage_links.csv", WKT_4326, 124, 4326),
    ("networks/osm_power_nl_highvoltage_vertices.csv", WKT_4326, 91, 4326),
]
WELLS = ("BLT-01", "EVD-01", "JUT-01", "PKP-01")
ELSEWHERE = {
    "geology/utrecht_lithostratigraphy_4wells.xlsx",
    "geology/utrecht_thermogis_4wells.xlsx",
    "geology/geotop_usp.nc",  # tests/test_grids.py
    "geology/chloride_hbossche.nc",
}


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "options", "count", "epsg"), REAL)
def test_a_real_file_opens_with_the_options_that_it_needs(real_data, name, options, count, epsg):
    read = read_file(real_data / name, ReadOptions(**options))
    assert len(read) == count
    # A wrong tag stays what the file says: intake refuses it, with both distances.
    assert (read.crs and read.crs.to_epsg()) == epsg


@pytest.mark.real_data
def test_no_real_file_is_forgotten(real_data):
    there = {p.relative_to(real_data).as_posix() for p in real_data.rglob("*") if p.is_file() and p.suffix != ".md"}
    assert there
    assert there == {name for name, *_ in REAL} | ELSEWHERE


@pytest.mark.real_data
def test_sheets_without_a_place_are_tables(real_data):
    layers = [read_table(real_data / "geology/utrecht_lithostratigraphy_4wells.xlsx", sheet=well) for well in WELLS]
    assert sum(map(len, layers)) == 158
    heads = [read_table(real_data / "geology/utrecht_thermogis_4wells.xlsx", sheet=well) for well in WELLS]
    # The first sheet is of BLT-01, and says PKP-01: so it stands in the file.
    assert [head.columns[1] for head in heads] == ["PKP-01", "EVD-01", "JUT-01", "PKP-01"]
    assert all({"x", "Y"} <= set(head["Well Name"]) for head in heads)


@pytest.mark.real_data
def test_the_traps_of_the_real_files_stay_visible(real_data):
    padded = read_file(real_data / "admin/provincies_generalised.geojson")["provincie"]
    assert padded.str.endswith(" ").any()
    kilometres = read_file(
        real_data / "faults/groningen_faults_grl.txt", ReadOptions(x="easting0 [km]", y="northing0 [km]")
    )
    assert kilometres.total_bounds.max() < 1000
    pipes = ReadOptions(wkt="geometry", contains={"areas": "Netherlands"})
    assert read_file(real_data / "networks/gem_ggit_pipelines_2024-10-08.csv", pipes).geometry.isna().sum() == 3
    abroad = read_file(real_data / "admin/gemeenten_2023_cbs_wijkenbuurten_simplified.geojson")
    assert "GM0998" in set(abroad["gemeentecode"])

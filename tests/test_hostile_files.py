"""Files made to do harm: refused with a message, in little memory, without a network, writing nothing."""

from __future__ import annotations

import http.server
import json
import os
import socket
import sqlite3
import stat
import struct
import tempfile
import threading
import tracemalloc
import zipfile
from pathlib import Path

import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
from shapely import LineString, Point, box
from test_files import LINK, ROWS, SHEET, drawing, topology, workbook, zipped

from dgdo_geo.errors import InputError
from dgdo_geo.sources import archives, files
from dgdo_geo.sources.files import ReadOptions, read_file
from dgdo_geo.sources.tables import read_table

MEMORY = 60 * 1024**2
FEATURE = '{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[5,52]}}'
XY = {"x": "x", "y": "y"}


@pytest.fixture(autouse=True)
def safe(tmp_path, monkeypatch):
    """Every test: no socket, temporary files in a place that must be empty afterwards, and no large memory."""

    def no_network(self, address):
        raise AssertionError(f"a socket was opened to {address}")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    around = sorted(tmp_path.parent.iterdir()), sorted(Path().iterdir())
    yield
    assert list(scratch.iterdir()) == []
    assert (sorted(tmp_path.parent.iterdir()), sorted(Path().iterdir())) == around


def refused(path: Path, key: str, **options) -> InputError:
    """The message; nothing changes beside the file, and the memory stays small."""
    before = sorted(p for p in path.parent.rglob("*")) if path.parent.is_dir() else []
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            read_file(path, ReadOptions(**options))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.key == key
    assert caught.value.exit_code == 2
    shown = archives.shown(path.name)
    assert shown in caught.value.message_nl
    assert shown in str(caught.value)
    assert caught.value.message_nl != str(caught.value)
    assert peak < MEMORY
    assert (sorted(p for p in path.parent.rglob("*")) if path.parent.is_dir() else []) == before
    return caught.value


def archive(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members:
            made.writestr(name, content)
    return path


# Zips ------------------------------------------------------------------------------------

ESCAPES = ["../a.shp", "map/../../a.shp", "/etc/a.shp", "C:/a.shp", "C:a.shp", "..\\a.shp", "map\\a.shp", "CON.shp"]


@pytest.mark.parametrize("name", [*ESCAPES, "a\u202egnp.shp", "a\x07.shp", "x" * 300 + ".shp"])
def test_a_member_may_not_leave_its_folder(tmp_path, name):
    error = refused(archive(tmp_path / "a.zip", (name, b"x")), "archive_path")
    assert "\u202e" not in error.message_nl
    assert "\x07" not in error.message_nl


def test_a_link_in_a_zip_is_refused(tmp_path):
    link = zipfile.ZipInfo("a.shp")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    refused(archive(tmp_path / "a.zip", (link, b"/etc/passwd")), "archive_path")


def test_a_zip_that_says_that_it_is_a_bomb(tmp_path):
    refused(archive(tmp_path / "a.zip", ("a.shp", b"\0" * (30 * 1024**2))), "archive_bomb")


def test_a_zip_that_is_too_large_in_all(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_BYTES", 100_000)
    parts = [(f"{i}.dbf", os.urandom(1000) + b"\0" * 30_000) for i in range(4)]
    refused(archive(tmp_path / "a.zip", *parts), "archive_bomb")


def test_a_zip_that_lies_about_its_size(tmp_path):
    path = archive(tmp_path / "a.zip", ("a.geojson", b" " * (20 * 1024**2)))
    content = bytearray(path.read_bytes())
    local, central = 22, content.rfind(b"PK\x01\x02") + 24
    for place in (local, central):
        content[place : place + 4] = struct.pack("<I", 1000)
    path.write_bytes(content)
    refused(path, "archive_broken")


def test_a_zip_with_many_members_locked_nested_or_double(tmp_path, monkeypatch):
    path = tmp_path / "a.zip"
    monkeypatch.setattr(archives, "MAX_MEMBERS", 5)
    refused(archive(path, *((f"{i}.shp", b"x") for i in range(6))), "archive_many_members")
    refused(archive(path, ("a.shp", b"x"), ("b.zip", b"PK")), "archive_nested")
    refused(archive(path, ("a.shp", b"x"), ("A.SHP", b"x")), "archive_twice")
    refused(archive(path, ("leesmij.txt", b"x")), "archive_nothing")
    content = bytearray(archive(path, ("a.shp", b"x")).read_bytes())
    content[6] |= 1
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    refused(path, "archive_encrypted")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as made:
        made.writestr("a.shp", b"x")
    refused(path, "archive_broken")


def test_a_list_of_members_that_is_too_long_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_DIRECTORY", 50)
    refused(archive(tmp_path / "a.zip", ("a.shp", b"x")), "archive_many_members")


def test_only_the_map_is_unpacked(tmp_path, monkeypatch):
    drawing().to_file(tmp_path / "a.shp")
    path = zipped(tmp_path, tmp_path / "a.shp")
    with zipfile.ZipFile(path, "a") as made:
        made.writestr("start.exe", b"MZ")
        made.writestr("a.shp.xml", b'<!DOCTYPE a SYSTEM "http://x">')
    written = []
    real = archives.unpack
    monkeypatch.setattr(archives, "unpack", lambda a, m, target: (written.append(target.name), real(a, m, target)))
    assert len(read_file(path)) == 2
    assert sorted(written) == ["kaart.cpg", "kaart.dbf", "kaart.prj", "kaart.shp", "kaart.shx"]


# XML -------------------------------------------------------------------------------------

GML = (
    '<ogr:FeatureCollection xmlns:ogr="http://ogr.maptools.org/" xmlns:gml="http://www.opengis.net/gml" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://ogr.maptools.org/ {url}/a.xsd">'
    '<gml:featureMember><ogr:a fid="1"><ogr:naam>{text}</ogr:naam><ogr:geometryProperty><gml:Point srsName="{srs}">'
    "<gml:coordinates>200000,500000</gml:coordinates></gml:Point></ogr:geometryProperty></ogr:a></gml:featureMember>"
    "</ogr:FeatureCollection>"
)
KML = (
    '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><NetworkLink><Link><href>{url}/x.kml</href></Link>'
    "</NetworkLink><Placemark><name>{text}</name><Point><coordinates>5,52</coordinates></Point></Placemark></Document></kml>"
)
ENTITIES = [
    '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE a [<!ENTITY e "xxxxxxxxxx"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;">]>',
    '<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd">',
    "<!-- " + "x" * 3_000_000 + " --><!doctype a>",
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("head", ENTITIES)
@pytest.mark.parametrize(("name", "body"), [("a.gml", GML), ("a.kml", KML)])
def test_entities_are_refused(tmp_path, name, body, head, encoding):
    path = tmp_path / name
    path.write_bytes((head + body.format(url="", text="&e;", srs="EPSG:28992")).encode(encoding))
    refused(path, "xml_doctype")


@pytest.mark.parametrize("encoding", ["UTF-7", "cp037", "ebcdic-cp-us", "IBM037"])
def test_an_encoding_that_could_hide_a_doctype_is_refused(tmp_path, encoding):
    path = tmp_path / "a.gml"
    path.write_text(f'<?xml version="1.0" encoding="{encoding}"?>' + GML.format(url="", text="", srs="EPSG:28992"))
    refused(path, "xml_encoding")


@pytest.mark.parametrize("head", ENTITIES[:3])
def test_entities_in_a_sheet_are_refused(tmp_path, head):
    refused(workbook(tmp_path / "a.xlsx", {"een": ROWS}, head), "xml_doctype", **XY)
    refused(
        workbook(tmp_path / "a.xlsx", {"een": ROWS}, '<?xml version="1.0" encoding="cp037"?>'), "xml_encoding", **XY
    )


def test_a_sheet_that_is_a_bomb_or_points_elsewhere(tmp_path, monkeypatch):
    path = tmp_path / "a.xlsx"
    refused(workbook(path, {"een": "<row/>" * 5_000_000}), "archive_bomb", **XY)
    monkeypatch.setattr("dgdo_geo.sources.tables.MAX_ELEMENTS", 100)
    refused(workbook(path, {"een": "<row/>" * 20_000}), "table_too_large", **XY)
    for target in ("../../../etc/passwd", "http://127.0.0.1/a.xml", "file:///etc/passwd"):
        book = f'<workbook xmlns="{SHEET}" xmlns:r="{LINK}"><sheets><sheet name="a" r:id="r"/></sheets></workbook>'
        links = f'<Relationships><Relationship Id="r" Target="{target}" TargetMode="External"/></Relationships>'
        parts = [("xl/workbook.xml", book.encode()), ("xl/_rels/workbook.xml.rels", links.encode())]
        refused(archive(path, *parts), "file_unreadable", **XY)
        refused(
            archive(path, parts[0], (parts[1][0], links.replace("External", "Internal").encode())),
            "file_unreadable",
            **XY,
        )


def test_cells_that_lie_far_out_are_refused(tmp_path):
    for cell in ('<c r="ZZZZZZZ1"><v>1</v></c>', '<c r="1"><v>1</v></c>' * 20_000, '<c r="A1" t="s"><v>99</v></c>'):
        path = workbook(tmp_path / "a.xlsx", {"een": f'<row r="1">{cell}</row>'})
        refused(path, "file_unreadable", **XY)


# Networks and other files ----------------------------------------------------------------


@pytest.fixture
def server():
    """A web server that notes who calls: GDAL does not use sockets of Python."""
    calls: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            calls.append(self.path)
            self.send_error(404)

        def log_message(self, *words):
            pass

    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}", calls
    made.shutdown()
    made.server_close()
    assert calls == []


CRS_LINKS = [
    '"crs":{"type":"link","properties":{"href":"URL/crs"}}',
    '"crs" : {"properties":{"url":"URL/crs"}, "type" : "URL"}',
    '"CRS":{"type":"link","properties":{"href":"URL/crs"}}',
    '"crs":{"TYPE":"link","properties":{"href":"URL/crs"}}',
    "'crs':{'type':'link','properties':{'href':'URL/crs'}}",
    '"crs":/**/{"type":"link","properties":{"href":"URL/crs"}}',
]


@pytest.mark.parametrize("crs", CRS_LINKS)
def test_a_crs_by_web_address_is_refused(tmp_path, server, crs):
    path = tmp_path / "a.geojson"
    for content in (
        f'{{"type":"FeatureCollection",{crs},"features":[{FEATURE}]}}',
        f'{{"type":"FeatureCollection","features":[{FEATURE}],{crs}}}',
    ):
        path.write_text(content.replace("URL", server[0]))
        refused(path, "file_refers_elsewhere")
    hidden = '{"type":"FeatureCollection","\\u0063rs":{"type":"l\\u0069nk","properties":{"href":"URL"}},"features":[]}'
    path.write_text(hidden.replace("URL", server[0]))
    refused(path, "file_hidden_text")


def test_what_gdal_could_follow_is_not_followed(tmp_path, server):
    url = server[0]
    gml, kml = tmp_path / "a.gml", tmp_path / "a.kml"
    for srs in ("EPSG:28992", f"{url}/srs"):
        gml.write_text(GML.format(url=url, text="=1+1", srs=srs))
        assert read_file(gml)["naam"].tolist() == ["=1+1"]
    kml.write_text(KML.format(url=url, text="naam"))
    assert len(read_file(kml, ReadOptions(layer=pyogrio.list_layers(kml)[-1][0]))) == 1
    named = tmp_path / "a.geojson"
    crs = {"type": "name", "properties": {"name": f"{url}/crs"}}
    named.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": [json.loads(FEATURE)]}))
    assert len(read_file(named)) == 1


@pytest.mark.parametrize("name", ["a.gml", "a.kml", "a.geojson", "a.gpkg", "a.fgb", "a.shp", "a.zip", "a.vrt"])
def test_a_virtual_file_under_another_name_is_refused(tmp_path, server, name):
    virtual = f'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>{server[0]}/x</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
    path = tmp_path / name
    path.write_text(virtual)
    with pytest.raises(InputError):
        read_file(path)
    if path.suffix in (".gml", ".kml"):
        path.write_text(f"<!-- <kml opengis.net/gml -->{virtual}")
        refused(path, "file_refers_elsewhere")
    # Also when the look at the content would let it through: the driver is not there.
    with pytest.raises(pyogrio.errors.DataSourceError):
        pyogrio.read_info(path)


def test_a_gdal_pipeline_is_refused(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"type":"gdal_streamed_alg","command_line":"gdal vector pipeline read /etc/passwd"}')
    refused(path, "file_refers_elsewhere")


def test_no_driver_is_there_that_opens_other_things():
    allowed = {driver for drivers in files.DRIVERS.values() for driver in drivers} | {"MEM"}
    assert set(pyogrio.list_drivers()) <= allowed


@pytest.mark.parametrize(
    "name",
    [
        "/vsicurl/http://127.0.0.1/a.gpkg",
        "/vsizip/a.zip/a.shp",
        "http://127.0.0.1/a.gpkg",
        "https://x/a.gpkg",
        "s3://b/a.gpkg",
    ],
)
def test_addresses_are_no_files(name):
    path = Path(name)
    with pytest.raises(InputError) as caught:
        read_file(path)
    assert caught.value.key == "file_not_on_disk"
    with pytest.raises(InputError):
        read_table(path)


@pytest.mark.parametrize(
    "name",
    ["CON.gpkg", "nul.geojson", "a\u202egkpg.shp", "a\x1b[2J.gpkg", "a\u200b.csv", "x" * 230 + ".gpkg", "a\\b.gpkg"],
)
def test_strange_names_are_refused_and_shown_plainly(tmp_path, name):
    path = tmp_path / name
    path.write_text("x")
    error = refused(path, "file_name_strange")
    assert not {"\u202e", "\x1b", "\u200b"} & set(error.message_nl)


# SQLite ----------------------------------------------------------------------------------


def change(path: Path, *statements: str) -> Path:
    base = sqlite3.connect(path)
    for statement in statements:
        base.execute(statement)
    base.commit()
    base.close()
    return path


def test_a_geopackage_with_triggers_is_read_and_not_changed(tmp_path):
    drawing().to_file(tmp_path / "a.gpkg", layer="a")
    path = change(tmp_path / "a.gpkg", "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT load_extension('evil'); END")
    before = path.read_bytes()
    assert len(read_file(path)) == 2
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.gpkg", "scratch"]


def test_a_view_is_no_layer(tmp_path):
    drawing().to_file(tmp_path / "a.gpkg", layer="a")
    path = change(
        tmp_path / "a.gpkg",
        "CREATE VIEW v AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n AS fid, geom FROM r, a",
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES ('v', 'features', 'v', 28992)",
        "INSERT INTO gpkg_geometry_columns VALUES ('v', 'geom', 'POLYGON', 28992, 0, 0)",
    )
    refused(path, "file_view", layer="v")
    assert len(read_file(path, ReadOptions(layer="a"))) == 2


def test_a_geopackage_that_is_open_elsewhere_is_refused(tmp_path):
    drawing().to_file(tmp_path / "a.gpkg")
    (tmp_path / "a.gpkg-wal").write_bytes(b"x")
    refused(tmp_path / "a.gpkg", "file_open_elsewhere")


# Sizes, depths and coordinates -----------------------------------------------------------


@pytest.mark.parametrize("deep", ['{"a":' * 100_000, "[" * 100_000, '{"x":"]]]\\"{",' + '"a":[' * 100])
def test_deep_json_is_refused(tmp_path, deep):
    path = tmp_path / "a.geojson"
    path.write_text('{"type":"FeatureCollection","features":' + deep)
    refused(path, "file_nested")


def test_brackets_in_text_are_no_depth(tmp_path):
    path = tmp_path / "a.geojson"
    data = {"type": "FeatureCollection", "features": [json.loads(FEATURE)]}
    data["features"][0]["properties"] = {"naam": '[{"' * 1000 + "\\", "b": '\\"' * 700_000, "crs": "[["}
    path.write_text(json.dumps(data))
    assert len(read_file(path)) == 1


def test_deep_wkt_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('wkt\n"' + "GEOMETRYCOLLECTION(" * 100_000 + '"\n')
    refused(path, "file_nested", wkt="wkt")


@pytest.mark.parametrize("name", ["a.geojson", "a.gpkg", "a.fgb", "a.shp", "a.gml", "a.csv", "a.parquet"])
def test_too_many_vertices_are_refused(tmp_path, monkeypatch, name):
    path = tmp_path / name
    frame = gpd.GeoDataFrame(geometry=[LineString([(i, j) for i in range(40)]) for j in range(3)], crs=28992)
    if path.suffix == ".csv":
        frame.to_wkt().to_csv(path, index=False)
    else:
        frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_file(path)
    options = {"wkt": "geometry"} if path.suffix == ".csv" else {}
    assert len(read_file(path, ReadOptions(**options))) == 3
    monkeypatch.setattr(archives, "MAX_VERTICES", 100)
    refused(path, "too_many_vertices", **options)


def test_one_arc_used_a_thousand_times_counts_a_thousand_times(tmp_path, monkeypatch):
    path = tmp_path / "a.topojson"
    many = {"type": "GeometryCollection", "geometries": [{"type": "LineString", "arcs": [0]}] * 1000}
    path.write_text(json.dumps(topology(x=many)))
    monkeypatch.setattr(archives, "MAX_VERTICES", 3999)
    refused(path, "too_many_vertices")


def test_too_many_features_and_too_large_a_file(tmp_path, monkeypatch):
    drawing().to_file(tmp_path / "a.gpkg")
    monkeypatch.setattr(files, "MAX_FEATURES", 1)
    refused(tmp_path / "a.gpkg", "too_many_features")
    monkeypatch.setattr(archives, "MAX_BYTES", 1000)
    refused(tmp_path / "a.gpkg", "file_too_large")


def test_a_parquet_that_is_a_bomb_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": [1] * 100_000, "y": [1] * 100_000, "t": ["x" * 1000] * 100_000}), path)
    assert path.stat().st_size < 50_000
    monkeypatch.setattr(archives, "MAX_BYTES", 50_000_000)
    refused(path, "archive_bomb", **XY)
    monkeypatch.setattr("dgdo_geo.sources.tables.MAX_CELLS", 1000)
    refused(path, "table_too_large", **XY)


@pytest.mark.parametrize("value", [1e9, -1e300])
@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.parquet", "a.csv"])
def test_absurd_coordinates_are_refused(tmp_path, name, value):
    path = tmp_path / name
    frame = gpd.GeoDataFrame(geometry=[Point(1, 1), Point(value, 1)], crs=28992)
    if path.suffix == ".csv":
        path.write_text(f"x,y\n1,1\n{value},1\n")
    else:
        frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_file(path)
    error = refused(path, "coordinates_absurd", **(XY if path.suffix == ".csv" else {}))
    assert "object 2" in error.message_nl


def test_coordinates_that_are_no_number_are_refused(tmp_path):
    path = tmp_path / "a.parquet"
    for bad in (float("nan"), float("inf")):
        gpd.GeoDataFrame(geometry=[LineString([(0, 0), (bad, 1)])], crs=28992).to_parquet(path)
        refused(path, "coordinates_absurd")
    (tmp_path / "a.csv").write_text('wkt\n"LINESTRING(0 0, NaN 1)"\n')
    refused(tmp_path / "a.csv", "coordinates_absurd", wkt="wkt")


def test_attributes_stay_data(tmp_path):
    text = "<script>alert(1)</script>{file}'; DROP TABLE a; --"
    path = tmp_path / "a.gpkg"
    gpd.GeoDataFrame({"naam": [text]}, geometry=[box(0, 0, 1, 1)], crs=28992).to_file(path)
    assert read_file(path)["naam"].tolist() == [text]
    error = refused(path, "column_missing", where={"{file}{0}": ("x",)})
    assert "{file}{0}" in error.message_nl

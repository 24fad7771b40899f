"""Reading features from services: all of them with the right geometry, or an error that says why."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from mapserver import MapServer, mapserver
from pydantic import ValidationError
from servers import Given, Query, serving

from dgdo_geo.errors import DataError
from dgdo_geo.model import LAND_BOUNDS
from dgdo_geo.sources import wire
from dgdo_geo.sources.arcgis import polygons
from dgdo_geo.sources.http import Client, Limits
from dgdo_geo.sources.services import Fetched, Service, fetch_features, settle, with_query

RD_URI = "http://www.opengis.net/def/crs/EPSG/0/28992"
CRS84_URI = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "PAUSE_S", 0.0)  # our own servers need no rest
        yield Client(limits=Limits(tries=1))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MapServer]:
    with mapserver(tmp_path_factory.mktemp("mapserver")) as running:
        yield running


def xml(body: str, status: int = 200) -> Given:
    return status, {"Content-Type": "text/xml"}, body.encode()


def html_page(status: int = 200) -> Given:
    return status, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html><body>Onderhoud</body></html>"


BOMB = xml('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>')


def fails(key: str, service: Service, client: Client) -> DataError:
    with pytest.raises(DataError) as caught:
        fetch_features(service, client)
    assert caught.value.key == key, str(caught.value)
    return caught.value


def assert_same_features(fetched: Fetched, expected: gpd.GeoDataFrame, metres: float = 1e-6) -> None:
    """Every feature of the GeoPackage, with its attributes and geometry."""
    frame = fetched.frame.to_crs("EPSG:28992").sort_values("nummer").reset_index(drop=True)
    assert frame["nummer"].astype(int).tolist() == expected["nummer"].tolist()
    assert frame["code"].tolist() == expected["code"].tolist()
    assert frame["naam"].tolist() == expected["naam"].tolist()
    assert np.allclose(frame["diepte"].astype(float), expected["diepte"])
    ours, theirs = frame.geometry.to_numpy(), expected.geometry.to_numpy()
    assert shapely.hausdorff_distance(ours, theirs).max() < metres
    assert np.allclose(shapely.area(ours), shapely.area(theirs), rtol=1e-3 if metres > 1e-6 else 1e-9)


# MapServer, WFS --------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["", "1.1.0"])
@pytest.mark.parametrize("layer", ["vlakken", "VLAKKEN_gml"])
def test_wfs_reads_all_features_over_pages(server: MapServer, client: Client, version: str, layer: str) -> None:
    calls: list[tuple[int, int | None]] = []
    service = Service(protocol="wfs", url=server.wfs, layer=layer, version=version)
    fetched = fetch_features(service, client, lambda done, total: calls.append((done, total)))
    assert fetched.frame.crs.to_epsg() == 28992
    assert fetched.layer.removeprefix("ms:") == ("vlakken" if layer == "vlakken" else "Vlakken_GML")
    assert [done for done, _ in calls][:7] == [400, 800, 1200, 1600, 2000, 2400, 2500]
    assert fetched.pages == len(calls) <= 8
    assert fetched.bytes > 100_000
    assert_same_features(fetched, server.frame)


def test_wfs_from_gml_has_typed_columns_but_keeps_zeros(server: MapServer, client: Client) -> None:
    box = (20_000.0, 320_000.0, 60_000.0, 330_000.0)
    fetched = fetch_features(Service(protocol="wfs", url=server.wfs, layer="Vlakken_GML", bbox=box), client)
    assert fetched.frame["nummer"].dtype == np.int64
    assert fetched.frame["diepte"].dtype == np.float64
    assert fetched.frame["code"].iloc[0] == "00001"
    assert fetched.frame["id"].iloc[0] == "Vlakken_GML.1"


def test_wfs_sorts_and_asks_for_rd(server: MapServer, client: Client) -> None:
    server.asked.clear()
    service = Service(protocol="wfs", url=server.wfs, layer="vlakken", id_property="nummer")
    assert_same_features(fetch_features(service, client), server.frame)
    questions = [dict(parse_qsl(urlsplit(path).query)) for path in server.asked]
    pages = [q for q in questions if q["request"] == "GetFeature" and "resultType" not in q]
    assert {q["sortBy"] for q in pages} == {"nummer"}
    assert {q["srsName"] for q in pages} == {"EPSG:28992"}
    assert {q["outputFormat"] for q in pages} == {"application/json; subtype=geojson"}
    assert [q.get("startIndex") for q in pages][:3] == [None, "400", "800"]


@pytest.mark.parametrize("layer", ["vlakken", "Vlakken_GML"])
def test_wfs_by_tiles_gives_every_feature_once(server: MapServer, client: Client, layer: str) -> None:
    service = Service(protocol="wfs", url=server.wfs, layer=layer, tile_m=150_000, id_property="nummer", page_size=400)
    fetched = fetch_features(service, client)
    assert_same_features(fetched, server.frame)
    assert fetched.pages > 6


def test_wfs_with_a_box(server: MapServer, client: Client) -> None:
    box = (20_000.0, 320_000.0, 60_000.0, 360_000.0)
    for layer in ("vlakken", "Vlakken_GML"):
        fetched = fetch_features(Service(protocol="wfs", url=server.wfs, layer=layer, bbox=box), client)
        inside = server.frame[shapely.intersects(server.frame.geometry.to_numpy(), shapely.box(*box))]
        assert_same_features(fetched, inside.reset_index(drop=True))
        assert fetched.expected == len(inside)


def test_wfs_takes_the_newest_name_of_a_pattern(server: MapServer, client: Client) -> None:
    service = Service(protocol="wfs", url=server.wfs, layer="ms:rivm_*_gwb20*", bbox=(0, 300_000, 30_000, 330_000))
    assert fetch_features(service, client).layer.endswith("rivm_20240401_gwb2024")


def test_wfs_says_which_layers_there_are(server: MapServer, client: Client) -> None:
    error = fails("service_layer_unknown", Service(protocol="wfs", url=server.wfs, layer="nope"), client)
    assert "vlakken" in str(error)
    assert "Vlakken_GML" in error.message_nl


def test_gml_in_degrees_is_turned_to_longitude_latitude(server: MapServer, client: Client) -> None:
    from dgdo_geo.sources.wfs import read_gml

    for version, names in (("2.0.0", "typeNames"), ("1.1.0", "typeName")):
        params = {"service": "WFS", "version": version, "request": "GetFeature", names: "Vlakken_GML"}
        reply = client.get(with_query(server.wfs, {**params, "srsName": "urn:ogc:def:crs:EPSG::4326"}))
        frame = read_gml(reply.body)  # version 1.1.0 writes "EPSG:4326", and yet latitude first
        assert frame.crs.to_epsg() == 4326
        west, south, east, north = frame.total_bounds
        assert 3 < west < east < 7
        assert 50 < south < north < 54
        assert len(frame) == 400


def test_the_frame_goes_through_the_harmoniser(server: MapServer, client: Client) -> None:
    from dgdo_geo import harmonise

    report = harmonise.Report(file="dienst", layer="proef")
    box = (20_000.0, 320_000.0, 100_000.0, 330_000.0)
    frame = fetch_features(Service(protocol="wfs", url=server.wfs, layer="Vlakken_GML", bbox=box), client).frame
    frame = harmonise.repair(harmonise.to_rd(frame, None, report), "polygon", report)
    assert len(harmonise.drop_outside(frame, report)) == len(frame) > 50
    assert report.operation_accuracy_m == 0


# MapServer, OGC API ----------------------------------------------------------------------


def single(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """What layer ``enkel`` holds."""
    return frame[frame["nummer"] % 7 != 0].reset_index(drop=True)


def test_ogc_api_of_mapserver_reads_all_features(server: MapServer, client: Client) -> None:
    fetched = fetch_features(Service(protocol="ogc_api_features", url=server.ogc + "/", layer="Enkel"), client)
    assert fetched.frame.crs.to_epsg() == 4326  # this server knows degrees only, in six digits
    assert (fetched.layer, fetched.pages, fetched.expected) == ("enkel", 6, 2143)
    assert_same_features(fetched, single(server.frame), metres=0.5)


def test_ogc_api_of_mapserver_with_a_box_in_rd(server: MapServer, client: Client) -> None:
    box = (21_000.0, 320_500.0, 61_000.0, 360_500.0)
    service = Service(protocol="ogc_api_features", url=server.ogc, layer="enkel", bbox=box)
    expected = single(server.frame)
    inside = expected[shapely.intersects(expected.geometry.to_numpy(), shapely.box(*box))]
    assert_same_features(fetch_features(service, client), inside.reset_index(drop=True), metres=0.5)
    # MapServer 8.0 forgets the box in its link to the next page.
    fails("service_changed", service.model_copy(update={"page_size": 50}), client)


# OGC API, small server -------------------------------------------------------------------


def point(number: int, **properties: object) -> dict[str, Any]:
    place = {"type": "Point", "coordinates": [100_000 + number, 400_000]}
    return {"type": "Feature", "id": number, "geometry": place, "properties": properties}


def collection(features: list[dict[str, Any]], following: str = "", **more: object) -> dict[str, Any]:
    links = [{"rel": "next", "href": following, "type": "application/geo+json"}] if following else []
    return {"type": "FeatureCollection", "features": features, "links": links, **more}


def gokoala(items: Callable[[Query], object], crs: list[str] | None = None) -> Callable[[str, Query], object]:
    """A server like the one of PDOK: refuses what it does not know, answers in RD when asked."""
    known = {"f", "limit", "cursor", "crs", "bbox", "bbox-crs", "jaarcode"}

    def answer(path: str, query: Query) -> object:
        if set(query) - known:
            return 400, {}, b'{"title":"Bad Request","status":400,"detail":"unknown query parameter(s) found"}'
        one = {"id": "zones", "crs": [CRS84_URI, RD_URI] if crs is None else crs}
        if path.endswith("/collections"):
            return {"collections": [one, {"id": "zones_oud"}], "links": []}
        if path.endswith("/collections/zones"):
            return one
        given = items(query)
        if not isinstance(given, dict):
            return given
        return 200, {"Content-Crs": f"<{query.get('crs', CRS84_URI)}>"}, json.dumps(given).encode()

    return answer


def ogc(url: str, **more: Any) -> Service:
    return Service(protocol="ogc_api_features", url=f"{url}/ogc/v1", layer="zones", **more)


def test_ogc_api_follows_cursors_in_rd_with_the_union_of_columns(client: Client) -> None:
    pages = {
        "": collection(
            [point(1, naam="a", jaar=1990), point(2, naam="b", jaar=1991)], "items?cursor=x&f=json&crs=" + RD_URI
        ),
        "x": collection([point(3, diepte=12, lijst=[1, 2])], "/ogc/v1/collections/zones/items?cursor=y&crs=" + RD_URI),
        "y": collection([point(4, naam=None, jaar=2000, diepte=1.5)]),
    }
    box = (90_000.0, 300_000.0, 200_000.0, 500_000.0)
    with serving(gokoala(lambda query: pages[query.get("cursor", "")])) as small:
        fetched = fetch_features(ogc(small.url, bbox=box, where={"jaarcode": "2026"}), client)
        first = small.queries[2]
    assert first == {
        "f": "json", "limit": "1000", "crs": RD_URI, "bbox": "90000,300000,200000,500000", "bbox-crs": RD_URI, "jaarcode": "2026",
    }  # fmt: skip
    frame = fetched.frame
    assert frame.crs.to_epsg() == 28992
    assert frame.geometry.x.tolist() == [100_001, 100_002, 100_003, 100_004]
    assert list(frame.columns) == ["naam", "jaar", "id", "diepte", "lijst", "geometry"]
    assert frame["id"].tolist() == [1, 2, 3, 4]
    assert [str(v) for v in frame["jaar"]] == ["1990", "1991", "<NA>", "2000"]
    assert frame["diepte"].tolist()[2:] == [12.0, 1.5]
    assert frame["lijst"].tolist()[2] == [1, 2]
    assert (fetched.pages, fetched.expected) == (3, None)
    assert any("does not say how many" in note for note in fetched.notes)


def test_ogc_api_without_rd_is_in_degrees(client: Client) -> None:
    place = {"type": "Feature", "id": "a", "properties": {}, "geometry": {"type": "Point", "coordinates": [5.2, 52.1]}}
    with serving(gokoala(lambda _: collection([place], numberMatched=1), crs=[CRS84_URI])) as small:
        fetched = fetch_features(ogc(small.url), client)
        assert "crs" not in small.queries[-1]
    assert fetched.frame.crs.to_epsg() == 4326
    assert fetched.frame.geometry.x.tolist() == [5.2]
    assert fetched.expected == 1


def test_ogc_api_with_latitude_first_is_turned_round(client: Client) -> None:
    body = json.dumps(collection([{**point(1), "geometry": {"type": "Point", "coordinates": [52.1, 5.2]}}])).encode()
    header = {"Content-Crs": "<http://www.opengis.net/def/crs/EPSG/0/4258>"}
    with serving(gokoala(lambda _: (200, header, body))) as small:
        frame = fetch_features(ogc(small.url), client).frame
    assert frame.crs.to_epsg() == 4258
    assert (frame.geometry.x[0], frame.geometry.y[0]) == (5.2, 52.1)


def test_ogc_api_empty_collection(client: Client) -> None:
    with serving(gokoala(lambda _: collection([], numberMatched=0))) as small:
        fetched = fetch_features(ogc(small.url), client)
    assert len(fetched.frame) == 0
    assert fetched.frame.crs.to_epsg() == 28992


def test_a_server_that_knows_no_f_is_asked_without(client: Client) -> None:
    def answer(path: str, query: Query) -> object:
        return html_page() if "f" in query else plain_answer(path, query)

    plain_answer = gokoala(lambda _: collection([point(1)]))
    with serving(answer) as small:
        assert len(fetch_features(ogc(small.url), client).frame) == 1
        assert "f" not in small.queries[-1]


def test_headers_are_sent(client: Client) -> None:
    with serving(gokoala(lambda _: collection([point(1)]))) as small:
        fetch_features(ogc(small.url, headers={"Referer": "http://voorbeeld.nl"}), client)
        assert {headers["referer"] for _, _, headers in small.asked} == {"http://voorbeeld.nl"}


def endless() -> Callable[[Query], object]:
    """Page 1 for ever, always with another cursor."""
    number = itertools.count()
    return lambda _: collection([point(1), point(2)], f"items?cursor={next(number)}")


def made_up() -> Callable[[Query], object]:
    """Page 1 for ever, with ids that are made up for every answer."""
    number = itertools.count()
    return lambda _: collection(
        [{**point(1, naam="a"), "id": f"zones.fid-{next(number):x}"}], f"items?cursor={next(number)}"
    )


def hollow() -> Callable[[Query], object]:
    """Empty pages for ever."""
    number = itertools.count()
    return lambda _: collection([], f"items?cursor={next(number)}")


def counting() -> Callable[[Query], object]:
    """Another total on the second page."""
    return lambda query: (
        collection([point(2)], numberMatched=3)
        if "cursor" in query
        else collection([point(1)], "items?cursor=a", numberMatched=2)
    )


ERRORS_200 = [
    {"error": {"code": 400, "message": "Kan <laag> niet vinden", "details": []}},
    {"version": "1.1.0", "exceptions": [{"code": "x", "text": "Kan <laag> niet vinden"}]},
    {"code": "NotFound", "description": "Kan <laag> niet vinden"},
    {"title": "Bad Request", "status": 400, "detail": "Kan <laag> niet vinden"},
    xml('<ServiceExceptionReport><ServiceException code="x">Kan &lt;laag> niet\n vinden</ServiceException></ServiceExceptionReport>'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "items"),
    [
        ("service_paging", endless()),
        ("service_paging", made_up()),
        ("service_paging", hollow()),
        ("service_paging", lambda _: collection([point(1)], "items?cursor=same")),
        ("service_paging", lambda _: collection([point(1), point(1)])),
        ("service_changed", counting()),
        ("service_incomplete", lambda _: collection([point(1)], numberMatched=3)),
        ("service_changed", lambda _: collection([point(1), point(2)], numberMatched=1)),
        ("service_elsewhere", lambda _: collection([point(1)], "http://10.0.0.1/items?cursor=x")),
        ("service_answer", lambda _: {"type": "FeatureCollection"}),
        ("service_answer", lambda _: (200, {}, b"[1, 2]")),
        ("service_answer", lambda _: (200, {}, b'{"type": "FeatureColl')),
        ("service_answer", lambda _: (200, {}, b"[" * 100_000)),
        ("service_answer", lambda _: html_page()),
        ("service_doctype", lambda _: BOMB),
        ("service_crs", lambda _: (200, {"Content-Crs": "<http://www.opengis.net/def/crs/EPSG/0/1>"}, b'{"features":[]}')),
        *[("service_error", lambda _, given=given: given if isinstance(given, tuple) else (200, {}, json.dumps(given).encode()))
          for given in ERRORS_200],
    ],
)  # fmt: skip
def test_misbehaviour_of_an_ogc_api(key: str, items: Callable[[Query], object], client: Client) -> None:
    with serving(gokoala(items)) as small:
        error = fails(key, ogc(small.url), client)
    assert small.url in str(error)
    assert small.url in error.message_nl
    if key == "service_error":
        assert "Kan &lt;laag&gt; niet vinden" in str(error)
        assert "Kan &lt;laag&gt; niet vinden" in error.message_nl


def test_too_many_features_are_refused(client: Client) -> None:
    with serving(gokoala(lambda _: collection([point(1), point(2)]))) as small:
        fails("service_too_many", ogc(small.url, max_features=1), client)
    with serving(gokoala(lambda _: collection([point(1)], numberMatched=5))) as small:
        fails("service_too_many", ogc(small.url, max_features=4), client)


# WFS, small server -----------------------------------------------------------------------

CAPABILITIES = """<wfs:WFS_Capabilities xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns:ows="http://www.opengis.net/ows/1.1"
 version="2.0.0"><ows:OperationsMetadata><ows:Operation name="GetFeature"><ows:Parameter name="outputFormat"><ows:AllowedValues>
 <ows:Value>text/javascript</ows:Value><ows:Value>application/json</ows:Value></ows:AllowedValues></ows:Parameter></ows:Operation>
 </ows:OperationsMetadata><wfs:FeatureTypeList><wfs:FeatureType><wfs:Name>nlog:GDW_NG_FACILITY_UTM</wfs:Name></wfs:FeatureType>
 </wfs:FeatureTypeList></wfs:WFS_Capabilities>"""
HITS = '<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs/2.0" numberMatched="{}" numberReturned="0"/>'


def geoserver(items: Callable[[Query], object], hits: object = "unknown") -> Callable[[str, Query], object]:
    def answer(path: str, query: Query) -> object:
        if query["request"] == "GetCapabilities":
            return xml(CAPABILITIES)
        return xml(HITS.format(hits)) if query.get("resultType") == "hits" else items(query)

    return answer


def wfs(url: str, **more: Any) -> Service:
    return Service(protocol="wfs", url=f"{url}/geoserver/ows?map=x", layer="gdw_ng_facility_utm", **more)


def rows(query: Query, total: int = 25, most: int = 10, skip: int = 0) -> dict[str, Any]:
    """A page that holds at most ten, and fewer than it could."""
    start = int(query.get("startIndex", 0))
    numbers = range(start, min(start + min(int(query["count"]), most) - skip, total))
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}
    return {"type": "FeatureCollection", "features": [point(n, code=f"{n:04d}") for n in numbers], "crs": crs}


def test_wfs_reads_on_after_a_short_page(client: Client) -> None:
    with serving(geoserver(lambda query: rows(query, skip=1))) as small:
        fetched = fetch_features(wfs(small.url), client)
        assert small.queries[-1]["typeNames"] == "nlog:GDW_NG_FACILITY_UTM"
        assert small.queries[-1]["map"] == "x"
        assert small.queries[-1]["outputFormat"] == "application/json"
        assert small.queries[-1]["startIndex"] == "25"
    assert fetched.frame["code"].tolist() == [f"{n:04d}" for n in range(25)]
    assert fetched.layer == "nlog:GDW_NG_FACILITY_UTM"


def test_wfs_filters_only_when_asked_and_cuts_the_box_out_itself(client: Client) -> None:
    box = (100_005.0, 300_000.0, 100_009.5, 500_000.0)
    with serving(geoserver(rows)) as small:
        fetched = fetch_features(wfs(small.url, where={"naam": "'t Zand"}, bbox=box), client)
        assert {q.get("cql_filter") for q in small.queries[1:]} == {"\"naam\"='''t Zand'"}
        assert not any("bbox" in q for q in small.queries)
        fetch_features(wfs(small.url), client)
        assert "cql_filter" not in small.queries[-1]
    assert fetched.frame["code"].tolist() == ["0005", "0006", "0007", "0008", "0009"]


def box_rows(query: Query, most: int = 4) -> dict[str, Any]:
    """A server that knows boxes, and ignores paging."""
    west, south, east, north = map(float, query["bbox"].split(",")[:4])
    numbers = [n for n in range(0, 800, 20) if west <= 100_000 + n <= east and south <= 400_000 < north]
    return {"type": "FeatureCollection", "features": [point(n) for n in numbers[: min(most, int(query["count"]))]]}


def test_wfs_by_tiles_where_paging_is_ignored(client: Client) -> None:
    box = (100_000.0, 399_600.0, 100_800.0, 400_400.0)
    with serving(geoserver(box_rows, hits=40)) as small:
        fetched = fetch_features(wfs(small.url, bbox=box, tile_m=5_000.0, page_size=4), client)
    assert sorted(fetched.frame["id"]) == list(range(0, 800, 20))
    assert fetched.expected == 40
    with serving(geoserver(box_rows, hits=40)) as small:
        fails("service_paging", wfs(small.url, bbox=box, page_size=4), client)
        fails("service_incomplete", wfs(small.url, bbox=box, tile_m=5_000.0, page_size=5), client)  # sends four at most


def test_wfs_tiles_that_stay_full_are_an_error(client: Client) -> None:
    heap = [{**point(n), "geometry": {"type": "Point", "coordinates": [100_001, 400_000]}} for n in range(4)]
    full = {"type": "FeatureCollection", "features": heap}
    with serving(geoserver(lambda _: full, hits=9)) as small:
        fails(
            "service_tile_full",
            wfs(small.url, bbox=(100_000, 400_000, 100_100, 400_100), tile_m=100, page_size=4),
            client,
        )
        fails("service_tiles_many", wfs(small.url, bbox=LAND_BOUNDS, tile_m=10), client)


def test_wfs_in_rd_without_a_word_about_the_crs(client: Client) -> None:
    with serving(geoserver(lambda query: {k: v for k, v in rows(query).items() if k != "crs"})) as small:
        fetched = fetch_features(wfs(small.url), client)
    assert fetched.frame.crs.to_epsg() == 28992
    assert any("cannot be degrees" in note for note in fetched.notes)


def changing(query: Query) -> object:
    return {**rows(query), "numberMatched": 25 + int(query.get("startIndex", 0))}


@pytest.mark.parametrize(
    ("key", "items", "hits"),
    [
        ("service_paging", lambda query: rows({**query, "startIndex": "0"}), 25),
        ("service_paging", lambda query: rows({**query, "startIndex": str(max(0, int(query.get("startIndex", 0)) - 1))}), 25),
        ("service_changed", changing, 25),
        ("service_incomplete", lambda query: rows(query, total=20), 25),
        ("service_error", lambda _: xml("<ows:ExceptionReport xmlns:ows='http://www.opengis.net/ows/1.1'><ows:Exception>"
                                        "<ows:ExceptionText>natural order</ows:ExceptionText></ows:Exception></ows:ExceptionReport>"), 25),
        ("service_answer", lambda _: html_page(), 25),
        ("service_doctype", lambda _: BOMB, 25),
    ],
)  # fmt: skip
def test_misbehaviour_of_a_wfs(key: str, items: Callable[[Query], object], hits: int, client: Client) -> None:
    with serving(geoserver(items, hits)) as small:
        fails(key, wfs(small.url), client)


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("service_doctype", BOMB),
        ("service_doctype", (200, {}, BOMB[2].decode().replace("?>", ' encoding="UTF-16"?>').encode("utf-16"))),
        ("service_answer", xml(HITS.format(1).replace("FeatureCollection", "ValueCollection"))),
        ("service_answer", xml(HITS.format(1)[:-9])),
        ("service_answer", html_page()),
        ("service_error", xml("<ServiceExceptionReport>natural order</ServiceExceptionReport>")),
    ],
)
def test_misbehaviour_of_a_wfs_in_gml(key: str, given: Given, client: Client) -> None:
    def answer(path: str, query: Query) -> object:
        return xml(CAPABILITIES.replace("/json", "/gml")) if query["request"] == "GetCapabilities" else given

    with serving(answer) as small:
        fails(key, wfs(small.url), client)


def test_a_crs_that_changes_between_pages_is_an_error(client: Client) -> None:
    def items(query: Query) -> object:
        number = 1 + ("cursor" in query)
        header = {"Content-Crs": f"<{RD_URI if number == 1 else CRS84_URI}>"}
        return 200, header, json.dumps(collection([point(number)], "items?cursor=a" if number == 1 else "")).encode()

    with serving(gokoala(items)) as small:
        fails("service_crs_changed", ogc(small.url), client)


@pytest.mark.parametrize(("key", "given"), [("service_doctype", BOMB), ("service_answer", html_page()), ("service_answer", xml("<a/>")), ("service_answer", xml("<a>"))])  # fmt: skip
def test_capabilities_that_are_none(key: str, given: Given, client: Client) -> None:
    with serving(lambda *_: given) as small:
        fails(key, wfs(small.url), client)


# ArcGIS ----------------------------------------------------------------------------------

OUTER = [[0, 0], [0, 10], [10, 10], [10, 0], [0, 0]]
HOLE = [[2, 2], [8, 2], [8, 8], [2, 8], [2, 2]]
ISLAND = [[4, 4], [4, 6], [6, 6], [6, 4], [4, 4]]
BESIDE = [[20, 0], [20, 5], [25, 5], [25, 0], [20, 0]]


def arcgis_server(
    count: int = 25, most: int = 10, *, geojson: bool = False, paging: bool = True, **broken: Any
) -> Callable[[str, Query], object]:
    """A layer of points and a list of layers; object numbers have gaps."""
    ids = [3 * n + 1 for n in range(count)]
    layers = [{"id": 0, "name": "Mast"}, {"id": 5, "name": "Station"}]
    fields = [
        {"name": "OBJECTID", "type": "esriFieldTypeOID"},
        {"name": "naam", "type": "esriFieldTypeString"},
        {"name": "datum", "type": "esriFieldTypeDate"},
    ]
    about = {
        "fields": fields, "maxRecordCount": most, "supportedQueryFormats": "JSON, geoJSON" if geojson else "JSON",
        "advancedQueryCapabilities": {"supportsPagination": paging},
    }  # fmt: skip

    def answer(path: str, query: Query) -> object:
        if path.endswith("/FeatureServer"):
            return {"layers": layers, "tables": []}
        if not path.endswith("/query"):
            return about
        if query.get("returnCountOnly"):
            return {"count": broken.get("told", count)}
        if query.get("returnIdsOnly"):
            return {"objectIdFieldName": "OBJECTID", "objectIds": ids[::-1] or None}
        chosen = ids
        if not paging and ">=" in query["where"]:
            low, high = (int(part.split("AND")[0]) for part in query["where"].replace("<=", ">=").split(">=")[1:])
            chosen = [i for i in ids if low <= i <= high]
        start = 0 if broken.get("ignores") else int(query.get("resultOffset", 0))
        page = chosen[start : start + min(most, broken.get("most", most))]
        more: dict[str, Any] = {"exceededTransferLimit": True} if start + len(page) < len(chosen) else {}
        values = [{"OBJECTID": i, "naam": f"{i:04d}", "datum": 86_400_000 * i if i > 1 else None} for i in page]
        places = [(100_000 + i, 400_000) for i in page]
        features: list[dict[str, Any]]
        if query["f"] == "geojson":
            features = [{"type": "Feature", "id": v["OBJECTID"], "properties": v, "geometry": {"type": "Point", "coordinates": p}}
                        for v, p in zip(values, places, strict=True)]  # fmt: skip
            crs = {"type": "name", "properties": {"name": f"EPSG:{query['outSR']}"}}
            return {"type": "FeatureCollection", "crs": crs, "properties": more, "features": features}
        features = [{"attributes": v, "geometry": {"x": p[0], "y": p[1]}} for v, p in zip(values, places, strict=True)]
        return {"spatialReference": {"wkid": 28992, "latestWkid": 28992}, "features": features, **more}

    return answer


def arcgis(url: str, **more: Any) -> Service:
    return Service(protocol="arcgis", url=f"{url}/arcgis/rest/services/x/FeatureServer", **{"layer": "5", **more})


@pytest.mark.parametrize("geojson", [True, False])
@pytest.mark.parametrize("paging", [True, False])
@pytest.mark.parametrize("held_back", [10, 4])
def test_arcgis_reads_everything(client: Client, geojson: bool, paging: bool, held_back: int) -> None:
    make = arcgis_server if held_back == 10 else _stingy
    with serving(make(geojson=geojson, paging=paging)) as small:
        fetched = fetch_features(arcgis(small.url), client)
    frame = fetched.frame
    assert frame["OBJECTID"].tolist() == [3 * n + 1 for n in range(25)]
    assert frame.geometry.x.tolist() == [100_001.0 + 3 * n for n in range(25)]
    assert frame.crs.to_epsg() == 28992
    assert list(frame.columns) == ["OBJECTID", "naam", "datum", "geometry"]
    assert frame["naam"].iloc[0] == "0001"
    assert pd.isna(frame["datum"].iloc[0])
    assert frame["datum"].iloc[1] == pd.Timestamp("1970-01-05", tz="UTC")
    assert (fetched.layer, fetched.expected) == ("5 Station", 25)


def _stingy(*, geojson: bool, paging: bool) -> Callable[[str, Query], object]:
    """Promises ten at a time and sends four."""
    inner = arcgis_server(geojson=geojson, paging=paging, most=4)

    def answer(path: str, query: Query) -> object:
        given = inner(path, query)
        return {**given, "maxRecordCount": 10} if isinstance(given, dict) and "fields" in given else given

    return answer


def test_arcgis_asks_by_name_column_and_box(client: Client) -> None:
    with serving(arcgis_server(count=3)) as small:
        service = arcgis(small.url, layer="stat*", where={"naam": "O'Brien", "OBJECTID": "4"}, bbox=(1, 2, 3, 4))
        assert fetch_features(service, client).layer == "5 Station"
        asked = small.queries[-1]
        assert asked["where"] == "naam='O''Brien' AND OBJECTID=4"
        assert (asked["geometry"], asked["inSR"], asked["outSR"]) == ("1,2,3,4", "28992", "28992")
        assert "fields" not in fails("service_column_unknown", arcgis(small.url, where={"nee": "1"}), client).values
        assert "Mast" in str(fails("service_layer_unknown", arcgis(small.url, layer="7"), client))
        fails("service_layer_unknown", arcgis(small.url, layer="zee"), client)
        in_url = Service(protocol="arcgis", url=f"{small.url}/arcgis/rest/services/x/FeatureServer/5/query")
        assert len(fetch_features(in_url, client).frame) == 3


@pytest.mark.parametrize("paging", [True, False])
def test_arcgis_empty_layer(client: Client, paging: bool) -> None:
    with serving(arcgis_server(count=0, paging=paging)) as small:
        fetched = fetch_features(arcgis(small.url), client)
    assert (len(fetched.frame), fetched.expected) == (0, 0)


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("service_paging", arcgis_server(ignores=True)),
        ("service_incomplete", arcgis_server(told=30)),
        ("service_changed", arcgis_server(told=24)),
        ("service_changed", arcgis_server(told=24, paging=False)),
        ("service_error", lambda *_: {"error": {"code": 499, "message": "Token Required", "details": ["x"]}}),
        ("service_answer", lambda *_: html_page()),
        ("service_answer", lambda path, _: {"layers": [{"id": 5, "name": "x"}]}),
    ],
)
def test_misbehaviour_of_arcgis(key: str, answer: Callable[[str, Query], object], client: Client) -> None:
    with serving(answer) as small:
        fails(key, arcgis(small.url), client)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_rings_become_polygons_whatever_their_order(order: tuple[int, ...]) -> None:
    rings = [[OUTER, HOLE, ISLAND, BESIDE][i] for i in order]
    shape = shapely.geometry.shape({"type": "MultiPolygon", "coordinates": polygons(rings)})
    expected = shapely.MultiPolygon([shapely.Polygon(OUTER, [HOLE]), shapely.Polygon(ISLAND), shapely.Polygon(BESIDE)])
    assert shapely.is_valid(shape)
    assert shapely.equals(shape, expected)
    assert shape.area == 100 - 36 + 4 + 25


def test_rings_the_wrong_way_round_open_or_too_short() -> None:
    turned = [ring[::-1] for ring in (OUTER, BESIDE)]
    assert shapely.geometry.shape({"type": "MultiPolygon", "coordinates": polygons(turned)}).area == 125
    assert polygons([OUTER[:-1]]) == polygons([OUTER])
    assert polygons([OUTER, [[1, 1], [2, 2], [1, 1]]]) == polygons([OUTER])
    assert polygons([[[*p, 7.0] for p in OUTER]]) == polygons([OUTER])


# FDSN ------------------------------------------------------------------------------------

EVENTS = """#EventID|Time|Latitude|Longitude|Depth/km|Author|Catalog|Contributor|ContributorID|MagType|Magnitude|MagAuthor|EventLocationName
knmi2012a|2012-08-16T20:30:33.318|53.345|6.672|3.0||KNMI|KNMI|knmi2012a|MLn|3.6||Huizinge
knmi1992b|1992-04-13T01:20:00|51.16|5.95||KNMI|KNMI|KNMI|knmi1992b|MLn|5.8|KNMI|Roermond
"""


def fdsn(url: str, **more: Any) -> Service:
    return Service(protocol="fdsn_event", url=f"{url}/fdsnws/event/1", **more)


def text(body: str) -> Given:
    return 200, {"Content-Type": "text/plain"}, body.encode()


def test_fdsn_reads_a_catalogue(client: Client) -> None:
    with serving(lambda *_: text(EVENTS)) as small:
        fetched = fetch_features(fdsn(small.url, where={"minmagnitude": "1.5"}, bbox=(200_000, 550_000, 280_000, 620_000)), client)  # fmt: skip
        path, asked, _ = small.asked[0]
    assert path == "/fdsnws/event/1/query"
    assert (asked["format"], asked["minmagnitude"]) == ("text", "1.5")
    assert 52 < float(asked["minlatitude"]) < float(asked["maxlatitude"]) < 54
    frame = fetched.frame
    assert frame["event_id"].tolist() == ["knmi2012a"]  # the other one lies outside the box
    assert frame["time"].iloc[0] == pd.Timestamp("2012-08-16T20:30:33.318", tz="UTC")
    assert (frame["depth_km"].iloc[0], frame["magnitude"].iloc[0], frame["place"].iloc[0]) == (3.0, 3.6, "Huizinge")
    assert (frame.geometry.x.iloc[0], frame.geometry.y.iloc[0]) == (6.672, 53.345)
    assert frame.crs.to_epsg() == 4326


@pytest.mark.parametrize("given", [(404, {}, b""), (204, {}, b""), text(""), text(EVENTS.splitlines()[0])])
def test_fdsn_without_events(client: Client, given: Given) -> None:
    with serving(lambda *_: given) as small:
        fetched = fetch_features(fdsn(small.url), client)
    assert len(fetched.frame) == 0
    assert {"event_id", "magnitude", "depth_km", "time", "geometry"} <= set(fetched.frame.columns)


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("service_answer", text(EVENTS.removesuffix("|Huizinge\n"))[:2] + (EVENTS[:-12].encode(),)),
        ("service_answer", text(EVENTS.split("\n", 1)[1])),
        ("service_answer", text(EVENTS.replace("53.345", "noord"))),
        ("service_answer", text(EVENTS.replace("2012-08-16T", "gisteren"))),
        ("service_answer", html_page()),
        ("service_paging", text(EVENTS + EVENTS.splitlines()[1])),
        ("source_status", (413, {}, b"too many")),
    ],
)
def test_misbehaviour_of_fdsn(client: Client, key: str, given: Given) -> None:
    with serving(lambda *_: given) as small:
        fails(key, fdsn(small.url), client)


# Parts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://x.nl"},
        {"bbox": (2, 0, 1, 1)},
        {"tile_m": 10},
        {"page_size": 0},
        {"version": "1.0.0"},
        {"protocol": "wmts"},
        {"startIndex": 3},
    ],
)
def test_a_wrong_declaration_is_refused(wrong: dict[str, Any]) -> None:
    good = {"protocol": "arcgis", "url": "https://x.nl/FeatureServer"}
    assert Service.model_validate(good).max_features == 2_000_000
    with pytest.raises(ValidationError):
        Service.model_validate({**good, **wrong})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2], ["1", "2"]),
        ([1, None], ["1", "<NA>"]),
        ([1, 2.5], ["1.0", "2.5"]),
        ([True, None], ["True", "<NA>"]),
        (["0363", "12"], ["0363", "12"]),
        (["0363", 12], ["0363", "12"]),
        ([2**70, 1], [str(2**70), "1"]),
        ([True, 1], ["True", "1"]),
    ],
)
def test_a_column_gets_one_type(values: list[object], expected: list[str]) -> None:
    assert [str(v) for v in settle(pd.Series(values, dtype=object))] == expected


def test_a_layer_that_is_too_large_is_refused_while_reading(server: MapServer, client: Client) -> None:
    service = Service(protocol="wfs", url=server.wfs, layer="vlakken", max_features=1000)
    fails("service_too_many", service, client)

"""OGC API Features; and what answers in JSON, GeoJSON and XML have in common for all services."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit
from xml.etree import ElementTree
from xml.parsers import expat

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from dgdo_geo.errors import DataError
from dgdo_geo.sources.http import Client, Reply, shown
from dgdo_geo.sources.services import RD, SOURCE_ID, Fetched, OnPage, Pages, Service, pick_layer, plain, with_query

LON_LAT = "EPSG:4326"
"""What GeoJSON without a word about it is in. geopandas takes it as longitude, latitude."""
EMPTY_PAGES = 3
"""A service may send this many empty pages in a row that name a next page."""
ACCEPT = {"Accept": "application/geo+json, application/json;q=0.9"}


def fetch(service: Service, client: Client, on_page: OnPage | None = None) -> Fetched:
    """Read a collection of an OGC API Features by following its links.

    Raises
    ------
    DataError
        See :func:`dgdo_geo.sources.services.fetch_features`.
    """
    base = service.url.rstrip("/")
    index, form = _first(service, client, f"{base}/collections")
    collections = _all_collections(service, client, base, index)
    name = pick_layer(service, collections)
    one = read_object(service, _get(service, client, with_query(f"{base}/collections/{name}", form)))
    pages = Pages(service, name, on_page)
    crs_uri = _rd_uri(one, index)
    params: dict[str, object] = {**form, **service.where, "limit": service.page_size}
    if crs_uri is not None:
        params["crs"] = crs_uri
    if service.bbox is not None:
        box = service.bbox if crs_uri else lon_lat_box(service.bbox)
        params["bbox"] = ",".join(f"{v:.10g}" for v in box)
        params |= {"bbox-crs": crs_uri} if crs_uri else {}
    _follow(service, client, pages, with_query(_items_url(service, base, name, one), params))
    return clip(pages.finish(), None if crs_uri else service.bbox)


def _follow(service: Service, client: Client, pages: Pages, url: str) -> None:
    """Read pages from the first to the one that names no next."""
    seen: set[str] = set()
    empty = 0
    while True:
        seen.add(url)
        reply = _get(service, client, url)
        data = read_object(service, reply)
        pages.expect(number(data.get("numberMatched")))
        frame = read_collection(pages, data, crs_of_header(pages, reply.headers.get("content-crs")))
        empty = 0 if pages.add(frame, reply) else empty + 1
        following = _link(data, "next")
        if following is None:
            return
        url = _same_host(pages, reply.url, following)
        if url in seen or empty > EMPTY_PAGES:
            raise pages.fail("service_paging")


def _get(service: Service, client: Client, url: str) -> Reply:
    return client.get(url, headers={**ACCEPT, **service.headers})


def _first(service: Service, client: Client, url: str) -> tuple[dict[str, Any], dict[str, object]]:
    """The index, and the parameter that this server needs to answer in JSON (most know ``f=json``, not all)."""
    try:
        return read_object(service, _get(service, client, with_query(url, {"f": "json"}))), {"f": "json"}
    except DataError as error:
        if error.values.get("status") not in (400, 404, 406) and error.key not in ("service_answer", "service_error"):
            raise
        return read_object(service, _get(service, client, url)), {}


def _all_collections(service: Service, client: Client, base: str, index: dict[str, Any]) -> list[str]:
    """Ids of all collections; an index may have pages too."""
    names: list[str] = []
    seen: set[str] = set()
    page, url = index, f"{base}/collections"
    while True:
        names += [str(c["id"]) for c in page.get("collections") or [] if isinstance(c, dict) and "id" in c]
        following = _link(page, "next")
        if following is None:
            return names
        url = _same_host(Pages(service, service.layer, None), url, following)
        if url in seen:
            return names
        seen.add(url)
        page = read_object(service, _get(service, client, url))


def _rd_uri(collection: Mapping[str, Any], index: Mapping[str, Any]) -> str | None:
    """How this server writes EPSG:28992; None when it does not offer it."""
    offered = [str(c) for c in collection.get("crs") or []]
    if "#/crs" in offered:
        offered += [str(c) for c in index.get("crs") or []]
    return next((c for c in offered if re.search(r"/EPSG/[^/]+/28992$", c)), None)


def _items_url(service: Service, base: str, name: str, collection: Mapping[str, Any]) -> str:
    """Where the features are: the link of the collection, else the place of the standard."""
    link = _link(collection, "items")
    if link is None:
        return f"{base}/collections/{name}/items"
    return _same_host(Pages(service, name, None), f"{base}/collections/", link)


def _link(data: Mapping[str, Any], rel: str) -> str | None:
    """Address of a link; of several that in GeoJSON or JSON."""
    links = [x for x in data.get("links") or [] if isinstance(x, dict) and x.get("rel") == rel and x.get("href")]
    links = [x for x in links if "html" not in str(x.get("type", ""))]
    links.sort(key=lambda x: ("geo+json" not in str(x.get("type", "")), "json" not in str(x.get("type", ""))))
    return str(links[0]["href"]) if links else None


def _same_host(pages: Pages, base: str, link: str) -> str:
    """The full address of a link; it may not lead to another server."""
    url = urljoin(base, link)
    ours, theirs = urlsplit(base), urlsplit(url)
    is_upgrade = ours.hostname == theirs.hostname and {ours.scheme, theirs.scheme} == {"http", "https"}
    if (ours.hostname, ours.port) != (theirs.hostname, theirs.port) and not is_upgrade:
        raise pages.fail("service_elsewhere", link=plain(shown(url)))
    # Servers behind a proxy write http where they are asked over https.
    return urlunsplit(theirs._replace(scheme=ours.scheme, netloc=ours.netloc))


# Boxes -----------------------------------------------------------------------------------


def lon_lat_box(bbox: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """The box in degrees around a box in RD, whose edges are curved there."""
    transformer = pyproj.Transformer.from_crs(RD, LON_LAT, always_xy=True)
    west, south, east, north = transformer.transform_bounds(*bbox, densify_pts=51)
    return west, south, east, north


def clip(fetched: Fetched, bbox: tuple[float, float, float, float] | None) -> Fetched:
    """Leave out features outside a box in RD that could be asked for in a wider form only."""
    if bbox is None or fetched.frame.empty:
        return fetched
    frame = fetched.frame
    inside = shapely.intersects(frame.geometry.to_crs(RD).to_numpy(), shapely.box(*bbox))
    note = f"{int((~inside).sum())} of {len(frame)} features lie outside the box and were left out"
    kept = frame[inside].reset_index(drop=True)
    return Fetched(
        kept, fetched.layer, fetched.pages, fetched.bytes, fetched.expected, (*fetched.notes, note)
    )  # fmt: skip


# CRS -------------------------------------------------------------------------------------


def crs_of_header(pages: Pages, header: str | None) -> pyproj.CRS | None:
    """The CRS of a ``Content-Crs`` header; None when there is none."""
    return None if header is None else parse_crs(pages, header.strip().strip("<>"))


def parse_crs(pages: Pages, name: str) -> pyproj.CRS:
    """A CRS by URI, URN or code.

    Raises
    ------
    DataError
        If it is unknown.
    """
    if re.search(r"CRS:?84h?$", name):
        return pyproj.CRS("OGC:CRS84")
    found = re.search(r"EPSG[:/]{1,2}[^:/]*[:/](\d+)$|EPSG[:/](\d+)$|epsg\.xml#(\d+)$", name, re.IGNORECASE)
    try:
        return pyproj.CRS.from_epsg(int(next(g for g in found.groups() if g))) if found else pyproj.CRS(name)
    except pyproj.exceptions.CRSError as error:
        raise pages.fail("service_crs", crs=plain(name)) from error


def crs_of_content(pages: Pages, data: Mapping[str, Any], geometry: np.ndarray) -> pyproj.CRS:
    """The CRS that a GeoJSON names; else degrees, or EPSG:28992 when that was asked and it cannot be degrees."""
    named = data.get("crs")
    if isinstance(named, dict):
        properties = named.get("properties")
        name = properties.get("name") if isinstance(properties, dict) else None
        if name:
            return parse_crs(pages, str(name))
    xy = shapely.get_coordinates(geometry)
    if len(xy) and not (np.abs(xy) <= (180, 90)).all():
        pages.note("the answer names no CRS; its numbers cannot be degrees, so EPSG:28992 as asked")
        return pyproj.CRS(RD)
    return pyproj.CRS(LON_LAT)


# GeoJSON ---------------------------------------------------------------------------------


def read_collection(pages: Pages, data: Mapping[str, Any], crs: pyproj.CRS | None = None) -> gpd.GeoDataFrame:
    """A page of GeoJSON as a raw frame.

    Parameters
    ----------
    crs : pyproj.CRS, optional
        As the answer's header says. A geographic one with latitude first (EPSG:4258, EPSG:4326) is turned round, as
        OGC API Features sends it in the order of the CRS.

    Raises
    ------
    DataError
        If it is no feature collection.
    """
    features = data.get("features")
    if not isinstance(features, list) or not all(isinstance(f, dict) for f in features):
        raise pages.fail("service_answer", expected="GeoJSON", found=plain(json.dumps(data)[:1000]))
    geometry = geometries(pages, [json.dumps(f["geometry"]) if f.get("geometry") else None for f in features])
    if crs is None:
        crs = crs_of_content(pages, data, geometry)
    elif crs.is_geographic and crs.axis_info[0].direction == "north":
        geometry = shapely.transform(geometry, lambda xy: xy[:, ::-1])
    if crs == pyproj.CRS("OGC:CRS84"):
        crs = pyproj.CRS(LON_LAT)
    properties = [f.get("properties") or {} for f in features]
    ids = [f.get("id") for f in features]
    return page_frame(properties, geometry, crs, ids)


def geometries(pages: Pages, texts: list[str | None]) -> np.ndarray:
    """Geometries from GeoJSON texts; one that cannot be built is left empty and counted."""
    built = shapely.from_geojson(np.array(texts, dtype=object), on_invalid="ignore")
    built = np.asarray(built, dtype=object).reshape(len(texts))
    broken = sum(text is not None and shape is None for text, shape in zip(texts, built, strict=True))
    if broken:
        pages.note(f"{broken} of {len(texts)} geometries of a page cannot be built; those features have none")
    return built


def page_frame(
    properties: list[dict[str, Any]], geometry: np.ndarray, crs: pyproj.CRS | None, ids: list[Any] | None = None
) -> gpd.GeoDataFrame:
    """A frame with all columns that occur; values as they stand, typed when all pages are there."""
    names = dict.fromkeys(str(name) for row in properties for name in row)
    renamed = {name: name if name not in ("geometry", SOURCE_ID) else f"{name}_" for name in names}
    columns = {
        renamed[name]: pd.Series([row.get(name) for row in properties], dtype=object, index=range(len(properties)))
        for name in names
    }
    if ids is not None and any(value is not None for value in ids):
        columns[SOURCE_ID] = pd.Series(ids, dtype=object)
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(geometry, crs=crs))


def number(value: object) -> int | None:
    """A count that a service tells; None when it does not know."""
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdigit() else None


# Answers ---------------------------------------------------------------------------------


def read_object(service: Service, reply: Reply) -> dict[str, Any]:
    """The JSON object of an answer.

    Raises
    ------
    DataError
        If it is an error message, whatever its status says, or no JSON object.
    """
    body = reply.body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if body.startswith(b"<"):
        refuse_exception(service, body, "JSON")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _not_understood(service, "JSON", body) from error
    if not isinstance(data, dict):
        raise _not_understood(service, "JSON", body)
    told = _told(data)
    if told is not None:
        raise DataError("service_error", service=shown(service.url), text=plain(told))
    return data


def _told(data: Mapping[str, Any]) -> str | None:
    """The text of an error in JSON: ArcGIS, GeoServer, OGC API, RFC 9457; None when it is no error."""
    if "error" in data and "features" not in data:
        error = data["error"]
        if not isinstance(error, dict):
            return str(error)
        details = error.get("details") or []
        return " ".join(map(str, [error.get("code", ""), error.get("message", ""), *details]))
    if isinstance(data.get("exceptions"), list):
        return " ".join(str(e.get("text", e) if isinstance(e, dict) else e) for e in data["exceptions"])
    is_problem = "code" in data or ("title" in data and "status" in data)
    if is_problem and not {"features", "collections", "links", "layers"} & set(data):
        return " ".join(str(data[k]) for k in ("code", "title", "status", "description", "detail") if k in data)
    return None


def _not_understood(service: Service, expected: str, body: bytes) -> DataError:
    return DataError("service_answer", service=shown(service.url), expected=expected, found=plain(_start(body)))


def _start(body: bytes) -> str:
    return body[:2000].decode("utf-8", "replace")


def refuse_exception(service: Service, body: bytes, expected: str) -> None:
    """Raise for markup where something else was asked: an exception report by its text, else as it begins."""
    read_xml(service, body)
    raise _not_understood(service, expected, body)


def read_xml(service: Service, body: bytes) -> ElementTree.Element:
    """Parse XML safely: a document type, and with it every entity of its own, is refused.

    Raises
    ------
    DataError
        If it is an exception report, no XML, or has a document type.
    """
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = lambda tag, at: builder.start(_tag(tag), {_tag(k): v for k, v in at.items()})
    parser.EndElementHandler = lambda tag: builder.end(_tag(tag))
    parser.CharacterDataHandler = builder.data
    run_expat(service, parser, body)
    root = builder.close()
    if local(root.tag) in ("ExceptionReport", "ServiceExceptionReport", "ServiceException"):
        told = " ".join(" ".join(root.itertext()).split())
        raise DataError("service_error", service=shown(service.url), text=plain(told or _start(body)))
    return root


def run_expat(service: Service, parser: expat.XMLParserType, body: bytes) -> None:
    """Run a parser over a whole document, which may have no document type and be no web page."""
    if re.match(rb"\s*<(!doctype\s+)?html", body, re.IGNORECASE):
        raise _not_understood(service, "XML", body)

    def refuse(*_: object) -> None:
        raise DataError("service_doctype", service=shown(service.url))

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise _not_understood(service, "XML", body) from error


def _tag(name: str) -> str:
    return f"{{{name}" if "}" in name else name


def local(tag: str) -> str:
    """The name of an element without its namespace."""
    return tag.rsplit("}", 1)[-1]

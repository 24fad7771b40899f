"""WFS 2.0.0 and 1.1.0: GeoJSON when the server has it, else GML; by pages or by tiles."""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

import geopandas as gpd
import pandas as pd
import pyogrio
import pyproj
import shapely

from dgdo_geo.model import LAND_BOUNDS
from dgdo_geo.sources.http import Client, Reply
from dgdo_geo.sources.ogc_api import (
    clip,
    local,
    number,
    read_collection,
    read_object,
    read_xml,
    refuse_exception,
    run_expat,
)
from dgdo_geo.sources.services import RD, SOURCE_ID, Fetched, OnPage, Pages, Service, pick_layer, with_query

Box = tuple[float, float, float, float]

SMALLEST_TILE_M = 10.0
MOST_TILES = 20_000
WIDEST: Box = (-100_000.0, 200_000.0, 400_000.0, 900_000.0)
"""Land and sea of the Netherlands in RD: tiles lie within this."""
NUMERIC = frozenset({
    "byte", "short", "int", "long", "integer", "nonNegativeInteger", "positiveInteger", "unsignedInt", "unsignedShort",
    "unsignedByte", "unsignedLong", "decimal", "float", "double",
})  # fmt: skip
MEMBERS = ("member", "featureMember", "featureMembers")
GML_OPTIONS = {"EXPOSE_GML_ID": "YES", "DOWNLOAD_SCHEMA": "NO", "WRITE_GFS": "NO", "CONSIDER_EPSG_AS_URN": "AUTO"}
_OPTION = threading.Lock()  # options of GDAL hold for the whole process


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server says that it can do.

    Attributes
    ----------
    version : str
        Of its answer: 2.0.0 or 1.1.0.
    names : tuple of str
        Type names as the server spells them.
    extents : mapping
        Type name -> west, south, east, north in degrees.
    formats : mapping
        Type name -> words for the formats it comes in; those of the whole service when it has none of its own.
    page_limit : int or None
        Features that it sends at most when nothing is asked.
    """

    version: str
    names: tuple[str, ...]
    extents: Mapping[str, Box]
    formats: Mapping[str, tuple[str, ...]]
    page_limit: int | None


def fetch(service: Service, client: Client, on_page: OnPage | None = None) -> Fetched:
    """Read a type of a WFS.

    Raises
    ------
    DataError
        See :func:`dgdo_geo.sources.services.fetch_features`.
    """
    asked = service.version or "2.0.0"
    reply = client.get(with_query(service.url, _base(asked, "GetCapabilities")), headers=service.headers)
    offer = read_capabilities(service, reply.body)
    pages = Pages(service, pick_layer(service, offer.names), on_page)
    if offer.version != asked:
        pages.note(f"asked for WFS {asked}, the server speaks {offer.version}")
    reader = _Reader(service, client, pages, offer)
    hits = reader.hits()
    if service.tile_m is None:
        is_exact = _read_pages(reader)
    else:
        _read_tiles(reader)
        is_exact = False
    if pages.expected is None:
        pages.expect(hits)
    # A count by resultType=hits may stop at the page limit of the server (MapServer): then it is a minimum.
    return clip(pages.finish(at_least=not is_exact), service.bbox if service.where else None)


def _base(version: str, request: str) -> dict[str, object]:
    return {"service": "WFS", "version": version, "request": request}


def read_capabilities(service: Service, body: bytes) -> Offer:
    """Read a capabilities document.

    Raises
    ------
    DataError
        If it is something else.
    """
    root = read_xml(service, body)
    if local(root.tag) != "WFS_Capabilities":
        refuse_exception(service, body, "WFS_Capabilities")
    types, own, general = {}, {}, list[str]()
    for element in root.iter():
        if local(element.tag) == "FeatureType" and (name := _text(element, "Name")):
            types[name] = _extent(element)
            own[name] = tuple(f.text or "" for f in element.iter() if local(f.tag) == "Format")
        elif local(element.tag) == "Operation" and element.get("name") == "GetFeature":
            general += _values(element, "outputFormat")
    limits = [v for e in root.iter() for v in _values_of(e, "CountDefault")]
    version = "1.1.0" if root.get("version", "").startswith("1.1") else "2.0.0"
    return Offer(
        version=version,
        names=tuple(types),
        extents={name: extent for name, extent in types.items() if extent is not None},
        formats={name: formats or tuple(general) for name, formats in own.items()},
        page_limit=next((n for n in map(number, limits) if n), None),
    )


def json_format(formats: Iterable[str]) -> str:
    """The word for GeoJSON, "" when there is none: plain ``application/json`` first; JavaScript is none."""
    wanted = [f for f in formats if "json" in f.casefold() and not re.search("javascript|jsonp|zip", f, re.I)]
    wanted.sort(key=lambda f: (f != "application/json", "geo" not in f.casefold()))
    return wanted[0] if wanted else ""


def _text(element: ElementTree.Element, name: str) -> str:
    return next(((child.text or "").strip() for child in element if local(child.tag) == name), "")


def _values(operation: ElementTree.Element, parameter: str) -> list[str]:
    return [v for element in operation.iter() for v in _values_of(element, parameter)]


def _values_of(element: ElementTree.Element, name: str) -> list[str]:
    """Values of a Parameter or Constraint of that name."""
    if local(element.tag) not in ("Parameter", "Constraint") or element.get("name") != name:
        return []
    return [(v.text or "").strip() for v in element.iter() if local(v.tag) in ("Value", "DefaultValue")]


def _extent(element: ElementTree.Element) -> Box | None:
    for box in element.iter():
        if local(box.tag) == "WGS84BoundingBox":
            numbers = [float(n) for c in box for n in (c.text or "").split() if re.fullmatch(r"[-+.\deE]+", n)]
            if len(numbers) == 4:
                return numbers[0], numbers[1], numbers[2], numbers[3]
    return None


# Questions -------------------------------------------------------------------------------


class _Reader:
    """Asks for features of one type, and reads GeoJSON or GML."""

    def __init__(self, service: Service, client: Client, pages: Pages, offer: Offer) -> None:
        self.service, self.client, self.pages, self.offer = service, client, pages, offer
        self.is_2 = offer.version == "2.0.0"
        self.json_format = json_format(offer.formats[pages.layer])
        self._types: dict[str, str] | None = None

    def hits(self) -> int | None:
        """How many features the server counts."""
        reply = self._get({**self._question(self.service.bbox), "resultType": "hits"})
        counts = _Outline.of(self.service, reply.body).counts
        return next((n for n in map(number, counts) if n is not None), None)

    def page(self, box: Box | None, start: int, count: int) -> tuple[gpd.GeoDataFrame, Reply, int | None]:
        """A page, and the total that it tells."""
        params = {**self._question(box), "count" if self.is_2 else "maxFeatures": count}
        if start:
            params["startIndex"] = start
        if self.service.id_property:
            params["sortBy"] = self.service.id_property
        if self.json_format:
            params["outputFormat"] = self.json_format
        reply = self._get(params)
        if self.json_format:
            data = read_object(self.service, reply)
            total = number(data.get("numberMatched", data.get("totalFeatures")))
            return read_collection(self.pages, data), reply, total
        frame, total = self._gml(reply.body)
        return frame, reply, total

    def _question(self, box: Box | None) -> dict[str, object]:
        params = _base(self.offer.version, "GetFeature")
        params["typeNames" if self.is_2 else "typeName"] = self.pages.layer
        params["srsName"] = RD
        if self.service.where:  # GeoServer takes no bbox beside a filter: then the box is cut out afterwards
            params["cql_filter"] = " AND ".join(f'"{k}"={_quoted(v)}' for k, v in self.service.where.items())
        elif box is not None:
            params["bbox"] = ",".join([*(f"{v:.10g}" for v in box), RD])
        return params

    def _get(self, params: Mapping[str, object]) -> Reply:
        return self.client.get(with_query(self.service.url, params), headers=self.service.headers)

    def _gml(self, body: bytes) -> tuple[gpd.GeoDataFrame, int | None]:
        outline = _Outline.of(self.service, body)
        frame = read_gml(body) if outline.features else gpd.GeoDataFrame({"geometry": []}, geometry="geometry", crs=RD)
        if len(frame) != outline.features:
            raise self.pages.fail("service_incomplete", got=len(frame), expected=outline.features)
        total = number(outline.attributes.get("numberMatched"))
        return self._typed(frame), total

    def _typed(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Numbers where the schema of the server says so; all else stays text, so that 0363 keeps its zero."""
        if self._types is None:
            params = _base(self.offer.version, "DescribeFeatureType")
            params["typeNames" if self.is_2 else "typeName"] = self.pages.layer
            self._types = _column_types(read_xml(self.service, self._get(params).body))
        corners = [c for c in ("lowerCorner", "upperCorner") if c in frame.columns and c not in self._types]
        frame = frame.drop(columns=corners)  # of the envelope that some servers give every feature
        for column in frame.columns.intersection(list(self._types)):
            if self._types[column] in NUMERIC:
                numbers = pd.to_numeric(frame[column], errors="coerce")
                if (numbers.isna() == frame[column].isna()).all():
                    frame[column] = pd.Series([_plain_number(v) for v in frame[column]], frame.index, dtype=object)
        return frame


def _plain_number(value: object) -> int | float | None:
    if not isinstance(value, str):
        return None
    return int(value) if re.fullmatch(r"\s*[+-]?\d+\s*", value) else float(value)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _column_types(root: ElementTree.Element) -> dict[str, str]:
    """Column -> XML type, from a schema; also where the type stands as a restriction within the element."""
    types = {}
    for element in root.iter():
        if local(element.tag) == "element" and (name := element.get("name")):
            inner = next((e.get("base", "") for e in element.iter() if local(e.tag) == "restriction"), "")
            types[name] = (element.get("type") or inner).rsplit(":", 1)[-1]
    return types


def _read_pages(reader: _Reader) -> bool:
    """Pages until an empty one, or until the total that the pages tell; gives whether they tell one."""
    pages, service = reader.pages, reader.service
    while True:
        frame, reply, total = reader.page(service.bbox, pages.count, service.page_size)
        # Some servers count what is left instead of all, or stop counting behind the last one.
        pages.expect(total if len(frame) else None)
        new = pages.add(frame, reply)
        if new == 0 or pages.count == pages.expected:
            return pages.expected is not None


# Tiles -----------------------------------------------------------------------------------


def _read_tiles(reader: _Reader) -> None:
    """Squares instead of pages; a square that may hold more than came is cut in four."""
    service, pages = reader.service, reader.pages
    count = min(service.page_size, reader.offer.page_limit or service.page_size)
    todo = list(_tiles(reader, service.bbox or _bounds(reader)))[::-1]
    while todo:
        box = todo.pop()
        frame, reply, total = reader.page(box, 0, count)
        if len(frame) >= count or (total is not None and total > len(frame)):
            if box[2] - box[0] < 2 * SMALLEST_TILE_M:
                raise pages.fail("service_tile_full", tile=", ".join(f"{v:.0f}" for v in box), count=len(frame))
            todo += _quarters(box)
            continue
        pages.add(frame, reply, overlapping=True)


def _bounds(reader: _Reader) -> Box:
    """Where the type has features, in RD."""
    extent = reader.offer.extents.get(reader.pages.layer)
    if extent is None:
        return LAND_BOUNDS
    transformer = pyproj.Transformer.from_crs("EPSG:4326", RD, always_xy=True)
    near = (max(extent[0], 0.0), max(extent[1], 50.0), min(extent[2], 9.0), min(extent[3], 57.0))
    if not (near[0] < near[2] and near[1] < near[3]):
        return LAND_BOUNDS
    west, south, east, north = transformer.transform_bounds(*near, densify_pts=51)
    box = (max(west, WIDEST[0]) - 1, max(south, WIDEST[1]) - 1, min(east, WIDEST[2]) + 1, min(north, WIDEST[3]) + 1)
    return box if box[0] < box[2] and box[1] < box[3] else LAND_BOUNDS


def _tiles(reader: _Reader, box: Box) -> Iterator[Box]:
    size = reader.service.tile_m or 0.0
    columns, rows = int((box[2] - box[0]) // size) + 1, int((box[3] - box[1]) // size) + 1
    if columns * rows > MOST_TILES:
        raise reader.pages.fail("service_tiles_many", count=columns * rows, max=MOST_TILES)
    for j in range(rows):
        for i in range(columns):
            west, south = box[0] + i * size, box[1] + j * size
            yield west, south, min(west + size, box[2]), min(south + size, box[3])


def _quarters(box: Box) -> list[Box]:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return [(x, y, box[2], box[3]), (box[0], y, x, box[3]), (x, box[1], box[2], y), (box[0], box[1], x, y)]


# GML -------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Outline:
    """What the outside of a GML answer says: attributes of the collection and the number of features."""

    attributes: dict[str, str]
    features: int = 0

    @property
    def counts(self) -> tuple[str, str]:
        return self.attributes.get("numberMatched", ""), self.attributes.get("numberOfFeatures", "")

    @classmethod
    def of(cls, service: Service, body: bytes) -> _Outline:
        """Walk through the whole document once; nothing is built."""
        outline = cls({})
        path: list[str] = []

        def start(tag: str, attributes: dict[str, str]) -> None:
            name = local(tag)
            if not path:
                outline.attributes = {local(k): v for k, v in attributes.items()}
                outline.attributes["root"] = name
            outline.features += len(path) == 2 and path[1] in MEMBERS
            path.append(name)

        parser = expat.ParserCreate(namespace_separator="}")
        parser.StartElementHandler = start
        parser.EndElementHandler = lambda _: path.pop()
        run_expat(service, parser, body)
        if outline.attributes["root"] != "FeatureCollection":
            refuse_exception(service, body, "GML")
        return outline


@contextmanager
def _texts_only() -> Iterator[None]:
    """Let GDAL guess no types from values while reading GML."""
    with _OPTION:
        before = pyogrio.get_gdal_config_option("GML_FIELDTYPES")
        pyogrio.set_gdal_config_options({"GML_FIELDTYPES": "ALWAYS_STRING"})
        try:
            yield
        finally:
            pyogrio.set_gdal_config_options({"GML_FIELDTYPES": before})


def read_gml(body: bytes) -> gpd.GeoDataFrame:
    """Read features from GML that has been looked through already; all properties as text.

    GDAL turns latitude, longitude round where the name of the CRS prescribes that order. Some servers (MapServer,
    WFS 1.1.0) write the short name and yet latitude first; around the Netherlands the numbers tell.
    """
    with tempfile.TemporaryDirectory() as folder, _texts_only():
        path = Path(folder) / "page.gml"
        path.write_bytes(body)
        frame = pyogrio.read_dataframe(path, on_invalid="ignore", **GML_OPTIONS)
    columns = {c: frame[c].astype(object).where(frame[c].notna(), None) for c in frame.columns.drop("geometry")}
    geometry = frame.geometry
    west, south, east, north = shapely.total_bounds(geometry.to_numpy())
    if geometry.crs is not None and geometry.crs.is_geographic and 48 < west <= east < 60 and -5 < south <= north < 15:
        geometry = gpd.GeoSeries(shapely.transform(geometry.to_numpy(), lambda xy: xy[:, ::-1]), crs=geometry.crs)
    result = gpd.GeoDataFrame(columns, geometry=geometry)
    return result.rename(columns={"gml_id": SOURCE_ID})

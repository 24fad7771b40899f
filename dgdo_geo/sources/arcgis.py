"""ArcGIS REST: layers of a MapServer or FeatureServer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from dgdo_geo.errors import DataError
from dgdo_geo.sources.http import Client, Reply, shown
from dgdo_geo.sources.ogc_api import geometries, number, page_frame, parse_crs, read_collection, read_object
from dgdo_geo.sources.services import RD, SOURCE_ID, Fetched, OnPage, Pages, Service, pick_layer, plain, with_query

WKID = RD.removeprefix("EPSG:")
DATE = "esriFieldTypeDate"
NUMERIC = ("esriFieldTypeOID", "esriFieldTypeInteger", "esriFieldTypeSmallInteger", "esriFieldTypeBigInteger",
           "esriFieldTypeDouble", "esriFieldTypeSingle")  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Table:
    """What the layer says of itself."""

    url: str
    fields: Mapping[str, str]
    id_field: str
    page_size: int
    has_geojson: bool
    has_pages: bool


def fetch(service: Service, client: Client, on_page: OnPage | None = None) -> Fetched:
    """Read a layer: by pages where the server has them, else by ranges of object numbers.

    Raises
    ------
    DataError
        See :func:`dgdo_geo.sources.services.fetch_features`.
    """
    url, name = _layer(service, client)
    pages = Pages(service, name, on_page)
    table = _describe(service, pages, _ask(service, client, url, {})[0], url)
    reader = _Reader(service, client, pages, table)
    pages.expect(reader.count())
    if table.has_pages:
        reader.read_pages()
    else:
        reader.read_ranges()
    fetched = pages.finish()
    for column in fetched.frame.columns.intersection([c for c, kind in table.fields.items() if kind == DATE]):
        fetched.frame[column] = _times(fetched.frame[column])
    return fetched


def _ask(service: Service, client: Client, url: str, params: Mapping[str, object]) -> tuple[dict[str, Any], Reply]:
    reply = client.get(with_query(url, {"f": "json", **params}), headers=service.headers)
    return read_object(service, reply), reply


def _layer(service: Service, client: Client) -> tuple[str, str]:
    """Address of the layer, and how it is called: "3 Station"."""
    found = re.fullmatch(r"(.*/(?:Map|Feature)Server)(?:/(\d+))?(?:/query)?/?", service.url.partition("?")[0], re.I)
    base, number_in_url = (found[1], found[2]) if found else (service.url.rstrip("/"), None)
    if number_in_url is not None and not service.layer:
        return f"{base}/{number_in_url}", number_in_url
    data, _ = _ask(service, client, base, {})
    listed = [x for x in [*(data.get("layers") or []), *(data.get("tables") or [])] if isinstance(x, dict)]
    by_number = {str(x.get("id")): str(x.get("name", "")) for x in listed}
    if service.layer in by_number:
        return f"{base}/{service.layer}", f"{service.layer} {by_number[service.layer]}".strip()
    if service.layer.isdigit():
        known = ", ".join(f"{k} {v}" for k, v in by_number.items())
        raise DataError("service_layer_unknown", service=shown(service.url), layer=service.layer, known=plain(known))
    name = pick_layer(service, by_number.values())
    chosen = next(k for k, v in by_number.items() if v == name)
    return f"{base}/{chosen}", f"{chosen} {name}"


def _describe(service: Service, pages: Pages, data: Mapping[str, Any], url: str) -> _Table:
    listed = [f for f in data.get("fields") or [] if isinstance(f, dict)]
    if not listed:
        raise pages.fail("service_answer", expected="fields", found=plain(json.dumps(data)[:1000]))
    fields = {str(f.get("name")): str(f.get("type")) for f in listed}
    id_field = str(data.get("objectIdField") or next((n for n, kind in fields.items() if kind == NUMERIC[0]), ""))
    if not id_field:
        raise pages.fail("service_no_id")
    advanced = data.get("advancedQueryCapabilities") or {}
    limit = number(data.get("maxRecordCount")) or service.page_size
    return _Table(
        url=url,
        fields=fields,
        id_field=id_field,
        page_size=min(service.page_size, limit),
        has_geojson="geojson" in str(data.get("supportedQueryFormats", "")).casefold(),
        has_pages=bool(advanced.get("supportsPagination")),
    )


# Questions -------------------------------------------------------------------------------


class _Reader:
    """Asks for features of one layer."""

    def __init__(self, service: Service, client: Client, pages: Pages, table: _Table) -> None:
        self.service, self.client, self.pages, self.table = service, client, pages, table
        self.where = " AND ".join(self._equals(k, v) for k, v in service.where.items()) or "1=1"

    def _equals(self, column: str, value: str) -> str:
        if column not in self.table.fields:
            known = plain(", ".join(self.table.fields))
            raise self.pages.fail("service_column_unknown", column=column, known=known)
        if self.table.fields[column] in NUMERIC and re.fullmatch(r"-?\d+(\.\d+)?", value):
            return f"{column}={value}"
        return f"{column}='{value.replace(chr(39), chr(39) * 2)}'"

    def _query(self, params: Mapping[str, object]) -> tuple[dict[str, Any], Reply]:
        asked: dict[str, object] = {"where": self.where, **params}
        if self.service.bbox is not None:
            asked |= {
                "geometry": ",".join(f"{v:.10g}" for v in self.service.bbox),
                "geometryType": "esriGeometryEnvelope",
                "inSR": WKID,
                "spatialRel": "esriSpatialRelIntersects",
            }
        return _ask(self.service, self.client, f"{self.table.url}/query", asked)

    def count(self) -> int | None:
        """How many features there are."""
        return number(self._query({"returnCountOnly": "true"})[0].get("count"))

    def _features(self, params: Mapping[str, object]) -> tuple[gpd.GeoDataFrame, Reply, bool]:
        """A page, and whether the server held features back."""
        form = "geojson" if self.table.has_geojson else "json"
        asked = {"f": form, "outFields": "*", "returnGeometry": "true", "outSR": WKID, **params}
        data, reply = self._query(asked)
        frame = read_collection(self.pages, data) if form == "geojson" else read_esri(self.pages, data)
        if self.table.id_field in frame.columns:
            frame[SOURCE_ID] = frame[self.table.id_field]
        inner = data.get("properties")
        more = data.get("exceededTransferLimit") or (isinstance(inner, dict) and inner.get("exceededTransferLimit"))
        return frame, reply, bool(more)

    def read_pages(self) -> None:
        """By offset, until everything that was counted is there, or the server holds nothing back."""
        pages, size = self.pages, self.table.page_size
        while True:
            asked = {"resultOffset": pages.count, "resultRecordCount": size, "orderByFields": self.table.id_field}
            frame, reply, more = self._features(asked)
            new = pages.add(frame, reply)
            is_all = pages.count >= pages.expected if pages.expected is not None else new < size
            if new == 0 or (is_all and not more):
                return

    def read_ranges(self) -> None:
        """By ranges of object numbers; a range that the server cuts short is halved."""
        pages = self.pages
        listed = self._query({"returnIdsOnly": "true"})[0].get("objectIds") or []
        ids = sorted(int(i) for i in listed)
        pages.expect(len(ids))
        todo = list(_chunks(ids, self.table.page_size))[::-1]
        where = self.where
        if not todo:
            pages.add(*self._features({"where": where})[:2])
        while todo:
            chunk = todo.pop()
            column = self.table.id_field
            asked = {"where": f"({where}) AND {column}>={chunk[0]} AND {column}<={chunk[-1]}"}
            frame, reply, more = self._features(asked)
            if more and len(frame) < len(chunk) and len(chunk) > 1:
                todo += [chunk[len(chunk) // 2 :], chunk[: len(chunk) // 2]]
                continue
            pages.add(frame, reply)


def _chunks(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _times(values: pd.Series) -> pd.Series:
    """Milliseconds since 1970 as times in UTC; texts stay as they are."""
    if not pd.api.types.is_numeric_dtype(values):
        return values
    milliseconds = [None if pd.isna(v) else int(v) for v in values]
    return pd.to_datetime(pd.Series(milliseconds, values.index, dtype="Int64"), unit="ms", utc=True, errors="coerce")


# Esri JSON -------------------------------------------------------------------------------


def read_esri(pages: Pages, data: Mapping[str, Any]) -> gpd.GeoDataFrame:
    """A page of Esri's own JSON as a raw frame.

    Raises
    ------
    DataError
        If it is no set of features, or has a CRS without a code.
    """
    features = data.get("features")
    if not isinstance(features, list) or not all(isinstance(f, dict) for f in features):
        raise pages.fail("service_answer", expected="features", found=plain(json.dumps(data)[:1000]))
    texts = [None if f.get("geometry") is None else json.dumps(to_geojson(f["geometry"])) for f in features]
    geometry = geometries(pages, texts)
    return page_frame([f.get("attributes") or {} for f in features], geometry, _crs(pages, data))


def _crs(pages: Pages, data: Mapping[str, Any]) -> pyproj.CRS:
    """The CRS that the answer names; what was asked when it is empty."""
    reference = data.get("spatialReference") or {}
    code = reference.get("latestWkid") or reference.get("wkid")
    if code is None:
        if data["features"] or reference:
            raise pages.fail("service_crs", crs=plain(json.dumps(reference)))
        return pyproj.CRS(RD)
    return parse_crs(pages, f"EPSG:{code}")


def to_geojson(shape: Mapping[str, Any]) -> dict[str, Any] | None:
    """A geometry of Esri as GeoJSON, in two dimensions; None for an empty one."""
    if "rings" in shape:
        return {"type": "MultiPolygon", "coordinates": polygons(shape["rings"])} if shape["rings"] else None
    if "paths" in shape:
        paths = [[p[:2] for p in path] for path in shape["paths"]]
        return {"type": "MultiLineString", "coordinates": paths} if paths else None
    if "points" in shape:
        return {"type": "MultiPoint", "coordinates": [p[:2] for p in shape["points"]]} if shape["points"] else None
    x, y = shape.get("x"), shape.get("y")
    is_point = isinstance(x, int | float) and isinstance(y, int | float)
    return {"type": "Point", "coordinates": [x, y]} if is_point else None


def polygons(rings: Sequence[Sequence[Sequence[float]]]) -> list[list[list[list[float]]]]:
    """Rings of Esri as polygons with holes.

    An outer ring runs clockwise, a hole the other way; the order of the rings says nothing. A hole goes to the
    smallest outer ring that holds all its points and is larger. One that lies in none is an outer ring itself:
    some servers do not keep to the direction.
    """
    arrays = [np.asarray([p[:2] for p in ring], dtype=float).reshape(-1, 2) for ring in rings]
    arrays = [a if len(a) and (a[0] == a[-1]).all() else np.vstack([a, a[:1]]) for a in arrays]
    arrays = [a for a in arrays if len(a) >= 4]
    areas = [_signed_area(a) for a in arrays]
    outer = [i for i, area in enumerate(areas) if area <= 0]
    outer = outer or [i for i, area in enumerate(areas) if area == max(areas)]
    holes: dict[int, list[int]] = {i: [] for i in outer}
    shapes = {i: shapely.polygons(arrays[i]) for i in outer}
    for i in (i for i in range(len(arrays)) if i not in holes):
        around = [
            o for o in outer
            if abs(areas[o]) > abs(areas[i]) and shapely.intersects_xy(shapes[o], arrays[i][:, 0], arrays[i][:, 1]).all()
        ]  # fmt: skip
        if around:
            holes[min(around, key=lambda o: abs(areas[o]))].append(i)
        else:
            holes.setdefault(i, [])
    return [[arrays[i].tolist(), *(arrays[h].tolist() for h in inner)] for i, inner in holes.items()]


def _signed_area(ring: np.ndarray) -> float:
    """Positive when it runs against the clock."""
    x, y = (ring - ring[0]).T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)

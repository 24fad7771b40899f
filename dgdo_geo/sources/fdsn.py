"""FDSN event: a catalogue of earthquakes as points."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import pandas as pd
import shapely

from dgdo_geo.errors import DataError
from dgdo_geo.sources.http import Client
from dgdo_geo.sources.ogc_api import LON_LAT, clip, lon_lat_box, refuse_exception
from dgdo_geo.sources.services import Fetched, OnPage, Pages, Service, plain, with_query

COLUMNS = {
    "eventid": "event_id",
    "time": "time",
    "latitude": "latitude",
    "longitude": "longitude",
    "depth/km": "depth_km",
    "depth": "depth_km",
    "author": "author",
    "catalog": "catalog",
    "contributor": "contributor",
    "contributorid": "contributor_id",
    "magtype": "magnitude_type",
    "magnitude": "magnitude",
    "magauthor": "magnitude_author",
    "eventlocationname": "place",
    "eventtype": "event_type",
}
"""Our name by the name in the text format of FDSN event 1.2."""
NEEDED = ("event_id", "time", "latitude", "longitude", "magnitude")
NUMBERS = ("latitude", "longitude", "depth_km", "magnitude")
NO_DATA = (204, 404)
HEADER = "#" + "|".join(
    [
        "EventID",
        "Time",
        "Latitude",
        "Longitude",
        "Depth/km",
        "Author",
        "Catalog",
        "Contributor",
        "ContributorID",
        "MagType",
        "Magnitude",
        "MagAuthor",
        "EventLocationName",
    ]
)


def fetch(service: Service, client: Client, on_page: OnPage | None = None) -> Fetched:
    """Read a catalogue in one request: the standard knows no total, and not every server knows pages.

    ``where`` holds parameters of the standard, such as ``starttime`` and ``minmagnitude``.

    Raises
    ------
    DataError
        See :func:`dgdo_geo.sources.services.fetch_features`.
    """
    pages = Pages(service, service.layer or "event", on_page)
    url = service.url.rstrip("/")
    url = url if url.endswith("/query") else f"{url}/query"
    params: dict[str, object] = {"format": "text", "orderby": "time-asc", "nodata": 404, **service.where}
    if service.bbox is not None:
        west, south, east, north = lon_lat_box(service.bbox)
        params |= {"minlatitude": f"{south:.6f}", "maxlatitude": f"{north:.6f}"}
        params |= {"minlongitude": f"{west:.6f}", "maxlongitude": f"{east:.6f}"}
    try:
        reply = client.get(with_query(url, params), headers=service.headers)
    except DataError as error:
        if error.values.get("status") not in NO_DATA:
            raise
        pages.note(f"the service has no events like this (status {error.values['status']})")
        return Fetched(read_text(pages, HEADER), pages.layer, 1, 0, None, tuple(pages.notes))
    if reply.body.lstrip()[:1] == b"<":
        refuse_exception(service, reply.body.lstrip(), "FDSN text")
    text = reply.body.decode("utf-8-sig", "replace")
    frame = read_text(pages, text if text.strip() else HEADER)
    if frame["event_id"].duplicated().any():
        raise pages.fail("service_paging")
    pages.add(frame, reply)
    return clip(pages.finish(), service.bbox)


def read_text(pages: Pages, text: str) -> gpd.GeoDataFrame:
    """Events from the text format: one line each, fields between bars.

    Raises
    ------
    DataError
        If the head is missing, or a line has another number of fields, no place or no time.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    names = [n.strip().lstrip("#").strip().casefold() for n in lines[0].split("|")] if lines else []
    columns = [COLUMNS.get(name, name) for name in names]
    if not lines or not lines[0].startswith("#") or not set(NEEDED) <= set(columns):
        raise pages.fail("service_answer", expected="#EventID|Time|…", found=plain(text[:1000]))
    rows = [[field.strip() for field in line.split("|")] for line in lines[1:] if not line.startswith("#")]
    for row in rows:
        if len(row) != len(columns):
            raise pages.fail("service_answer", expected=f"{len(columns)} × |", found=plain("|".join(row)))
    table = pd.DataFrame(rows, columns=columns, dtype=object)
    table = table.where(table != "", None)
    values = _typed(pages, table)
    points = shapely.points(values["longitude"].to_numpy(), values["latitude"].to_numpy())
    return gpd.GeoDataFrame({**table, **values}, geometry=gpd.GeoSeries(points, crs=LON_LAT), index=table.index)


def _typed(pages: Pages, table: pd.DataFrame) -> Mapping[str, pd.Series]:
    """Numbers and times; an empty depth or magnitude stays empty, anything else that is none is an error."""
    typed: dict[str, pd.Series] = {}
    typed |= {c: pd.to_numeric(table[c], errors="coerce").astype(float) for c in NUMBERS if c in table}
    typed["time"] = pd.to_datetime(table["time"], format="ISO8601", utc=True, errors="coerce")
    for column, values in typed.items():
        wrong = values.isna() & table[column].notna()
        if column in ("latitude", "longitude", "time"):
            wrong = values.isna()
        if wrong.any():
            found = str(table.loc[wrong].iloc[0].to_dict())
            raise pages.fail("service_answer", expected=column, found=plain(found))
    return typed

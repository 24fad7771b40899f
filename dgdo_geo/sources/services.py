"""Read features, grids and files from official services, and what all protocols share.

A read gives all of a layer or an error, never a part. It is raw: columns,
values and coordinates as the service sends them, with the coordinate reference
system (CRS) that the service says it sent.
"""

from __future__ import annotations

import fnmatch
import hashlib
import html
import re
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from dgdo_geo.errors import DataError
from dgdo_geo.sources.http import Client, Reply, Validators, shown
from dgdo_geo.sources.service_types import (
    FEATURES,
    FILES,
    Fetched,
    FetchedFile,
    FetchedGrids,
    NotChanged,
    OnPage,
    Service,
    Wanted,
)

__all__ = [
    "Fetched",
    "FetchedFile",
    "FetchedGrids",
    "NotChanged",
    "OnPage",
    "Pages",
    "Service",
    "Wanted",
    "fetch_features",
    "fetch_source",
    "pick_layer",
    "plain",
    "settle",
    "with_query",
]

RD = "EPSG:28992"
LONGEST_TEXT = 300
"""Characters of a server's own text in a message."""
SOURCE_ID = "__source_id"
"""Column of a page with the id that the service gives a feature, beside its properties."""


def fetch_source(
    service: Service,
    client: Client,
    *,
    choices: Iterable[Wanted] = (),
    folder: Path | None = None,
    known: Validators | None = None,
    on_page: OnPage | None = None,
) -> Fetched | FetchedGrids | FetchedFile | NotChanged:
    """Read what a service declares: all features, some grids, or a file.

    Parameters
    ----------
    service : Service
        Its protocol decides what comes back: one of ``FEATURES`` gives Fetched, of ``GRIDS`` FetchedGrids, of
        ``FILES`` FetchedFile or NotChanged (see :mod:`dgdo_geo.sources.service_types`).
    client : Client
    choices : iterable of Wanted
        Grids only: which ones; the only one of the source when empty.
    folder : Path, optional
        Files only, and needed for them: where the file is put, complete or not at all. What an earlier try left of it
        there is used to go on.
    known : Validators, optional
        Files only: of the version that the caller has (it need not lie in ``folder``); NotChanged if it is still the
        newest.
    on_page : callable, optional
        Called again and again with what came so far and the total, None when that is not known: features, cells or
        bytes.

    Raises
    ------
    DataError
        If the service does not answer, answers something else, or does not give everything.
    """
    # These modules need what is below.
    from dgdo_geo.sources import atom, downloads, opendap, wcs, wms

    if service.protocol in FEATURES:
        return fetch_features(service, client, on_page)
    if service.protocol in FILES:
        if folder is None:
            raise ValueError("a file needs a folder")
        read = atom.fetch if service.protocol == "atom" else downloads.fetch
        return read(service, client, folder, known, on_page)
    readers = {"wcs": wcs.fetch, "wms": wms.fetch, "opendap": opendap.fetch}
    return readers[service.protocol](service, client, tuple(dict.fromkeys(choices)) or (Wanted(),), on_page)


def fetch_features(service: Service, client: Client, on_page: OnPage | None = None) -> Fetched:
    """Read all features of a layer.

    Parameters
    ----------
    service : Service
    client : Client
    on_page : callable, optional
        Called after every page with the number of features so far and the number expected.

    Raises
    ------
    DataError
        If the service does not answer, answers something else, or does not give everything.
    """
    from dgdo_geo.sources import arcgis, fdsn, ogc_api, wfs  # these modules need the types above

    readers = {
        "ogc_api_features": ogc_api.fetch,
        "wfs": wfs.fetch,
        "arcgis": arcgis.fetch,
        "fdsn_event": fdsn.fetch,
    }
    return readers[service.protocol](service, client, on_page)


# Pages -----------------------------------------------------------------------------------


class Pages:
    """The pages of one read: kept as they come, joined once, and checked against each other."""

    def __init__(self, service: Service, layer: str, on_page: OnPage | None) -> None:
        self.service, self.layer, self.on_page = service, layer, on_page
        self.expected: int | None = None
        self.count = self.pages = self.bytes = 0
        self.notes: list[str] = []
        self._frames: list[gpd.GeoDataFrame] = []
        self._ids: set[Hashable] = set()
        self._digests: set[bytes] = set()

    def fail(self, key: str, **values: object) -> DataError:
        """An error that names the service and the layer."""
        return DataError(key, service=shown(self.service.url), layer=self.layer, **values)

    def note(self, text: str) -> None:
        """Something for the log, once."""
        if text not in self.notes:
            self.notes.append(text)

    def expect(self, total: int | None) -> None:
        """What a page says about the total; None when it says nothing."""
        if total is None:
            return
        if self.expected is not None and total != self.expected:
            raise self.fail("service_changed", first=self.expected, later=total)
        if total > self.service.max_features:
            raise self.fail("service_too_many", max=self.service.max_features)
        self.expected = total

    def add(self, frame: gpd.GeoDataFrame, reply: Reply, *, overlapping: bool = False) -> int:
        """Take a page in; gives how many of its features are new.

        Parameters
        ----------
        overlapping : bool
            Features may come in more than one page (tiles); a known one is dropped. Else it is an error.
        """
        self.pages += 1
        self.bytes += len(reply.body)
        if len(frame):
            ids = self._ids_of(frame)
            if overlapping:
                frame = self._only_new(frame, ids)
            else:
                self._refuse_known(frame, ids)
        if len(frame) or not self._frames:
            if self._frames and self._frames[0].empty:  # an empty page says nothing about columns or CRS
                self._frames.clear()
            if self._frames and frame.crs != self._frames[0].crs:
                raise self.fail("service_crs_changed", first=_name(self._frames[0].crs), later=_name(frame.crs))
            self._frames.append(frame)
        self.count += len(frame)
        if self.count > self.service.max_features:
            raise self.fail("service_too_many", max=self.service.max_features)
        if self.on_page is not None:
            self.on_page(self.count, self.expected)
        return len(frame)

    def finish(self, *, at_least: bool = False) -> Fetched:
        """All pages as one frame.

        Parameters
        ----------
        at_least : bool
            More features than expected are no error: the server's count stops at its own page limit.
        """
        if self.expected is not None and self.count > self.expected and at_least:
            self.note(f"the service counts {self.expected} features and sent {self.count}")
            self.expected = None
        if self.expected is None:
            self.note("the service does not say how many features there are; whether all came cannot be checked")
        elif self.count < self.expected:
            raise self.fail("service_incomplete", got=self.count, expected=self.expected)
        elif self.count > self.expected:
            raise self.fail("service_changed", first=self.expected, later=self.count)
        crs = self._frames[0].crs
        table = pd.concat([pd.DataFrame(f) for f in self._frames], ignore_index=True)
        geometry = table.pop("geometry")
        columns = {str(name): settle(values) for name, values in table.items()}
        frame = gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(geometry, crs=crs), index=table.index)
        frame = self._place_ids(frame)
        return Fetched(frame, self.layer, self.pages, self.bytes, self.expected, tuple(self.notes))

    def _ids_of(self, frame: gpd.GeoDataFrame) -> list[Hashable] | None:
        name = self.service.id_property
        if name and name not in frame.columns:
            known = ", ".join(str(c) for c in frame.columns if c not in (SOURCE_ID, "geometry"))
            raise self.fail("service_column_unknown", column=name, known=plain(known))
        column = name or SOURCE_ID
        if column not in frame.columns or frame[column].isna().any():
            return None
        ids = [str(value) for value in frame[column]]
        return None if column == SOURCE_ID and _made_up(ids) else [*ids]

    def _refuse_known(self, frame: gpd.GeoDataFrame, ids: list[Hashable] | None) -> None:
        digest = _digest(frame)
        is_repeated = digest in self._digests
        self._digests.add(digest)
        if ids is not None:
            before = len(self._ids)
            self._ids.update(ids)
            is_repeated = is_repeated or len(self._ids) < before + len(ids)
        if is_repeated:
            raise self.fail("service_paging")

    def _only_new(self, frame: gpd.GeoDataFrame, ids: list[Hashable] | None) -> gpd.GeoDataFrame:
        if ids is None:
            raise self.fail("service_no_id")
        keep = []
        for value in ids:
            keep.append(value not in self._ids)
            self._ids.add(value)
        return frame[keep]

    def _place_ids(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Keep the ids of the service as a column, unless they are made up or stand in one already."""
        if SOURCE_ID not in frame.columns:
            return frame
        ids = frame[SOURCE_ID].astype(str)
        alike = [c for c in frame.columns.drop([SOURCE_ID, "geometry"]) if str(frame[c].iloc[0]) == ids.iloc[0]]
        if frame[SOURCE_ID].isna().all() or any((frame[c].astype(str) == ids).all() for c in alike):
            return frame.drop(columns=SOURCE_ID)
        if _made_up(ids):
            self.note("the ids of the service are made up anew for every answer; left out")
            return frame.drop(columns=SOURCE_ID)
        return frame.rename(columns={SOURCE_ID: "source_id" if "id" in frame.columns else "id"})


def _name(crs: pyproj.CRS | None) -> str:
    return "-" if crs is None else crs.to_string()


def _made_up(ids: Iterable[Hashable]) -> bool:
    """GeoServer invents ids for tables without a key: other ones at every request."""
    return all(re.search(r"(^|\.)fid-+[0-9a-f]+(_[0-9a-f-]+)*$", str(value)) for value in ids)


def _digest(frame: gpd.GeoDataFrame) -> bytes:
    """What a page holds, without the ids of the service."""
    digest = hashlib.sha256()
    for wkb in shapely.to_wkb(frame.geometry.to_numpy()):
        digest.update(wkb or b"-")
    for column in sorted(c for c in frame.columns if c not in (SOURCE_ID, frame.geometry.name)):
        digest.update(f"|{column}|{'|'.join(map(str, frame[column]))}".encode("utf-8", "surrogatepass"))
    return digest.digest()


def settle(values: pd.Series) -> pd.Series:
    """Give a column of JSON values one type, seen over all pages: 12 stays 12, also beside an empty cell."""
    if values.dtype != object:
        return values
    there = values[values.notna()]
    kinds = set(map(type, there))
    if not kinds or kinds & {dict, list}:
        return values.where(values.notna(), None)
    if kinds == {bool}:
        return values.astype("bool" if len(there) == len(values) else "boolean")
    if kinds == {int} and all(abs(value) < 2**63 for value in there):
        return values.astype("int64" if len(there) == len(values) else "Int64")
    if kinds <= {int, float} and float in kinds:
        return values.astype("float64")
    return values.map(str, na_action="ignore").astype("str")


# Requests and names ---------------------------------------------------------------------


def with_query(url: str, params: Mapping[str, object]) -> str:
    """An address with parameters; one that stands in the address already (any case) is replaced.

    >>> with_query("http://x/wfs?map=a&SERVICE=WMS", {"service": "WFS"})
    'http://x/wfs?map=a&service=WFS'
    """
    parts = urlsplit(url)
    ours = {name.casefold() for name in params}
    kept = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k.casefold() not in ours]
    query = urlencode([*kept, *((name, str(value)) for name, value in params.items())], safe=":/,*")
    return urlunsplit(parts._replace(query=query, fragment=""))


def plain(text: str) -> str:
    """A text of a server, fit for a message: one line, no control characters, escaped, not too long."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text[: 10 * LONGEST_TEXT]).split())
    short = words if len(words) <= LONGEST_TEXT else f"{words[:LONGEST_TEXT]}…"
    return html.escape(short, quote=False)


def pick_layer(service: Service, names: Iterable[str], pages: Pages | None = None) -> str:
    """The name in the index of the service that is meant.

    Raises
    ------
    DataError
        If there is none; the message lists what is there.
    """
    there = sorted(set(names))
    wanted = service.layer.casefold()
    if "*" in wanted:
        found = [n for n in there if any(fnmatch.fnmatchcase(part, wanted) for part in _spellings(n))]
    else:
        exact = [n for n in there if n == service.layer]
        found = exact or [n for n in there if wanted in _spellings(n)]
        found = found if len({n.casefold() for n in found}) <= 1 else []
    if not found and not service.layer and len(there) == 1:
        found = there
    if not found:
        raise DataError(
            "service_layer_unknown", service=shown(service.url), layer=service.layer, known=plain(", ".join(there))
        )
    return found[-1]


def _spellings(name: str) -> tuple[str, str]:
    """A name as it stands, and without the prefix of its workspace."""
    return name.casefold(), name.casefold().rsplit(":", 1)[-1]

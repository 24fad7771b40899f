"""A file at its own address: downloaded whole, under a safe name, and only when it changed."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dgdo_geo.sources import archives, files, grids
from dgdo_geo.sources.http import Client, Reply, Validators
from dgdo_geo.sources.lattice import Reading
from dgdo_geo.sources.service_types import FetchedFile, NotChanged, OnPage, Service
from dgdo_geo.sources.services import plain

SUFFIXES = tuple(dict.fromkeys((*files.KNOWN, *grids.SUFFIXES)))
NO_NAME = "download"
HEAD = 4096
TYPES = {
    "application/zip": ".zip",
    "application/x-zip-compressed": ".zip",
    "application/geopackage+sqlite3": ".gpkg",
    "application/geo+json": ".geojson",
    "application/json": ".geojson",
    "application/gml+xml": ".gml",
    "text/csv": ".csv",
    "image/tiff": ".tif",
    "application/x-netcdf": ".nc",
    "application/netcdf": ".nc",
    "application/vnd.google-earth.kml+xml": ".kml",
    "application/flatgeobuf": ".fgb",
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}
"""What a media type says, for an address without a telling name."""
STARTS = {
    ".zip": (b"PK\x03\x04",),
    ".xlsx": (b"PK\x03\x04",),
    ".gpkg": (b"SQLite format 3\0",),
    ".fgb": (b"fgb",),
    ".shp": (b"\0\0\x27\x0a",),
    ".tif": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    ".tiff": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    ".nc": (b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF"),
    ".parquet": (b"PAR1",),
    ".geoparquet": (b"PAR1",),
    ".geojson": (b"{",),
    ".json": (b"{",),
    ".topojson": (b"{",),
    ".gml": (b"<",),
    ".kml": (b"<",),
}
EXCEPTION = re.compile(rb"<(\w+:)?(ServiceException|Exception)(Report)?\b")


def fetch(
    service: Service, client: Client, folder: Path, known: Validators | None = None, on_bytes: OnPage | None = None
) -> FetchedFile | NotChanged:
    """Download the file of a service.

    Raises
    ------
    DataError
        See :func:`dgdo_geo.sources.services.fetch_source`.
    """
    return download(Reading(service, ""), client, service.url, folder, known, on_bytes)


def download(
    reading: Reading,
    client: Client,
    url: str,
    folder: Path,
    known: Validators | None = None,
    on_bytes: OnPage | None = None,
) -> FetchedFile | NotChanged:
    """Download a file into a folder.

    Parameters
    ----------
    reading : Reading
        For errors and notes; its layer becomes the name of the file.
    url : str
    folder : Path
        Must exist.
    known, on_bytes
        As ``known`` and ``on_page`` of :func:`dgdo_geo.sources.services.fetch_source`.

    Raises
    ------
    DataError
        If it cannot be fetched, is of no kind that we read, or holds something else than its name says. Nothing is
        left then, except a part of which the rest can be asked for.
    """
    name = file_name(urlsplit(url).path.rpartition("/")[2])
    reading.layer = name
    target = folder / name
    # The client asks for changes of a file that is there; ours may have been cleaned up after it was read.
    to_remove = known is not None and not target.exists()
    if to_remove:
        target.touch()
    try:
        reply = client.download(url, target, known=known, on_bytes=on_bytes)
        if reply.status == 304:
            return NotChanged(name, reply.validators)
        to_remove = True  # until it is what it should be
        suffix, better = _kind(reading, target, reply)
        _check(reading, target, suffix)
        to_remove = False
    finally:
        if to_remove:
            target.unlink(missing_ok=True)
    if better != name:
        reading.note(f"{name} is kept as {better}")
        target = target.replace(folder / better)
    reading.layer = better
    return FetchedFile(target, better, target.stat().st_size, reply.validators, tuple(reading.notes))


def file_name(name: str) -> str:
    """A name that can be used on every disk: no folders, no hidden or strange characters, not too long.

    >>> file_name("../../a%2Fb%20c.gpkg"), file_name(""), file_name("CON.zip")
    ('b c.gpkg', 'download', 'download.zip')
    """
    last = re.split(r"[/\\]", unquote(name))[-1]
    last = "".join(c for c in last if c.isprintable() and c not in '<>:"|?*').strip(" .")
    suffix = Path(last).suffix[:20]
    if archives.is_strange(last):
        last = f"{NO_NAME}{suffix}"
    return last


def _kind(reading: Reading, path: Path, reply: Reply) -> tuple[str, str]:
    """The suffix and the name that fit: of the address, else of Content-Disposition, else of the media type."""
    told = reply.headers.get("content-disposition", "")
    found = re.search(r"filename\*\s*=\s*[\w-]*'[\w-]*'([^;\s]+)", told, re.IGNORECASE)
    found = found or re.search(r'filename\s*=\s*(?:"([^"]*)"|([^;\s]+))', told, re.IGNORECASE)
    named = file_name(next((g for g in found.groups() if g), "")) if found else ""
    media = TYPES.get(reply.headers.get("content-type", "").partition(";")[0].strip().lower(), "")
    for name in (path.name, named, f"{path.name}{media}"):
        if (suffix := Path(name).suffix.casefold()) in SUFFIXES:
            return suffix, name
    raise reading.fail("download_kind", name=plain(named or path.name), known=", ".join(SUFFIXES))


def _check(reading: Reading, path: Path, suffix: str) -> None:
    """Refuse a file that begins like something else: an error message under the name of a map."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    starts = STARTS.get(suffix)
    is_text = starts is None or starts in ((b"{",), (b"<",))
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip() if is_text else head
    is_error = is_text and EXCEPTION.search(head) is not None
    if not start or is_error or (starts is not None and not start.startswith(starts)):
        found = plain(head[:200].decode("utf-8", "replace")) or "-"
        raise reading.fail("download_content", suffix=suffix, found=found)

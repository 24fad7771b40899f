"""A file at a web address, brought to disk: from there it goes the way of any other file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from dgdo_geo.errors import DataError
from dgdo_geo.sources import downloads
from dgdo_geo.sources.guard import Guard
from dgdo_geo.sources.http import Client, Limits, shown
from dgdo_geo.sources.service_types import FetchedFile, Service

VISITOR = Limits(max_bytes=50_000_000, connect_s=5.0, read_s=15.0, total_s=60.0, tries=2, redirects=3)
"""For somebody behind a web page: as large as a file that can be uploaded there."""
ANALYST = Limits(max_bytes=2_000_000_000, total_s=3600.0)
"""For somebody at the command line."""
GUARD = Guard()


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that came.

    Attributes
    ----------
    path : Path
        Where it stands; the name is safe, and its suffix says what kind of file it is.
    url : str
        Where it came from, without what is secret in it; for a declaration.
    size : int
        Bytes.
    """

    path: Path
    url: str
    size: int


def is_url(value: str) -> bool:
    """Whether somebody means a web address and not a file.

    >>> is_url("https://example.nl/a.gpkg"), is_url("FTP://example.nl/a"), is_url("C:/a.gpkg"), is_url("a.gpkg")
    (True, True, False, False)
    """
    scheme, found, _ = value.strip().partition("://")
    return bool(found) and scheme.isascii() and scheme.isalpha()


def from_url(
    url: str,
    folder: Path,
    *,
    guard: Guard | None = GUARD,
    limits: Limits = VISITOR,
    on_bytes: Callable[[int, int | None], None] | None = None,
) -> Arrived:
    """Download the file at a web address into a folder.

    The defaults are for an address that a stranger gave to a server.

    Parameters
    ----------
    url : str
    folder : Path
        Must exist, and is the caller's to remove.
    guard : Guard, optional
        What may be connected to. None, for somebody at their own command line: everything.
    limits : Limits
    on_bytes : callable, optional
        Called with the bytes so far and the total, None when the server does not tell; what it raises ends the
        download.

    Raises
    ------
    DataError
        If the address may not be fetched (before any request), the server fails, the file is too large, of no kind
        that is read, or holds something else than its name says. Nothing is left in the folder then.
    """
    try:
        service = Service(protocol="file", url=url.strip().partition("#")[0])
    except ValidationError as error:
        raise DataError("source_address", url=shown(url)) from error
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        fetched = downloads.fetch(service, Client(limits, guard=guard), Path(inner), on_bytes=on_bytes)
        got = cast(FetchedFile, fetched)  # the other answer is for a version that one has already
        path = got.path.replace(folder / got.path.name)
    return Arrived(path, shown(service.url), got.bytes)

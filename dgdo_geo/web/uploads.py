"""Files that visitors upload: on disk for as long as they are read, under a name that is safe, with messages for a web page."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from dgdo_geo.errors import DgdoGeoError, InputError
from dgdo_geo.texts import text

CRS_CHOICES = ("", "EPSG:28992", "EPSG:4326", "EPSG:4258", "EPSG:25831", "EPSG:23031", "EPSG:3857")
"""Coordinate systems to choose from; "" takes what the file says."""
LONGEST_NAME = 80
ON_THE_PAGE = {
    "file_unreadable": "web_file_unreadable",
    "crs_missing": "web_crs_missing",
    "crs_impossible": "web_crs_impossible",
    "crs_doubtful": "web_crs_doubtful",
    "crs_wrong_tag": "web_crs_wrong_tag",
    "file_outside": "web_file_outside",
    "file_many_layers": "web_file_many_layers",
    "values_unmapped": "web_values_unmapped",
    "class_needed": "web_class_needed",
}
"""Errors whose message names options of the command line, and the same for a page."""


def safe_name(name: str) -> str:
    """The last part of a name, of letters that no file system minds; the kind of file stays.

    >>> safe_name("../../etc/Mijn vlak (1).GPKG"), safe_name("C:\\\\kaart.zip"), safe_name("")
    ('Mijn vlak _1_.GPKG', 'kaart.zip', 'bestand')
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = re.sub(r"[^\w .-]", "_", last).strip(" .") or "bestand"
    stem, dot, suffix = plain.rpartition(".")
    if not dot:
        return plain[:LONGEST_NAME]
    return f"{stem[: LONGEST_NAME - len(suffix) - 1]}.{suffix}"[-LONGEST_NAME:]


@contextmanager
def on_disk(name: str, content: bytes) -> Iterator[Path]:
    """The file in a folder of its own, which is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="dgdo-geo-") as folder:
        path = Path(folder) / safe_name(name)
        path.write_bytes(content)
        yield path


def for_the_page(error: DgdoGeoError) -> DgdoGeoError:
    """The same error with a message for somebody who fills in a page."""
    key = ON_THE_PAGE.get(error.key)
    if key is None:
        return error
    return InputError(key, **error.values)


def crs_label(crs: str) -> str:
    """A coordinate system as the list shows it."""
    return text("web_upload", "crs_of_file") if not crs else text("web_upload", crs.lower().replace(":", "_"))

"""Search for an address or a parcel with the PDOK Locatieserver.

The service refuses parameters that it does not know, and returns geometry as WKT text with x first. Parcels are found
only when they are asked for by type.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from dgdo_geo.errors import DataError, InputError
from dgdo_geo.model import LAND_BOUNDS
from dgdo_geo.sources.http import Client, Limits

URL = "https://api.pdok.nl/bzk/locatieserver/search/v3_1/free"
LIMITS = Limits(max_bytes=1_000_000, connect_s=3.0, read_s=3.0, total_s=3.0, tries=1, redirects=2)
"""A reader waits for the answer: no second try."""
TYPES = ("adres", "perceel", "postcode", "weg", "woonplaats")
FIELDS = ("id", "type", "weergavenaam", "centroide_rd")
ROWS = 10
"""Places in one answer; the service gives 50 at most."""
LONGEST = 200
"""Characters of a question; more is no address."""
_POINT = re.compile(r"POINT\s*\(\s*(-?\d+(?:\.\d+)?)\s+(-?\d+(?:\.\d+)?)\s*\)")


@dataclass(frozen=True, slots=True)
class Address:
    """A place that was found.

    Attributes
    ----------
    label : str
        As the service writes it: "Grote Kerkplein 15, 8011PK Zwolle".
    kind : str
        One of :data:`TYPES`.
    x, y : float
        Middle of the place, EPSG:28992, metres.
    """

    label: str
    kind: str
    x: float
    y: float


def search(words: str, client: Client, url: str = URL) -> tuple[Address, ...]:
    """Addresses, parcels, postcodes, streets and towns that fit some words, the best first.

    Parameters
    ----------
    words : str
        What a person typed.
    client : Client
        With :data:`LIMITS`, where a reader waits.
    url : str
        Address of the endpoint ``free``.

    Raises
    ------
    InputError
        If there is nothing to search for, or too much.
    DataError
        If the service does not answer, or with something else than places.
    """
    asked = " ".join(words.split())
    if not any(c.isalnum() for c in asked):
        raise InputError("address_empty")
    if len(asked) > LONGEST:
        raise InputError("address_long", most=LONGEST)
    params = {
        "q": asked,
        "fq": f"type:({' OR '.join(TYPES)})",
        "fl": ",".join(FIELDS),
        "rows": str(ROWS),
    }
    try:
        found = client.get(url, params, accept=("application/json",)).json()
    except DataError as error:
        raise DataError("address_failed") from error
    listed = [_address(item) for item in _documents(found)[:ROWS]]
    # A place without a point in the Netherlands is no place to go to.
    return tuple(item for item in listed if item is not None)


def _documents(found: object) -> list[object]:
    response = found.get("response") if isinstance(found, dict) else None
    documents = response.get("docs") if isinstance(response, dict) else None
    if not isinstance(documents, list):
        raise DataError("address_failed")
    return documents


def _address(item: object) -> Address | None:
    """One document; None when it has no name, no point, or a point outside the Netherlands."""
    if not isinstance(item, dict):
        return None
    label, written = item.get("weergavenaam"), item.get("centroide_rd")
    if not isinstance(label, str) or not isinstance(written, str) or not label.strip():
        return None
    match = _POINT.fullmatch(written.strip())
    if match is None:
        return None
    x, y = float(match[1]), float(match[2])
    west, south, east, north = LAND_BOUNDS
    if not (math.isfinite(x) and math.isfinite(y) and west <= x <= east and south <= y <= north):
        return None
    kind = item.get("type")
    return Address(" ".join(label.split()), kind if isinstance(kind, str) else "", x, y)

"""An area of the visitor's own as a place: in the link itself when it is small, else kept on the server for a while.

The code of a small area holds its corners: whole metres, or millimetres where
the area has corners between metres. It reads the same everywhere. A larger one
gets an unguessable name, which means something only as long as this server
remembers it; the page says so.
"""

from __future__ import annotations

import base64
import secrets
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator

import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.errors import InputError
from dgdo_geo.intake import OwnArea
from dgdo_geo.query import Explorer
from dgdo_geo.query.area import check_area
from dgdo_geo.texts import number_nl

LONGEST_CODE = 1_500
"""Characters of an area in a link; browsers and mail programs break longer links."""
MOST_VERTICES = 50_000
"""Of one area; the map and the answer stay fast with these."""
MOST_KEPT = 64
"""Areas that the server remembers; the one that was not asked for the longest goes first."""
UNITS_M = {"m": 1.0, "d": 0.001}
"""First letter of a code, and the unit of its numbers in metres."""
KEPT_MARK = "t"
LARGEST = 10_000_000
"""No coordinate is larger, in metres."""

_kept: OrderedDict[str, OwnArea] = OrderedDict()
_lock = threading.Lock()


def code_of(explorer: Explorer, area: OwnArea) -> str:
    """The code of an area that can be asked; it is kept on the server with what was done to it.

    Raises
    ------
    InputError
        If it has too many corners, is no valid polygon, or lies wholly outside the Netherlands.
    """
    shape = shapely.force_2d(area.geometry)
    check_area(shape)
    count = int(shapely.get_num_coordinates(shape))
    if count > MOST_VERTICES:
        raise InputError("area_too_fine", count=number_nl(count), limit=number_nl(MOST_VERTICES))
    _check_inside(explorer, shape)
    code, shape = _coded(shape)
    if not code:
        code = KEPT_MARK + secrets.token_urlsafe(16)
    with _lock:
        _kept[code] = OwnArea(shape, area.notes_nl)
        _kept.move_to_end(code)
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return code


def area_of(code: str) -> OwnArea:
    """The area of a code.

    Raises
    ------
    InputError
        If the code is damaged, or names an area that this server does not remember.
    """
    with _lock:
        found = _kept.get(code)
        if found is not None:
            _kept.move_to_end(code)
            return found
    if code.startswith(KEPT_MARK):
        raise InputError("own_area_gone")
    shape = decoded(code)
    check_area(shape)
    return OwnArea(shape)


def check_code(explorer: Explorer, code: str) -> str:
    """The code itself, when it names an area that can be asked.

    Raises
    ------
    InputError
        As :func:`area_of`, or if the area lies wholly outside the Netherlands.
    """
    _check_inside(explorer, area_of(code).geometry)
    return code


def _check_inside(explorer: Explorer, shape: shapely.Geometry) -> None:
    frame = explorer.regions.municipalities
    near = frame.geometry.iloc[frame.sindex.query(shape, predicate="intersects")]
    if not shapely.area(shapely.intersection(near.to_numpy(), shape)).sum() > 0:
        raise InputError("area_outside")


def is_in_link(code: str) -> bool:
    """True when the link itself holds the area."""
    return not code.startswith(KEPT_MARK)


def short(code: str) -> str:
    """A short mark of an area, for the name of a file."""
    return f"{zlib.crc32(code.encode()):08x}"


# The code ---------------------------------------------------------------------------------


def _coded(shape: shapely.Geometry) -> tuple[str, shapely.Geometry]:
    """The code and the area as the code holds it; "" when it does not fit in a link."""
    if shapely.get_num_coordinates(shape) * 2 > LONGEST_CODE:
        return "", shape
    points = shapely.get_coordinates(shape)
    unit = "m" if (points == np.round(points)).all() else "d"
    code = encoded(shape, unit)
    if len(code) > LONGEST_CODE:
        return "", shape
    read = decoded(code)
    # Rounding to millimetres may make a sliver cross itself.
    return (code, read) if read.is_valid and not read.is_empty else ("", shape)


def encoded(shape: shapely.Geometry, unit: str) -> str:
    """Polygons as text: numbers of rings and corners, then steps from corner to corner, with a check at the end.

    >>> encoded(shapely.box(200000, 500000, 201000, 502000), "m")
    'mAQEE0MQYwIQ9AKAfzw8AAJ8fNOA'
    >>> decoded(encoded(shapely.box(200000, 500000, 201000, 502000), "m")).area
    2000000.0
    """
    numbers: list[int] = []
    polygons = shapely.get_parts(shape)
    numbers.append(len(polygons))
    last = np.zeros(2, np.int64)
    for polygon in polygons:
        rings = [polygon.exterior, *polygon.interiors]
        numbers.append(len(rings))
        for ring in rings:
            corners = np.rint(shapely.get_coordinates(ring)[:-1] / UNITS_M[unit]).astype(np.int64)
            numbers.append(len(corners))
            steps = np.diff(np.vstack([last, corners]), axis=0)
            numbers += [_unsigned(int(step)) for step in steps.reshape(-1)]
            last = corners[-1]
    content = b"".join(_varint(number) for number in numbers)
    content += (zlib.crc32(content) & 0xFFFF).to_bytes(2, "big")
    return unit + base64.urlsafe_b64encode(content).decode().rstrip("=")


def decoded(code: str) -> shapely.Geometry:
    """The opposite of :func:`encoded`.

    Raises
    ------
    InputError
        If the code is damaged.
    """
    try:
        if len(code) > LONGEST_CODE or code[:1] not in UNITS_M:
            raise ValueError
        content = base64.b64decode(code[1:] + "=" * (-(len(code) - 1) % 4), b"-_", validate=True)
        if len(content) < 3 or zlib.crc32(content[:-2]) & 0xFFFF != int.from_bytes(content[-2:], "big"):
            raise ValueError
        return _polygons(_numbers(content[:-2]), UNITS_M[code[0]])
    except (ValueError, StopIteration, shapely.errors.GEOSException):
        raise InputError("own_area_damaged") from None


def _polygons(numbers: Iterator[int], unit_m: float) -> shapely.Geometry:
    last = np.zeros(2, np.int64)
    polygons = []
    for _ in range(_count(numbers)):
        rings = []
        for _ in range(_count(numbers)):
            steps = [_signed(next(numbers)) for _ in range(2 * _count(numbers))]
            corners = last + np.cumsum(np.array(steps, np.int64).reshape(-1, 2), axis=0)
            last = corners[-1]
            rings.append(_metres(corners, unit_m))
        polygons.append(shapely.Polygon(rings[0], rings[1:]))
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


def _metres(corners: NDArray[np.int64], unit_m: float) -> NDArray[np.float64]:
    metres = corners / round(1 / unit_m)
    if np.abs(metres).max() > LARGEST:
        raise ValueError
    return np.asarray(metres, np.float64)


def _count(numbers: Iterator[int]) -> int:
    """A number of parts; none, or more than a code can hold, is damage."""
    count = next(numbers)
    if not 0 < count <= LONGEST_CODE:
        raise ValueError
    return count


def _unsigned(number: int) -> int:
    return number * 2 if number >= 0 else -number * 2 - 1


def _signed(number: int) -> int:
    return number // 2 if number % 2 == 0 else -(number + 1) // 2


def _varint(number: int) -> bytes:
    result = bytearray()
    while number > 0x7F:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    result.append(number)
    return bytes(result)


def _numbers(content: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in content:
        number |= (byte & 0x7F) << shift
        shift += 7
        if shift > 63:
            raise ValueError
        if not byte & 0x80:
            yield number
            number = shift = 0

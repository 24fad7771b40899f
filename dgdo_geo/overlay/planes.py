"""From planes of polygons to bits, and from bits back to combinations of layer classes.

A slot is one thing that a place can lie in: a region, a part of the second
division, or a plane (one level of one evidence key). The kernel tells which
slots hold a place; the polygons of one slot may overlap as they like.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray

from dgdo_geo.model import Presence
from dgdo_geo.overlay.encode import Encoding, RasterPlane
from dgdo_geo.overlay.table import SMALLEST_M2, JointAreas

WORD = 64
N = TypeVar("N", bound=np.integer[Any])


@dataclass(frozen=True, slots=True)
class SparseRows:
    """Joint areas as the kernel gives them.

    Attributes
    ----------
    rows : numpy.ndarray of uint64, shape (n, w + 2)
        One bit per slot; then a hash of these; then the codes of all rasters as one
        mixed-radix number, in which per raster 0 means outside of it.
    area_m2 : numpy.ndarray of float64, shape (n,)
    """

    rows: NDArray[np.uint64]
    area_m2: NDArray[np.float64]

    @classmethod
    def empty(cls, words: int) -> SparseRows:
        """No rows."""
        return cls(np.empty((0, words + 2), np.uint64), np.empty(0))


@dataclass(frozen=True, slots=True)
class Slots:
    """Which slot stands for what: first regions and parts, then from a new word on the planes.

    Attributes
    ----------
    of_polygon : numpy.ndarray of int, shape (p,)
        Slot of every polygon of the encoding.
    key, level : numpy.ndarray of int, shape (s,)
        Evidence key and presence of every plane slot, counted from the first plane.
    division_words, words : int
        Words for regions and parts; words in all.
    """

    of_polygon: NDArray[np.intp]
    key: NDArray[np.intp]
    level: NDArray[np.intp]
    division_words: int
    words: int


def slots_of(encoding: Encoding, regions: int, parts: int) -> Slots:
    """Number the slots: one per region, per part and per (evidence key, level) that occurs."""
    pairs = encoding.polygon_key * (max(Presence) + 1) + encoding.polygon_level
    distinct, position = np.unique(pairs, return_inverse=True)
    key, level = np.divmod(distinct.astype(np.intp), max(Presence) + 1)
    division_words = -(-(regions + parts) // WORD)
    words = division_words + max(1, -(-len(distinct) // WORD))
    return Slots(WORD * division_words + position.reshape(-1), key, level, division_words, words)


def polygons_in(
    regions: Sequence[shapely.Geometry],
    split: Sequence[shapely.Geometry],
    encoding: Encoding,
    slots: Slots,
) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """Single polygons of regions, parts and planes that matter in the regions, with their slots."""
    division, owner = shapely.get_parts(np.asarray([*regions, *split], dtype=object), return_index=True)
    is_area = shapely.get_type_id(division) == shapely.GeometryType.POLYGON
    west, south, east, north = shapely.total_bounds(np.asarray(regions, dtype=object))
    box = shapely.bounds(encoding.polygons)
    meets = (box[:, 0] < east) & (box[:, 2] > west) & (box[:, 1] < north) & (box[:, 3] > south)
    polygons = np.concatenate([division[is_area], encoding.polygons[meets]])
    return polygons, np.concatenate([owner[is_area], slots.of_polygon[meets]])


def decode(rows: SparseRows, encoding: Encoding, regions: int, parts: int) -> JointAreas:
    """From bits to regions, parts and combinations.

    A place in several regions counts in each of them, a place in several parts
    in the first. Rows below :data:`SMALLEST_M2` are rounding and left out.
    """
    slots = slots_of(encoding, regions, parts)
    division = _bits(rows.rows[:, : slots.division_words])
    row, region = np.nonzero(division[:, :regions])
    of_row, in_part = np.nonzero(division[:, regions : regions + parts])
    part = np.full(len(rows.area_m2), -1, np.intp)
    part[of_row[::-1]] = in_part[::-1]
    presence, combination = _presence(rows, encoding, slots)
    return _summed(region, part[row], presence, combination[row], rows.area_m2[row])


def grouped(
    region: NDArray[np.intp], part: NDArray[np.intp], presence: NDArray[np.int8], area_m2: NDArray[np.float64]
) -> JointAreas:
    """Sum areas over equal (region, part, combination).

    Parameters
    ----------
    region, part : numpy.ndarray of int, shape (f,)
    presence : numpy.ndarray of int8, shape (f, k)
    area_m2 : numpy.ndarray of float64, shape (f,)
    """
    distinct, combination = unique_rows(presence)
    return _summed(region, part, distinct, combination, area_m2)


def _summed(
    region: NDArray[np.intp],
    part: NDArray[np.intp],
    presence: NDArray[np.int8],
    combination: NDArray[np.intp],
    area_m2: NDArray[np.float64],
) -> JointAreas:
    order = np.lexsort((combination, part, region))
    rows = np.stack([region, part, combination], axis=1)[order]
    is_first = np.ones(len(rows), np.bool_)
    is_first[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    area: NDArray[np.float64] = np.zeros(int(is_first.sum()) if len(rows) else 0)
    np.add.at(area, np.cumsum(is_first) - 1, area_m2[order])
    kept = area >= SMALLEST_M2
    left_out = float(area[~kept].sum())
    rows, area = rows[is_first][kept], area[kept]
    used, combination = np.unique(rows[:, 2], return_inverse=True)
    return JointAreas(presence[used], rows[:, 0], combination.reshape(-1), area, rows[:, 1], left_out)


def _bits(words: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """One column per bit, lowest bit first."""
    little = np.ascontiguousarray(words).astype("<u8").view(np.uint8).reshape(len(words), 8 * words.shape[1])
    return np.unpackbits(little, axis=1, bitorder="little")


def _presence(rows: SparseRows, encoding: Encoding, slots: Slots) -> tuple[NDArray[np.int8], NDArray[np.intp]]:
    """Distinct combinations in lexicographic order, and the combination of every row."""
    planes = np.delete(rows.rows[:, slots.division_words :], -2, axis=1)
    distinct, position = unique_rows(planes)
    presence = np.zeros((len(distinct), len(encoding.keys)), np.int8)
    bits = _bits(distinct[:, :-1])
    for level in Presence:
        of_level = np.flatnonzero(slots.level == level)
        key = slots.key[of_level]
        presence[:, key] = np.maximum(presence[:, key], bits[:, of_level].astype(np.int8) * np.int8(level))
    raster_presence(distinct[:, -1].astype(np.int64), encoding.rasters, presence)
    merged, again = unique_rows(presence)
    return merged, again[position]


def raster_presence(ids: NDArray[np.int64], rasters: Sequence[RasterPlane], presence: NDArray[np.int8]) -> None:
    """Set the presence of raster classes from the mixed-radix numbers of :class:`SparseRows`."""
    rest = ids.copy()
    for raster in rasters:
        rest, code = np.divmod(rest, len(raster.code_keys) + 1)
        key = np.array([raster.outside_key, *raster.code_keys])[code]
        rows = np.flatnonzero(key >= 0)
        presence[rows, key[rows]] = Presence.INSIDE


def unique_rows(values: NDArray[N]) -> tuple[NDArray[N], NDArray[np.intp]]:
    """Distinct rows in lexicographic order, and the position of every row among them.

    The same as ``numpy.unique(axis=0, return_inverse=True)`` for numbers that
    are not negative, and several times faster: rows are compared as bytes.
    """
    if values.shape[1] == 0:
        return values[: min(1, len(values))], np.zeros(len(values), np.intp)
    order_kept = np.ascontiguousarray(values.astype(values.dtype.newbyteorder(">")))
    as_bytes = order_kept.view(np.dtype((np.void, order_kept.itemsize * order_kept.shape[1]))).reshape(-1)
    _, first, position = np.unique(as_bytes, return_index=True, return_inverse=True)
    return values[first], position.reshape(-1)

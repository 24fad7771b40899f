"""The exact kernel, second part: the present combination, and the area of each combination seen.

Compiled functions on plain arrays:

``count`` (int32, per slot)
    how many polygons of the slot hold the present place;
``words`` (uint64, w + 2)
    the same as bits; then a hash of these bits; then the number of regions that hold the place;
``rows`` (uint64, shape (capacity, w + 2)) and ``area`` (float64)
    the combinations seen: bits, hash, raster id; and their area in m2;
``index`` (int32, a power of two)
    open hash table into ``rows``;
``number`` (int64, 2)
    rows in use; and 1 when there was no room for one.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dgdo_geo.overlay.compiled import compiled

EMPTY = -1


def new_table(capacity: int, words: int) -> tuple[NDArray[np.int32], NDArray[np.uint64], NDArray[np.float64]]:
    """An empty table: ``index``, ``rows`` and ``area``."""
    slots = 1 << max(4, (2 * capacity - 1).bit_length())
    return np.full(slots, EMPTY, np.int32), np.empty((capacity, words + 2), np.uint64), np.zeros(capacity)


@lru_cache(maxsize=16)
def slot_keys(slots: int) -> NDArray[np.uint64]:
    """A fixed random number for every slot; the hash of a combination is the exclusive or of them."""
    return np.random.Generator(np.random.PCG64(28992)).integers(1, 2**64, slots, np.uint64, endpoint=False)


@compiled(inline="always")
def turn(count, words, key, slot, by, regions):  # type: ignore[no-untyped-def]
    """Enter (``by`` 1) or leave (-1) a polygon of a slot."""
    before = count[slot]
    after = before + by
    count[slot] = after
    if (before > 0) != (after > 0):
        w = len(words)
        words[slot >> 6] ^= np.uint64(1) << np.uint64(slot & 63)
        words[w - 2] ^= key[slot]
        if slot < regions:
            words[w - 1] += np.uint64(1) if after > 0 else np.uint64(0xFFFFFFFFFFFFFFFF)


@compiled(inline="always")
def mixed(value, raster):  # type: ignore[no-untyped-def]
    """Hash of a combination together with a raster id (multipliers of SplitMix64)."""
    z = value ^ (raster * np.uint64(0x9E3779B97F4A7C15))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    return z ^ (z >> np.uint64(31))


@compiled()
def put(index, rows, area, number, words, raster, m2):  # type: ignore[no-untyped-def]
    """Add m2 to the present combination, unless it lies in no region.

    The hash only tells where to look; the bits themselves are compared.
    """
    w = len(words) - 2
    if words[w + 1] == np.uint64(0) or m2 <= 0.0:
        return
    value = mixed(words[w], raster)
    mask = np.uint64(len(index) - 1)
    at = value & mask
    while True:
        row = index[at]
        if row < 0:
            break
        if rows[row, w] == value and rows[row, w + 1] == raster:
            same = True
            for i in range(w):
                if rows[row, i] != words[i]:
                    same = False
            if same:
                area[row] += m2
                return
        at = (at + np.uint64(1)) & mask
    row = number[0]
    if row == len(area):
        number[1] = 1
        return
    number[0] = row + 1
    index[at] = row
    for i in range(w):
        rows[row, i] = words[i]
    rows[row, w], rows[row, w + 1] = value, raster
    area[row] = m2


@compiled()
def merge(index, rows, area, number, more_rows, more_area):  # type: ignore[no-untyped-def]
    """Add the rows of another table, in their order; there must be room."""
    w = rows.shape[1] - 2
    mask = np.uint64(len(index) - 1)
    for r in range(len(more_area)):
        at = more_rows[r, w] & mask
        while index[at] >= 0:
            row = index[at]
            same = True
            for i in range(w + 2):
                if rows[row, i] != more_rows[r, i]:
                    same = False
            if same:
                break
            at = (at + np.uint64(1)) & mask
        if index[at] < 0:
            row = number[0]
            number[0] = row + 1
            index[at] = row
            rows[row, :] = more_rows[r, :]
        area[index[at]] += more_area[r]

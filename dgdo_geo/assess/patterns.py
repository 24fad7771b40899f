"""The distinct patterns in an overlay table, seen through a few layers at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dgdo_geo.model import EvidenceKey, EvidenceTable

DENSE = 8
"""Numbers are counted instead of sorted while there are at most this many possible ones for each that is there."""


@dataclass(frozen=True, eq=False)
class Patterns:
    """The distinct rows of a table, as far as some layers show them.

    Attributes
    ----------
    evidence : EvidenceTable, of p rows
        One row of the table for every pattern.
    of_row : numpy.ndarray of intp
        Pattern of every row of what the patterns were taken from.
    """

    evidence: EvidenceTable
    of_row: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class RuleRows:
    """The distinct (province, combination) rows, as far as the rules can tell them apart.

    Attributes
    ----------
    groups : tuple of numpy.ndarray of intp, each of shape (r,)
        Pattern of every group of layers in every rule row.
    of_distinct : numpy.ndarray of intp, shape (d,)
        Rule row of every distinct row of the table.
    """

    groups: tuple[NDArray[np.intp], ...]
    of_distinct: NDArray[np.intp]
    count: int


@dataclass(frozen=True, eq=False)
class Cells:
    """Areas per region, rule row and pattern of the potential layers of an activity.

    Attributes
    ----------
    region, rule_row, offer : numpy.ndarray of intp, shape (n,)
    area_m2 : numpy.ndarray of float64, shape (n,)
    """

    region: NDArray[np.intp]
    rule_row: NDArray[np.intp]
    offer: NDArray[np.intp]
    area_m2: NDArray[np.float64]


class PatternTable:
    """An overlay table, ready to be judged; every view on it is made once. Safe to share between threads.

    Parameters
    ----------
    keys : sequence of EvidenceKey, length k
    presence : numpy.ndarray of int8, shape (c, k)
        :class:`~dgdo_geo.model.Presence` of every evidence key in the distinct combinations.
    combination, region : numpy.ndarray of int, shape (n,)
        Row of ``presence``, and position in ``provinces``; a negative region is left out.
    area_m2 : numpy.ndarray of float64, shape (n,)
    provinces : sequence of str
        Province of every region.

    Attributes
    ----------
    distinct_combination, distinct_province : numpy.ndarray of intp, shape (d,)
        The distinct (province, combination) rows; a province as a position in ``province_codes``.
    distinct : numpy.ndarray of intp, shape (n,)
        Distinct row of every row that lies in a region.
    """

    def __init__(
        self,
        keys: Sequence[EvidenceKey],
        presence: NDArray[np.int8],
        combination: NDArray[np.integer],
        region: NDArray[np.integer],
        area_m2: NDArray[np.float64],
        provinces: Sequence[str],
    ) -> None:
        self.keys = tuple(keys)
        self.presence = presence
        self.regions = len(provinces)
        self.province_codes = tuple(sorted(set(provinces)))
        place = {code: i for i, code in enumerate(self.province_codes)}
        of_region = np.array([place[code] for code in provinces], np.intp)
        kept = np.flatnonzero(np.asarray(region) >= 0)
        self.region = np.asarray(region)[kept].astype(np.intp)
        self.area_m2 = area_m2[kept]
        combined = of_region[self.region] * len(presence) + np.asarray(combination)[kept]
        self.distinct, first = numbered(combined, len(self.province_codes) * len(presence))
        self.distinct_province, self.distinct_combination = np.divmod(combined[first], max(1, len(presence)))
        self._layer = lru_cache(None)(self._find_layer)
        self.group = lru_cache(64)(self._find_group)
        self.rule_rows = lru_cache(16)(self._find_rule_rows)
        self.offers = lru_cache(64)(self._find_offers)
        self.cells = lru_cache(64)(self._find_cells)

    def _find_layer(self, layer: str) -> tuple[NDArray[np.intp], int]:
        """Pattern of one layer in every combination, and the number of patterns; 0 is "not here"."""
        columns = [i for i, key in enumerate(self.keys) if key.layer == layer]
        pattern = np.zeros(len(self.presence), np.intp)
        if not columns:
            return pattern, 1
        seen = np.ascontiguousarray(self.presence[:, columns])
        there = np.flatnonzero(seen.any(axis=1))
        found = np.unique(seen[there].view(f"V{len(columns)}").reshape(-1), return_inverse=True)
        pattern[there] = found[1].reshape(-1) + 1
        return pattern, len(found[0]) + 1

    def _combinations(self, layers: tuple[str, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Pattern of some layers in every combination, and a combination for each pattern."""
        pattern, count = np.zeros(len(self.presence), np.intp), 1
        first = np.zeros(min(1, len(self.presence)), np.intp)
        for layer in layers:
            of_layer, patterns = self._layer(layer)
            pattern, first = numbered(pattern * patterns + of_layer, count * patterns)
            count = len(first)
        return pattern, first

    def _evidence(self, combination: NDArray[np.intp], province: NDArray[np.intp] | None = None) -> EvidenceTable:
        codes = [""] * len(combination) if province is None else [self.province_codes[i] for i in province]
        return EvidenceTable(self.keys, self.presence[combination], tuple(codes))

    def _find_group(self, layers: tuple[str, ...]) -> Patterns:
        """Patterns of some layers together with the province, for every distinct row."""
        pattern, first = self._combinations(layers)
        provinces = len(self.province_codes)
        codes = pattern[self.distinct_combination] * provinces + self.distinct_province
        of_row, rows = numbered(codes, len(first) * provinces)
        return Patterns(self._evidence(self.distinct_combination[rows], self.distinct_province[rows]), of_row)

    def _find_rule_rows(self, groups: tuple[tuple[str, ...], ...]) -> RuleRows:
        """Distinct rows, as far as some groups of layers can tell them apart."""
        of_distinct, first, count = np.zeros(len(self.distinct_combination), np.intp), np.zeros(1, np.intp), 1
        patterns = [self.group(layers) for layers in groups]
        for item in patterns:
            size = len(item.evidence)
            of_distinct, first = numbered(of_distinct * size + item.of_row, count * size)
            count = len(first)
        return RuleRows(tuple(item.of_row[first] for item in patterns), of_distinct, count)

    def _find_offers(self, layers: tuple[str, ...]) -> Patterns:
        """Patterns of the potential layers of an activity, for every distinct row."""
        pattern, first = self._combinations(layers)
        return Patterns(self._evidence(first), pattern[self.distinct_combination])

    def _find_cells(self, groups: tuple[tuple[str, ...], ...], layers: tuple[str, ...]) -> Cells:
        """Areas per region, rule row and pattern of the potential layers."""
        rows, offers = self.rule_rows(groups), self.offers(layers)
        size = len(offers.evidence)
        seen, first = numbered(rows.of_distinct * size + offers.of_row, rows.count * size)
        row = seen[self.distinct]
        cell, of_cell = numbered(self.region * len(first) + row, self.regions * len(first))
        origin = self.distinct[of_cell]
        area = summed(cell, self.area_m2, len(of_cell))
        return Cells(self.region[of_cell], rows.of_distinct[origin], offers.of_row[origin], area)


def summed(place: NDArray[np.intp], area_m2: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Area per place, shape (size,)."""
    return np.bincount(place, area_m2, size).astype(np.float64, copy=False)


def numbered(codes: NDArray[np.intp], size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Number the distinct codes from 0, in order.

    Parameters
    ----------
    codes : numpy.ndarray of int, shape (n,)
        Not negative, below ``size``.

    Returns
    -------
    number : numpy.ndarray of intp, shape (n,)
    position : numpy.ndarray of intp, shape (distinct,)
        Where in ``codes`` each of them stands.

    >>> number, position = numbered(np.array([7, 3, 7, 5]), 8)
    >>> number.tolist(), np.array([7, 3, 7, 5])[position].tolist()
    ([2, 0, 2, 1], [3, 5, 7])
    """
    if size > DENSE * len(codes):
        _, first, number = np.unique(codes, return_index=True, return_inverse=True)
        return number.reshape(-1), first
    last = np.full(size, -1, np.intp)
    last[codes] = np.arange(len(codes))
    found = np.flatnonzero(last >= 0)
    number_of = np.zeros(size, np.intp)
    number_of[found] = np.arange(len(found))
    return number_of[codes], last[found]

"""The sparse overlay table: (region, combination of layer classes, m2).

Everything that is asked of the country afterwards is arithmetic on this table:
no geometry is looked at again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dgdo_geo.model import DepthRange, EvidenceKey, Presence

FORMAT = 1
"""Format of the stored table; another one is made anew."""
SMALLEST_M2 = 1e-3
"""A combination with less area in a region is rounding of coordinates, not a place."""


@dataclass(frozen=True, slots=True)
class JointAreas:
    """Joint areas of a set of regions: (region, combination, m2).

    Attributes
    ----------
    presence : numpy.ndarray of int8, shape (c, k)
        :class:`~dgdo_geo.model.Presence` of every evidence key in the distinct
        combinations, in lexicographic order.
    region : numpy.ndarray of intp, shape (n,)
        Position of the region in the input.
    combination : numpy.ndarray of intp, shape (n,)
        Row of ``presence``.
    area_m2 : numpy.ndarray of float64, shape (n,)
        Rows are ordered by region, part and combination.
    part : numpy.ndarray of intp, shape (n,)
        Position in the second division, -1 outside of it.
    left_out_m2 : float
        Area of all rows that were too small to keep.
    """

    presence: NDArray[np.int8]
    region: NDArray[np.intp]
    combination: NDArray[np.intp]
    area_m2: NDArray[np.float64]
    part: NDArray[np.intp]
    left_out_m2: float = 0.0

    @property
    def presence_of_rows(self) -> NDArray[np.int8]:
        """Presence of every evidence key in every row, shape (n, k)."""
        return self.presence[self.combination]


@dataclass(frozen=True, slots=True)
class RegionLevel:
    """One division of the country into regions.

    Attributes
    ----------
    codes : tuple of str
    position : numpy.ndarray of intp, shape (n,)
        Position in ``codes`` of every row of the table; -1 outside all of them.
    """

    codes: tuple[str, ...]
    position: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class OverlayTable:
    """Which combination of layer classes covers how much of which region.

    Attributes
    ----------
    keys : tuple of EvidenceKey, length k
    presence : numpy.ndarray of int8, shape (c, k)
        Distinct combinations, in lexicographic order.
    combination : numpy.ndarray of intp, shape (n,)
        Row of ``presence``.
    area_m2 : numpy.ndarray of float64, shape (n,)
    levels : mapping of name to RegionLevel
        ``municipality``, and ``water_board`` or a region set of one's own where there is one.
    inputs : mapping of name to hash
        What the table was made from.
    """

    keys: tuple[EvidenceKey, ...]
    presence: NDArray[np.int8]
    combination: NDArray[np.intp]
    area_m2: NDArray[np.float64]
    levels: Mapping[str, RegionLevel]
    inputs: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.area_m2)

    def rows(self, level: str, codes: Sequence[str]) -> NDArray[np.intp]:
        """Rows of the given regions, region by region in that order.

        Raises
        ------
        KeyError
            If the table has no such level or region.
        """
        division = self.levels[level]
        place = {code: i for i, code in enumerate(division.codes)}
        order = np.argsort(division.position, kind="stable")
        start = np.searchsorted(division.position[order], np.arange(len(place) + 1))
        wanted = [place[code] for code in codes]
        return np.concatenate([np.empty(0, np.intp), *(order[start[i] : start[i + 1]] for i in wanted)])

    def summed(self, level: str, name: str, parent: Mapping[str, str]) -> OverlayTable:
        """The same areas, summed to larger regions.

        Parameters
        ----------
        level : str
            Level that is summed.
        name : str
            Name of the new level; the only one in the result.
        parent : mapping of code to code
            Larger region of every region of ``level``; a region that is not in it is left out.
        """
        division = self.levels[level]
        codes = tuple(sorted({parent[code] for code in division.codes if code in parent}))
        place = {code: i for i, code in enumerate(codes)}
        above = np.array([place[parent[c]] if c in parent else -1 for c in division.codes] + [-1], np.intp)
        position = above[division.position]
        kept = position >= 0
        combined = position[kept] * len(self.presence) + self.combination[kept]
        distinct, row = np.unique(combined, return_inverse=True)
        area = np.bincount(row, self.area_m2[kept], len(distinct)).astype(np.float64)
        where, combination = np.divmod(distinct, max(1, len(self.presence)))
        return replace(
            self, combination=combination, area_m2=area, levels={name: RegionLevel(codes, where.astype(np.intp))}
        )


def table_of(
    joint: JointAreas,
    keys: Sequence[EvidenceKey],
    level: str,
    codes: Sequence[str],
    inputs: Mapping[str, str],
    split: tuple[str, Sequence[str]] | None = None,
) -> OverlayTable:
    """The table of one set of regions, and of the second division that they were split by (name, codes).

    Raises
    ------
    ValueError
        If both divisions have the same name.
    """
    if split is not None and split[0] == level:
        raise ValueError(f"both divisions are called {level!r}")
    levels = {level: RegionLevel(tuple(codes), joint.region)}
    if split is not None:
        levels[split[0]] = RegionLevel(tuple(split[1]), joint.part)
    return OverlayTable(tuple(keys), joint.presence, joint.combination, joint.area_m2, levels, dict(inputs))


def to_arrow(table: OverlayTable) -> dict[str, pa.Table]:
    """The table as two Arrow tables: ``rows`` and ``combinations`` (a column for every evidence key)."""
    columns: dict[str, object] = {}
    for name, level in table.levels.items():
        codes = [*level.codes, None]
        index = np.where(level.position < 0, len(level.codes), level.position).astype(np.int32)
        columns[name] = pa.DictionaryArray.from_arrays(index, pa.array(codes, pa.string())).cast(pa.string())
    columns["combination"] = table.combination.astype(np.int32)
    columns["area_m2"] = table.area_m2
    about = {
        "format": FORMAT,
        "keys": [_key_numbers(key) for key in table.keys],
        "levels": {name: list(level.codes) for name, level in table.levels.items()},
        "inputs": dict(table.inputs),
        "rows": len(table),
        "combinations": len(table.presence),
        "area_m2": float(table.area_m2.sum()),
    }
    rows = pa.table(columns).replace_schema_metadata({"dgdo-geo": json.dumps(about)})
    names = [_column_name(i, key) for i, key in enumerate(table.keys)]
    combinations = pa.table([pa.array(column) for column in table.presence.T.copy()], names=names)
    return {"rows": rows, "combinations": combinations}


def from_arrow(tables: Mapping[str, pa.Table]) -> OverlayTable | None:
    """The table from :func:`to_arrow`; None when it does not hold together (it is then made anew)."""
    try:
        rows, combinations = tables["rows"], tables["combinations"]
        about = json.loads(rows.schema.metadata[b"dgdo-geo"])
        if about["format"] != FORMAT:
            return None
        keys = tuple(EvidenceKey(a, b, DepthRange(*map(float, depth)), float(d)) for a, b, depth, d in about["keys"])
        levels = {}
        for name, codes in dict(about["levels"].items()).items():
            place = {code: i for i, code in enumerate(codes)}
            position = np.array([-1 if c is None else place[c] for c in rows[name].to_pylist()], np.intp)
            levels[name] = RegionLevel(tuple(codes), position)
        presence = np.zeros((about["combinations"], len(keys)), np.int8)
        for i, (name, key) in enumerate(zip(combinations.column_names, keys, strict=True)):
            column = combinations[name]
            if name != _column_name(i, key) or column.type != pa.int8() or column.null_count:
                return None
            presence[:, i] = column.to_numpy()
        if rows["combination"].type != pa.int32() or rows["area_m2"].type != pa.float64():
            return None
        combination, area = rows["combination"].to_numpy(), rows["area_m2"].to_numpy()
        found = OverlayTable(keys, presence, combination.astype(np.intp), area, levels, dict(about["inputs"].items()))
        return found if _is_sound(found, about) else None
    except (AttributeError, KeyError, TypeError, ValueError, pa.ArrowException):
        return None


def _is_sound(table: OverlayTable, about: Mapping[str, object]) -> bool:
    """Every number within its bounds, and the counts and the sum those of the metadata."""
    area, combination, presence = table.area_m2, table.combination, table.presence
    return (
        bool((np.isfinite(area) & ~np.signbit(area)).all())
        and bool(((combination >= 0) & (combination < len(presence))).all())
        and bool(((presence >= 0) & (presence <= max(Presence))).all())
        and (len(area), float(area.sum())) == (about["rows"], about["area_m2"])
    )


def _column_name(i: int, key: EvidenceKey) -> str:
    """Column of an evidence key; numbered, because names may be equal in all that a name shows."""
    return f"{i:03d} {key_name(key)}"


def key_name(key: EvidenceKey) -> str:
    """An evidence key as text, for a column of the stored table.

    >>> key_name(EvidenceKey("boringsvrije_zones", "zone", DepthRange(80, 80), 500))
    'boringsvrije_zones/zone 80-80 to inf-inf m, within 500 m'
    """
    depth = key.depth
    limits = f"{depth.top_min_m:g}-{depth.top_max_m:g} to {depth.base_min_m:g}-{depth.base_max_m:g} m"
    within = f", within {key.within_m:g} m" if key.within_m else ""
    return f"{key.layer}/{key.class_id} {limits}{within}"


def _key_numbers(key: EvidenceKey) -> list[object]:
    depth = (key.depth.top_min_m, key.depth.top_max_m, key.depth.base_min_m, key.depth.base_max_m)
    return [key.layer, key.class_id, ["inf" if math.isinf(d) else d for d in depth], key.within_m]

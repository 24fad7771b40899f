"""Depths of a source in metres below ground level: converted once, on loading."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from dgdo_geo import harmonise
from dgdo_geo.errors import InputError
from dgdo_geo.intake.recipe import Columns

ENDS = {"top_m": ("top_min_m", "top_max_m"), "base_m": ("base_min_m", "base_max_m")}
SOME = 5


def depths_of(frame: gpd.GeoDataFrame, columns: Columns, report: harmonise.Report) -> dict[str, NDArray[np.float64]]:
    """The depths that a recipe names, as the ranges of ``docs/layer-files.md``.

    Against NAP the depth below ground level is that of the ground level minus the height; as the ground level lies
    between two values, every depth becomes a range. What comes out above ground within that range is at ground level.

    Returns
    -------
    dict of our column to (rows,) array
        Metres below ground level, positive down; nan where the source is empty.

    Raises
    ------
    InputError
        If a column is missing or holds no number, a depth lies above ground, or a top below its base.
    """
    named: dict[str, str] = {}
    for ours, theirs in columns.depths.items():
        named |= dict.fromkeys(ENDS.get(ours, (ours,)), theirs)
    harmonise.require_columns(frame, list(named.values()), report)
    low, high = columns.ground_level_m or (0.0, 0.0)
    sign = -1.0 if columns.positive == "up" else 1.0
    found: dict[str, NDArray[np.float64]] = {}
    for ours, theirs in named.items():
        below = sign * harmonise.numbers(frame[theirs], report.file, theirs).to_numpy(np.float64)
        found[ours] = below + (low if "_min" in ours else high)
        _refuse_above_ground(found[ours], below + high, theirs, frame, report)
    for ours, values in found.items():
        above = values < 0
        report.above_ground += int(above.sum())
        found[ours] = np.where(above, 0.0, values)
    _refuse_contradiction(found, frame, report, columns.id)
    return found


def _refuse_above_ground(
    values: NDArray[np.float64],
    deepest: NDArray[np.float64],
    column: str,
    frame: gpd.GeoDataFrame,
    report: harmonise.Report,
) -> None:
    """A depth above the highest ground level: the sign or the datum is wrong."""
    wrong = np.flatnonzero(deepest < 0)
    if len(wrong):
        value = str(frame[column].iloc[int(wrong[0])])
        raise InputError("depth_above_ground", file=report.file, column=column, value=value, count=len(wrong))


def _refuse_contradiction(
    found: Mapping[str, NDArray[np.float64]],
    frame: gpd.GeoDataFrame,
    report: harmonise.Report,
    id_column: str | None,
) -> None:
    zero, far = np.zeros(len(frame)), np.full(len(frame), np.inf)
    top_min, top_max = found.get("top_min_m", zero), found.get("top_max_m", zero)
    base_min, base_max = found.get("base_min_m", far), found.get("base_max_m", far)
    wrong = np.flatnonzero((top_min > top_max) | (base_min > base_max) | (top_min >= base_max))
    if len(wrong):
        some = wrong[:SOME]
        ids = (
            [str(v) for v in frame[id_column].iloc[some]] if id_column in frame.columns else [str(i + 1) for i in some]
        )
        raise InputError("depths_contradict", file=report.file, ids=", ".join(ids), count=len(wrong))

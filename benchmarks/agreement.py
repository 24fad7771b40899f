"""Do the engines give the same answer? Timing a wrong answer says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Measurement
from benchmarks.task import (
    ABSOLUTE_TOLERANCE_M2,
    RELATIVE_TOLERANCE,
    JointRows,
    NothingComparedError,
    compare,
    from_arrays,
    layer_areas,
)

CELL_ERROR = 4e-4
"""Largest error of counting cells, relative to the whole area, per metre of cell size."""
ACTIVITY_ERROR = 0.02
"""The same for the open area of one activity."""
MEAN_ERROR = 1e-6
WHOLE_CELL_MEAN_ERROR = 0.05
"""Largest difference of a zonal mean, relative to the spread of the means; larger where cells count whole."""

Verdict = Mapping[str, Any]
REFERENCE: Verdict = {"is_reference": True}


def exact(measured: Measurement, reference: JointRows) -> Verdict:
    """Joint areas that must equal those of the reference, on the municipalities that were done."""
    return _joint(measured, reference, None)


def cells(measured: Measurement, reference: JointRows) -> Verdict:
    """Joint areas from cells: small combinations may be missed, the areas must be about right."""
    return _joint(measured, reference, CELL_ERROR * measured.engine.options["cell_m"])


def _joint(measured: Measurement, reference: JointRows, limit: float | None) -> Verdict:
    if "sample" in measured.about:
        reference = reference.within(np.asarray(measured.about["sample"]))
    found = compare(from_arrays(measured.outcome), reference)
    agrees = found.agrees if limit is None else found.total_relative_error <= limit
    return {"agrees": agrees, "error": found.total_relative_error, **asdict(found)}


def per_layer(measured: Measurement, reference: JointRows) -> Verdict:
    """Areas of single layers: sums of the joint areas."""
    area = measured.outcome["area_m2"]
    expected = layer_areas(reference, *area.shape)
    return _areas(area, expected, RELATIVE_TOLERANCE)


def one_activity(measured: Measurement, reference: JointRows) -> Verdict:
    """Area without any of the first few layers, in a sample of municipalities."""
    excluded = (1 << measured.about["excluded_layers"]) - 1
    is_open = (reference.mask & excluded) == 0
    area = np.bincount(reference.region[is_open], reference.area_m2[is_open], measured.about["of"])
    return _areas(measured.outcome["open_m2"], area[np.asarray(measured.about["sample"])], ACTIVITY_ERROR)


def dissolved(measured: Measurement, other: Measurement) -> Verdict:
    """Area of every layer after the dissolve, from two ways to do it."""
    return _areas(measured.outcome["area_m2"], other.outcome["area_m2"], RELATIVE_TOLERANCE)


def means(measured: Measurement, reference: NDArray[np.float64], *, whole_cells: bool) -> Verdict:
    """Zonal means, relative to their spread; a municipality without data has none.

    Counting whole cells, a municipality with a few square metres of data may have none.
    """
    found = measured.outcome["mean"]
    is_known, is_expected = np.isfinite(found), np.isfinite(reference)
    both = is_known & is_expected
    if not both.any():
        raise NothingComparedError("no zonal mean to compare")
    error = float(np.abs(found[both] - reference[both]).max() / reference[is_expected].std())
    if whole_cells:
        return {"agrees": error <= WHOLE_CELL_MEAN_ERROR and bool((is_expected | ~is_known).all()), "error": error}
    return {"agrees": error <= MEAN_ERROR and bool((is_known == is_expected).all()), "error": error}


def _areas(found: NDArray[np.float64], expected: NDArray[np.float64], limit: float) -> Verdict:
    """Areas in m2: each must be right within the tolerance, or for a wide one all together."""
    if not found.size or not expected.any():
        raise NothingComparedError(f"{found.size} areas against {int(expected.sum())} m2 of the reference")
    error = np.abs(found - expected)
    total = float(error.sum() / expected.sum())
    each = bool((error <= np.maximum(ABSOLUTE_TOLERANCE_M2, limit * expected)).all())
    return {
        "agrees": each if limit == RELATIVE_TOLERANCE else total <= limit,
        "error": total,
        "max_absolute_error_m2": float(error.max()),
    }

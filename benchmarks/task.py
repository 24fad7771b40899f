"""The task that every engine does, and how two answers to it are compared.

Needs numpy only, so that a peer with an environment of its own can use it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]

SMALLEST_M2 = 1.0
"""A row with less area is not looked for, and its relative error says nothing."""
RELATIVE_TOLERANCE = 1e-9
ABSOLUTE_TOLERANCE_M2 = 1e-3
"""A row agrees when its error is below either tolerance."""


class NothingComparedError(Exception):
    """A comparison looked at zero rows; it says nothing, so it fails."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where an engine finds what it reads.

    Attributes
    ----------
    workload : Path
        Folder of the workload.
    scratch : Path
        Folder of this run, with the dissolved layers.
    """

    workload: Path
    scratch: Path


@dataclass(frozen=True, slots=True)
class Task:
    """What one engine does; its input is loaded when this is made.

    Attributes
    ----------
    run : callable
        The timed part.
    keep : callable
        Turns the outcome of ``run`` into named arrays; not timed.
    about : dict
        Facts to report, for instance on how many municipalities it ran.
    """

    run: Callable[[], Any]
    keep: Callable[[Any], Arrays]
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JointRows:
    """Area of every combination of layers in every municipality.

    Attributes
    ----------
    region : numpy.ndarray of int64, shape (n,)
        Position of the municipality.
    mask : numpy.ndarray of int64, shape (n,)
        Bit i is set where layer (or raster class) i is present.
    area_m2 : numpy.ndarray of float64, shape (n,)
    """

    region: NDArray[np.int64]
    mask: NDArray[np.int64]
    area_m2: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.area_m2)

    def arrays(self) -> Arrays:
        """The rows as named arrays."""
        return {"region": self.region, "mask": self.mask, "area_m2": self.area_m2}

    def within(self, regions: NDArray[np.int64]) -> JointRows:
        """The rows of some municipalities."""
        kept = np.isin(self.region, regions)
        return JointRows(self.region[kept], self.mask[kept], self.area_m2[kept])


def joint_rows(region: NDArray[Any], mask: NDArray[Any], area_m2: NDArray[Any]) -> JointRows:
    """Sum areas per (municipality, combination).

    >>> rows = joint_rows(np.array([1, 0, 1]), np.array([3, 0, 3]), np.array([2.0, 5.0, 1.0]))
    >>> rows.region.tolist(), rows.mask.tolist(), rows.area_m2.tolist()
    ([0, 1], [0, 3], [5.0, 3.0])
    """
    region, mask, area = np.asarray(region, np.int64), np.asarray(mask, np.int64), np.asarray(area_m2, np.float64)
    # Sorted by hand: this is in the timed part of some peers, and numpy.unique over rows takes many times longer.
    order = np.lexsort((mask, region))
    region, mask, area = region[order], mask[order], area[order]
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = (region[1:] != region[:-1]) | (mask[1:] != mask[:-1])
    first = np.flatnonzero(is_first)
    total = np.add.reduceat(area, first) if len(first) else area
    return JointRows(region[first], mask[first], total)


def from_arrays(arrays: Arrays) -> JointRows:
    """The rows from :meth:`JointRows.arrays`."""
    return JointRows(arrays["region"], arrays["mask"], arrays["area_m2"])


def layer_areas(rows: JointRows, regions: int, layers: int) -> NDArray[np.float64]:
    """Area of every layer in every municipality, shape (regions, layers), m2.

    >>> layer_areas(JointRows(np.array([0, 0]), np.array([1, 3]), np.array([5.0, 2.0])), 1, 2).tolist()
    [[7.0, 2.0]]
    """
    has_layer = (rows.mask[:, None] >> np.arange(layers)) & 1
    total = np.zeros((regions, layers))
    np.add.at(total, rows.region, has_layer * rows.area_m2[:, None])
    return total


def sampled(count: int, wanted: int) -> NDArray[np.int64]:
    """Positions of a fixed sample, spread over the country.

    >>> sampled(342, 4).tolist()
    [0, 113, 227, 341]
    """
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).astype(np.int64))


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far an answer is from the reference.

    Attributes
    ----------
    rows, reference_rows : int
    missing, invented : int
        Rows above 1 m2 that only the reference has, or only the answer.
    beyond_tolerance : int
        Rows that are off by more than 1e-9 of their area and by more than 1e-3 m2.
    max_absolute_error_m2 : float
        Of all rows.
    max_relative_error : float
        Of the rows that have at least 1 m2 in the reference.
    total_relative_error : float
        Sum of all absolute errors, relative to the whole area.
    """

    rows: int
    reference_rows: int
    missing: int
    invented: int
    beyond_tolerance: int
    max_absolute_error_m2: float
    max_relative_error: float
    total_relative_error: float

    @property
    def agrees(self) -> bool:
        """Whether both are the same answer."""
        return self.missing == self.invented == self.beyond_tolerance == 0


def compare(found: JointRows, reference: JointRows) -> Comparison:
    """Compare an answer with the reference, row by row.

    Raises
    ------
    NothingComparedError
        If either has no rows.
    """
    if not len(found) or not len(reference):
        raise NothingComparedError(f"{len(found)} rows against {len(reference)} of the reference")
    both = joint_rows(
        np.append(found.region, reference.region),
        np.append(found.mask, reference.mask),
        np.zeros(len(found) + len(reference)),
    )
    a, b = _aligned(found, both), _aligned(reference, both)
    error = np.abs(a - b)
    is_large = b >= SMALLEST_M2
    if not is_large.any():
        raise NothingComparedError(f"no row of the reference has {SMALLEST_M2:g} m2")
    return Comparison(
        rows=int((a > 0).sum()),
        reference_rows=int((b > 0).sum()),
        missing=int((is_large & (a == 0)).sum()),
        invented=int(((a >= SMALLEST_M2) & (b == 0)).sum()),
        beyond_tolerance=int(((error > ABSOLUTE_TOLERANCE_M2) & (error > RELATIVE_TOLERANCE * b)).sum()),
        max_absolute_error_m2=float(error.max()),
        max_relative_error=float((error[is_large] / b[is_large]).max()),
        total_relative_error=float(error.sum() / b.sum()),
    )


def _aligned(rows: JointRows, both: JointRows) -> NDArray[np.float64]:
    """Areas of one answer in the rows of both; 0 where it has none."""
    area = joint_rows(
        np.append(rows.region, both.region),
        np.append(rows.mask, both.mask),
        np.append(rows.area_m2, np.zeros(len(both))),
    )
    return area.area_m2

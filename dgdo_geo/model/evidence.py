"""Evidence: which layer classes are present where. Here overlay and assessment meet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from dgdo_geo.model.declared import Layer
from dgdo_geo.model.depth import WHOLE_COLUMN, DepthRange
from dgdo_geo.model.words import LayerStatus

NO_DATA = "geen_gegevens"
"""Class of a place about which a layer says that it knows nothing. Every layer may use it."""
OUTSIDE_COVERAGE = "buiten_dekking"
"""Class of a place outside what a layer covers."""


@dataclass(frozen=True, slots=True)
class LayerState:
    """One layer as it stands in the workspace: what could be consulted."""

    layer: Layer
    status: LayerStatus
    detail_nl: str = ""
    features: int = 0
    hash: str = ""


class Presence(IntEnum):
    """How a place lies with respect to one layer class."""

    OUTSIDE = 0
    NEAR_OUTSIDE = 1
    """Outside, but closer to the edge than its accuracy."""
    RIM = 2
    """Inside, but closer to the edge than its accuracy."""
    INSIDE = 3


@dataclass(frozen=True, slots=True, order=True)
class EvidenceKey:
    """One layer class that a rule can tell apart: class, depth range, distance."""

    layer: str
    class_id: str
    depth: DepthRange = WHOLE_COLUMN
    within_m: float = 0.0


@dataclass(frozen=True, slots=True)
class EvidenceTable:
    """What is present where: the meeting point of overlay and assessment.

    Attributes
    ----------
    keys : tuple of EvidenceKey, length k
    presence : numpy.ndarray of int8, shape (n, k)
        :class:`Presence` of every key in every distinct combination.
    province : tuple of str, length n
        Province code of every combination.
    area_m2 : numpy.ndarray of float64, shape (n,), or None
        Area of every combination; None at a point.
    near_provinces : tuple of str
        Other provinces whose border is closer than its accuracy, for every row; known at a point only.
    """

    keys: tuple[EvidenceKey, ...]
    presence: NDArray[np.int8]
    province: tuple[str, ...]
    area_m2: NDArray[np.float64] | None = None
    near_provinces: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.province)

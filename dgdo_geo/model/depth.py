"""Depth as a value: metres below ground level, positive down, half-open."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum


@dataclass(frozen=True, slots=True, order=True)
class DepthInterval:
    """A vertical range in metres below ground level, positive down, half-open.

    Raises
    ------
    ValueError
        If the top does not lie above the base.
    """

    top_m: float
    base_m: float

    def __post_init__(self) -> None:
        if not self.top_m < self.base_m:
            raise ValueError(f"top {self.top_m} m must lie above base {self.base_m} m")

    def overlap_m(self, other: DepthInterval) -> float:
        """Thickness shared with another interval, in metres.

        Intervals are half-open: a shared boundary is not an overlap.

        >>> DepthInterval(0, 250).overlap_m(DepthInterval(200, 2500))
        50.0
        >>> DepthInterval(0, 250).overlap_m(DepthInterval(250, 2500))
        0.0
        """
        return max(0.0, float(min(self.base_m, other.base_m) - max(self.top_m, other.top_m)))


class Overlap(IntEnum):
    """Whether two depth ranges meet, when one of them is not known exactly."""

    NO = 0
    UNKNOWN = 1
    YES = 2


@dataclass(frozen=True, slots=True, order=True)
class DepthRange:
    """A vertical extent whose limits may be uncertain, in metres below ground level.

    Parameters
    ----------
    top_min_m, top_max_m : float
        The top lies between these two. ``inf`` for ``top_max_m``: a limit
        exists but its number is not known.
    base_min_m, base_max_m : float
        The base lies between these two. ``inf`` for both: the source sets no
        lower end ("ondergrens niet vastgelegd").
    """

    top_min_m: float = 0.0
    top_max_m: float = 0.0
    base_min_m: float = math.inf
    base_max_m: float = math.inf

    def overlap(self, interval: DepthInterval) -> Overlap:
        """Tell whether the extent meets an interval: yes, no, or not known.

        >>> below_80 = DepthRange(top_min_m=80, top_max_m=80)
        >>> below_80.overlap(DepthInterval(0, 2500)).name
        'YES'
        >>> below_80.overlap(DepthInterval(0, 80)).name
        'NO'
        >>> limit_not_seen = DepthRange(top_min_m=0, top_max_m=math.inf)
        >>> limit_not_seen.overlap(DepthInterval(0, 2500)).name
        'UNKNOWN'
        """
        if interval.base_m <= self.top_min_m or interval.top_m >= self.base_max_m:
            return Overlap.NO
        if interval.base_m > self.top_max_m and interval.top_m < self.base_min_m:
            return Overlap.YES
        return Overlap.UNKNOWN


WHOLE_COLUMN = DepthRange()
"""From ground level down, with no lower end."""

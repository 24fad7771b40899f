"""The parts of an area, and what an answer says first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dgdo_geo.assess import BandAssessment
from dgdo_geo.model import AreaShare, Potential, Verdict

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Headline:
    """What an answer says first."""

    potential: Potential
    potential_certain: bool
    verdict: Verdict
    indication: Verdict
    conclusive: bool


def areas_of(found: BandAssessment, area_m2: NDArray[np.float64] | None) -> tuple[AreaShare, ...]:
    """Parts with one potential and one verdict, the largest first; none at a point."""
    if area_m2 is None:
        return ()
    arrays = (found.potential, found.potential_certain, found.verdict, found.indication, found.conclusive)
    shape = (len(Potential), 2, len(Verdict), len(Verdict), 2)
    number = np.ravel_multi_index([array.astype(np.intp) for array in arrays], shape)
    total = float(area_m2.sum())
    parts = []
    for one in np.flatnonzero(np.bincount(number)):
        potential, certain, verdict, indication, conclusive = (int(v) for v in np.unravel_index(one, shape))
        area = float(area_m2[number == one].sum())
        parts.append(
            AreaShare(
                potential=Potential(potential),
                potential_certain=bool(certain),
                verdict=Verdict(verdict),
                indication=Verdict(indication),
                conclusive=bool(conclusive),
                area_m2=area,
                share=area / total,
            )
        )
    return tuple(sorted(parts, key=lambda part: -part.area_m2))


def headline_of(found: BandAssessment, areas: tuple[AreaShare, ...]) -> Headline:
    """What the answer says first: the row itself at a point, the largest part of an area."""
    if not areas:
        return Headline(
            Potential(int(found.potential[0])),
            bool(found.potential_certain[0]),
            Verdict(int(found.verdict[0])),
            Verdict(int(found.indication[0])),
            bool(found.conclusive[0]),
        )
    outcome = _largest(areas, lambda part: part.outcome)
    within = [part for part in areas if part.outcome == outcome]
    potential = _largest(areas, lambda part: part.potential)
    return Headline(
        potential,
        all(part.potential_certain for part in areas if part.potential is potential),
        _largest(within, lambda part: part.verdict),
        _largest(within, lambda part: part.indication),
        all(part.conclusive for part in areas),
    )


def _largest(parts: Sequence[AreaShare], key: Callable[[AreaShare], K]) -> K:
    """The value of ``key`` with the largest total area."""
    totals: dict[K, float] = {}
    for part in parts:
        totals[key(part)] = totals.get(key(part), 0.0) + part.area_m2
    return max(totals, key=lambda value: totals[value])

"""What a question is about: which activities, in which depth bands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dgdo_geo.errors import InputError
from dgdo_geo.knowledge import KnowledgeBase
from dgdo_geo.model import Activity, Band


@dataclass(frozen=True, slots=True)
class AskedBand:
    """An activity and the depth band in which it is judged."""

    activity: Activity
    band: Band


def asked_bands(
    knowledge: KnowledgeBase, activities: Sequence[str] = (), depth: tuple[float, float] | None = None
) -> list[AskedBand]:
    """Activities and bands that a question is about.

    Raises
    ------
    InputError
        If an activity is unknown, or the depth is wrong or fits none of the activities.
    """
    chosen = [knowledge.activity(a) for a in activities] or list(knowledge.activities.values())
    if depth is None:
        return [AskedBand(activity, band) for activity in chosen for band in activity.bands]
    top, base = depth
    if not (0 <= top < base < math.inf):
        raise InputError("depth_wrong", top=f"{top:g}", base=f"{base:g}")
    asked = []
    for activity in chosen:
        low, high = max(top, activity.bands[0].top_m), min(base, activity.bands[-1].base_m)
        if low < high:
            asked.append(AskedBand(activity, Band(top_m=low, base_m=high)))
    if not asked:
        raise InputError("depth_fits_none", top=f"{top:g}", base=f"{base:g}")
    return asked

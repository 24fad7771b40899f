"""What a question is about: which activities, in which depth bands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache

from dgdo_geo.assess import Judge, Question, pose
from dgdo_geo.errors import InputError
from dgdo_geo.knowledge import KnowledgeBase
from dgdo_geo.model import Activity, Band, EvidenceKey, LayerState, Procedure

KEPT = 16
"""Questions that are kept filled in; people ask the same few of many places."""


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


@dataclass(frozen=True, eq=False)
class Asked:
    """A question with everything filled in, for any number of places.

    Attributes
    ----------
    bands : tuple of AskedBand
    question : Question
        The same bands, with the conditions of all rules.
    procedures : tuple of tuple of Procedure
        Who decides, for every band.
    """

    bands: tuple[AskedBand, ...]
    question: Question
    procedures: tuple[tuple[Procedure, ...], ...]

    @cached_property
    def judge(self) -> Judge:
        """Judges single places, and remembers what it found."""
        return Judge(self.question)


class Questions:
    """Fills in questions and keeps them while they are asked again; safe to share between threads.

    Parameters
    ----------
    knowledge : KnowledgeBase
    states : mapping of layer id to LayerState
        What can be consulted.
    keys : sequence of EvidenceKey
        Keys of the evidence that the questions will be put to.
    """

    def __init__(self, knowledge: KnowledgeBase, states: Mapping[str, LayerState], keys: Sequence[EvidenceKey]) -> None:
        self.knowledge = knowledge
        self.states = states
        self.keys = tuple(keys)
        self._filled_in = lru_cache(KEPT)(self._fill_in)

    def ask(self, on: date, activities: Sequence[str] = (), depth: tuple[float, float] | None = None) -> Asked:
        """The question about some activities (all when empty) on a date, at their own depths or at a given one.

        Raises
        ------
        InputError
            As :func:`asked_bands`.
        NotInForceError
            If the date lies before the rule base begins.
        """
        return self._filled_in(on, tuple(activities), None if depth is None else tuple(depth))

    def _fill_in(self, on: date, activities: tuple[str, ...], depth: tuple[float, float] | None) -> Asked:
        knowledge = self.knowledge
        bands = tuple(asked_bands(knowledge, activities, depth))
        question = pose(
            [(item.activity, item.band.interval) for item in bands],
            knowledge.applicable,
            knowledge.rules,
            self.keys,
            self.states,
            knowledge.value,
            on,
        )
        procedures = tuple(
            knowledge.procedures_for(item.activity.id, item.band.top_m, item.band.base_m) for item in bands
        )
        return Asked(bands, question, procedures)

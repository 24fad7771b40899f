"""What stands around the answers: concerns of the region, notes, and the receipt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache

import dgdo_geo
from dgdo_geo.knowledge import KnowledgeBase
from dgdo_geo.model import (
    RD_NEW,
    Answer,
    Concern,
    Family,
    Fit,
    FittingConcern,
    LayerState,
    Quality,
    Receipt,
    Region,
    Wordbook,
)
from dgdo_geo.texts import text

REMEMBERED = 1000
"""Lists of concerns that are kept at most."""


class Surroundings:
    """What stands around the answers of one rule base and one set of layers; safe to share between threads.

    Parameters
    ----------
    knowledge : KnowledgeBase
    states : mapping of layer id to LayerState
    boundaries : LayerState
        Of the municipalities.
    """

    def __init__(self, knowledge: KnowledgeBase, states: Mapping[str, LayerState], boundaries: LayerState) -> None:
        self._knowledge = knowledge
        self._states = states
        self._boundaries = boundaries
        self._has_own = any(concern.places for concern in knowledge.concerns)
        self._fitting = lru_cache(REMEMBERED)(self._find_fitting)

    def of(
        self,
        region: Region,
        answers: Sequence[Answer],
        on: date,
        engine: str,
        remarks: tuple[str, ...] = (),
        activities: Sequence[str] = (),
        depth: tuple[float, float] | None = None,
    ) -> tuple[tuple[FittingConcern, ...], tuple[str, ...], Receipt, Wordbook]:
        """Concerns, notes (with the remarks about the place last), receipt and glossary of an answer."""
        codes = (*region.municipalities, *region.provinces, *region.dgdo_regions, region.code) if self._has_own else ()
        return (
            self._fitting(region.dgdo_regions, codes, *_subjects(answers)),
            (*notes(answers, self._boundaries, on, depth), *remarks),
            receipt(region, self._knowledge, self._states, on, engine, activities, depth),
            self._knowledge.wordbook,
        )

    def _find_fitting(
        self,
        regions: tuple[str, ...],
        codes: tuple[str, ...],
        asked: frozenset[str],
        fired: frozenset[Family],
        silent: frozenset[Family],
    ) -> tuple[FittingConcern, ...]:
        found = [_fit(c, regions, codes, asked, fired, silent) for c in self._knowledge.concerns]
        return tuple(sorted((c for c in found if c is not None), key=lambda c: -c.relevance))


def _subjects(answers: Sequence[Answer]) -> tuple[frozenset[str], frozenset[Family], frozenset[Family]]:
    """Activities, families of the layers that constrain, and of those that could not be answered."""
    fired = {id(c.layer): c.layer for answer in answers for c in answer.constraints}
    silent = {id(u.layer): u.layer for answer in answers for u in answer.unanswered}
    return (
        frozenset(answer.activity.id for answer in answers),
        frozenset(layer.family for layer in fired.values() if layer is not None),
        frozenset(layer.family for layer in silent.values() if layer is not None),
    )


def _fit(
    concern: Concern,
    regions: Sequence[str],
    codes: Sequence[str],
    asked: frozenset[str],
    fired: frozenset[Family],
    silent: frozenset[Family],
) -> FittingConcern | None:
    """Why a concern fits an answer; None where it does not."""
    fits = []
    if concern.places:
        if not set(concern.places) & set(codes):
            return None
        fits.append(Fit.OWN_PLACE)
    if concern.regions:
        if not set(concern.regions) & set(regions):
            return None
        fits.append(Fit.REGION)
    if concern.activities:
        if not set(concern.activities) & asked:
            return None
        fits.append(Fit.ACTIVITY)
    if concern.families:
        if not set(concern.families) & (fired | silent):
            return None
        fits.append(Fit.CONSTRAINT if set(concern.families) & fired else Fit.UNANSWERED)
    return FittingConcern(concern, tuple(fits))


def notes(
    answers: Sequence[Answer], boundaries: LayerState, on: date, depth: tuple[float, float] | None = None
) -> tuple[str, ...]:
    """What the reader must know of the quality, the date and the depths of the answers."""
    found = []
    if depth is not None:
        judged = "; ".join(f"{a.activity.name_nl} {a.band.top_m:g}–{a.band.base_m:g} m" for a in answers)
        found.append(text("notes", "own_depth", top=f"{depth[0]:g}", base=f"{depth[1]:g}", judged=judged))
    if any(answer.quality.is_mark_needed for answer in answers):
        found.append(text("notes", "schematic"))
    if boundaries.layer.quality is Quality.GENERALISED:
        found.append(text("notes", "generalised_boundaries", metres=f"{boundaries.layer.accuracy_m:g}"))
    if on > date.today():
        found.append(text("notes", "future", on=nl_date(on)))
    return tuple(found)


def receipt(
    region: Region,
    knowledge: KnowledgeBase,
    states: Mapping[str, LayerState],
    on: date,
    engine: str,
    activities: Sequence[str] = (),
    depth: tuple[float, float] | None = None,
) -> Receipt:
    """How the answer came about: the question as it was asked, and all that it was answered with."""
    asked = f"{region.kind.value} {region.code}; peildatum {on.isoformat()}"
    if activities:
        asked += f"; activiteit {', '.join(activities)}"
    if depth is not None:
        asked += f"; diepte {depth[0]:g} {depth[1]:g}"
    return Receipt(
        code=f"dgdo-geo {dgdo_geo.__version__}",
        engine=engine,
        rules_version=knowledge.info.version,
        rules_hash=knowledge.hash,
        crs=f"EPSG:{RD_NEW}",
        input=asked,
        layers=tuple(states.values()),
    )


def nl_date(day: date) -> str:
    """A date as it is written in Dutch.

    >>> nl_date(date(2026, 11, 3))
    '3-11-2026'
    """
    return f"{day.day}-{day.month}-{day.year}"

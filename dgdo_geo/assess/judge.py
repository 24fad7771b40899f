"""One question for one place after another: what was found out about a place is remembered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dgdo_geo.assess.band import BandAssessment, summed_up
from dgdo_geo.assess.conditions import Condition
from dgdo_geo.assess.potential import LayerPotential, Offer, combine_potential, read_offer
from dgdo_geo.assess.question import Question
from dgdo_geo.assess.rules import CAUSES, Firing, RuleOutcome, Said, put, together
from dgdo_geo.model import Cause, EvidenceTable, Potential

REMEMBERED = 10_000
"""Findings that are kept at most, per kind and question."""
_SEEN = (CAUSES.index(Cause.NEAR_EDGE), CAUSES.index(Cause.DEPTH_UNKNOWN))


@dataclass(frozen=True, eq=False)
class GroupFinding:
    """A group of rules at one place.

    Attributes
    ----------
    outcomes : tuple of tuple of RuleOutcome
        For every asked band the rules that apply in it, over one row.
    code : numpy.ndarray of uint16, shape (bands,)
        The rules of every band together; see :func:`~dgdo_geo.assess.rules.together`.
    layers : tuple of str
        Layers of which a feature lies here, or so close that it may.
    """

    outcomes: tuple[tuple[RuleOutcome, ...], ...]
    code: NDArray[np.uint16]
    layers: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class OfferFinding:
    """The potential layers of an asked band at one place."""

    layers: tuple[LayerPotential, ...]
    potential: Potential
    is_certain: bool


def judged(question: Question, evidence: EvidenceTable) -> tuple[BandAssessment, ...]:
    """All asked bands for every row of the evidence; as :func:`~dgdo_geo.assess.assess`, without the rules that
    do not apply in a band.
    """
    n = len(evidence)
    # Every key is read as a column, many times.
    evidence = replace(evidence, presence=np.asfortranarray(evidence.presence))
    said = _memo(lambda condition: put(condition, evidence))
    read: dict[Offer, LayerPotential] = {}
    groups = [group.outcomes(said) for group in question.groups]
    result = []
    for i, (activity, band) in enumerate(question.asked):
        outcomes = tuple(outcome for group in groups for outcome in group[i])
        found = []
        for offer in question.offers[i]:
            if offer not in read:
                read[offer] = read_offer(offer, evidence)
            found.append(read[offer])
        result.append(summed_up(activity, band, outcomes, tuple(found), n))
    return tuple(result)


def _memo(look_up: Callable[[Condition], Said]) -> Callable[[Condition], Said]:
    known: dict[Condition, Said] = {}

    def said(condition: Condition) -> Said:
        if condition not in known:
            known[condition] = look_up(condition)
        return known[condition]

    return said


class Judge:
    """One question at single places; safe to share between threads.

    Parameters
    ----------
    question : Question
    """

    def __init__(self, question: Question) -> None:
        self.question = question
        self._columns = [np.array(group.columns, np.intp) for group in question.groups]
        self._distinct_offers = list(dict.fromkeys(offer for offers in question.offers for offer in offers))
        self._offer_columns = [np.array([i for i, *_ in offer.keys], np.intp) for offer in self._distinct_offers]
        place = {offer: i for i, offer in enumerate(self._distinct_offers)}
        self._band_offers = [tuple(place[offer] for offer in offers) for offers in question.offers]
        self._group = lru_cache(REMEMBERED)(self._find_group)
        self._offer = lru_cache(REMEMBERED)(self._find_offer)
        self._combined = lru_cache(REMEMBERED)(_combined)

    def groups(self, row: NDArray[np.int8], province: str, near: tuple[str, ...]) -> list[GroupFinding]:
        """Every group of rules at a place.

        Parameters
        ----------
        row : numpy.ndarray of int8, shape (k,)
            :class:`~dgdo_geo.model.Presence` of every evidence key.
        province, near : str, tuple of str
            Province of the place, and those whose border is closer than its accuracy.
        """
        return [
            self._group(i, row[columns].tobytes(), *((province, near) if group.is_regional else ("", ())))
            for i, (group, columns) in enumerate(zip(self.question.groups, self._columns, strict=True))
        ]

    def offers(self, row: NDArray[np.int8]) -> list[OfferFinding]:
        """The potential layers of every asked band at a place."""
        said = [self._offer(i, row[columns].tobytes()) for i, columns in enumerate(self._offer_columns)]
        return [self._combined(tuple([said[i] for i in offers])) for offers in self._band_offers]

    def _evidence(
        self, columns: NDArray[np.intp], presence: bytes, province: str, near: tuple[str, ...]
    ) -> EvidenceTable:
        row = np.zeros((1, len(self.question.keys)), np.int8)
        row[0, columns] = np.frombuffer(presence, np.int8)
        return EvidenceTable(self.question.keys, row, (province,), near_provinces=near)

    def _find_group(self, i: int, presence: bytes, province: str, near: tuple[str, ...]) -> GroupFinding:
        group = self.question.groups[i]
        evidence = self._evidence(self._columns[i], presence, province, near)
        outcomes = group.outcomes(_memo(lambda condition: put(condition, evidence)))
        codes = [np.empty(0, np.uint16), *(together(band, 1) for band in outcomes)]
        found = {o.rule.layer for band in outcomes for o in band if o.firing[0] >= Firing.RIM or o.cause[0] in _SEEN}
        return GroupFinding(outcomes, np.concatenate(codes), tuple(sorted(layer for layer in found if layer)))

    def _find_offer(self, i: int, presence: bytes) -> LayerPotential:
        return read_offer(self._distinct_offers[i], self._evidence(self._offer_columns[i], presence, "", ()))


def _combined(layers: tuple[LayerPotential, ...]) -> OfferFinding:
    potential, certain = combine_potential(layers, 1)
    return OfferFinding(layers, Potential(int(potential[0])), bool(certain[0]))

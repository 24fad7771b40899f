"""All places at once: the verdict and potential of every combination in the country, and the areas per region.

A rule looks at one layer and the province, so it is answered once for every
pattern of that layer. The answers are codes whose maximum is a bitwise or
(:func:`~dgdo_geo.assess.rules.together`), so a combination is judged by
looking up the codes of its patterns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from dgdo_geo.assess.conditions import Condition
from dgdo_geo.assess.patterns import Cells, PatternTable, RuleRows, summed
from dgdo_geo.assess.potential import Offer, combine_potential, read_offer
from dgdo_geo.assess.question import Question
from dgdo_geo.assess.rules import CODES, Firing, RuleOutcome, Said, put, read_code, together
from dgdo_geo.model import Activity, DepthInterval, Potential, Rule, Verdict

REMEMBERED = 20_000
"""Conditions and questions that are kept; a condition takes about a byte for every pattern it was put to."""

# A part of the country: potential, potential_certain, verdict, indication and conclusive as one number.
_SHAPE = (len(Verdict), len(Verdict), 2, len(Potential), 2)
_PARTS = int(np.prod(_SHAPE))
_OFFER_PARTS = len(Potential) * 2


def _rule_parts() -> NDArray[np.uint16]:
    verdict, indication, conclusive = read_code(np.arange(CODES, dtype=np.uint16))
    number = np.ravel_multi_index((verdict, indication, conclusive.astype(np.intp)), _SHAPE[:3])
    return (number * _OFFER_PARTS).astype(np.uint16)


_RULE_PART = _rule_parts()


@dataclass(frozen=True, eq=False)
class Parts:
    """What distinguishes parts of an area: arrays of one length, shape (m,)."""

    potential: NDArray[np.int8]
    potential_certain: NDArray[np.bool_]
    verdict: NDArray[np.int8]
    indication: NDArray[np.int8]
    conclusive: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.verdict)


def _every_part() -> Parts:
    verdict, indication, conclusive, potential, certain = np.unravel_index(np.arange(_PARTS), _SHAPE)
    small = [item.astype(np.int8) for item in (potential, verdict, indication)]
    return Parts(small[0], certain.astype(np.bool_), small[1], small[2], conclusive.astype(np.bool_))


_EVERY = _every_part()


def _parts(number: NDArray[np.integer]) -> Parts:
    """What the numbers of some parts stand for."""
    return Parts(
        _EVERY.potential[number],
        _EVERY.potential_certain[number],
        _EVERY.verdict[number],
        _EVERY.indication[number],
        _EVERY.conclusive[number],
    )


@dataclass(frozen=True, eq=False)
class RuleAreas:
    """Square metres where the rules of one band fire.

    Attributes
    ----------
    rules : tuple of Rule, length q
    certain_m2, drawn_m2 : numpy.ndarray of float64, shape (regions, q)
        Where a rule certainly fires, and where it fires as drawn.
    """

    rules: tuple[Rule, ...]
    certain_m2: NDArray[np.float64]
    drawn_m2: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BandOutcomes:
    """One activity in one depth band on one date, for the whole country.

    Attributes
    ----------
    parts : Parts, of m parts
        What occurs anywhere.
    area_m2 : numpy.ndarray of float64, shape (regions, m)
        Area of every part in every region.
    """

    activity: Activity
    band: DepthInterval
    on: date
    parts: Parts
    area_m2: NDArray[np.float64]
    _rows: RuleRows = field(repr=False)
    _cells: Cells = field(repr=False)
    _offer_of_distinct: NDArray[np.intp] = field(repr=False)
    _rule_part: NDArray[np.uint16] = field(repr=False)
    _offer_part: NDArray[np.uint16] = field(repr=False)
    _outcomes: tuple[tuple[tuple[RuleOutcome, ...], int], ...] = field(repr=False)

    @cached_property
    def distinct(self) -> Parts:
        """Verdict and potential of every distinct (province, combination) row of the table, shape (d,)."""
        return _parts(self._rule_part[self._rows.of_distinct] + self._offer_part[self._offer_of_distinct])

    def rule_areas(self, at_least: Verdict = Verdict.ATTENTION) -> RuleAreas:
        """Where the rules of this verdict or a stricter one fire, in every region."""
        regions, cells = len(self.area_m2), self._cells
        rules: list[Rule] = []
        certain: list[NDArray[np.float64]] = []
        drawn: list[NDArray[np.float64]] = []
        for outcomes, group in self._outcomes:
            for outcome in outcomes:
                if outcome.rule.verdict < at_least or not outcome.rule.counts:
                    continue
                firing = outcome.firing[self._rows.groups[group]][cells.rule_row]
                rules.append(outcome.rule)
                for areas, is_counted in ((certain, firing == Firing.FIRES), (drawn, firing >= Firing.RIM)):
                    areas.append(summed(cells.region, cells.area_m2 * is_counted, regions))
        empty = np.zeros((0, regions))
        return RuleAreas(tuple(rules), np.array(certain or empty).T, np.array(drawn or empty).T)


class CountryAssessor:
    """Judges an overlay table as a whole; remembers what every condition said. Safe to share between threads.

    A changed rule, date or layer state changes some conditions; only those
    are put to the table again.
    """

    def __init__(self, table: PatternTable) -> None:
        self.table = table
        self._said = lru_cache(REMEMBERED)(self._put)
        self._offered = lru_cache(REMEMBERED)(self._read)
        self._judged = lru_cache(8)(self._judge)

    def assess(self, question: Question) -> tuple[BandOutcomes, ...]:
        """Every asked band for the whole country.

        Parameters
        ----------
        question : Question
            Posed with the evidence keys of the table.
        """
        groups = tuple(group.layers for group in question.groups)
        rows = self.table.rule_rows(groups)
        outcomes, codes = self._judged(question)
        result = []
        for i, (activity, band) in enumerate(question.asked):
            rule_part = _RULE_PART[codes[i]]
            offer_part = self._offered(question.offers[i], activity.potential_layers)
            cells = self.table.cells(groups, activity.potential_layers)
            numbers = rule_part[cells.rule_row] + offer_part[cells.offer]
            parts, area = _areas(numbers, cells, self.table.regions)
            of_distinct = self.table.offers(activity.potential_layers).of_row
            said = tuple((found[i], g) for g, found in enumerate(outcomes))
            result.append(
                BandOutcomes(
                    activity, band, question.on, parts, area, rows, cells, of_distinct, rule_part, offer_part, said
                )
            )
        return tuple(result)

    def _judge(self, question: Question) -> tuple[list[tuple[tuple[RuleOutcome, ...], ...]], NDArray[np.uint16]]:
        """Outcomes per group and band, and the code of every rule row, shape (bands, rows)."""
        rows = self.table.rule_rows(tuple(group.layers for group in question.groups))
        codes = np.zeros((rows.count, len(question.asked)), np.uint16)
        outcomes = []
        for group, pattern in zip(question.groups, rows.groups, strict=True):
            count = len(self.table.group(group.layers).evidence)
            found = group.outcomes(partial(self._said, group.layers))
            outcomes.append(found)
            of_pattern = np.stack([together(band, count) for band in found], axis=1)
            codes |= np.take(of_pattern, pattern, axis=0)
        return outcomes, np.ascontiguousarray(codes.T)

    def _put(self, layers: tuple[str, ...], condition: Condition) -> Said:
        return put(condition, self.table.group(layers).evidence)

    def _read(self, offers: tuple[Offer, ...], layers: tuple[str, ...]) -> NDArray[np.uint16]:
        """Number of the part for every pattern of the potential layers."""
        evidence = self.table.offers(layers).evidence
        potential, certain = combine_potential([read_offer(offer, evidence) for offer in offers], len(evidence))
        return (potential.astype(np.uint16) * 2 + certain).astype(np.uint16)


def _areas(numbers: NDArray[np.uint16], cells: Cells, regions: int) -> tuple[Parts, NDArray[np.float64]]:
    """Area of every part that occurs, per region."""
    place = np.zeros(_PARTS, np.intp)
    place[numbers] = 1
    found = np.flatnonzero(place)
    place[found] = np.arange(len(found))
    bins = cells.region * len(found) + place[numbers]
    area = summed(bins, cells.area_m2, regions * len(found))
    return _parts(found), area.reshape(regions, len(found))

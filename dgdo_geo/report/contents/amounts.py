"""Areas, shares and depths as a report prints them: one way of rounding, named in the report itself."""

from __future__ import annotations

from collections.abc import Iterable

from dgdo_geo.model import Answer, AreaShare
from dgdo_geo.report.blocks import Cell
from dgdo_geo.report.card import band_nl
from dgdo_geo.texts import number_nl, text

UNBROKEN = "\u00a0"
"""A space at which no line ends."""


def km2(area_m2: float) -> str:
    """An area in km2 with two decimals; what is there is never written as nothing.

    >>> km2(123_456_789), km2(0.0), km2(40.0)
    ('123,46', '0,00', '< 0,01')
    """
    value = area_m2 / 1e6
    return f"< {number_nl(0.01, 2)}" if 0 < value < 0.005 else number_nl(value, 2)


def percent(share: float) -> str:
    """A share in percent with one decimal, unbroken; a part is never written as nothing or as the whole.

    >>> [percent(share).replace(UNBROKEN, " ") for share in (0.5, 0.0, 1.0, 0.0004, 0.9999)]
    ['50,0 %', '0,0 %', '100,0 %', '< 0,1 %', '> 99,9 %']
    """
    value = 100 * share
    words = f"{number_nl(value, 1)} %"
    if 0 < value < 0.05:
        words = f"< {number_nl(0.1, 1)} %"
    elif 99.95 <= value < 100 - 1e-7:
        words = f"> {number_nl(99.9, 1)} %"
    return words.replace(" ", UNBROKEN)


def outcome_cell(key: str, *, kind: str = "verdict") -> Cell:
    """The word of an outcome or of a potential, with its pattern."""
    return Cell(text("potential" if kind == "potential" else "verdict", key), (kind, key))


def summed(parts: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Totals per word."""
    totals: dict[str, float] = {}
    for word, value in parts:
        totals[word] = totals.get(word, 0.0) + value
    return totals


def found_word(part: AreaShare) -> str:
    """What the maps point to: the strictest rule as drawn; "unknown" where that is nothing and rules are open."""
    return part.indication.key if part.conclusive or part.indication > 0 else "unknown"


def activity_nl(answer: Answer) -> str:
    """An activity with its depth band."""
    return f"{answer.activity.name_nl}, {band_nl(answer)}"

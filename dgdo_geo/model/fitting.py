"""Concerns that fit an answer: why, how well, and for which reader. They stand beside the verdict, never in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from dgdo_geo.model.guidance import Concern, RaisedBy, Reader

SHOWN = 8
"""Concerns that are shown first; the rest is one click or flag away."""
OF_ONE_SUBJECT = 2
"""Of the concerns that are shown first, at most so many about one subject."""
OF_THE_REGION = 6
"""Of the concerns that are shown first, at most so many from the region as a whole: the reader's own level is heard too."""


class Fit(StrEnum):
    """Why a concern fits an answer."""

    OWN_PLACE = "own_place"
    REGION = "region"
    ACTIVITY = "activity"
    CONSTRAINT = "constraint"
    UNANSWERED = "unanswered"
    READER = "reader"


POINTS = {
    Fit.OWN_PLACE: 30,
    Fit.REGION: 10,
    Fit.ACTIVITY: 4,
    Fit.CONSTRAINT: 4,
    Fit.UNANSWERED: 1,
    Fit.READER: 5,
}
"""What a reason weighs. A choice of ours: the place first, then the reader, then the subject.

A concern of the user's own outweighs everything else together.
"""


@dataclass(frozen=True, slots=True)
class FittingConcern:
    """A concern, and why it is shown with an answer."""

    concern: Concern
    fits: tuple[Fit, ...]

    @property
    def relevance(self) -> int:
        """How well it fits; a higher number is shown first."""
        return sum(POINTS[fit] for fit in self.fits)


def for_reader(
    concerns: Sequence[FittingConcern], reader: Reader, activity: str | None = None
) -> tuple[tuple[FittingConcern, ...], tuple[FittingConcern, ...]]:
    """The concerns that a reader sees first, and the others.

    First come those that were raised by the reader's own level of government
    or by all, by relevance, with not too many about one subject or from the
    region as a whole. What only another level of government raised stands
    among the others.

    Parameters
    ----------
    concerns : sequence of FittingConcern
    reader : Reader
    activity : str, optional
        Only concerns about this activity or about all.
    """
    named = [c for c in concerns if activity is None or not c.concern.activities or activity in c.concern.activities]
    mine = sorted(
        (_read_by(c, reader) for c in named if c.concern.raised_by in (RaisedBy.ALL, reader.voice)),
        key=lambda c: -c.relevance,
    )
    first = _varied(mine)
    ids = {c.concern.id for c in first}
    rest = [c for c in mine if c.concern.id not in ids]
    theirs = [c for c in named if c.concern.raised_by not in (RaisedBy.ALL, reader.voice)]
    return first, (*rest, *theirs)


def _read_by(item: FittingConcern, reader: Reader) -> FittingConcern:
    if item.concern.raised_by is not reader.voice:
        return item
    return FittingConcern(item.concern, (*item.fits, Fit.READER))


def _varied(concerns: Sequence[FittingConcern]) -> tuple[FittingConcern, ...]:
    """The first ones, with limits for one subject and for the region; open places go to the next in line."""
    chosen: list[FittingConcern] = []
    passed: list[FittingConcern] = []
    subjects: dict[str, int] = {}
    regional = 0
    for item in concerns:
        is_regional = Fit.REGION in item.fits and Fit.READER not in item.fits
        is_much = subjects.get(item.concern.subject, 0) == OF_ONE_SUBJECT or (is_regional and regional == OF_THE_REGION)
        if is_much and not item.concern.is_own:
            passed.append(item)
            continue
        subjects[item.concern.subject] = subjects.get(item.concern.subject, 0) + 1
        regional += is_regional
        chosen.append(item)
    first = [*chosen, *passed][:SHOWN]
    return tuple(sorted(first, key=lambda c: -c.relevance))

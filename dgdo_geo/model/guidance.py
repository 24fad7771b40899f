"""What stands beside the verdict: concerns, procedures, pairs of activities, words."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from dgdo_geo.model.cited import Declared, Identifier, Source
from dgdo_geo.model.words import Confidence, Doubt, Family


class RaisedBy(StrEnum):
    """Who raised a concern."""

    MUNICIPALITIES = "gemeenten"
    PROVINCES_AND_WATER_BOARDS = "provincies en waterschappen"
    ALL = "alle"


class Reader(StrEnum):
    """Level of government of whoever reads the answer."""

    MUNICIPALITY = "gemeente"
    PROVINCE = "provincie"
    WATER_BOARD = "waterschap"

    @property
    def voice(self) -> RaisedBy:
        """The group in the regional sessions that this reader belongs to."""
        return RaisedBy.MUNICIPALITIES if self is Reader.MUNICIPALITY else RaisedBy.PROVINCES_AND_WATER_BOARDS


OWN_SUBJECT = "eigen aandachtspunt"
"""Subject of a concern that a user added without naming one."""


class Concern(Declared):
    """What a region or level of government raised; shown beside the verdict, never inside it.

    A concern of the user's own has an ``author`` and the codes of its
    ``places`` (GM, PV or WS codes, or a DGDO region).
    """

    id: Identifier
    title_nl: Annotated[str, Field(min_length=1, max_length=120)]
    text_nl: Annotated[str, Field(min_length=1, max_length=2000)]
    section: str = ""
    regions: tuple[str, ...] = ()
    raised_by: RaisedBy
    theme: Literal[
        "samen sturen op de ruimte", "samen zorgen voor kennis en inzicht", "omgaan met regionale kenmerken", "algemeen"
    ] = "algemeen"
    kind: Literal["knelpunt", "behoefte", "verwachting", "aandachtspunt"] = "aandachtspunt"
    subject: str = OWN_SUBJECT
    activities: tuple[str, ...] = ()
    families: tuple[Family, ...] = ()
    raised_on: date
    source: Source
    author: str = ""
    places: tuple[str, ...] = ()

    @property
    def is_own(self) -> bool:
        """True for a concern that a user added."""
        return bool(self.author)


class CoveredSection(Declared):
    """A part of the source document, and the concerns that come from it."""

    id: str
    title_nl: str
    concerns: Annotated[tuple[str, ...], Field(min_length=1)]


class Phase(StrEnum):
    """Phases of an activity, in order of time."""

    EXPLORE = "verkennen"
    SEARCH = "zoeken"
    DRILL = "boren"
    OPERATE = "gebruiken"
    CLOSE = "afsluiten"


class ProcedureStep(Declared):
    """One step in the permit chain. An empty text means: not looked up yet, and is shown as such."""

    phase: Phase
    step_nl: str
    decides_nl: str
    advises_nl: str = ""
    municipality_nl: str = ""
    province_nl: str = ""
    water_board_nl: str = ""
    participation_nl: str = ""
    appeal_nl: str = ""
    confidence: Confidence
    doubt: tuple[Doubt, ...] = ()
    source: Source
    also: tuple[Source, ...] = ()

    @model_validator(mode="after")
    def _with_doubt(self) -> ProcedureStep:
        check_doubt(self.confidence, self.doubt)
        return self


class Procedure(Declared):
    """Who decides what, for some activities in a depth range, in metres below ground level."""

    id: Identifier
    activities: Annotated[tuple[str, ...], Field(min_length=1)]
    top_m: Annotated[float, Field(ge=0)] = 0.0
    base_m: Annotated[float, Field(gt=0)] = 10_000.0
    act: Literal["Mijnbouwwet", "Omgevingswet", "Mijnbouwwet en Omgevingswet", "Kernenergiewet"]
    summary_nl: str
    steps: tuple[ProcedureStep, ...]
    gaps_nl: tuple[str, ...] = ()
    checked_on: date
    source: Source


class Together(StrEnum):
    """Whether two activities go together."""

    COMPATIBLE = "compatible"
    CONDITIONAL = "conditional"
    NO_UNLESS = "no_unless"
    SEQUENTIAL = "sequential"
    EXCLUDED = "excluded"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"


class Pair(Declared):
    """How two activities go together: in one volume, stacked, beside each other, and in time.

    Holds in both directions, unless ``asymmetry_nl`` says why not; then it
    tells how ``b`` fares where ``a`` is there already.

    Attributes
    ----------
    distance_m : (low, high) or None
        Metres between the two within which they affect each other; low and high may be equal.
    order_nl : str
        What order in time makes possible or impossible.
    """

    id: Identifier
    a: str
    b: str
    same_volume: Together
    stacked: Together
    distance_m: tuple[float, float] | None = None
    distance_nl: str = ""
    order_nl: str = ""
    explanation_nl: str
    asymmetry_nl: str = ""
    confidence: Confidence
    doubt: tuple[Doubt, ...] = ()
    checked_on: date
    source: Source
    also: tuple[Source, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Pair:
        if self.distance_m is not None and not 0 <= self.distance_m[0] <= self.distance_m[1]:
            raise ValueError("distance_m: give (low, high) in metres")
        if self.distance_m is not None and not self.distance_nl:
            raise ValueError("distance_m needs distance_nl: between what is it measured?")
        check_doubt(self.confidence, self.doubt)
        return self


class Term(Declared):
    """A word of the glossary.

    Attributes
    ----------
    forms : tuple of str
        Other spellings, plurals and abbreviations by which a text may name it.
    """

    id: Identifier
    term_nl: str
    meaning_nl: str
    forms: tuple[str, ...] = ()
    see: tuple[str, ...] = ()


def check_doubt(confidence: Confidence, doubt: tuple[Doubt, ...]) -> None:
    """Refuse a statement that is uncertain without saying what the doubt is.

    Raises
    ------
    ValueError
    """
    if confidence is Confidence.UNCERTAIN and not doubt:
        raise ValueError("an uncertain statement needs `doubt`")

"""Which verdicts flipped with the last change of a layer, as it is kept with its status.

The comparison itself is :mod:`dgdo_geo.decide.layerdiff`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

FlipStatus = Literal["compared", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class FlipPlace:
    """A municipality with flipped area."""

    code: str
    name: str
    area_m2: float


@dataclass(frozen=True, slots=True)
class Flip:
    """Area that went from one word to another, for one activity in one depth band.

    Attributes
    ----------
    kind : {"outcome", "potential", "detail"}
        ``detail``: the words are the same, a lower bound or an indication differs.
    before, after : str
        Key of the word; empty for ``detail``.
    municipalities : int
        In how many of them.
    places : tuple of FlipPlace
        Those with most of it, largest first.
    """

    kind: str
    activity: str
    activity_nl: str
    top_m: float
    base_m: float
    before: str
    after: str
    area_m2: float
    municipalities: int
    places: tuple[FlipPlace, ...]


@dataclass(frozen=True, slots=True)
class Flips:
    """What the last change of a layer did to the answers.

    Attributes
    ----------
    status : {"compared", "skipped", "failed"}
    message_nl : str
        Why there is no comparison; empty when there is.
    on : str
        The day for which was judged, ISO 8601.
    layers : tuple of str
        Layers that changed in the same run; they are compared together.
    left_out : tuple of str
        Boundaries that changed too: both sides are judged within the new ones.
    rows : tuple of Flip
        Largest first.
    """

    status: FlipStatus
    message_nl: str = ""
    on: str = ""
    layers: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    rows: tuple[Flip, ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Flips:
        """From the dict of ``dataclasses.asdict``, or of JSON.

        Raises
        ------
        KeyError, TypeError
            If it is not one.
        """
        rows = tuple(Flip(**{**row, "places": tuple(FlipPlace(**p) for p in row["places"])}) for row in data["rows"])
        lists = {name: tuple(data[name]) for name in ("layers", "left_out")}
        return cls(**{**data, **lists, "rows": rows})

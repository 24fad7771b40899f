"""What stands in the way of an activity at a place, and what is open instead: another depth, activity or municipality."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import shapely

from dgdo_geo.model import Answer, Assessment, Constraint, Potential, RegionKind, Verdict
from dgdo_geo.query.explorer import Explorer
from dgdo_geo.query.regions import WATER_BOARDS, find_water_board

MOST_PLACES = 3
"""Municipalities that are named at most."""
SOME_M2 = 10_000.0
"""Less than a hectare is no place to go to."""


@dataclass(frozen=True, slots=True)
class NearPlace:
    """A municipality where an activity meets less.

    Attributes
    ----------
    distance_m : float
        From the asked place to the municipality; 0 when they meet. Of a polygon of one's own: from the municipalities
        that it touches.
    open_m2 : float
        Kansrijk or mogelijk, and certainly no stricter than "ja, mits".
    unknown_m2 : float
        Nothing against it found, but not everything could be checked, or the potential is unknown.
    """

    code: str
    name: str
    distance_m: float
    open_m2: float
    unknown_m2: float


@dataclass(frozen=True, slots=True)
class Nearby:
    """A municipality at or near a point, and how much of it is open to an activity; areas in m2 add up to all of it.

    Attributes
    ----------
    distance_m : float
        From the point to the municipality; 0 when the point lies in it.
    """

    code: str
    name: str
    distance_m: float
    open_m2: float
    unknown_m2: float
    no_m2: float
    none_m2: float


@dataclass(frozen=True, slots=True)
class WayOut:
    """Why an answer is a no, and what is open instead.

    Attributes
    ----------
    blockers : tuple of Constraint
        The rules that would all have to go before the verdict is milder than "nee, tenzij": no smaller set is enough.
    depths, activities : tuple of Answer
        Other depths of the activity, and other activities, at the same place, that do not meet a no; the mildest first.
    places : tuple of NearPlace
        The nearest municipalities where the activity is open in the same depth band; where it is open nowhere in the
        Netherlands, those where nothing against it was found.
    is_open : bool
        False when ``places`` are of the second kind.
    """

    blockers: tuple[Constraint, ...]
    depths: tuple[Answer, ...]
    activities: tuple[Answer, ...]
    places: tuple[NearPlace, ...]
    is_open: bool


def is_no(answer: Answer) -> bool:
    """True when the answer is "nee" or "nee, tenzij" (of an area: for the largest part)."""
    return answer.outcome in (Verdict.NO_UNLESS.key, Verdict.EXCLUDED.key)


def blockers(answer: Answer) -> tuple[Constraint, ...]:
    """The constraints that certainly hold and say "nee" or "nee, tenzij": each of them alone is enough for a no."""
    return tuple(c for c in answer.constraints if c.is_certain and c.rule.verdict >= Verdict.NO_UNLESS)


def ways_out(explorer: Explorer, assessment: Assessment, answer: Answer, ranked: pd.DataFrame | None = None) -> WayOut:
    """What blocks an answer, and what is open instead.

    Parameters
    ----------
    explorer : Explorer
        That gave the assessment.
    assessment : Assessment
        Of a point, a region or an area.
    answer : Answer
        One of its answers.
    ranked : pandas.DataFrame, optional
        What ``Explorer.where_possible`` gives for the activity, the whole country and the day of the assessment;
        asked when None.

    Raises
    ------
    InputError, NotInForceError
        As ``Explorer.where_possible``.
    """
    if ranked is None:
        ranked = explorer.where_possible(answer.activity.id, "NL", assessment.on)
    milder = sorted((other for other in assessment.answers if _is_better(other)), key=_mildest)
    found, is_open = _nearest(explorer, assessment, answer, ranked)
    return WayOut(
        blockers=blockers(answer),
        depths=tuple(a for a in milder if a.activity.id == answer.activity.id and a.band != answer.band),
        activities=tuple(a for a in milder if a.activity.id != answer.activity.id),
        places=found,
        is_open=is_open,
    )


def nearby(
    explorer: Explorer, assessment: Assessment, answer: Answer, ranked: pd.DataFrame, within_m: float
) -> tuple[Nearby, ...]:
    """Municipalities at or near an asked point, the nearest first.

    Parameters
    ----------
    explorer, assessment, answer, ranked
        As :func:`ways_out`.
    within_m : float
        No further than this from the point.
    """
    frame = _of_band(ranked, answer)
    borders = explorer.regions.municipalities.geometry[frame.index]
    distance = shapely.distance(_shape(explorer, assessment), borders.to_numpy())
    near = sorted(
        (metres, code) for metres, code in zip(distance.tolist(), frame.index, strict=True) if metres <= within_m
    )
    return tuple(
        Nearby(
            str(code),
            str(frame.loc[code, "name"]),
            metres,
            *(float(frame.loc[code, name]) for name in ("open_m2", "unknown_m2", "no_m2", "none_m2")),
        )
        for metres, code in near
    )


def _of_band(ranked: pd.DataFrame, answer: Answer) -> pd.DataFrame:
    is_asked = (ranked["top_m"] == answer.band.top_m) & (ranked["base_m"] == answer.band.base_m)
    return ranked[is_asked].set_index("code")


def _is_better(answer: Answer) -> bool:
    return not is_no(answer) and not (answer.potential is Potential.NONE and answer.potential_certain)


def _mildest(answer: Answer) -> tuple[bool, int, int]:
    """A known answer before an unknown one; then the mildest; then the best potential."""
    return answer.outcome == "unknown", max(answer.verdict, answer.indication), -answer.potential


def _nearest(
    explorer: Explorer, assessment: Assessment, answer: Answer, ranked: pd.DataFrame
) -> tuple[tuple[NearPlace, ...], bool]:
    frame = _of_band(ranked, answer)
    is_open = bool((frame["open_m2"] >= SOME_M2).any())
    frame = frame[frame["open_m2" if is_open else "unknown_m2"] >= SOME_M2]
    asked = assessment.region
    if asked.kind is not RegionKind.POINT:
        frame = frame.drop(index=[code for code in asked.municipalities if code in frame.index])
    distance = shapely.distance(_shape(explorer, assessment), explorer.regions.municipalities.geometry[frame.index])
    order = sorted(zip(distance.tolist(), frame.index, strict=True))[:MOST_PLACES]
    near = tuple(
        NearPlace(
            str(code),
            str(frame.loc[code, "name"]),
            metres,
            float(frame.loc[code, "open_m2"]),
            float(frame.loc[code, "unknown_m2"]),
        )
        for metres, code in order
    )
    return near, is_open


def _shape(explorer: Explorer, assessment: Assessment) -> shapely.Geometry:
    region = assessment.region
    if region.kind is RegionKind.POINT:
        x, _, y = region.code.partition(",")
        return shapely.Point(float(x), float(y))
    if region.kind is RegionKind.WATER_BOARD:
        return find_water_board(explorer.layer(WATER_BOARDS).to_gdf(), region.code)[2]
    return shapely.union_all(explorer.regions.municipalities.geometry[list(region.municipalities)].to_numpy())

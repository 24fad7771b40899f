"""Two rule bases: which verdicts differ, where, and how many square metres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dgdo_geo.assess import BandOutcomes
from dgdo_geo.knowledge import KnowledgeBase
from dgdo_geo.model import Activity, Band, Declared, Potential, Verdict, outcome_of
from dgdo_geo.query import Explorer

COLUMNS = (
    "code", "name", "activity", "activity_nl", "top_m", "base_m",
    "before", "after", "verdict_before", "verdict_after", "indication_before", "indication_after",
    "conclusive_before", "conclusive_after", "potential_before", "potential_after", "area_m2",
)  # fmt: skip
"""Columns of the flips."""


@dataclass(frozen=True, slots=True)
class Change:
    """An entry that differs between two rule bases.

    Attributes
    ----------
    kind : {"rule", "parameter", "activity"}
    what : {"added", "removed", "changed"}
    keys : tuple of str
        Keys with another value, of a changed entry.
    """

    kind: str
    id: str
    what: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class RuleDiff:
    """What differs between two rule bases, and what that does.

    Attributes
    ----------
    on : date
    before, after : str
        Hashes of the two rule bases.
    changes : tuple of Change
    bands_before, bands_after : tuple of (str, Band)
        Activities and bands that only one of them knows; they are not compared.
    flips : DataFrame
        One row per municipality, activity, band and pair of outcomes that differ: see ``COLUMNS``.
    """

    on: date
    before: str
    after: str
    changes: tuple[Change, ...]
    bands_before: tuple[tuple[str, Band], ...]
    bands_after: tuple[tuple[str, Band], ...]
    flips: pd.DataFrame

    def per_activity(self) -> pd.DataFrame:
        """Square metres and number of municipalities per activity, band and pair of outcomes, largest first."""
        by = ["activity", "activity_nl", "top_m", "base_m"]
        by += [f"{what}{side}" for side in ("before", "after") for what in ("", "indication_", "conclusive_")]
        found = self.flips.groupby(by, sort=False).agg(area_m2=("area_m2", "sum"), municipalities=("code", "nunique"))
        return found.reset_index().sort_values("area_m2", ascending=False, ignore_index=True)

    def per_place(self) -> pd.DataFrame:
        """Municipalities with a flip, and the largest area of one activity and band there, largest first."""
        whole = self.flips.groupby(["code", "name", "activity", "top_m"])["area_m2"].sum()
        found = whole.groupby(["code", "name"]).max().reset_index()
        return found.sort_values(["area_m2", "code"], ascending=[False, True], ignore_index=True)

    def to_dict(self) -> dict[str, object]:
        """The dict of ``diff --json``."""
        return {
            "peildatum": self.on.isoformat(),
            "rules_before": self.before,
            "rules_after": self.after,
            "changes": [{"kind": c.kind, "id": c.id, "what": c.what, "keys": list(c.keys)} for c in self.changes],
            "not_compared": [
                {"activity": activity, "top": band.top_m, "base": band.base_m, "only_in": side}
                for side, bands in (("before", self.bands_before), ("after", self.bands_after))
                for activity, band in bands
            ],
            "flips": self.flips.to_dict("records"),
        }


def rule_diff(
    explorer: Explorer,
    before: KnowledgeBase,
    after: KnowledgeBase,
    on: date | None = None,
    activities: Sequence[str] = (),
) -> RuleDiff:
    """Assess the whole country with two rule bases, and keep what differs.

    Parameters
    ----------
    explorer : Explorer
        Opened with both (``open_explorer(knowledge=before, also=[after])``), so that there is evidence for the
        distances of both.
    on : date, optional
        Peildatum; today when None.
    activities : sequence of str
        Ids; when empty all activities that both know.

    Raises
    ------
    InputError, NotInForceError
        If an activity is unknown to one of them, or a date lies before one of them begins.
    ValueError
        If the explorer has no evidence for a distance.
    """
    day = on or date.today()
    shared = list(activities) or [a for a in before.activities if a in after.activities]
    one = explorer.assess_country(day, shared, knowledge=before)
    other = explorer.assess_country(day, shared, knowledge=after)
    table = explorer.country().table
    old = {(item.activity.id, band.interval): item for band, item in zip(one.bands, one.outcomes, strict=True)}
    new = {(item.activity.id, band.interval): item for band, item in zip(other.bands, other.outcomes, strict=True)}
    frames = [flips_of(old[key], new[key], table.distinct, table.region, table.area_m2) for key in old if key in new]
    flips = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    if len(flips):
        flips["code"] = np.array(one.codes, object)[flips["region"]]
        flips["name"] = np.array(one.names, object)[flips["region"]]
    flips = flips.reindex(columns=list(COLUMNS))
    return RuleDiff(
        day,
        before.hash,
        after.hash,
        (*changed_entries(before, after),),
        _only(before.activities, after.activities),
        _only(after.activities, before.activities),
        flips.sort_values(["activity", "top_m", "area_m2"], ascending=[True, True, False], ignore_index=True),
    )


def flips_of(
    before: BandOutcomes,
    after: BandOutcomes,
    distinct: NDArray[np.intp],
    region: NDArray[np.intp],
    area_m2: NDArray[np.float64],
) -> pd.DataFrame:
    """Areas per region and pair of outcomes that differ, for one band."""
    old, new = before.distinct, after.distinct
    keys = [getattr(side, name) for side in (old, new) for name in _COMPARED]
    differs = np.zeros(len(old), np.bool_)
    for name in _COMPARED:
        differs |= getattr(old, name) != getattr(new, name)
    rows = np.flatnonzero(differs[distinct])
    if not len(rows):
        return pd.DataFrame()
    at = distinct[rows]
    frame = pd.DataFrame(
        {f"k{i}": key[at] for i, key in enumerate(keys)} | {"region": region[rows], "area_m2": area_m2[rows]}
    )
    by = ["region", *(f"k{i}" for i in range(len(keys)))]
    summed = frame.groupby(by, sort=True, as_index=False)["area_m2"].sum()
    summed = summed[summed["area_m2"] > 0].reset_index(drop=True)
    result = {
        "region": summed["region"].to_numpy(),
        "area_m2": summed["area_m2"].to_numpy(),
        "activity": before.activity.id,
        "activity_nl": before.activity.name_nl,
        "top_m": before.band.top_m,
        "base_m": before.band.base_m,
    }
    for side, start in (("before", 0), ("after", len(_COMPARED))):
        verdict, indication, conclusive, potential = (summed[f"k{start + i}"] for i in range(len(_COMPARED)))
        result[side] = [outcome_of(Verdict(v), bool(c)) for v, c in zip(verdict, conclusive, strict=True)]
        result[f"verdict_{side}"] = [Verdict(v).key for v in verdict]
        result[f"indication_{side}"] = [Verdict(v).key for v in indication]
        result[f"conclusive_{side}"] = conclusive.astype(bool)
        result[f"potential_{side}"] = [Potential(v).key for v in potential]
    return pd.DataFrame(result)


_COMPARED = ("verdict", "indication", "conclusive", "potential")


def _only(these: Mapping[str, Activity], others: Mapping[str, Activity]) -> tuple[tuple[str, Band], ...]:
    known = {(i, band.interval) for i, activity in others.items() for band in activity.bands}
    return tuple(
        (i, band) for i, activity in these.items() for band in activity.bands if (i, band.interval) not in known
    )


def changed_entries(before: KnowledgeBase, after: KnowledgeBase) -> list[Change]:
    """Rules, parameters and activities that were added, removed or changed."""
    found: list[Change] = []
    kinds: tuple[tuple[str, Mapping[str, Declared], Mapping[str, Declared]], ...] = (
        ("rule", _rules(before), _rules(after)),
        ("parameter", before.parameters, after.parameters),
        ("activity", before.activities, after.activities),
    )
    for kind, old, new in kinds:
        for entry_id in sorted(old.keys() | new.keys()):
            if entry_id not in new:
                found.append(Change(kind, entry_id, "removed"))
            elif entry_id not in old:
                found.append(Change(kind, entry_id, "added"))
            elif old[entry_id] != new[entry_id]:
                keys = type(old[entry_id]).model_fields
                differing = tuple(k for k in keys if getattr(old[entry_id], k) != getattr(new[entry_id], k))
                found.append(Change(kind, entry_id, "changed", differing))
    return found


def _rules(knowledge: KnowledgeBase) -> dict[str, Declared]:
    """Rules by id; versions of one rule with the day they begin."""
    ids = [rule.id for rule in knowledge.rules]
    return {rule.id if ids.count(rule.id) == 1 else f"{rule.id} ({rule.valid_from})": rule for rule in knowledge.rules}

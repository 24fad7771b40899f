"""Two versions of some layers: which verdicts differ, where, and how many square metres."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dgdo_geo.assess import BandOutcomes, CountryAssessor, PatternTable
from dgdo_geo.decide.rulediff import COLUMNS, flips_of
from dgdo_geo.model import EvidenceKey, Layer, LayerState, LayerStatus
from dgdo_geo.overlay import engine
from dgdo_geo.overlay.encode import encode
from dgdo_geo.overlay.table import JointAreas
from dgdo_geo.query import Explorer
from dgdo_geo.query.asked import Questions
from dgdo_geo.query.loaded import without_unfit
from dgdo_geo.query.regions import MUNICIPALITIES, PROVINCES, WATER_BOARDS

Version = tuple[LayerState, gpd.GeoDataFrame | None]
"""A layer as it was: its state, and its features when it was available."""
BOUNDARIES = (MUNICIPALITIES, PROVINCES, WATER_BOARDS)
PLACES = 3
"""Municipalities that a summary names."""
_BEFORE = "@before"  # no id of a layer holds this character


@dataclass(frozen=True, eq=False)
class LayerDiff:
    """What other versions of some layers do to the answers.

    Attributes
    ----------
    on : date
    layers : tuple of str
        Layers of which two versions were compared, all at once.
    left_out : tuple of str
        Boundaries: both sides are judged within the new ones.
    flips : DataFrame
        One row per municipality, activity, band and pair of outcomes that differ; columns as
        :data:`dgdo_geo.decide.rulediff.COLUMNS`.
    """

    on: date
    layers: tuple[str, ...]
    left_out: tuple[str, ...]
    flips: pd.DataFrame

    def summary(self) -> list[dict[str, Any]]:
        """Per activity and band the areas that went from one word to another, largest first.

        Returns
        -------
        list of dict
            ``kind`` is ``outcome`` (the word that is shown), ``potential``, or ``detail``: only a lower bound or an
            indication differs, and ``before`` and ``after`` are empty. An area with another outcome and another
            potential stands in two rows. ``places``: the municipalities with most of it.
        """
        flips = self.flips
        other_word = flips["before"] != flips["after"]
        other_potential = flips["potential_before"] != flips["potential_after"]
        chosen = [
            flips[other_word].assign(kind="outcome"),
            flips[other_potential].assign(
                kind="potential", before=flips["potential_before"], after=flips["potential_after"]
            ),
            flips[~other_word & ~other_potential].assign(kind="detail", before="", after=""),
        ]
        by = ["kind", "activity", "activity_nl", "top_m", "base_m", "before", "after"]
        rows: list[dict[str, Any]] = []
        for key, group in pd.concat([item for item in chosen if len(item)] or chosen[:1]).groupby(by):
            places = group.groupby(["code", "name"])["area_m2"].sum().reset_index()
            places = places.sort_values(["area_m2", "code"], ascending=[False, True])
            rows.append(
                dict(zip(by, key, strict=True))
                | {
                    "area_m2": float(places["area_m2"].sum()),
                    "municipalities": len(places),
                    "places": places.head(PLACES).to_dict("records"),
                }
            )
        return sorted(rows, key=lambda row: (-row["area_m2"], *(str(row[name]) for name in by)))


def layer_diff(
    explorer: Explorer,
    before: Mapping[str, Version],
    on: date | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> LayerDiff:
    """Assess the whole country with two versions of some layers, and keep what differs.

    Old and new versions are overlaid together, once; every combination is then judged twice. So an area counts only
    where the answer itself differs: it is no difference of two sums.

    Parameters
    ----------
    explorer : Explorer
        Opened with the new versions.
    before : mapping of layer id to Version
        The old versions of the layers that changed.
    on : date, optional
        Peildatum; today when None.
    on_progress : callable, optional
        Called with (municipalities done, municipalities to do).

    Raises
    ------
    NotInForceError
        If the date lies before the rule base begins.
    """
    day = on or date.today()
    changed = {i: version for i, version in before.items() if i not in BOUNDARIES}
    left_out = tuple(i for i in before if i in BOUNDARIES)
    if not changed:
        return LayerDiff(day, (), left_out, pd.DataFrame(columns=list(COLUMNS)))
    states = without_unfit(
        {**explorer.states, **{i: state for i, (state, _) in changed.items()}}, explorer.knowledge.rules
    )
    old: list[tuple[Layer, gpd.GeoDataFrame]] = []
    for layer_id, (_, frame) in changed.items():
        state = states[layer_id]
        if state.status is LayerStatus.AVAILABLE and frame is not None:
            old.append((state.layer.model_copy(update={"id": layer_id + _BEFORE}), frame))
    joint, keys = _together(explorer, old, on_progress)
    sides = [
        _assessed(explorer, joint, *_seen(keys, changed, is_old), states if is_old else explorer.states, day)
        for is_old in (True, False)
    ]
    table = sides[0][0]
    frames = [
        flips_of(one, other, table.distinct, table.region, table.area_m2)
        for one, other in zip(sides[0][1], sides[1][1], strict=True)
    ]
    flips = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    if len(flips):
        municipalities = explorer.regions.municipalities
        flips["code"] = np.array(municipalities.index, object)[flips["region"]]
        flips["name"] = np.array(municipalities["name"], object)[flips["region"]]
    flips = flips.reindex(columns=list(COLUMNS))
    order = ["activity", "top_m", "area_m2"]
    flips = flips.sort_values(order, ascending=[True, True, False], ignore_index=True)
    return LayerDiff(day, tuple(sorted(changed)), left_out, flips)


def _together(
    explorer: Explorer,
    old: list[tuple[Layer, gpd.GeoDataFrame]],
    on_progress: Callable[[int, int], None] | None,
) -> tuple[JointAreas, tuple[EvidenceKey, ...]]:
    """Every layer as it is now, and the old versions under names of their own, laid over each other."""
    now = [
        (state.layer, explorer.layer(layer_id).to_gdf())
        for layer_id, state in explorer.states.items()
        if state.status is LayerStatus.AVAILABLE and layer_id not in BOUNDARIES
    ]
    distances = explorer.knowledge.distances()
    named = {layer.id: distances.get(layer.id.removesuffix(_BEFORE), ()) for layer, _ in [*now, *old]}
    encoding = encode([*now, *old], named)
    places = list(explorer.regions.municipalities.geometry)
    report = None if on_progress is None else lambda done: on_progress(done, len(places))
    return engine.joint_areas(places, encoding, on_progress=report), encoding.keys


def _seen(
    keys: tuple[EvidenceKey, ...], changed: Mapping[str, Version], is_old: bool
) -> tuple[tuple[EvidenceKey, ...], NDArray[np.intp]]:
    """Keys that one side sees, under the id of their layer, and their columns."""
    columns = [
        i for i, key in enumerate(keys) if (key.layer.endswith(_BEFORE) if is_old else key.layer in changed)
        or (key.layer not in changed and not key.layer.endswith(_BEFORE))
    ]  # fmt: skip
    seen = tuple(replace(keys[i], layer=keys[i].layer.removesuffix(_BEFORE)) for i in columns)
    return seen, np.array(columns, np.intp)


def _assessed(
    explorer: Explorer,
    joint: JointAreas,
    keys: tuple[EvidenceKey, ...],
    columns: NDArray[np.intp],
    states: Mapping[str, LayerState],
    on: date,
) -> tuple[PatternTable, tuple[BandOutcomes, ...]]:
    """Every combination as one side sees it. Combinations keep their numbers, so both sides have the same rows."""
    provinces = [str(code) for code in explorer.regions.municipalities["province"]]
    presence = np.ascontiguousarray(joint.presence[:, columns])
    table = PatternTable(keys, presence, joint.combination, joint.region, joint.area_m2, provinces)
    asked = Questions(explorer.knowledge, states, keys).ask(on)
    return table, CountryAssessor(table).assess(asked.question)

"""Where layers lie on top of each other: overlap of layers and of families, and how many claims there are at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dgdo_geo.model import Family, Layer, LayerState, Potential, Presence
from dgdo_geo.model.evidence import NO_DATA, OUTSIDE_COVERAGE
from dgdo_geo.query.combined import Combined
from dgdo_geo.report.document import Amount, Claim, Overlap, Stacked, Whole


def claims_of(combined: Combined, states: Mapping[str, LayerState]) -> tuple[tuple[Claim, ...], NDArray[np.bool_]]:
    """Layers with something in the area, and where: shape (rows, claims).

    A polygon counts as drawn, at whatever depth; lines and points count up to the smallest distance at which a rule
    looks at them. Of a potential layer only ground with potential counts.
    """
    evidence, whole = combined.evidence, float(combined.area_m2.sum())
    columns: dict[str, dict[float, list[int]]] = {}
    for i, key in enumerate(evidence.keys):
        state = states.get(key.layer)
        if state is not None and _is_claim(state.layer, key.class_id):
            columns.setdefault(key.layer, {}).setdefault(key.within_m, []).append(i)
    claims, where = [], []
    order = list(Family)
    for layer_id in sorted(columns, key=lambda one: (order.index(states[one].layer.family), one)):
        within_m = min(columns[layer_id])
        present = (evidence.presence[:, columns[layer_id][within_m]] >= Presence.RIM).any(axis=1)
        if present.any():
            covers = Amount(float(combined.area_m2[present].sum()), whole)
            claims.append(Claim(states[layer_id].layer, within_m, covers))
            where.append(present)
    return tuple(claims), np.array(where, np.bool_).reshape(len(claims), len(evidence)).T


def _is_claim(layer: Layer, class_id: str) -> bool:
    if class_id in (NO_DATA, OUTSIDE_COVERAGE) or layer.family is Family.BOUNDARIES:
        return False
    if layer.family is not Family.POTENTIAL:
        return True
    said = next((c.as_potential for c in layer.classes if c.id == class_id), None)
    return said is not None and said >= Potential.POSSIBLE


def families_of(claims: Sequence[Claim], where: NDArray[np.bool_]) -> tuple[tuple[Family, ...], NDArray[np.bool_]]:
    """Families of the claims, and where any of their layers lies."""
    families = tuple(f for f in Family if any(c.layer.family is f for c in claims))
    of = [where[:, [c.layer.family is f for c in claims]].any(axis=1) for f in families]
    return families, np.array(of, np.bool_).reshape(len(families), len(where)).T


def overlaps(names: Sequence[str], where: NDArray[np.bool_], area_m2: NDArray[np.float64]) -> tuple[Overlap, ...]:
    """Every ordered pair, row by row."""
    whole = float(area_m2.sum())
    joint = [[float(area_m2[where[:, i] & where[:, j]].sum()) for j in range(len(names))] for i in range(len(names))]
    return tuple(
        Overlap(row, column, Amount(joint[i][j], whole), Amount(joint[i][j], joint[i][i], Whole.ROW))
        for i, row in enumerate(names)
        for j, column in enumerate(names)
    )


def stacked(claims: Sequence[Claim], where: NDArray[np.bool_], area_m2: NDArray[np.float64]) -> tuple[Stacked, ...]:
    """Ground by the number of claims on it; what geology offers is no claim."""
    counted = np.array([c.layer.family is not Family.POTENTIAL for c in claims], np.bool_)
    count = where[:, counted].sum(axis=1)
    whole = float(area_m2.sum())
    return tuple(Stacked(n, Amount(float(area_m2[count == n].sum()), whole)) for n in sorted(set(count.tolist())))

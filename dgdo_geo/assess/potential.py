"""Potential: what geology offers, from the potential layers of an activity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dgdo_geo.assess.conditions import STATUS_CAUSE
from dgdo_geo.model import (
    Cause,
    DepthInterval,
    EvidenceKey,
    EvidenceTable,
    LayerState,
    LayerStatus,
    Overlap,
    Potential,
    Presence,
)

# Looking up a member of an enumeration takes longer than a comparison of a short array.
_NEAR, _RIM, _INSIDE = int(Presence.NEAR_OUTSIDE), int(Presence.RIM), int(Presence.INSIDE)


@dataclass(frozen=True, slots=True, eq=False)
class LayerPotential:
    """One potential layer over all rows.

    Attributes
    ----------
    value : numpy.ndarray of int8, shape (n,)
        :class:`~dgdo_geo.model.Potential`, -1 where the layer makes no statement.
    is_certain : numpy.ndarray of bool, shape (n,)
        False in the rim of a class, and where its depth may miss the band.
    nearby : numpy.ndarray of int8, shape (n,)
        The best class whose edge is closer than its accuracy, -1 where there is none.
    """

    layer: str
    value: NDArray[np.int8]
    is_certain: NDArray[np.bool_]
    nearby: NDArray[np.int8]
    cause: Cause | None


@dataclass(frozen=True, slots=True)
class Offer:
    """What a potential layer may say in one depth band, with everything filled in.

    Attributes
    ----------
    cause : Cause or None
        Why the layer could not be consulted at all.
    keys : tuple of (int, Potential, bool)
        Position of every evidence key that counts, what it says, and whether its depth surely meets the band.
    """

    layer: str
    cause: Cause | None
    keys: tuple[tuple[int, Potential, bool], ...] = ()


def offer_of(
    layer_id: str, band: DepthInterval, keys: Sequence[EvidenceKey], layers: Mapping[str, LayerState]
) -> Offer:
    """Fill in the depths and the state of a potential layer for a depth band."""
    state = layers.get(layer_id)
    status = LayerStatus.NOT_LOADED if state is None else state.status
    if state is None or status is not LayerStatus.AVAILABLE:
        return Offer(layer_id, STATUS_CAUSE[status])
    classes = {c.id: c.as_potential for c in state.layer.classes}
    found = []
    for i, key in enumerate(keys):
        potential = classes.get(key.class_id) if key.layer == layer_id else None
        if potential is None or key.within_m != 0:
            continue
        # "None" holds at every depth: its depths tell where the unit lies, not where the statement holds.
        overlap = Overlap.YES if potential is Potential.NONE else key.depth.overlap(band)
        if overlap is not Overlap.NO:
            found.append((i, potential, overlap is Overlap.YES))
    return Offer(layer_id, None, tuple(found))


def layer_potential(
    layer_id: str, band: DepthInterval, evidence: EvidenceTable, layers: Mapping[str, LayerState]
) -> LayerPotential:
    """Read one potential layer for a depth band; -1 where it makes no statement."""
    return read_offer(offer_of(layer_id, band, evidence.keys, layers), evidence)


def read_offer(offer: Offer, evidence: EvidenceTable) -> LayerPotential:
    """What a potential layer says in every row of the evidence."""
    n = len(evidence)
    value, nearby = np.full(n, -1, np.int8), np.full(n, -1, np.int8)
    certain = np.zeros(n, np.bool_)
    for i, potential, is_depth_sure in offer.keys:
        presence = evidence.presence[:, i]
        if not presence.any():
            continue
        is_sure = (presence == _INSIDE) & is_depth_sure
        better = (presence >= _RIM) & (potential >= value)
        certain[better] = ((value[better] == potential) & certain[better]) | is_sure[better]
        value[better] = potential
        nearby[(presence == _NEAR) & (potential > nearby)] = potential
    return LayerPotential(offer.layer, value, certain, nearby, offer.cause)


def combine_potential(found: Sequence[LayerPotential], n: int) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """The best class over the layers of an activity, and whether it is certain.

    Not certain in the rim of the class, and where a better class lies closer
    than the accuracy of its edge.

    "None" needs every layer to be there: a layer that could not be read turns
    a "none" into "unknown".
    """
    best = np.full(n, -1, np.int8)
    certain = np.zeros(n, np.bool_)
    for item in found:
        certain = np.where(item.value > best, item.is_certain, certain | ((item.value == best) & item.is_certain))
        best = np.maximum(best, item.value)
    is_incomplete = not found or any(item.cause is not None for item in found)
    if is_incomplete:
        certain &= best == Potential.PROMISING
        best = np.where(best == Potential.NONE, Potential.UNKNOWN, best)
    for item in found:
        certain &= item.nearby <= best
        # A layer that makes no statement here may still hold something: a "none" without it is not certain.
        certain &= (item.value >= 0) | (best != Potential.NONE)
    silent = best < 0
    best = np.where(silent, Potential.UNKNOWN, best).astype(np.int8)
    return best, certain & ~silent & (best != Potential.UNKNOWN)

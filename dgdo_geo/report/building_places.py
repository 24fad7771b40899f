"""The same figures per municipality, and the neighbours across the border."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import shapely

from dgdo_geo.model import AreaAssessment, Family, Layer, Potential, Verdict, outcome_of
from dgdo_geo.query import Explorer
from dgdo_geo.query.combined import Combined
from dgdo_geo.report.document import Amount, InMunicipality, Neighbour, Whole

SHORTEST_M = 1.0
"""A shorter shared border is a point where municipalities meet."""


def per_municipality(explorer: Explorer, answer: AreaAssessment, combined: Combined) -> tuple[InMunicipality, ...]:
    """Area per municipality, activity, band, potential and outcome."""
    codes, place = np.unique(combined.municipality.astype(str), return_inverse=True)
    total = np.bincount(place, combined.area_m2, len(codes))
    result = []
    words = np.array([[outcome_of(v, bool(c)) for c in (0, 1)] for v in Verdict], object)
    keys = sorted({str(word) for word in words.flat})
    number = np.array([[keys.index(word) for word in row] for row in words])
    for item, found in zip(answer.answers, combined.bands, strict=True):
        word = number[found.verdict, found.conclusive.astype(np.intp)]
        bins = (place * len(Potential) + found.potential) * len(keys) + word
        area = np.bincount(bins, combined.area_m2, len(codes) * len(Potential) * len(keys))
        for at in np.flatnonzero(area):
            rest, w = divmod(int(at), len(keys))
            where, potential = divmod(rest, len(Potential))
            name, province = explorer.regions.facts[codes[where]]
            amount = Amount(float(area[at]), float(total[where]), Whole.MUNICIPALITY)
            result.append(
                InMunicipality(str(codes[where]), name, province, item, Potential(potential), keys[w], amount)
            )
    return tuple(sorted(result, key=lambda one: one.code))


def neighbours(explorer: Explorer, answer: AreaAssessment, shape: shapely.Geometry) -> tuple[Neighbour, ...]:
    """Municipalities that share a border with the region, the longest border first."""
    frame = explorer.regions.municipalities
    inside = set(answer.region.municipalities)
    hits = frame.iloc[np.sort(frame.sindex.query(shape, predicate="intersects"))]
    edge = shapely.boundary(shape)
    found = []
    for code, place in zip(hits.index, hits.geometry, strict=True):
        if str(code) in inside:
            continue
        shared = shapely.intersection(edge, shapely.boundary(place))
        if (length := float(shared.length)) < SHORTEST_M:
            continue
        name, province = explorer.regions.facts[str(code)]
        is_other = province not in answer.region.provinces
        crossing = tuple(_crossing(explorer, shared))
        found.append(Neighbour(str(code), name, province, length, is_other, crossing))
    return tuple(sorted(found, key=lambda one: (-one.border_m, one.code)))


def _crossing(explorer: Explorer, shared: shapely.Geometry) -> Iterator[Layer]:
    """Layers with a feature on a border."""
    for layer_id, state in sorted(explorer.states.items()):
        if state.layer.family is not Family.BOUNDARIES and explorer.layer(layer_id).is_at(shared):
            yield state.layer

"""The condition of a rule with everything filled in: numbers, depths and what could be consulted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from dgdo_geo.model import (
    NO_DATA,
    OUTSIDE_COVERAGE,
    Cause,
    DepthInterval,
    EvidenceKey,
    Extent,
    LayerState,
    LayerStatus,
    Overlap,
    Rule,
    When,
)

STATUS_CAUSE = {
    LayerStatus.NOT_LOADED: Cause.NOT_LOADED,
    LayerStatus.UNREADABLE: Cause.UNREADABLE,
}
"""Why a layer with this status answers nothing."""
SILENT = {NO_DATA: Cause.NO_DATA, OUTSIDE_COVERAGE: Cause.OUTSIDE_COVERAGE}
"""Classes that say that a layer knows nothing of a place. Depth plays no part: what is not known has none."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a rule asks of a place, for one depth band on one date.

    A function of nothing but the evidence is left: rules, bands, dates and
    rule bases with equal conditions have equal outcomes everywhere.

    Attributes
    ----------
    when : When
    regions : tuple of str
        Province codes where the rule holds; empty for the whole country.
    cause : Cause or None
        Why the layer could not be consulted at all.
    covered : tuple of str, or None
        Provinces in which an absence is conclusive; empty for the whole country, None for nowhere.
    keys : tuple of (int, Overlap)
        Position of every evidence key that counts, and whether its depth meets the rule's.
    silent : tuple of (int, Cause)
        Keys that say that the layer knows nothing of a place, and how that is called.
    """

    when: When
    regions: tuple[str, ...] = ()
    cause: Cause | None = None
    covered: tuple[str, ...] | None = None
    keys: tuple[tuple[int, Overlap], ...] = ()
    silent: tuple[tuple[int, Cause], ...] = ()


def condition_of(
    rule: Rule,
    band: DepthInterval,
    keys: Sequence[EvidenceKey],
    layers: Mapping[str, LayerState],
    value: Callable[[str, date], float],
    on: date,
) -> Condition | None:
    """Fill in the numbers, depths and layer states of a rule; None where it does not apply in the band.

    Parameters
    ----------
    rule : Rule
    band : DepthInterval
        The target, in metres below ground level.
    keys : sequence of EvidenceKey
        Keys of the evidence that the condition will be put to.
    layers : mapping of layer id to LayerState
        What could be consulted. A layer that is not in it counts as not loaded.
    value : callable
        ``value(parameter_id, on)`` gives the number of a parameter.
    on : date
        The peildatum.
    """
    if not _band_applies(rule, band, value, on):
        return None
    if rule.layer is None:
        return Condition(rule.when, rule.regions)
    state = layers.get(rule.layer)
    status = LayerStatus.NOT_LOADED if state is None else state.status
    if state is None or status is not LayerStatus.AVAILABLE:
        return Condition(rule.when, rule.regions, STATUS_CAUSE[status])
    covered = state.layer.coverage if state.layer.is_complete_for(rule.classes) else None
    overlaps = [
        (i, key_overlap(keys[i], rule.extent, band)) for i in matching_keys(rule, keys, rule_distance(rule, value, on))
    ]
    meeting = tuple((i, overlap) for i, overlap in overlaps if overlap is not Overlap.NO)
    silent = tuple(
        (i, SILENT[key.class_id])
        for i, key in enumerate(keys)
        if key.layer == rule.layer and key.class_id in SILENT and key.within_m == 0
    )
    return Condition(rule.when, rule.regions, None, covered, meeting, silent)


def _band_applies(rule: Rule, band: DepthInterval, value: Callable[[str, date], float], on: date) -> bool:
    """False when no part of the band lies in the depths the rule speaks of."""
    if rule.deeper_than is not None and band.base_m <= value(rule.deeper_than, on):
        return False
    return not (rule.shallower_than is not None and band.top_m >= value(rule.shallower_than, on))


def extent_interval(extent: Extent, band: DepthInterval) -> DepthInterval | None:
    """Depths that a rule looks at, or None when depth does not matter.

    A borehole passes everything above its target, so ``path`` starts at
    ground level.

    >>> extent_interval(Extent.PATH, DepthInterval(1250, 4000))
    DepthInterval(top_m=0.0, base_m=4000)
    >>> extent_interval(Extent.SURFACE, DepthInterval(1250, 4000)) is None
    True
    """
    if extent is Extent.PATH:
        return DepthInterval(0.0, band.base_m)
    return band if extent is Extent.TARGET else None


def key_overlap(key: EvidenceKey, extent: Extent, band: DepthInterval) -> Overlap:
    """Whether a layer class meets the depths that a rule looks at."""
    interval = extent_interval(extent, band)
    return Overlap.YES if interval is None else key.depth.overlap(interval)


def matching_keys(rule: Rule, keys: Sequence[EvidenceKey], within_m: float) -> list[int]:
    """Positions of the evidence keys that a rule speaks of."""
    return [
        i
        for i, key in enumerate(keys)
        if key.layer == rule.layer
        and key.within_m == within_m
        and (key.class_id in rule.classes if rule.classes else key.class_id not in SILENT)
    ]


def rule_distance(rule: Rule, value: Callable[[str, date], float], on: date) -> float:
    """The distance in metres at which a rule looks, 0 for the feature itself."""
    return 0.0 if rule.within is None else value(rule.within, on)

"""The answer as plain data, with the keys of the published JSON schema.

Areas in m2, depths in m below ground level. A number that is not known is
null, so that no reader takes it for zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from dgdo_geo.model.answer import (
    Answer,
    AreaShare,
    Assessment,
    Constraint,
    FeatureRef,
    LevelDifference,
    PotentialFinding,
    Region,
    Unanswered,
)
from dgdo_geo.model.around_dict import (
    concern_dict,
    first_concerns,
    procedures_list,
    receipt_dict,
    source_dict,
    term_dict,
)
from dgdo_geo.model.depth import DepthRange
from dgdo_geo.model.evidence import LayerState

ASK_SCHEMA = "dgdo-geo/ask/1"


def assessment_dict(item: Assessment) -> dict[str, object]:
    """The whole answer."""
    return {
        "schema": ASK_SCHEMA,
        "region": _region(item.region),
        "peildatum": item.on.isoformat(),
        "quality": item.quality.value,
        "is_schematic": item.quality.is_mark_needed,
        "notes_nl": list(item.notes_nl),
        "answers": [_answer(answer) for answer in item.answers],
        "procedure": procedures_list(item.answers),
        "concerns": [concern_dict(concern) for concern in item.concerns],
        "concerns_first": first_concerns(item),
        "terms": [term_dict(term) for term in item.terms],
        "receipt": receipt_dict(item.receipt),
    }


def layer_dict(state: LayerState, fetched: Mapping[str, object] | None = None) -> dict[str, object]:
    """One layer, as in ``layers --json``; with what is known of its last fetch, if there was one."""
    layer = state.layer
    return {
        "id": layer.id,
        "title": layer.title_nl,
        "family": layer.family.value,
        "quality": layer.quality.value,
        "status": state.status.value,
        "detail_nl": state.detail_nl,
        "features": state.features,
        "source": layer.source,
        "licence": layer.licence,
        "attribution": layer.attribution,
        "date": layer.reference_date.isoformat(),
        "scale": layer.scale_nl,
        "accuracy_m": layer.accuracy_m,
        "how_to_get_nl": layer.how_to_get_nl,
        "hash": state.hash,
        "fetched": fetched,
    }


def _region(region: Region) -> dict[str, object]:
    return {
        "kind": region.kind.value,
        "code": region.code,
        "name": region.name,
        "area_m2": region.area_m2,
        "provinces": list(region.provinces),
        "dgdo_regions": list(region.dgdo_regions),
    }


def _answer(answer: Answer) -> dict[str, object]:
    result: dict[str, object] = {
        "activity": answer.activity.id,
        "activity_nl": answer.activity.name_nl,
        "depth": {"top": answer.band.top_m, "base": answer.band.base_m, "label_nl": answer.band.label_nl},
        "potential": answer.potential.key,
        "potential_certain": answer.potential_certain,
        "verdict": answer.verdict.key,
        "indication": answer.indication.key,
        "conclusive": answer.conclusive,
        "outcome": answer.outcome,
        "quality": answer.quality.value,
    }
    if answer.areas:
        result["areas"] = [_area(part) for part in answer.areas]
    result["constraints"] = [_constraint(item) for item in answer.constraints]
    result["alternatives"] = [_constraint(item) for item in answer.alternatives]
    result["slanted"] = None if answer.slanted is None else answer.slanted.key
    result["levels"] = [_levels(item) for item in answer.level_differences]
    result["clear"] = [rule.id for rule in answer.clear]
    result["unanswered"] = [_unanswered(item) for item in answer.unanswered]
    result["potential_layers"] = [_potential(item) for item in answer.potentials]
    return result


def _area(part: AreaShare) -> dict[str, object]:
    return {
        "potential": part.potential.key,
        "potential_certain": part.potential_certain,
        "verdict": part.verdict.key,
        "indication": part.indication.key,
        "conclusive": part.conclusive,
        "outcome": part.outcome,
        "area_m2": part.area_m2,
        "share": part.share,
    }


def _with_area(result: dict[str, object], area_m2: float | None, share: float | None) -> dict[str, object]:
    if area_m2 is not None:
        result["area_m2"] = area_m2
        result["share"] = share
    return result


def _constraint(item: Constraint) -> dict[str, object]:
    rule, layer = item.rule, item.layer
    result: dict[str, object] = {
        "rule": rule.id,
        "title_nl": rule.title_nl,
        "explanation_nl": rule.explanation_nl,
        "condition_nl": rule.condition_nl,
        "verdict": rule.verdict.key,
        "certain": item.is_certain,
        "level": rule.level.value,
        "act": rule.act.value,
        "deviation_nl": rule.deviation_nl,
        "layer": None if layer is None else layer.id,
        "layer_nl": None if layer is None else layer.title_nl,
        "quality": None if layer is None else layer.quality.value,
        "layer_date": None if layer is None else layer.reference_date.isoformat(),
        "features": [_feature(feature) for feature in item.features],
        "article": rule.source.article,
        "source": source_dict(rule.source),
        "also": [source_dict(source) for source in rule.also],
        "valid_from": rule.valid_from.isoformat(),
        "checked_on": rule.checked_on.isoformat(),
        "confidence": rule.confidence.value,
        "doubt": [doubt.value for doubt in rule.doubt],
        "not_modelled": list(rule.not_modelled),
    }
    if item.certain_area_m2 is not None:
        result["certain_area_m2"] = item.certain_area_m2
    return _with_area(result, item.area_m2, item.share)


def _levels(item: LevelDifference) -> dict[str, object]:
    return {
        "layer": item.layer.id,
        "layer_nl": item.layer.title_nl,
        "decides": item.decides.value,
        "verdicts": [{"level": level.value, "verdict": verdict.key} for level, verdict in item.verdicts],
    }


def _unanswered(item: Unanswered) -> dict[str, object]:
    result: dict[str, object] = {
        "rule": item.rule.id,
        "title_nl": item.rule.title_nl,
        "could_be": item.rule.verdict.key,
        "layer": None if item.layer is None else item.layer.id,
        "layer_nl": None if item.layer is None else item.layer.title_nl,
        "cause": item.cause.value,
        "features": [_feature(feature) for feature in item.features],
        "how_to_get_nl": "" if item.layer is None else item.layer.how_to_get_nl,
    }
    return _with_area(result, item.area_m2, item.share)


def _potential(item: PotentialFinding) -> dict[str, object]:
    result: dict[str, object] = {
        "layer": item.layer.id,
        "layer_nl": item.layer.title_nl,
        "quality": item.layer.quality.value,
        "potential": item.potential.key,
        "certain": item.is_certain,
        "cause": None if item.cause is None else item.cause.value,
        "features": [_feature(feature) for feature in item.features],
    }
    return _with_area(result, item.area_m2, item.share)


def _feature(item: FeatureRef) -> dict[str, object]:
    result: dict[str, object] = {
        "id": item.id,
        "name": item.name,
        "class": item.class_id,
        "class_nl": item.label_nl,
        "depth": _depth(item.depth),
        "accuracy_m": item.accuracy_m,
        "note_nl": item.note,
        "source": item.source,
    }
    if item.area_m2 is not None:
        result["area_m2"] = item.area_m2
    return result


def _depth(depth: DepthRange) -> dict[str, object]:
    def known(value: float) -> float | None:
        return None if math.isinf(value) else value

    return {
        "top_min": depth.top_min_m,
        "top_max": known(depth.top_max_m),
        "base_min": known(depth.base_min_m),
        "base_max": known(depth.base_max_m),
        "base_is_open": math.isinf(depth.base_min_m),
    }

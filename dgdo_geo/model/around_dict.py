"""What stands around the answers as plain data: sources, concerns, procedures, words and the receipt."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from dgdo_geo.model.cited import Source
from dgdo_geo.model.fitting import FittingConcern
from dgdo_geo.model.guidance import Procedure, ProcedureStep, Reader, Term

if TYPE_CHECKING:
    from dgdo_geo.model.answer import Answer, Assessment, Receipt

STEP_TEXTS = (
    "decides_nl",
    "advises_nl",
    "municipality_nl",
    "province_nl",
    "water_board_nl",
    "participation_nl",
    "appeal_nl",
)
"""Texts of a step; an empty one was not looked up."""


def source_dict(source: Source) -> dict[str, object]:
    """One citation."""
    return {
        "id": source.id,
        "title": source.title,
        "article": source.article,
        "url": source.url,
        "date": iso(source.published),
        "read_as_nl": source.read_as_nl,
        "quote_nl": source.quote_nl,
    }


def iso(day: date | str | None) -> str | None:
    """A day, month or year in ISO 8601."""
    return day.isoformat() if isinstance(day, date) else day


def procedures_list(answers: tuple[Answer, ...]) -> list[dict[str, object]]:
    """The procedures of every answer; an answer without one says so with ``id`` null."""
    rows: list[dict[str, object]] = []
    for answer in answers:
        about = {"activity": answer.activity.id, "depth": {"top": answer.band.top_m, "base": answer.band.base_m}}
        rows += [{**about, **_procedure(item)} for item in answer.procedures]
        if not answer.procedures:
            rows.append({**about, "id": None, "steps": []})
    return rows


def _procedure(item: Procedure) -> dict[str, object]:
    return {
        "id": item.id,
        "act": item.act,
        "summary_nl": item.summary_nl,
        "gaps_nl": list(item.gaps_nl),
        "checked_on": item.checked_on.isoformat(),
        "source": source_dict(item.source),
        "steps": [_step(step) for step in item.steps],
    }


def _step(step: ProcedureStep) -> dict[str, object]:
    return {
        "phase": step.phase.value,
        "step_nl": step.step_nl,
        **{name: getattr(step, name) or None for name in STEP_TEXTS},
        "confidence": step.confidence.value,
        "doubt": [doubt.value for doubt in step.doubt],
        "source": source_dict(step.source),
        "also": [source_dict(source) for source in step.also],
    }


def concern_dict(item: FittingConcern) -> dict[str, object]:
    """One concern, and why it fits."""
    concern = item.concern
    return {
        "id": concern.id,
        "title_nl": concern.title_nl,
        "text_nl": concern.text_nl,
        "section": concern.section,
        "regions": list(concern.regions),
        "places": list(concern.places),
        "raised_by": concern.raised_by.value,
        "author": concern.author,
        "theme": concern.theme,
        "kind": concern.kind,
        "subject": concern.subject,
        "activities": list(concern.activities),
        "raised_on": concern.raised_on.isoformat(),
        "fits": [fit.value for fit in item.fits],
        "source": source_dict(concern.source),
    }


def first_concerns(assessment: Assessment) -> dict[str, list[str]]:
    """Per reader the ids of the concerns to show first, in that order."""
    return {reader.value: [item.concern.id for item in assessment.concerns_for(reader)[0]] for reader in Reader}


def term_dict(term: Term) -> dict[str, object]:
    """One word of the glossary."""
    return {"id": term.id, "term_nl": term.term_nl, "meaning_nl": term.meaning_nl}


def receipt_dict(item: Receipt) -> dict[str, object]:
    """How the answer came about."""
    return {
        "code": item.code,
        "engine": item.engine,
        "rules": item.rules_hash,
        "rules_version": item.rules_version,
        "crs": item.crs,
        "input": item.input,
        "layers": [
            {
                "id": state.layer.id,
                "title_nl": state.layer.title_nl,
                "hash": state.hash,
                "date": state.layer.reference_date.isoformat(),
                "quality": state.layer.quality.value,
                "status": state.status.value,
                "source": state.layer.source,
                "licence": state.layer.licence,
                "attribution": state.layer.attribution,
            }
            for state in item.layers
        ],
    }

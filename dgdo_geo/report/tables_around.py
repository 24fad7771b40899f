"""Rows of the tables around the figures: concerns, procedures, gaps, layers, rules and the receipt."""

from __future__ import annotations

from collections.abc import Iterator

from dgdo_geo.report.card import source_nl
from dgdo_geo.report.document import Report
from dgdo_geo.report.written import web_address
from dgdo_geo.texts import text

Row = tuple[str | float | int | None, ...]


def concerns(report: Report) -> Iterator[Row]:
    """All that regions and levels of government raised and that fits, the most relevant first."""
    first, rest = report.answer.concerns_for()
    for item in (*first, *rest):
        one = item.concern
        who = one.author or one.raised_by.value
        yield (one.title_nl, one.text_nl, who, source_nl(one.source), one.section, web_address(one.source.url))


def procedures(report: Report) -> Iterator[Row]:
    """Every step of every procedure, once."""
    for procedure in report.procedures:
        for step in procedure.steps:
            yield (
                procedure.id,
                procedure.summary_nl,
                procedure.act,
                step.phase.value,
                step.step_nl,
                step.decides_nl,
                step.advises_nl,
                step.municipality_nl,
                step.province_nl,
                step.water_board_nl,
                source_nl(step.source),
            )


def gaps(report: Report) -> Iterator[Row]:
    """What is not known, and what cannot be said because of it."""
    for item in report.gaps:
        yield (
            item.layer.id if item.layer is not None else "",
            item.layer.title_nl if item.layer is not None else "",
            text("cause", item.cause.value),
            item.rules,
            "; ".join(item.activities),
            text("verdict", item.worst.key),
            item.area_m2 / 1e6,
            item.share,
            item.how_nl,
        )


def layers(report: Report) -> Iterator[Row]:
    """Every layer that is declared, with its quality, date, scale, coverage and makers."""
    for state in report.answer.receipt.layers:
        layer = state.layer
        yield (
            layer.id,
            layer.title_nl,
            text("family", layer.family.value),
            text("status", state.status.value),
            text("quality", layer.quality.value),
            layer.reference_date.isoformat(),
            layer.scale_nl,
            layer.accuracy_m,
            ", ".join(layer.coverage) or text("report_words", "everywhere"),
            layer.owner,
            layer.source,
            web_address(layer.source_url),
            layer.licence,
            layer.attribution,
            state.features,
            state.hash,
        )


def rules(report: Report) -> Iterator[Row]:
    """Every rule that was looked at."""
    for rule in report.rules:
        yield (
            rule.id,
            rule.title_nl,
            text("verdict", rule.verdict.key),
            text("level", rule.level.value),
            rule.layer or "",
            rule.explanation_nl,
            rule.condition_nl,
            rule.valid_from.isoformat(),
            rule.checked_on.isoformat(),
            text("confidence", rule.confidence.value),
            source_nl(rule.source),
            web_address(rule.source.url),
        )


def receipt(report: Report) -> Iterator[Row]:
    """How the report came about, and how it may be used."""
    made, region = report.answer.receipt, report.answer.region
    facts = {
        "snapshot": report.snapshot,
        "region": text(
            "card", "title", kind=text("region_kind", region.kind.value), name=region.name, code=region.code
        ),
        "area": f"{report.area_m2 / 1e6!r}",
        "day": report.answer.on.isoformat(),
        "input": made.input,
        "code": made.code,
        "engine": made.engine,
        "rules": f"{made.rules_version} ({made.rules_hash})",
        "crs": made.crs,
    }
    for key, value in facts.items():
        yield (text("report_facts", key), value)
    if report.is_schematic:
        yield (text("report_facts", "mark"), text("report", "mark_sentence"))
    for note in report.answer.notes_nl:
        yield (text("report_facts", "note"), note)
    yield (text("report_facts", "shares"), text("report_words", "shares"))
    yield (text("report_facts", "disclaimer"), text("report", "disclaimer"))

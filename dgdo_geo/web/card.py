"""The answer card: the answer object in words. It adds and rounds nothing that the object does not hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from dgdo_geo.model import (
    Answer,
    Assessment,
    Cause,
    FeatureRef,
    Layer,
    LayerStatus,
    Potential,
    Unanswered,
    Verdict,
    outcome_of,
)
from dgdo_geo.texts import section, text
from dgdo_geo.web import formats

OUTCOME_ORDER = (*(v.key for v in sorted(Verdict)), "unknown")
POTENTIAL_ORDER = tuple(p.key for p in (Potential.PROMISING, Potential.POSSIBLE, Potential.NONE, Potential.UNKNOWN))
MANY_FEATURES = 6
"""More features than this are folded away."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the area with one word: an outcome or a potential."""

    key: str
    word: str
    area_m2: float
    share: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table "wat kan hier"."""

    answer: Answer
    word: str
    potential_word: str
    outcomes: tuple[Part, ...]
    potentials: tuple[Part, ...]
    is_chosen: bool
    is_schematic: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """Rules that could not be answered for one cause, on one layer."""

    cause: Cause
    layer: Layer | None
    entries: tuple[Unanswered, ...]
    how_to_get_nl: str


def outcome_word(answer: Answer) -> str:
    """The word for an answer; a lower bound says "ten minste"."""
    outcome = answer.outcome
    parts = [p for p in answer.areas if p.outcome == outcome]
    conclusive = all(p.conclusive for p in parts) if parts else answer.conclusive
    return lower_bound_word(outcome, conclusive)


def lower_bound_word(outcome: str, conclusive: bool) -> str:
    """The Dutch word, with "ten minste" before a no that could still be stricter."""
    word = text("verdict", outcome)
    if outcome == Verdict.NO_UNLESS.key and not conclusive:
        return text("web", "at_least", word=word)
    return word


def outcome_parts(answer: Answer) -> tuple[Part, ...]:
    """The area per outcome, in the order of the legend."""
    grouped = {
        key: [p for p in answer.areas if outcome_of(p.verdict, p.conclusive) == key] for key in OUTCOME_ORDER
    }
    return tuple(
        Part(
            key,
            lower_bound_word(key, all(p.conclusive for p in parts)),
            sum(p.area_m2 for p in parts),
            sum(p.share for p in parts),
        )
        for key, parts in grouped.items()
        if parts
    )


def potential_parts(answer: Answer) -> tuple[Part, ...]:
    """The area per potential, in the order of the legend."""
    grouped = {key: [p for p in answer.areas if p.potential.key == key] for key in POTENTIAL_ORDER}
    return tuple(
        Part(key, text("potential", key), sum(p.area_m2 for p in parts), sum(p.share for p in parts))
        for key, parts in grouped.items()
        if parts
    )


def is_schematic(answer: Answer) -> bool:
    """True when any layer that the answer was sought in is drawn by hand or made up."""
    layers = [c.layer for c in answer.constraints] + [u.layer for u in answer.unanswered]
    layers += [p.layer for p in answer.potentials]
    return any(layer.quality.is_mark_needed and layer.product for layer in layers if layer is not None)


def rows(assessment: Assessment, chosen: Answer) -> list[Row]:
    """The table "wat kan hier": every activity and depth band."""
    return [
        Row(
            answer,
            outcome_word(answer),
            text("potential", answer.potential.key),
            outcome_parts(answer),
            potential_parts(answer),
            answer is chosen,
            is_schematic(answer),
        )
        for answer in assessment.answers
    ]


def gaps(answer: Answer, statuses: Mapping[str, str]) -> list[Gap]:
    """Unanswered rules, grouped by cause and layer; the layers to be loaded come first.

    Parameters
    ----------
    statuses : mapping
        Explanation per layer id, from the receipt.
    """
    grouped: dict[tuple[Cause, str], list[Unanswered]] = {}
    for item in answer.unanswered:
        grouped.setdefault((item.cause, item.layer.id if item.layer else ""), []).append(item)
    order = list(Cause)
    result = []
    for (cause, layer_id), items in sorted(grouped.items(), key=lambda pair: (order.index(pair[0][0]), pair[0][1])):
        layer = items[0].layer
        how = statuses.get(layer_id, "")
        if layer is not None:
            how = layer.how_to_get_nl or how
        result.append(Gap(cause, layer, tuple(items), how))
    return result


def headline(assessment: Assessment, answer: Answer) -> Markup:
    """One sentence: verdict, activity, depth, place, day."""
    values = {
        "activity": answer.activity.name_nl.lower()[:1] + answer.activity.name_nl[1:],
        "depth": formats.interval(answer.depth),
        "place": assessment.region.name,
        "on": formats.day(assessment.on),
        "word": outcome_word(answer),
    }
    if not answer.areas:
        return _bold(section("web_card")["headline_point"], values)
    largest = max(outcome_parts(answer), key=lambda part: part.area_m2)
    if largest.share >= 1 - 1e-9:
        return _bold(section("web_card")["headline_area_whole"], values)
    return _bold(section("web_card")["headline_area"], {**values, "share": formats.percent(largest.share)})


def reason(answer: Answer) -> str:
    """One sentence: the strictest constraint that certainly holds, or why there is none to name."""
    certain = [c for c in answer.constraints if c.is_certain]
    if not certain:
        return text("web_card", "reason_gaps" if answer.unanswered else "reason_clear")
    first = certain[0]
    names = feature_names(first.features)
    where = text("web_card", "reason_where", names=names) if names else ""
    share = text("web_card", "reason_share", share=formats.percent(first.share)) if first.share is not None else ""
    return text(
        "web_card", "reason", word=text("verdict", first.rule.verdict.key), title=first.rule.title_nl, where=where, share=share
    )


def feature_names(features: Iterable[FeatureRef], most: int = 3) -> str:
    """Names of the first features, and how many more there are."""
    names = list(dict.fromkeys(feature.name for feature in features))
    if len(names) <= most:
        return ", ".join(names)
    return text("web_card", "and_more", names=", ".join(names[:most]), count=len(names) - most)


def _bold(template: str, values: Mapping[str, str]) -> Markup:
    # The text file marks the verdict with **...**; values are escaped.
    before, word, after = template.split("**")
    return Markup("{}<strong>{}</strong>{}").format(
        before.format(**values), word.format(**values), after.format(**values)
    )


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        area=formats.area,
        percent=formats.percent,
        day=formats.day,
        interval=formats.interval,
        depth_range=formats.depth_range,
        web_address=formats.web_address,
        number=formats.number,
    )
    environment.globals.update(
        t=lambda key, **values: text("web_card", key, **values),
        w=text,
        words=section,
        outcome_order=OUTCOME_ORDER,
        potential_order=POTENTIAL_ORDER,
        many=MANY_FEATURES,
        available=LayerStatus.AVAILABLE,
        feature_names=feature_names,
    )
    return environment


def _render(name: str, **context: object) -> str:
    return _templates().get_template(name).render(**context)


def summary(assessment: Assessment, answer: Answer, map_kind: str) -> str:
    """Beside the map: the sentence, the reason and the areas per word, which is the map as a table."""
    parts = outcome_parts(answer) if map_kind == "verdict" else potential_parts(answer)
    potential_here = text("potential", answer.potential.key)
    return _render(
        "summary.html",
        assessment=assessment,
        answer=answer,
        headline=headline(assessment, answer),
        reason=reason(answer),
        outcome=answer.outcome,
        word=outcome_word(answer),
        potential_word=potential_here,
        parts=parts,
        kind=map_kind,
    )


def overview(assessment: Assessment, chosen: Answer, addresses: Mapping[int, str]) -> str:
    """The table "wat kan hier".

    Parameters
    ----------
    addresses : mapping
        Per position of an answer, the address of the page with that activity and depth.
    """
    return _render("overview.html", assessment=assessment, rows=rows(assessment, chosen), addresses=addresses)


def details(assessment: Assessment, answer: Answer) -> str:
    """Everything about one activity in one depth band."""
    statuses = {state.layer.id: state.detail_nl for state in assessment.receipt.layers}
    return _render(
        "details.html",
        assessment=assessment,
        answer=answer,
        certain=[c for c in answer.constraints if c.is_certain],
        doubtful=[c for c in answer.constraints if not c.is_certain],
        gaps=gaps(answer, statuses),
    )


def concerns(assessment: Assessment) -> str:
    """What the region says; beside the verdict, never inside it."""
    return _render("concerns.html", assessment=assessment)


def receipt(assessment: Assessment) -> str:
    """How the answer came about."""
    return _render("receipt.html", assessment=assessment, receipt=assessment.receipt)


def legend(kind: str) -> str:
    """Every word of a map with its pattern and its meaning."""
    return _render("legend.html", kind=kind)

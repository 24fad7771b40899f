"""The answer card: the answer object in words. It adds and rounds nothing that the object does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from dgdo_geo.model import (
    Answer,
    AreaShare,
    Assessment,
    Cause,
    Constraint,
    Layer,
    Potential,
    Rule,
    Unanswered,
    Verdict,
    outcome_of,
)
from dgdo_geo.report import written
from dgdo_geo.report.written import TermLinks, article
from dgdo_geo.texts import section, text
from dgdo_geo.web import card_parts, formats
from dgdo_geo.web.render import counted, feature_names, render, with_bold

OUTCOME_ORDER = (*(v.key for v in sorted(Verdict)), "unknown")
POTENTIAL_ORDER = tuple(p.key for p in (Potential.PROMISING, Potential.POSSIBLE, Potential.NONE, Potential.UNKNOWN))


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
    hint: str
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

    @property
    def count(self) -> int:
        """Number of rules."""
        return len(self.entries)


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


def hint_word(answer: Answer) -> str:
    """What the maps point to where the outcome is unknown, with its share of the area; "" when nothing."""
    if answer.hint is None:
        return ""
    verdict, share = answer.hint
    word = text("verdict", verdict.key)
    return word if share is None else text("web_card", "hint_share", word=word, share=formats.percent(share))


def outcome_parts(answer: Answer) -> tuple[Part, ...]:
    """The area per outcome, in the order of the legend."""
    grouped = {key: [p for p in answer.areas if outcome_of(p.verdict, p.conclusive) == key] for key in OUTCOME_ORDER}
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


def found_parts(answer: Answer) -> tuple[Part, ...]:
    """The area per indication; where nothing points to a constraint and not all could be checked, "unknown"."""
    grouped: dict[str, list[AreaShare]] = {}
    for part in answer.areas:
        is_found = part.conclusive or part.indication > Verdict.NO_KNOWN_CONSTRAINT
        grouped.setdefault(part.indication.key if is_found else "unknown", []).append(part)
    return tuple(
        Part(
            key,
            text("web_card", "nothing_found_yet") if key == "unknown" else text("verdict", key),
            sum(p.area_m2 for p in grouped[key]),
            sum(p.share for p in grouped[key]),
        )
        for key in OUTCOME_ORDER
        if key in grouped
    )


PARTS = {"verdict": outcome_parts, "found": found_parts, "potential": potential_parts}
"""Areas per word, for every kind of map."""


def is_schematic(answer: Answer) -> bool:
    """True when a layer that had something to say is drawn by hand or made up; the same as in the JSON."""
    return answer.quality.is_mark_needed


def rows(assessment: Assessment, chosen: Answer) -> list[Row]:
    """The table "wat kan hier": every activity and depth band."""
    return [
        Row(
            answer,
            outcome_word(answer),
            hint_word(answer),
            text("potential", answer.potential.key),
            outcome_parts(answer),
            potential_parts(answer),
            answer is chosen,
            is_schematic(answer),
        )
        for answer in assessment.answers
    ]


def gaps(answer: Answer, statuses: Mapping[str, str]) -> dict[Cause, list[Gap]]:
    """Unanswered rules per cause, and within a cause per layer.

    Parameters
    ----------
    statuses : mapping
        What the receipt says of a layer, per id.
    """
    grouped: dict[Cause, dict[str, list[Unanswered]]] = {}
    for cause in Cause:
        for item in answer.unanswered:
            if item.cause is cause:
                layer_id = item.layer.id if item.layer else ""
                grouped.setdefault(cause, {}).setdefault(layer_id, []).append(item)
    return {
        cause: [
            Gap(cause, items[0].layer, tuple(items), _how_to_get(items[0].layer, statuses)) for items in layers.values()
        ]
        for cause, layers in grouped.items()
    }


def _how_to_get(layer: Layer | None, statuses: Mapping[str, str]) -> str:
    return "" if layer is None else layer.how_to_get_nl or statuses.get(layer.id, "")


def gap_causes(answer: Answer) -> str:
    """Causes with the number of rules, in one line."""
    counts = {cause: len({u.rule.id for u in answer.unanswered if u.cause is cause}) for cause in Cause}
    return ", ".join(
        text("web_card", "gap_count", cause=text("cause", cause.value), count=count)
        for cause, count in counts.items()
        if count
    )


def headline(assessment: Assessment, answer: Answer) -> Markup:
    """One sentence: verdict, activity, depth, place, day."""
    values = {
        "activity": formats.lower_first(answer.activity.name_nl),
        "depth": formats.interval(answer.depth),
        "place": assessment.region.name,
        "on": written.day(assessment.on),
        "word": outcome_word(answer),
    }
    if not answer.areas:
        return with_bold(section("web_card")["headline_point"], values)
    largest = max(outcome_parts(answer), key=lambda part: part.area_m2)
    if largest.share >= 1 - 1e-9:
        return with_bold(section("web_card")["headline_area_whole"], values)
    return with_bold(section("web_card")["headline_area"], {**values, "share": formats.percent(largest.share)})


def reason(answer: Answer) -> str:
    """One sentence: the strictest constraint that certainly holds, or why there is none to name."""
    certain = [c for c in answer.constraints if c.is_certain]
    if not certain:
        return text("web_card", "reason_gaps" if answer.unanswered else "reason_clear")
    return _reason(certain[0], "reason")


def first_reason(answer: Answer) -> tuple[str, str]:
    """The same in a few words, for a table, and the article that says so ("" without one)."""
    for item in answer.constraints:
        names = feature_names(item.features, most=2)
        where = text("web_card", "reason_where", names=names) if names else ""
        key = "first_certain" if item.is_certain else "first_doubtful"
        return text("web_card", key, title=item.rule.title_nl, where=where), cited(item.rule)
    if answer.unanswered:
        rules = counted("rule", len({item.rule.id for item in answer.unanswered}))
        return text("web_card", "first_gaps", rules=rules), ""
    return text("web_card", "first_clear"), ""


def cited(rule: Rule) -> str:
    """The source of a rule with its article, in a few words."""
    return ", ".join(filter(None, (rule.source.title, article(rule.source.article, short=True))))


def strictest_rule(answer: Answer) -> Rule | None:
    """The rule that :func:`reason` names."""
    return next((c.rule for c in answer.constraints if c.is_certain), None)


def doubtful_reason(answer: Answer) -> str:
    """One sentence about a stricter constraint that is not certain, or nothing."""
    certain = max((c.rule.verdict for c in answer.constraints if c.is_certain), default=Verdict.NO_KNOWN_CONSTRAINT)
    doubtful = [c for c in answer.constraints if not c.is_certain and c.rule.verdict > certain]
    return _reason(doubtful[0], "reason_doubtful") if doubtful else ""


def _reason(first: Constraint, key: str) -> str:
    names = feature_names(first.features)
    where = text("web_card", "reason_where", names=names) if names else ""
    share = ""
    if first.share is not None and first.area_m2:
        counted = first.certain_area_m2 if first.is_certain and first.certain_area_m2 else first.area_m2
        share = text("web_card", "reason_share", share=formats.percent(first.share * counted / first.area_m2))
    word = text("verdict", first.rule.verdict.key)
    return text("web_card", key, word=word, title=first.rule.title_nl, where=where, share=share)


def summary(assessment: Assessment, answer: Answer, map_kind: str, *, is_full: bool = True) -> str:
    """Beside the map: the sentence, the reason and the areas per word, which is the map as a table."""
    return render(
        "summary.html",
        answer=answer,
        headline=headline(assessment, answer),
        reason=reason(answer),
        strictest=strictest_rule(answer),
        outcome=answer.outcome,
        doubtful=doubtful_reason(answer),
        hint=hint_word(answer),
        causes=gap_causes(answer),
        potential_word=text("potential", answer.potential.key),
        parts=PARTS[map_kind](answer),
        kind=map_kind,
        is_full=is_full,
        levels=card_parts.level_names(answer),
    )


def overview(assessment: Assessment, chosen: Answer, addresses: Mapping[int, str], *, is_full: bool = True) -> str:
    """The table "wat kan hier".

    Parameters
    ----------
    addresses : mapping
        Per position of an answer, the address of the page with that activity and depth.
    is_full : bool
        False for the plain view: without the parts of the area.
    """
    listed = rows(assessment, chosen)
    return render("overview.html", assessment=assessment, rows=listed, addresses=addresses, is_full=is_full)


def details(assessment: Assessment, answer: Answer, mark: TermLinks | None = None, *, is_full: bool = True) -> str:
    """The activity, every rule that fired or could not be answered, and what stands beside the verdict.

    Parameters
    ----------
    mark : TermLinks, optional
        Writes the texts with links to the glossary; shared by the parts of one card.
    is_full : bool
        False for the plain view: the same rules and numbers, without the evidence behind each.
    """
    statuses = {state.layer.id: state.detail_nl for state in assessment.receipt.layers}
    return render(
        "details.html" if is_full else "plain.html",
        mark=mark or TermLinks(assessment.wordbook),
        answer=answer,
        certain=[c for c in answer.constraints if c.is_certain],
        doubtful=[c for c in answer.constraints if not c.is_certain],
        differences=card_parts.differences(answer),
        levels=card_parts.level_names(answer),
        gaps=gaps(answer, statuses),
    )


def receipt(assessment: Assessment) -> str:
    """How the answer came about."""
    return render("receipt.html", assessment=assessment, receipt=assessment.receipt)


def legend(kind: str) -> str:
    """Every word of a map with its meaning."""
    return _legend(kind, is_line=False)


def legend_line(kind: str) -> str:
    """Every word of a map with its pattern, in one line."""
    return _legend(kind, is_line=True)


def _legend(kind: str, *, is_line: bool) -> str:
    keys = POTENTIAL_ORDER if kind == "potential" else OUTCOME_ORDER
    return render("legend.html", kind=kind, keys=keys, is_line=is_line)

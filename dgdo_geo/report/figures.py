"""Figures of a region that screen and reports share: what constrains it and what is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dgdo_geo.model import Answer, AreaAssessment, Cause, Constraint, Layer, Rule, Verdict
from dgdo_geo.texts import text

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""First characters that make a spreadsheet read a text as a formula."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A rule that constrains a part of a region.

    Attributes
    ----------
    largest : Constraint
        For the activity and depth where it holds in the largest area.
    activities : tuple of str
        Names of the activities that it constrains.
    is_varying : bool
        True when the area differs from one activity or depth to another.
    """

    rule: Rule
    largest: Constraint
    activities: tuple[str, ...]
    is_varying: bool


def limits(assessment: AreaAssessment) -> list[Limit]:
    """What constrains a region, the strictest and largest first."""
    found: dict[str, list[tuple[Answer, Constraint]]] = {}
    for answer in assessment.answers:
        for item in answer.constraints:
            found.setdefault(item.rule.id, []).append((answer, item))
    listed = [_limit(items) for items in found.values()]
    return sorted(listed, key=lambda limit: (-limit.rule.verdict, -(limit.largest.area_m2 or 0.0), limit.rule.id))


def _limit(items: Sequence[tuple[Answer, Constraint]]) -> Limit:
    areas = [item.area_m2 or 0.0 for _, item in items]
    _, largest = max(items, key=lambda entry: entry[1].area_m2 or 0.0)
    names = tuple(dict.fromkeys(answer.activity.name_nl for answer, _ in items))
    # Sums in another order differ in the last digits.
    return Limit(largest.rule, largest, names, max(areas) - min(areas) > 1.0)


@dataclass(frozen=True, slots=True)
class Blank:
    """A layer on which rules could not be answered, for one cause.

    Attributes
    ----------
    worst : Verdict
        The strictest that these rules could say.
    area_m2, share : float
        The largest area in which one of them could not be answered, and its share of the region.
    """

    layer: Layer | None
    cause: Cause
    rules: int
    activities: tuple[str, ...]
    worst: Verdict
    area_m2: float
    share: float
    how_nl: str


def blanks(assessment: AreaAssessment) -> list[Blank]:
    """What is not known about a region and why; what could make the answers strictest first."""
    statuses = {state.layer.id: state.detail_nl for state in assessment.receipt.layers}
    found: dict[tuple[str, Cause], list[tuple[Answer, Rule, float, float, Layer | None]]] = {}
    for answer in assessment.answers:
        for item in answer.unanswered:
            key = (item.layer.id if item.layer else "", item.cause)
            entry = (answer, item.rule, item.area_m2 or 0.0, item.share or 0.0, item.layer)
            found.setdefault(key, []).append(entry)
    listed = []
    for (layer_id, cause), items in found.items():
        layer = items[0][4]
        how = (layer.how_to_get_nl or statuses.get(layer_id, "")) if layer else ""
        listed.append(
            Blank(
                layer=layer,
                cause=cause,
                rules=len({rule.id for _, rule, _, _, _ in items}),
                activities=tuple(dict.fromkeys(answer.activity.name_nl for answer, *_ in items)),
                worst=max(rule.verdict for _, rule, _, _, _ in items),
                area_m2=max(area for _, _, area, _, _ in items),
                share=max(share for _, _, _, share, _ in items),
                how_nl=how or text("web_card", f"how_{cause.value}"),
            )
        )
    return sorted(listed, key=lambda b: (-b.worst, -b.area_m2, b.cause.value, b.layer.id if b.layer else ""))


def harmless(words: str) -> str:
    """A text from a file of somebody else: a spreadsheet must not read it as a formula.

    >>> harmless("=cmd"), harmless("Zone A")
    ("'=cmd", 'Zone A')
    """
    return f"'{words}" if words.lstrip(" ").startswith(FORMULA) else words

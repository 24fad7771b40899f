"""Why here and not there: two answers beside each other, and the first thing in which they differ."""

from __future__ import annotations

from dataclasses import dataclass

from dgdo_geo.model import Answer, Assessment, Constraint, PotentialFinding, Rule, Unanswered, Verdict


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that holds at one of two places only.

    Attributes
    ----------
    is_here : bool
        True when it holds at the first place, and not at the second.
    found : Constraint, Unanswered or PotentialFinding
        A rule that fires, a rule that could not be answered, or what a layer says of the subsurface.
    """

    is_here: bool
    found: Constraint | Unanswered | PotentialFinding


@dataclass(frozen=True, slots=True)
class Beside:
    """One activity and depth band at two places.

    Attributes
    ----------
    reason : Difference or None
        The strictest rule that holds at one of the places only; without such a rule the subsurface; None when the
        places do not differ.
    """

    here: Answer
    there: Answer
    reason: Difference | None

    @property
    def is_same(self) -> bool:
        """True when the words for verdict, indication and potential are the same."""
        return _words(self.here) == _words(self.there)


def beside(here: Assessment, there: Assessment) -> tuple[Beside, ...]:
    """Two answers to the same question beside each other, per activity and depth band.

    Raises
    ------
    ValueError
        If they are not answers to the same question.
    """
    asked = [[(a.activity.id, a.band) for a in item.answers] for item in (here, there)]
    if asked[0] != asked[1] or here.on != there.on:
        raise ValueError("the two answers are not about the same activities, depths and day")
    return tuple(
        Beside(one, other, first_difference(one, other)) for one, other in zip(here.answers, there.answers, strict=True)
    )


def first_difference(here: Answer, there: Answer) -> Difference | None:
    """The strictest rule that holds, may hold or could not be checked at one of two places only; else the subsurface.

    Of equally strict rules one that certainly holds comes first, then one that may hold, then one that could not be
    answered.
    """
    found: list[tuple[tuple[int, int, str], Difference]] = []
    for is_here, one, other in ((True, here, there), (False, there, here)):
        known = _said(other)
        for rule, rank, item in _statements(one):
            if known.get(rule.id) != rank:
                found.append(((-rule.verdict, rank, rule.id), Difference(is_here, item)))
    if found and _verdict_words(here) != _verdict_words(there):
        return min(found, key=lambda entry: entry[0])[1]
    if _potential_words(here) != _potential_words(there):
        return _other_subsurface(here, there)
    return min(found, key=lambda entry: entry[0])[1] if found else None


def _statements(answer: Answer) -> list[tuple[Rule, int, Constraint | Unanswered]]:
    """Every rule with how sure it is: 0 certainly holds, 1 may hold, 2 could not be answered."""
    certain: list[tuple[Rule, int, Constraint | Unanswered]] = [
        (item.rule, 0 if item.is_certain else 1, item) for item in answer.constraints
    ]
    named = {rule.id for rule, _, _ in certain}
    return certain + [(item.rule, 2, item) for item in answer.unanswered if item.rule.id not in named]


def _said(answer: Answer) -> dict[str, int]:
    return {rule.id: rank for rule, rank, _ in _statements(answer)}


def _other_subsurface(here: Answer, there: Answer) -> Difference | None:
    """The layer that explains a different potential: it says more at one place than at the other."""
    best: tuple[int, Difference] | None = None
    for is_here, one, other in ((True, here, there), (False, there, here)):
        known = {(item.layer.id, item.potential) for item in other.potentials if item.cause is None}
        for item in one.potentials:
            is_other = item.cause is None and (item.layer.id, item.potential) not in known
            if is_other and (best is None or item.potential > best[0]):
                best = (item.potential, Difference(is_here, item))
    return None if best is None else best[1]


def _verdict_words(answer: Answer) -> tuple[str, Verdict]:
    return answer.outcome, answer.indication


def _potential_words(answer: Answer) -> tuple[object, ...]:
    return answer.potential, answer.potential_certain


def _words(answer: Answer) -> tuple[object, ...]:
    return (*_verdict_words(answer), *_potential_words(answer))

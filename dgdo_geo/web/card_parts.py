"""Parts of the card that stand beside the verdict: levels of government, the activity, procedures, concerns, words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from dgdo_geo.model import (
    Activity,
    Answer,
    Assessment,
    Constraint,
    FittingConcern,
    Layer,
    Level,
    Parameter,
    Phase,
    Procedure,
    ProcedureStep,
    Reader,
    Requirement,
    Source,
    Term,
    Verdict,
)
from dgdo_geo.report import written
from dgdo_geo.report.written import TermLinks, anchor
from dgdo_geo.texts import text
from dgdo_geo.web import formats
from dgdo_geo.web.render import render

# Levels of government -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Side:
    """What one level of government says of a layer, and the rules that say it."""

    level: Level
    verdict: Verdict
    constraints: tuple[Constraint, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Levels of government that judge one layer differently, the strictest first."""

    layer: Layer
    sides: tuple[Side, ...]

    @property
    def is_apart(self) -> bool:
        """True when, in an area, no feature is judged by more than one of them."""
        if any(item.area_m2 is None for side in self.sides for item in side.constraints):
            return False
        judged = [{f.id for item in side.constraints for f in item.features} for side in self.sides]
        return len(set().union(*judged)) == sum(map(len, judged))


def differences(answer: Answer) -> tuple[Difference, ...]:
    """What levels of government say of the layers on which they differ."""
    return tuple(
        Difference(
            item.layer,
            tuple(
                Side(
                    level,
                    verdict,
                    tuple(c for c in answer.constraints if _says(c, item.layer, level, verdict)),
                )
                for level, verdict in item.verdicts
            ),
        )
        for item in answer.level_differences
    )


def _says(constraint: Constraint, layer: Layer, level: Level, verdict: Verdict) -> bool:
    rule = constraint.rule
    return constraint.layer == layer and rule.level is level and rule.verdict is verdict


def level_names(answer: Answer) -> str:
    """The levels of government that differ, in words: "Rijk en provincie"."""
    found = {level for item in answer.level_differences for level, _ in item.verdicts}
    names = [text("level", level.value) for level in Level if level in found]
    return " en ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


# What the activity needs --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number that a requirement rests on, as it is on the day that was asked.

    Attributes
    ----------
    is_as_sure : bool
        True when it is as certain as the requirement, for the same reasons and from the same publication.
    """

    parameter: Parameter
    words: str
    source: Source | None
    is_as_sure: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """A requirement with its numbers."""

    requirement: Requirement
    thresholds: tuple[Threshold, ...]


def needs(activity: Activity, parameters: Mapping[str, Parameter], on: date) -> list[Need]:
    """What geology must offer for an activity, with the numbers of a day."""
    return [
        Need(
            item,
            tuple(
                _threshold(item, key, parameters[name], on)
                for key, name in (("at_least", item.at_least), ("at_most", item.at_most))
                if name is not None and name in parameters
            ),
        )
        for item in activity.requirements
    ]


def _threshold(requirement: Requirement, key: str, parameter: Parameter, on: date) -> Threshold:
    value = parameter.at(on)
    if value is None:
        return Threshold(parameter, text("web_card", "threshold_none", on=written.day(on)), None)
    source = max((v for v in parameter.values if v.valid_from <= on), key=lambda v: v.valid_from).source
    words = text("web_card", f"threshold_{key}", quantity=formats.quantity(value, parameter.unit))
    mine = (parameter.confidence, parameter.doubt, source.title)
    is_as_sure = mine == (requirement.confidence, requirement.doubt, requirement.source.title)
    return Threshold(parameter, words, source, is_as_sure)


def geology(
    assessment: Assessment, answer: Answer, parameters: Mapping[str, Parameter], mark: TermLinks | None = None
) -> str:
    """What the activity needs of the subsurface, and what the layers say of it."""
    return render(
        "geology.html",
        mark=mark or TermLinks(assessment.wordbook),
        answer=answer,
        requirements=needs(answer.activity, parameters, assessment.on),
    )


# Who decides --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a procedure with its number."""

    number: int
    step: ProcedureStep

    def role_of(self, reader: Reader) -> str:
        """What a level of government can do in this step; "" when that was not looked up."""
        return {
            Reader.MUNICIPALITY: self.step.municipality_nl,
            Reader.PROVINCE: self.step.province_nl,
            Reader.WATER_BOARD: self.step.water_board_nl,
        }[reader]


@dataclass(frozen=True, slots=True)
class PhaseSteps:
    """The steps of one phase."""

    phase: Phase
    steps: tuple[Step, ...]

    @property
    def is_early(self) -> bool:
        """True before anybody drills; later phases are folded away."""
        return self.phase in (Phase.EXPLORE, Phase.SEARCH)


@dataclass(frozen=True, slots=True)
class ShownProcedure:
    """A procedure with its steps in order of time."""

    declared: Procedure
    phases: tuple[PhaseSteps, ...]


def in_order(procedure: Procedure) -> ShownProcedure:
    """The steps of a procedure, numbered, in the order of the phases."""
    order = list(Phase)
    steps = [Step(n, s) for n, s in enumerate(sorted(procedure.steps, key=lambda s: order.index(s.phase)), start=1)]
    by_phase = {phase: tuple(s for s in steps if s.step.phase is phase) for phase in order}
    return ShownProcedure(procedure, tuple(PhaseSteps(phase, found) for phase, found in by_phase.items() if found))


def procedures(assessment: Assessment, answer: Answer, reader: Reader, mark: TermLinks | None = None) -> str:
    """Who decides, who advises and what each level of government can do, per step.

    Parameters
    ----------
    reader : Reader
        Whose role stands beside the decision; the others are one click away.
    """
    mark = mark or TermLinks(assessment.wordbook)
    mark.start_again()
    return render(
        "procedures.html",
        mark=mark,
        procedures=[in_order(item) for item in answer.procedures],
        reader=reader,
        readers=list(Reader),
    )


# What the region says -----------------------------------------------------------------------


def by_subject(concerns: Iterable[FittingConcern]) -> dict[str, list[FittingConcern]]:
    """Concerns per subject; the subject of the most relevant one first."""
    result: dict[str, list[FittingConcern]] = {}
    for item in concerns:
        result.setdefault(item.concern.subject, []).append(item)
    return result


def concerns(
    assessment: Assessment,
    answer: Answer | None,
    reader: Reader,
    mark: TermLinks | None = None,
    *,
    is_full: bool = True,
) -> str:
    """What the region says; beside the verdict, never inside it. The plain view holds those to show first.

    Parameters
    ----------
    answer : Answer or None
        Only what fits its activity; None for all activities.
    """
    first, rest = assessment.concerns_for(reader, None if answer is None else answer.activity.id)
    return render(
        "concerns.html",
        mark=mark or TermLinks(assessment.wordbook),
        first=first,
        rest=by_subject(rest),
        rest_count=len(rest),
        common=common_source((*first, *rest)),
        reader=reader,
        is_full=is_full,
    )


def common_source(concerns: Iterable[FittingConcern]) -> Source | None:
    """The source that most concerns come from, to name once; None when every one has its own."""
    sources = [item.concern.source for item in concerns]
    title, count = next(iter(Counter(source.title for source in sources).most_common(1)), ("", 0))
    if count < 2:
        return None
    return next(source for source in sources if source.title == title).model_copy(update={"article": ""})


# Words --------------------------------------------------------------------------------------


def glossary(assessment: Assessment, mark: TermLinks, *, is_full: bool = True) -> str:
    """Every word that the card links to, with its meaning; in the full view also those of the other activities."""
    others = {term.id: term for term in assessment.terms if term.id not in mark.met}
    listed = {**mark.met, **others} if is_full else mark.met
    return render(
        "glossary.html",
        met=_sorted(mark.met.values()),
        others=_sorted(others.values()),
        see={term.id: [listed[other] for other in term.see if other in listed] for term in listed.values()},
        anchor=anchor,
        is_full=is_full,
    )


def _sorted(terms: Iterable[Term]) -> list[Term]:
    return sorted(terms, key=lambda term: term.term_nl.casefold())

"""Control points: real places with the answers that somebody who knows the area expects."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from dgdo_geo.check.references import in_file
from dgdo_geo.errors import DgdoGeoError
from dgdo_geo.model import Answer, ControlPoint, Expected
from dgdo_geo.query import Explorer


def check_control_points(explorer: Explorer, today: date) -> list[str]:
    """Ask every control point all activities, and compare with what is expected."""
    errors = []
    for point in explorer.knowledge.control_points:
        try:
            problems = list(control_point_problems(explorer, point, today))
        except DgdoGeoError as error:
            problems = [str(error)]
        errors += [
            in_file(explorer.knowledge, "control_point", point.id, f"({point.name}) {problem}") for problem in problems
        ]
    return errors


def control_point_problems(explorer: Explorer, point: ControlPoint, today: date) -> Iterator[str]:
    """What differs between a control point and its expectations, and activities without an answer.

    With several depth bands, one of them must give the expected potential, and each the expected verdict.
    """
    answers: dict[str, list[Answer]] = {}
    for answer in explorer.at_point(point.x, point.y, today).answers:
        answers.setdefault(answer.activity.id, []).append(answer)
        if not (answer.constraints or answer.clear or answer.unanswered):
            yield f"{answer.activity.id}: no rule says anything at all"
    for activity_id in explorer.knowledge.activities:
        if activity_id not in answers:
            yield f"{activity_id}: no answer"
    for expected in point.expect:
        found = answers.get(expected.activity, [])
        if expected.depth_m is not None:
            found = list(
                explorer.at_point(
                    point.x, point.y, today, activities=[expected.activity], depth=expected.depth_m
                ).answers
            )
        elif not found:
            explorer.knowledge.activity(expected.activity)
        yield from (f"{expected.activity}: {problem}" for problem in _differences(expected, found))


def _differences(expected: Expected, found: list[Answer]) -> Iterator[str]:
    potentials = [answer.potential.key for answer in found]
    if expected.potential is not None and expected.potential not in potentials:
        yield f"potential: expected {expected.potential}, got {', '.join(potentials)}"
    for answer in found:
        if expected.verdict is not None and answer.verdict.key != expected.verdict:
            yield f"verdict: expected {expected.verdict}, got {answer.verdict.key}"
        if expected.conclusive is not None and answer.conclusive is not expected.conclusive:
            yield f"conclusive: expected {expected.conclusive}, got {answer.conclusive}"

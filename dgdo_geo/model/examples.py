"""Examples with their expected answer: cases with synthetic evidence, and real places."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from dgdo_geo.model.cited import Declared, Identifier, Source
from dgdo_geo.model.words import Confidence


class CaseEvidence(Declared):
    """Synthetic evidence of a case: one feature, as a reader would describe it."""

    layer: str
    class_id: str = Field(alias="class")
    top_m: float | Literal["unknown"] = 0.0
    base_m: float | Literal["unknown", "open"] = "open"
    within_m: float = 0.0
    near_edge: bool = False


class CaseExpectation(Declared):
    """What a case must give.

    Attributes
    ----------
    rules, unanswered : tuple of str
        All rules that fire, and all that could not be answered. Both lists are complete.
    alternatives : mapping of str to str
        All rules that fire for a slanted well, with their verdict; complete.
    quiet : tuple of str
        Rules that the case is about and that must not fire here, nor stay unanswered.
    """

    verdict: str
    conclusive: bool = True
    rules: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    alternatives: dict[str, str] = {}
    quiet: tuple[str, ...] = ()


def _ordered(depth_m: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= depth_m[0] < depth_m[1]:
        raise ValueError(f"top {depth_m[0]:g} m must lie above base {depth_m[1]:g} m")
    return depth_m


DepthPair = Annotated[tuple[float, float], AfterValidator(_ordered)]


class Case(Declared):
    """An example with its expected answer: a test of the rule base.

    ``activity`` is one id, or a list: then each of them must give the same.
    """

    name: str
    on: date
    activity: str | Annotated[tuple[str, ...], Field(min_length=1)]
    depth_m: DepthPair
    province: str
    evidence: tuple[CaseEvidence, ...] = ()
    missing: tuple[str, ...] = ()
    expect: CaseExpectation

    @property
    def activities(self) -> tuple[str, ...]:
        """The activities that the case asks, one after another."""
        return (self.activity,) if isinstance(self.activity, str) else self.activity


class Expected(Declared):
    """What one activity must give at a control point."""

    activity: str
    depth_m: DepthPair | None = None
    potential: str | None = None
    verdict: str | None = None
    conclusive: bool | None = None

    @model_validator(mode="after")
    def _expects_something(self) -> Expected:
        if self.potential is None and self.verdict is None and self.conclusive is None:
            raise ValueError("expects nothing: give `potential`, `verdict` or `conclusive`")
        return self


class ControlPoint(Declared):
    """A real place with the expected answers, and why; RD New, metres."""

    id: Identifier
    name: str
    x: Annotated[float, Field(allow_inf_nan=False)]
    y: Annotated[float, Field(allow_inf_nan=False)]
    expect: Annotated[tuple[Expected, ...], Field(min_length=1)]
    reason_nl: str
    confidence: Confidence
    source: Source
    also: tuple[Source, ...] = ()

"""The knowledge base: ``knowledge/*.toml`` -> :class:`KnowledgeBase`, and its check.

Pure: reads text files, knows no geometry. The forms are in ``docs/rule-files.md``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError

from dgdo_geo.errors import DeclarationError, InputError, NotInForceError
from dgdo_geo.model import Activity, Concern, Declared, Parameter, Procedure, Rule, Source
from dgdo_geo.toml_files import describe_validation, read_toml, short_name

KNOWLEDGE_DIR = Path(__file__).parent / "knowledge"

T = TypeVar("T", bound=Declared)


class RuleBaseInfo(Declared):
    """Version of the rule base and the day it begins."""

    version: str
    covers_from: date
    checked_on: date


class CaseEvidence(Declared):
    """Synthetic evidence of a case: one feature, as a reader would describe it."""

    layer: str
    class_id: str = Field(alias="class")
    top_m: float | Literal["unknown"] = 0.0
    base_m: float | Literal["unknown", "open"] = "open"
    within_m: float = 0.0
    near_edge: bool = False


class CaseExpectation(Declared):
    """What a case must give; both lists are complete."""

    verdict: str
    conclusive: bool = True
    rules: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()


def _ordered(depth_m: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= depth_m[0] < depth_m[1]:
        raise ValueError(f"top {depth_m[0]:g} m must lie above base {depth_m[1]:g} m")
    return depth_m


DepthPair = Annotated[tuple[float, float], AfterValidator(_ordered)]


class Case(Declared):
    """An example with its expected answer: a test of the rule base."""

    name: str
    on: date
    activity: str
    depth_m: DepthPair
    province: str
    evidence: tuple[CaseEvidence, ...] = ()
    missing: tuple[str, ...] = ()
    expect: CaseExpectation


class ControlPoint(Declared):
    """A real place with the expected answer."""

    id: str
    name: str
    x: float
    y: float
    activity: str
    depth_m: DepthPair | None = None
    potential: str | None = None
    verdict: str | None = None
    conclusive: bool | None = None
    reason_nl: str
    source: Source


class Term(Declared):
    """A word of the glossary."""

    id: str
    term_nl: str
    meaning_nl: str


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """Everything that the files of ``knowledge/`` say."""

    info: RuleBaseInfo
    activities: dict[str, Activity]
    rules: tuple[Rule, ...]
    parameters: dict[str, Parameter]
    concerns: tuple[Concern, ...]
    procedures: tuple[Procedure, ...]
    cases: tuple[Case, ...]
    control_points: tuple[ControlPoint, ...]
    glossary: tuple[Term, ...]
    hash: str

    def activity(self, activity_id: str) -> Activity:
        """Look up an activity.

        Raises
        ------
        InputError
            If the id does not exist; the message lists the known ones.
        """
        if activity_id not in self.activities:
            raise InputError("activity_unknown", id=activity_id, known=", ".join(self.activities))
        return self.activities[activity_id]

    def applicable(self, activity_id: str, on: date) -> tuple[Rule, ...]:
        """Rules that are in force for an activity on a day.

        Raises
        ------
        InputError
            If the activity does not exist.
        NotInForceError
            If the rule base does not reach back to that day.
        """
        self.activity(activity_id)
        if on < self.info.covers_from:
            raise NotInForceError("date_before_rules", on=on, first=self.info.covers_from)
        return tuple(r for r in self.rules if activity_id in r.activities and r.in_force(on))

    def value(self, parameter_id: str, on: date) -> float:
        """The value of a parameter on a day, in its own unit.

        Raises
        ------
        DeclarationError
            If a rule names a parameter that does not exist.
        NotInForceError
            If the parameter has no value yet on that day.
        """
        if parameter_id not in self.parameters:
            raise DeclarationError("parameter_unknown", id=parameter_id)
        value = self.parameters[parameter_id].at(on)
        if value is None:
            first = min(v.valid_from for v in self.parameters[parameter_id].values)
            raise NotInForceError("date_before_rules", on=on, first=first)
        return value

    def distances(self) -> dict[str, tuple[float, ...]]:
        """Per layer, every distance in metres that any rule may ask for on any day."""
        found: dict[str, set[float]] = {}
        for rule in self.rules:
            if rule.layer is not None and rule.within in self.parameters:
                found.setdefault(rule.layer, set()).update(v.value for v in self.parameters[str(rule.within)].values)
        return {layer: tuple(sorted(values)) for layer, values in found.items()}

    def procedures_for(self, activity_id: str, top_m: float, base_m: float) -> tuple[Procedure, ...]:
        """Procedures that hold for an activity in (part of) a depth band."""
        return tuple(
            p for p in self.procedures if activity_id in p.activities and p.top_m < base_m and top_m < p.base_m
        )


def read_tables(path: Path, key: str, kind: type[T]) -> tuple[T, ...]:
    """Read every ``[[key]]`` of a file as the given type.

    Raises
    ------
    DeclarationError
        Naming the file, the entry and the key, if anything is unknown or wrong.
    """
    data = read_toml(path)
    strange = sorted(set(data) - {key})
    if strange:
        raise DeclarationError(
            "declaration_wrong", file=short_name(path), problems=f"unknown table {strange}; expected [[{key}]]"
        )
    entries = data.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DeclarationError(
            "declaration_wrong", file=short_name(path), problems=f"[{key}] must be a list: write [[{key}]]"
        )
    items: list[T] = []
    for position, entry in enumerate(entries, start=1):
        try:
            items.append(kind.model_validate(entry))
        except ValidationError as error:
            name = entry.get("id") or entry.get("name") or f"number {position}"
            raise DeclarationError(
                "declaration_wrong",
                file=short_name(path),
                problems=f"{key} {name!r}: {describe_validation(error)}",
            ) from error
    return tuple(items)


def _read_folder(folder: Path, key: str, kind: type[T]) -> tuple[T, ...]:
    return tuple(item for path in sorted(folder.glob("*.toml")) for item in read_tables(path, key, kind))


def _by_id(items: Iterable[T], what: str) -> dict[str, T]:
    found: dict[str, T] = {}
    for item in items:
        item_id = item.id  # type: ignore[attr-defined]
        if item_id in found:
            raise DeclarationError("id_twice", file=what, id=item_id)
        found[item_id] = item
    return found


def _hash(folder: Path) -> str:
    """SHA-256 over what decides an answer: rules, parameters, activities and the info."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("rules/*.toml"), *folder.glob("*.toml")]):
        if path.name in ("control_points.toml", "glossary.toml"):
            continue
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def read_knowledge(folder: Path = KNOWLEDGE_DIR) -> KnowledgeBase:
    """Read the whole knowledge base.

    Raises
    ------
    DeclarationError
        If a file is missing or wrong, or an id stands twice.
    """
    info_path = folder / "rulebase.toml"
    try:
        info = RuleBaseInfo.model_validate(read_toml(info_path))
    except ValidationError as error:
        raise DeclarationError(
            "declaration_wrong", file=short_name(info_path), problems=describe_validation(error)
        ) from error
    rules = _read_folder(folder / "rules", "rule", Rule)
    if not rules:
        raise DeclarationError("declaration_wrong", file="rules", problems="no rule found; nothing could be judged")
    return KnowledgeBase(
        info=info,
        activities=_by_id(read_tables(folder / "activities.toml", "activity", Activity), "activities.toml"),
        rules=rules,
        parameters=_by_id(read_tables(folder / "parameters.toml", "parameter", Parameter), "parameters.toml"),
        concerns=tuple(_by_id(_read_folder(folder / "concerns", "concern", Concern), "concerns").values()),
        procedures=tuple(
            _by_id(read_tables(folder / "procedures.toml", "procedure", Procedure), "procedures.toml").values()
        ),
        cases=_read_folder(folder / "cases", "case", Case),
        control_points=tuple(
            _by_id(
                read_tables(folder / "control_points.toml", "control_point", ControlPoint), "control_points.toml"
            ).values()
        ),
        glossary=read_tables(folder / "glossary.toml", "term", Term),
        hash=_hash(folder),
    )

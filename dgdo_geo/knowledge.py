"""The knowledge base: ``knowledge/*.toml`` -> :class:`KnowledgeBase`, and its check.

Pure: reads text files, knows no geometry. The forms are in ``docs/rule-files.md``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import TypeVar

from dgdo_geo.errors import DeclarationError, InputError, NotInForceError
from dgdo_geo.knowledge_files import Files, unknown
from dgdo_geo.model import (
    Activity,
    ActivityGroup,
    Case,
    Concern,
    ControlPoint,
    CoveredSection,
    Declared,
    Pair,
    Parameter,
    Procedure,
    Publication,
    Rule,
    Source,
    Term,
    Wordbook,
)

KNOWLEDGE_DIR = Path(__file__).parent / "knowledge"

T = TypeVar("T", bound=Declared)


class RuleBaseInfo(Declared):
    """Version of the rule base and the day it begins.

    Attributes
    ----------
    elsewhere : mapping of str to str
        Rows of the catalogue (R01-R44) that are no rule, and where they live instead.
    """

    version: str
    covers_from: date
    checked_on: date
    elsewhere: dict[str, str] = {}


@dataclass(frozen=True)
class KnowledgeBase:
    """Everything that the files of ``knowledge/`` say.

    Attributes
    ----------
    files : dict of str to str
        File of every entry, by kind and id: ``files["rule r01-waterwingebied"]``.
    hash : str
        SHA-256 of the files that decide an answer.
    """

    info: RuleBaseInfo
    sources: dict[str, Publication]
    groups: dict[str, ActivityGroup]
    activities: dict[str, Activity]
    rules: tuple[Rule, ...]
    parameters: dict[str, Parameter]
    concerns: tuple[Concern, ...]
    coverage: tuple[CoveredSection, ...]
    procedures: tuple[Procedure, ...]
    pairs: tuple[Pair, ...]
    cases: tuple[Case, ...]
    control_points: tuple[ControlPoint, ...]
    glossary: tuple[Term, ...]
    files: dict[str, str]
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

    @cached_property
    def wordbook(self) -> Wordbook:
        """The glossary, ready to find its words in a text."""
        return Wordbook(self.glossary)

    def citations(self) -> Iterator[Source]:
        """Every citation of every entry."""
        cited: Iterable[Declared] = (
            *self.activities.values(),
            *self.rules,
            *self.parameters.values(),
            *self.concerns,
            *self.procedures,
            *self.pairs,
            *self.control_points,
        )
        for entry in cited:
            yield from _sources(entry)

    def pair(self, one: str, other: str) -> Pair | None:
        """How two activities go together, in either order; None when that was not worked out yet.

        Where the two orders differ, the one that was asked wins.
        """
        wanted = {(p.a, p.b): p for p in self.pairs}
        return wanted.get((one, other)) or wanted.get((other, one))

    def procedures_for(self, activity_id: str, top_m: float, base_m: float) -> tuple[Procedure, ...]:
        """Procedures that hold for an activity in (part of) a depth band."""
        return tuple(
            p for p in self.procedures if activity_id in p.activities and p.top_m < base_m and top_m < p.base_m
        )


def distances_of(bases: Iterable[KnowledgeBase]) -> dict[str, tuple[float, ...]]:
    """Per layer, every distance in metres that a rule of any of the rule bases may ask for."""
    found: dict[str, set[float]] = {}
    for base in bases:
        for layer, distances in base.distances().items():
            found.setdefault(layer, set()).update(distances)
    return {layer: tuple(sorted(distances)) for layer, distances in found.items()}


def _sources(value: object) -> Iterator[Source]:
    """Citations in an entry, however deep."""
    if isinstance(value, Source):
        yield value
    elif isinstance(value, Declared):
        for name in type(value).model_fields:
            yield from _sources(getattr(value, name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _sources(item)


def _hash(folder: Path) -> str:
    """SHA-256 over what decides an answer or is shown in it: rules, parameters, activities, procedures and so on."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("rules/*.toml"), *folder.glob("sources/*.toml"), *folder.glob("*.toml")]):
        if path.name in _NO_ANSWER:
            continue
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


_NO_ANSWER = ("control_points.toml", "glossary.toml", "concern_coverage.toml")


@cache
def read_knowledge(folder: Path = KNOWLEDGE_DIR) -> KnowledgeBase:
    """Read the whole knowledge base.

    Raises
    ------
    DeclarationError
        If a file is missing or wrong, or an id stands twice; names the file, the entry and the key.
    """
    if not folder.is_dir():
        raise InputError("knowledge_missing", folder=folder)
    bare = Files(folder)
    info = bare.one("rulebase.toml", RuleBaseInfo)
    sources = bare.by_id(bare.folder_of("sources", "source", Publication), "source")
    groups = bare.by_id(bare.tables("activity_groups.toml", "group", ActivityGroup), "group")
    files = Files(folder, sources, {key: group.activities for key, group in groups.items()})
    rules = files.folder_of("rules", "rule", Rule)
    if not rules:
        raise DeclarationError("declaration_wrong", file="rules", problems="no rule found; nothing could be judged")

    def listed(name: str, key: str, kind: type[T]) -> dict[str, T]:
        return files.by_id(files.tables(name, key, kind), key)

    return KnowledgeBase(
        info=info,
        sources=sources,
        groups=groups,
        activities=listed("activities.toml", "activity", Activity),
        rules=rules,
        parameters=listed("parameters.toml", "parameter", Parameter),
        concerns=tuple(files.by_id(files.folder_of("concerns", "concern", Concern), "concern").values()),
        coverage=tuple(listed("concern_coverage.toml", "section", CoveredSection).values()),
        procedures=tuple(listed("procedures.toml", "procedure", Procedure).values()),
        pairs=tuple(listed("compatibility.toml", "pair", Pair).values()),
        cases=files.folder_of("cases", "case", Case),
        control_points=tuple(listed("control_points.toml", "control_point", ControlPoint).values()),
        glossary=tuple(listed("glossary.toml", "term", Term).values()),
        files={**bare.origin, **files.origin},
        hash=_hash(folder),
    )


def with_changes(base: KnowledgeBase, path: Path) -> KnowledgeBase:
    """The same knowledge with some rules and parameters replaced, added or left out: a what-if.

    Parameters
    ----------
    path : Path
        A TOML file with ``[[rule]]``, ``[[parameter]]`` (an entry with a known id replaces it) and
        ``removed = ["id of a rule"]``.

    Raises
    ------
    DeclarationError
        If the file is wrong, or leaves out a rule that does not exist.
    """
    groups = {key: group.activities for key, group in base.groups.items()}
    files = Files(path.parent, base.sources, groups)
    together = ("rule", "parameter", "removed")
    rules = files.tables(path.name, "rule", Rule, together)
    parameters = files.by_id(files.tables(path.name, "parameter", Parameter, together), "parameter")
    removed = files.names(path.name, "removed")
    known = {rule.id for rule in base.rules}
    for rule_id in removed:
        if rule_id not in known:
            raise files.wrong(path.name, f"removed: {unknown('rule', rule_id, known)}")
    replaced = {rule.id for rule in rules} | set(removed)
    digest = hashlib.sha256(base.hash.encode() + path.read_bytes()).hexdigest()
    return replace(
        base,
        rules=tuple(rule for rule in base.rules if rule.id not in replaced) + rules,
        parameters={**base.parameters, **parameters},
        files={**base.files, **files.origin},
        hash=digest,
    )

"""What the page with the rules shows: entries of the knowledge base side by side, and what names what."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import PurePath

from dgdo_geo.knowledge import KnowledgeBase
from dgdo_geo.model import (
    Case,
    Concern,
    Confidence,
    Expected,
    Layer,
    Level,
    Pair,
    Parameter,
    Procedure,
    Rule,
    Verdict,
)
from dgdo_geo.texts import number_nl, section, text

CATALOGUE_ROW = re.compile(r"r(\d\d)-")
"""How the id of a rule begins that belongs to a row of the catalogue."""


@dataclass(frozen=True)
class Theme:
    """The rules of one file."""

    key: str
    title: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Named:
    """Activities as a reader names them: a whole group, or one by one.

    Attributes
    ----------
    group : str
        Id of the group, or empty.
    """

    group: str
    name: str
    activities: tuple[str, ...]


@dataclass(frozen=True)
class Number:
    """A parameter that a rule or activity uses, with its value on the day; both None when it does not exist."""

    key: str
    id: str
    parameter: Parameter | None
    value: float | None


@dataclass(frozen=True)
class Examples:
    """Cases about a rule: it fires, it is listed for a slanted well, it cannot be answered, it must not fire."""

    fires: tuple[Case, ...]
    unanswered: tuple[Case, ...]
    quiet: tuple[Case, ...]


@dataclass(frozen=True)
class Said:
    """The strictest that one level of government says of some activities on one layer, and the rules that say it.

    Attributes
    ----------
    regions : tuple of str
        Provinces where it says so; empty for the whole country.
    """

    regions: tuple[str, ...]
    verdict: Verdict
    named: tuple[Named, ...]
    rules: tuple[Rule, ...]


def amount(value: float) -> str:
    """A number with the decimals that it has.

    >>> amount(1250.0), amount(0.5), amount(10_000)
    ('1.250', '0,5', '10.000')
    """
    exponent = Decimal(repr(float(value))).normalize().as_tuple().exponent
    return number_nl(value, max(0, -exponent) if isinstance(exponent, int) else 0)


def interval(top_m: float, base_m: float) -> str:
    """A range of depths.

    >>> interval(500, 1250)
    '500 tot 1.250 m'
    """
    return text("rules_page", "interval", top=amount(top_m), base=amount(base_m))


class Facts:
    """The knowledge base as a reader meets it on one day.

    Parameters
    ----------
    knowledge : KnowledgeBase
    layers : mapping of layer id to Layer
    on : date
        The peildatum: what is in force and which value a number has.
    """

    def __init__(self, knowledge: KnowledgeBase, layers: Mapping[str, Layer], on: date) -> None:
        self.knowledge = knowledge
        self.layers = layers
        self.on = on

    # Rules

    @cached_property
    def themes(self) -> tuple[Theme, ...]:
        """Rules per file, in the order of the themes in the texts; other files after them."""
        titles = section("rules_theme")
        found: dict[str, list[Rule]] = {}
        for rule in self.knowledge.rules:
            found.setdefault(self.stem(rule), []).append(rule)
        order = [*(key for key in titles if key in found), *(key for key in found if key not in titles)]
        return tuple(Theme(key, titles.get(key, key), tuple(found[key])) for key in order)

    def file(self, kind: str, entry: str) -> str:
        """The file of an entry."""
        return self.knowledge.files.get(f"{kind} {entry}", "")

    def stem(self, rule: Rule) -> str:
        """The name of the file of a rule, which is its theme."""
        return PurePath(self.file("rule", rule.id)).stem

    @cached_property
    def _plain(self) -> dict[str, Rule]:
        """Per id the version that its plain anchor leads to: the one in force, else the last."""
        found: dict[str, Rule] = {}
        for rule in sorted(self.knowledge.rules, key=lambda rule: (rule.in_force(self.on), rule.valid_from)):
            found[rule.id] = rule
        return found

    def anchor(self, rule: Rule) -> str:
        """Id of a rule on the page; another version of the same rule has its first day in it."""
        is_plain = self._plain.get(rule.id) is rule
        return f"regel-{rule.id}" + ("" if is_plain else f".{rule.valid_from.isoformat()}")

    def titled(self, rule_id: str) -> str:
        """Title of a rule that another entry names."""
        rule = self._plain.get(rule_id)
        return rule_id if rule is None else rule.title_nl

    def numbers(self, rule: Rule) -> tuple[Number, ...]:
        """The thresholds of a rule."""
        keys = ("within", "deeper_than", "shallower_than")
        return tuple(self.number(key, getattr(rule, key)) for key in keys if getattr(rule, key) is not None)

    def number(self, key: str, parameter_id: str) -> Number:
        """A parameter with its value on the day."""
        parameter = self.knowledge.parameters.get(parameter_id)
        return Number(key, parameter_id, parameter, None if parameter is None else parameter.at(self.on))

    def since(self, parameter: Parameter) -> date | None:
        """The day from which the value of today holds."""
        return max((v.valid_from for v in parameter.values if v.valid_from <= self.on), default=None)

    def labels(self, rule: Rule) -> list[str]:
        """Classes that a rule names, in words; every class of its layer when it names none."""
        layer = self.layers.get(rule.layer or "")
        if layer is None:
            return list(rule.classes)
        return [layer.label(class_id) for class_id in rule.classes or [c.id for c in layer.classes]]

    def exempted_by(self, rule: Rule) -> list[Rule]:
        """Rules that take the place of this one where they hold."""
        return [other for other in self.knowledge.rules if rule.id in other.exempts]

    def examples(self, rule: Rule) -> Examples:
        """Cases that name a rule, on a day on which this version of it counts (or should be silent)."""
        fires, unanswered, quiet = [], [], []
        for case in self.knowledge.cases:
            is_mine = rule.in_force(case.on)
            if is_mine and rule.id in (*case.expect.rules, *case.expect.alternatives):
                fires.append(case)
            if is_mine and rule.id in case.expect.unanswered:
                unanswered.append(case)
            if rule.id in case.expect.quiet and (is_mine or self._plain.get(rule.id) is rule):
                quiet.append(case)
        return Examples(tuple(fires), tuple(unanswered), tuple(quiet))

    def rules_for(self, activity_id: str) -> list[tuple[Verdict, list[Rule]]]:
        """Rules about an activity per verdict, strictest first; those about a slanted well last."""
        found: dict[Verdict, list[Rule]] = {}
        for rule in sorted(self.knowledge.rules, key=lambda rule: (-rule.verdict, not rule.counts)):
            if activity_id in rule.activities:
                found.setdefault(rule.verdict, []).append(rule)
        return list(found.items())

    # Names

    def named(self, activities: Iterable[str]) -> tuple[Named, ...]:
        """Activities by name; a whole group by the name of the group, the largest first."""
        left = list(dict.fromkeys(activities))
        found = []
        for group in sorted(self.knowledge.groups.values(), key=lambda group: -len(group.activities)):
            if len(group.activities) > 1 and set(group.activities) <= set(left):
                found.append(Named(group.id, group.name_nl, group.activities))
                left = [activity for activity in left if activity not in group.activities]
        return (*found, *(Named("", self.name(activity), (activity,)) for activity in left))

    def name(self, activity_id: str) -> str:
        """The name of an activity."""
        activity = self.knowledge.activities.get(activity_id)
        return activity_id if activity is None else activity.name_nl

    def pair_name(self, pair: Pair) -> str:
        """Both activities of a pair, as a title."""
        if pair.a == pair.b:
            return text("rules_page", "pair_twice", a=self.name(pair.a))
        other = self.name(pair.b)
        is_word = other[1:2].islower()
        return text("rules_page", "pair", a=self.name(pair.a), b=other[:1].lower() + other[1:] if is_word else other)

    def procedure_name(self, procedure: Procedure) -> str:
        """A procedure by its activities and depths; with its id where another one has the same."""
        names = ", ".join(named.name for named in self.named(procedure.activities))
        title = text("rules_page", "procedure_title", names=names, depth=interval(procedure.top_m, procedure.base_m))
        key = (procedure.activities, procedure.top_m, procedure.base_m)
        same = [p for p in self.knowledge.procedures if (p.activities, p.top_m, p.base_m) == key]
        return title if len(same) == 1 else f"{title} ({procedure.id})"

    def layer_title(self, layer_id: str) -> str:
        """The title of a layer."""
        return self.layers[layer_id].title_nl if layer_id in self.layers else layer_id

    def provinces(self, codes: Iterable[str]) -> str:
        """Provinces by name."""
        names = section("rules_province")
        return ", ".join(names.get(code, code) for code in codes)

    # Tables

    @property
    def confidences(self) -> list[tuple[Confidence, int, int]]:
        """Per word of confidence, the number of rules, and how many of those have a doubt."""
        rules = self.knowledge.rules
        return [
            (word, sum(r.confidence is word for r in rules), sum(r.confidence is word and bool(r.doubt) for r in rules))
            for word in Confidence
        ]

    @property
    def levels(self) -> list[Level]:
        """Levels of government that a rule in force rests on."""
        used = {rule.level for rule in self._speaking}
        return [level for level in Level if level in used]

    @property
    def _speaking(self) -> list[Rule]:
        every = (rule for theme in self.themes for rule in theme.rules)
        return [rule for rule in every if rule.counts and rule.in_force(self.on)]

    def side_by_side(self) -> list[tuple[str, list[list[Said]]]]:
        """Per layer (its title, or empty for rules without one), per level, what it says at its strictest."""
        layers = dict.fromkeys(rule.layer for rule in self._speaking)
        ordered = sorted(layers, key=lambda layer: (layer is None, ""))
        return [
            ("" if layer is None else self.layer_title(layer), [self._said(layer, level) for level in self.levels])
            for layer in ordered
        ]

    def _said(self, layer: str | None, level: Level) -> list[Said]:
        """The whole country first, then province by province as the rules name them: these may differ."""
        rules = [rule for rule in self._speaking if rule.layer == layer and rule.level is level]
        places = sorted({rule.regions for rule in rules}, key=lambda regions: (bool(regions), regions))
        return [said for regions in places for said in self._said_in(regions, rules)]

    def _said_in(self, regions: tuple[str, ...], every: Iterable[Rule]) -> list[Said]:
        rules = [rule for rule in every if rule.regions == regions]
        strictest: dict[str, Verdict] = {}
        for rule in rules:
            for activity in rule.activities:
                strictest[activity] = max(rule.verdict, strictest.get(activity, rule.verdict))
        found = []
        for verdict in sorted(set(strictest.values()), reverse=True):
            meant = {activity for activity, word in strictest.items() if word is verdict}
            said_by = tuple(rule for rule in rules if rule.verdict is verdict and meant & set(rule.activities))
            named = self.named(activity for activity in self.knowledge.activities if activity in meant)
            found.append(Said(regions, verdict, named, said_by))
        return found

    def catalogue(self) -> list[tuple[str, list[Rule], str]]:
        """Every row of the catalogue up to the last one: its rules, or where it lives instead."""
        rows: dict[int, list[Rule]] = {}
        for rule in self._plain_in_order():
            if found := CATALOGUE_ROW.match(rule.id):
                rows.setdefault(int(found[1]), []).append(rule)
        elsewhere = self.knowledge.info.elsewhere
        last = max([0, *rows, *(int(row[1:]) for row in elsewhere if row[1:].isdigit())])
        return [(f"R{n:02}", rows.get(n, []), elsewhere.get(f"R{n:02}", "")) for n in range(1, last + 1)]

    def beyond_catalogue(self) -> list[Rule]:
        """Rules that belong to no row of the catalogue."""
        return [rule for rule in self._plain_in_order() if not CATALOGUE_ROW.match(rule.id)]

    def _plain_in_order(self) -> list[Rule]:
        return [rule for rule in self.knowledge.rules if self._plain.get(rule.id) is rule]

    def procedures_for(self, activity_id: str, top_m: float, base_m: float) -> tuple[Procedure, ...]:
        """Procedures for an activity in a depth band."""
        return self.knowledge.procedures_for(activity_id, top_m, base_m)

    # Pairs

    def partners(self) -> list[tuple[str, list[Pair]]]:
        """Pairs, under the first of the two activities."""
        found: dict[str, list[Pair]] = {}
        for pair in self.knowledge.pairs:
            found.setdefault(pair.a, []).append(pair)
        return list(found.items())

    def open_pairs(self) -> list[tuple[str, list[str]]]:
        """Pairs of activities that nobody worked out, each once, under the first of the two."""
        ids = list(self.knowledge.activities)
        found = [(a, [b for b in ids[i:] if self.knowledge.pair(a, b) is None]) for i, a in enumerate(ids)]
        return [(a, others) for a, others in found if others]

    # Concerns

    def concern_sections(self) -> list[tuple[str, list[Concern]]]:
        """Concerns per part of the source document, with its title where it has one."""
        titles = {part.id: f"{part.id}: {part.title_nl}" for part in self.knowledge.coverage}
        found: dict[str, list[Concern]] = {}
        for concern in self.knowledge.concerns:
            found.setdefault(titles.get(concern.section, concern.section), []).append(concern)
        return sorted(found.items(), key=lambda item: _by_number(item[0]))

    def concern_title(self, concern_id: str) -> str:
        """The title of a concern."""
        return next((c.title_nl for c in self.knowledge.concerns if c.id == concern_id), concern_id)

    # Control points and counts

    def expected(self, item: Expected) -> list[str]:
        """What an activity must give at a control point, in words."""
        found = []
        if item.potential is not None:
            found.append(text("rules_page", "expect_potential", word=text("potential", item.potential)))
        if item.verdict is not None:
            found.append(text("rules_page", "expect_verdict", word=text("verdict", item.verdict)))
        if item.conclusive is not None:
            found.append(text("rules_page", "expect_conclusive" if item.conclusive else "expect_open"))
        return found

    @property
    def counts(self) -> Counter[str]:
        """How many of everything."""
        known = self.knowledge
        found = Counter(
            rules=len(known.rules),
            in_force=sum(rule.in_force(self.on) for rule in known.rules),
            activities=len(known.activities),
            procedures=len(known.procedures),
            pairs=len(known.pairs),
            numbers=len(known.parameters),
            concerns=len(known.concerns),
            sources=len(known.sources),
            cases=len(known.cases),
            points=len(known.control_points),
            terms=len(known.glossary),
        )
        return found


def _by_number(title: str) -> list[str | int]:
    """Key that puts A.10 after A.2."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", title)]

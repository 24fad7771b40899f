"""The page with all rules: complete, honest about doubt, readable for everyone, and on its own."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache, cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from dgdo_geo.catalogue import read_catalogue, shipped_layers_dir
from dgdo_geo.knowledge import KnowledgeBase, read_knowledge
from dgdo_geo.model import Act, Confidence, Doubt, Extent, Level, Rule, Source, Verdict
from dgdo_geo.model.guidance import Together
from dgdo_geo.report.rules_page import quantity, rules_page
from dgdo_geo.report.written import article, day
from dgdo_geo.texts import TEXTS_DIR, section, text

ON = date(2026, 11, 23)
KNOWN = read_knowledge()
LAYERS = {layer_id: entry.layer for layer_id, entry in read_catalogue([shipped_layers_dir()]).items()}
EMPTY_TAGS = ("meta", "input", "br", "link", "img")
STEP_FIELDS = ("decides", "advises", "municipality", "province", "water_board", "participation", "appeal")


# Reading a page ---------------------------------------------------------------------------


@dataclass
class Node:
    """One element, with its parts in order."""

    tag: str
    attrs: dict[str, str]
    parts: list[Node | str] = field(default_factory=list)

    @cached_property
    def text(self) -> str:
        """All text in it, with single spaces."""
        pieces = [part if isinstance(part, str) else part.text for part in self.parts]
        return re.sub(r"\s+", " ", "".join(pieces))

    def walk(self) -> Iterator[Node]:
        """It and every element in it."""
        yield self
        for part in self.parts:
            if isinstance(part, Node):
                yield from part.walk()

    def all(self, *tags: str) -> list[Node]:
        """Every element in it with one of these tags."""
        return [node for node in self.walk() if node.tag in tags]


class Reader(HTMLParser):
    """Builds the tree; fails on tags that do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = [Node("page", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {key: value or "" for key, value in attrs})
        self.stack[-1].parts.append(node)
        if tag not in EMPTY_TAGS:
            self.stack.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack[-1].tag == tag, f"</{tag}> closes <{self.stack[-1].tag}>"
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        self.stack[-1].parts.append(data)


def parse(html: str) -> Node:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert len(reader.stack) == 1
    return reader.stack[0]


@cache
def shipped_html() -> str:
    return rules_page(KNOWN, LAYERS, ON)


@cache
def shipped() -> Node:
    return parse(shipped_html())


@cache
def shipped_by_id() -> dict[str, Node]:
    return by_id(shipped())


def by_id(page: Node) -> dict[str, Node]:
    return {node.attrs["id"]: node for node in page.walk() if "id" in node.attrs}


def changed(base: KnowledgeBase = KNOWN, **changes: Any) -> dict[str, Node]:
    """The page of a knowledge base with some changes, by id."""
    return by_id(parse(rules_page(replace(base, **changes), LAYERS, ON)))


def with_rule(rule_id: str, **changes: Any) -> tuple[Rule, ...]:
    return tuple(rule.model_copy(update=changes) if rule.id == rule_id else rule for rule in KNOWN.rules)


def flat(words: str) -> str:
    return re.sub(r"\s+", " ", words)


def missing(node: Node, wanted: Iterable[str]) -> list[str]:
    return [words for words in wanted if flat(words) not in node.text]


def doubt_words(item: Any) -> list[str]:
    """What must be said of the certainty of a statement."""
    doubt: tuple[Doubt, ...] = getattr(item, "doubt", ())
    return [text("confidence", item.confidence.value), *(text("doubt", word.value) for word in doubt)]


def short_words(item: Any) -> str:
    word = text("rules_short", item.confidence.value)
    return f"{word}, {text('rules_short', 'doubt')}" if item.doubt else word


def source_words(source: Source) -> list[str]:
    return [source.title, article(source.article), source.quote_nl]


# Everything is there ----------------------------------------------------------------------


@pytest.mark.parametrize("rule", KNOWN.rules, ids=lambda rule: f"{rule.id} {rule.valid_from}")
def test_a_rule_is_written_out(rule: Rule) -> None:
    node = next(n for n in shipped_by_id().values() if n.tag == "article" and f"Id: {rule.id}. " in n.text)
    wanted = [
        rule.title_nl, rule.explanation_nl, rule.condition_nl, rule.deviation_nl, *rule.not_modelled,
        text("verdict", rule.verdict.key), text("level", rule.level.value), text("act", rule.act.value),
        day(rule.valid_from), day(rule.checked_on), *doubt_words(rule), KNOWN.files[f"rule {rule.id}"],
    ]  # fmt: skip
    for source in (rule.source, *rule.also):
        wanted += [*source_words(source), day(source.published), source.read_as_nl]
        if source.url:
            assert source.url in [link.attrs["href"] for link in node.all("a")]
    wanted += [KNOWN.activities[activity].name_nl for activity in rule.activities]
    wanted += [text("rules_province", code) for code in rule.regions] or [text("rules_page", "whole_country")]
    if rule.layer is not None:
        layer = LAYERS[rule.layer]
        wanted += [layer.title_nl, text("quality", layer.quality.value), text("rules_extent", rule.extent.value)]
        wanted += [layer.label(class_id) for class_id in rule.classes or [c.id for c in layer.classes]]
    for parameter_id in filter(None, (rule.within, rule.deeper_than, rule.shallower_than)):
        parameter = KNOWN.parameters[parameter_id]
        value = parameter.at(ON)
        assert value is not None
        wanted += [quantity(value, parameter.unit), parameter.label_nl, *doubt_words(parameter)]
    assert missing(node, wanted) == []


def test_cases_stand_with_the_rules_that_they_are_about() -> None:
    assert KNOWN.cases
    for case in KNOWN.cases:
        for rule_id in {*case.expect.rules, *case.expect.alternatives, *case.expect.unanswered, *case.expect.quiet}:
            assert case.name in [item.text for item in shipped_by_id()[f"regel-{rule_id}"].all("li")], rule_id


def test_a_case_that_must_not_fire_is_told_apart() -> None:
    rule = KNOWN.rules[0]
    examples = [case for case in KNOWN.cases if rule.id in case.expect.quiet]
    firing = [case for case in KNOWN.cases if rule.id in (*case.expect.rules, *case.expect.alternatives)]
    assert firing
    details = shipped_by_id()[f"regel-{rule.id}"].all("details")[0].text
    before, _, after = details.partition(text("rules_page", "examples_quiet"))
    assert all(case.name in before for case in firing)
    assert all(case.name in after for case in examples)


def test_every_cited_source_says_who_cites_it() -> None:
    cited = {source.id for source in KNOWN.citations()}
    assert cited
    rows = shipped_by_id()
    for source_id, source in KNOWN.sources.items():
        row = rows[f"bron-{source_id}"]
        wanted = [source_id, source.title, text("rules_kind", source.kind), day(source.published), source.read_as_nl]
        assert missing(row, wanted) == []
        assert (text("rules_page", "not_cited") in row.text) == (source_id not in cited), source_id
    for rule in KNOWN.rules:
        for cited_source in (rule.source, *rule.also):
            assert rule.title_nl in rows[f"bron-{cited_source.id}"].text


def test_every_row_of_the_catalogue_is_a_rule_or_elsewhere() -> None:
    cells = {row.all("th")[0].text: row for row in table("catalogue_caption").all("tr") if row.all("td")}
    for row, words in KNOWN.info.elsewhere.items():
        assert words in cells[row].text
    for rule in KNOWN.rules:
        row = rule.id[:3].upper()
        assert rule.title_nl in cells[row if row in cells else text("rules_page", "beyond")].text
    assert text("rules_page", "row_missing") not in table("catalogue_caption").text
    without = {row: words for row, words in KNOWN.info.elsewhere.items() if row != min(KNOWN.info.elsewhere)}
    page = changed(info=KNOWN.info.model_copy(update={"elsewhere": without}))
    assert text("rules_page", "row_missing") in page["inhoud"].text


def table(caption: str, **values: object) -> Node:
    words = text("rules_page", caption, **values)
    return next(node for node in shipped().all("table") if node.all("caption")[0].text == words)


@pytest.mark.parametrize("activity_id", KNOWN.activities)
def test_an_activity_is_written_out(activity_id: str) -> None:
    activity = KNOWN.activities[activity_id]
    node = shipped_by_id()[f"activiteit-{activity_id}"]
    wanted = [
        activity.name_nl, activity.summary_nl, activity.needs_nl, activity.well_needs_nl, activity.policy_nl,
        text("policy_status", activity.status), day(activity.policy_date), *doubt_words(activity),
        *(LAYERS[layer].title_nl for layer in activity.potential_layers),
    ]  # fmt: skip
    for source in activity.sources:
        wanted += source_words(source)
    assert missing(node, wanted) == []
    rows = [row for row in node.all("tr") if row.all("td")]
    assert len(rows) == len(activity.requirements)
    for row, item in zip(rows, activity.requirements, strict=True):
        wanted = [item.quantity_nl, item.text_nl, *doubt_words(item), *source_words(item.source)]
        for parameter_id in filter(None, (item.at_least, item.at_most)):
            parameter = KNOWN.parameters[parameter_id]
            value = parameter.at(ON)
            assert value is not None
            wanted += [quantity(value, parameter.unit), *doubt_words(parameter)]
        assert missing(row, wanted) == []


@pytest.mark.parametrize("procedure", KNOWN.procedures, ids=lambda procedure: procedure.id)
def test_a_procedure_shows_its_gaps_too(procedure: Any) -> None:
    node = shipped_by_id()[f"procedure-{procedure.id}"]
    wanted = [procedure.summary_nl, procedure.act, day(procedure.checked_on), *procedure.gaps_nl]
    assert missing(node, wanted + source_words(procedure.source)) == []
    assert procedure.steps
    for number, step in enumerate(procedure.steps, start=1):
        item = shipped_by_id()[f"procedure-{procedure.id}.{number}"]
        wanted = [text("phase", step.phase.value), step.step_nl, *doubt_words(step)]
        for source in (step.source, *step.also):
            wanted += source_words(source)
        assert missing(item, wanted) == []
        told = {part.all("dt")[0].text: part.all("dd")[0].text for part in item.all("div")}
        for key in STEP_FIELDS:
            said = getattr(step, f"{key}_nl")
            assert told[text("rules_page", key)] == (flat(said) or "nog niet uitgezocht"), key


def test_every_pair_of_activities_has_a_cell() -> None:
    rows = [row for row in table("pairs_caption").all("tr") if row.all("td")]
    assert len(rows) == len(KNOWN.activities)
    for row, one in zip(rows, KNOWN.activities, strict=True):
        cells = row.all("td")
        assert len(cells) == len(KNOWN.activities)
        for cell, other in zip(cells, KNOWN.activities, strict=True):
            pair = KNOWN.pair(one, other)
            if pair is None:
                assert cell.text == "nog niet uitgezocht"
            else:
                assert cell.text == f"{text('together', pair.same_volume.value)} ({short_words(pair)})"
                assert cell.all("a")[0].attrs["href"] == f"#paar-{pair.id}"


def test_a_pair_is_written_out() -> None:
    assert KNOWN.pairs
    for pair in KNOWN.pairs:
        wanted = [
            pair.explanation_nl, pair.distance_nl, pair.order_nl, pair.asymmetry_nl, day(pair.checked_on),
            text("together", pair.same_volume.value), text("together", pair.stacked.value), *doubt_words(pair),
        ]  # fmt: skip
        for source in (pair.source, *pair.also):
            wanted += source_words(source)
        assert missing(shipped_by_id()[f"paar-{pair.id}"], wanted) == [], pair.id


def test_pairs_that_nobody_worked_out_are_named() -> None:
    page = changed(pairs=())
    names = [activity.name_nl for activity in KNOWN.activities.values()]
    opened = page["inhoud"].text.partition(text("rules_page", "open_pairs"))[2]
    assert f"{names[0]}: {', '.join(names)}" in opened
    assert text("rules_page", "no_open_pairs") not in opened


def test_numbers_with_their_history() -> None:
    for parameter in KNOWN.parameters.values():
        row = shipped_by_id()[f"getal-{parameter.id}"]
        wanted = [parameter.label_nl, day(parameter.checked_on)]
        for value in parameter.values:
            wanted += [quantity(value.value, parameter.unit), day(value.valid_from), *source_words(value.source)]
        assert missing(row, wanted) == []
        assert [words for words in doubt_words(parameter) if words not in row.text.lower()] == []


def test_a_number_has_the_value_of_the_day() -> None:
    used = next(rule for rule in KNOWN.rules if rule.within is not None)
    parameter = KNOWN.parameters[str(used.within)]
    first = parameter.values[0]
    later = first.model_copy(update={"valid_from": ON + timedelta(days=1), "value": 98765.0})
    page = changed(parameters={**KNOWN.parameters, parameter.id: parameter.model_copy(update={"values": (later,)})})
    row, rule = page[f"getal-{parameter.id}"], page[f"regel-{used.id}"]
    assert text("rules_page", "no_value") in row.text
    assert "98.765 m" in row.text
    assert text("rules_page", "no_value") in rule.text
    assert "98.765" not in rule.text


def test_concerns_words_and_control_points() -> None:
    page = shipped_by_id()
    for concern in KNOWN.concerns:
        node = page[f"aandachtspunt-{concern.id}"]
        assert missing(node, [concern.title_nl, concern.text_nl, *concern.regions, concern.raised_by.value]) == []
    assert missing(table("coverage"), [part.title_nl for part in KNOWN.coverage]) == []
    for term in KNOWN.glossary:
        assert missing(page[f"woord-{term.id}"], [term.term_nl, term.meaning_nl, *term.forms]) == []
    for point in KNOWN.control_points:
        assert missing(page[f"punt-{point.id}"], [point.name, point.reason_nl, *doubt_words(point)]) == []


def test_head_of_the_page() -> None:
    info = KNOWN.info
    wanted = [info.version, day(info.covers_from), day(info.checked_on), day(ON), KNOWN.hash[:12]]
    wanted += [f"{len(KNOWN.rules)} regels", f"{len(KNOWN.sources)} bronnen"]
    head = shipped_by_id()["inhoud"].all("section")[0]
    assert missing(head, wanted) == []
    assert missing(head, section("verdict_explained").values()) == []
    assert missing(head, section("doubt").values()) == []


def test_a_day_before_the_rules_begin_is_refused_in_words() -> None:
    words = text("rules_page", "read_future", first=day(KNOWN.info.covers_from))
    assert words not in shipped().text
    assert words in parse(rules_page(KNOWN, LAYERS, KNOWN.info.covers_from - timedelta(days=1))).text


# Nothing without its certainty -------------------------------------------------------------


def test_rules_that_are_named_elsewhere_carry_their_certainty() -> None:
    rules = {f"#regel-{rule.id}": rule for rule in KNOWN.rules}
    looked = 0
    for caption, values in (("sides_caption", {"on": day(ON)}), ("catalogue_caption", {})):
        for cell in table(caption, **values).all("td"):
            for item in cell.all("li"):
                rule = rules[item.all("a")[0].attrs["href"]]
                assert f"({short_words(rule)}" in item.text
                looked += 1
    for activity_id in KNOWN.activities:
        node = shipped_by_id()[f"activiteit-{activity_id}"]
        for rule in KNOWN.rules:
            if activity_id in rule.activities:
                assert f"{flat(rule.title_nl)} ({short_words(rule)}" in node.text
                looked += 1
    assert looked > len(KNOWN.rules)


def test_overviews_of_rules_carry_verdict_and_certainty_in_words() -> None:
    rows = {}
    for node in shipped().all("table"):
        for row in node.all("tr"):
            links = row.all("th")[0].all("a") if row.all("th") else []
            if links and links[0].attrs["href"].startswith("#regel-"):
                rows[links[0].attrs["href"]] = row
    assert len(rows) == len(KNOWN.rules)
    for rule in KNOWN.rules:
        said = rows[f"#regel-{rule.id}"].text.lower()
        wanted = [text("verdict", rule.verdict.key), text("level", rule.level.value), *doubt_words(rule)]
        assert [words for words in wanted if words.lower() not in said] == [], rule.id


def test_state_and_province_side_by_side() -> None:
    """The strictest word per activity, also where two rules of one level speak of the same layer."""
    rows = {row.all("th")[0].text: row for row in table("sides_caption", on=day(ON)).all("tr") if row.all("td")}
    in_force = [rule for rule in KNOWN.rules if rule.counts and rule.in_force(ON)]
    levels = [level for level in Level if any(rule.level is level for rule in in_force)]
    for rule in in_force:
        title = text("rules_page", "no_layer") if rule.layer is None else LAYERS[rule.layer].title_nl
        cell = rows[title].all("td")[levels.index(rule.level)]
        rivals = [r for r in in_force if (r.layer, r.level, r.regions) == (rule.layer, rule.level, rule.regions)]
        is_strictest = any(
            all(r.verdict <= rule.verdict for r in rivals if activity in r.activities) for activity in rule.activities
        )
        assert (f"#regel-{rule.id}" in [a.attrs["href"] for a in cell.all("a")]) == is_strictest, rule.id


# Validity and versions ----------------------------------------------------------------------


def test_a_rule_that_is_not_in_force_is_marked() -> None:
    assert all(rule.in_force(ON) for rule in KNOWN.rules[:2])
    first, second = KNOWN.rules[0], KNOWN.rules[1]
    start, end = ON + timedelta(days=1), ON - timedelta(days=1)
    assert text("rules_page", "not_yet", on=day(ON), start=day(start)) not in shipped().text
    page = changed(rules=with_rule(first.id, valid_from=start))
    assert text("rules_page", "not_yet", on=day(ON), start=day(start)) in page[f"regel-{first.id}"].text
    page = changed(rules=with_rule(second.id, valid_to=end))
    assert text("rules_page", "no_longer", on=day(ON), end=day(end)) in page[f"regel-{second.id}"].text
    assert f"#regel-{second.id}" not in hrefs(page, "sides_caption")


def hrefs(page: dict[str, Node], caption: str) -> list[str]:
    words = text("rules_page", caption, on=day(ON))
    found = next(n for n in page["inhoud"].all("table") if n.all("caption")[0].text == words)
    return [link.attrs["href"] for link in found.all("a")]


def test_two_versions_of_a_rule_both_stand_there() -> None:
    rule = KNOWN.rules[0]
    old = rule.model_copy(update={"valid_to": ON - timedelta(days=1), "title_nl": "De oude versie"})
    new = rule.model_copy(update={"valid_from": ON, "title_nl": "De nieuwe versie"})
    page = changed(rules=(old, new, *KNOWN.rules[1:]))
    assert "De nieuwe versie" in page[f"regel-{rule.id}"].text
    assert "De oude versie" in page[f"regel-{rule.id}.{rule.valid_from}"].text


def test_rules_about_a_slanted_well_say_so() -> None:
    slanted = [rule for rule in KNOWN.rules if not rule.counts]
    for rule in KNOWN.rules:
        assert (text("rules_page", "slanted") in shipped_by_id()[f"regel-{rule.id}"].text) == (rule in slanted)


def test_a_whole_group_is_named_as_a_group() -> None:
    group = max(KNOWN.groups.values(), key=lambda group: len(group.activities))
    first = KNOWN.rules[0]
    other = next(activity for activity in KNOWN.activities if activity not in group.activities)
    page = changed(rules=with_rule(first.id, activities=(other, *group.activities)))
    links = [link.attrs["href"] for link in page[f"regel-{first.id}"].all("a")]
    assert f"#groep-{group.id}" in links and f"#activiteit-{other}" in links
    page = changed(rules=with_rule(first.id, activities=group.activities[1:]))
    assert f"#groep-{group.id}" not in [link.attrs["href"] for link in page[f"regel-{first.id}"].all("a")]


def test_names_that_do_not_exist_do_not_stop_the_page() -> None:
    rules = with_rule(KNOWN.rules[0].id, layer="geen-laag", classes=("x",), within="geen-getal", activities=("wat",))
    html = rules_page(replace(KNOWN, rules=rules), {}, ON)
    assert missing(parse(html), ["geen-laag", "wat", text("rules_page", "parameter_unknown", id="geen-getal")]) == []


# Safe and on its own -------------------------------------------------------------------------


def test_hostile_texts_stay_text() -> None:
    bad = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}'
    rule, pair, concern = KNOWN.rules[0], KNOWN.pairs[0], KNOWN.concerns[0]
    source = rule.source.model_copy(
        update={"title": bad, "article": bad, "quote_nl": bad, "url": "javascript:alert(1)"}
    )
    words = {"title_nl": bad, "explanation_nl": bad, "deviation_nl": bad, "not_modelled": (bad,), "source": source}
    activity = next(iter(KNOWN.activities.values()))
    page = rules_page(
        replace(
            KNOWN,
            rules=with_rule(rule.id, **words),
            pairs=(pair.model_copy(update={"explanation_nl": bad, "distance_nl": bad}), *KNOWN.pairs[1:]),
            concerns=(
                concern.model_copy(update={"title_nl": bad, "text_nl": bad, "section": bad}),
                *KNOWN.concerns[1:],
            ),
            activities={
                **KNOWN.activities,
                activity.id: activity.model_copy(update={"name_nl": bad, "summary_nl": bad}),
            },
            files={**KNOWN.files, f"rule {rule.id}": f"rules/{bad}.toml"},
        ),
        LAYERS,
        ON,
    )
    tree = parse(page)
    assert len(tree.all("script")) == 1
    assert tree.all("img") == []
    assert "javascript:" not in page
    assert not any(name.startswith("on") for node in tree.walk() for name in node.attrs)
    assert bad in tree.text


def test_page_asks_nothing_of_the_network() -> None:
    tree = shipped()
    assert tree.all("link", "img", "iframe", "object", "embed", "form", "base") == []
    for node in tree.walk():
        assert not {"src", "srcset", "background", "poster", "style"} & set(node.attrs), node.tag
    code = " ".join(node.text for node in tree.all("style", "script"))
    assert not re.search(r"url\(|@import|https?:|fetch|XMLHttpRequest|eval\(", code)
    for link in tree.all("a"):
        assert link.attrs["href"].startswith(("#", "https://")), link.attrs["href"]


def test_ids_are_unique_and_links_on_the_page_resolve() -> None:
    ids = Counter(node.attrs["id"] for node in shipped().walk() if "id" in node.attrs)
    assert [name for name, number in ids.items() if number > 1] == []
    wanted = {a.attrs["href"][1:] for a in shipped().all("a") if a.attrs["href"].startswith("#")}
    assert len(wanted) > len(KNOWN.rules)
    assert sorted(wanted - set(ids)) == []
    for node in shipped().walk():
        for key in ("aria-labelledby", "aria-describedby", "for"):
            assert node.attrs.get(key, "inhoud") in ids


def test_every_entry_has_its_fixed_anchor() -> None:
    for kind, names in {
        "regel": [rule.id for rule in KNOWN.rules],
        "bron": KNOWN.sources,
        "woord": [term.id for term in KNOWN.glossary],
        "activiteit": KNOWN.activities,
        "procedure": [procedure.id for procedure in KNOWN.procedures],
        "aandachtspunt": [concern.id for concern in KNOWN.concerns],
    }.items():
        assert [name for name in names if f"{kind}-{name}" not in shipped_by_id()] == []


# Readable for everyone -----------------------------------------------------------------------


def test_structure_for_assistive_technology() -> None:
    page = shipped()
    assert page.all("html")[0].attrs["lang"] == "nl"
    assert [node.tag for node in page.all("h1")] == ["h1"]
    levels = [int(node.tag[1]) for node in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert all(later <= earlier + 1 for earlier, later in zip(levels, levels[1:], strict=False))
    assert all(node.text.strip() for node in page.all("h1", "h2", "h3", "h4", "h5", "a", "title"))
    first = page.all("body")[0].all("a")[0]
    assert first.attrs == {"class": "skip", "href": "#inhoud"}
    for node in page.all("table"):
        assert node.all("caption")[0].text.strip()
        assert all(cell.attrs.get("scope") in ("col", "row") for cell in node.all("th"))
    regions = [node for node in page.walk() if "wide" in node.attrs.get("class", "").split()]
    assert len(regions) == len(page.all("table"))
    names = [node.attrs["aria-label"] for node in regions]
    assert len(names) == len(set(names)), "two regions with one name"
    assert all(node.attrs["tabindex"] == "0" and node.attrs["role"] == "region" for node in regions)


def test_contents_name_every_part() -> None:
    page = shipped()
    toc = [link.attrs["href"][1:] for link in page.all("nav")[0].all("a")]
    main = shipped_by_id()["inhoud"]
    named = [node.attrs["aria-labelledby"] for node in main.all("section")]
    assert sorted(toc) == sorted(named)


def test_colours_differ_enough() -> None:
    css = (Path(rules_page.__code__.co_filename).parent / "templates" / "rules.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--(\w+(?:-\w+)?): (#\w{6});", css))
    for front in ("ink", "soft", "blue", "warn"):
        for back in ("#ffffff", colours["pale"], colours["warn-back"], "#fff5cc"):
            assert contrast(colours[front], back) >= 4.5, (front, back)


def contrast(one: str, other: str) -> float:
    """The contrast of WCAG 2."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


# Words ------------------------------------------------------------------------------------------


def test_every_text_is_used_and_every_word_has_one() -> None:
    folder = Path(rules_page.__code__.co_filename).parent
    code = "".join(p.read_text(encoding="utf-8") for p in (*folder.glob("rules_*.py"), *folder.glob("templates/*")))
    entries = tomllib.loads((TEXTS_DIR / "rules_page.toml").read_text(encoding="utf-8"))
    built = re.compile("col_|where_.*_any$")
    assert [key for key in entries["rules_page"] if f'"{key}"' not in code and not built.match(key)] == []
    columns = set(re.findall(r'"(\w+)"', " ".join(re.findall(r"for column in \(([^)]*)\)", code))))
    columns |= set(re.findall(r't\("col_(\w+)"', code))
    assert {key for key in entries["rules_page"] if key.startswith("col_")} == {f"col_{key}" for key in columns}
    for name, words in (("level", Level), ("act", Act), ("rules_extent", Extent), ("together", Together)):
        assert set(section(name)) >= {word.value for word in words}
    assert set(section("rules_confidence")) == {word.value for word in Confidence}
    assert set(section("verdict")) >= {word.key for word in Verdict}


def test_every_file_of_rules_has_a_title() -> None:
    stems = {Path(file).stem for key, file in KNOWN.files.items() if key.startswith("rule ")}
    assert sorted(stems - set(section("rules_theme"))) == []
    assert set(KNOWN.activities) and {f"PV{n}" for n in range(20, 32)} == set(section("rules_province"))


def test_a_theme_without_a_title_has_the_name_of_its_file() -> None:
    rule = KNOWN.rules[0]
    page = changed(files={**KNOWN.files, f"rule {rule.id}": "mijn/rules/eigen_regels.toml"})
    assert page["thema-eigen_regels"].text == "eigen_regels"


# With a browser -----------------------------------------------------------------------------------


@pytest.mark.browser
def test_page_in_a_browser(browser: Any, tmp_path: Path) -> None:
    """At 320 px nothing runs off the page, nothing is fetched, and the filter keeps what holds all words."""
    file = tmp_path / "regels.html"
    file.write_text(shipped_html(), encoding="utf-8")
    rule = KNOWN.rules[0]
    page = browser.new_page(viewport={"width": 320, "height": 800})
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_label(text("rules_page", "filter")).fill(rule.id)
    assert page.locator(".rule:visible").count() < len(KNOWN.rules)
    assert page.locator(f"#regel-{rule.id}").is_visible()
    other = next(r for r in KNOWN.rules if not page.locator(f"[id='regel-{r.id}']").is_visible())
    page.evaluate("id => { location.hash = id }", f"regel-{other.id}")
    page.locator(f"[id='regel-{other.id}']").wait_for(state="visible")
    assert page.locator("#gevonden").inner_text() == ""
    page.close()
    assert asked == [file.as_uri()]
    assert errors == []

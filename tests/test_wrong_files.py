"""A mistake in a file gives one message: in which file, in which entry, at which key."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from worlds import OWN_IDEA, PAPER, PUBLICATIONS, TODAY, Tables, World, tiny_tables, write_tables

from dgdo_geo.check import check
from dgdo_geo.errors import DeclarationError
from dgdo_geo.knowledge import read_knowledge, with_changes

Change = Callable[[Tables], object]
RULES, SOURCES, PARAMETERS = "rules/test.toml", "sources/papier.toml", "parameters.toml"


def messages(world: World, change: Change) -> tuple[str, ...]:
    """What a reader of the check is told, whether the file can be read or not."""
    tables = tiny_tables()
    change(tables)
    shutil.rmtree(world.knowledge)
    write_tables(world.knowledge, tables)
    try:
        result = check(world.open(), TODAY)
    except DeclarationError as error:
        return (str(error),)
    return result.errors + result.warnings


def zone(**changes: Any) -> Change:
    """The rule about zones with other values; None takes a key away."""

    def change(tables: Tables) -> None:
        rule = tables[RULES]["rule"][0]
        rule.update(changes)
        tables[RULES]["rule"][0] = {key: value for key, value in rule.items() if value is not None}

    return change


def renamed(old: str, new: str) -> Change:
    """The rule about zones with a key spelt wrong."""

    def change(tables: Tables) -> None:
        rule = tables[RULES]["rule"][0]
        rule[new] = rule.pop(old)

    return change


def twice(file: str, kind: str, **changes: Any) -> Change:
    """The first entry of a file, once more."""
    return lambda tables: tables[file][kind].append(tables[file][kind][0] | changes)


def first(file: str, kind: str, **changes: Any) -> Change:
    """Other values in the first entry of a file."""
    return lambda tables: tables[file][kind][0].update(changes)


def overlapping(tables: Tables) -> None:
    """The second version begins on the last day of the first."""
    day = date(2025, 12, 31)
    old = tables[RULES]["rule"][0]
    tables[RULES]["rule"].append(old | {"valid_from": day})
    old["valid_to"] = day


WORDS_25, WORDS_26 = "woord " * 25, "woord " * 26
PUBLISHED_WRONG: list[object] = ["maart 2018", "2018-13", "2018-3", "18", "2018-03-09", 2018, datetime(2018, 3, 9, 12)]

MISTAKES: list[tuple[str, Change, str, str, str]] = [
    # what is wrong                  change                                             file, entry and key
    ("unknown key", zone(colour="red"), RULES, "rule 'r-zone'", "colour"),
    ("key that looks like another", zone(valid_form=TODAY), RULES, "rule 'r-zone'", "valid_form"),
    ("misspelt key", renamed("valid_from", "valid_form"), RULES, "rule 'r-zone'", "valid_form"),
    ("missing key", zone(act=None), RULES, "rule 'r-zone'", "act"),
    ("missing id", zone(id=None), RULES, "rule 'number 1'", "id"),
    ("no date", zone(valid_from="gisteren"), RULES, "rule 'r-zone'", "valid_from"),
    ("a name for a list", zone(classes="zone"), RULES, "rule 'r-zone'", "classes"),
    ("a text for a source", zone(source="papier"), RULES, "rule 'r-zone'", "source"),
    ("a number for a text", zone(title_nl=3), RULES, "rule 'r-zone'", "title_nl"),
    ("unknown word", zone(level="european"), RULES, "rule 'r-zone'", "level"),
    ("unknown verdict", zone(verdict="verboden"), RULES, "rule 'r-zone'", "verdict"),
    ("unknown layer", zone(layer="zonnes"), RULES, "rule 'r-zone'", "layer"),
    ("unknown class", zone(classes=["zoone"]), RULES, "rule 'r-zone'", "classes"),
    ("a layer without area", zone(layer="breuk", classes=[]), RULES, "rule 'r-zone'", "layer"),
    ("unknown province", zone(regions=["PV99"]), RULES, "rule 'r-zone'", "regions"),
    ("unknown rule", zone(exempts=["r-kwijt"]), RULES, "rule 'r-zone'", "exempts"),
    ("unknown parameter", zone(within="kwijt"), RULES, "rule 'r-zone'", "within"),
    ("unknown depth", zone(deeper_than="kwijt"), RULES, "rule 'r-zone'", "deeper_than"),
    ("unknown activity", zone(activities=["boring", "magie"]), RULES, "rule 'r-zone'", "activities"),
    ("unknown group", zone(activities=["borng"]), RULES, "rule 'r-zone'", "activities"),
    ("overlapping validity", overlapping, RULES, "rule 'r-zone'", "valid_to"),
    ("ends before it begins", zone(valid_to=date(2023, 1, 1)), RULES, "rule 'r-zone'", "valid_to"),
    ("rule twice", twice(RULES, "rule"), RULES, "rule 'r-zone'", "valid_to"),
    ("unknown source", zone(source={"id": "papir"}), RULES, "rule 'r-zone'", "source"),
    ("unknown source beside", zone(also=[PAPER, {"id": "papir"}]), RULES, "rule 'r-zone'", "also.1"),
    ("a source without id", zone(source={"article": "1"}), RULES, "rule 'r-zone'", "source"),
    ("a source written out", zone(source=PAPER | {"url": "https://x"}), RULES, "rule 'r-zone'", "source"),
    ("too long a quote", zone(source=PAPER | {"quote_nl": WORDS_26}), RULES, "rule 'r-zone'", "quote_nl"),
    ("uncertain without doubt", zone(confidence="uncertain"), RULES, "rule 'r-zone'", "doubt"),
    ("assumption of a law", zone(confidence="assumption"), RULES, "rule 'r-zone'", "confidence"),
    ("own idea, yet known", zone(source=OWN_IDEA), RULES, "rule 'r-zone'", "source"),
    ("source twice", twice(SOURCES, "source"), SOURCES, "source 'papier'", "id"),
    ("parameter twice", twice(PARAMETERS, "parameter"), PARAMETERS, "parameter 'breuk-afstand'", "id"),
    ("activity twice", twice("activities.toml", "activity"), "activities.toml", "activity 'warmte'", "id"),
    ("group twice", twice("activity_groups.toml", "group"), "activity_groups.toml", "group 'boring'", "id"),
    ("concern twice", twice("concerns/test.toml", "concern"), "concerns/test.toml", "concern 'zorg-overal'", "id"),
    ("procedure twice", twice("procedures.toml", "procedure"), "procedures.toml", "procedure 'vergunning'", "id"),
    ("pair twice", twice("compatibility.toml", "pair"), "compatibility.toml", "pair 'warmte-bodem'", "id"),
    ("place twice", twice("control_points.toml", "control_point"), "control_points.toml", "control_point 'cp1'", "id"),
    ("term twice", twice("glossary.toml", "term"), "glossary.toml", "term 'zone'", "id"),
    ("case twice", twice("cases/test.toml", "case"), "cases/test.toml", "case 'Zone'", "name"),
    (
        "unknown activity in a group",
        first("activity_groups.toml", "group", activities=["warmte", "bodem", "magie"]),
        "activity_groups.toml",
        "group 'boring'",
        "activities",
    ),
    *(
        (f"published {value!r}", first(SOURCES, "source", published=value), SOURCES, "source 'papier'", "published")
        for value in PUBLISHED_WRONG
    ),
]


@pytest.mark.parametrize(
    ("change", "file", "entry", "key"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES]
)
def test_a_mistake_gives_one_message_with_file_entry_and_key(
    tiny_world: World, change: Change, file: str, entry: str, key: str
) -> None:
    [message] = messages(tiny_world, change)
    assert re.match(rf"([\w.-]+/)*{re.escape(file)}: {re.escape(entry)}: ", message)
    problem = message.partition(f"{entry}: ")[2]
    assert re.search(rf"(?<![\w.]){re.escape(key)}(?![\w.])", problem)
    # One mistake, told once: a further one would follow after a semicolon, with its own key.
    assert not re.search(r"; (?!known)[\w.]+: ", problem)
    assert "Value error" not in message
    assert str(tiny_world.knowledge) not in message


@pytest.mark.parametrize(
    ("change", "meant"),
    [
        (zone(valid_form=TODAY), "valid_from"),
        (zone(layer="zonnes"), "zones"),
        (zone(classes=["zoone"]), "zone"),
        (zone(activities=["warmtee"]), "warmte"),
        (zone(activities=["borng"]), "boring"),
        (zone(source={"id": "papir"}), "papier"),
        (zone(deeper_than="diepp"), "diep"),
    ],
)
def test_the_message_names_what_was_probably_meant(tiny_world: World, change: Change, meant: str) -> None:
    [message] = messages(tiny_world, change)
    assert message.endswith(f"(did you mean {meant!r}?)")


def test_two_mistakes_give_two_messages(tiny_world: World) -> None:
    def change(tables: Tables) -> None:
        zone(classes=["zoone"])(tables)
        tables[RULES]["rule"][1].update(exempts=["r-kwijt"])

    assert len(messages(tiny_world, change)) == 2


def test_what_is_right_gives_none(tiny_world: World) -> None:
    right = zone(source=PAPER | {"quote_nl": WORDS_25}, confidence="uncertain", doubt=["open_norm"])
    assert messages(tiny_world, right) == ()


@pytest.mark.parametrize("published", [date(2018, 3, 9), "2018-03", "2018"])
def test_a_day_a_month_and_a_year_of_publication_are_right(tiny_world: World, published: object) -> None:
    assert messages(tiny_world, first(SOURCES, "source", published=published)) == ()
    assert read_knowledge(tiny_world.knowledge).rules[0].source.published == published


def test_a_source_that_nothing_cites_is_a_warning(tiny_world: World) -> None:
    extra = PUBLICATIONS[0] | {"id": "ongelezen"}
    [message] = messages(tiny_world, lambda tables: tables[SOURCES]["source"].append(extra))
    assert message.endswith("sources/papier.toml: source 'ongelezen': nothing cites it")


def test_a_file_with_changes_is_refused_in_the_same_words(tiny_world: World) -> None:
    base = tiny_world.read_knowledge()
    draft = tiny_tables()[RULES]["rule"][0]
    for name, data, named in (
        ("source.toml", {"rule": [draft | {"source": {"id": "papir"}}]}, ["rule 'r-zone'", "source", "papier"]),
        ("key.toml", {"rule": [draft | {"valid_form": TODAY}]}, ["rule 'r-zone'", "valid_form"]),
        ("away.toml", {"removed": ["r-zonne"]}, ["removed", "'r-zonne'", "r-zone"]),
        ("table.toml", {"rules": [draft]}, ["rules", "[[rule]]"]),
    ):
        write_tables(tiny_world.workspace, {name: data})
        with pytest.raises(DeclarationError) as caught:
            with_changes(base, tiny_world.workspace / name)
        for word in (name, *named):
            assert word in str(caught.value)

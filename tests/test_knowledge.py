"""The knowledge base and its check: every mistake in a file is refused, with the name of file and entry."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from worlds import (
    PAPER,
    TODAY,
    Tables,
    World,
    activity,
    concern,
    layer,
    pair,
    parameter,
    rule,
    tiny_tables,
    write_tables,
)

from dgdo_geo.catalogue import read_catalogue
from dgdo_geo.check import CheckResult, check, check_references, stale_statements
from dgdo_geo.errors import DeclarationError, InputError, NotInForceError
from dgdo_geo.knowledge import KNOWLEDGE_DIR, KnowledgeBase, read_knowledge

Change = Callable[[Tables], object]


def read_changed(folder: Path, change: Change) -> KnowledgeBase:
    tables = tiny_tables()
    change(tables)
    return read_knowledge(write_tables(folder / "knowledge", tables))


def check_changed(world: World, change: Change, today: date = TODAY) -> CheckResult:
    tables = tiny_tables()
    change(tables)
    shutil.rmtree(world.knowledge)
    write_tables(world.knowledge, tables)
    return check(world.open(), today)


def rules(tables: Tables) -> list[dict[str, Any]]:
    return tables["rules/test.toml"]["rule"]


def cases(tables: Tables) -> list[dict[str, Any]]:
    return tables["cases/test.toml"]["case"]


def requirement(**limits: str) -> dict[str, Any]:
    return {"quantity_nl": "dikte", "text_nl": "Dik genoeg.", "confidence": "known", "source": PAPER} | limits


def place(tables: Tables) -> dict[str, Any]:
    return tables["control_points.toml"]["control_point"][0]


# What is refused on reading ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda t: rules(t)[0].update(valid_form=TODAY), ["rules/test.toml", "'r-zone'", "valid_form"]),
        (lambda t: rules(t)[1].pop("level"), ["rules/test.toml", "'r-kern'", "level", "required"]),
        (lambda t: rules(t)[0].update(verdict="verboden"), ["rules/test.toml", "'r-zone'", "verboden", "no_unless"]),
        (lambda t: rules(t)[0].update(valid_from="gisteren"), ["rules/test.toml", "'r-zone'", "valid_from"]),
        (lambda t: rules(t)[0].pop("id"), ["rules/test.toml", "number 1", "id"]),
        (lambda t: t["rules/test.toml"].update(rules=[]), ["rules/test.toml", "unknown table ['rules']", "[[rule]]"]),
        (lambda t: t["activities.toml"]["activity"][0].update(depth=1), ["activities.toml", "'warmte'", "depth"]),
        (lambda t: t["activities.toml"]["activity"][0].update(bands=[]), ["activities.toml", "'warmte'", "bands"]),
        (
            lambda t: t["activities.toml"]["activity"].append(activity("bodem", [(0, 1)])),
            ["activities.toml", "'bodem'"],
        ),
        (
            lambda t: t["parameters.toml"]["parameter"][0].update(value=1),
            ["parameters.toml", "'breuk-afstand'", "value"],
        ),
        (lambda t: t["parameters.toml"]["parameter"][0].update(values=[]), ["parameters.toml", "'breuk-afstand'"]),
        (
            lambda t: t["parameters.toml"]["parameter"].append(parameter("diep", {TODAY: 1})),
            ["parameters.toml", "'diep'", "twice"],
        ),
        (
            lambda t: t["concerns/test.toml"]["concern"].append(concern("zorg-noord")),
            ["concerns", "'zorg-noord'", "twice"],
        ),
        (lambda t: t["concerns/test.toml"]["concern"][0].update(kind="klacht"), ["concerns/test.toml", "kind"]),
        (
            lambda t: t["control_points.toml"]["control_point"].append(place(t)),
            ["control_points.toml", "'cp1'", "twice"],
        ),
        (lambda t: place(t).pop("x"), ["control_points.toml", "'cp1'", "x"]),
        (lambda t: place(t)["expect"][0].pop("verdict"), ["control_points.toml", "'cp1'", "expects nothing"]),
        (lambda t: place(t).update(expect=[]), ["control_points.toml", "'cp1'", "expect"]),
        (lambda t: t["compatibility.toml"]["pair"][0].update(a=[]), ["compatibility.toml", "'warmte-bodem'", "a"]),
        (
            lambda t: t["concern_coverage.toml"]["section"][0].update(concerns=[]),
            ["concern_coverage.toml", "'A.1'", "concerns"],
        ),
        (lambda t: t["activity_groups.toml"]["group"][0].pop("name_nl"), ["activity_groups.toml", "'boring'"]),
        (lambda t: t["sources/papier.toml"]["source"][0].pop("read_as_nl"), ["papier.toml", "'papier'", "read_as_nl"]),
        (lambda t: t["sources/papier.toml"]["source"][0].update(kind="krant"), ["papier.toml", "'papier'", "kind"]),
        (lambda t: t["activities.toml"]["activity"][0].pop("status"), ["activities.toml", "'warmte'", "status"]),
        (
            lambda t: t["activities.toml"]["activity"][0].pop("well_needs_nl"),
            ["activities.toml", "'warmte'", "well_needs_nl"],
        ),
        (
            lambda t: t["procedures.toml"]["procedure"][0]["steps"][0].pop("source"),
            ["procedures.toml", "'vergunning'", "steps.0.source"],
        ),
        (
            lambda t: t["procedures.toml"]["procedure"][0]["steps"][0].update(phase="dromen"),
            ["procedures.toml", "'vergunning'", "steps.0.phase"],
        ),
        (lambda t: cases(t)[0].update(activity=[]), ["cases/test.toml", "'Zone'", "activity"]),
        (lambda t: cases(t)[0]["expect"].update(verdikt="x"), ["cases/test.toml", "'Zone'", "verdikt"]),
        (lambda t: cases(t)[0]["evidence"][0].update(depth=1), ["cases/test.toml", "'Zone'", "depth"]),
        (lambda t: t["procedures.toml"]["procedure"][0].pop("steps"), ["procedures.toml", "'vergunning'", "steps"]),
        (lambda t: t["glossary.toml"]["term"][0].pop("term_nl"), ["glossary.toml", "'zone'", "term_nl"]),
        (lambda t: t["rulebase.toml"].pop("covers_from"), ["rulebase.toml", "covers_from"]),
        (lambda t: t["rulebase.toml"].update(author="x"), ["rulebase.toml", "author"]),
        (lambda t: t.pop("rulebase.toml"), ["rulebase.toml"]),
        (lambda t: t.pop("activities.toml"), ["activities.toml"]),
        (lambda t: t.pop("activity_groups.toml"), ["activity_groups.toml"]),
        (lambda t: t.pop("compatibility.toml"), ["compatibility.toml"]),
        (lambda t: t.pop("concern_coverage.toml"), ["concern_coverage.toml"]),
    ],
)
def test_a_mistake_in_a_file_is_refused_with_file_and_name(tmp_path: Path, change: Change, named: list[str]) -> None:
    with pytest.raises(DeclarationError) as caught:
        read_changed(tmp_path, change)
    for word in named:
        assert word in str(caught.value)
    assert caught.value.message_nl != str(caught.value)


def test_a_missing_file_is_named_without_the_path_of_this_machine(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError) as caught:
        read_changed(tmp_path, lambda t: t.pop("activities.toml"))
    assert "activities.toml" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_file_that_is_no_toml_is_refused_by_name(tmp_path: Path) -> None:
    folder = write_tables(tmp_path / "knowledge", tiny_tables())
    (folder / "rules" / "test.toml").write_text('[[rule]]\nid = "a"\nid = "b"\n', encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"rules/test\.toml"):
        read_knowledge(folder)


def test_a_file_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    folder = write_tables(tmp_path / "knowledge", tiny_tables())
    (folder / "rules" / "test.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DeclarationError, match=r"rules/test\.toml"):
        read_knowledge(folder)


def test_a_single_table_in_place_of_a_list_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=r"rules/test\.toml"):
        read_changed(tmp_path, lambda t: t["rules/test.toml"].update(rule=rules(t)[0]))


def test_a_rule_base_without_rules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="rule"):
        read_changed(tmp_path, lambda t: t.pop("rules/test.toml"))


def test_a_procedure_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="vergunning"):
        read_changed(
            tmp_path,
            lambda t: t["procedures.toml"]["procedure"].append(t["procedures.toml"]["procedure"][0]),
        )


# What is asked of it -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return read_knowledge(write_tables(tmp_path_factory.mktemp("paper") / "knowledge", tiny_tables()))


def test_a_date_before_the_rules_begin_is_refused(paper: KnowledgeBase) -> None:
    assert paper.applicable("warmte", date(2024, 1, 1))
    with pytest.raises(NotInForceError) as caught:
        paper.applicable("warmte", date(2023, 12, 31))
    assert "2023-12-31" in str(caught.value)
    assert "2024-01-01" in caught.value.message_nl


def test_an_unknown_activity_is_refused_with_the_known_ones(paper: KnowledgeBase) -> None:
    with pytest.raises(InputError, match="warmte, bodem, zout"):
        paper.applicable("magie", TODAY)


def test_a_rule_is_gone_the_day_after_it_ends(paper: KnowledgeBase) -> None:
    def on(day: date) -> set[str]:
        return {r.id for r in paper.applicable("bodem", day)}

    always = {"r-zone", "r-kern", "r-schuin"}
    assert on(date(2024, 12, 31)) == always
    assert on(date(2025, 1, 1)) == always | {"r-2025"}
    assert on(date(2025, 12, 31)) == always | {"r-2025"}
    assert on(date(2026, 1, 1)) == always


def test_a_parameter_has_a_history_and_no_value_before_it(paper: KnowledgeBase) -> None:
    assert paper.value("breuk-afstand", date(2025, 12, 31)) == 300
    assert paper.value("breuk-afstand", date(2026, 1, 1)) == 500
    with pytest.raises(NotInForceError):
        paper.value("breuk-afstand", date(2023, 12, 31))


def test_the_overlay_hears_of_every_distance_that_ever_held(paper: KnowledgeBase) -> None:
    assert paper.distances() == {"breuk": (300, 500)}


@pytest.mark.parametrize(
    ("top", "base", "found"),
    [
        (0, 500, []),
        (0, 500.5, ["vergunning"]),
        (1249.5, 3000, ["vergunning", "diepe-vergunning"]),
        (1250, 3000, ["diepe-vergunning"]),
        (600, 700, ["vergunning"]),
        (3000, 4000, []),
    ],
)
def test_a_procedure_holds_where_it_meets_the_band(
    paper: KnowledgeBase, top: float, base: float, found: list[str]
) -> None:
    assert [p.id for p in paper.procedures_for("warmte", top, base)] == found
    assert [p.id for p in paper.procedures_for("bodem", top, base)] == (["melding"] if top < 1000 else [])


def test_a_group_stands_for_its_activities(tmp_path: Path) -> None:
    def name_both(tables: Tables) -> None:
        rules(tables)[0].update(activities=["zout", "boring", "bodem"])
        tables["procedures.toml"]["procedure"][0].update(activities=["boring"])
        tables["concerns/test.toml"]["concern"][0].update(activities=["boring"])

    knowledge = read_changed(tmp_path, name_both)
    assert knowledge.rules[0].activities == ("zout", "warmte", "bodem")
    assert knowledge.procedures[0].activities == ("warmte", "bodem")
    assert knowledge.concerns[0].activities == ("warmte", "bodem")
    assert "r-zone" in {r.id for r in knowledge.applicable("bodem", TODAY)}


def test_a_citation_has_what_the_list_of_sources_says(paper: KnowledgeBase) -> None:
    source = paper.rules[0].source
    assert (source.id, source.article, source.title) == ("papier", "1", "Wet op papier")
    assert (source.published, source.read_as_nl) == ("2018", "Zelf geschreven.")
    assert {cited.id for cited in paper.citations()} == set(paper.sources)
    assert paper.files["rule r-zone"].endswith("rules/test.toml")


def test_a_pair_is_found_from_both_sides(tmp_path: Path, paper: KnowledgeBase) -> None:
    assert paper.pair("warmte", "bodem") is paper.pair("bodem", "warmte") is paper.pairs[0]
    assert paper.pair("warmte", "zout") is None

    def both(tables: Tables) -> None:
        here, there = pair("warmte", "bodem", asymmetry_nl="Heen."), pair("bodem", "warmte", asymmetry_nl="Terug.")
        tables["compatibility.toml"]["pair"] = [here, there]

    two = read_changed(tmp_path, both)
    assert [p.asymmetry_nl for p in (two.pair("warmte", "bodem"), two.pair("bodem", "warmte")) if p] == [
        "Heen.",
        "Terug.",
    ]


def test_the_hash_follows_what_decides_an_answer(tmp_path: Path) -> None:
    def hash_of(name: str, change: Change) -> str:
        return read_changed(tmp_path / name, change).hash

    same = hash_of("same", lambda t: None)
    assert hash_of("again", lambda t: None) == same
    assert hash_of("glossary", lambda t: t["glossary.toml"]["term"].clear()) == same
    assert hash_of("rule", lambda t: rules(t)[0].update(verdict="attention")) != same
    assert hash_of("number", lambda t: t["parameters.toml"]["parameter"][0]["values"][0].update(value=1)) != same
    assert hash_of("coverage", lambda t: t["concern_coverage.toml"]["section"][0].update(title_nl="x")) == same
    assert hash_of("place", lambda t: place(t).update(x=1.0)) == same
    assert hash_of("source", lambda t: t["sources/papier.toml"]["source"][0].update(title="Wet")) != same
    assert hash_of("group", lambda t: t["activity_groups.toml"]["group"][0].update(name_nl="x")) != same
    assert hash_of("pair", lambda t: t["compatibility.toml"]["pair"][0].update(stacked="excluded")) != same
    assert hash_of("band", lambda t: t["activities.toml"]["activity"][0]["bands"][0].update(top_m=1)) != same


# What the check finds ----------------------------------------------------------------------


def test_the_drawing_and_its_rules_are_right(tiny_world: World) -> None:
    result = check(tiny_world.open(), TODAY)
    assert result.errors == ()
    assert result.warnings == ()
    assert result.counts == {
        "layers": 9,
        "activities": 3,
        "rules": 9,
        "parameters": 2,
        "sources": 2,
        "procedures": 3,
        "pairs": 1,
        "concerns": 3,
        "sections": 1,
        "terms": 1,
        "cases": 8,
        "control_points": 1,
    }
    assert result.to_dict() == {"counts": result.counts, "errors": [], "warnings": []}


RULES, CASES, CONCERNS = "rules/test.toml", "cases/test.toml", "concerns/test.toml"
POINTS, ACTIVITIES, PROCEDURES = "control_points.toml", "activities.toml", "procedures.toml"


@pytest.mark.parametrize(
    ("file", "change", "error"),
    [
        (RULES, lambda t: rules(t)[0].update(layer="zonnes"), "rule 'r-zone': layer: unknown layer 'zonnes'"),
        (
            RULES,
            lambda t: rules(t)[0].update(classes=["zoone"]),
            "rule 'r-zone': classes: unknown class of layer 'zones' 'zoone'",
        ),
        (
            RULES,
            lambda t: rules(t)[0].update(activities=["warmte", "magie"]),
            "rule 'r-zone': activities: unknown activity 'magie'",
        ),
        (
            RULES,
            lambda t: rules(t)[0].update(exempts=["r-kwijt"]),
            "rule 'r-zone': exempts: unknown exempted rule 'r-kwijt'",
        ),
        (RULES, lambda t: rules(t)[0].update(regions=["PV99"]), "rule 'r-zone': regions: unknown province 'PV99'"),
        (
            RULES,
            lambda t: rules(t)[3].pop("within"),
            "rule 'r-breuk': layer: 'breuk' has no area; `within` is needed",
        ),
        (
            RULES,
            lambda t: rules(t).append(rule("r-zone", activities=["bodem"], valid_from=date(2026, 1, 1))),
            "rule 'r-zone': valid_to: validity overlaps, from 2026-01-01",
        ),
        (
            RULES,
            lambda t: rules(t).append(rule("r-nieuw", layer="natuur", verdict="attention")),
            "rule 'r-nieuw': no (passing) case fires it",
        ),
        (
            RULES,
            lambda t: rules(t).append(rule("r-nieuw", layer="natuur", verdict="attention")),
            "rule 'r-nieuw': no (passing) case says where it must not fire",
        ),
        (RULES, lambda t: cases(t).pop(3), "rule 'r-breuk': no (passing) case fires it"),
        (RULES, lambda t: cases(t)[0]["expect"].pop("alternatives"), "rule 'r-schuin': no (passing) case fires it"),
        (RULES, lambda t: cases(t).pop(7), "rule 'r-zone': no (passing) case says where it must not fire"),
        (
            RULES,
            lambda t: cases(t)[7]["expect"].update(quiet=["r-zone"]),
            "rule 'r-schuin': no (passing) case says where it must not fire",
        ),
        (CASES, lambda t: cases(t).append(cases(t)[0]), "case 'Zone': name: stands 2 times"),
        (
            CASES,
            lambda t: cases(t)[0]["expect"].update(verdict="attention"),
            "case 'Zone': verdict: expected attention, got excluded",
        ),
        (CASES, lambda t: cases(t)[0]["expect"].update(rules=[]), "case 'Zone': rules: expected [], got ['r-zone']"),
        (
            CASES,
            lambda t: cases(t)[0]["expect"].update(unanswered=["r-kern"]),
            "case 'Zone': unanswered: expected ['r-kern'], got []",
        ),
        (
            CASES,
            lambda t: cases(t)[0]["expect"].update(conclusive=False),
            "case 'Zone': conclusive: expected False, got True",
        ),
        (
            CASES,
            lambda t: cases(t)[0]["expect"].pop("alternatives"),
            "case 'Zone': alternatives: expected {}, got {'r-schuin': 'conditional'}",
        ),
        (
            CASES,
            lambda t: cases(t)[0]["expect"]["alternatives"].update({"r-schuin": "excluded"}),
            "case 'Zone': alternatives: expected {'r-schuin': 'excluded'}, got {'r-schuin': 'conditional'}",
        ),
        (
            CASES,
            lambda t: cases(t)[0]["expect"]["rules"].append("r-schuin"),
            "case 'Zone': rules: expected ['r-schuin', 'r-zone'], got ['r-zone']",
        ),
        (
            CASES,
            lambda t: cases(t)[0]["expect"]["quiet"].append("r-zone"),
            "case 'Zone': quiet: ['r-zone'] fire or are not answered",
        ),
        (
            CASES,
            lambda t: cases(t)[1].update(missing=["zones"]),
            "case 'Kern': unanswered: expected [], got ['r-kern', 'r-zone']",
        ),
        (
            CASES,
            lambda t: cases(t)[0]["expect"]["quiet"].append("r-natuur"),
            "case 'Zone': quiet: the case is not about rule 'r-natuur': other activity and other layer",
        ),
        (CASES, lambda t: cases(t)[0]["expect"]["quiet"].append("r-x"), "case 'Zone': quiet: unknown rule 'r-x'"),
        (CASES, lambda t: cases(t)[0]["expect"]["rules"].append("r-x"), "case 'Zone': rules: unknown rule 'r-x'"),
        (
            CASES,
            lambda t: cases(t)[0]["expect"].update(alternatives={"r-x": "excluded"}),
            "case 'Zone': alternatives: unknown rule 'r-x'",
        ),
        (CASES, lambda t: cases(t)[0].update(activity="magie"), "case 'Zone': activity: unknown activity 'magie'"),
        (
            CASES,
            lambda t: cases(t)[0].update(activity=["warmte", "magie"]),
            "case 'Zone': activity: unknown activity 'magie'",
        ),
        (CASES, lambda t: cases(t)[0].update(on=date(2023, 1, 1)), "case 'Zone': no rules before 2024-01-01"),
        (CASES, lambda t: cases(t)[0].update(missing=["zonnes"]), "case 'Zone': missing: unknown layer 'zonnes'"),
        (
            CASES,
            lambda t: cases(t)[0].update(evidence=[{"layer": "zones", "class": "zoone"}]),
            "case 'Zone': evidence: unknown class of layer 'zones' 'zoone'",
        ),
        (
            CASES,
            lambda t: cases(t)[0].update(evidence=[{"layer": "zonnes", "class": "zone"}]),
            "case 'Zone': evidence: unknown layer 'zonnes'",
        ),
        (
            ACTIVITIES,
            lambda t: t[ACTIVITIES]["activity"][0].update(potential_layers=["potentie_lucht"]),
            "activity 'warmte': potential_layers: unknown layer 'potentie_lucht'",
        ),
        (
            ACTIVITIES,
            lambda t: t[ACTIVITIES]["activity"][0].update(potential_layers=["zones"]),
            "activity 'warmte': potential_layers: layer 'zones' is not a potential layer",
        ),
        (
            ACTIVITIES,
            lambda t: t[ACTIVITIES]["activity"].append(activity("vergeten", [(0, 10)])),
            "activity 'vergeten': no rule mentions it",
        ),
        (
            ACTIVITIES,
            lambda t: t[PROCEDURES]["procedure"].pop(1),
            "activity 'warmte': no procedure for 1250-3000 m",
        ),
        (
            ACTIVITIES,
            lambda t: t[ACTIVITIES]["activity"][0].update(requirements=[requirement(at_least="kwijt")]),
            "activity 'warmte': requirements: unknown parameter 'kwijt'",
        ),
        (
            CONCERNS,
            lambda t: t[CONCERNS]["concern"][0].update(activities=["magie"]),
            "concern 'zorg-overal': activities: unknown activity 'magie'",
        ),
        (
            CONCERNS,
            lambda t: t[CONCERNS]["concern"][0].update(regions=["Midden"]),
            "concern 'zorg-overal': regions: unknown region 'Midden'",
        ),
        (
            CONCERNS,
            lambda t: t["concern_coverage.toml"]["section"][0]["concerns"].pop(0),
            "concern 'zorg-overal': no section of concern_coverage.toml names it",
        ),
        (
            "concern_coverage.toml",
            lambda t: t["concern_coverage.toml"]["section"][0]["concerns"].append("zorg-weg"),
            "section 'A.1': concerns: unknown concern 'zorg-weg'",
        ),
        (
            PROCEDURES,
            lambda t: t[PROCEDURES]["procedure"][0].update(activities=["warmte", "magie"]),
            "procedure 'vergunning': activities: unknown activity 'magie'",
        ),
        (
            "compatibility.toml",
            lambda t: t["compatibility.toml"]["pair"].append(pair("warmte", "magie")),
            "pair 'warmte-magie': a, b: unknown activity 'magie'",
        ),
        (
            "compatibility.toml",
            lambda t: t["compatibility.toml"]["pair"].append(pair("warmte", "bodem", id="nog-eens")),
            "pair 'nog-eens': a, b: stands already as 'warmte-bodem'",
        ),
        (
            "compatibility.toml",
            lambda t: t["compatibility.toml"]["pair"].append(pair("bodem", "warmte")),
            "pair 'bodem-warmte': asymmetry_nl: 'warmte-bodem' is the same pair the other way round",
        ),
        (
            "glossary.toml",
            lambda t: t["glossary.toml"]["term"][0].update(see=["vlak"]),
            "term 'zone': see: unknown term 'vlak'",
        ),
        (
            POINTS,
            lambda t: place(t)["expect"][0].update(verdict="attention"),
            "control_point 'cp1': (In zone A) warmte: verdict: expected attention, got excluded",
        ),
        (
            POINTS,
            lambda t: place(t)["expect"][0].update(potential="none"),
            "control_point 'cp1': (In zone A) warmte: potential: expected none, got unknown, promising",
        ),
        (
            POINTS,
            lambda t: place(t)["expect"][0].update(conclusive=False),
            "control_point 'cp1': (In zone A) warmte: conclusive: expected False, got True",
        ),
        (
            POINTS,
            lambda t: place(t)["expect"][0].update(depth_m=[1500, 2000], potential="unknown"),
            "control_point 'cp1': (In zone A) warmte: potential: expected unknown, got promising",
        ),
        (
            POINTS,
            lambda t: place(t)["expect"].append({"activity": "magie", "verdict": "excluded"}),
            "control_point 'cp1': (In zone A) unknown activity 'magie'",
        ),
        (POINTS, lambda t: place(t).update(x=0), "control_point 'cp1': (In zone A) point (0"),
        (
            "rulebase.toml",
            lambda t: t["rulebase.toml"].update(elsewhere={"R02": "beleid"}),
            "elsewhere: row R01 is neither a rule nor elsewhere",
        ),
    ],
)
def test_the_check_names_what_is_wrong(tiny_world: World, file: str, change: Change, error: str) -> None:
    found = check_changed(tiny_world, change).errors
    wanted = re.compile(rf"([\w.-]+/)*{re.escape(file)}: {re.escape(error)}")
    assert [e for e in found if wanted.match(e)], found


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("concerns/test.toml", "concerns"),
        ("cases/test.toml", "cases"),
        ("control_points.toml", "control_points"),
        ("concern_coverage.toml", "sections"),
        ("compatibility.toml", "pairs"),
        ("procedures.toml", "procedures"),
        ("glossary.toml", "terms"),
    ],
)
def test_a_check_of_nothing_is_an_error(tiny_world: World, file: str, what: str) -> None:
    def empty(tables: Tables) -> None:
        tables[file] = {key: [] for key in tables[file]}

    assert f"{what}: none found, nothing was checked" in check_changed(tiny_world, empty).errors


@pytest.mark.parametrize(("distance", "fires"), [(0, True), (499.9, True), (500, True), (500.1, False)])
def test_a_case_at_exactly_the_distance_of_a_rule_fires_it(tiny_world: World, distance: float, fires: bool) -> None:
    def move(tables: Tables) -> None:
        cases(tables)[3]["evidence"][0]["within_m"] = distance

    errors = check_changed(tiny_world, move).errors
    assert any(e.endswith("case 'Breuk': rules: expected ['r-breuk'], got []") for e in errors) is not fires


def test_two_versions_of_a_rule_may_follow_each_other(tiny_world: World) -> None:
    def replace(tables: Tables, first_day: date) -> None:
        rules(tables)[0]["valid_to"] = date(2025, 12, 31)
        rules(tables).append(rule("r-zone", activities=["boring"], classes=["zone"], valid_from=first_day))

    assert check_changed(tiny_world, lambda t: replace(t, date(2026, 1, 1))).errors == ()


def test_two_versions_of_a_rule_may_not_share_a_day(tiny_world: World) -> None:
    def replace(tables: Tables) -> None:
        rules(tables)[0]["valid_to"] = date(2025, 12, 31)
        rules(tables).insert(0, rule("r-zone", classes=["zone"], valid_from=date(2025, 12, 31)))

    [error] = check_changed(tiny_world, replace).errors
    assert error.endswith("rules/test.toml: rule 'r-zone': valid_to: validity overlaps, from 2025-12-31")


def test_a_statement_that_nobody_checked_for_a_year_is_a_warning(tiny_world: World) -> None:
    explorer = tiny_world.open()
    assert check(explorer, TODAY + timedelta(days=365)).warnings == ()
    warnings = check(explorer, TODAY + timedelta(days=366)).warnings
    for file, entry in (
        ("rules/test.toml", "rule 'r-zone'"),
        ("parameters.toml", "parameter 'diep'"),
        ("procedures.toml", "procedure 'vergunning'"),
        ("compatibility.toml", "pair 'warmte-bodem'"),
    ):
        assert [w for w in warnings if w.endswith(f"{file}: {entry}: last checked on 2026-11-23")]
    assert len(warnings) == 9 + 2 + 3 + 1


def test_a_parameter_that_no_rule_or_activity_uses_is_a_warning(tmp_path: Path) -> None:
    def add(tables: Tables) -> None:
        tables["parameters.toml"]["parameter"].append(parameter("los", {TODAY: 1}))

    [warning] = stale_statements(read_changed(tmp_path / "loose", add), TODAY)
    assert warning.endswith("parameters.toml: parameter 'los': no rule or activity uses it")

    def use(tables: Tables) -> None:
        add(tables)
        tables["activities.toml"]["activity"][0].update(requirements=[requirement(at_least="los")])

    assert stale_statements(read_changed(tmp_path / "used", use), TODAY) == []


@pytest.mark.parametrize("key", ["within", "deeper_than", "shallower_than"])
def test_a_dangling_parameter_is_named(tmp_path: Path, key: str) -> None:
    knowledge = read_changed(tmp_path, lambda t: rules(t)[3].update({key: "kwijt"}))
    layers = {i: layer(i) for i in ("zones", "schets", "natuur")} | {"breuk": layer("breuk", geometry="line")}
    problems = [e for e in check_references(knowledge, layers) if "'r-breuk'" in e]
    assert [e.partition("rules/test.toml: ")[2] for e in problems] == [
        f"rule 'r-breuk': {key}: unknown parameter 'kwijt'"
    ]


@pytest.mark.parametrize("key", ["within", "deeper_than", "shallower_than"])
def test_the_check_survives_a_dangling_parameter(tiny_world: World, key: str) -> None:
    result = check_changed(tiny_world, lambda t: rules(t)[3].update({key: "kwijt"}))
    [error] = result.errors
    assert error.endswith(f"rules/test.toml: rule 'r-breuk': {key}: unknown parameter 'kwijt'")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda t: cases(t)[0].update(depth_m=[1250, 500]), "Zone"),
        (lambda t: cases(t)[0]["evidence"][0].update(top_m="diep"), "Zone"),
    ],
)
def test_the_check_survives_a_depth_that_is_none(tiny_world: World, change: Change, name: str) -> None:
    try:
        errors = check_changed(tiny_world, change).errors
    except DeclarationError as error:
        errors = (str(error),)
    assert [e for e in errors if name in e]


def test_the_check_finds_a_rule_that_is_older_than_its_parameter(tiny_world: World) -> None:
    def late(tables: Tables) -> None:
        tables["parameters.toml"]["parameter"][1]["values"][0]["valid_from"] = date(2025, 1, 1)

    assert [e for e in check_changed(tiny_world, late).errors if "diep" in e]


def test_depth_bands_out_of_order_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="bands"):
        read_changed(tmp_path, lambda t: t["activities.toml"]["activity"][0]["bands"].reverse())


def test_a_layer_that_was_changed_on_disk_is_an_error(tiny_world: World) -> None:
    (tiny_world.home("zones") / "product.parquet").write_bytes(b"something else")
    errors = check(tiny_world.open(), TODAY).errors
    assert [e for e in errors if e.startswith("layer zones: ")]


# The catalogue -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('id = "zones"', 'id = "zone"', ["zones/layer.toml", "'zone' is not the folder name 'zones'"]),
        ("accuracy_m", "acuracy_m", ["zones/layer.toml", "acuracy_m"]),
        ('absence = "conclusive"', 'absence = "maybe"', ["zones/layer.toml", "absence"]),
        ('quality = "official"', 'quality = "official', ["zones/layer.toml"]),
        ('licence = "EUPL-1.2"\n', "", ["zones/layer.toml", "licence", "required"]),
    ],
)
def test_a_mistake_in_a_layer_file_is_refused_with_its_name(
    tiny_world: World, old: str, new: str, named: list[str]
) -> None:
    path = tiny_world.home("zones") / "layer.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DeclarationError) as caught:
        read_catalogue([tiny_world.shipped])
    for word in named:
        assert word in str(caught.value)


def test_a_layer_in_two_themes_is_refused(tiny_world: World) -> None:
    shutil.copytree(tiny_world.home("zones"), tiny_world.shipped / "elders" / "zones")
    with pytest.raises(DeclarationError, match="layer 'zones': id: stands twice"):
        read_catalogue([tiny_world.shipped])


def test_a_catalogue_without_layers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=r"no layer\.toml"):
        read_catalogue([tmp_path])


def test_the_written_declaration_reads_back_the_same(tiny_world: World) -> None:
    entries = read_catalogue([tiny_world.shipped])
    assert len(entries) == 9
    assert entries["natuur"].product_path is None
    assert entries["natuur"].layer == layer("natuur", ["natuur"], family="nature")
    stored = entries["zones"].layer
    assert stored.model_copy(update={"product": None, "sha256": None}) == layer("zones", ["zone", "kern"])


# The shipped knowledge ---------------------------------------------------------------------


def test_every_rule_of_the_shipped_base_has_a_passing_case_on_its_own_days() -> None:
    knowledge = read_knowledge(KNOWLEDGE_DIR)
    by_id = {r.id for r in knowledge.rules}
    fired = {rule_id for c in knowledge.cases for rule_id in (*c.expect.rules, *c.expect.alternatives)}
    assert by_id
    assert by_id <= fired
    for one in knowledge.cases:
        for rule_id in (*one.expect.rules, *one.expect.alternatives):
            assert any(r.id == rule_id and r.in_force(one.on) for r in knowledge.rules), one.name


def test_no_rule_of_the_shipped_base_is_older_than_its_parameters() -> None:
    knowledge = read_knowledge(KNOWLEDGE_DIR)
    named = 0
    for one in knowledge.rules:
        first = max(one.valid_from, knowledge.info.covers_from)
        for parameter_id in {one.within, one.deeper_than, one.shallower_than} - {None}:
            named += 1
            assert knowledge.parameters[str(parameter_id)].at(first) is not None, (one.id, parameter_id)
    assert named

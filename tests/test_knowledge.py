"""The knowledge base and its check: every mistake in a file is refused, with the name of file and entry."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from worlds import (
    TODAY,
    Tables,
    World,
    activity,
    concern,
    layer,
    parameter,
    rule,
    tiny_tables,
    write_tables,
)

from dgdo_geo.catalogue import read_catalogue
from dgdo_geo.check import CheckResult, check, check_references
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
            lambda t: t["control_points.toml"]["control_point"].append(t["control_points.toml"]["control_point"][0]),
            ["control_points.toml", "'cp1'", "twice"],
        ),
        (lambda t: t["control_points.toml"]["control_point"][0].pop("x"), ["control_points.toml", "'cp1'", "x"]),
        (lambda t: cases(t)[0]["expect"].update(verdikt="x"), ["cases/test.toml", "'Zone'", "verdikt"]),
        (lambda t: cases(t)[0]["evidence"][0].update(depth=1), ["cases/test.toml", "'Zone'", "depth"]),
        (lambda t: t["procedures.toml"]["procedure"][0].pop("steps"), ["procedures.toml", "'vergunning'", "steps"]),
        (lambda t: t["glossary.toml"]["term"][0].pop("term_nl"), ["glossary.toml", "'zone'", "term_nl"]),
        (lambda t: t["rulebase.toml"].pop("covers_from"), ["rulebase.toml", "covers_from"]),
        (lambda t: t["rulebase.toml"].update(author="x"), ["rulebase.toml", "author"]),
        (lambda t: t.pop("rulebase.toml"), ["rulebase.toml"]),
        (lambda t: t.pop("activities.toml"), ["activities.toml"]),
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

    assert on(date(2024, 12, 31)) == {"r-zone", "r-kern"}
    assert on(date(2025, 1, 1)) == {"r-zone", "r-kern", "r-2025"}
    assert on(date(2025, 12, 31)) == {"r-zone", "r-kern", "r-2025"}
    assert on(date(2026, 1, 1)) == {"r-zone", "r-kern"}


def test_a_parameter_has_a_history_and_no_value_before_it(paper: KnowledgeBase) -> None:
    assert paper.value("breuk-afstand", date(2025, 12, 31)) == 300
    assert paper.value("breuk-afstand", date(2026, 1, 1)) == 500
    with pytest.raises(NotInForceError):
        paper.value("breuk-afstand", date(2023, 12, 31))


def test_the_overlay_hears_of_every_distance_that_ever_held(paper: KnowledgeBase) -> None:
    assert paper.distances() == {"breuk": (300, 500)}


@pytest.mark.parametrize(
    ("top", "base", "found"), [(0, 500, 0), (0, 500.5, 1), (1249.5, 3000, 1), (1250, 3000, 0), (600, 700, 1)]
)
def test_a_procedure_holds_where_it_meets_the_band(paper: KnowledgeBase, top: float, base: float, found: int) -> None:
    assert len(paper.procedures_for("warmte", top, base)) == found
    assert paper.procedures_for("bodem", top, base) == ()


def test_the_hash_follows_what_decides_an_answer(tmp_path: Path) -> None:
    def hash_of(name: str, change: Change) -> str:
        return read_changed(tmp_path / name, change).hash

    same = hash_of("same", lambda t: None)
    assert hash_of("again", lambda t: None) == same
    assert hash_of("glossary", lambda t: t["glossary.toml"]["term"].clear()) == same
    assert hash_of("rule", lambda t: rules(t)[0].update(verdict="attention")) != same
    assert hash_of("number", lambda t: t["parameters.toml"]["parameter"][0]["values"][0].update(value=1)) != same
    assert hash_of("band", lambda t: t["activities.toml"]["activity"][0]["bands"][0].update(top_m=1)) != same


# What the check finds ----------------------------------------------------------------------


def test_the_drawing_and_its_rules_are_right(tiny_world: World) -> None:
    result = check(tiny_world.open(), TODAY)
    assert result.errors == ()
    assert result.warnings == ()
    assert result.counts == {
        "layers": 9,
        "activities": 3,
        "rules": 8,
        "parameters": 2,
        "concerns": 3,
        "cases": 7,
        "control_points": 1,
    }
    assert result.to_dict() == {"counts": result.counts, "errors": [], "warnings": []}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda t: rules(t)[0].update(layer="zonnes"), "rule 'r-zone': unknown layer 'zonnes'"),
        (lambda t: rules(t)[0].update(classes=["zoone"]), "rule 'r-zone': unknown class of layer 'zones' 'zoone'"),
        (lambda t: rules(t)[0].update(activities=["warmte", "magie"]), "rule 'r-zone': unknown activity 'magie'"),
        (lambda t: rules(t)[0].update(exempts=["r-kwijt"]), "rule 'r-zone': unknown exempted rule 'r-kwijt'"),
        (lambda t: rules(t)[0].update(regions=["PV99"]), "rule 'r-zone': unknown province 'PV99'"),
        (lambda t: rules(t)[3].pop("within"), "rule 'r-breuk': layer 'breuk' has no area; `within` is needed"),
        (
            lambda t: rules(t).append(rule("r-zone", activities=["bodem"], valid_from=date(2026, 1, 1))),
            "rule 'r-zone': validity overlaps, from 2026-01-01",
        ),
        (lambda t: rules(t).append(rule("r-nieuw", verdict="attention")), "rule 'r-nieuw': no (passing) case fires it"),
        (lambda t: cases(t).pop(1), "rule 'r-kern': no (passing) case fires it"),
        (lambda t: cases(t).append(cases(t)[0]), "case 'Zone' stands 2 times"),
        (
            lambda t: cases(t)[0]["expect"].update(verdict="attention"),
            "case 'Zone': verdict: expected attention, got excluded",
        ),
        (lambda t: cases(t)[0]["expect"].update(rules=[]), "case 'Zone': rules: expected [], got ['r-zone']"),
        (
            lambda t: cases(t)[0]["expect"].update(unanswered=["r-kern"]),
            "case 'Zone': unanswered: expected ['r-kern'], got []",
        ),
        (lambda t: cases(t)[0]["expect"].update(conclusive=False), "case 'Zone': conclusive: expected False, got True"),
        (lambda t: cases(t)[0].update(activity="magie"), "case 'Zone': unknown activity 'magie'"),
        (lambda t: cases(t)[0].update(on=date(2023, 1, 1)), "case 'Zone': no rules before 2024-01-01"),
        (lambda t: cases(t)[0].update(missing=["zonnes"]), "case 'Zone': missing: unknown layer 'zonnes'"),
        (
            lambda t: cases(t)[0]["evidence"][0].update({"class": "zoone"}),
            "case 'Zone': evidence: unknown class 'zoone'",
        ),
        (lambda t: cases(t)[0]["evidence"][0].update(layer="zonnes"), "case 'Zone': evidence: unknown layer 'zonnes'"),
        (
            lambda t: t["activities.toml"]["activity"][0].update(potential_layers=["potentie_lucht"]),
            "activity 'warmte': unknown layer 'potentie_lucht'",
        ),
        (
            lambda t: t["activities.toml"]["activity"][0].update(potential_layers=["zones"]),
            "activity 'warmte': layer 'zones' is not a potential layer",
        ),
        (
            lambda t: t["activities.toml"]["activity"].append(activity("vergeten", [(0, 10)])),
            "activity 'vergeten': no rule mentions it",
        ),
        (
            lambda t: t["concerns/test.toml"]["concern"][0].update(activities=["magie"]),
            "concern 'zorg-overal': unknown activity",
        ),
        (
            lambda t: t["concerns/test.toml"]["concern"][0].update(regions=["Midden"]),
            "concern 'zorg-overal': unknown region",
        ),
        (
            lambda t: t["procedures.toml"]["procedure"][0].update(activities=["magie"]),
            "procedure 'vergunning': unknown activity",
        ),
        (
            lambda t: t["control_points.toml"]["control_point"][0].update(verdict="attention"),
            "control point 'cp1' (In zone A): verdict: expected attention, got excluded",
        ),
        (
            lambda t: t["control_points.toml"]["control_point"][0].update(potential="none"),
            "control point 'cp1' (In zone A): potential: expected none, got unknown, promising",
        ),
        (
            lambda t: t["control_points.toml"]["control_point"][0].update(conclusive=False),
            "control point 'cp1' (In zone A): conclusive: expected False, got True",
        ),
        (
            lambda t: t["control_points.toml"]["control_point"][0].pop("verdict"),
            "control point 'cp1' (In zone A): expects nothing",
        ),
        (
            lambda t: t["control_points.toml"]["control_point"][0].update(x=0),
            "control point 'cp1' (In zone A): point (0",
        ),
    ],
)
def test_the_check_names_what_is_wrong(tiny_world: World, change: Change, error: str) -> None:
    found = check_changed(tiny_world, change).errors
    assert [e for e in found if e.startswith(error)], found


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("concerns/test.toml", "concerns"),
        ("cases/test.toml", "cases"),
        ("control_points.toml", "control_points"),
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
    assert ("case 'Breuk': rules: expected ['r-breuk'], got []" in errors) is not fires


def test_two_versions_of_a_rule_may_follow_each_other(tiny_world: World) -> None:
    def replace(tables: Tables, first_day: date) -> None:
        rules(tables)[0]["valid_to"] = date(2025, 12, 31)
        rules(tables).append(rule("r-zone", activities=["warmte", "bodem"], classes=["zone"], valid_from=first_day))

    assert check_changed(tiny_world, lambda t: replace(t, date(2026, 1, 1))).errors == ()


def test_two_versions_of_a_rule_may_not_share_a_day(tiny_world: World) -> None:
    def replace(tables: Tables) -> None:
        rules(tables)[0]["valid_to"] = date(2025, 12, 31)
        rules(tables).insert(0, rule("r-zone", classes=["zone"], valid_from=date(2025, 12, 31)))

    assert "rule 'r-zone': validity overlaps, from 2025-12-31" in check_changed(tiny_world, replace).errors


def test_a_statement_that_nobody_checked_for_a_year_is_a_warning(tiny_world: World) -> None:
    explorer = tiny_world.open()
    assert check(explorer, TODAY + timedelta(days=365)).warnings == ()
    warnings = check(explorer, TODAY + timedelta(days=366)).warnings
    assert "rule 'r-zone': last checked on 2026-11-23" in warnings
    assert "parameter 'diep': last checked on 2026-11-23" in warnings
    assert "procedure 'vergunning': last checked on 2026-11-23" in warnings
    assert len(warnings) == 8 + 2 + 1


def test_a_parameter_that_no_rule_uses_is_a_warning(tiny_world: World) -> None:
    result = check_changed(tiny_world, lambda t: t["parameters.toml"]["parameter"].append(parameter("los", {TODAY: 1})))
    assert result.warnings == ("parameter 'los': no rule uses it",)


@pytest.mark.parametrize("key", ["within", "deeper_than", "shallower_than"])
def test_a_dangling_parameter_is_named(tmp_path: Path, key: str) -> None:
    knowledge = read_changed(tmp_path, lambda t: rules(t)[3].update({key: "kwijt"}))
    layers = {i: layer(i) for i in ("zones", "schets", "natuur")} | {"breuk": layer("breuk", geometry="line")}
    assert "rule 'r-breuk': unknown parameter 'kwijt'" in check_references(knowledge, layers)


@pytest.mark.parametrize("key", ["within", "deeper_than", "shallower_than"])
def test_the_check_survives_a_dangling_parameter(tiny_world: World, key: str) -> None:
    result = check_changed(tiny_world, lambda t: rules(t)[3].update({key: "kwijt"}))
    assert "rule 'r-breuk': unknown parameter 'kwijt'" in result.errors


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
    with pytest.raises(DeclarationError, match="'zones' stands twice"):
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
    fired = {rule_id for c in knowledge.cases for rule_id in c.expect.rules}
    assert by_id
    assert by_id <= fired
    for one in knowledge.cases:
        for rule_id in one.expect.rules:
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
